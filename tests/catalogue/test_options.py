"""What is read from a request for an entry, and what is told as not taken from it."""

import pytest

from mlexpert_nb.agent.offline.proposal import propose
from mlexpert_nb.catalogue import ENTRIES, read_options, read_preset, unread
from mlexpert_nb.packages import ContextPackage

READ = [  # entry, text, keys with their values
    ("llama-decoder", "a llama, width 1024, vocab 50257", {"hidden_size": 1024, "vocab_size": 50257}),
    ("llama-decoder", "llama 6 layers 8 heads", {"num_layers": 6, "num_heads": 8}),
    ("llama-decoder", "llama with heads 8, layers 6", {"num_layers": 6, "num_heads": 8}),
    ("llama-decoder", "llama (layers: 6, heads=8)", {"num_layers": 6, "num_heads": 8}),
    ("llama-decoder", "llama: 6-layer, 8-head, 512-dim", {"num_layers": 6, "num_heads": 8, "hidden_size": 512}),
    ("llama-decoder", "llama of width 1,024 and vocab 50_257", {"hidden_size": 1024, "vocab_size": 50257}),
    ("llama-decoder", "llama with a 32k vocabulary", {"vocab_size": 32000}),
    ("llama-decoder", "llama with a hidden size of approximately 512", {"hidden_size": 512}),
    ("llama-decoder", "llama, 16 heads, 4 kv heads", {"num_heads": 16, "num_kv_heads": 4}),
    ("llama-decoder", "llama with two layers", {"num_layers": 2}),
    ("llama-decoder", "llama 6 слоёв", {"num_layers": 6}),
    ("llama-decoder", "llama with RoPE theta 1e6", {"rope_theta": 1e6}),
    ("llama-decoder", "llama with rope theta 500000", {"rope_theta": 5e5}),
    ("llama-decoder", "llama with multi-query attention", {"num_kv_heads": 1}),
    ("llama-decoder", "llama, no RoPE", {"position": "none"}),
    ("llama-decoder", "llama with ALiBi instead of RoPE", {"position": "alibi"}),
    ("llama-decoder", "GPT, no weight tying", {"tie_embeddings": False}),
    ("llama-decoder", "GPT-2 with context 512", {"position": "learned", "max_length": 512}),
    ("moe-decoder", "MoE without load-balancing loss", {"balance": 0.0}),
    ("moe-decoder", "Mixtral with 16 experts, top-4, 6 layers", {"num_experts": 16, "top_k": 4, "num_layers": 6}),
    ("sliding-window-decoder", "mistral, window size of 128 tokens", {"window": 128}),
    ("trm-titans-mag", "TRM x Titans, 6 layers, width 512", {"n_layers": 6, "d_model": 512}),
    ("bert", "BERT, 6 Schichten", {"num_hidden_layers": 6}),
    ("bert", "BERT avec 6 couches et 8 têtes", {"num_hidden_layers": 6, "num_attention_heads": 8}),
    ("bert", "BERT con 6 capas, 8 cabezas", {"num_hidden_layers": 6, "num_attention_heads": 8}),
    ("bert", "BERT com 6 camadas e 8 cabeças", {"num_hidden_layers": 6, "num_attention_heads": 8}),
    ("bert", "BERT con 6 strati", {"num_hidden_layers": 6}),
    ("bert", "BERT 6层 8头 词表大小 8000", {"num_hidden_layers": 6, "num_attention_heads": 8, "vocab_size": 8000}),
    ("bert", "BERT 6層 8ヘッド", {"num_hidden_layers": 6, "num_attention_heads": 8}),
    ("bert", "bert without dropout", {"dropout": 0.0}),
    (
        "mamba",
        "mamba d_model=512 n_layers=6 d_state=32",
        {"hidden_size": 512, "num_hidden_layers": 6, "state_size": 32},
    ),
    ("lstm-attention", "LSTM seq2seq, dropout 20%", {"dropout": 0.2}),
    ("lora", "LoRA rank 16 alpha 32", {"rank": 16, "alpha": 32.0}),
    ("lora", "LoRA r=16, alpha=32, dropout 0.05", {"rank": 16, "alpha": 32.0, "dropout": 0.05}),
    ("lora", "LoRA on all linear layers", {"targets": ["fc1", "fc2", "stem", "head"]}),
    ("diffusion", "DDPM on MNIST, 500 timesteps", {"num_train_timesteps": 500, "image_size": 28, "num_channels": 1}),
    ("vae", "vae beta=4", {"beta": 4.0}),
    ("vae", "beta-VAE with beta 4", {"beta": 4.0}),
    ("vae", "vae latent dim 16", {"latent_size": 16}),
    ("vae", "VQ-VAE with a codebook of 256 vectors", {"kind": "vqvae", "num_embeddings": 256}),
    ("kan", "KAN [2,5,1]", {"in_features": 2, "hidden_size": 5, "num_layers": 2, "out_features": 1}),
    ("kan", "KAN widths 2,5,1", {"in_features": 2, "hidden_size": 5, "out_features": 1}),
    ("kan", "KAN 2 -> 5 -> 5 -> 1", {"in_features": 2, "hidden_size": 5, "num_layers": 3, "out_features": 1}),
    ("kan", "KAN with 2 inputs and 1 output", {"in_features": 2, "out_features": 1}),
    ("kan", "KAN with G=5, k=3", {"grid_size": 5, "spline_order": 3}),
    ("vae", "β-VAE with β = 4", {"beta": 4.0}),
    ("vit", "ViT with mean pooling instead of a class token", {"pool": "mean"}),
    ("resnet", "ResNet with bottleneck blocks [3, 4, 6, 3]", {"block": "bottleneck", "num_blocks": [3, 4, 6, 3]}),
    ("detr", "DETR with 3 encoder and 3 decoder layers", {"encoder_layers": 3, "decoder_layers": 3}),
    ("perceiver", "Perceiver with 256 latents of dimension 128", {"num_latents": 256, "d_latents": 128}),
    (
        "diffusion",
        "DDPM, T=500, channel multipliers [1, 2, 4]",
        {"num_train_timesteps": 500, "channel_mults": [1, 2, 4]},
    ),
    ("wgan-gp", "WGAN-GP, n_critic 3, z of 64", {"num_critic_steps": 3, "latent_size": 64}),
    ("llama-decoder", "llama 2 with 4 layers", {"num_layers": 4}),
    ("kan", "KAN on MNIST", {"in_features": 784, "out_features": 10}),
    ("vit", "ViT for CIFAR-10", {"image_size": 32, "num_channels": 3, "num_classes": 10}),
    ("vit", "ViT for CIFAR with 100 classes", {"image_size": 32, "num_classes": 100}),
    ("vit", "ViT for STL10", {"image_size": 96, "num_classes": 10}),
    ("vit", "ViT with 16x16 patches on 224x224 images", {"patch_size": 16, "image_size": 224}),
    ("vit", "ViT, no cls token", {"pool": "mean"}),
    ("resnet", "ResNet-18 on CIFAR", {"image_size": 32, "num_classes": 10, "stem": "small"}),
    ("resnet", "ResNet pretrained on ImageNet, for CIFAR-10", {"num_classes": 10}),
    ("unet", "U-Net for Cityscapes", {"num_classes": 19}),
    ("rl-agent", "PPO for CartPole", {"num_observations": 4, "num_actions": 2}),
    ("rl-agent", "PPO, gamma 0.95, gae lambda 0.9, clip 0.1", {"gamma": 0.95, "gae_lambda": 0.9, "clip_range": 0.1}),
    ("rl-agent", "DQN with hidden layers [128, 128]", {"hidden_size": 128, "num_layers": 2}),
    ("graph-network", "GCN on Citeseer", {"in_features": 3703, "num_classes": 6}),
    ("patchtst", "PatchTST on ETTh1, horizon 96", {"num_channels": 7, "prediction_length": 96}),
    ("tabular", "FT-Transformer, 30 numeric + 4 categorical columns", {"num_features": 30, "num_categorical": 4}),
    ("tabular", "30 numeric and 4 categorical columns", {"num_features": 30, "num_categorical": 4}),
]
LEFT = [  # entry, text, what is told as not taken
    ("diffusion", "DDPM trained on 1000 steps, DDIM sampling in 50", ("sampling in 50",)),
    ("diffusion", "DDIM sampling in 50 steps", ("sampling in 50",)),
    ("diffusion", "flow matching, 20 steps", ("20 steps",)),
    ("diffusion", "DDPM with classifier-free guidance", ("classifier-free guidance",)),
    ("graph-network", "GraphSAGE with max pooling aggregator", ("max aggregator",)),
    ("graph-network", "GCN for molecules", ("molecules",)),
    ("llama-decoder", "llama with context 4096, QK-norm", ("context 4096", "QK-norm")),
    ("llama-decoder", "llama, batch size 64, learning rate 3e-4", ("batch size 64", "learning rate 3e-4")),
    ("llama-decoder", "GPT trained for 1000 steps", ("1000 steps",)),
    ("llama-decoder", "GPT with 6 layers and 8 layers", ("8 layers",)),
    ("llama-decoder", "gpt2-xl", ("gpt2 xl",)),
    ("lora", "LoRA on the q and v projections", ("attention projections",)),
    (
        "resnet",
        "ResNet-50 with squeeze-and-excitation and stochastic depth",
        ("squeeze-and-excitation", "stochastic depth"),
    ),
    ("resnet", "resnet without batch norm", ("without batch norm",)),
    ("resnet", "ResNet-50, weight decay 1e-4", ("weight decay 1e-4",)),
    ("vit", "ViT with registers and LayerScale", ("registers", "LayerScale")),
    ("rl-agent", "DQN dueling, prioritized replay", ("dueling", "prioritized replay")),
    ("rl-agent", "PPO for LunarLander", ("LunarLander",)),
    ("bert", "BERT with RoPE", ("RoPE",)),
]
PLAIN = [
    ("llama-decoder", "Build a small GPT with a KV cache, 10M parameters, 6 GB, 20 ms a token"),
    ("llama-decoder", "a llama with GQA, RMSNorm, SwiGLU and a KV cache"),
    ("llama-decoder", "llama as of 2023, arXiv 2302.13971, on one RTX 3090 within 3 days"),
    ("llama-decoder", "llama without dropout, no ALiBi"),
    ("moe-decoder", "sparse MoE language model with a load balancing loss"),
    ("resnet", "ResNet-50"),
    ("vit", "ViT-B/16 on CIFAR-100"),
    ("unet", "U-Net for 256x256 images"),
    ("detr", "1. Implement DETR. 2. It must detect 20 classes. 3. Write tests with 90% coverage."),
    ("tabular", "a table of 50,000 patients with 30 numeric and 4 categorical columns"),
    ("lstm-attention", "LSTM with attention, as in week 5 of the course. Step 1: the model. Step 2: the training."),
    ("trm-titans-mag", "a transformer with a neural long-term memory and adaptive computation time"),
]
SIZES = [
    ("llama-decoder", "gpt2 small", "gpt-2"),
    ("llama-decoder", "gpt2-medium", "gpt-2 medium"),
    ("llama-decoder", "a GPT-2 meduim", "gpt-2 medium"),
    ("llama-decoder", "GPT small", "small"),
    ("llama-decoder", "small-GPT", "small"),
    ("llama-decoder", "a small GPT", ""),
    ("resnet", "implement a resnt-50", "resnet-50"),
    ("resnet", "ResNet-51", ""),
    ("perceiver", "a Perceiver with a small latent array", ""),
    ("vit", "a Vision Transformer small", "vit-small"),
    ("bert", "bert-lagre", "bert-large"),
    ("bert", "not bert-large", ""),
]


