"""What a run leaves behind: values with their N, interval, protocol and missing clips."""

from __future__ import annotations

import html
import json
import os
import secrets
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from avbench.errors import UnknownName, UsageError
from avbench.statistics import Interval, Weighing, mean_interval

if TYPE_CHECKING:
    import pandas

SCHEMA = 1


@dataclass(frozen=True)
class Counts:
    """How many clips stand behind a number: expected = scored + failed + not_applicable; failed includes missing clips."""

    expected: int
    scored: int
    failed: int
    not_applicable: int


@dataclass(frozen=True)
class Missing:
    """A clip without a score: ``kind`` (missing, not_applicable, no_audio, unreadable ...), the reason in words, its prompt.

    ``group`` as in ``ClipScore``.
    """

    clip: str
    kind: str
    reason: str
    cluster: str = ""
    group: str = ""


@dataclass(frozen=True)
class ClipScore:
    """One clip's score under one metric and further numbers that are never ranked.

    The value of all is the mean over groups of the mean of their clips by ``weight`` (see ``Result.averaged``).
    """

    clip: str
    cluster: str
    value: float
    details: Mapping[str, float] = field(default_factory=dict)
    weight: float = 1.0
    group: str = ""


@dataclass(frozen=True)
class Weights:
    """A checkpoint behind a number: name, digest, and ``verified``, ``unverified`` (no digest is published) or ``stand-in``."""

    name: str
    sha256: str
    status: str


@dataclass(frozen=True)
class Result:
    """One metric over one folder of clips.

    ``value`` is the mean over scored clips (of the size of the score where ``better`` is ``zero``, so that early and late
    do not cancel), or the set's distance; None where nothing could be scored. ``identity`` hashes everything that
    must agree before two values may share a column: metric version and parameters, features, checkpoints, reference set.
    ``bounds`` are the least and greatest score (or size of it) that a clip can have, None where there is no such bound.
    ``replicates`` are a set's distances without each group of prompts (see ``avbench.statistics.Jackknife``), from which two sets
    are compared. ``averaged`` is over what the mean is taken (see ``ClipMetric``).
    """

    metric: str
    protocol: str
    title: str
    value: float | None
    interval: Interval | None
    n: Counts
    unit: str
    better: str
    identity: str
    kind: str = "clip"
    reference: str = ""
    reason: str = ""
    summaries: Mapping[str, float] = field(default_factory=dict)
    missing: tuple[Missing, ...] = ()
    scores: tuple[ClipScore, ...] = ()
    weights: tuple[Weights, ...] = ()
    bounds: tuple[float, float] | None = None
    replicates: tuple[float, ...] = ()
    averaged: str = "clips"

    @property
    def official(self) -> bool:
        """Whether every network behind the number had its own weights."""
        return all(weights.status != "stand-in" for weights in self.weights)

    @property
    def name(self) -> str:
        """Column name: ``metric@protocol``."""
        return f"{self.metric}@{self.protocol}"

    @property
    def possible(self) -> tuple[float, float] | None:
        """What the value could be at least and at most had every missing or failed clip been scored.

        None where none is or scores have no bounds. Where clips weigh differently, an absent one is taken to weigh what the
        others do on average. Source: Manski, American Economic Review 80 (1990).
        """
        if self.bounds is None or self.value is None or not self.n.failed:
            return None
        low, high = (self._filled(bound) for bound in self.bounds)
        return self.mean(low), self.mean(high)

    def at_worst(self) -> Result:
        """The result if every missing or failed clip had the worst score there is: absent clips can then never help.

        Itself where no clip failed, the metric has no direction, or its scores have no bounds.
        """
        if self.bounds is None or self.better == "none" or not self.n.failed:
            return self
        scores = self._filled(self.bounds[0] if self.better == "higher" else self.bounds[1])
        counts = replace(self.n, scored=len(scores), failed=0)
        interval = mean_interval(self.sizes(scores), [s.cluster for s in scores], self.bounds, weighing=weighing(scores))
        missing = tuple(gap for gap in self.missing if gap.kind == "not_applicable")
        return replace(self, value=self.mean(scores), interval=interval, scores=scores, missing=missing, n=counts)

    def sizes(self, scores: Sequence[ClipScore]) -> list[float]:
        """The scores; their sizes where ``better`` is ``zero``."""
        return [abs(s.value) if self.better == "zero" else s.value for s in scores]

    def mean(self, scores: Sequence[ClipScore]) -> float:
        """What the value would be of these scores, one at least."""
        return weighing(scores).mean(self.sizes(scores))

    def _filled(self, bound: float) -> tuple[ClipScore, ...]:
        """The scores, and ``bound`` for each missing or failed clip."""
        gaps = [gap for gap in self.missing if gap.kind != "not_applicable"]
        weight = sum(s.weight for s in self.scores) / len(self.scores) if self.scores else 1.0
        filled = (ClipScore(gap.clip, gap.cluster or gap.clip, bound, {}, weight, gap.group) for gap in gaps)
        return (*self.scores, *filled)


