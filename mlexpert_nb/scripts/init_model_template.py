"""`python -m mlexpert_nb.scripts.init_model_template …` is `mlexpert init …`: start a project."""

import sys

from mlexpert_nb.cli import main

if __name__ == "__main__":
    sys.exit(main(["init", *sys.argv[1:]]))
