"""Which changes of a file break its users, and which do not: one case for every kind."""

import pytest

NET = """\
    import torch
    from torch import nn

    class Net(nn.Module):
        def __init__(self, dim, depth=2, *, dropout=0.0):
            super().__init__()
            self.norm = nn.LayerNorm(dim)

        def forward(self, x):
            return self.norm(x)
    """


BREAKS = {
    "function removed": ("def f(): ...\ndef g(): ...", "def g(): ...", "f: the function was removed or renamed"),
    "function renamed": ("def f(): ...", "def g(): ...", "f: the function was removed or renamed"),
    "class removed": ("class A: ...", "", "A: the class was removed or renamed"),
    "constant removed": ("SIZE = 3", "", "SIZE: the attribute was removed or renamed"),
    "method removed": ("class A:\n def f(self): ...", "class A: ...", "A.f: the method was removed or renamed"),
    "method of nn.Module": (NET, NET.replace("forward", "run"), "Net.forward: the method was removed or renamed"),
    "special method": (
        "class A:\n def __call__(self): ...",
        "class A: ...",
        "A.__call__: the method was removed or renamed",
    ),
    "property removed": (
        "class A:\n @property\n def f(self): ...",
        "class A: ...",
        "A.f: the property was removed or renamed",
    ),
    "class attribute": ("class A:\n x = 1", "class A: ...", "A.x: the attribute was removed or renamed"),
    "attribute set in __init__": (
        NET,
        NET.replace("self.norm", "self.scale"),
        "Net.norm: the attribute was removed or renamed",
    ),
    "attributes set together": (
        "class A:\n def f(self):\n  self.a, self.b = 1, 2",
        "class A:\n def f(self):\n  self.a, self.c = 1, 2",
        "A.b: the attribute was removed or renamed",
    ),
    "buffer": (
        "class A:\n def f(self):\n  self.register_buffer('mask', None)",
        "class A:\n def f(self):\n  self.register_buffer('bias', None)",
        "A.mask: the attribute was removed or renamed",
    ),
    "nested class": ("class A:\n class B: ...", "class A: ...", "A.B: the class was removed or renamed"),
    "parameter removed": ("def f(a, b): ...", "def f(a): ...", "f: parameter 'b' was removed or renamed"),
    "parameter renamed": ("def f(a, b): ...", "def f(a, c): ...", "f: parameter 'b' was renamed to 'c'"),
    "keyword removed": ("def f(*, a=1): ...", "def f(): ...", "f: parameter 'a' was removed or renamed"),
    "new required": ("def f(a): ...", "def f(a, b): ...", "f: new parameter 'b' has no default"),
    "new required keyword": ("def f(a): ...", "def f(a, *, b): ...", "f: new parameter 'b' has no default"),
    "order": (
        "def f(a, b): ...",
        "def f(b, a): ...",
        "f: the order of its positional parameters changed: (a, b) is (b, a) now",
    ),
    "optional in the middle": (
        "def f(a, b=1): ...",
        "def f(a, c=2, b=1): ...",
        "f: the order of its positional parameters changed: (a, b) is (a, c, b) now",
    ),
    "keyword-only": (
        "def f(a, b=1): ...",
        "def f(a, *, b=1): ...",
        "f: parameter 'b' can only be given by its name now",
    ),
    "positional-only": ("def f(a): ...", "def f(a, /): ...", "f: parameter 'a' can only be given by its place now"),
    "default removed": ("def f(a=1): ...", "def f(a): ...", "f: parameter 'a' lost its default 1"),
    "default changed": ("def f(a=1): ...", "def f(a=2): ...", "f: the default of 'a' changed from 1 to 2"),
    "default of a positional-only": (
        "def f(a=1, /): ...",
        "def f(b=2, /): ...",
        "f: the default of 'b' changed from 1 to 2",
    ),
    "default of a keyword": ("def f(*, a=1): ...", "def f(*, a=2): ...", "f: the default of 'a' changed from 1 to 2"),
    "keyword made positional-only": (
        "def f(*, a): ...",
        "def f(a, /): ...",
        "f: parameter 'a' can only be given by its place now",
    ),
    "*args gone": ("def f(*a): ...", "def f(): ...", "f: no longer takes any number of positional arguments"),
    "**kwargs gone": ("def f(**k): ...", "def f(): ...", "f: no longer takes arguments of any name"),
    "one before *args": (
        "def f(a, *rest): ...",
        "def f(a, b=1, *rest): ...",
        "f: parameter 'b' takes an argument that went to the ones without a name",
    ),
    "*args alone": ("def f(a): ...", "def f(*a): ...", "f: parameter 'a' was removed or renamed"),
    "constructor": (NET, NET.replace("depth=2", "depth=3"), "Net.__init__: the default of 'depth' changed from 2 to 3"),
    "constructor added": (
        "from torch import nn\nclass A(nn.Module): ...",
        "from torch import nn\nclass A(nn.Module):\n def __init__(self, dim): ...",
        "A: new parameter 'dim' has no default",
    ),
    "constructor gone": (
        "class A:\n def __init__(self, dim): ...",
        "class A: ...",
        "A.__init__: parameter 'dim' was removed or renamed",
    ),
    "dataclass field first": (
        "from dataclasses import dataclass\n@dataclass\nclass C:\n a: int = 1",
        "from dataclasses import dataclass\n@dataclass\nclass C:\n b: int = 2\n a: int = 1",
        "C.__init__: the order of its positional parameters changed: (a) is (b, a) now",
    ),
    "dataclass field required": (
        "from dataclasses import dataclass\n@dataclass\nclass C:\n a: int",
        "from dataclasses import dataclass\n@dataclass\nclass C:\n a: int\n b: int",
        "C.__init__: new parameter 'b' has no default",
    ),
    "function to class": ("def f(): ...", "class f: ...", "f: was a function, is a class now"),
    "class to function": ("class f: ...", "def f(): ...", "f: was a class, is a function now"),
    "function to constant": ("def f(): ...", "f = 3", "f: was a function, is an attribute now"),
    "property to method": (
        "class A:\n @property\n def f(self): ...",
        "class A:\n def f(self): ...",
        "A.f: was a property, is a method now",
    ),
    "base removed": ("class A(ValueError): ...", "class A: ...", "A: is no longer a subclass of ValueError"),
    "base exchanged": (
        "from torch import nn\nclass A(nn.Linear): ...",
        "from torch import nn\nclass A(nn.Bilinear): ...",
        "A: is no longer a subclass of Linear",
    ),
    "async": ("def f(): ...", "async def f(): ...", "f: must be awaited now"),
    "no longer async": ("async def f(): ...", "def f(): ...", "f: can no longer be awaited"),
    "static method": (
        "class A:\n @staticmethod\n def f(x): ...",
        "class A:\n def f(self, x): ...",
        "A.f: can no longer be called on the class itself",
    ),
    "no longer parses": ("def f(): ...", "def f(): ...\n\ndef g(:", "net: no longer parses: line 3"),
    "a null byte": ("def f(): ...", "x = '\0'", "net: no longer parses: line 1"),
    "in __all__": (
        "__all__ = ['_f']\ndef _f(a): ...\ndef g(): ...",
        "__all__ = ['_f']\ndef _f(): ...",
        "_f: parameter 'a' was removed or renamed",
    ),
    "inherited from a private class": (
        "class _B:\n def f(self): ...\nclass A(_B): ...",
        "class _B: ...\nclass A(_B): ...",
        "A.f: the method was removed or renamed",
    ),
}


