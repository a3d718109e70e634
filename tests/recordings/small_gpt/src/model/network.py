"""The decoder: embedding, blocks, a last norm, and logits from the same embedding.

Papers: Radford et al. 2019, "Language Models are Unsupervised Multitask Learners", section 2.3 (scaled initialisation
of the residual layers); Press and Wolf 2016, arXiv:1608.05859 (tied embeddings).
Shapes: B batch, T time, D width, V vocabulary.
"""

from collections.abc import Sequence

from torch import Tensor, nn
from torch.nn import functional as F

from model.config import ModelConfig
from model.layers import Block, Cache

INIT_STD = 0.02


class SmallGPT(nn.Module):
    """Byte-level decoder, `(B, T) -> (B, T, V)`."""

    def __init__(self, config: ModelConfig) -> None:
        super().__init__()
        self.config = config
        self.embedding = nn.Embedding(config.vocab_size, config.dim)
        self.blocks = nn.ModuleList(Block(config) for _ in range(config.num_layers))
        self.norm = nn.RMSNorm(config.dim, eps=config.norm_eps)
        self._initialise()

    def forward(self, ids_BT: Tensor) -> Tensor:
        """Give the logits of every next token."""
        return self.step(ids_BT)[0]

    def step(self, ids_BT: Tensor, caches: Sequence[Cache] | None = None) -> tuple[Tensor, list[Cache]]:
        """Give the logits of new tokens, and the caches after them; those that were handed in stay as they are."""
        x_BTD, after = self.embedding(ids_BT), []
        for index, block in enumerate(self.blocks):
            x_BTD, cache = block(x_BTD, None if caches is None else caches[index])
            after.append(cache)
        return F.linear(self.norm(x_BTD), self.embedding.weight), after

    def _initialise(self) -> None:
        residual = INIT_STD / (2 * self.config.num_layers) ** 0.5  # two additions to the stream a block
        for name, parameter in self.named_parameters():
            if parameter.ndim > 1:
                is_residual = name.endswith(("attention.out.weight", "feed_forward.down.weight"))
                nn.init.normal_(parameter, std=residual if is_residual else INIT_STD)


def count_parameters(config: ModelConfig) -> int:
    """Give the closed form of the number of parameters; tied embeddings count once."""
    attention = 4 * config.dim * config.dim
    feed_forward = 3 * config.dim * config.hidden_dim
    norms = 2 * config.dim
    return config.vocab_size * config.dim + config.num_layers * (attention + feed_forward + norms) + config.dim
