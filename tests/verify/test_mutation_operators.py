"""The faults that can be planted: what each operator writes, and what none of them touches."""

import ast

import pytest

from mlexpert_nb.verify.mutation import OPERATORS, choose, mutants
from mlexpert_nb.verify.mutation.choice import fatal
from mlexpert_nb.verify.mutation.operators import count_by

HEAD = "def forward(self, x, y, mask, state=None):\n    "


def planted(operator: str, statement: str) -> list[str]:
    """Give what an operator makes of one statement of a forward pass."""
    found = mutants({"src/model/net.py": HEAD + statement + "\n"})
    return [mutant.new_source.removeprefix(HEAD).rstrip() for mutant in found if mutant.operator == operator]


@pytest.mark.parametrize(
    ("operator", "statement", "expected"),
    [
        ("mask dropped", "return attend(x, is_causal=True)", ["return attend(x, is_causal=False)"]),
        ("mask dropped", "return attend(x, attn_mask=mask)", ["return attend(x, attn_mask=None)"]),
        ("mask dropped", "return x.masked_fill(mask, 0.0)", ["return x"]),
        ("mask dropped", "return torch.where(mask, x, y)", ["return x"]),
        ("mask dropped", "return x * mask.unsqueeze(-1)", ["return x"]),
        ("mask dropped", "return x[~mask]", ["return x[mask]"]),
        ("mask dropped", "return torch.tril(x)", ["return torch.triu(x)"]),
        ("bound off by one", "return torch.tril(x)", ["return torch.tril(x, 1)"]),
        ("bound off by one", "return x.triu(1)", ["return x.triu(1 + 1)"]),
        ("bound off by one", "return torch.triu(x, diagonal=n)", ["return torch.triu(x, diagonal=n + 1)"]),
        ("bound off by one", "return x[:, -self.window :]", ["return x[:, (-self.window) + 1 :]"]),
        ("bound off by one", "return x[low:high]", ["return x[low + 1:high]", "return x[low:high - 1]"]),
        ("bound off by one", "return [x for _ in range(n)]", ["return [x for _ in range(n - 1)]"]),
        ("bound off by one", "return x > self.window - 1", ["return x > self.window"]),
        ("axis swapped", "return x.softmax(-1)", ["return x.softmax(-2)"]),
        ("axis swapped", "return F.softmax(x, dim=1)", ["return F.softmax(x, dim=0)"]),
        ("axis swapped", "return torch.cat([x, y], 0)", ["return torch.cat([x, y], 1)"]),
        ("axis swapped", "return x.transpose(1, 2)", ["return x"]),
        ("axis swapped", "return make(batch_first=True)", ["return make(batch_first=False)"]),
        ("scale dropped", "return x / math.sqrt(d)", ["return x"]),
        ("scale dropped", "return d**-0.5 * x", ["return x"]),
        ("scale dropped", "return (x @ y) * self.scale", ["return (x @ y)"]),
        ("scale dropped", "return F.scaled_dot_product_attention(x, y, y, scale=s)",
         ["return F.scaled_dot_product_attention(x, y, y, scale=1.0)"]),
        ("residual dropped", "return x + self.mlp(self.norm(x))", ["return self.mlp(self.norm(x))"]),
        ("residual dropped", "x = self.mlp(y) + x", ["x = self.mlp(y)"]),
        ("residual dropped", "x += self.mlp(x)", ["x = self.mlp(x)"]),
        ("residual dropped", "return x + self.drop(z @ v)", ["return self.drop(z @ v)"]),
        ("norm dropped", "return self.norm_1(x)", ["return x"]),
        ("norm dropped", "return F.normalize(x + y, dim=-1)", ["return (x + y)"]),
        ("detach changed", "return x.detach() * y", ["return x * y"]),
        ("detach changed", "return x + self.mlp(x)", ["return x + self.mlp(x).detach()"]),
        ("detach changed", "return self.head(x)", ["return self.head(x.detach())"]),
        ("no_grad removed", "with torch.no_grad():\n        return x", ["with torch.enable_grad():\n        return x"]),
        ("dropout left on", "return F.dropout(x, self.p, self.training)", ["return F.dropout(x, self.p, True)"]),
        ("dropout left on", "return self.drop(x)", ["return type(self.drop)(self.drop.p)(x)"]),
        ("wrong reduction", "return x.mean(1)", ["return x.sum(1)"]),
        ("wrong reduction", "return torch.argmax(x)", ["return torch.argmin(x)"]),
        ("wrong reduction", 'return F.mse_loss(x, y, reduction="sum")', ['return F.mse_loss(x, y, reduction="mean")']),
        ("wrong reduction", "return max(x, 1)", ["return min(x, 1)"]),
        ("wrong index", "return x[:, 0]", ["return x[:, -1]"]),
        ("wrong index", "return x[-1]", ["return x[0]"]),
        ("wrong index", "return x[0], x[1]", ["return x[-1], x[1]"]),
        ("stale state", "return x, self.cell(x, state)", ["return x, state"]),
        ("arithmetic swapped", "return x + y", ["return (x - y)"]),
        ("arithmetic swapped", "return self.gate(x) * y", ["return (self.gate(x) / y)"]),
        ("boundary moved", "return key_pos > query_pos - y", ["return (key_pos >= (query_pos - y))"]),
        ("activation swapped", "return F.gelu(x, approximate='tanh')", ["return F.relu(x)"]),
        ("activation swapped", "return x.sigmoid()", ["return x.tanh()"]),
        ("activation swapped", "return nn.SiLU()(x)", ["return nn.ReLU()(x)"]),
        ("condition negated", "return x if flag else y", ["return x if (not flag) else y"]),
    ],
)  # fmt: skip
def test_an_operator_writes_exactly_its_fault(operator, statement, expected):
    assert planted(operator, statement) == expected


