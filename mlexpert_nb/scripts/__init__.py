"""The commands about networks, each as a program of its own: `python -m mlexpert_nb.scripts.NAME`."""
