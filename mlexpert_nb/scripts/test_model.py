"""`python -m mlexpert_nb.scripts.test_model …` is `mlexpert test …`: write and run tests of how a network behaves."""

import sys

from mlexpert_nb.cli import main

if __name__ == "__main__":
    sys.exit(main(["test", *sys.argv[1:]]))
