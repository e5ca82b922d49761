"""What a report must be before its numbers may enter a leaderboard file."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Mapping, Sequence

from avbench import catalog, libraries, weights
from avbench.benchmark import Benchmark, prompt_digest
from avbench.errors import AvbenchError, NotComparable, UnknownName
from avbench.leaderboard import declared
from avbench.metric import Metric, Total
from avbench.report import Report, Result, Weights
from avbench.runner import identity
from avbench.weights import Checkpoint

SHA256 = re.compile("[0-9a-f]{64}")


def refusals(
    report: Report,
    benchmark: str = "",
    others: Sequence[Report] = (),
    prompts: Collection[str] = (),
    accepted: Mapping[str, str] | None = None,
) -> list[str]:
    """Every reason why the report may not enter; an empty list admits it.

    Args:
        benchmark: the board's; "" takes the report's own.
        others: the reports that the board has already; their model names are taken.
        prompts: digests of prompt sets that the board accepts. Where there are none the benchmark's own prompts count, and where it
            brings none, those of the other reports.
        accepted: checkpoint to sha256 of files that the board takes for the official ones although no digest of them is published.
    """
    return [
        *_benchmark(report, benchmark or report.benchmark.name, others, prompts),
        *_coverage(report),
        *_clips(report),
        *(reason for result in report.metrics for reason in _result(result, report, accepted or {})),
        *(f"{result.name}: {reason}" for result in report.metrics for reason in declared.doubts(result, report, others)),
        *(f"The model name {report.model} is taken by another report of the board." for o in others if o.model == report.model),
    ]


def admit(report: Report) -> None:
    """Raises ``NotComparable`` with the first reasons where the report may not enter a leaderboard file."""
    reasons = refusals(report)
    if reasons:
        more = f" (and {len(reasons) - 3} more reasons)" if len(reasons) > 3 else ""
        raise NotComparable(f"The report of {report.model} cannot enter a leaderboard: {' '.join(reasons[:3])}{more}")


def _benchmark(report: Report, name: str, others: Sequence[Report], prompts: Collection[str]) -> Iterator[str]:
    facts = report.benchmark
    if facts.name != name:
        yield f"It is a report on {facts.name}, the board's benchmark is {name}."
        return
    try:
        benchmark: Benchmark = catalog.load("benchmark", name)
    except UnknownName as error:
        yield f"{error}."
        return
    if facts.version != benchmark.version:
        yield f"It was made with version {facts.version} of {name}; this avbench has version {benchmark.version}: run it again."
    accepted = set(prompts)
    if not accepted and not benchmark.prompts_needed and not benchmark.open_set:
        accepted = {prompt_digest(benchmark.prompts(None))}
    if not accepted:
        accepted = {other.benchmark.prompts_sha256 for other in others}
    if accepted and facts.prompts_sha256 not in accepted:
        yield (f"Its {facts.prompts} prompts (sha256 {facts.prompts_sha256[:12]}) are none of the board's "
               f"({', '.join(sorted(digest[:12] for digest in accepted))}).")  # fmt: skip


def _coverage(report: Report) -> Iterator[str]:
    facts = report.benchmark
    if facts.part:
        yield f"It covers {facts.part} alone."
    if not report.metrics:
        yield "It holds no metric."
    for result in report.metrics:
        if result.n.failed:
            yield f"{result.name}: {result.n.failed} of {result.n.expected} clips are missing or failed."
        if result.kind == "clip" and result.n.expected < facts.prompts:
            yield f"{result.name} speaks of {result.n.expected} of {facts.prompts} prompts."


def _clips(report: Report) -> Iterator[str]:
    without = [clip for clip, facts in report.clips.items() if not facts.get("sha256")]
    if without:
        yield f"{len(without)} clips have no digest: {', '.join(without[:3])}."
    wrong = [clip for clip, facts in report.clips.items() if facts.get("sha256") and not SHA256.fullmatch(facts["sha256"])]
    if wrong:
        yield f"The digests of {len(wrong)} clips are no sha256: {', '.join(wrong[:3])}."
    if len(report.clips) < report.benchmark.prompts:
        yield f"It lists {len(report.clips)} clips for {report.benchmark.prompts} prompts."


def _result(result: Result, report: Report, accepted: Mapping[str, str]) -> Iterator[str]:
    if not result.official:
        yield f"{result.name} was made with stand-in networks, not with the official checkpoint."
        return
    try:
        metric: Metric = catalog.load("metric", result.name if result.protocol != "default" else result.metric)
        wrong = [reason for item in result.weights if (reason := _checkpoint(item, accepted))]
        missing = sorted(set(metric.checkpoints) - {item.name for item in result.weights})
    except AvbenchError as error:
        yield f"{result.name} is not known here: {error}"
        return
    yield from (f"{result.name}: {reason}" for reason in wrong)
    if missing and not isinstance(metric, Total):
        yield f"{result.name} names no digest of {', '.join(missing)}."
    elif not wrong and _identity(metric, result, report) != result.identity:
        yield f"{result.name} was made by another version of the metric, its parameters or its features than this avbench has."


def _checkpoint(item: Weights, accepted: Mapping[str, str]) -> str:
    """What is wrong with a checkpoint's declaration; "" where it is the published file, or one that the board accepts."""
    checkpoint = weights.checkpoint(item.name)
    if item.status not in ("verified", "unverified") or not item.sha256:
        return f"the checkpoint {item.name} is {item.status or 'not declared'}."
    if not checkpoint.published:
        if item.status == "unverified" and accepted.get(item.name) == item.sha256:
            return ""
        if item.status == "unverified":
            return (f"no digest of the checkpoint {item.name} is published, so nothing tells this file from an untrained one; a "
                    f'board that knows it to be the official one lists it in its board.json: "checkpoints": {{"{item.name}": '
                    f'"{item.sha256}"}}.')  # fmt: skip
    elif item.status == "unverified":
        return f"the checkpoint {item.name} has a published digest, so it must be verified."
    elif _fits(item, checkpoint):
        return ""
    return f"the checkpoint {item.name} is not the published file."


def _fits(item: Weights, checkpoint: Checkpoint) -> bool:
    """Whether the stated sha256 agrees with what is published of it; a git blob can be compared only where the file is."""
    if all(file.sha256 for file in checkpoint.files):
        return item.sha256 == weights.digest_of([file.sha256 for file in checkpoint.files])
    return len(checkpoint.files) > 1 or item.sha256.startswith(checkpoint.files[0].sha256_start)


def _identity(metric: Metric, result: Result, report: Report) -> str:
    """What the result's identity must be, worked out with the checkpoints' digests that the report states."""
    if isinstance(metric, Total):
        found = {other.name: other for other in report.metrics}
        return identity(metric, "\n".join(found[part].identity for part in metric.parts if part in found))
    with weights.recorded({item.name: item.sha256 for item in result.weights}), libraries.recorded(result.libraries):
        return identity(metric, result.reference)
