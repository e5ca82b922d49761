"""Temporal style: how well the clip fits a prompt that names a movement of the camera, under ViCLIP (VBench)."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import ClassVar

from avbench.metric import Card
from avbench_metrics.video.overall_consistency import OverallConsistency


@dataclass(frozen=True)
class TemporalStyle(OverallConsistency):
    """VBench's dimension: overall consistency of this dimension's prompts."""

    card: ClassVar[Card] = replace(
        OverallConsistency.card,
        title="temporal style",
        source="VBench, arXiv 2311.17982; github.com/Vchitect/VBench, vbench/temporal_style.py; ViCLIP, arXiv 2307.06942",
    )


METRIC = TemporalStyle()
PROTOCOLS = {"vbench": METRIC}
