"""The entry of the catalogue: PPO and DQN."""

from mlexpert_nb.catalogue.families.rl_agent.model.config import ModelConfig
from mlexpert_nb.catalogue.plain import PlainEntry
from mlexpert_nb.catalogue.sizing import Keys, Sizes


def _complete(keys: Keys) -> Keys:
    return {"hidden_size": keys["hidden_size"]}


def _derived(config: ModelConfig) -> dict[str, object]:
    if config.kind == "dqn":
        nets, said = (
            f'q["q: {config.num_layers} × ReLU {config.hidden_size}"] --> out["values (B, {config.num_actions})"]',
            "DQN",
        )
        start = "s --> q"
    else:
        layers, actions = f"{config.num_layers} × tanh {config.hidden_size}", config.num_actions
        nets = (
            f'p["policy: {layers}"] --> out["logits (B, {actions})"]\n    v["value: {layers}"] --> val["values (B,)"]'
        )
        start, said = "s --> p\n    s --> v", "PPO"
    return {"diagram": f"{start}\n    {nets}", "kind_said": said}


RL_AGENT = PlainEntry(
    name="rl-agent",
    title="DQN and PPO",
    summary="Agents that learn by acting: networks, losses, advantages by GAE, and a vectorised CartPole",
    model_type="mlp",
    features=("PPO", "DQN", "double_DQN", "GAE", "actor_critic"),
    keywords=(
        *("ppo", "dqn", "double dqn", "deep q network", "deep q learning", "proximal policy optimization"),
        *("proximal policy optimisation", "generalised advantage estimation", "generalized advantage estimation"),
        *("actor critic", "q learning", "cartpole agent"),
    ),
    papers=(
        "Proximal Policy Optimization Algorithms, arXiv:1707.06347",
        "High-Dimensional Continuous Control Using Generalized Advantage Estimation, arXiv:1506.02438",
        "Playing Atari with Deep Reinforcement Learning, arXiv:1312.5602",
        "Deep Reinforcement Learning with Double Q-learning, arXiv:1509.06461",
    ),
    default_parameters=9_155,
    claims=("batch_independent",),
    options={
        "kind": {
            "ppo": ("ppo", "proximal policy optimization", "proximal policy optimisation", "actor critic"),
            "dqn": (
                "dqn",
                "double dqn",
                "deep q network",
                "deep q learning",
                "q learning",
                "playing atari",
                "human level control",
            ),
        }
    },
    numbers={
        "num_actions": ("actions",),
        "num_observations": ("observations",),
        "hidden_size": ("hidden units", "units"),
        "num_layers": ("layers", "hidden layers"),
    },
    request="Implement a PPO agent",
    package="rl_agent",
    sizes=Sizes(
        presets={"mlp-64": {}},
        grid={"num_layers": (2, 3, 4, 6), "hidden_size": (16, 32, 64, 128, 256, 512, 1024, 2048, 4096)},
        complete=_complete,
        fine="hidden_size",
        step=4,
    ),
    derived=_derived,
    usage="""\
actions = model.act(torch.randn(8, model.config.num_observations))

# CartPole, many at once: states of 4 numbers, 2 actions; examples/train.py learns on it
from model import CartPole

carts = CartPole(8)
states, rewards, fell, ended = carts.step(torch.randint(2, (8,)))""",
)
