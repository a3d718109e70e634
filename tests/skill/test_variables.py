"""Variables of the notebook: what is told of them, and that nothing of theirs is run to find out."""

import subprocess
import sys
import weakref
from types import ModuleType

import numpy as np
import pytest
import torch
from IPython.core.interactiveshell import InteractiveShell

from mlexpert_nb.skill.variables import MAX_NAME, MAX_VARIABLES, describe, describe_variables


class Ran(BaseException):
    """Raised by anything of the user's that was run."""


def _trap(*_args, **_kwargs):
    raise Ran


class Trapped:
    """An object of which every way to look at it is a trap."""

    __getattribute__ = __getattr__ = __repr__ = __str__ = __len__ = __iter__ = __bool__ = _trap
    __eq__ = __hash__ = __format__ = __reduce_ex__ = __sizeof__ = __dir__ = _trap
    __class__ = property(_trap)
    __dict__ = property(_trap)
    shape = dtype = device = property(_trap)


class TrappedMeta(type):
    """A metaclass that answers for its classes."""

    __getattribute__ = __instancecheck__ = __subclasscheck__ = __repr__ = _trap


class TrappedArray(np.ndarray):
    """A subclass that overrides what is asked of arrays."""

    shape = dtype = property(_trap)


class TrappedTensor(torch.Tensor):
    """A subclass to which torch's own getters hand over."""

    @classmethod
    def __torch_function__(cls, *args, **kwargs):
        raise Ran


class TrappedNetwork(torch.nn.Module):
    """A network with traps on the way to its parameters."""

    def __init__(self):
        super().__init__()
        self.inner = torch.nn.Linear(3, 4)

    __getattr__ = parameters = named_parameters = modules = children = __len__ = __iter__ = _trap
    _parameters_of = property(_trap)


class Imposter:
    """A class that claims to be torch's."""

    shape = dtype = device = property(_trap)


Imposter.__module__, Imposter.__qualname__, Imposter.__name__ = "torch", "Tensor", "Tensor"


@pytest.mark.parametrize(
    ("value", "facts"),
    [
        (torch.zeros(2, 3), {"type": "torch.Tensor", "shape": [2, 3], "dtype": "float32", "device": "cpu"}),
        (
            torch.nn.Parameter(torch.zeros(5, dtype=torch.bfloat16)),
            {"type": "torch.nn.parameter.Parameter", "shape": [5], "dtype": "bfloat16", "device": "cpu"},
        ),
        (torch.empty(4, device="meta"), {"type": "torch.Tensor", "shape": [4], "dtype": "float32", "device": "meta"}),
        (np.zeros((2, 0), np.int16), {"type": "numpy.ndarray", "shape": [2, 0], "dtype": "int16"}),
        (np.array(["a"]), {"type": "numpy.ndarray", "shape": [1], "dtype": "str"}),
        (np.zeros(2, [("a", "i4")]), {"type": "numpy.ndarray", "shape": [2], "dtype": "structured"}),
        (torch.nn.Linear(3, 4), {"type": "torch.nn.modules.linear.Linear", "parameters": 16}),
        (torch.nn.LazyLinear(4), {"type": "torch.nn.modules.linear.LazyLinear"}),
        ("s3cret", {"type": "str"}),
        ([1, 2], {"type": "list"}),
        (describe, {"type": "function"}),
        (Trapped, {"type": "type"}),
    ],
    ids=lambda value: type(value).__name__,
)
def test_of_a_variable_its_type_and_measures_are_told(value, facts):
    assert describe("x", value) == {"name": "x", **facts}


def test_parameters_that_are_shared_count_once():
    network = torch.nn.Sequential(torch.nn.Linear(3, 3), torch.nn.Linear(3, 3))
    network[1].weight = network[0].weight
    network.append(network[0])
    assert describe("net", network)["parameters"] == 9 + 3 + 3


def test_a_network_that_holds_itself_is_counted():
    network = torch.nn.Linear(3, 4)
    network._modules["again"] = network
    assert describe("net", network)["parameters"] == 16


@pytest.mark.parametrize(
    ("value", "facts"),
    [
        (Trapped(), {}),
        (TrappedMeta("Made", (), {}), {}),
        (TrappedMeta("Made", (), {})(), {}),
        (np.zeros(3).view(TrappedArray), {"shape": [3], "dtype": "float64"}),
        (torch.zeros(3).as_subclass(TrappedTensor), {}),
        (TrappedNetwork(), {"parameters": 16}),
        (Imposter(), {}),
    ],
    ids=["object", "class", "object of that class", "array", "tensor", "network", "imposter"],
)
def test_no_code_of_the_user_is_run(value, facts):
    (told,), left_out = describe_variables({"x": value})
    assert {key: told[key] for key in told if key not in ("name", "type")} == facts
    assert left_out == 0


def test_a_weak_reference_is_told_as_one():
    network = torch.nn.Linear(1, 1)
    assert describe("x", weakref.proxy(network))["type"] == "weakref.CallableProxyType"


def test_a_pandas_frame_is_measured_by_the_property_of_pandas(monkeypatch):
    def shape(_self):
        return (891, 12)

    shape.__module__ = "pandas.core.frame"
    frame = type("DataFrame", (), {"shape": property(shape), "__module__": "pandas"})
    _pretend_pandas(monkeypatch, frame)
    assert describe("df", frame()) == {"name": "df", "type": "pandas.DataFrame", "shape": [891, 12]}
    heir = type("MyFrame", (frame,), {"shape": property(_trap)})
    assert "shape" not in describe("df", heir())


def test_a_frame_of_somebody_elses_pandas_is_not_measured(monkeypatch):
    frame = type("DataFrame", (), {"shape": property(_trap), "__module__": "pandas"})
    _pretend_pandas(monkeypatch, frame)
    assert describe("df", frame()) == {"name": "df", "type": "pandas.DataFrame"}


def _pretend_pandas(monkeypatch, frame):
    pandas = ModuleType("pandas")
    pandas.DataFrame = frame
    monkeypatch.setitem(sys.modules, "pandas", pandas)


def test_a_fresh_shell_has_no_variables_to_tell():
    assert describe_variables(InteractiveShell().user_ns) == ((), 0)


def test_private_names_modules_and_odd_keys_are_left_out():
    told, _ = describe_variables({"_x": 1, "__y": 2, "np": np, 3: 4, "In": [], "b": 1, "a": 2})
    assert [each["name"] for each in told] == ["a", "b"]


def test_the_first_variables_by_name_are_told_and_the_rest_counted():
    told, left_out = describe_variables({f"v{n:04}": n for n in reversed(range(MAX_VARIABLES + 7))})
    assert [each["name"] for each in told] == [f"v{n:04}" for n in range(MAX_VARIABLES)]
    assert left_out == 7


def test_names_are_cut_to_a_length_that_fits():
    told = describe("n" * 500, type("T" * 500, (), {})())
    assert (len(told["name"]), len(told["type"])) == (MAX_NAME, MAX_NAME)


def test_describing_imports_no_library():
    code = (
        "import sys; from mlexpert_nb.skill import gather, Asked; "
        "gather('Implement a transformer', Asked(), namespace={'x': 1, 's': 's3cret'}); "
        "print([name for name in ('torch', 'numpy', 'pandas', 'pypdf', 'IPython', 'anthropic') if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
