"""RAFT (large): dense optical flow. torchvision's network under the names of the official checkpoint.

Source: Teed and Deng, arXiv 2003.12039; names of github.com/princeton-vl/RAFT, whose raft-things.pth VBench and Verse-Bench use
with 20 iterations. torchvision's ``raft_large`` computes the same and differs in names only; it keeps one copy of the
normalisation in shortcuts, which the official file names twice.
"""

from __future__ import annotations

import re
from typing import Any

from torch import Tensor, nn
from torch.nn import functional

from avbench.compat import mend_torch
from avbench.errors import Unscorable

ITERATIONS = 20
CALM = "flow_head.conv2"
SMALLEST = 128  # below it the coarsest correlations are one pixel wide, where the official code divides by zero

# torchvision's names, and the official ones without their "module."
_RENAMING = (
    (r"^feature_encoder\.", "fnet."),
    (r"^context_encoder\.", "cnet."),
    (r"net\.convnormrelu\.0\.", "net.conv1."),
    (r"net\.convnormrelu\.1\.", "net.norm1."),
    (r"net\.conv\.", "net.conv2."),
    (r"\.convnormrelu(\d)\.0\.", r".conv\1."),
    (r"\.convnormrelu(\d)\.1\.", r".norm\1."),
    (r"\.motion_encoder\.convcorr(\d)\.0\.", r".encoder.convc\1."),
    (r"\.motion_encoder\.convflow(\d)\.0\.", r".encoder.convf\1."),
    (r"\.motion_encoder\.conv\.0\.", ".encoder.conv."),
    (r"\.recurrent_block\.convgru(\d)\.conv([zrq])\.", r".gru.conv\2\1."),
    (r"^mask_predictor\.convrelu\.0\.", "update_block.mask.0."),
    (r"^mask_predictor\.conv\.", "update_block.mask.2."),
)


def official_names(name: str) -> tuple[str, ...]:
    """The official name of a tensor that torchvision calls ``name``; two for the normalisation of a shortcut."""
    for pattern, replacement in _RENAMING:
        name = re.sub(pattern, replacement, name)
    name = f"module.{name}"
    if ".downsample.1." in name:
        return name, name.replace(".downsample.1.", ".norm3.")
    return (name,)


class Raft(nn.Module):
    """Optical flow of two pictures; ``state_dict`` and ``load_state_dict`` speak the official names.

    Args:
        network: torchvision's.
        iterations: refinements where a call names no other number.
    """

    def __init__(self, network: nn.Module, iterations: int = ITERATIONS) -> None:
        super().__init__()
        self.network, self.iterations = network, iterations
        self.register_state_dict_post_hook(_to_official)
        self.register_load_state_dict_pre_hook(_from_official)

    def forward(self, before: Tensor, after: Tensor, iterations: int | None = None) -> Tensor:
        """Flow (B, 2, H, W) in pixels, first to the right, then down.

        Args:
            before: RGB (B, 3, H, W) in 0 ... 255, sides multiples of 8 (see ``padded``).
            after: the later pictures.
            iterations: refinements; None takes the network's own number.

        Raises:
            Unscorable: sides under 128.
        """
        if min(before.shape[-2:]) < SMALLEST:
            raise Unscorable(f"A picture of {before.shape[-1]}x{before.shape[-2]} is too small for RAFT.", "too_small")
        flows = self.network(2 * (before / 255.0) - 1.0, 2 * (after / 255.0) - 1.0, num_flow_updates=iterations or self.iterations)
        return flows[-1]


def _to_official(module: nn.Module, state: dict[str, Any], prefix: str, metadata: Any) -> None:
    start = f"{prefix}network."
    for name in [name for name in state if name.startswith(start)]:
        tensor = state.pop(name)
        state.update({prefix + official: tensor for official in official_names(name.removeprefix(start))})


def _from_official(module: nn.Module, state: dict[str, Any], prefix: str, *more: Any) -> None:
    missing = more[2]  # after metadata and strict
    for name in module.network.state_dict():
        for official in reversed(official_names(name)):  # of two the first is kept, as in the official code
            if prefix + official in state:
                state[f"{prefix}network.{name}"] = state.pop(prefix + official)
            else:
                missing.append(prefix + official)


def padded(pictures: Tensor) -> Tensor:
    """(B, C, H, W) with edges repeated to the next multiples of 8, half of the missing on each side."""
    padding: list[int] = []
    for side in (pictures.shape[-1], pictures.shape[-2]):
        missing = -side % 8
        padding += [missing // 2, missing - missing // 2]
    return functional.pad(pictures, padding, mode="replicate")


def build() -> Raft:
    """The official size: 179 names in the file, 5,257,536 parameters."""
    mend_torch()
    from torchvision.models.optical_flow import raft_large

    network = Raft(raft_large(weights=None))
    network.eval()
    return network


def tiny() -> Raft:
    """The same network with an eighth of the channels and two refinements; same input and output.

    Its last weights, ``CALM``, are set by hand: untrained ones see every picture move, these see slow motion in all.
    """
    mend_torch()
    from torchvision.models.optical_flow import raft, raft_large

    encoder = raft.FeatureEncoder(layers=(8, 8, 12, 16, 32), norm_layer=nn.InstanceNorm2d)
    motion = raft.MotionEncoder(in_channels_corr=324, corr_layers=(32, 24), flow_layers=(16, 8), out_channels=16)
    parts = {
        "feature_encoder": encoder,
        "context_encoder": raft.FeatureEncoder(layers=(8, 8, 12, 16, 32), norm_layer=nn.BatchNorm2d),
        "update_block": raft.UpdateBlock(
            motion_encoder=motion,
            recurrent_block=raft.RecurrentBlock(input_size=16 + 16, hidden_size=16),
            flow_head=raft.FlowHead(in_channels=16, hidden_size=32),
        ),
        "mask_predictor": raft.MaskPredictor(in_channels=16, hidden_size=32),
    }
    nn.init.constant_(parts["update_block"].flow_head.conv2.weight, 5e-4)
    nn.init.zeros_(parts["update_block"].flow_head.conv2.bias)
    network = Raft(raft_large(weights=None, **parts), iterations=2)
    network.eval()
    return network
