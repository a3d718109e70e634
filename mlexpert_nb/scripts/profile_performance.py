"""`python -m mlexpert_nb.scripts.profile_performance …` is `mlexpert profile …`: measure a network."""

import sys

from mlexpert_nb.cli import main

if __name__ == "__main__":
    sys.exit(main(["profile", *sys.argv[1:]]))
