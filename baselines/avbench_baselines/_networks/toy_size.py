"""The sizes that are trained on the Toybox: every paradigm twice, with the parameters and with the work of Align-then-Fuse.

Equal width gives neither, and no size gives both for two towers, whose tokens pass one tower each. So each paradigm has a size for
either matching, within 1 % of Align-then-Fuse; depths are whole, and the inner width of the feed-forward layers, in eights, takes
up the rest.
"""

from __future__ import annotations

from typing import Literal

from avbench_baselines._networks.configuration import (
    AlignThenFuse,
    Cascade,
    Clock,
    Configuration,
    DualTower,
    Lengths,
    Sizes,
    Tower,
    Unified,
)
from avbench_baselines._networks.vocabulary import vocabulary

Matching = Literal["parameters", "compute"]
PARADIGMS = ("align_then_fuse", "dual_tower", "unified", "cascade")
VARIANTS = ("fusion_only", "alignment_only", "gated_tower")
CLIP = Lengths(video=32, audio=40, text=20)  # 2 s at 16 frames and 20 audio tokens a second, and a long sentence
HEADS = 4


def toy_sizes(video_channels: int = 96, audio_channels: int = 192, audio_rate: float = 20.0, voice_channels: int = 32) -> Sizes:
    """The ends of every network here, for a codec of these channels, 16 frames and ``audio_rate`` audio tokens a second."""
    clock = Clock(16.0, audio_rate, theta=100.0, centred=True)  # slower pairs would not turn within a clip
    return Sizes(video_channels, audio_channels, clock, vocabulary=len(vocabulary()), voice_channels=voice_channels)


def toy(name: str, sizes: Sizes, matching: Matching = "parameters") -> Configuration:
    """The configuration of a paradigm, or of a variant that an ablation asks for.

    Args:
        name: one of ``PARADIGMS`` or ``VARIANTS``.
        sizes: the ends, see ``toy_sizes``.
        matching: what it shares with ``align_then_fuse``, which is the same in both.

    Raises:
        KeyError: no paradigm or variant of that name.
    """
    by_parameters: dict[str, Configuration] = {
        "align_then_fuse": AlignThenFuse(sizes, _tower(96, 384), separate=2, shared=4),
        "dual_tower": DualTower(sizes, _tower(80, 368), _tower(80, 368), depth=4),
        "unified": Unified(sizes, _tower(96, 344), outer=1, inner=4),
        "cascade": Cascade(sizes, _tower(80, 312), 4, _tower(80, 312), 5, condition=80),
        "fusion_only": AlignThenFuse(sizes, _tower(96, 384), separate=0, shared=7),
        "alignment_only": AlignThenFuse(sizes, _tower(96, 304), separate=5, shared=0),
        "gated_tower": DualTower(sizes, _tower(64, 248), _tower(64, 248), depth=6, exchange="gated"),
    }
    by_compute: dict[str, Configuration] = {
        "align_then_fuse": by_parameters["align_then_fuse"],
        "dual_tower": DualTower(sizes, _tower(88, 376), _tower(88, 376), depth=6),
        "unified": by_parameters["unified"],
        "cascade": Cascade(sizes, _tower(96, 328), 6, _tower(96, 328), 6, condition=96),
        "fusion_only": AlignThenFuse(sizes, _tower(96, 392), separate=0, shared=6),
        "alignment_only": AlignThenFuse(sizes, _tower(96, 368), separate=6, shared=0),
        "gated_tower": DualTower(sizes, _tower(96, 320), _tower(96, 320), depth=5, exchange="gated"),
    }
    return (by_parameters if matching == "parameters" else by_compute)[name]


def _tower(width: int, hidden: int) -> Tower:
    return Tower(width, HEADS, hidden)
