"""Serves a GGUF file on a port of this machine until standard input closes: python serve.py WEIGHTS PORT.

A process of its own: llama.cpp cannot be stopped inside one, and standard input closes also when the parent dies.
"""

import sys
from pathlib import Path

import xllamacpp

CONTEXT_TOKENS = 4096  # our first message is about 3,300; the rest bounds a model that never comes to an end


def main(weights: str, port: int) -> None:
    """Serve until standard input closes."""
    params = xllamacpp.CommonParams()
    params.model.path = weights
    params.model_alias = {"smollm2"}
    params.port, params.n_ctx, params.n_parallel = port, CONTEXT_TOKENS, 1
    params.use_jinja = True
    params.chat_template = Path(__file__).with_name("tool_chatml.jinja").read_text("utf-8")
    params.cpuparams.n_threads = params.cpuparams_batch.n_threads = 1  # two on two busy cores: 70 times slower
    server = xllamacpp.Server(params)
    sys.stdin.read()
    del server


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]))
