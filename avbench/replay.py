"""Work a report's numbers out again from the clips that it names, and say where the first difference comes from."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path

from avbench import ledger, libraries, weights
from avbench.clip import file_digest
from avbench.comparison import Books, Comparison, Difference
from avbench.extract import Counts
from avbench.judge import Plan, check_device
from avbench.metric import Total
from avbench.recorded import Found, Places, find
from avbench.report import Report
from avbench.runner import Judged, Progress, facts, judge, provenance

TOLERANCE = 1e-6
FAILED, INCOMPLETE = 1, 3


@dataclass(frozen=True)
class FileChange:
    """A recorded file that is ``gone`` or ``changed``.

    Args:
        clip: its id; the file's name for an exported reference.
        side: ``clips`` or ``reference``.
        state: ``gone`` or ``changed``.
        path: where it lies, or lay.
        then: its recorded sha256.
        now: its sha256; "" where it is gone.
    """

    clip: str
    side: str
    state: str
    path: str
    then: str
    now: str = ""


@dataclass(frozen=True)
class Replay:
    """What a replay found.

    Args:
        model: the report's.
        tolerance: relative; near zero a thousandth of it, absolute.
        compared: how many numbers were worked out again.
        identical: how many of them to the last digit.
        largest: the largest relative difference within the tolerance.
        files: files that are gone or hold other bytes.
        differences: numbers beyond the tolerance.
        left_out: metric -> why its value was not compared.
        drifts: stage -> how many clips have other digests from there on although the numbers agree.
        versions: package, Python, platform or decoder -> (then, now) where they differ.
    """

    model: str
    tolerance: float
    compared: int
    identical: int
    largest: float
    files: tuple[FileChange, ...]
    differences: tuple[Difference, ...]
    left_out: Mapping[str, str] = field(default_factory=dict)
    drifts: Mapping[str, int] = field(default_factory=dict)
    versions: Mapping[str, tuple[str, str]] = field(default_factory=dict)

    @property
    def verdict(self) -> str:
        """``identical``, ``within tolerance``, ``incomplete`` (what could be replayed agrees) or ``differs``."""
        if self.differences:
            return "differs"
        if self.files or self.left_out:
            return "incomplete"
        return "identical" if self.identical == self.compared else "within tolerance"

    @property
    def exit_code(self) -> int:
        """0 where all agrees, 1 where a number differs, 3 where files are gone or changed but every number left agrees."""
        return {"differs": FAILED, "incomplete": INCOMPLETE}.get(self.verdict, 0)


def replay(
    report: Report,
    places: Places | None = None,
    *,
    tolerance: float = TOLERANCE,
    workers: int = 1,
    device: str | None = None,
    store: Path | None = None,
    progress: Progress | None = None,
) -> Replay:
    """Judge the report's clips again and compare.

    Args:
        report: one that holds digests (reports of older versions do not).
        places: where clips, prompts and reference lie now, if not where they lay.
        tolerance: the largest relative difference of two numbers that count as one.
        workers: processes.
        device: where networks run; None takes the report's.
        store: None works everything out from the files; a folder of features proves only what follows from them.
        progress: called with (what, done, total).

    Raises:
        UsageError: the report holds too little, its prompts cannot be read again, or its device is not here.
        AvbenchError: a feature or metric broke.
    """
    then, asked = ledger.ledgers(report), report.provenance["arguments"]
    check_device(device or asked["device"])
    with weights.stand_ins(asked["stand_in"]):
        found = find(report, places or Places())
        judged = None
        if found.request.metrics and found.request.pairing.clips:
            plan = Plan(found.request.metrics, store, device or asked["device"], weights.stand_in())
            judged = judge(found.request, plan, workers, Counts(), progress)
        now = _books(found, judged) if judged else then
    files = (*_gone(found, then), *_changed(found, then, now), *_changed_reference_file(report, found))
    altered = any(f.side == "reference" and f.state == "changed" for f in files) and not then[1].clips
    comparison = Comparison(then, now, tolerance, (found.gone, found.gone_reference), altered)
    _compare_facts(report, found, judged, comparison)
    results = {result.name: result for result in judged.results} if judged else {}
    for old in report.metrics:
        if old.name not in results:
            comparison.left_out[old.name] = found.left_out.get(old.name, "Every clip is gone.")
            continue
        metric = found.request.metrics[old.name]
        comparison.add(old, results[old.name], metric.parts if isinstance(metric, Total) else ())
    return Replay(
        report.model, tolerance, comparison.compared, comparison.identical, comparison.largest, files,
        tuple(comparison.differences), comparison.left_out, comparison.drifts, _versions(report),
    )  # fmt: skip


def _compare_facts(report: Report, found: Found, judged: Judged | None, comparison: Comparison) -> None:
    """What the report says of the questions, of its metrics and of who made the clips."""
    then, now = ({k: str(v) for k, v in asdict(f).items()} for f in (report.benchmark, facts(found.request)))
    before, after = comparison.then[0].clips, comparison.now[0].clips
    other = any(words[0] != after[i][0] for i, words in before.items() if i in after)  # the prompt file was edited since
    comparison.declare(then, now, stage="prompt" if other else "declaration")
    metrics = sorted(report.trace["metrics"])
    comparison.declare({"metrics": ", ".join(sorted(r.name for r in report.metrics))}, {"metrics": ", ".join(metrics)})
    if judged and (maker := judged.side.origin()):  # where the origin file was not moved along nothing can be said
        comparison.declare({"made_by": str(report.provenance.get("made_by"))}, {"made_by": str(maker)})


def _books(found: Found, judged: Judged) -> Books:
    """The digests of this time."""
    files = {clip.id: (str(clip.path), outcome.digest) for clip, outcome in judged.side.rows()}
    return ledger.read(judged.trace(found.request), files)


def _gone(found: Found, then: Books) -> list[FileChange]:
    sides = (("clips", found.gone, then[0]), ("reference", found.gone_reference, then[1]))
    return [
        FileChange(i, side, "gone", path, book.files[i][1] if i in book.files else "")
        for side, gone, book in sides
        for i, path in gone.items()
    ]


def _changed(found: Found, then: Books, now: Books) -> list[FileChange]:
    return [
        FileChange(i, side, "changed", after.files[i][0], sha256, after.files[i][1])
        for side, before, after in zip(("clips", "reference"), then, now, strict=True)
        for i, (_, sha256) in before.files.items()
        if i in after.files and after.files[i][1] != sha256
    ]


def _changed_reference_file(report: Report, found: Found) -> list[FileChange]:
    """An exported reference has one digest for the whole file."""
    path, kept = found.request.reference, report.trace["reference"]
    if not isinstance(path, Path) or (digest := file_digest(path)) == kept["sha256"]:
        return []
    return [FileChange(path.name, "reference", "changed", str(path), kept["sha256"], digest)]


def _versions(report: Report) -> dict[str, tuple[str, str]]:
    """What is another now: a possible cause of every difference."""
    then, now = report.provenance, provenance()
    now["versions"] |= libraries.versions(then.get("versions", {}))
    pairs = {name: (then.get("versions", {}).get(name, ""), v) for name, v in now["versions"].items()}
    pairs |= {name: (v, "") for name, v in then.get("versions", {}).items() if name not in now["versions"]}
    pairs |= {name: (str(then.get(name, "")), str(now[name])) for name in ("python", "platform", "decoder")}
    return {name: (a, b) for name, (a, b) in pairs.items() if a != b}
