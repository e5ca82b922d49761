"""LSE-D: how far mouth and sound are apart at the best shift."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import ClassVar

from avbench.metric import Card
from avbench_metrics.sync import _lip_sync_error as common
from avbench_metrics.sync import lse_c


def _card(card: Card) -> Card:
    """LSE-C's declaration for the distance itself."""
    formula = "smallest over shifts of the mean distance of mouth and sound"
    return replace(card, title="LSE-D", better="lower", formula=formula)


@dataclass(frozen=True)
class LseD(common.Fixed):
    """The corrected pipeline."""

    index: ClassVar[int] = 0
    card: ClassVar[Card] = _card(lse_c.LseC.card)


@dataclass(frozen=True)
class LseDWav2Lip(common.Wav2Lip):
    """As Wav2Lip evaluates real videos."""

    index: ClassVar[int] = 0
    card: ClassVar[Card] = _card(lse_c.LseCWav2Lip.card)


@dataclass(frozen=True)
class LseDMova(common.Mova):
    """As MOVA evaluates Verse-Bench."""

    index: ClassVar[int] = 0
    card: ClassVar[Card] = _card(lse_c.LseCMova.card)


@dataclass(frozen=True)
class LseDVerseBench(common.VerseBench):
    """As the code of Verse-Bench evaluates."""

    index: ClassVar[int] = 0
    card: ClassVar[Card] = replace(
        lse_c.LseCVerseBench.card,
        title="mean SyncNet distance",
        better="lower",
        formula="mean over all shifts of the distance of mouth and sound, not the smallest",
        notes=f"Published as LSE-D, but it is the mean of all distances, not the least. {common.VERSE_BENCH_NOTES}",
    )


METRIC = LseD()
PROTOCOLS = {
    "fixed": METRIC,
    "wav2lip": LseDWav2Lip(),
    "mova": LseDMova(),
    "verse_bench": LseDVerseBench(),
}
