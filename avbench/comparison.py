"""Two runs over the same clips, number by number: identical, within a tolerance, or different from which stage on.

What a report declares beside its numbers (identity, direction, unit, bounds, whose mean it is) is compared as it stands.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass

from avbench.ledger import STAGES, Ledger, first_difference
from avbench.report import Result

NEAR_ZERO = 1e-3  # of the tolerance, absolute: the rounding of a distance that is 0 has no relative size
DECLARED = ("cluster", "weight", "group")  # of a clip: how it counts in the mean
COPIES = "summaries.clips_in_reference"
Number = float | str | None
Books = tuple[Ledger, Ledger]


@dataclass(frozen=True)
class Difference:
    """A number that came out otherwise.

    Args:
        metric: ``name@protocol``; "" for the report's own facts.
        clip: its id; "" for a number over all clips.
        stage: one of ``avbench.ledger.STAGES``, the first at which anything differs; ``declaration`` where nothing that the clips
            went through does: the report says something else than a run over these clips would.
        number: which one: ``score``, ``details.x``, ``value``, ``interval.low``, ``summaries.x``, ``n.scored`` ...; or what is
            declared: ``identity``, ``better``, ``bounds``, ``prompts_sha256`` ...
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
        self._add_declared(old, new)
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
        if "file" in {stage for side in (0, 1) for stage, _ in self._stages(side, old.name).values()}:
            before.pop(COPIES, None)  # counts equal files, so other bytes of the same picture and sound change it
        different = [label for label, number in before.items() if not self._agree(number, after.get(label))]
        self._add_missing(old, new)
        stage, cause = self._cause(old, parts)
        self.differences += [Difference(old.name, "", stage, x, before[x], after.get(x), cause) for x in different]
        if not different:  # else the words may follow the numbers
            self.declare(_late(old), _late(new), old.name)
        if not different and old.kind == "set":
            self._note_drifts(old.name, self._stages(0, old.name) | self._stages(1, old.name))

    def declare(self, then: Mapping[str, str], now: Mapping[str, str], metric: str = "", stage: str = "declaration") -> None:
        """Compare words as they stand, of one metric or of the report itself."""
        different = [x for x, word in then.items() if word != now.get(x, "")]
        self.differences += [Difference(metric, "", stage, x, then[x], now.get(x, "")) for x in different]

    def _add_declared(self, old: Result, new: Result) -> None:
        """What holds whatever clips are there; the reference set is in the identity, a library's version too."""
        then, now = _declared(old), _declared(new)
        moved = {stage for stage, _ in self._stages(1, old.name).values()} if old.kind == "set" else set()
        other_set = old.reference and (self.gone_reference or self.reference_changed or "file" in moved)
        if other_set or (old.kind == "total" and old.libraries != new.libraries):
            then.pop("reference")
        if other_set or old.libraries != new.libraries:
            then.pop("identity")
        self.declare(then, now, old.name)

    def _add_missing(self, old: Result, new: Result) -> None:
        """Clips without a score that ``_add_clips`` has not compared: those of sets and those that were never there."""
        before, after = ({m.clip: m.kind for m in result.missing if m.clip not in self.gone} for result in (old, new))
        known = self.then[0].clips if old.kind == "clip" else ()
        stages = self._stages(0, old.name) if old.kind == "set" else {}
        for clip in sorted(before.keys() | after.keys()):
            then, now = before.get(clip), after.get(clip)
            if then != now and clip not in known:
                stage, cause = stages.get(clip, ("declaration", ""))
                self.differences.append(Difference(old.name, clip, stage, "missing", then, now, cause))

    def _add_clips(self, old: Result, new: Result) -> None:
        before, after = _scores(old), _scores(new)
        stages = self._stages(0, old.name)
        quiet: dict[str, tuple[str, str]] = {}
        for clip in self.then[0].clips:
            if clip in self.gone:
                continue
            was, numbers = before.get(clip, {"score": None}), after.get(clip, {})
            different = [x for x, number in was.items() if not self._agree(number, numbers.get(x))]
            for x in different:
                stage, cause = stages.get(clip, ("declaration" if x in DECLARED else "score", ""))
                self.differences.append(Difference(old.name, clip, stage, x, was[x], numbers.get(x), cause))
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
        counts: dict[str, Number] = {"cluster": score.cluster, "weight": score.weight, "group": score.group}
        found[score.clip] = {"score": score.value, **counts, **{f"details.{k}": x for k, x in score.details.items()}}
    return found


def _declared(result: Result) -> dict[str, str]:
    """What a result says of its metric."""
    names = ("title", "unit", "better", "kind", "averaged", "bounds", "identity", "reference")
    files = sorted(f"{w.name} {w.sha256} {w.status}" for w in result.weights)
    return {**{name: str(getattr(result, name)) for name in names}, "weights": ", ".join(files)}


def _late(result: Result) -> dict[str, str]:
    """What depends on which clips are there."""
    reach = result.interval
    words = {"interval.level": f"{reach.level:g}", "interval.method": reach.method} if reach else {}
    return {"reason_kind": result.reason_kind, **words}


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
