"""Gradients: one backward pass must reach every parameter that is trained, and nothing that is not a parameter."""

from torch import Tensor, nn

from mlexpert_nb.verify.checks.network import Network, Outcome, seeded

BATCHES = 3  # a part that few inputs reach (an expert, say) gets three chances


def gradients(model: Network) -> Outcome:
    """Back-propagate the training loss; every trained parameter gets a finite gradient that is not zero."""
    module = model.fresh(noise=True).train()
    frozen = [name for name, each in module.named_parameters() if not each.requires_grad]
    may_freeze = "frozen" in model.claims
    waiting = {name: each for name, each in module.named_parameters() if each.requires_grad or not may_freeze}
    total = len(waiting)
    strangers: list[Tensor] = []
    for batch in range(BATCHES):
        loss = _loss(model, module, batch)
        strangers = _strangers(loss, module) if batch == 0 else _still(strangers, _strangers(loss, module))
        loss.backward()
        waiting = {name: each for name, each in waiting.items() if not _reached(each)}
        if not waiting and not strangers:
            break
    return Outcome(
        passed=total > 0 and not waiting and not strangers and (bool(frozen) or not may_freeze),
        measured=_said(total, list(waiting), len(strangers)) + _frozen(len(frozen), may_freeze=may_freeze),
        limit="a finite gradient, not all zeros, at every parameter"
        + (" that is not frozen, and some are frozen" if may_freeze else "")
        + "; no trained tensor outside parameters()",
        fix="use the parameter in the loss (in src/model/functional.py: loss), or make it a buffer; "
        "hold layers in nn.ModuleList, weights in nn.Parameter; detach nothing that must learn",
    )


def _loss(model: Network, module: nn.Module, batch: int) -> Tensor:
    with seeded(model.spec.seed + batch):
        return model.loss(module, model.example(model.batch_size, seed=batch))


def _reached(parameter: nn.Parameter) -> bool:
    grad = parameter.grad
    return grad is not None and bool(grad.isfinite().all()) and bool((grad != 0).any())


def _strangers(loss: Tensor, module: nn.Module) -> list[Tensor]:
    """Find the tensors that would be trained but are no parameters: an optimiser never sees them."""
    known = {id(parameter) for parameter in module.parameters()}
    seen, waiting, found = set(), [loss.grad_fn], []
    while waiting:
        node = waiting.pop()
        if node is None or node in seen:
            continue
        seen.add(node)
        leaf = getattr(node, "variable", None)
        if leaf is not None and id(leaf) not in known:
            found.append(leaf)
        waiting += [parent for parent, _ in node.next_functions]
    return found


def _still(before: list[Tensor], now: list[Tensor]) -> list[Tensor]:
    """Keep weights, which outlive a batch; a point at which a gradient penalty is taken is made anew for each."""
    known = {id(each) for each in before}
    return [each for each in now if id(each) in known or isinstance(each, nn.Parameter)]


def _said(total: int, waiting: list[str], strangers: int) -> str:
    text = f"{total - len(waiting)} of {total} parameters reached"
    if waiting:
        text += f"; none at {', '.join(waiting[:5])}"
    if strangers:
        text += f"; {strangers} trained tensors are not in parameters()"
    return text


def _frozen(count: int, *, may_freeze: bool) -> str:
    if may_freeze:
        return f"; {count} more are frozen, as claimed" if count else "; none is frozen, which was claimed"
    return f"; {count} of them are frozen, which nobody asked for" if count else ""
