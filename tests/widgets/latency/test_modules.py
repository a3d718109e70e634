"""Time by module, and models that are left as they were."""

import pytest
import torch
from torch import nn

from mlexpert_widgets.latency.clock import Clock, clock_of
from mlexpert_widgets.latency.modules import module_times
from mlexpert_widgets.latency.subject import named_apart, subject


class Ticks:
    """A clock that goes on by one second at each look."""

    def __init__(self):
        self.now = 0

    def stamp(self):
        self.now += 1
        return self.now

    def clock(self):
        return Clock("cpu", self.stamp, lambda: None, lambda start, end: float(end - start))


class Block(nn.Module):
    """Calls one child twice, and goes on when another fails."""

    def __init__(self):
        super().__init__()
        self.twice, self.fails = nn.Linear(2, 2), nn.Linear(3, 3)

    def forward(self, x):
        x = self.twice(self.twice(x))
        try:
            self.fails(x)
        except RuntimeError:
            return x


class Nested(nn.Module):
    """A module that calls itself."""

    def forward(self, x, depth=2):
        return self(x, depth - 1) if depth else x


def test_totals_and_own_times_add_up_by_path():
    model = nn.Sequential(nn.ReLU(), Block())
    found = {
        each.path: each for each in module_times(model, lambda: model(torch.ones(1, 2)), Ticks().clock(), num_calls=3)
    }
    assert list(found) == ["", "0", "1", "1.twice"]
    assert found["1.twice"].calls == 2
    assert found["1.twice"].total_s == found["1.twice"].self_s == 2
    assert found["1"].total_s == 6
    assert found["1"].self_s == 4
    assert found[""].total_s == sum(each.self_s for each in found.values()) == 10
    assert found["1"].kind == "Block"


def test_a_module_within_itself_counts_once():
    model = Nested()
    (found,) = module_times(model, lambda: model(torch.ones(1)), Ticks().clock(), num_calls=1)
    assert (found.calls, found.total_s, found.self_s) == (3, 5, 5)


def test_no_hook_stays_even_if_the_call_fails():
    model = nn.Linear(2, 2)
    with pytest.raises(RuntimeError, match="shapes cannot be multiplied"):
        module_times(model, lambda: model(torch.ones(1, 3)), clock_of("cpu"), num_calls=1)
    assert not model._forward_hooks
    assert not model._forward_pre_hooks


def test_the_model_and_the_random_state_are_as_they_were():
    model = nn.Sequential(nn.Linear(4, 4), nn.BatchNorm1d(4), nn.Dropout(0.5)).train()
    model(torch.randn(3, 4)).sum().backward()
    state = {name: each.clone() for name, each in model.state_dict().items()}
    grads = [each.grad for each in model.parameters()]
    kept = [each.clone() for each in grads]
    measured = subject(model, torch.randn(3, 4), grad=True)
    random = torch.get_rng_state()
    with measured.ready():
        measured.call().sum().backward()
        model[1].register_buffer("running_mean", torch.zeros(4))
    assert all(torch.equal(each, state[name]) for name, each in model.state_dict().items())
    assert all(each.grad is grad for each, grad in zip(model.parameters(), grads, strict=True))
    assert all(torch.equal(grad, each) for grad, each in zip(grads, kept, strict=True))
    assert torch.equal(torch.get_rng_state(), random)
    assert model.training


@pytest.mark.parametrize(
    ("inputs", "wanted"),
    [(None, "()"), (1, "(1,)"), ((1, 2), "(1, 2)"), ([1, 2], "([1, 2],)"), ({"a": 1}, "(){'a': 1}")],
)
def test_inputs_become_arguments(inputs, wanted):
    def told(*args, **named):
        return f"{args}{named or ''}"

    made = subject(told, inputs, grad=None)
    assert made.call() == wanted
    assert made.name == "told"


def test_a_module_records_no_gradients_and_a_function_does_as_it_likes():
    model = nn.Linear(1, 1)
    for fn, grad, wanted in (
        (model, None, False),
        (model, True, True),
        (model.forward, None, True),
        (abs, False, False),
    ):
        made = subject(fn, torch.ones(1), grad=grad)
        with made.ready():
            assert torch.is_grad_enabled() is wanted
    assert subject(model.forward, None, grad=None).model is model


def test_two_of_one_name_get_letters():
    model = nn.Linear(1, 1)
    assert [each.name for each in named_apart([subject(model, None, grad=None)] * 2)] == ["Linear A", "Linear B"]


def test_what_cannot_be_called_or_compared_is_refused():
    with pytest.raises(TypeError, match="of a function or a module, not of Tensor"):
        subject(torch.ones(1), None, grad=None)
    elsewhere = subject(nn.Identity(), torch.ones(1), grad=None)
    object.__setattr__(elsewhere, "device", "cuda")
    with pytest.raises(ValueError, match="must run on one device, not on cpu and cuda"):
        named_apart([elsewhere, subject(nn.Identity(), torch.ones(1), grad=None)])
