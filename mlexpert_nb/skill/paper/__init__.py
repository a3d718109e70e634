"""What a paper says, found in its text: title, sections, equations, hyper-parameters, algorithms, figures."""

from mlexpert_nb.skill.paper.paper import Algorithm, Equation, Figure, Hyperparameter, Paper, Section
from mlexpert_nb.skill.paper.read import read_paper, read_papers

__all__ = [
    "Algorithm",
    "Equation",
    "Figure",
    "Hyperparameter",
    "Paper",
    "Section",
    "read_paper",
    "read_papers",
]
