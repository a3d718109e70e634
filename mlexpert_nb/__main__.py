"""`python -m mlexpert_nb` is `mlexpert`."""

import sys

from mlexpert_nb.cli import main

sys.exit(main())
