"""`python -m mlexpert_nb.scripts.validate_architecture …` is `mlexpert validate …`: check an architecture."""

import sys

from mlexpert_nb.cli import main

if __name__ == "__main__":
    sys.exit(main(["validate", *sys.argv[1:]]))
