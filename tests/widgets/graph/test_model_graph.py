"""ModelGraph: the numbers that papers give, odd models, and that the model is left as it was."""

import json
import warnings
import xml.etree.ElementTree as ET
from dataclasses import dataclass

import pytest
import torch
from torch import nn
from torch.utils.flop_counter import FlopCounterMode
from widgets.graph.models import GPT2, ResNet50, chain, nest10k, nested

from mlexpert_widgets import ModelGraph

IDS = torch.zeros(1, 64, dtype=torch.long)


def counted(model, *inputs):
    """What torch's own counter finds, on the meta device, where nothing is fused."""
    model = model.to("meta").eval()
    with FlopCounterMode(display=False) as counter, torch.no_grad():
        model(*(each.to("meta") for each in inputs))
    return counter.get_total_flops()


def real_shapes(model, inputs):
    """Run a model, and give the shape of what each module gave first."""
    shapes = {}

    def note(name):
        def hook(_module, _given, out):
            shapes.setdefault(name, (out[0] if isinstance(out, tuple) else out).shape)

        return hook

    hooks = [module.register_forward_hook(note(name)) for name, module in model.named_modules()]
    torch.backends.mha.set_fastpath_enabled(False)
    with torch.no_grad():
        model.eval()(*inputs)
    torch.backends.mha.set_fastpath_enabled(True)
    for hook in hooks:
        hook.remove()
    return shapes


@pytest.mark.parametrize("fused", [True, False])
def test_gpt2_has_the_published_parameters_and_cost(fused):
    graph = ModelGraph(GPT2(fused=fused), IDS)
    assert graph.num_parameters == 124_439_808
    assert graph.flops == 15_963_095_040
    assert graph.node("head").tied == {"weight": "tokens"}
    assert graph.node("head").num_parameters == graph.node("tokens").num_parameters == 38_597_376
    assert str(graph.node("blocks.3.attention.qkv").outputs[0]) == "1×64×2304"
    assert graph.notes == []


def test_gpt2_of_transformers_has_the_same():
    from transformers import GPT2Config, GPT2LMHeadModel  # noqa: PLC0415 - seconds to import, for this test alone

    graph = ModelGraph(GPT2LMHeadModel(GPT2Config()), {"input_ids": IDS})
    assert graph.num_parameters == 124_439_808
    assert graph.flops == pytest.approx(15.963e9, rel=1e-4)


def test_resnet50_has_the_published_parameters_and_cost():
    graph = ModelGraph(ResNet50(), torch.zeros(1, 3, 224, 224))
    assert graph.num_parameters == 25_557_032
    assert graph.flops == 8_178_368_512
    assert graph.node("head").macs == 2048 * 1000
    assert graph.node("stages.0.0.relu").calls == 3


@pytest.mark.parametrize(
    ("model", "inputs"),
    [
        (GPT2(num_layers=2, dim=96, num_heads=4), (IDS,)),
        (nn.MultiheadAttention(32, 4, batch_first=True), (torch.zeros(2, 5, 32),) * 3),
        (nn.TransformerEncoderLayer(32, 4, 64, batch_first=True), (torch.zeros(2, 5, 32),)),
        (nn.Transformer(32, 4, 2, 2, 64, batch_first=True), (torch.zeros(1, 5, 32), torch.zeros(1, 6, 32))),
        (nn.Sequential(nn.Conv1d(3, 8, 3, stride=2, padding=1, groups=1), nn.ReLU()), (torch.zeros(2, 3, 17),)),
        (nn.Sequential(nn.Conv2d(4, 8, 3, groups=4, dilation=2), nn.BatchNorm2d(8)), (torch.zeros(2, 4, 9, 9),)),
        (nn.Sequential(nn.ConvTranspose2d(4, 2, 3, stride=2), nn.GroupNorm(1, 2)), (torch.zeros(2, 4, 5, 5),)),
        (nn.Conv2d(3, 4, 3, padding="same", padding_mode="circular"), (torch.zeros(1, 3, 8, 8),)),
        (nested(3, 2), (torch.zeros(1, 8, 16),)),
    ],
    ids=lambda each: type(each).__name__ if isinstance(each, nn.Module) else "",
)
def test_cost_and_shapes_are_those_of_a_real_run(model, inputs):
    graph = ModelGraph(model, inputs)
    shapes = real_shapes(model, inputs)
    for name, shape in shapes.items():
        assert graph.node(name).outputs[0].shape == tuple(shape), name
    assert graph.flops == counted(model, *inputs)