def weighing(scores: Sequence[ClipScore]) -> Weighing:
    """What each score counts in their mean."""
    return Weighing([s.weight for s in scores], [s.group for s in scores])


@dataclass(frozen=True)
class BenchmarkFacts:
    """Which questions were asked: the benchmark, the digest of its prompts and whether they were cut to present clips."""

    name: str
    version: int
    title: str
    prompts_sha256: str
    prompts: int
    prompts_in_benchmark: int
    limited_to_present: bool = False


@dataclass(frozen=True)
class Report:
    """Everything one run found. ``save`` and ``read`` are inverse; JSON follows ``schema`` 1.

    ``trace`` holds the digests that ``avbench replay`` compares (see ``avbench.ledger``); reports of older versions have none.
    """

    model: str
    benchmark: BenchmarkFacts
    metrics: tuple[Result, ...]
    unavailable: Mapping[str, str] = field(default_factory=dict)
    clips: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    extra: tuple[Mapping[str, str], ...] = ()
    notes: tuple[str, ...] = ()
    provenance: Mapping[str, Any] = field(default_factory=dict)
    trace: Mapping[str, Any] = field(default_factory=dict)
    schema: int = SCHEMA

    @property
    def role(self) -> str:
        """``floor``, ``ceiling`` or ``model``: what the model that made the clips is, where avbench generated them."""
        return str(dict(self.provenance.get("made_by") or {}).get("role", "model"))

    @property
    def complete(self) -> bool:
        """Whether no clip is missing or failed under any metric."""
        return all(result.n.failed == 0 for result in self.metrics)

    def __getitem__(self, name: str) -> Result:
        """The result of a metric by ``name`` or ``name@protocol``; raises ``UnknownName``."""
        for result in self.metrics:
            if name in (result.name, result.metric):
                return result
        raise UnknownName("metric of this report", name, [r.name for r in self.metrics])

    def to_dict(self) -> dict[str, Any]:
        """Plain JSON types, strict: no NaN, no infinity."""
        return asdict(self)

    def save(self, path: str | Path) -> None:
        """Write JSON atomically, and per-clip scores as Parquet beside it (same stem, ``.parquet``)."""
        path = Path(path)
        text = json.dumps(self.to_dict(), ensure_ascii=False, indent=1, allow_nan=False)
        partial = path.with_name(f".{path.name}.{secrets.token_hex(4)}")
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            partial.write_text(text + "\n", encoding="utf-8")
            self.to_pandas().to_parquet(path.with_suffix(".parquet"), index=False)
            os.replace(partial, path)
        except OSError as error:
            partial.unlink(missing_ok=True)
            reason = error.strerror or error
            raise UsageError(f"The report cannot be written to {path} ({reason}); choose another --report.") from error

    @classmethod
    def read(cls, path: str | Path) -> Report:
        """Read a saved report; raises ``UsageError`` where the file is absent, is no report or has another schema."""
        try:
            data = json.loads(Path(path).read_text(encoding="utf-8"))
        except OSError as error:
            raise UsageError(f"The report {path} cannot be read ({error.strerror}); make it with: avbench run.") from error
        except ValueError as error:
            raise UsageError(f"{path} is not a report: it is no JSON ({error}); make one with: avbench run.") from error
        if not isinstance(data, dict) or data.get("schema") != SCHEMA:
            found = data.get("schema") if isinstance(data, dict) else None
            raise UsageError(f"{path} has schema {found!r}; this avbench reads schema {SCHEMA}: run the clips again.")
        try:
            return cls(
                **{
                    **data,
                    "benchmark": BenchmarkFacts(**data["benchmark"]),
                    "metrics": tuple(_result(row) for row in data["metrics"]),
                    "extra": tuple(data["extra"]),
                    "notes": tuple(data["notes"]),
                }
            )
        except (KeyError, TypeError) as error:
            raise UsageError(f"{path} is not a whole report ({error}); run the clips again.") from error

    def to_pandas(self, what: str = "clips") -> pandas.DataFrame:
        """A table of the report.

        Args:
            what: ``clips``: one row per (metric, clip) with value, kind and reason; ``summary``: one row per metric.
        """
        import pandas

        if what not in ("clips", "summary"):
            raise UnknownName("table of a report", what, ("clips", "summary"))
        rows = self._clip_rows() if what == "clips" else self._summary_rows()
        frame = pandas.DataFrame(rows[1:], columns=rows[0])
        return frame.astype({"value": "float64"})

    def _clip_rows(self) -> list[tuple[object, ...]]:
        rows: list[tuple[object, ...]] = [
            ("model", "metric", "protocol", "clip", "cluster", "value", "unit", "kind", "reason", "details")
        ]
        for r in self.metrics:
            for s in r.scores:
                details = json.dumps(dict(s.details), allow_nan=False)
                rows.append((self.model, r.metric, r.protocol, s.clip, s.cluster, s.value, r.unit, "scored", "", details))
            for m in r.missing:
                rows.append((self.model, r.metric, r.protocol, m.clip, m.cluster or m.clip, None, r.unit, m.kind, m.reason, "{}"))
        return rows

    def _summary_rows(self) -> list[tuple[object, ...]]:
        rows: list[tuple[object, ...]] = [
            ("model", "metric", "protocol", "value", "low", "high", "unit", "better",
             "expected", "scored", "failed", "not_applicable")
        ]  # fmt: skip
        for r in self.metrics:
            low, high = (r.interval.low, r.interval.high) if r.interval else (None, None)
            n = (r.n.expected, r.n.scored, r.n.failed, r.n.not_applicable)
            rows.append((self.model, r.metric, r.protocol, r.value, low, high, r.unit, r.better, *n))
        return rows

    def _repr_html_(self) -> str:
        """A small table for notebooks."""
        from avbench.leaderboard.tables import cell_text

        rows = "".join(
            f"<tr><td>{html.escape(r.title)}</td><td>{html.escape(r.protocol)}</td><td>{html.escape(cell_text(r))}</td>"
            f"<td>{html.escape(r.unit)}</td><td>{html.escape(r.better)}</td></tr>"
            for r in self.metrics
        )
        limited = " (limited to the clips that exist)" if self.benchmark.limited_to_present else ""
        title = html.escape(f"{self.model} on {self.benchmark.title}{limited}")
        head = "<tr><th>metric</th><th>protocol</th><th>value (N)</th><th>unit</th><th>better</th></tr>"
        return f"<table><caption>{title}</caption>{head}{rows}</table>"


def _result(row: dict[str, Any]) -> Result:
    return Result(
        **{
            **row,
            "interval": Interval(**row["interval"]) if row["interval"] else None,
            "n": Counts(**row["n"]),
            "missing": tuple(Missing(**m) for m in row["missing"]),
            "scores": tuple(ClipScore(**s) for s in row["scores"]),
            "weights": tuple(Weights(**w) for w in row.get("weights", ())),
            "bounds": tuple(row["bounds"]) if row.get("bounds") else None,
            "replicates": tuple(row.get("replicates", ())),
        }
    )
