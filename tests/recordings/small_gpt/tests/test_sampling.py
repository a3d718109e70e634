"""Sampling: what may be drawn, how often, and what is refused.

Shapes: B batch, T time, V vocabulary.
"""

import pytest
import torch

from model import build_model
from model.functional import generate

PROMPT_BT = torch.tensor([[1, 2, 3]])


@pytest.fixture
def model():
    torch.manual_seed(0)
    model = build_model(vocab_size=7, dim=24, num_heads=3, num_layers=1, hidden_dim=40)
    with torch.no_grad():
        model.embedding.weight.mul_(20)  # far from uniform, as a trained network is
    return model


def draw(model, num_rows=2000, **more):
    """Draw one token after the prompt, many times."""
    generator = torch.Generator().manual_seed(0)
    return generate(model, PROMPT_BT.expand(num_rows, -1), 1, generator=generator, **more)[:, -1]


def probabilities(model, temperature):
    return (model(PROMPT_BT)[0, -1].double() / temperature).softmax(-1)


@pytest.mark.parametrize("temperature", [0.5, 1.0, 2.0])
def test_tokens_come_as_often_as_they_should(model, temperature):
    share_V = draw(model, temperature=temperature).bincount(minlength=7) / 2000
    torch.testing.assert_close(share_V.double(), probabilities(model, temperature), rtol=0, atol=0.04)


@pytest.mark.parametrize("top_k", [1, 2, 3])
def test_the_likeliest_tokens_are_drawn_and_no_others(model, top_k):
    likeliest = probabilities(model, 2.0).topk(top_k).indices
    assert draw(model, temperature=2.0, top_k=top_k).unique().tolist() == sorted(likeliest.tolist())


def test_more_than_there_are_is_all_of_them(model):
    assert torch.equal(draw(model, top_k=100), draw(model))


def test_at_zero_the_likeliest_token_is_taken(model):
    assert draw(model, num_rows=3, temperature=0.0).tolist() == [model(PROMPT_BT)[0, -1].argmax().item()] * 3


def test_the_prompt_comes_back_in_front(model):
    ids_BT = generate(model, PROMPT_BT, 5)
    assert ids_BT.shape == (1, 8)
    assert torch.equal(ids_BT[:, :3], PROMPT_BT)


def test_a_seed_gives_the_same_text_again(model):
    first, second = (generate(model, PROMPT_BT, 20, generator=torch.Generator().manual_seed(3)) for _ in range(2))
    assert torch.equal(first, second)


@pytest.mark.parametrize(
    ("prompt_BT", "given", "complaint"),
    [
        (PROMPT_BT[:, :0], {}, "the prompt is empty"),
        (PROMPT_BT, {"temperature": -1.0}, "temperature is -1.0"),
        (PROMPT_BT, {"top_k": 0}, "top_k is 0"),
    ],
)
def test_what_cannot_be_drawn_from_is_refused(model, prompt_BT, given, complaint):
    with pytest.raises(ValueError, match=complaint):
        generate(model, prompt_BT, 1, **given)
