"""Two runs over the same clips, number by number: identical, within a tolerance, or different from which stage on."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass

from avbench.ledger import STAGES, Ledger, first_difference
from avbench.report import Result

NEAR_ZERO = 1e-3  # of the tolerance, absolute: the rounding of a distance that is 0 has no relative size
Number = float | str | None
Books = tuple[Ledger, Ledger]


@dataclass(frozen=True)
class Difference:
    """A number that came out otherwise.

    Args:
        metric: ``name@protocol``.
        clip: its id; "" for a number over all clips.
        stage: one of ``avbench.ledger.STAGES``, the first at which anything differs.
        number: which one: ``score``, ``details.x``, ``value``, ``interval.low``, ``summaries.x``, ``n.scored`` ...
        then: the recorded number; a word (a kind of failure) or None where there was none.
        now: the same of this time.
        cause: the step that differs (a read, a feature, clips, parts of a total), in words.
    """

    metric: str
    clip: str
    stage: str
    number: str
    then: Number
    now: Number
    cause: str = ""


class Comparison:
    """Adds up what agrees and what does not.

    Args:
        then: the digests recorded of the clips and of the reference clips.
        now: those of this time.
        tolerance: relative; near zero a thousandth of it, absolute.
        gone: ids of clips, and of reference clips, that could not be judged again.
        reference_changed: whether an exported reference file holds other bytes.

    ``compared``, ``identical`` and ``largest`` (relative difference within the tolerance) count numbers; ``differences`` and
    ``left_out`` (metric -> why its value was not compared) list the rest.
    """

    def __init__(
        self, then: Books, now: Books, tolerance: float, gone: tuple[Iterable[str], Iterable[str]], reference_changed: bool
    ) -> None:
        self.then, self.now, self.tolerance = then, now, tolerance
        self.gone, self.gone_reference = (frozenset(ids) for ids in gone)
        self.reference_changed = reference_changed
        self.compared = self.identical = 0
        self.largest = 0.0
        self.differences: list[Difference] = []
        self.left_out: dict[str, str] = {}
        self._drifted: dict[str, set[str]] = {}

    @property
    def drifts(self) -> dict[str, int]:
        """Stage -> how many clips have another digest from there on, though every number that follows agrees."""
        return {stage: len(self._drifted[stage]) for stage in STAGES if stage in self._drifted}

    def add(self, old: Result, new: Result, parts: Sequence[str] = ()) -> None:
        """Compare one metric; ``parts`` are those of a total, which must have been added before it."""
        if old.kind == "clip":
            self._add_clips(old, new)
        absent = [part for part in parts if part in self.left_out]
        used = self.gone - {m.clip for m in old.missing} if old.kind != "total" else ()
        gone = sorted({*used, *(self.gone_reference if old.reference else ())})
        if absent or gone:
            words = f"its part {absent[0]} was not compared" if absent else f"clips are gone: {_some(gone)}"
            self.left_out[old.name] = f"Not compared, because {words}."
            return
        before, after = _numbers(old), _numbers(new)
        if self.gone:  # what had no score then is missing now; its N is another for that alone
            before = {label: number for label, number in before.items() if not label.startswith("n.")}
        different = [label for label, number in before.items() if not self._agree(number, after.get(label))]
        stage, cause = self._cause(old, parts)
        self.differences += [Difference(old.name, "", stage, x, before[x], after.get(x), cause) for x in different]
        if not different and old.kind == "set":
            self._note_drifts(old.name, self._stages(0, old.name) | self._stages(1, old.name))

    def _add_clips(self, old: Result, new: Result) -> None:
        before, after = _scores(old), _scores(new)
        stages = self._stages(0, old.name)
        quiet: dict[str, tuple[str, str]] = {}
        for clip in self.then[0].clips:
            if clip in self.gone:
                continue
            stage, cause = stages.get(clip, ("score", ""))
            numbers = after.get(clip, {})
            different = [x for x, number in before[clip].items() if not self._agree(number, numbers.get(x))]
            self.differences += [Difference(old.name, clip, stage, x, before[clip][x], numbers.get(x), cause) for x in different]
            if not different and clip in stages:
                quiet[clip] = stages[clip]
        self._note_drifts(old.name, quiet)

    def _stages(self, side: int, metric: str) -> dict[str, tuple[str, str]]:
        """The clips of a side (0 clips, 1 reference) that went another way, each with its first stage and step."""
        then, now = self.then[side], self.now[side]
        found = {i: first_difference(then, now, metric, i) for i in then.clips if i in now.clips}
        return {i: (stage.name, stage.what) for i, stage in found.items() if stage is not None}

    def _note_drifts(self, metric: str, stages: Mapping[str, tuple[str, str]]) -> None:
        for clip, (stage, _) in stages.items():
            if stage != "file":
                self._drifted.setdefault(stage, set()).add(clip)

    def _cause(self, old: Result, parts: Sequence[str]) -> tuple[str, str]:
        """The earliest stage behind a number over all clips, and who is at it."""
        if parts:
            behind = {d.metric: (d.stage, d.metric) for d in self.differences if d.metric in parts and not d.clip}
        elif old.kind == "clip":
            behind = {d.clip: (d.stage, d.cause) for d in self.differences if d.metric == old.name and d.clip}
        elif self.reference_changed and old.reference:
            return "file", "the reference file"
        else:
            behind = self._stages(0, old.name) | {f"reference {i}": s for i, s in self._stages(1, old.name).items()}
        if not behind:
            return "value", ""
        first = min((stage for stage, _ in behind.values()), key=STAGES.index)
        return first, _some([name for name, (stage, _) in behind.items() if stage == first])

    def _agree(self, then: Number, now: Number) -> bool:
        self.compared += 1
        if then == now:
            self.identical += 1
            return True
        if not isinstance(then, float) or not isinstance(now, float):
            return False
        if not math.isclose(then, now, rel_tol=self.tolerance, abs_tol=NEAR_ZERO * self.tolerance):
            return False
        self.largest = max(self.largest, abs(then - now) / max(abs(then), abs(now)))
        return True


def _scores(result: Result) -> dict[str, dict[str, Number]]:
    """Clip -> its numbers; of a clip without a score the kind, as the reason may name the file."""
    found: dict[str, dict[str, Number]] = {m.clip: {"score": m.kind} for m in result.missing}
    for score in result.scores:
        found[score.clip] = {"score": score.value, **{f"details.{k}": x for k, x in score.details.items()}}
    return found


def _numbers(result: Result) -> dict[str, Number]:
    """All numbers over the whole set of clips."""
    found: dict[str, Number] = {"value": result.value}
    if result.interval is not None:
        found |= {"interval.low": result.interval.low, "interval.high": result.interval.high}
    found |= {f"summaries.{k}": x for k, x in result.summaries.items()}
    found |= {f"replicates.{k}": x for k, x in enumerate(result.replicates)}
    return found | {f"n.{k}": float(x) for k, x in asdict(result.n).items()}


def _some(names: Sequence[str]) -> str:
    more = f" and {len(names) - 3} more" if len(names) > 3 else ""
    return ", ".join(names[:3]) + more
