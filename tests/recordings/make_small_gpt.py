"""Makes `notebooks/recordings/small_gpt.jsonl`: a good engineer behind the local endpoint, everything else real.

    PYTHONPATH=tests .venv/bin/python tests/recordings/make_small_gpt.py

No language model speaks here: the turns are written below, and the files that they write stand in `small_gpt/`. The
SDK, the tools, the sandbox and the judge are the real ones, so what the tools answer was measured. Two mistakes are
planted, as they happen to good engineers: one is found by a test that is run on the way, one by the judge.
"""

import json
import os
import re
import sys
import tempfile
from dataclasses import replace
from pathlib import Path

from messages import Server, text, tool, turn

from mlexpert_nb import api

ROOT = Path(__file__).parents[2]
FILES = Path(__file__).with_name("small_gpt")
OUT = ROOT / "notebooks" / "recordings" / "small_gpt.jsonl"
ENGINEER = "scripted-engineer"  # the model's name in the recording: nobody may take it for a language model
ENDPOINT = "http://scripted-endpoint"
REQUEST = """\
Implement a small GPT-style decoder for byte-level text: pre-norm blocks with RMSNorm, causal attention with rotary
positions (scaled_dot_product_attention), SwiGLU, tied embeddings, and token-by-token generation with a KV cache."""
PARAMS = "1M"
UNPAID = {"input_tokens": 0, "output_tokens": 0}  # a script reads no tokens

PLAN = {
    "title": "a small GPT-style decoder for bytes",
    "summary": (
        "Three pre-norm blocks of width 160, five heads of 32 channels, SwiGLU of width 448, embeddings tied to the "
        "logits: the closed form V*D + L*(4*D^2 + 3*D*F + 2*D) + D meets the target within its two percent, which the "
        "judge will count. No catalogue entry is such a decoder, so it is written by hand. The cache goes in and comes "
        "out of `stream` and is never written to. Left open: dropout, a window on the cache and grouped queries, which "
        "do not pay at this size."
    ),
    "steps": [
        "configuration and layers, each held to a plain reference",
        "the decoder, its loss and `stream`; every split of a text must give what the whole text gives",
        "sampling, with tests of what may be drawn and how often",
        "training tests, the example, the documentation",
        "pytest, ruff and the judge's own checks",
    ],
    "files": [
        {"path": path, "action": "create", "description": description}
        for path, description in {
            "README.md": "what it is and how it is called",
            "docs/architecture.md": "diagram, shapes, closed form, decisions, sources",
            "examples/train.py": "trains it on the English of Python's help texts",
            "pyproject.toml": "package and tools",
            "src/model/__init__.py": "build_model, ModelConfig, count_parameters",
            "src/model/config.py": "sizes, and what is refused",
            "src/model/functional.py": "loss, stream, generate",
            "src/model/layers.py": "rope, Attention, SwiGLU, Block",
            "src/model/network.py": "SmallGPT and the closed form of its size",
            "tests/test_config.py": "closed form against the network, refusals",
            "tests/test_integration_streaming.py": "any split of a text against the whole",
            "tests/test_integration_training.py": "one batch by heart; copying, which takes attention",
            "tests/test_layers.py": "each layer against a plain reference",
            "tests/test_network.py": "shapes, causality, gradients, checkpoints",
            "tests/test_sampling.py": "what is drawn and how often",
        }.items()
    ],
    "configuration": {
        "vocab_size": 256,
        "dim": 160,
        "num_layers": 3,
        "num_heads": 5,
        "hidden_dim": 448,
        "rope_theta": 10000.0,
    },
}

NO_MASK = "q, k, v, is_causal=q.shape[2] > 1)"
CAUSAL = "q, k, v, attn_mask=_mask(q, start), is_causal=start == 0)"
LARGEST = "best_BK[:, :1]"
KTH = "best_BK[:, -1:]"
PYTEST = "OMP_NUM_THREADS=1 python -m pytest -q"  # one thread: more are slower on matrices this small
RUFF = "python -m ruff check --isolated --select=E,W,F,B,PLE --ignore=E741 --line-length=120 --ignore-noqa ."


def main() -> None:
    """Let the engineer work, and keep what was said."""
    with tempfile.TemporaryDirectory() as folder, Server() as server:
        os.environ.update(
            {f"XDG_{each}_HOME": folder for each in ("CACHE", "CONFIG", "STATE")}
        )  # nothing of the user's
        server.play(*(replace(each, usage=UNPAID) for each in turns()))
        workspace = Path(folder) / "work"
        result = api.implement(
            REQUEST,
            params=PARAMS,
            workspace=workspace,
            base_url=server.url,
            model=ENGINEER,
            approve="auto",
            on_event=lambda event: print(event.kind, event.text[:160], file=sys.stderr),  # noqa: T201 - a script
        )
        if result.status != "implementation_complete":
            sys.exit(f"{result.status}: {result.message}")
        lines = (workspace / ".mlexpert" / "transcript.jsonl").read_text("utf-8").splitlines()
        OUT.parent.mkdir(exist_ok=True)
        OUT.write_text("".join(f"{anonymous(line, server.url)}\n" for line in lines), encoding="utf-8")


