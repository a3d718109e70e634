"""The decoder against transformers: LLaMA, GPT-2, Mistral, Mixtral and the gated delta rule of Qwen3-Next."""

from functools import partial
from unittest import mock

import pytest
import torch
import transformers
from torch.nn import functional as F
from transformers.models.mixtral.modeling_mixtral import load_balancing_loss_func
from transformers.models.qwen3_next.modeling_qwen3_next import (
    torch_chunk_gated_delta_rule,
    torch_recurrent_gated_delta_rule,
)

from mlexpert_nb.catalogue.families.decoder.model.decoder import build_model
from mlexpert_nb.catalogue.families.decoder.model.delta_rule import delta_rule
from mlexpert_nb.catalogue.families.decoder.model.feed_forward import balance_loss

pytestmark = pytest.mark.oracle
SIZES = {"vocab_size": 61, "hidden_size": 32, "intermediate_size": 48}
THEIRS = {**SIZES, "num_hidden_layers": 2, "num_attention_heads": 4, "num_key_value_heads": 2, "rms_norm_eps": 1e-6}
OURS = {**SIZES, "num_layers": 2, "num_heads": 4, "num_kv_heads": 2, "tie_embeddings": False}


def in_float64(theirs):
    """Keep norms and rotary angles, which transformers computes in float32 whatever the model, in float64."""

    def angles(x, position_ids):
        core = theirs.model.rotary_emb
        rate = core.config.rope_parameters["rope_theta"] ** (-torch.arange(0, 8, 2, dtype=x.dtype) / 8)
        angle = (position_ids[..., None] * rate).repeat(1, 1, 2)
        return angle.cos(), angle.sin()

    for module in theirs.modules():
        if type(module).__name__.endswith("RMSNorm"):
            module.forward = partial(F.rms_norm, normalized_shape=(32,), weight=module.weight, eps=1e-6)
    theirs.model.rotary_emb.forward = angles
    return theirs.double().eval()


@torch.no_grad()
def copy_llama(ours, theirs):
    """Copy the weights of a model of LLaMA's kind; give (ours, of theirs those that were joined) for gradients."""
    pairs = [(ours.embedding.weight, [theirs.model.embed_tokens.weight])]
    pairs += [(ours.norm.weight, [theirs.model.norm.weight]), (ours.head.weight, [theirs.lm_head.weight])]
    for mine, other in zip(ours.blocks, theirs.model.layers, strict=True):
        attention = other.self_attn
        pairs += [
            (mine.norm1.weight, [other.input_layernorm.weight]),
            (mine.norm2.weight, [other.post_attention_layernorm.weight]),
            (mine.attention.qkv.weight, [attention.q_proj.weight, attention.k_proj.weight, attention.v_proj.weight]),
            (mine.attention.out.weight, [attention.o_proj.weight]),
        ]
        if hasattr(mine.feed_forward, "router"):
            experts = other.mlp.experts
            pairs += [
                (mine.feed_forward.router.weight, [other.mlp.gate.weight]),
                (mine.feed_forward.gate_up, [experts.gate_up_proj]),
                (mine.feed_forward.out, [experts.down_proj]),
            ]
        else:
            mlp = other.mlp
            pairs += [(mine.feed_forward.gate_up.weight, [mlp.gate_proj.weight, mlp.up_proj.weight])]
            pairs += [(mine.feed_forward.out.weight, [mlp.down_proj.weight])]
    for mine, parts in pairs:
        mine.copy_(torch.cat(parts))
    return pairs


def compared(figures, names, ours, theirs, pairs):
    """Compare logits and gradients in float64, then logits in float32."""
    ids = torch.randint(61, (2, 40))
    with mock.patch.object(torch.Tensor, "float", lambda tensor: tensor):  # the router's chances stay in float64
        mine, other = ours(ids), theirs(ids, use_cache=False).logits
    mine.square().mean().backward()
    other.square().mean().backward()
    gradient = max((m.grad - torch.cat([p.grad for p in parts])).abs().max().item() for m, parts in pairs)
    with torch.no_grad():
        single = (ours.float()(ids) - theirs.float()(ids, use_cache=False).logits).abs().max().item()
    figures.add(
        *names,
        output=(mine - other).abs().max().item(),
        output_float32=single,
        gradient=gradient,
        parameters=tuple(sum(p.numel() for p in each.parameters()) for each in (ours, theirs)),
    )


def test_llama(figures):
    config = transformers.LlamaConfig(**THEIRS, attn_implementation="sdpa")
    theirs, ours = in_float64(transformers.LlamaForCausalLM(config)), build_model(**OURS).double()
    pairs = copy_llama(ours, theirs)
    compared(figures, ("llama-decoder", "transformers LlamaForCausalLM"), ours, theirs, pairs)


