"""What the document says about one configuration: its diagram and its shapes."""

from collections.abc import Mapping

from mlexpert_nb.catalogue.families.unet.model.config import ModelConfig


def derived(config: ModelConfig) -> Mapping[str, object]:
    """Give what the document names beside the keys of the configuration."""
    is_segmentation = config.task == "segmentation"
    purpose = (
        f"A classifier of pixels into {config.num_classes} classes"
        if is_segmentation
        else "The network of a diffusion model: it finds the noise in an image at a given step of the process"
    )
    return {
        "purpose": purpose,
        "stride": config.stride,
        "diagram_rows": "\n".join(_diagram(config)),
        "shape_rows": "\n".join(_shapes(config)),
    }


def _size(level: int) -> str:
    return f"H / {2**level}, W / {2**level}" if level else "H, W"


def _diagram(config: ModelConfig) -> list[str]:
    last, is_segmentation = len(config.channels) - 1, config.task == "segmentation"
    unit = "convolutions" if is_segmentation else "residual blocks"
    down, up = ("max pool", "up-convolution") if is_segmentation else ("convolution, stride 2", "twice as large")
    rows = [f'    images["images (B, {config.num_channels}, H, W)"] --> down0']
    for level, channels in enumerate(config.channels):
        attention = ", self-attention" if level in config.attention_levels else ""
        shape = f"(B, {channels}, {_size(level)})"
        rows.append(f'    down{level}["{config.num_blocks} {unit}{attention}<br/>{shape}"]')
        if level == last:
            continue
        number = config.num_blocks + (not is_segmentation)
        rows.append(f'    up{level}["{number} {unit}{attention}<br/>{shape}"]')
        rows.append(f'    down{level} -- "skip" --> up{level}')
        rows.append(f'    down{level} -- "{down}" --> down{level + 1}')
    if is_segmentation:
        rows.append(f'    down{last} -- "{up}" --> up{last - 1}')
    else:
        rows.append(f'    down{last} --> middle["block, self-attention, block"]')
        rows.append(f'    middle --> up{last}["{config.num_blocks + 1} {unit}<br/>(B, {config.channels[-1]}, …)"]')
        rows.append(f'    down{last} -- "skip" --> up{last}')
        rows.append(f'    up{last} -- "{up}" --> up{last - 1}')
        rows.append(f'    steps["steps (B,)"] --> time["time embedding (B, {4 * config.width})"]')
        rows.append('    time -. "into every block" .-> down0')
    rows += [f'    up{level} -- "{up}" --> up{level - 1}' for level in range(last - 1, 0, -1)]
    head = f"logits (B, {config.num_classes}, H, W)" if is_segmentation else f"noise (B, {config.num_channels}, H, W)"
    return [*rows, f'    up0 --> head["{head}"]']


def _shapes(config: ModelConfig) -> list[str]:
    is_segmentation = config.task == "segmentation"
    levels = [
        f"| level {level} | (B, {channels}, {_size(level)}) | the same on both ways |"
        for level, channels in enumerate(config.channels)
    ]
    if is_segmentation:
        return [*levels, f"| output | (B, {config.num_classes}, H, W) | logits of the classes of every pixel |"]
    return [
        "| `steps_B` | (B,) | whole numbers: the step of the process that each image is at |",
        f"| `time_BD` | (B, {4 * config.width}) | the step, as every block sees it |",
        *levels,
        f"| output | (B, {config.num_channels}, H, W) | the noise in every pixel |",
    ]