def turns():
    """Give what the engineer says, in order."""
    return [*planning(), *writing(), *finishing(), *mending()]


def planning():
    """Give the turns up to the plan."""
    return [
        turn(
            text("I look at what is there, and read up on caches and on what to test first."),
            tool("Grep", pattern="class |def "),
            tool("read_reference", name="architecture-patterns", section="KV cache"),
            tool("read_reference", name="testing-guide", section="Equivalence"),
        ),
        turn(
            text("The workspace is empty and the request is complete. This is the plan."), tool("propose_plan", **PLAN)
        ),
    ]


def writing():
    """Give the turns that write the network; a test of its own finds the first mistake."""
    return [
        turn(
            text("Configuration and layers first, each with a plain reference beside it."),
            write("pyproject.toml"),
            write("src/model/__init__.py"),
            write("src/model/config.py"),
            write("src/model/layers.py", layers_draft()),
            write("src/model/network.py"),
            write("tests/test_config.py"),
            write("tests/test_layers.py"),
        ),
        turn(run(f"{PYTEST} tests")),
        turn(
            text("The layers hold. Now what training and generation call, and the test that matters most for a cache."),
            write("src/model/functional.py", stored("src/model/functional.py").replace(KTH, LARGEST)),
            write("tests/test_network.py"),
            write("tests/test_integration_streaming.py"),
        ),
        turn(run(f"{PYTEST} tests --tb=line")),
        turn(
            text(
                "Single tokens agree and so does the whole, but not several tokens behind a cache: is_causal=True "
                "aligns its mask at the top left, so that they see too little of the cache. They get a mask of their "
                "own."
            ),
            tool("Grep", pattern="is_causal", glob="src/**/*.py"),
            tool("Edit", path="src/model/layers.py", old=NO_MASK, new=CAUSAL),
            tool("Edit", path="src/model/layers.py", old=TAIL, new=TAIL + mask()),
            run(f"{PYTEST} tests/test_integration_streaming.py tests/test_layers.py"),
        ),
    ]


def finishing():
    """Give the turns that write the rest, up to a word that says too much."""
    return [
        turn(
            text("Every split agrees now. Training, the example and the documentation."),
            write("tests/test_integration_training.py"),
            write("examples/train.py"),
            write("docs/architecture.md"),
            write("README.md"),
        ),
        turn(
            run(f"{PYTEST} tests && {RUFF}"),
            run("OMP_NUM_THREADS=1 python examples/train.py --steps 20 --batch 4 --length 64"),
            tool("benchmark_model", checks=["parameter_count", "gradients", "causality", "overfit", "latency"]),
        ),
        turn(text("Everything of the plan is written; tests, ruff and the checks that I ran are green.")),
    ]


def mending():
    """Give the turns after the judge has found what no test reached, and with it the second mistake."""
    return [
        turn(
            text(
                "The judge is right: the plan names tests/test_sampling.py, and I did not write it, so that no test "
                "reached the sampling. I write it now and see what it says."
            ),
            write("tests/test_sampling.py"),
            run(f"{PYTEST} tests/test_sampling.py --tb=line"),
        ),
        turn(
            text(
                "The lines that nothing reached were wrong: topk gives its values from the largest down, so the "
                "threshold must be the last of them; with the first, top_k only ever gave the likeliest token. The "
                "tests are right, the code is not."
            ),
            tool("Read", path="src/model/functional.py"),
            tool("Edit", path="src/model/functional.py", old=LARGEST, new=KTH),
            run(f"{PYTEST} tests && {RUFF}"),
        ),
        turn(
            text(
                "Built: a byte-level decoder with RoPE, SwiGLU and tied embeddings, `loss`, `stream` with a cache, and "
                "`generate`. Two mistakes were found and mended on the way: the mask behind a cache, by the test of "
                "all splits, and the threshold of top_k, which no test reached until the judge asked for it. Not "
                "built: dropout, a limit on the cache, grouped queries. The figures are the judge's."
            )
        ),
    ]


def stored(path):
    """Give a file of the delivery."""
    return (FILES / path).read_text("utf-8")


def write(path, content=None):
    """Give the call that writes a file of the delivery."""
    return tool("Write", path=path, text=content or stored(path))


def run(command):
    """Give the call that runs a command."""
    return tool("Bash", command=command)


TAIL = "        return x_BTD + self.feed_forward(self.norm_feed_forward(x_BTD)), cache\n"


def mask():
    """Give what the first draft of the layers lacks: the mask of several tokens behind a cache."""
    return stored("src/model/layers.py").partition(TAIL)[2]


def layers_draft():
    """Give the layers with the mistake that the test of all splits finds."""
    return stored("src/model/layers.py").replace(CAUSAL, NO_MASK).removesuffix(mask())


def anonymous(line, url):
    """Take out of a record what tells of the machine it was made on."""
    record = json.loads(re.sub(r"/[^\s\"']*/mlexpert-stage-\w+/workspace/", "", line.replace(url, ENDPOINT)))
    if record["kind"] == "context":
        for name in ("hardware", "versions"):
            record["package"]["evidence"].pop(name, None)
    return json.dumps(record, ensure_ascii=False)


if __name__ == "__main__":
    main()
