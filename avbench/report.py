"""What a run leaves behind: values with their N, interval, protocol and missing clips."""

from __future__ import annotations

import contextlib
import html
import json
import os
import secrets
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from avbench.errors import UnknownName, UsageError
from avbench.from_json import from_json
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
    ``reason`` and its kind (``degenerate``, ``not_finite``, ``too_few`` ...) say why there is no value.
    ``bounds`` are the least and greatest score (or size of it) that a clip can have, None where there is no such bound.
    ``libraries`` are the distributions whose code is a network behind the number, with their versions.
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
    better: Literal["higher", "lower", "zero", "none"]
    identity: str
    kind: Literal["clip", "set", "total"] = "clip"
    reference: str = ""
    reason: str = ""
    reason_kind: str = ""
    summaries: Mapping[str, float] = field(default_factory=dict)
    missing: tuple[Missing, ...] = ()
    scores: tuple[ClipScore, ...] = ()
    weights: tuple[Weights, ...] = ()
    bounds: tuple[float, float] | None = None
    replicates: tuple[float, ...] = ()
    averaged: str = "clips"
    libraries: Mapping[str, str] = field(default_factory=dict)

    @property
    def unverified(self) -> tuple[str, ...]:
        """Checkpoints behind the number that nobody could compare with a published digest."""
        return tuple(weights.name for weights in self.weights if weights.status == "unverified")

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
        if any([*(s.group for s in self.scores), *(gap.group for gap in self.missing)]):
            low, high = (self.mean(self._filled(bound)) for bound in self.bounds)
        else:
            count = self.n.scored + self.n.failed
            low, high = ((self.value * self.n.scored + self.n.failed * bound) / count for bound in self.bounds)
        return low, high

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
    """Which questions were asked: the benchmark, the digest of its prompts, and whether they are all that it has.

    ``limit`` is the number of first prompts that were asked for alone, None where no limit fell short of the benchmark.
    """

    name: str
    version: int
    title: str
    prompts_sha256: str
    prompts: int
    prompts_in_benchmark: int
    limited_to_present: bool = False
    limit: int | None = None

    @property
    def part(self) -> str:
        """In words, which part of the benchmark was asked; "" for the whole."""
        asked = f"{self.prompts_in_benchmark} prompts"
        if self.limit is not None:
            asked = f"the first {self.limit} of {asked} (--limit)"
        if self.limited_to_present:
            return f"the {self.prompts} of {asked} whose clips exist"
        return "" if self.limit is None else asked


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
        made_by = self.provenance.get("made_by")
        return str(made_by.get("role", "model")) if isinstance(made_by, Mapping) else "model"

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
        """Write JSON atomically, and per-clip scores as Parquet beside it (see ``parquet_beside``).

        Raises ``UsageError`` where one of them cannot be written.

        Example:
            >>> import avbench
            >>> folder = getfixture("tmp_path")
            >>> avbench.run(getfixture("toybox_folder"), metrics=["frozen"], store=None).save(folder / "mine.json")
            >>> sorted(path.name for path in folder.iterdir())
            ['mine.json', 'mine.parquet']
        """
        path = Path(path)
        beside = parquet_beside(path)
        text = json.dumps(self.to_dict(), ensure_ascii=False, indent=1, allow_nan=False)
        partial = path.with_name(f".{path.name}.{secrets.token_hex(4)}")
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            partial.write_text(text + "\n", encoding="utf-8")
            self.to_pandas().to_parquet(beside, index=False)
            os.replace(partial, path)
        except OSError as error:
            reason = error.strerror or error
            raise UsageError(f"The report cannot be written to {path} ({reason}); choose another --report.") from error
        finally:
            with contextlib.suppress(OSError):
                partial.unlink()

    @classmethod
    def read(cls, path: str | Path) -> Report:
        """Read a saved report.

        Raises ``UsageError`` where the file is absent, is no report, has another schema or contradicts itself.

        Example:
            >>> import avbench
            >>> path = getfixture("tmp_path") / "mine.json"
            >>> report = avbench.run(getfixture("toybox_folder"), metrics=["frozen"], store=None)
            >>> report.save(path)
            >>> avbench.Report.read(path) == report
            True
        """
        try:
            data = json.loads(Path(path).read_text(encoding="utf-8"))
        except OSError as error:
            raise UsageError(f"The report {path} cannot be read ({error.strerror}); make it with: avbench run.") from error
        except ValueError as error:
            raise UsageError(f"{path} is not a report: it is no JSON ({error}); make one with: avbench run.") from error
        if not isinstance(data, dict) or data.get("schema") != SCHEMA:
            found = data.get("schema") if isinstance(data, dict) else None
            raise UsageError(f"{path} has schema {found!r}; this avbench reads schema {SCHEMA}: run the clips again.")
        from avbench.consistency import check

        try:
            report: Report = from_json(cls, data)
            check(report)
            return report
        except ValueError as error:
            raise UsageError(f"{path} is not a whole report ({error}); run the clips again.") from error

    def to_pandas(self, what: str = "clips") -> pandas.DataFrame:
        """A table of the report.

        Args:
            what: ``clips``: one row per (metric, clip) with value, kind and reason; ``summary``: one row per metric, those that did
                not run included, with notes under ``attrs``.

        Example:
            >>> import avbench
            >>> report = avbench.run(getfixture("toybox_folder"), metrics=["frozen", "loudness"], store=None)
            >>> report.to_pandas()[["metric", "kind"]].value_counts().to_dict()
            {('frozen', 'scored'): 4, ('loudness', 'scored'): 4}
            >>> report.to_pandas("summary")["scored"].tolist()
            [4, 4]
        """
        import pandas

        if what not in ("clips", "summary"):
            raise UnknownName("table of a report", what, ("clips", "summary"))
        rows = self._clip_rows() if what == "clips" else self._summary_rows()
        frame = pandas.DataFrame(rows[1:], columns=rows[0])
        if what == "clips":
            return frame.astype({"value": "float64"})
        frame.attrs = {"benchmark": self.benchmark.title, "limited_to": self.benchmark.part, "notes": list(self.notes)}
        return frame.astype(dict.fromkeys(("value", "low", "high"), "float64") | dict.fromkeys(vars(Counts(0, 0, 0, 0)), "Int64"))

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
             "expected", "scored", "failed", "not_applicable", "stand_in", "reason")
        ]  # fmt: skip
        for r in self.metrics:
            low, high = (r.interval.low, r.interval.high) if r.interval else (None, None)
            n = (r.n.expected, r.n.scored, r.n.failed, r.n.not_applicable)
            rows.append((self.model, r.metric, r.protocol, r.value, low, high, r.unit, r.better, *n, not r.official, r.reason))
        for name, reason in self.unavailable.items():
            metric, _, protocol = name.partition("@")
            rows.append((self.model, metric, protocol, None, None, None, "", "", *[None] * 4, False, f"not run: {reason}"))
        return rows

    def _repr_html_(self) -> str:
        """A small table for notebooks, with what did not run and the notes below."""
        from avbench.leaderboard.tables import cell_text, checkpoint_mark

        cells = [(r.title + checkpoint_mark(r), r.protocol, cell_text(r), r.unit, r.better, r.reason) for r in self.metrics]
        rows = "".join(f"<tr>{''.join(f'<td>{html.escape(cell)}</td>' for cell in row)}</tr>" for row in cells)
        lines = [*(f"{name}: not run. {reason}" for name, reason in self.unavailable.items()), *self.notes]
        notes = "".join(f"<li>{html.escape(line)}</li>" for line in lines)
        limited = f" (limited to {self.benchmark.part})" if self.benchmark.part else ""
        title = html.escape(f"{self.model} on {self.benchmark.title}{limited}")
        head = "<tr><th>metric</th><th>protocol</th><th>value (N)</th><th>unit</th><th>better</th><th>why</th></tr>"
        return f"<table><caption>{title}</caption>{head}{rows}</table>" + (f"<ul>{notes}</ul>" if notes else "")


def parquet_beside(report: Path) -> Path:
    """``x.parquet`` of ``x.json``, ``x.v2.parquet`` of ``x.v2``; raises ``UsageError`` where the report itself has that suffix."""
    if report.suffix.lower() == ".parquet":
        raise UsageError(f"The report is JSON, with Parquet beside it: name it {report.with_suffix('.json')}.")
    return report.with_name((report.stem if report.suffix == ".json" else report.name) + ".parquet")