def planned(entry, text):
    options = read_options(entry, text)
    return {**options, **entry.solve(None, {**entry.presets.get(read_preset(entry, text), {}), **options})}


@pytest.mark.parametrize(("name", "text", "wanted"), READ)
def test_what_a_request_states_is_read_and_can_be_built(name, text, wanted):
    entry = ENTRIES[name]
    assert wanted.items() <= read_options(entry, text).items()
    assert unread(entry, text, planned(entry, text)) == ()


@pytest.mark.parametrize(("name", "text", "left"), LEFT)
def test_what_no_key_takes_is_told_in_the_words_of_the_request(name, text, left):
    entry = ENTRIES[name]
    assert unread(entry, text, planned(entry, text)) == left


@pytest.mark.parametrize(("name", "text"), [*PLAIN, *((name, entry.request) for name, entry in ENTRIES.items())])
def test_nothing_is_told_where_everything_is_taken(name, text):
    entry = ENTRIES[name]
    assert unread(entry, text, planned(entry, text)) == ()


@pytest.mark.parametrize(("name", "text", "size"), SIZES)
def test_a_published_size_is_read_where_it_is_named(name, text, size):
    assert read_preset(ENTRIES[name], text) == size


@pytest.mark.parametrize("text", ["no mixture of experts please, a plain llama", "llama without mixture of experts"])
def test_a_part_of_what_is_negated_is_not_meant(text):
    assert "ffn" not in read_options(ENTRIES["llama-decoder"], text)


