"""Small networks of every paradigm and every variant, and random inputs for them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
import torch
from avbench_baselines._networks import build
from avbench_baselines._networks.configuration import AlignThenFuse, Cascade, Clock, DualTower, Sizes, Tower, Unified
from avbench_baselines._networks.context import Context
from avbench_baselines._networks.vocabulary import SPEECH, VOICE
from torch import Tensor, nn

CLOCK = Clock(16.0, 20.0, 100.0, centred=True)
SIZES = Sizes(6, 5, CLOCK, vocabulary=12, text_channels=8, words=9, voice_channels=4, time_channels=8)
WIDE, NARROW = Tower(16, 2, 24), Tower(12, 3, 20)
SMALL = {
    "align_then_fuse": AlignThenFuse(SIZES, WIDE, separate=1, shared=2),
    "split_feed_forward": AlignThenFuse(SIZES, WIDE, separate=1, shared=1, split_feed_forward=True),
    "alignment_only": AlignThenFuse(SIZES, WIDE, separate=2, shared=0),
    "fusion_only": AlignThenFuse(SIZES, WIDE, separate=0, shared=2),
    "dual_tower": DualTower(SIZES, WIDE, NARROW, depth=2),
    "gated_tower": DualTower(SIZES, WIDE, NARROW, depth=2, exchange="gated"),
    "unified": Unified(SIZES, WIDE, outer=1, inner=1),
    "unified_untimed": Unified(SIZES, Tower(16, 4, 24), 1, 1, timed=False, head_gate=True, key_heads=2, swiglu=True),
    "cascade": Cascade(SIZES, WIDE, 2, NARROW, 2, condition=8),
}
FRAMES, SOUNDS, WORDS = 4, 5, 7


class World:
    """Makes networks and inputs for them."""

    def network(self, name: str) -> nn.Module:
        """A small network in double precision whose zero weights are stirred, so that nothing is zero by its start alone."""
        network = build(SMALL[name], seed=1).double()
        generator = torch.Generator().manual_seed(2)
        with torch.no_grad():
            for parameter in network.parameters():
                parameter += 0.2 * torch.randn(parameter.shape, generator=generator, dtype=torch.float64)
        return network

    def latents(self, batch: int = 2, frames: int = FRAMES, sounds: int = SOUNDS) -> tuple[Tensor, Tensor, Tensor]:
        """Video, audio and levels."""
        generator = torch.Generator().manual_seed(3)
        draw: Callable[..., Tensor] = lambda *shape: torch.randn(*shape, generator=generator, dtype=torch.float64)  # noqa: E731
        return draw(batch, frames, 6), draw(batch, sounds, 5), torch.linspace(0.3, 0.8, batch, dtype=torch.float64)

    def context(self, batch: int = 2) -> Context:
        """Two speakers, at the markers 0 and 4, in every clip."""
        words = torch.tensor([[SPEECH, VOICE, 5, 6, SPEECH, VOICE, 7]] * batch)
        words[:, 2] += torch.arange(batch) % 4
        voices = torch.randn(batch, 2, 4, generator=torch.Generator().manual_seed(4), dtype=torch.float64)
        return Context(words, torch.tensor([[0, 4]] * batch), voices)

    def run(self, network: nn.Module, *inputs: Any) -> tuple[Tensor, Tensor]:
        """A forward pass; a cascade's audio model sees the video that is given."""
        extra = {"condition": inputs[0]} if network.cascaded else {}
        found: tuple[Tensor, Tensor] = network(*inputs, **extra)
        return found


@pytest.fixture
def world() -> World:
    """See ``World``."""
    torch.set_num_threads(1)
    return World()


@pytest.fixture(params=sorted(SMALL))
def name(request: pytest.FixtureRequest) -> str:
    """Every small network in turn."""
    return str(request.param)