def test_every_operator_is_shown_above():
    shown = next(mark for mark in test_an_operator_writes_exactly_its_fault.pytestmark if mark.name == "parametrize")
    assert {case[0] for case in shown.args[1]} == set(OPERATORS)


@pytest.mark.parametrize(
    "statement",
    [
        '"""Say a + b."""',
        "raise ValueError(f'{x + 1} is not {y[-1]}')",
        "z: x[-1] = y",
        "return x + self.eps",
        "return x + 1e-8",
        "return x.shape[-1]",
        "return nn.init.normal_(x, std=d**-0.5)",
        "return x.view(a * b, -1)",
        "return [x] + [y]",
        "return 'long' if flag else 'short'",
        "return x.norm()",
        "return attend(x, is_causal=False, attn_mask=None)",
        "return torch.randint(0, high - 1, size)",
        "return x > 0",
        "return len(x) > QUERY_BLOCK",
        "return x[0] @ y",
        "z += [self.mlp(z)]",
    ],
)
def test_what_means_nothing_to_a_network_is_left_alone(statement):
    assert mutants({"src/model/net.py": HEAD + statement + "\n"}) == ()


@pytest.mark.parametrize(
    ("source", "operator"),
    [
        ("def __repr__(self):\n    return self.parts[-1]\n", "wrong index"),
        ("def example_batch(config):\n    return torch.arange(config.n)[: config.n]\n", "bound off by one"),
        ("def __init__(self, dim):\n    self.inner = torch.ones(1) * dim\n", "arithmetic swapped"),
        ("def f(x: Tensor):\n    if len(x) < 1:\n        raise ValueError\n", "boundary moved"),
        ("def f(x: Tensor):\n    if len(x) < 1:\n        raise ValueError\n", "condition negated"),
        ("@torch.no_grad()\ndef f(x):\n    return self.g(x.detach())\n", "detach changed"),
        ("LIMITS = [1, 2][-1]\n", "wrong index"),
        ("def half(size):\n    return size / 2\n", "arithmetic swapped"),
    ],
)
def test_code_that_no_network_depends_on_is_left_alone(source, operator):
    assert operator not in count_by(mutants({"src/model/net.py": source}))


def test_a_decorator_that_keeps_gradients_away_is_taken_off_and_reached_by_the_body():
    source = (
        'class A:\n    @torch.no_grad()\n    def stream(self, x):\n        """Go on."""\n        return self.f(x)\n'
    )
    (mutant,) = [each for each in mutants({"a.py": source}) if each.operator == "no_grad removed"]
    assert "@torch.enable_grad()\n" in mutant.new_source
    assert (mutant.line, mutant.first_line, mutant.last_line) == (2, 5, 5)


def test_a_mutant_says_where_it_is_and_keeps_every_other_line():
    source = "import torch\n\n\ndef f(ä, x):\n    return (\n        ä\n        + torch.softmax(x, dim=-1)\n    )  # ü\n"
    (axis,) = [each for each in mutants({"src/model/f.py": source}) if each.operator == "axis swapped"]
    assert axis.place == "src/model/f.py:7 axis swapped"
    assert axis.description == "-1: axis -2 stands for -1"
    assert (axis.first_line, axis.last_line) == (5, 8)
    assert axis.new_source == source.replace("-1", "-2")
    assert axis.same_source == source.replace("dim=-1", "dim=(-1, None)[0]")


def test_a_file_that_is_no_python_has_no_mutants():
    assert mutants({"src/model/net.py": "def forward(:\n"}) == ()


SOURCES = {
    "src/model/a.py": HEAD + "z = x + self.mlp(self.norm(x))\n    return z.softmax(-1)[0] if mask else z.mean(1)\n",
    "src/model/b.py": "".join(f"def f{n}(x: Tensor):\n    return x[0] * x[-1]\n\n\n" for n in range(20)),
}


def test_every_mutant_and_every_disguise_is_python_and_only_the_mutant_means_something_else():
    for mutant in mutants(SOURCES):
        before = SOURCES[mutant.path]
        compile(mutant.new_source, mutant.path, "exec")
        compile(mutant.same_source, mutant.path, "exec")
        assert ast.dump(ast.parse(mutant.new_source)) != ast.dump(ast.parse(before))
        assert mutant.same_source != before


def test_the_choice_holds_every_page_and_every_operator_and_is_the_same_each_time():
    found = mutants(SOURCES)
    chosen = choose(found, 12, seed=0)
    assert len(chosen) == 12
    assert {each.operator for each in chosen} == {each.operator for each in found}
    assert {each.path for each in chosen} == set(SOURCES)
    assert max(count_by(chosen).values()) <= 3
    assert [found.index(each) for each in chosen] == sorted(found.index(each) for each in chosen)
    assert chosen == choose(mutants(SOURCES), 12, seed=0)
    assert chosen != choose(found, 12, seed=1)


def test_a_choice_of_more_than_there_are_is_all_of_them():
    found = mutants({"a.py": SOURCES["src/model/a.py"]})
    assert choose(found, 99, seed=0) == found


def test_a_fatal_fault_raises_in_forward_first():
    source = "def g(x):\n    return x\n\n\nclass A:\n    def forward(self, x):\n        if x:\n            return 1\n"
    first, second = fatal({"a.py": source})
    assert first.new_source == source.replace("if x:\n            return 1", 'raise RuntimeError("planted")')
    assert "def g(x):\n    raise" in second.new_source
