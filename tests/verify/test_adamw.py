"""The optimizer of the checks is that of torch."""

import subprocess
import sys

import torch
from torch import nn

from mlexpert_nb.verify.checks.adamw import AdamW


def test_it_takes_the_steps_of_torch_optim():
    torch.manual_seed(0)
    ours = nn.Sequential(nn.Linear(3, 4), nn.Tanh(), nn.Linear(4, 2))
    theirs = nn.Sequential(nn.Linear(3, 4), nn.Tanh(), nn.Linear(4, 2))
    theirs.load_state_dict(ours.state_dict())
    inputs = torch.randn(5, 3)
    for model, optimizer in (
        (ours, AdamW(ours.parameters(), 0.01)),
        (theirs, torch.optim.AdamW(theirs.parameters(), lr=0.01, weight_decay=0.0, fused=True)),
    ):
        for step in range(7):
            model.zero_grad()
            out = model(inputs) if step % 2 else model[0](inputs)  # every other step leaves the last layer without one
            out.square().sum().backward()
            optimizer.step()
    for mine, other in zip(ours.parameters(), theirs.parameters(), strict=True):
        torch.testing.assert_close(mine, other, rtol=0, atol=0)


def test_it_loads_no_compiler():
    code = (
        "import sys, torch; from mlexpert_nb.verify.checks.adamw import AdamW\n"
        "layer = torch.nn.Linear(2, 2); layer(torch.ones(1, 2)).sum().backward()\n"
        "AdamW(layer.parameters(), 0.1).step(); print('torch._dynamo' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "False"
