"""State dict: what is saved is all that is needed to get the same network back.

Shapes: B batch, T time, V vocabulary.
"""

import io

import torch
from torch import nn

from mlexpert_nb.verify.checks.token_model import Outcome, TokenModel, gap, seeded

LENGTH = 33


def state_dict(model: TokenModel) -> Outcome:
    """Save a network that has run, load it into one from another seed: the same logits, bit for bit."""
    saved, loaded = model.fresh(seed=1, noise=True), model.fresh(seed=2)
    tokens_BT = model.tokens(2, min(LENGTH, model.context))
    with torch.no_grad(), seeded(model.spec.seed):
        model.logits(saved.train(), tokens_BT)  # running statistics move in training mode
    loaded.load_state_dict(_through_a_file(saved), strict=True)
    with torch.no_grad():
        moved = gap(model.logits(saved.eval(), tokens_BT), model.logits(loaded, tokens_BT))
    return Outcome(
        passed=moved == 0.0,
        measured=f"{len(saved.state_dict())} tensors saved and loaded; logits differ by {moved:.1e}",
        limit="logits do not differ at all",
        fix="register_buffer(...) what forward reads and is not computed from the configuration; persistent=True",
    )


def _through_a_file(module: nn.Module) -> dict[str, torch.Tensor]:
    file = io.BytesIO()
    torch.save(module.state_dict(), file)
    file.seek(0)
    loaded: dict[str, torch.Tensor] = torch.load(file, weights_only=True)
    return loaded
