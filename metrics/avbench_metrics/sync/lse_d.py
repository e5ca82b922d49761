"""LSE-D: how far mouth and sound are apart at the best shift."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from avbench.metric import Card
from avbench_metrics.sync import _lip_sync_error as common


@dataclass(frozen=True)
class LseD(common.Fixed):
    """The corrected pipeline."""

    index: ClassVar[int] = 0
    card: ClassVar[Card] = Card(
        title="LSE-D",
        better="lower",
        unit="1",
        range=(0.0, float("inf")),
        formula="smallest over shifts of the mean distance of mouth and sound",
        source=common.SOURCE,
        protocol=common.FIXED_PROTOCOL,
        licence=common.LICENCE,
        extra="sync",
        packages=common.PACKAGES,
        notes=common.FIXED_NOTES,
    )


@dataclass(frozen=True)
class LseDWav2Lip(common.Wav2Lip):
    """As Wav2Lip evaluates real videos."""

    index: ClassVar[int] = 0
    card: ClassVar[Card] = Card(
        title="LSE-D",
        better="lower",
        unit="1",
        range=(0.0, float("inf")),
        formula="smallest over shifts of the mean distance of mouth and sound",
        source=f"{common.SOURCE}; github.com/Rudrabha/Wav2Lip",
        protocol=common.WAV2LIP_PROTOCOL,
        licence=common.LICENCE,
        extra="sync",
        packages=common.PACKAGES,
        notes=common.WAV2LIP_NOTES,
    )


@dataclass(frozen=True)
class LseDMova(common.Mova):
    """As MOVA evaluates Verse-Bench."""

    index: ClassVar[int] = 0
    card: ClassVar[Card] = Card(
        title="LSE-D",
        better="lower",
        unit="1",
        range=(0.0, float("inf")),
        formula="smallest over shifts of the mean distance of mouth and sound",
        source=f"{common.SOURCE}; github.com/OpenMOSS/MOVA, evaluation",
        protocol=common.MOVA_PROTOCOL,
        licence=common.LICENCE,
        extra="sync",
        packages=common.PACKAGES,
        notes=common.MOVA_NOTES,
    )


@dataclass(frozen=True)
class LseDVerseBench(common.VerseBench):
    """As the code of Verse-Bench evaluates."""

    index: ClassVar[int] = 0
    card: ClassVar[Card] = Card(
        title="mean SyncNet distance",
        better="lower",
        unit="1",
        range=(0.0, float("inf")),
        formula="mean over all shifts of the distance of mouth and sound, not the smallest",
        source=f"{common.SOURCE}; github.com/Dorniwang/Verse-Bench, syncnet",
        protocol=common.VERSE_BENCH_PROTOCOL,
        licence="non-commercial (SCRFD's weights); SyncNet's are unknown",
        extra="sync",
        packages=(*common.PACKAGES, "onnxruntime"),
        notes=f"Published as LSE-D, but it is the mean of all distances, not the least. {common.VERSE_BENCH_NOTES}",
    )


METRIC = LseD()
PROTOCOLS = {
    "fixed": METRIC,
    "wav2lip": LseDWav2Lip(),
    "mova": LseDMova(),
    "verse_bench": LseDVerseBench(),
}
