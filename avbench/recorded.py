"""The clips, prompts and reference that a report names, found again; here or where they have been moved to."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from avbench import catalog, ledger
from avbench.benchmark import Benchmark
from avbench.clip import Clip, Prompt
from avbench.errors import AvbenchError, UsageError
from avbench.ledger import Ledger
from avbench.metric import Metric, SetMetric, Total
from avbench.pairing import Pairing, manifest_of, manifest_prompts, side_car
from avbench.reference import read as read_reference
from avbench.report import Report
from avbench.runner import Request


@dataclass(frozen=True)
class Places:
    """Where things lie now, if not where the report says.

    Args:
        clips: folder of the clips (or of the manifest that names them).
        prompts: the benchmark's prompt file.
        reference: folder of the reference clips, or the exported file.
    """

    clips: Path | None = None
    prompts: Path | None = None
    reference: Path | None = None


@dataclass(frozen=True)
class Found:
    """A report's request again.

    Args:
        request: the clips that are there; those that are gone stand among its missing ones.
        gone: id -> path of each clip whose file is no more.
        gone_reference: the same of reference clips, or of the reference file under its path.
        left_out: metric -> why it cannot be worked out here.
    """

    request: Request
    gone: dict[str, str]
    gone_reference: dict[str, str]
    left_out: dict[str, str]


def find(report: Report, places: Places) -> Found:
    """Look up what a report names.

    Raises:
        UsageError: the report holds too little, the prompt file is gone, or the benchmark is not installed.
    """
    own, _ = ledger.ledgers(report)
    questions = prompts(report, places)
    metrics, left_out = _metrics(report)
    paths = {i: clip_path(report, i, places) for i in own.clips}
    pairing, gone = _paired(own, paths, questions, _benchmark(report), report.trace["missing"])
    listed = bool(questions) or not _benchmark(report).open_set  # a folder of any clips is all that it asks for
    limited = listed and report.provenance["arguments"]["only_present"]
    pairing = replace(pairing, limited=limited, whole=_whole(report, questions))
    against, gone_reference = _reference(report, places, questions)
    _leave_out(metrics, left_out, against)
    open_ids = [*own.clips, *(gap[0] for gap in report.trace["missing"])]
    limit = report.provenance["arguments"]["limit"]
    asked = [questions.get(i, Prompt(i)) for i in open_ids] if _benchmark(report).open_set else list(questions.values())[:limit]
    request = Request(report.benchmark.name, _benchmark(report), asked, pairing, metrics, {}, against)
    return Found(request, gone, gone_reference, left_out)


def _whole(report: Report, questions: dict[str, Prompt]) -> int:
    """How many prompts the benchmark has; of a folder that was limited to its first clips nobody knows any more."""
    if questions:
        return len(questions)
    limited = report.provenance["arguments"]["limit"] is not None
    return report.benchmark.prompts_in_benchmark if limited else len(report.trace["clips"]) + len(report.trace["missing"])


def _paired(
    book: Ledger, paths: dict[str, Path], questions: dict[str, Prompt], benchmark: Benchmark, missing: Iterable[Any] = ()
) -> tuple[Pairing, dict[str, str]]:
    """Clips whose file is there, and the others; one that could not be read even then is not gone."""
    gone = {i: str(path) for i, path in paths.items() if book.files[i][1] and not path.exists()}
    here = [Clip(p, questions.get(i, Prompt(i)), side_car(p, benchmark)) for i, p in paths.items() if i not in gone]
    lacking = [*map(tuple, missing), *((i, "missing", f"{path} is gone.") for i, path in gone.items())]
    return Pairing(tuple(here), tuple(lacking)), gone


def _reference(report: Report, places: Places, questions: dict[str, Prompt]) -> tuple[Pairing | Path | None, dict[str, str]]:
    """The reference set that numbers were made with, None where none was (or its file is gone)."""
    _, real = ledger.ledgers(report)
    asked, kept = report.provenance["arguments"], report.trace["reference"]
    if not kept:
        return None, {}
    folder = _path(asked["reference"], asked)
    if "file" in kept:
        file = places.reference or folder
        return (file, {}) if file.is_file() else (None, {file.name: str(file)})
    paths = {i: _moved(_path(real.files[i][0], asked), folder, places.reference) for i in real.clips}
    return _paired(real, paths, questions, _benchmark(report))


def prompts(report: Report, places: Places) -> dict[str, Prompt]:
    """The prompts of the run by id, read again; raises ``UsageError`` where their file is gone."""
    asked, benchmark = report.provenance["arguments"], _benchmark(report)
    if benchmark.open_set:
        folder = _path(asked["clips"], asked)
        manifest = manifest_of(_moved(folder, folder, places.clips) if folder.suffix == ".jsonl" else places.clips or folder)
        return {p.id: p for p in manifest_prompts(manifest)} if manifest else {}
    path = places.prompts or (_path(asked["prompts"], asked) if asked["prompts"] else None)
    try:
        return {p.id: p for p in benchmark.prompts(path)}
    except UsageError as error:
        raise UsageError(f"The report's prompts cannot be read again: {error} Or name where they are: --prompts FILE") from error


def clip_path(report: Report, clip: str, places: Places) -> Path:
    """Where a clip lies: as recorded, or in the folder that the clips have been moved to."""
    asked = report.provenance.get("arguments", {})
    path = _path(report.clips[clip]["path"], asked)
    return _moved(path, _path(asked["clips"], asked), places.clips) if asked else path


def _benchmark(report: Report) -> Benchmark:
    benchmark: Benchmark = catalog.load("benchmark", report.benchmark.name)
    return benchmark


def _path(text: str, asked: dict[str, Any]) -> Path:
    """A recorded path; relative ones start at the run's working folder. Bytes that are no UTF-8 were written as escapes."""
    path = Path(asked.get("working_folder", ""), text)
    if path.exists():
        return path
    raw = Path(re.sub(r"\\udc([89a-f][0-9a-f])", lambda found: chr(0xDC00 + int(found[1], 16)), str(path)))
    return raw if raw.exists() else path


