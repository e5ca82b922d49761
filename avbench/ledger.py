"""What a report keeps so that its numbers can be worked out again: the run's arguments, and a digest per clip and stage.

In ``Report.trace`` the names of reads and features stand once; every clip has one line of 16-digit words: its prompt, each read,
each feature. ``-`` stands for what was not asked of the clip, ``!kind`` for a typed failure.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from avbench.benchmark import prompt_digest
from avbench.clip import Clip, file_digest
from avbench.errors import UsageError, printable
from avbench.judge import Outcome
from avbench.metric import Metric
from avbench.report import Report
from avbench.trace import DIGITS

STAGES = ("file", "prompt", "frames", "audio", "words", "voice", "picture", "feature", "score", "value", "declaration")
_STAGE_OF_READ = {"Frames": "frames", "Waveform": "audio", "OwnWaveform": "audio", "PromptText": "words",
                  "SpeakerReference": "voice", "ImageReference": "picture"}  # fmt: skip
ABSENT = "-"
Row = tuple[Clip, Outcome]


@dataclass(frozen=True)
class Stage:
    """One step of a clip on its way to a number: ``what`` is a read's or feature's identity, ``digest`` what came out."""

    name: str
    what: str
    digest: str


@dataclass(frozen=True)
class Ledger:
    """The digests of a run.

    Args:
        reads: what was decoded, by repr.
        features: identity of each feature, and which of ``reads`` it reads.
        metrics: name to the numbers of its ``features``.
        clips: id to words: prompt, reads, features.
        files: id to (path, sha256) of each clip.
    """

    reads: tuple[str, ...]
    features: tuple[tuple[str, tuple[int, ...]], ...]
    metrics: Mapping[str, tuple[int, ...]]
    clips: Mapping[str, tuple[str, ...]]
    files: Mapping[str, tuple[str, str]]

    def stages(self, metric: str, clip: str) -> list[Stage]:
        """The steps of a clip up to the features of a metric, in order."""
        words = self.clips[clip]
        used = [self.features[k] for k in self.metrics[metric]]
        reads = dict.fromkeys(r for _, reads in used for r in reads)
        start = 1 + len(self.reads)
        steps = [Stage("file", "", self.files[clip][1]), Stage("prompt", "", words[0])]
        steps += [Stage(stage_of_read(self.reads[r]), self.reads[r], words[1 + r]) for r in reads]
        return steps + [Stage("feature", self.features[k][0], words[start + k]) for k in self.metrics[metric]]


def stage_of_read(read: str) -> str:
    """The stage that a read (by repr) belongs to: frames, audio, words, voice or picture."""
    return _STAGE_OF_READ[read.partition("(")[0]]


def arguments(**given: Any) -> dict[str, Any]:
    """The arguments of a run as JSON holds them, and the folder that relative paths start from."""
    plain = {k: printable(str(v)) if isinstance(v, Path) else v for k, v in given.items()}
    plain = {k: printable(v) if isinstance(v, str) else list(v) if isinstance(v, Sequence) else v for k, v in plain.items()}
    try:
        folder = printable(os.getcwd())
    except FileNotFoundError:  # removed meanwhile; absolute paths still lead somewhere
        folder = ""
    return {**plain, "working_folder": folder}


def record(
    metrics: Mapping[str, Metric],
    clips: Iterable[Row],
    reference: Iterable[Row] | Path | None = None,
    missing: Sequence[tuple[str, str, str]] = (),
) -> dict[str, Any]:
    """What goes into ``Report.trace``.

    Args:
        metrics: those of the run, by full name.
        clips: each clip with its outcome.
        reference: the same of the reference folder; or the exported file.
        missing: (id, kind, reason) of the prompts without a clip.
    """
    features = tuple(dict.fromkeys(f for m in metrics.values() for f in m.uses))
    reads = tuple(dict.fromkeys(r for f in features for r in f.reads))

    def line(clip: Clip, outcome: Outcome) -> str:
        words = [prompt_digest([clip.prompt])[:DIGITS]]
        words += [outcome.trace.inputs.get(read, ABSENT) for read in reads]
        return " ".join([*words, *(outcome.trace.features.get(feature, ABSENT) for feature in features)])

    against: dict[str, Any] = {}
    if isinstance(reference, Path):
        against = {"file": printable(str(reference)), "sha256": file_digest(reference)}
    elif reference is not None:
        against = {"clips": {c.id: {"path": printable(str(c.path)), "sha256": o.digest, "line": line(c, o)} for c, o in reference}}
    return {
        "reads": [repr(read) for read in reads],
        "features": [{"identity": f.identity(), "reads": [reads.index(r) for r in f.reads]} for f in features],
        "metrics": {name: [features.index(f) for f in m.uses] for name, m in metrics.items()},
        "clips": {clip.id: line(clip, outcome) for clip, outcome in clips},
        "reference": against,
        "missing": [list(gap) for gap in missing],
    }


def ledgers(report: Report) -> tuple[Ledger, Ledger]:
    """The digests of a report's clips and of its reference clips.

    Raises:
        UsageError: the report was written before digests were kept, or what it keeps is not whole.
    """
    check(report)
    return read(report.trace, {i: (facts["path"], facts["sha256"]) for i, facts in report.clips.items()})


def read(trace: Mapping[str, Any], files: Mapping[str, tuple[str, str]]) -> tuple[Ledger, Ledger]:
    """The inverse of ``record``; ``files`` gives path and sha256 of each clip."""
    try:
        names = tuple(trace["reads"])
        features = tuple((f["identity"], tuple(f["reads"])) for f in trace["features"])
        metrics = {name: tuple(numbers) for name, numbers in trace["metrics"].items()}
        own = Ledger(names, features, metrics, {i: tuple(line.split(" ")) for i, line in trace["clips"].items()}, files)
        real = trace["reference"].get("clips", {})
        lines = {i: tuple(facts["line"].split(" ")) for i, facts in real.items()}
        return own, Ledger(names, features, metrics, lines, {i: (f["path"], f["sha256"]) for i, f in real.items()})
    except (KeyError, TypeError, AttributeError) as error:
        raise UsageError(f"The digests in the report are not whole ({error}); run the clips again.") from error


def check(report: Report) -> None:
    """Raises ``UsageError`` where a report holds too little to be replayed, with the command that makes a new one."""
    if report.trace and "arguments" in report.provenance:
        return
    paths = [Path(facts["path"]) for facts in report.clips.values()]
    folder = str(paths[0].parent) if paths else "DIR"
    against = " --reference PATH" if any(result.reference for result in report.metrics) else ""
    raise UsageError(
        f"The report of {report.model} holds neither its run's arguments nor digests, so it was written by an avbench that kept "
        f"none and cannot be replayed; make a new one: avbench run --benchmark {report.benchmark.name} --clips '{folder}' "
        f"--metrics {','.join(result.name for result in report.metrics)}{against} --report FILE"
    )


def first_difference(then: Ledger, now: Ledger, metric: str, clip: str) -> Stage | None:
    """The first stage at which a clip went another way than recorded; None where all digests agree.

    A step that is another one now (a feature's version, parameters or checkpoint) differs at the stage ``feature``.
    """
    before, after = then.stages(metric, clip), now.stages(metric, clip)
    for old, new in zip(before, after, strict=False):
        if (old.name, old.what) != (new.name, new.what):
            return Stage("feature", f"{old.what}, which is {new.what} now", old.digest)
        if old.digest != new.digest:
            return old
    if len(before) != len(after):
        return Stage("feature", "its features are others now", "")
    return None
