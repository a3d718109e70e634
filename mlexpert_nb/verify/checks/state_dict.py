"""State dict: what is saved is all that is needed to get the same network back."""

import io

import torch
from torch import nn

from mlexpert_nb.verify.checks.network import Network, Outcome, distance, seeded


def state_dict(model: Network) -> Outcome:
    """Save a network that has run, load it into one from another seed: the same outputs, bit for bit."""
    saved, loaded = model.fresh(seed=1, noise=True), model.fresh(seed=2)
    inputs = model.example(model.batch_size).inputs
    with torch.no_grad(), seeded(model.spec.seed):
        model.outputs(saved.train(), inputs)  # running statistics move in training mode
    loaded.load_state_dict(_through_a_file(saved), strict=True)
    with torch.no_grad():
        moved = distance(model.outputs(saved.eval(), inputs), model.outputs(loaded, inputs))
    return Outcome(
        passed=moved == 0.0,
        measured=f"{len(saved.state_dict())} tensors saved and loaded; {model.GIVES} differ by {moved:.1e}",
        limit=f"{model.GIVES} do not differ at all",
        fix="register_buffer(...) what forward reads and is not computed from the configuration; persistent=True",
    )


def _through_a_file(module: nn.Module) -> dict[str, torch.Tensor]:
    file = io.BytesIO()
    torch.save(module.state_dict(), file)
    file.seek(0)
    loaded: dict[str, torch.Tensor] = torch.load(file, weights_only=True)
    return loaded