def _moved(path: Path, folder: Path, place: Path | None) -> Path:
    """The same file below another folder."""
    if place is None:
        return path
    root, start = (p.parent if p.suffix == ".jsonl" else p for p in (place, folder))
    return root / (path.relative_to(start) if path.is_relative_to(start) else path.name)


def _metrics(report: Report) -> tuple[dict[str, Metric], dict[str, str]]:
    """The report's metrics that can run here, and why the others cannot."""
    metrics: dict[str, Metric] = {}
    left_out: dict[str, str] = {}
    for result in report.metrics:
        try:
            metric: Metric = catalog.load("metric", result.name)
            lack = catalog.unavailable(metric)
        except UsageError as error:
            lack = error
        if lack is None:
            metrics[result.name] = metric
        else:
            left_out[result.name] = str(lack)
    return metrics, left_out


def _leave_out(metrics: dict[str, Metric], left_out: dict[str, str], against: Pairing | Path | None) -> None:
    """Without a reference no set can be compared; a total without some of its parts is another number."""
    compared = [name for name, m in metrics.items() if isinstance(m, SetMetric) and m.needs_reference]
    lack = "The reference set is gone; name where it is: --reference PATH" if against is None else ""
    if isinstance(against, Path):
        try:
            read_reference(against, tuple(dict.fromkeys(f for name in compared for f in metrics[name].uses)))
        except AvbenchError as error:
            lack = str(error)
    if isinstance(against, Pairing) and not against.clips:
        lack = "Every clip of the reference set is gone."
    for name in compared if lack else ():
        left_out[name] = lack
        del metrics[name]
    for name, metric in list(metrics.items()):
        if isinstance(metric, Total) and (lacking := [part for part in metric.parts if part in left_out]):
            left_out[name] = f"its part {lacking[0]} cannot be worked out here."
            del metrics[name]
