"""LSE-C: how clearly one shift of the sound fits the mouth best."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from avbench.metric import Card
from avbench_metrics.sync import _lip_sync_error as common


@dataclass(frozen=True)
class LseC(common.Fixed):
    """The corrected pipeline."""

    index: ClassVar[int] = 1
    card: ClassVar[Card] = Card(
        title="LSE-C",
        better="higher",
        unit="1",
        range=(0.0, float("inf")),
        formula="median over shifts of the mean distance of mouth and sound, less the smallest",
        source=common.SOURCE,
        protocol=common.FIXED_PROTOCOL,
        licence=common.LICENCE,
        extra="sync",
        packages=common.PACKAGES,
        notes=common.FIXED_NOTES,
    )


@dataclass(frozen=True)
class LseCWav2Lip(common.Wav2Lip):
    """As Wav2Lip evaluates real videos."""

    index: ClassVar[int] = 1
    card: ClassVar[Card] = Card(
        title="LSE-C",
        better="higher",
        unit="1",
        range=(0.0, float("inf")),
        formula="median over shifts of the mean distance of mouth and sound, less the smallest",
        source=f"{common.SOURCE}; github.com/Rudrabha/Wav2Lip",
        protocol=common.WAV2LIP_PROTOCOL,
        licence=common.LICENCE,
        extra="sync",
        packages=common.PACKAGES,
        notes=common.WAV2LIP_NOTES,
    )


@dataclass(frozen=True)
class LseCMova(common.Mova):
    """As MOVA evaluates Verse-Bench."""

    index: ClassVar[int] = 1
    card: ClassVar[Card] = Card(
        title="LSE-C",
        better="higher",
        unit="1",
        range=(0.0, float("inf")),
        formula="median over shifts of the mean distance of mouth and sound, less the smallest",
        source=f"{common.SOURCE}; github.com/OpenMOSS/MOVA, evaluation",
        protocol=common.MOVA_PROTOCOL,
        licence=common.LICENCE,
        extra="sync",
        packages=common.PACKAGES,
        notes=common.MOVA_NOTES,
    )


@dataclass(frozen=True)
class LseCVerseBench(common.VerseBench):
    """As the code of Verse-Bench evaluates."""

    index: ClassVar[int] = 1
    card: ClassVar[Card] = Card(
        title="LSE-C",
        better="higher",
        unit="1",
        range=(0.0, float("inf")),
        formula="median over shifts of the mean distance of mouth and sound, less the smallest",
        source=f"{common.SOURCE}; github.com/Dorniwang/Verse-Bench, syncnet",
        protocol=common.VERSE_BENCH_PROTOCOL,
        licence="non-commercial (SCRFD's weights); SyncNet's are unknown",
        extra="sync",
        packages=(*common.PACKAGES, "onnxruntime"),
        notes=common.VERSE_BENCH_NOTES,
    )


METRIC = LseC()
PROTOCOLS = {
    "fixed": METRIC,
    "wav2lip": LseCWav2Lip(),
    "mova": LseCMova(),
    "verse_bench": LseCVerseBench(),
}
