"""What a network costs: parameters, and multiply-accumulates of one forward pass."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional
from torch.overrides import TorchFunctionMode

from avbench_baselines._networks.configuration import Lengths, Sizes
from avbench_baselines._networks.context import Context


def parameters(network: nn.Module) -> int:
    """All numbers that are trained; the text encoder, the speaker encoder and the codecs are no part of a network."""
    return sum(parameter.numel() for parameter in network.parameters())


class _Products(TorchFunctionMode):
    """Adds up what linear maps, convolutions, attention and matrix products multiply. PyTorch's own counter sees no attention on
    the CPU, and on the device ``meta`` takes seconds for what this counts in milliseconds."""

    def __init__(self) -> None:
        super().__init__()
        self.total: int = 0

    def __torch_function__(
        self, function: Callable[..., Any], types: Any, args: tuple[Any, ...] = (), kwargs: dict[str, Any] | None = None
    ) -> Any:
        """Call the function and count its products."""
        result = function(*args, **(kwargs or {}))
        if function is functional.scaled_dot_product_attention:
            self.total += args[0].numel() * args[1].shape[-2] + result.numel() * args[1].shape[-2]
        elif function is functional.conv1d:
            self.total += result.numel() * args[1].shape[1] * args[1].shape[2]
        elif function in (functional.linear, torch.matmul, Tensor.matmul, Tensor.__matmul__):
            self.total += result.numel() * args[0].shape[-1]
        return result


def multiply_accumulates(network: nn.Module, lengths: Lengths) -> int:
    """Multiply-accumulates of one forward pass for one clip: linear maps, convolutions and attention.

    A cascade's two models count together, as a clip needs both. Norms, activations and sums are left out. On the device ``meta``
    nothing is computed.
    """
    device = next(network.parameters()).device
    video, audio, t, context = _arguments(network.configuration.sizes, lengths, device)
    extra = {"condition": video} if network.cascaded else {}
    with torch.no_grad(), _Products() as products:
        network(video, audio, t, context, **extra)
    return int(products.total)


def _arguments(sizes: Sizes, lengths: Lengths, device: torch.device) -> tuple[Tensor, Tensor, Tensor, Context]:
    with device:
        if sizes.vocabulary:
            words = torch.ones(1, lengths.text, dtype=torch.int64)
        else:
            words = torch.ones(1, lengths.text, sizes.text_channels)
        context = Context(words, torch.zeros(1, 1, dtype=torch.int64), torch.zeros(1, 1, sizes.voice_channels))
        video, audio = torch.zeros(1, lengths.video, sizes.video_channels), torch.zeros(1, lengths.audio, sizes.audio_channels)
        return video, audio, torch.zeros(1), context
