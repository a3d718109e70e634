"""Notebook cells: build the delivered network, look at it, watch it halt, train a small one."""

from mlexpert_nb.catalogue.cells import ARCHITECTURE, opening_cells
from mlexpert_nb.catalogue.families.trm_titans_mag.model.config import ModelConfig, count_parameters
from mlexpert_nb.packages import Cell

_INTRO = """\
### TRM × Titans-MAG, {count:,} parameters

A causal language model: sliding-window attention (w = {window}) gated with a neural long-term memory that keeps
learning while it reads, under a tiny recursive model that decides for every token how long to think. The code is in
`{workspace}/src/model`, the diagram and the equations in `{workspace}/docs/architecture.md`."""

_PARAMETERS = """\
for name, count in parameter_table(model.config):
    print(f"{name:32}{count:>14,}")
print(f"{'in all':32}{count_parameters(model.config):>14,}")"""

_FORWARD = """\
ids_BT = torch.randint(model.config.vocab_size, (2, 64))
with torch.no_grad():
    logits_BTV = model(ids_BT)
print("token ids", tuple(ids_BT.shape), "-> logits", tuple(logits_BTV.shape))"""

_HALTING = """\
for threshold in (0.05, 0.12, 0.5):
    _, steps_BT = model.adaptive(ids_BT, threshold)
    print(f"threshold {threshold:.2f}: {steps_BT.float().mean():.2f} steps a token", steps_BT.unique().tolist())"""

_TRAIN = """\
from pydoc_data.topics import topics

from mlexpert_widgets import LearningCurves

torch.set_num_threads(1)  # matrices this small are slower on more
text = torch.tensor(list("\\n".join(topics.values()).encode()), dtype=torch.long)
small = dict(vocab_size=256, d_model=64, n_heads=4, n_kv_heads=2, d_ff=192, mem_heads=4, mem_head_dim=16)
learner = build_model(**small, n_layers=2, window=32, core_layers=1, core_d_ff=192, n_sup=2)
optimizer = torch.optim.AdamW(learner.parameters(), lr=2e-3, betas=(0.9, 0.95), weight_decay=0.1)
curves = LearningCurves()
curves.show()
for step in range(60):
    start = torch.randint(len(text) - 65, (8, 1)) + torch.arange(65)
    loss = learner.loss(text[start[:, :-1]], text[start[:, 1:]])
    optimizer.zero_grad()
    loss.backward()
    torch.nn.utils.clip_grad_norm_(learner.parameters(), 1.0)
    optimizer.step()
    curves.log(step, loss=loss)
    if curves.stopped:
        break
curves.stop()
_, losses = curves.recorder.history("loss")
print(f"loss {losses[0]:.2f} -> {losses[-1]:.2f}")"""


def notebook_cells(config: ModelConfig, workspace: str) -> tuple[Cell, ...]:
    """Give the cells in order; the text depends on nothing but the configuration and the workspace's spelling."""
    intro = _INTRO.format(count=count_parameters(config), window=config.window, workspace=workspace)
    return (
        Cell("markdown", intro, "intro"),
        *opening_cells(workspace, ("ModelConfig", "build_model", "count_parameters", "parameter_table")),
        Cell("code", _PARAMETERS, "parameters"),
        Cell("code", _FORWARD, "forward"),
        Cell("code", ARCHITECTURE, "architecture"),
        Cell("code", _HALTING, "halting"),
        Cell("code", _TRAIN, "train"),
    )
