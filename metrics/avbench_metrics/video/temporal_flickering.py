"""Temporal flickering: how little consecutive frames differ (VBench)."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import ClassVar

from avbench.errors import Unscorable
from avbench.feature import Feature, Sample
from avbench.metric import Card, ClipMetric
from avbench_metrics._features.picture import FrameDifference
from avbench_metrics._features.raft_flow import StaticFlow
from avbench_metrics._maths.flow_statistics import is_static

DIFFERENCE, FLOW = FrameDifference(), StaticFlow()
PROTOCOL = "every frame at the file's own rate and size, RGB"


@dataclass(frozen=True)
class TemporalFlickering(ClipMetric):
    """(255 - mean absolute difference) / 255, of any clip."""

    card: ClassVar[Card] = Card(
        title="temporal flickering",
        better="higher",
        unit="1",
        range=(0.0, 1.0),
        formula="(255 - mean |frame[t+1] - frame[t]|) / 255 over all pixels, channels and pairs",
        source="VBench, arXiv 2311.17982; github.com/Vchitect/VBench, vbench/temporal_flickering.py",
        protocol=PROTOCOL + "; every clip, static or not",
        notes="Not VBench's value, which is of static clips alone (protocol vbench). Real motion lowers it and a frozen picture "
        "reaches 1: read it beside frozen and motion.",
    )
    uses: ClassVar[tuple[Feature, ...]] = (DIFFERENCE,)

    def score(self, sample: Sample) -> float:
        """See the card."""
        return (255.0 - float(sample[DIFFERENCE].mean())) / 255.0


@dataclass(frozen=True)
class TemporalFlickeringVBench(TemporalFlickering):
    """VBench's dimension: of the first five static clips of each prompt."""

    most_per_prompt: ClassVar[int] = 5
    card: ClassVar[Card] = replace(
        TemporalFlickering.card,
        source="VBench, arXiv 2311.17982; github.com/Vchitect/VBench, vbench/temporal_flickering.py and static_filter.py; RAFT, "
        "arXiv 2003.12039",
        version=2,
        protocol=PROTOCOL + "; static clips alone: at most round(frames / 8) pairs with a mean of the longest 2 % of flow above "
        "3 min(H, W) / 256 pixels, first and last frame at most 2 round(frames / 8) such lengths apart; RAFT (things), 20 "
        "iterations, padded to multiples of 8; of 25 clips of a prompt the first five static ones by name",
        licence="weights: BSD-3-Clause",
        extra="clip",
        packages=("torch", "torchvision"),
        notes="A clip that moves is not applicable, as VBench's filter drops it; so is a static one beyond the fifth. VBench only "
        "warns of prompts with fewer than five, here the summaries count them. A frozen picture reaches 1. Only for pictures of "
        "121 pixels and more.",
    )
    uses: ClassVar[tuple[Feature, ...]] = (DIFFERENCE, FLOW)

    def score(self, sample: Sample) -> float:
        """See the card; raises ``Unscorable`` for a clip that is not static."""
        *tops, there, back, side = sample[FLOW]
        if not is_static(tops, (there, back), int(side)):
            raise Unscorable("The clip is not static; VBench's filter drops it.")
        return super().score(sample)


METRIC = TemporalFlickering()
PROTOCOLS = {"unfiltered": METRIC, "vbench": TemporalFlickeringVBench()}
