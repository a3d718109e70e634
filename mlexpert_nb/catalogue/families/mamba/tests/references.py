"""Small networks and sequences for the tests, and the paper's equations one token at a time."""

import torch

from model import build_model

SMALL = {
    "vocab_size": 17,
    "hidden_size": 8,
    "num_hidden_layers": 2,
    "intermediate_size": 10,
    "state_size": 3,
    "conv_kernel": 4,
    "time_step_rank": 2,
    "time_step_min": 0.001,
    "time_step_max": 0.1,
    "layer_norm_eps": 1e-2,
}


def small_model(**changes):
    """Build a small network in float64 and evaluation mode, with every parameter far from its start."""
    model = build_model(**{**SMALL, **changes}).double().eval()
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.add_(torch.randn_like(parameter) * 0.3)
    return model


def random_ids(rows, length=9):
    """Draw token ids."""
    return torch.randint(SMALL["vocab_size"], (rows, length))


def scan_inputs(rows=2, length=7, channels=3, size=4):
    """Draw what a scan takes, in float64: writes, steps, rates, where to write, where to read, a state."""
    shapes = (
        ((rows, length, channels),) * 2 + ((channels, size),) + ((rows, length, size),) * 2 + ((rows, channels, size),)
    )
    u, step, rate, write, read, state = (torch.randn(shape, dtype=torch.float64) for shape in shapes)
    return u, step.exp() / 3, -rate.exp(), write, read, state


def recurrence(*inputs):
    """Run the state space one token at a time, out of place."""
    (u, step, rate, write, read, state), outputs = inputs, []
    for t in range(u.shape[1]):
        kept = torch.exp(step[:, t, :, None] * rate) * state
        state = kept + step[:, t, :, None] * write[:, t, None, :] * u[:, t, :, None]
        outputs.append((state * read[:, t, None, :]).sum(-1))
    return torch.stack(outputs, 1), state


def rms_norm(x, module):
    """Divide the last axis by its root mean square, and scale."""
    return x / torch.sqrt((x**2).mean(-1, keepdim=True) + SMALL["layer_norm_eps"]) * module.weight


def silu(x):
    """Multiply by the logistic function."""
    return x / (1 + torch.exp(-x))


def convolved(u, module):
    """Weigh the last tokens of each channel; before the first there is nothing."""
    size, rows = module.weight.shape[-1], []
    for t in range(len(u)):
        row = module.bias.clone()
        for back in range(min(size, t + 1)):
            row = row + module.weight[:, 0, size - 1 - back] * u[t - back]
        rows.append(row)
    return torch.stack(rows)


def block(x, layer, config):
    """Run one block over the tokens of one sequence."""
    inner, rank, size = config.intermediate_size, config.time_step_rank, config.state_size
    projected = rms_norm(x, layer.norm) @ layer.in_proj.weight.T
    u, gate = silu(convolved(projected[:, :inner], layer.conv)), projected[:, inner:]
    chosen = u @ layer.x_proj.weight.T
    step = torch.log1p(torch.exp(chosen[:, :rank] @ layer.dt_proj.weight.T + layer.dt_proj.bias))
    write, read = chosen[:, rank : rank + size], chosen[:, rank + size :]
    start = torch.zeros(1, inner, size, dtype=x.dtype)
    y, _ = recurrence(u[None], step[None], -torch.exp(layer.A_log), write[None], read[None], start)
    return x + ((y[0] + layer.D * u) * silu(gate)) @ layer.out_proj.weight.T


def logits(ids, model):
    """Give the logits of the next token at every position of one sequence."""
    x = model.embedding.weight[ids]
    for layer in model.layers:
        x = block(x, layer, model.config)
    return rms_norm(x, model.norm) @ model.embedding.weight.T