def test_the_sampler_is_the_one_that_the_request_adds_to_the_name():
    text = "DDPM trained on 500 steps, DDIM sampling in 50"
    assert read_options(ENTRIES["diffusion"], text) == {"sampler": "ddim", "num_train_timesteps": 500}


def test_a_number_without_a_key_does_not_go_to_another_name():
    assert "num_train_timesteps" not in read_options(ENTRIES["diffusion"], "DDIM sampling in 50 steps")
    assert "readout" not in read_options(ENTRIES["graph-network"], "GraphSAGE with max pooling aggregator")


@pytest.mark.parametrize("width", [256, 384, 512])
def test_heads_of_the_delta_rule_follow_the_width(width):
    configuration = ENTRIES["delta-rule-decoder"].solve(None, {"hidden_size": width, "num_layers": 6})
    assert configuration["num_heads"] == configuration["num_kv_heads"] == width // 64


def test_key_heads_follow_the_heads_that_are_asked_for():
    configuration = ENTRIES["llama-decoder"].solve(None, {"hidden_size": 768, "num_heads": 6})
    assert configuration["num_heads"] % configuration["num_kv_heads"] == 0


def test_one_output_is_a_regression():
    assert ENTRIES["kan"].solve(None, {"out_features": 1})["task"] == "regression"
    assert ENTRIES["tabular"].solve(None, {"num_outputs": 1})["task"] == "regression"


def test_the_plan_names_the_data_set_and_what_it_does_not_take():
    plan = propose(ContextPackage("a ViT for CIFAR-10 with registers, 100 epochs"))
    assert "image_size = 32 (CIFAR-10)" in plan["summary"]
    assert "Not taken from the request: 100 epochs; registers. Say it in other words, edit the plan" in plan["summary"]


def test_the_chosen_entry_is_given_what_the_request_states():
    plan = propose(ContextPackage("a ResNet or a ViT with 37 classes"), "vit")
    assert plan["configuration"]["num_classes"] == 37
    assert "Not taken" not in plan["summary"]
