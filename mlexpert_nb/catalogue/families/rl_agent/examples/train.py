"""Learn to balance a pole: PPO or DQN on CartPole, until it stands for most of an episode.

    python examples/train.py                 PPO, some ten seconds on a CPU
    python examples/train.py --kind dqn      DQN with a replay memory

The agent has the delivered losses and the sizes of CartPole: a state of four numbers, two actions.
Every printed length is a mean over episodes that ended since the line before; the result at the end is measured with
the learned policy on carts that training never saw, from states drawn with another seed.
"""

import argparse
import copy
import sys
import time
from pathlib import Path

import torch
from torch import Tensor, nn

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "src"))

from model import ActorCritic, CartPole, QNetwork, advantages, build_model, dqn_loss, ppo_loss, td_targets

CARTPOLE = {"num_observations": 4, "num_actions": 2, "hidden_size": 64, "num_layers": 2}
ENVIRONMENTS, EPOCHS, MINIBATCH = 32, 4, 256  # PPO
ROLLOUT = 64  # steps between updates of PPO, and between lines of DQN
MEMORY, DQN_BATCH, EXPLORING = 20_000, 256, 0.3  # DQN; the last is the share of steps with falling exploration


def main() -> None:
    """Train an agent, then let it balance new carts."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--kind", choices=("ppo", "dqn"), default="ppo", help="which agent")
    parser.add_argument("--steps", type=int, default=2560, help="steps of each of the carts that run at once")
    parser.add_argument("--seed", type=int, default=0, help="seed of weights, states and choices")
    parser.add_argument("--threads", type=int, default=1, help="CPU threads; more do not help networks this small")
    args = parser.parse_args()
    torch.set_num_threads(args.threads)
    torch.manual_seed(args.seed)
    model = build_model(kind=args.kind, **CARTPOLE)
    untrained = balance(model, args.seed + 1)
    if isinstance(model, ActorCritic):
        train_ppo(model, CartPole(ENVIRONMENTS, args.seed), args.steps)
    else:
        train_dqn(model, CartPole(ENVIRONMENTS, args.seed), args.steps)
    print(f"balanced for {balance(model, args.seed + 1):.0f} of 500 steps ({untrained:.0f} before training)")


def train_ppo(model: ActorCritic, carts: CartPole, steps: int) -> None:
    """Collect a rollout of all carts, learn from it a few times, and again."""
    optimizer = torch.optim.Adam(model.parameters(), lr=2.5e-3, eps=1e-5)
    updates, told = max(1, steps // ROLLOUT), Lengths()
    for update in range(updates):
        rollout = collect(model, carts, told)
        optimizer.param_groups[0]["lr"] = 2.5e-3 * (1 - update / updates)
        for rows in torch.randperm(len(rollout["actions"])).repeat(EPOCHS).split(MINIBATCH):
            batch = {name: each[rows] for name, each in rollout.items()}
            gain = batch["advantages"]
            batch["advantages"] = (gain - gain.mean()) / (gain.std() + 1e-8)
            loss = ppo_loss(model(batch["observations"]), batch, model.config)
            optimizer.zero_grad()
            loss.backward()
            nn.utils.clip_grad_norm_(model.parameters(), 0.5)
            optimizer.step()
        told.line(update + 1, updates)


@torch.no_grad()
def collect(model: ActorCritic, carts: CartPole, told: "Lengths") -> dict[str, Tensor]:
    """Act for a while; give what was seen, done and gained, carts and steps in one row each."""
    seen, done, chances, values, rewards, ends = [], [], [], [], [], []
    for _ in range(ROLLOUT):
        state = carts.state_N4
        judged, lengths = model(state), carts.steps_N
        action = torch.distributions.Categorical(logits=judged.logits).sample()
        after, reward, fell, ended = carts.step(action)
        cut = ended & ~fell  # an episode that was cut off goes on in thought
        reward = torch.where(cut, reward + model.config.gamma * model(after).values, reward)
        told.add(lengths[ended] + 1)
        for kept, each in zip(
            (seen, done, chances, values, rewards, ends),
            (
                state,
                action,
                judged.logits.log_softmax(1).gather(1, action[:, None])[:, 0],
                judged.values,
                reward,
                ended,
            ),
            strict=True,
        ):
            kept.append(each)
    gamma, gae_lambda = model.config.gamma, model.config.gae_lambda
    last = model(carts.state_N4).values
    gain, total = advantages(
        torch.stack(rewards), torch.stack(values), torch.stack(ends), last, gamma=gamma, gae_lambda=gae_lambda
    )
    return {
        "observations": torch.cat(seen),
        "actions": torch.cat(done),
        "old_log_probs": torch.cat(chances),
        "advantages": gain.flatten(),
        "returns": total.flatten(),
    }


def train_dqn(model: QNetwork, carts: CartPole, steps: int) -> None:
    """Act with less and less chance, remember, and learn from what is remembered."""
    optimizer, target = torch.optim.Adam(model.parameters(), lr=1e-3), copy.deepcopy(model)
    memory: dict[str, Tensor] = {}
    told = Lengths()
    for step in range(1, steps + 1):
        epsilon = max(0.04, 1 - step / (EXPLORING * steps))
        state, lengths = carts.state_N4, carts.steps_N
        action = model.act(state, epsilon)
        after, reward, fell, ended = carts.step(action)
        told.add(lengths[ended] + 1)
        new = {"observations": state, "actions": action, "rewards": reward, "dones": fell, "next_observations": after}
        memory = {name: torch.cat([memory[name], each])[-MEMORY:] if memory else each for name, each in new.items()}
        rows = torch.randint(len(memory["actions"]), (DQN_BATCH,))
        batch = {name: each[rows] for name, each in memory.items()}
        batch["td_targets"] = td_targets(model, target, batch)
        loss = dqn_loss(model(batch["observations"]), batch)
        optimizer.zero_grad()
        loss.backward()
        nn.utils.clip_grad_norm_(model.parameters(), 10.0)
        optimizer.step()
        with torch.no_grad():
            for old, now in zip(target.parameters(), model.parameters(), strict=True):
                old.lerp_(now, 0.02)
        if step % (4 * ROLLOUT) == 0 or step == steps:
            told.line(step, steps)


@torch.no_grad()
def balance(model: ActorCritic | QNetwork, seed: int, count: int = 50) -> float:
    """Give the mean length of the first episode of new carts, with the likeliest or best action."""
    carts, lengths = CartPole(count, seed), torch.zeros(count)
    standing = torch.ones(count, dtype=torch.bool)
    while standing.any():
        output = model(carts.state_N4)
        action = (output if isinstance(output, Tensor) else output.logits).argmax(1)
        lengths += standing
        standing &= ~carts.step(action)[3]
    return lengths.mean().item()


class Lengths:
    """Lengths of the episodes that ended, told a line at a time."""

    def __init__(self) -> None:
        self._ended: list[int] = []
        self._began = time.perf_counter()

    def add(self, lengths_N: Tensor) -> None:
        """Note the lengths of episodes that ended."""
        self._ended += lengths_N.tolist()

    def line(self, done: int, total: int) -> None:
        """Print the mean length since the line before."""
        if self._ended and (done % 4 == 0 or done == total):
            mean = sum(self._ended) / len(self._ended)
            print(
                f"{done:5d} of {total}: episodes of {mean:5.1f} steps  {time.perf_counter() - self._began:4.1f} s",
                flush=True,
            )
            self._ended = []


if __name__ == "__main__":
    main()
