"""What a prompt that one row answered and another did not costs the row without: leaving hard prompts out must not help."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

from avbench.report import ClipScore, Result

SHARE = 0.05  # of another row's prompts that a row may leave unanswered, where no worst score is known, and still be ranked ahead

Clusters = Mapping[str, Sequence[ClipScore]]


def unanswered(result: Result, other: Result) -> tuple[ClipScore, ...]:
    """The other's clips of prompts for which it has more scores than ``result``: as many as it has more.

    Clips whose ids ``result`` has a score for stand for none of them.
    """
    ours, theirs = _by_prompt(result), _by_prompt(other)
    found: list[ClipScore] = []
    for prompt, scores in theirs.items():
        ids = {s.clip for s in ours.get(prompt, ())}
        found += [s for s in scores if s.clip not in ids][: max(0, len(scores) - len(ids))]
    return tuple(found)


def filled(result: Result, other: Result) -> Result:
    """The result with the worst score there is for each clip that ``unanswered`` names; itself where scores have no bounds."""
    worst = _worst(result)
    if worst is None:
        return result
    ours, theirs = _by_prompt(result), _by_prompt(other)
    added = []
    for score in unanswered(result, other):
        mine, its = ({s.clip for s in side.get(score.cluster, ())} for side in (ours, theirs))
        paired = not mine or mine & its  # else clips of a prompt are compared by their means, which a shared id would end
        added.append(replace(score, clip=score.clip if paired else f"{score.clip} unanswered", value=worst, details={}))
    return replace(result, scores=(*result.scores, *added))


def short_of(result: Result, other: Result) -> int:
    """How many prompts (for sets: clips) the other row answered and this one did not."""
    if result.kind == "clip":
        return len({score.cluster for score in unanswered(result, other)})
    return max(0, other.n.scored - result.n.scored)


def too_short(result: Result, other: Result) -> bool:
    """Whether that is more than ``SHARE`` of what the other answered and no worst score can stand for it."""
    whole = len(_by_prompt(other)) if result.kind == "clip" else other.n.scored
    return _worst(result) is None and short_of(result, other) > SHARE * whole


def _worst(result: Result) -> float | None:
    """The worst score that a clip can have; None where there is none."""
    if result.bounds is None or result.better == "none" or result.kind != "clip":
        return None
    return result.bounds[0] if result.better == "higher" else result.bounds[1]


def _by_prompt(result: Result) -> dict[str, list[ClipScore]]:
    found: dict[str, list[ClipScore]] = {}
    for score in result.scores:
        found.setdefault(score.cluster, []).append(score)
    return found
