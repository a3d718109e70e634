"""BERT beside transformers' BertForMaskedLM, and its layer beside torch.nn.TransformerEncoderLayer."""

import pytest
import torch
from torch import nn
from torch.nn import functional as F
from transformers import BertConfig, BertForMaskedLM

from mlexpert_nb.catalogue.families.bert.model.bert import Bert, EncoderLayer, build_model

pytestmark = pytest.mark.oracle

MINI = {"hidden_size": 256, "num_hidden_layers": 4, "num_attention_heads": 4, "intermediate_size": 1024}
SMALL = {"hidden_size": 512, "num_hidden_layers": 4, "num_attention_heads": 8, "intermediate_size": 2048}
TINY = {"hidden_size": 48, "num_hidden_layers": 3, "num_attention_heads": 4, "intermediate_size": 100}


def pair(sizes, dtype, vocab_size=30522):
    """Give our network and theirs with the same weights, all of them random, in evaluation mode."""
    theirs = BertForMaskedLM(BertConfig(vocab_size=vocab_size, **sizes)).to(dtype).eval()
    with torch.no_grad():
        for parameter in theirs.parameters():
            parameter.add_(0.05 * torch.randn_like(parameter))
    ours = build_model(vocab_size=vocab_size, mask_token_id=5, **sizes).to(dtype).eval()
    ours.load_state_dict(renamed(theirs.state_dict(), len(ours.layers)))
    return ours, theirs


def renamed(state, num_layers):
    """Give their weights under our names; queries, keys and values lie one below the other."""
    linear = {"head.transform": "cls.predictions.transform.dense", "head.norm": "cls.predictions.transform.LayerNorm"}
    linear["norm"] = "bert.embeddings.LayerNorm"
    found = {"head.bias": state["cls.predictions.bias"]}
    kinds = {"token": "word", "position": "position", "type": "token_type"}
    found |= {f"{o}_embedding.weight": state[f"bert.embeddings.{t}_embeddings.weight"] for o, t in kinds.items()}
    for index in range(num_layers):
        ours, theirs = f"layers.{index}", f"bert.encoder.layer.{index}"
        linear[f"{ours}.attention.out"] = f"{theirs}.attention.output.dense"
        linear[f"{ours}.norm_attention"] = f"{theirs}.attention.output.LayerNorm"
        linear[f"{ours}.mlp.0"], linear[f"{ours}.mlp.2"] = f"{theirs}.intermediate.dense", f"{theirs}.output.dense"
        linear[f"{ours}.norm_mlp"] = f"{theirs}.output.LayerNorm"
        for kind in ("weight", "bias"):
            rows = [state[f"{theirs}.attention.self.{each}.{kind}"] for each in ("query", "key", "value")]
            found[f"{ours}.attention.query_key_value.{kind}"] = torch.cat(rows)
    return found | {f"{o}.{kind}": state[f"{t}.{kind}"] for o, t in linear.items() for kind in ("weight", "bias")}


def batch(vocab_size=30522, rows=3, length=20):
    """Give ids, a mask with padding, segments and labels of which most are ignored."""
    ids = torch.randint(1, vocab_size, (rows, length))
    mask = torch.arange(length) < torch.tensor([[length], [length - 7], [length - 1]])
    labels = torch.where((torch.rand(rows, length) < 0.3) & mask, ids, -100)
    return ids, mask, torch.randint(2, (rows, length)), labels


def gap(left, right):
    return (left - right).abs().max().item()


def differences(sizes, dtype, vocab_size=30522):
    """Give the largest differences of the logits at real tokens and of the gradients of the loss."""
    ours, theirs = pair(sizes, dtype, vocab_size)
    ids, mask, types, labels = batch(vocab_size)
    expected = theirs(ids, attention_mask=mask.long(), token_type_ids=types, labels=labels)
    found = ours(ids, mask, types)
    F.cross_entropy(found.flatten(0, 1), labels.flatten()).backward()
    expected.loss.backward()
    named = {name: each.grad for name, each in theirs.named_parameters()}
    named.setdefault("cls.predictions.bias", theirs.cls.predictions.bias.grad)
    wanted = renamed(named, len(ours.layers))
    gradient = max(gap(each.grad, wanted[name]) for name, each in ours.named_parameters())
    counts = [sum(p.numel() for p in model.parameters()) for model in (ours, theirs)]
    return gap(found[mask], expected.logits[mask]), gradient, counts


@pytest.mark.parametrize(("name", "sizes", "words"), [("mini", MINI, 30522), ("small", SMALL, 30522), ("", TINY, 101)])
def test_it_is_the_bert_of_transformers(figures, name, sizes, words):
    output, gradient, counts = differences(sizes, torch.float64, words)
    single, _, _ = differences(sizes, torch.float32, words)
    oracle = f"transformers BertForMaskedLM{name and f' ({name})'}"
    figures.add("bert", oracle, output=output, output_float32=single, gradient=gradient, parameters=counts)


def test_its_layer_is_the_encoder_layer_of_torch(figures):
    ours: Bert = build_model(vocab_size=101, mask_token_id=5, dropout=0.0, **TINY).double()
    layer: EncoderLayer = ours.layers[0]
    theirs = nn.TransformerEncoderLayer(
        48, 4, 100, dropout=0.0, activation="gelu", layer_norm_eps=1e-12, batch_first=True, dtype=torch.float64
    )
    names = {
        "self_attn.in_proj_": "attention.query_key_value.",
        "self_attn.out_proj.": "attention.out.",
        "linear1.": "mlp.0.",
        "linear2.": "mlp.2.",
        "norm1.": "norm_attention.",
        "norm2.": "norm_mlp.",
    }
    copied = {o + kind: theirs.state_dict()[t + kind] for t, o in names.items() for kind in ("weight", "bias")}
    layer.load_state_dict(copied)
    x = torch.randn(3, 20, 48, dtype=torch.float64)
    mask = batch()[1]
    found, expected = layer(x, mask[:, None, None, :]), theirs(x, src_key_padding_mask=~mask)
    weights = torch.randn_like(found[mask])
    (found[mask] * weights).sum().backward()
    (expected[mask] * weights).sum().backward()
    grads = {name: each.grad for name, each in theirs.named_parameters()}
    own = {name: each.grad for name, each in layer.named_parameters()}
    gradient = max(gap(own[o + kind], grads[t + kind]) for t, o in names.items() for kind in ("weight", "bias"))
    counts = [sum(p.numel() for p in each.parameters()) for each in (layer, theirs)]
    figures.add(
        "bert",
        "torch.nn.TransformerEncoderLayer (one layer)",
        output=gap(found[mask], expected[mask]),
        gradient=gradient,
        parameters=counts,
    )
