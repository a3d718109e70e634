"""Mutation testing: what delivered tests are worth is how many planted faults they find.

`operators.py` is the table of faults (`network_faults.py`, `logic_faults.py`), `choice.py` says which are planted;
`campaign.py` judges. In the child process `harness.py` plants them, `nursery.py` forks and `runner.py` runs the tests.
"""

from mlexpert_nb.verify.mutation.campaign import Mutation, Scope, figures, judge_mutation, mutate, not_tried
from mlexpert_nb.verify.mutation.choice import choose
from mlexpert_nb.verify.mutation.mutant import Mutant
from mlexpert_nb.verify.mutation.operators import OPERATORS, mutants

__all__ = [
    "OPERATORS",
    "Mutant",
    "Mutation",
    "Scope",
    "choose",
    "figures",
    "judge_mutation",
    "mutants",
    "mutate",
    "not_tried",
]
