"""``avbench plan``: how many clips a difference needs, and the smallest one that a run could have shown."""

from __future__ import annotations

import argparse
import json
import math
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING

from avbench.errors import NotComparable, UsageError

if TYPE_CHECKING:
    from avbench.metric import Metric
    from avbench.report import Report, Result

UNPAIRED = "of two models that vary as this report does, unpaired; --against pairs them"


@dataclass(frozen=True)
class Spread:
    """Standard deviation of a prompt's difference between two models, how it is known, and the prompts behind it.

    ``flipped`` as in ``avbench.statistics.Design``.
    """

    deviation: float
    source: str
    prompts: int = 0
    clips_per_prompt: float = 1.0
    flipped: bool = True


@dataclass(frozen=True)
class Answer:
    """What ``--json`` prints; None where it was not asked or cannot be known."""

    metric: str
    unit: str
    deviation: float
    source: str
    power: float
    level: float
    columns: int
    fewest_prompts: int
    effect: float | None
    prompts_needed: int | None
    clips_needed: int | None
    prompts: int | None
    smallest_effect: float | None


def add_options(sub: argparse.ArgumentParser) -> None:
    """Options of the command."""
    sub.add_argument("--metric", required=True, metavar="M", help="name or name@protocol")
    sub.add_argument("--effect", type=float, metavar="E", help="difference between two models to be found, in the metric's unit")
    sub.add_argument("--from", dest="report", metavar="REPORT", help="a report whose clips tell how much the metric varies")
    sub.add_argument("--against", metavar="REPORT", help="with --from: another model's, to take paired differences")
    sub.add_argument("--power", type=float, default=0.8, metavar="P", help="chance to find the difference (default 0.8)")
    sub.add_argument("--level", type=float, default=0.95, metavar="L", help="level of the interval (default 0.95)")
    sub.add_argument("--columns", type=int, default=1, metavar="K", help="metrics that will be compared together (Holm; default 1)")
    sub.add_argument("--json", action="store_true", help="print JSON")


def execute(arguments: argparse.Namespace) -> int:
    """Print the plan."""
    from avbench import catalog
    from avbench.statistics import Design, clips_needed, smallest_effect

    metric: Metric = catalog.load("metric", arguments.metric)
    if arguments.effect is None and arguments.report is None:
        raise UsageError("avbench plan wants --effect E (clips for that difference), --from REPORT (what it could show), or both.")
    if arguments.against and not arguments.report:
        raise UsageError("--against is the second of two reports; name the first with --from.")
    name = catalog.full_name(arguments.metric)
    _check_effect(name, metric, arguments.effect)
    spread = _from_reports(name, arguments.report, arguments.against) if arguments.report else _at_most(name, metric)
    prompts = clips = smallest = None
    try:
        design = Design(spread.deviation, arguments.power, arguments.level, columns=arguments.columns, flipped=spread.flipped)
        if arguments.effect is not None:
            prompts = clips_needed(design, arguments.effect)
            clips = math.ceil(prompts * spread.clips_per_prompt)
        if spread.prompts >= design.fewest:
            smallest = smallest_effect(design, spread.prompts)
    except ValueError as error:
        raise UsageError(f"No plan for {name}: {error}") from error
    answer = Answer(name, metric.card.unit, spread.deviation, spread.source, arguments.power, arguments.level, design.columns,
                    design.fewest, arguments.effect, prompts, clips, spread.prompts or None, smallest)  # fmt: skip
    print(json.dumps(asdict(answer), ensure_ascii=False, indent=1) if arguments.json else _text(answer))
    return 0


def _text(answer: Answer) -> str:
    unit = "" if answer.unit in ("", "1") else f" {answer.unit}"
    lines = [f"{answer.metric}: a prompt's difference varies by {answer.deviation:.4g}{unit} ({answer.source})."]
    over = f" over {answer.columns} columns" if answer.columns > 1 else ""
    terms = f"with power {answer.power:g} at level {answer.level:g}{over}"
    if answer.prompts_needed is not None:
        count = f"{answer.prompts_needed} prompts" + (
            f", {answer.clips_needed} clips per model" if answer.clips_needed != answer.prompts_needed else ", one clip each"
        )
        lines.append(f"To find a difference of {answer.effect:g}{unit} {terms}: {count}.")
    if answer.smallest_effect is not None:
        lines.append(f"The smallest difference that {answer.prompts} prompts show {terms}: {answer.smallest_effect:.4g}{unit}.")
    elif answer.prompts is not None:
        lines.append(f"{answer.prompts} prompts show no difference, however large, {terms}: {answer.fewest_prompts} are needed.")
    return "\n".join(lines)


