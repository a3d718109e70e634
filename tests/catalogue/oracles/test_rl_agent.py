"""PPO, DQN and CartPole against stable-baselines3 and gymnasium."""

import gymnasium
import numpy as np
import pytest
import stable_baselines3
import torch
from stable_baselines3.common.buffers import RolloutBuffer
from torch import nn

from mlexpert_nb.catalogue.families.rl_agent.model.agent import advantages, build_model, dqn_loss, ppo_loss, td_targets
from mlexpert_nb.catalogue.families.rl_agent.model.cartpole import dynamics

pytestmark = pytest.mark.oracle


def linears(module):
    return [layer for layer in module.modules() if isinstance(layer, nn.Linear)]


@torch.no_grad()
def copied(ours, theirs):
    """Copy linear layers one by one; give the pairs of weights."""
    pairs = list(zip(linears(ours), theirs, strict=True))
    for mine, other in pairs:
        mine.load_state_dict(other.state_dict())
    return [(mine.weight, other.weight) for mine, other in pairs]


def test_the_policy_its_value_and_the_loss_are_those_of_stable_baselines(figures):
    theirs = stable_baselines3.PPO("MlpPolicy", "CartPole-v1", device="cpu", seed=0).policy.double()
    ours = build_model().double()
    pairs = copied(ours.policy, [*linears(theirs.mlp_extractor.policy_net), theirs.action_net])
    pairs += copied(ours.value, [*linears(theirs.mlp_extractor.value_net), theirs.value_net])
    states, actions = torch.randn(16, 4, dtype=torch.float64), torch.randint(2, (16,))
    old, gain, total = torch.randn(3, 16, dtype=torch.float64).unbind()
    batch = {"actions": actions, "old_log_probs": old - 1, "advantages": gain, "returns": total}
    judged = ours(states)
    policy_BH, value_BH = theirs.mlp_extractor(states)  # evaluate_actions would make float32 of the states
    drawn = theirs._get_action_dist_from_latent(policy_BH)
    values, chances, entropy = theirs.value_net(value_BH), drawn.log_prob(actions), drawn.entropy()
    ratio = torch.exp(chances - batch["old_log_probs"])
    surrogate = -torch.min(gain * ratio, gain * torch.clamp(ratio, 0.8, 1.2)).mean()
    expected = surrogate + 0.5 * nn.functional.mse_loss(total, values.flatten()) - 0.01 * entropy.mean()
    loss = ppo_loss(judged, batch, ours.config)
    loss.backward()
    expected.backward()
    mine = judged.logits.log_softmax(1).gather(1, actions[:, None])[:, 0]
    differences = ((mine - chances), judged.values - values.flatten(), loss - expected)
    figures.add(
        "rl-agent",
        "stable-baselines3 PPO MlpPolicy",
        output=max(each.abs().max().item() for each in differences),
        gradient=max((m.grad - o.grad).abs().max().item() for m, o in pairs),
        parameters=tuple(sum(p.numel() for p in each.parameters()) for each in (ours, theirs)),
    )


def test_advantages_and_returns_are_those_of_stable_baselines(figures):
    steps, count, rng = 20, 3, np.random.default_rng(0)
    env = gymnasium.make("CartPole-v1")
    buffer = RolloutBuffer(steps, env.observation_space, env.action_space, "cpu", 0.9, 0.97, count)
    rewards, values = torch.from_numpy(rng.normal(size=(2, steps, count))).unbind()
    ends = torch.from_numpy(rng.random((steps, count)) < 0.2)
    starts = torch.cat([torch.zeros(1, count, dtype=torch.bool), ends[:-1]])
    last = torch.from_numpy(rng.normal(size=count))
    buffer.rewards, buffer.values, buffer.episode_starts = rewards.numpy(), values.numpy(), starts.double().numpy()
    buffer.advantages = np.zeros((steps, count))
    buffer.compute_returns_and_advantage(last, ends[-1].double().numpy())
    gain, total = advantages(rewards, values, ends, last, gamma=0.97, gae_lambda=0.9)
    differences = (gain.numpy() - buffer.advantages, total.numpy() - buffer.returns)
    figures.add(
        "rl-agent", "stable-baselines3 RolloutBuffer (GAE)", output=max(np.abs(each).max() for each in differences)
    )


def test_the_values_of_actions_and_their_loss_are_those_of_stable_baselines(figures):
    agent = stable_baselines3.DQN("MlpPolicy", "CartPole-v1", device="cpu", seed=0)
    ours, target = (build_model(kind="dqn", double=False).double() for _ in range(2))
    pairs = copied(ours, linears(agent.q_net.double()))
    copied(target, linears(agent.q_net_target.double()))
    states, following = torch.randn(2, 16, 4, dtype=torch.float64).unbind()
    batch = {"rewards": torch.randn(16).double(), "dones": torch.rand(16) < 0.3, "next_observations": following}
    batch["actions"] = torch.randint(2, (16,))
    batch["td_targets"] = td_targets(ours, target, batch)
    with torch.no_grad():
        after = agent.q_net_target.q_net(following).max(dim=1).values
        wanted = batch["rewards"] + (1 - batch["dones"].double()) * 0.99 * after
    values = agent.q_net.q_net(states).gather(1, batch["actions"][:, None])[:, 0]
    expected, loss = nn.functional.smooth_l1_loss(values, wanted), dqn_loss(ours(states), batch)
    expected.backward()
    loss.backward()
    figures.add(
        "rl-agent",
        "stable-baselines3 DQN MlpPolicy",
        output=max((batch["td_targets"] - wanted).abs().max().item(), (loss - expected).abs().item()),
        gradient=max((m.grad - o.grad).abs().max().item() for m, o in pairs),
        parameters=tuple(sum(p.numel() for p in each.parameters()) for each in (ours, agent.q_net)),
    )


def test_carts_move_as_those_of_gymnasium(figures):
    env = gymnasium.make("CartPole-v1").unwrapped
    env.reset(seed=0)
    furthest = 0.0
    for action in np.random.default_rng(0).integers(2, size=40):
        before = torch.tensor(np.array([env.state]), dtype=torch.float64)
        env.step(int(action))
        ours = dynamics(before, torch.tensor([int(action)]))[0]
        furthest = max(furthest, (ours - torch.tensor(np.array(env.state), dtype=torch.float64)).abs().max().item())
        env.steps_beyond_terminated = None
    figures.add("rl-agent", "gymnasium CartPole-v1", output=furthest)