def test_mistral_with_a_window(figures):
    config = transformers.MistralConfig(**THEIRS, sliding_window=7, attn_implementation="sdpa")
    theirs = in_float64(transformers.MistralForCausalLM(config))
    ours = build_model(**OURS, attention="sliding", window=7).double()
    pairs = copy_llama(ours, theirs)
    compared(figures, ("sliding-window-decoder", "transformers MistralForCausalLM"), ours, theirs, pairs)


def test_gpt2(figures):
    sizes = {"vocab_size": 61, "n_embd": 32, "n_layer": 2, "n_head": 4, "n_positions": 40}
    config = transformers.GPT2Config(**sizes, attn_implementation="sdpa")
    theirs = transformers.GPT2LMHeadModel(config).double().eval()
    keys = {"position": "learned", "max_length": 40, "norm": "layernorm", "norm_eps": 1e-5, "ffn": "gelu", "bias": True}
    keys |= {"num_kv_heads": 4, "intermediate_size": 128, "tie_embeddings": True}
    ours = build_model(**{**OURS, **keys}).double()
    core, pairs = theirs.transformer, []
    pairs += [(ours.embedding.weight, core.wte.weight), (ours.positions.weight, core.wpe.weight)]
    pairs += [(ours.norm.weight, core.ln_f.weight), (ours.norm.bias, core.ln_f.bias)]
    turned = []  # linear layers, whose matrices GPT-2 keeps transposed
    for mine, other in zip(ours.blocks, core.h, strict=True):
        for norm, their_norm in ((mine.norm1, other.ln_1), (mine.norm2, other.ln_2)):
            pairs += [(norm.weight, their_norm.weight), (norm.bias, their_norm.bias)]
        turned += [(mine.attention.qkv, other.attn.c_attn), (mine.attention.out, other.attn.c_proj)]
        turned += [(mine.feed_forward.up, other.mlp.c_fc), (mine.feed_forward.out, other.mlp.c_proj)]
    pairs += [(mine.bias, other.bias) for mine, other in turned]
    with torch.no_grad():
        for mine, other in pairs:
            mine.copy_(other)
        for mine, other in turned:
            mine.weight.copy_(other.weight.T)
    ids = torch.randint(61, (2, 33))
    mine, other = ours(ids), theirs(ids, use_cache=False).logits
    mine.square().mean().backward()
    other.square().mean().backward()
    gaps = [(m.grad - o.grad).abs().max().item() for m, o in pairs]
    gaps += [(m.weight.grad - o.weight.grad.T).abs().max().item() for m, o in turned]
    single = ours.float()(ids) - theirs.float()(ids, use_cache=False).logits
    figures.add(
        "llama-decoder",
        "transformers GPT2LMHeadModel",
        output=(mine - other).abs().max().item(),
        output_float32=single.abs().max().item(),
        gradient=max(gaps),
        parameters=tuple(sum(p.numel() for p in each.parameters()) for each in (ours, theirs)),
    )


def test_mixtral_and_its_balance(figures):
    config = transformers.MixtralConfig(
        **THEIRS, num_local_experts=4, num_experts_per_tok=2, attn_implementation="sdpa", experts_implementation="eager"
    )
    theirs = in_float64(transformers.MixtralForCausalLM(config))
    ours = build_model(**OURS, ffn="moe", num_experts=4, top_k=2, rope_theta=1e6).double()
    with torch.no_grad():
        for parameter in theirs.parameters():
            parameter.add_(0.1 * torch.randn_like(parameter))
    pairs = copy_llama(ours, theirs)
    compared(figures, ("moe-decoder", "transformers MixtralForCausalLM"), ours, theirs, pairs)
    logits = [torch.randn(20, 4, dtype=torch.float64) for _ in range(2)]
    gap = balance_loss(logits, 2) - load_balancing_loss_func(tuple(logits), 4, 2)
    figures.add("moe-decoder", "transformers load_balancing_loss_func", output_float32=gap.abs().item())


@pytest.mark.parametrize("length", [5, 64, 150])
def test_the_gated_delta_rule(figures, length):
    q, k, v = torch.randn(3, 2, length, 3, 8).unbind()
    log_keep, write = -torch.rand(2, length, 3), torch.rand(2, length, 3)
    q, k = (F.normalize(each, dim=-1) for each in (q, k))
    turned = [each.transpose(1, 2) for each in (q, k, v, log_keep, write)]
    o, S = delta_rule(*turned)
    gaps = []
    for rule in (torch_chunk_gated_delta_rule, torch_recurrent_gated_delta_rule):
        keys = {"initial_state": None, "output_final_state": True, "use_qk_l2norm_in_kernel": False}
        theirs, after = rule(q, k, v, g=log_keep, beta=write, **keys)
        gaps += [(o.transpose(1, 2) - theirs).abs().max().item(), (S - after).abs().max().item()]
    figures.add("delta-rule-decoder", "transformers qwen3_next gated delta rule", output_float32=max(gaps))
