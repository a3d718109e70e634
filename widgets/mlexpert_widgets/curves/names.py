"""What the name of a metric says: whether it is of held-out data, whose twin it is, and which way is better."""

import re

VALIDATION = frozenset({"val", "valid", "validation", "eval", "test", "dev"})
TRAINING = frozenset({"train", "training"})
MOMENTS = frozenset({"step", "epoch"})  # of "loss", Lightning makes "loss_step" and "loss_epoch"
FALLING = re.compile(r"loss|losses|error|err|ppl|perplexity|nll|bce|ce|bpb|bpc|mae|mse|rmse|mape|smape|wer|cer|fid")
RISING = re.compile(
    r"acc|accuracy|top|f1|auc|auroc|auprc|ap|map|precision|recall|sensitivity|specificity|iou|miou|dice|jaccard|bleu"
    r"|rouge|meteor|r2|reward|return|score|psnr|ssim|ndcg|mrr|mcc|kappa"
)
SEPARATORS = re.compile(r"([/_.\- ])")
CAPITALS = re.compile(r"(?<=[a-z0-9])(?=[A-Z])")


def is_validation(metric: str) -> bool:
    """Tell whether a metric is of held-out data, by its first or its last word."""
    words = SEPARATORS.split(metric.lower())[::2]
    return len(words) > 1 and not VALIDATION.isdisjoint((words[0], words[-1]))


def base(metric: str) -> str:
    """Give the name that training and validation share."""
    parts = SEPARATORS.split(metric)
    if len(parts) > 1 and parts[-1].lower() in MOMENTS:
        parts = parts[:-2]
    if len(parts) > 1 and parts[0].lower() in VALIDATION | TRAINING:
        parts = parts[2:]
    if len(parts) > 1 and parts[-1].lower() in VALIDATION | TRAINING:
        parts = parts[:-2]
    return "".join(parts)


def direction(metric: str) -> int:
    """Tell which way is better: -1 down, 1 up, 0 if the name does not say; a loss of whatever is a loss."""
    words = set(re.split(r"[^a-z0-9]+", CAPITALS.sub("_", metric).lower()))
    words |= {each.rstrip("0123456789") for each in words}
    if any(map(FALLING.fullmatch, words)):
        return -1
    return int(any(map(RISING.fullmatch, words)))
