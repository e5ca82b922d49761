"""What a metric is: a card, the features it uses, and one function."""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import ClassVar, Literal

from avbench.feature import Feature, Sample

Better = Literal["higher", "lower", "zero", "none"]
CLIPS, CATEGORIES = "clips", "categories"


@dataclass(frozen=True)
class Card:
    """The declaration of a metric.

    Args:
        title: the column's words.
        better: ``higher`` or ``lower``; ``zero`` (signed, best at 0) and ``none`` (descriptive) are never ranked by size.
        unit: ``s``, ``LUFS``, ``dB``, ``1`` for pure numbers.
        range: smallest and largest possible value.
        formula: the definition in one or two lines.
        source: paper, standard or repository that defines it.
        version: rises when the same clip gets another number.
        protocol: constants and preprocessing in words; part of the comparability check.
        licence: of the method's weights, or of the code where there are none.
        extra: the avbench extra that must be installed, or "".
        packages: import names that must be present.
        install: the whole install command, where the extra alone is not enough.
        needs: prompt fields without which the metric is not applicable: ``speech``, ``speaker``, ``events``.
        notes: known limits, failure cases.
    """

    title: str
    better: Better
    unit: str
    range: tuple[float, float]
    formula: str
    source: str
    version: int = 1
    protocol: str = ""
    licence: str = "Apache-2.0"
    extra: str = ""
    packages: tuple[str, ...] = ()
    install: str = ""
    needs: tuple[str, ...] = ()
    notes: str = ""

    def __post_init__(self) -> None:
        if not self.title or not self.formula or not self.source:
            raise ValueError(f"A card needs a title, a formula and a source: {self!r}")
        low, high = self.range
        if not low < high or math.isnan(low) or math.isnan(high):
            raise ValueError(f"{self.title}: the range {self.range} is not an interval.")


class Metric(ABC):
    """Common ground of ``ClipMetric`` and ``SetMetric``; subclasses are frozen dataclasses with a ``card`` property or field."""

    card: ClassVar[Card]
    uses: ClassVar[tuple[Feature, ...]]

    @property
    def checkpoints(self) -> tuple[str, ...]:
        """Names of the checkpoints that its features need, each once."""
        return tuple(dict.fromkeys(name for feature in self.uses for name in feature.weights))


class ClipMetric(Metric):
    """One number per clip.

    ``averaged`` says how they become one: ``clips``, their mean; ``categories``, the mean of the means of the prompts' first
    categories; else the name of one of ``details``, by which clips weigh. ``most_per_prompt`` is how many clips of a prompt count,
    the first by id among those with a score; 0 is all.
    """

    averaged: ClassVar[str] = CLIPS
    most_per_prompt: ClassVar[int] = 0

    @abstractmethod
    def score(self, sample: Sample) -> float:
        """Score one clip; raises ``Unscorable`` with the reason where there is no answer."""

    def details(self, sample: Sample) -> Mapping[str, float]:
        """Further numbers for the report (a confidence, a count); never ranked. Same exceptions as ``score``."""
        return {}

    def summaries(self, scores: Sequence[float], details: Sequence[Mapping[str, float]]) -> Mapping[str, float]:
        """Extra summaries beside the mean, from all clips' scores and details: the share within a band, a corpus rate ..."""
        return {}


class SetMetric(Metric):
    """One number per pair of sets: ``generated`` against ``reference``; ids are the prompts', so that pairs can be found.

    ``minimum`` clips are needed on each side; where ``needs_reference`` is false, ``reference`` is empty.
    """

    minimum: ClassVar[int] = 2
    needs_reference: ClassVar[bool] = True

    @abstractmethod
    def score(self, generated: Sequence[Sample], reference: Sequence[Sample]) -> float:
        """Score a set; raises ``Unscorable`` with the reason where there is no answer."""

    def resampled(self, generated: Sequence[Sample], reference: Sequence[Sample]) -> float:
        """The score of one of many sub-samples, for intervals; same exceptions.

        To be overridden only where ``score`` is slow for the sake of a published code's digits and a faster way to the same
        quantity exists; a run gives no interval where the two differ by more than 1 % on all clips.
        """
        return self.score(generated, reference)

    def summaries(self, generated: Sequence[Sample], reference: Sequence[Sample]) -> Mapping[str, float]:
        """Further numbers for the report (pairs found, vectors behind a covariance), asked for after ``score``; never ranked."""
        return {}


class Total(Metric):
    """One number from other metrics' values over the same clips, such as a benchmark's overall score; it reads no clip itself.

    ``parts`` are names (``name@protocol``) of the metrics it needs; a run adds those that were not asked for.
    """

    uses: ClassVar[tuple[Feature, ...]] = ()
    parts: ClassVar[tuple[str, ...]]

    @abstractmethod
    def score(self, values: Mapping[str, float | None]) -> float:
        """Combine the parts' values, None where a part has none; raises ``Unscorable`` with the reason where there is no answer."""


@dataclass(frozen=True)
class Score:
    """The outcome for one clip: a value, or a kind and a reason."""

    clip: str
    value: float | None
    kind: str = "scored"
    reason: str = ""
    details: Mapping[str, float] = field(default_factory=dict)