def _check_effect(name: str, metric: Metric, effect: float | None) -> None:
    """Raises ``UsageError`` for a difference that no two models can have."""
    low, high = metric.card.range
    if metric.card.better == "zero":
        low, high = 0.0, max(abs(low), abs(high))
    if effect is not None and abs(effect) > high - low:
        raise UsageError(f"{name} lies in {low:g} ... {high:g}: no two models differ by {effect:g}; give a smaller --effect.")


def _at_most(name: str, metric: Metric) -> Spread:
    """Without data: scores in low ... high deviate by (high - low) / 2 at most, differences of two models by sqrt(2) times that."""
    from avbench.metric import ClipMetric

    low, high = metric.card.range
    if not isinstance(metric, ClipMetric) or not math.isfinite(high - low):
        raise UsageError(f"How much {name} varies follows from no range; pass --from REPORT of a run.")
    if metric.card.better == "zero":
        low, high = 0.0, max(abs(low), abs(high))
    return Spread((high - low) / 2 * math.sqrt(2.0), "at most, by the range of the score; --from REPORT says more")


def _from_reports(name: str, path: str, against: str | None) -> Spread:
    from avbench.report import Report

    report = Report.read(path)
    first = _result(report, name)
    second = None
    if against:
        other = Report.read(against)
        second = _result(other, name)
        if (first.identity, report.benchmark.prompts_sha256) != (second.identity, other.benchmark.prompts_sha256):
            raise NotComparable(f"{path} and {against} differ in {name}'s protocol, reference or prompts; run both alike.")
    return _of_sets(first, second) if first.kind == "set" else _of_clips(first, second)


def _result(report: Report, name: str) -> Result:
    """The column, which must hold a number of scored clips or a set's replicates."""
    found = report[name]
    if not found.scores and not found.replicates:
        reason = found.reason or ("a total has no clips of its own" if found.kind == "total" else "it has no replicates")
        raise UsageError(f"{report.model}'s {name} tells no spread: {reason.rstrip('.')}.")
    return found


def _of_clips(first: Result, second: Result | None) -> Spread:
    """The deviation of a prompt behind the standard error of the mean: error sqrt(prompts)."""
    from avbench.leaderboard.pairs import scores_of
    from avbench.statistics import Weighing, paired_sums
    from avbench.statistics.intervals import ClusterSums

    scores = [scores_of(result) for result in (first, second) if result is not None]
    if second is not None:
        sums, factor, source = paired_sums(scores[0], scores[1]), 1.0, "paired differences of the two reports"
    else:
        rows = scores[0]
        weighing = Weighing([row.weight for row in rows], [row.group for row in rows])
        sums = ClusterSums.of([row.value for row in rows], [row.cluster for row in rows], weighing)
        factor, source = math.sqrt(2.0), UNPAIRED
    prompts = len(sums.sums)
    if prompts < 2:
        raise UsageError(f"{first.name} has scores of {prompts} prompt(s); two are needed to see a spread.")
    if sums.degrees < 1:
        raise UsageError(f"{first.name} has scores of a category with a single prompt; two are needed to see a spread.")
    return Spread(factor * sums.error * math.sqrt(prompts), source, prompts, float(sums.sizes.sum()) / prompts)


def _of_sets(first: Result, second: Result | None) -> Spread:
    """As ``_of_clips``, from the jackknife's error: exact where the error falls with the root of N, as a distance's does."""
    from avbench.statistics import Jackknife, set_difference

    found = [Jackknife(r.value, r.replicates) for r in (first, second) if r is not None and r.value is not None]
    error, source = math.sqrt(2.0) * found[0].error[0], UNPAIRED
    if len(found) == 2:
        error, source = set_difference(found[0], found[1]).error, "paired jackknife of the two reports"
    clips = min(r.n.scored for r in (first, second) if r is not None)
    return Spread(error * math.sqrt(clips), source, clips, flipped=False)