@pytest.mark.parametrize(("before", "after", "expected"), BREAKS.values(), ids=BREAKS)
def test_a_break_is_reported_once_and_in_words(broken, before, after, expected):
    assert broken(before, after) == [expected]


FINE = {
    "nothing": (NET, NET),
    "optional parameter at the end": ("def f(a): ...", "def f(a, b=1): ..."),
    "optional keyword": ("def f(*, b=1): ...", "def f(*, a=2, b=1): ..."),
    "added names": ("def f(): ...", "X = 1\nimport os\ndef f(): ...\nclass A:\n def g(self): ..."),
    "changed body": ("def f(a):\n return a\nX = 1", "def f(a):\n return a + 1\nX = 2"),
    "annotations": ("def f(a: int) -> int: ...", "def f(a: 'float') -> str: ..."),
    "annotations gone": ("def f(a: int = 1) -> int: ...", "def f(a=1): ..."),
    "docstrings": ('"""A."""\ndef f():\n """B."""', '"""C."""\ndef f():\n """D."""'),
    "decorators": (
        "import torch\nclass A:\n def f(self): ...\ndef g(a): ...",
        "import torch\nclass A:\n @torch.no_grad()\n def f(self): ...\n@torch.compile\ndef g(a): ...",
    ),
    "dataclass field at the end": (
        "from dataclasses import dataclass\n@dataclass\nclass C:\n a: int",
        (
            "from dataclasses import dataclass, field as f\n@dataclass\nclass C:\n a: int\n b: int = 2\n"
            " c: list = f(default_factory=list)\n d: int = f(init=False, default=3)"
        ),
    ),
    "class made a dataclass": (
        "class C:\n def __init__(self, a, b=1):\n  self.a, self.b = a, b",
        "from dataclasses import dataclass\n@dataclass\nclass C:\n a: int\n b: int = 1",
    ),
    "reordered methods": (
        "class A:\n def f(self): ...\n def g(self): ...\ndef h(): ...",
        "def h(): ...\nclass A:\n def g(self): ...\n def f(self): ...",
    ),
    "async kept": ("async def f(a): ...", "async def f(a, b=None): ..."),
    "overloads": (
        "from typing import overload as o\n@o\ndef f(a: int): ...\n@o\ndef f(a: str): ...\ndef f(a): ...",
        "from typing import overload as o\n@o\ndef f(a: int): ...\n@o\ndef f(a: str, b=1): ...\ndef f(a, b=1): ...",
    ),
    "swallowed by *args and **kwargs": ("def f(a, b=1, *, c=2): ...", "def f(*args, **kwargs): ..."),
    "*args and **kwargs renamed": ("def f(*args, **kwargs): ...", "def f(*items, **options): ..."),
    "*args added": ("def f(a): ...", "def f(a, *args, **kwargs): ..."),
    "positional-only renamed": ("def f(a, b=1, /): ...", "def f(x, y=1, /): ..."),
    "positional-only opened": ("def f(a, /): ...", "def f(x): ..."),
    "keyword-only opened": ("def f(a, *, b=1): ...", "def f(a, b=1): ..."),
    "default gained": ("def f(a, b): ...", "def f(a, b=1): ..."),
    "default named": ("def f(a=1): ...", "SIZE = 1\ndef f(a=SIZE): ..."),
    "default spelled anew": ("def f(a='x', b=(1,2)): ...", 'def f(a="x", b=(1, 2)): ...'),
    "self renamed": ("class A:\n def f(self, a): ...", "class A:\n def f(this, a): ..."),
    "class method": ("class A:\n def f(self, a): ...", "class A:\n @classmethod\n def f(cls, a): ..."),
    "attribute to property": ("class A:\n x = 1", "class A:\n @property\n def x(self): ..."),
    "private names": (
        "_X = 1\ndef _f(a): ...\nclass _A: ...\nclass B:\n _y = 1\n def _g(self): ...\n def __h(self): ...",
        "class B: ...",
    ),
    "what object has": ("class A:\n def __init__(self): ...\n def __repr__(self): ...", "class A: ..."),
    "imports": ("import os\nfrom torch import nn\ndef f(): ...", "def f(): ..."),
    "old name kept": ("def f(a): ...\nclass A: ...", "def g(a): ...\nclass B: ...\nf = g\nA = B"),
    "old name kept, in a circle": ("def f(a): ...", "f = g\ng = f"),
    "wrapped": ("def f(a): ...", "import functools\ndef _f(a): ...\nf = functools.cache(_f)"),
    "base added": ("class A: ...", "class B: ...\nclass A(B): ..."),
    "base between": ("class A(ValueError): ...", "class B(ValueError): ...\nclass A(B): ..."),
    "base narrowed": ("class A(LookupError): ...", "class A(KeyError): ..."),
    "base spelled anew": (
        "from torch import nn\nclass A(nn.Module): ...",
        "import torch.nn as t\nclass A(t.Module): ...",
    ),
    "Generic by brackets": (
        "from typing import Generic, TypeVar\nT = TypeVar('T')\nclass A(Generic[T]): ...",
        "from typing import TypeVar\nT = TypeVar('T')\nclass A: ...",
    ),
    "method moved to a base": (
        "class A:\n def f(self): ...",
        "class B:\n def f(self): ...\nclass A(B): ...",
    ),
    "attribute made a buffer": (
        "class A:\n def __init__(self):\n  self.mask = 1",
        "class A:\n def __init__(self):\n  self.register_buffer('mask', 1)",
    ),
    "attribute set by a helper": (
        "class A:\n def __init__(self):\n  self.x = 1",
        "class A:\n def __init__(self):\n  self._build()\n def _build(self):\n  self.x, _ = 1, 2",
    ),
    "constructor without parameters": (
        "from torch import nn\nclass A(nn.Module): ...",
        "from torch import nn\nclass A(nn.Module):\n def __init__(self, dim=1): ...",
    ),
    "constructor of an unknown base": (
        "from x import Base\nclass A(Base): ...",
        "from x import Base\nclass A(Base):\n def __init__(self, dim): ...",
    ),
    "constructor that cannot be read": (
        "class A:\n def __init__(self, dim): ...",
        "import functools\nclass A:\n __init__ = functools.partialmethod(_make, 1)",
    ),
    "constructor by __new__": (
        "class A:\n def __new__(cls, dim): ...",
        "class A:\n def __new__(cls, dim): ...\n def __init__(self, dim): ...",
    ),
    "bases that contradict each other": (
        "class X: ...\nclass A(X): ...",
        "class X: ...\nclass Y(X): ...\nclass A(X, Y): ...",
    ),
    "default from elsewhere": ("def f(a=os.X, b=Y): ...", "import os\ndef f(a=os.X, b=Y): ..."),
    "import that leads nowhere": ("__all__ = ['f']\nfrom x import f", "__all__ = ['f']\nfrom y import f"),
    "now imported from elsewhere": ("def f(a): ...", "from y import f"),
    "text of several lines in a class": (
        'if True:\n class A:\n  def f(self):\n   self.a, self.b = 1, 2\n   return """\nx\n"""',
        'if True:\n class A:\n  def f(self):\n   self.a, self.b = 1, 2\n   return """\ny\n"""',
    ),
    "names made on demand": ("X = 1", "def __getattr__(name): ..."),
    "not in __all__": ("__all__ = ['f']\ndef f(): ...\ndef g(): ...", "__all__ = ['f']\ndef f(): ..."),
    "did not parse before": ("def f(:", "def f(): ..."),
    "bytes": (b"\xff\xfe", "def f(): ..."),
    "not Python": ({"notes.md": "a"}, {}),
    "tests": ({"tests/net.py": NET, "src/m/tests/net.py": NET}, {}),
    "examples": ({"examples/train.py": NET}, {"examples/train.py": "def f(:"}),
    "private file": ({"_net.py": NET}, {}),
}


@pytest.mark.parametrize(("before", "after"), FINE.values(), ids=FINE)
def test_a_change_that_breaks_nobody_is_not_reported(broken, before, after):
    assert broken(before, after) == []