@pytest.mark.parametrize(("kind", "gates"), [(nn.LSTM, 4), (nn.GRU, 3), (nn.RNN, 1)])
def test_a_recurrent_layer_costs_its_gates_at_every_step(kind, gates):
    graph = ModelGraph(kind(8, 16, num_layers=2, bidirectional=True, batch_first=True), torch.zeros(3, 7, 8))
    steps = 3 * 7 * 2 * 2  # batch, time, directions, two operations a multiply-add
    assert graph.flops == steps * gates * 16 * ((8 + 16) + (32 + 16))


class Twice(nn.Module):
    """Runs its layer twice."""

    def __init__(self):
        super().__init__()
        self.layer = nn.Linear(8, 8)

    def forward(self, x):
        return self.layer(self.layer(x))


def test_a_module_that_is_used_twice_is_one_node_that_costs_twice():
    graph = ModelGraph(Twice(), torch.zeros(2, 8))
    assert [node.path for node in graph.nodes] == ["", "layer"]
    assert (graph.node("layer").calls, graph.num_parameters) == (2, 72)
    assert graph.flops == 2 * 2 * 2 * 8 * 8


class Broken(nn.Module):
    """Its second layer does not fit the first."""

    def __init__(self):
        super().__init__()
        self.first, self.second, self.third = nn.Linear(4, 8), nn.Linear(4, 8), nn.Linear(8, 2)

    def forward(self, x):
        return self.third(self.second(self.first(x)))


def test_a_forward_that_fails_gives_what_ran_and_marks_the_module():
    graph = ModelGraph(Broken(), torch.zeros(2, 4))
    assert graph.node("first").outputs[0].shape == (2, 8)
    assert "mat1 and mat2 shapes cannot be multiplied (2x8 and 4x8)" in graph.node("second").failed
    assert [node.path for node in graph.nodes if node.failed] == ["second"]
    assert graph.node("third").calls == 0
    assert graph.num_parameters == 98
    (note,) = graph.notes
    assert note.startswith("the forward pass stopped in second (Linear): RuntimeError")
    assert "✕" in graph.to_svg()
    assert "✕" in graph.to_text()


@dataclass
class Output:
    """What a model gives."""

    logits: torch.Tensor
    state: tuple


class Odd(nn.Module):
    """Takes a mapping, a tuple with None in it and a flag; gives a dataclass."""

    def __init__(self):
        super().__init__()
        self.a, self.b = nn.Linear(4, 8), nn.Linear(6, 8)

    def forward(self, batch, state=None, *, add=True):
        mask, _ = state
        y = self.a(batch["a"]) + self.b(batch["b"]) if add else self.a(batch["a"])
        return Output(y if mask is None else y * mask, (y, None))


def test_mappings_tuples_none_and_dataclasses_go_in_and_out():
    batch = {"a": torch.zeros(2, 4), "b": torch.zeros(2, 6)}
    for inputs in ((batch, (None, None)), {"batch": batch, "state": (None, 3)}):
        graph = ModelGraph(Odd(), inputs)
        assert graph.notes == []
        assert [node.outputs[0].shape for node in graph.nodes] == [(2, 8)] * 3
    flat = ModelGraph(Odd(), {"batch": batch, "state": (None, None), "add": False})
    assert flat.notes == ["b did not run with these inputs"]


class Looking(nn.Module):
    """Decides by a value, as a network that halts does."""

    def __init__(self):
        super().__init__()
        self.layer, self.norm = nn.Linear(4, 4), nn.BatchNorm1d(4)
        self.register_buffer("seen", torch.zeros(1))

    def forward(self, x):
        self.seen += 1
        for _ in range(3):
            x = self.norm(self.layer(x)) + torch.rand(1)
            if x.sum() > 1e9:
                break
        return x


@pytest.mark.parametrize("fails", [False, True])
def test_the_model_and_the_random_state_are_left_as_they_were(fails):
    model = Looking().train()
    before = {name: each.clone() for name, each in model.state_dict().items()}
    torch.manual_seed(3)
    random = torch.get_rng_state()
    call = nn.Module.__call__
    given = torch.ones(2, 5 if fails else 4)
    graph = ModelGraph(model, given)
    assert bool(graph.notes) is fails
    assert (graph.node("layer").calls == 3) is not fails
    assert {name: torch.equal(each, before[name]) for name, each in model.state_dict().items()} == dict.fromkeys(
        before, True
    )
    assert torch.equal(torch.get_rng_state(), random)
    assert all(module.training for module in model.modules())
    assert nn.Module.__call__ is call
    assert torch.backends.mha.get_fastpath_enabled()
    assert not any(m._forward_hooks or m._forward_pre_hooks or "forward" in m.__dict__ for m in model.modules())
    assert torch.equal(given, torch.ones_like(given))


def test_a_users_hook_still_changes_what_comes_out():
    model = nn.Sequential(nn.Linear(4, 4), nn.ReLU())
    model[0].register_forward_hook(lambda _m, _i, out: out[:1])
    assert ModelGraph(model, torch.zeros(3, 4)).node("1").outputs[0].shape == (1, 4)


