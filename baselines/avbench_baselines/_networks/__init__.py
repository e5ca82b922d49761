"""Networks of four paradigms of joint audio-video generation: same ends, same context, same clock, same switches."""

from __future__ import annotations

from typing import TYPE_CHECKING

from avbench_baselines._networks.configuration import AlignThenFuse, Cascade, Configuration, DualTower, Unified

if TYPE_CHECKING:
    from torch import Tensor, nn


def build(configuration: Configuration, seed: int = 0, device: str = "cpu") -> nn.Module:
    """The network of a configuration with initial weights drawn from ``seed``; the global generator stays as it was.

    ``forward(video, audio, t, context, masks)`` is described at ``AlignThenFuseNetwork``. A network whose ``cascaded`` is true also
    takes ``condition``, the finished video. ``blocks`` are its layers, which may be sharded one by one. On the device ``meta`` a
    network of any size is built without memory.
    """
    import torch

    from avbench_baselines._networks.align_then_fuse import AlignThenFuseNetwork
    from avbench_baselines._networks.cascade import CascadeNetwork
    from avbench_baselines._networks.dual_tower import DualTowerNetwork
    from avbench_baselines._networks.unified import UnifiedNetwork

    networks = {
        AlignThenFuse: AlignThenFuseNetwork,
        DualTower: DualTowerNetwork,
        Unified: UnifiedNetwork,
        Cascade: CascadeNetwork,
    }
    with torch.random.fork_rng(devices=[]), torch.device(device):
        torch.manual_seed(seed)
        network: nn.Module = networks[type(configuration)](configuration)
    return network


def touched(network: nn.Module) -> Tensor:
    """Zero, with a path to every parameter: added to a loss, it gives every parameter a gradient on every rank."""
    return 0.0 * sum(parameter.sum() for parameter in network.parameters())
