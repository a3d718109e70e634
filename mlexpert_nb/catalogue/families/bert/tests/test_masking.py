"""Masking: how many tokens are masked, what stands in their place, and what is to be predicted."""

import pytest
import torch

from model import ModelConfig, mask_tokens

CONFIG = ModelConfig(vocab_size=5000, mask_token_id=7)


def masked(rows=400, length=100, seed=0, maskable=None):
    ids = torch.randint(100, 5000, (rows, length), generator=torch.Generator().manual_seed(1))
    maskable = torch.ones(rows, length).bool() if maskable is None else maskable
    return (ids, *mask_tokens(ids, maskable, CONFIG, torch.Generator().manual_seed(seed)))


def test_fifteen_of_a_hundred_tokens_are_to_be_predicted_in_every_sequence():
    ids, _, labels = masked()
    chosen = labels != -100
    assert (chosen.sum(1) == 15).all()
    assert torch.equal(labels[chosen], ids[chosen])
    shares = chosen.double().mean(0)
    assert shares.min() > 0.08
    assert shares.max() < 0.23


def test_of_these_most_become_the_mask_some_are_random_and_some_stay():
    ids, read, labels = masked()
    chosen = labels != -100
    is_mask, stays = read[chosen] == 7, read[chosen] == ids[chosen]
    other = read[chosen][~is_mask & ~stays]
    assert is_mask.double().mean() == pytest.approx(0.8, abs=0.02)
    assert stays.double().mean() == pytest.approx(0.1, abs=0.02)
    assert len(other) / len(is_mask) == pytest.approx(0.1, abs=0.02)
    assert other.double().mean() == pytest.approx(2500, abs=250)
    assert other.max() > 4700


def test_what_is_not_chosen_is_read_as_it_is():
    ids, read, labels = masked()
    assert torch.equal(read[labels == -100], ids[labels == -100])


def test_nothing_is_masked_where_nothing_may_be():
    maskable = torch.rand(200, 40, generator=torch.Generator().manual_seed(2)) < 0.5
    ids, read, labels = masked(200, 40, maskable=maskable)
    assert torch.equal(read[~maskable], ids[~maskable])
    assert (labels[~maskable] == -100).all()
    assert torch.equal((labels != -100).sum(1), (0.15 * maskable.sum(1)).round().clamp_min(1).long())


def test_a_short_sequence_has_one_masked_token_and_one_without_words_none():
    maskable = torch.tensor([[True, False, False], [False, False, False]])
    _, _, labels = masked(2, 3, maskable=maskable)
    assert (labels != -100).tolist() == [[True, False, False], [False, False, False]]


def test_the_generator_decides_and_the_ids_are_left_as_they_were():
    ids, read, labels = masked(seed=3)
    _, again, same = masked(seed=3)
    _, other, _ = masked(seed=4)
    assert torch.equal(read, again)
    assert torch.equal(labels, same)
    assert not torch.equal(read, other)
    assert ids.min() >= 100
    torch.manual_seed(5)
    first = mask_tokens(ids, ids > 0, CONFIG)[0]
    assert not torch.equal(first, mask_tokens(ids, ids > 0, CONFIG)[0])
    torch.manual_seed(5)
    assert torch.equal(first, mask_tokens(ids, ids > 0, CONFIG)[0])