def test_a_model_without_weights_has_shapes_and_cost():
    with torch.device("meta"):
        model = GPT2(num_layers=2)
    graph = ModelGraph(model, IDS)
    assert graph.notes == []
    assert graph.node("head").outputs[0].shape == (1, 64, 50257)


def test_without_inputs_there_are_parameters_and_the_order_of_the_children():
    graph = ModelGraph(GPT2(num_layers=2))
    assert graph.flops is None
    assert not graph.exact
    assert graph.notes == ["the arrows follow the order of the children, since nothing has run"]
    assert "stroke-dasharray" in graph.to_svg()


def test_a_layer_without_its_size_yet_is_said_and_not_counted():
    graph = ModelGraph(nn.Sequential(nn.LazyLinear(4), nn.Linear(4, 2)), torch.zeros(1, 7))
    assert graph.num_parameters == 10
    assert "some layers get their parameters in the first call" in graph.notes[0]


def test_a_compiled_model_is_looked_through():
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # torch's own, from importing its compiler
        model = torch.compile(nn.Sequential(nn.Linear(4, 2)))
    graph = ModelGraph(model, torch.zeros(1, 4))
    assert graph.num_parameters == 10
    assert graph.notes == ["the model is compiled; shown is the one that it was compiled from"]


def test_what_runs_inside_torchscript_is_counted_and_said_not_to_be_seen():
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # torch's own: TorchScript is old
        inside = torch.jit.script(nn.Sequential(nn.Linear(4, 4), nn.ReLU()))
    graph = ModelGraph(nn.Sequential(inside, nn.Linear(4, 2), nn.Identity()), torch.zeros(1, 4))
    assert graph.flops == 2 * 4 * 4 + 2 * 4 * 2
    assert graph.notes == ["what runs inside TorchScript (0, 0.0, 0.1) is counted but not seen"]


def test_a_model_in_a_wrapper_is_read_through_it():
    graph = ModelGraph(nn.DataParallel(nn.Sequential(nn.Linear(4, 4))), torch.zeros(1, 4))
    assert graph.node("module.0").outputs[0].shape == (1, 4)
    assert graph.notes == []


def test_something_else_is_refused():
    with pytest.raises(TypeError, match=r"of a torch\.nn\.Module, not of int"):
        ModelGraph(3)
    with pytest.raises(KeyError, match="no module at 'nope'"):
        ModelGraph(nn.ReLU()).node("nope")


def test_ten_thousand_modules_inside_each_other_are_no_error():
    graph = ModelGraph(chain(10_000), torch.zeros(1, 4))
    assert len(graph.nodes) == 10_001
    assert graph.flops == 32
    assert graph.nodes[-1].outputs[0].shape == (1, 4)
    assert graph.notes == []
    assert len(graph.to_svg()) + len(graph.to_mermaid()) < 150_000
    assert graph.to_dot().count("{") == graph.to_dot().count("}")


def test_ten_thousand_modules_beside_each_other_make_small_pictures():
    graph = ModelGraph(nest10k(), torch.zeros(1, 8, 16))
    assert len(graph.nodes) == 10_003
    assert len(graph.to_svg()) < 150_000
    assert "×50" in graph.to_svg()
    assert "×39" in graph.to_text()
    assert len(json.dumps(graph.columns())) < 1_000_000
    assert len(json.loads(graph.to_json())["nodes"]) == 10_003


@pytest.mark.parametrize("model", [GPT2(num_layers=2, dim=96, num_heads=4), ResNet50(), Broken(), nn.ReLU()])
def test_pictures_are_well_formed_and_names_are_text(model):
    model.add_module('<img src=x onerror="alert(1)">', nn.Linear(2, 2))
    graph = ModelGraph(model)
    ET.fromstring(graph.to_svg())  # noqa: S314 - our own text
    assert "<img" not in graph.to_svg()
    assert "<img" not in graph.to_mermaid().replace('["<img', "")
    assert graph.to_dot().startswith("digraph")


def test_the_flow_goes_past_what_a_residual_skips():
    graph = ModelGraph(GPT2(num_layers=1, dim=96, num_heads=4), IDS)
    paths = [node.path for node in graph.nodes]
    edges = {(paths[a], paths[b]) for a, b in graph.edges}
    block = "blocks.0"
    assert (f"{block}.norm_1", f"{block}.attention") in edges
    assert (f"{block}.attention", f"{block}.norm_2") in edges
    assert (block, f"{block}.norm_2") in edges  # what the block was given, past the attention
    assert (f"{block}.attention.qkv", f"{block}.attention.out") in edges
    assert ("tokens", block) in edges
