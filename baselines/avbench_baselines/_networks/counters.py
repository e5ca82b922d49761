"""What a network costs: parameters, multiply-accumulates of one forward pass, tokens."""

from __future__ import annotations

import torch
from torch import nn
from torch.utils.flop_counter import FlopCounterMode

from avbench_baselines._networks.configuration import Lengths, Sizes
from avbench_baselines._networks.context import Context


def parameters(network: nn.Module) -> int:
    """All numbers that are trained; the text encoder, the speaker encoder and the codecs are no part of a network."""
    return sum(parameter.numel() for parameter in network.parameters())


def multiply_accumulates(network: nn.Module, lengths: Lengths) -> int:
    """Multiply-accumulates of one forward pass for one clip, matrix products, convolutions and attention alike.

    Half of what PyTorch's counter of floating point operations sees on the device ``meta``, so nothing is computed. A cascade's two
    models count together, as a clip needs both. Norms, activations and sums are left out. ``network`` must lie on that device, as
    the counter does not see what attention costs elsewhere.
    """
    arguments = _meta_arguments(network.configuration.sizes, lengths)
    with torch.no_grad(), FlopCounterMode(display=False) as counter:
        if network.cascaded:
            network(*arguments, condition=arguments[0])
        else:
            network(*arguments)
    return int(counter.get_total_flops()) // 2


def _meta_arguments(sizes: Sizes, lengths: Lengths) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor, Context]:
    with torch.device("meta"):
        if sizes.vocabulary:
            words = torch.ones(1, lengths.text, dtype=torch.int64)
        else:
            words = torch.ones(1, lengths.text, sizes.text_channels)
        context = Context(words, torch.zeros(1, 1, dtype=torch.int64), torch.zeros(1, 1, sizes.voice_channels))
        video, audio = torch.zeros(1, lengths.video, sizes.video_channels), torch.zeros(1, lengths.audio, sizes.audio_channels)
        return video, audio, torch.zeros(1), context
