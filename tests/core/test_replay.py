"""A report's numbers come out again; where they do not, the clip and the stage are named."""

from __future__ import annotations

import dataclasses
import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest

import avbench
from avbench import catalog, media, runner
from avbench.cli import main
from avbench.clip import Clip, Prompt
from avbench.comparison import Difference
from avbench.errors import Unscorable, UsageError
from avbench.feature import Frames
from avbench.media import write_clip
from avbench.metric import Metric
from avbench.recorded import Places, find
from avbench.replay import Replay, replay
from avbench.report import Report
from avbench.runner import export_reference

METRICS = ["frozen", "loudness", "fad_mel"]
CLIP = "toybox-test-0001"


@pytest.fixture(scope="module")
def made(toybox_folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """``mine/report.json`` beside clips and reference, whose names have spaces and letters beyond ASCII, by two workers."""
    root = tmp_path_factory.mktemp("made") / "mine"
    shutil.copytree(toybox_folder, root / "Clips – ü x")
    (root / "real ß").mkdir()
    for path in sorted(toybox_folder.glob("*.mp4"))[:3]:
        shutil.copy(path, root / "real ß" / path.name)
    report = avbench.run(root / "Clips – ü x", metrics=METRICS, reference=root / "real ß", store=None, workers=2, model="mine")
    report.save(root / "report.json")
    return root


@pytest.fixture
def moved(made: Path, tmp_path: Path) -> Path:
    """The same elsewhere, so that a test may damage it."""
    return Path(shutil.copytree(made, tmp_path / "mine"))


def again(root: Path, **options: Any) -> Replay:
    """Replay of the moved report."""
    return replay(Report.read(root / "report.json"), Places(root / "Clips – ü x", None, root / "real ß"), **options)


def where(found: Replay) -> set[tuple[str, str, str]]:
    """(metric, clip, stage) of every difference."""
    return {(d.metric.partition("@")[0], d.clip, d.stage) for d in found.differences}


def metric_type(name: str) -> type[Metric]:
    return type(catalog.load("metric", name))


def feature_type(name: str) -> Any:
    return type(catalog.load("metric", name).uses[0])


def test_the_same_clips_give_the_same_digits(made: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch,
                                             capsys: pytest.CaptureFixture[str]) -> None:  # fmt: skip
    monkeypatch.chdir(tmp_path)
    assert main(["replay", str(made / "report.json"), "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert found["verdict"] == "identical"
    report = Report.read(made / "report.json")
    scores = sum(len(r.scores) for r in report.metrics)
    assert scores == 8 and found["compared"] == found["identical"] > scores + 3  # values, intervals and N are compared too


def test_relative_paths_start_where_the_run_did(made: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(made)
    avbench.run("Clips – ü x", metrics=["frozen"], store=None).save(tmp_path / "r.json")
    monkeypatch.chdir(tmp_path)
    assert replay(Report.read(tmp_path / "r.json")).verdict == "identical"


@pytest.mark.parametrize("change", ["a box", "a byte", "remuxed"])
def test_other_bytes_of_the_same_picture_and_sound_are_named(moved: Path, change: str, capsys: pytest.CaptureFixture[str]) -> None:
    path = moved / "Clips – ü x" / f"{CLIP}.mp4"
    if change == "remuxed":
        remux(path)
    else:
        with path.open("ab") as stream:
            stream.write(b"\0\0\0\x08free" if change == "a box" else b"\0")
    found = again(moved)
    ((file),) = found.files
    assert (file.clip, file.side, file.state) == (CLIP, "clips", "changed") and file.then != file.now
    assert {clip for _, clip, _ in where(found)} <= {CLIP, ""} and {stage for *_, stage in where(found)} <= {"file"}
    assert found.exit_code == (1 if found.differences else 3)
    if change == "a box":
        assert not found.differences
    code = main(["replay", str(moved / "report.json"), "--clips", str(moved / "Clips – ü x"), "--reference", str(moved / "real ß")])
    assert code == found.exit_code
    assert f"{CLIP}: differs at stage file, changed" in capsys.readouterr().out


def remux(path: Path) -> None:
    """The same packets in another file."""
    other = path.with_name("other.mp4")
    with av.open(str(path)) as source, av.open(str(other), "w") as target:
        streams = {s.index: target.add_stream_from_template(s) for s in source.streams}
        for packet in source.demux():
            if packet.dts is not None:
                packet.stream = streams[packet.stream.index]
                target.mux(packet)
    other.replace(path)


def test_a_clip_encoded_anew_is_named_with_its_numbers(moved: Path) -> None:
    path = moved / "Clips – ü x" / f"{CLIP}.mp4"
    frames, _ = Clip(path, Prompt("x")).frames(Frames())
    write_clip(path, frames, 16, np.random.default_rng(0).standard_normal(32_768).astype(np.float32) * 0.1, 16_000, crf=40)
    found = again(moved)
    assert found.exit_code == 1 and [f.clip for f in found.files] == [CLIP]
    assert ("loudness", CLIP, "file") in where(found) and {clip for _, clip, _ in where(found)} == {CLIP, ""}
    value = next(d for d in found.differences if d.metric.startswith("loudness") and not d.clip and d.number == "value")
    assert (value.stage, value.cause) == ("file", CLIP)
    distance = next(d for d in found.differences if d.metric.startswith("fad_mel"))
    assert (distance.stage, distance.cause) == ("file", CLIP)


def test_a_clip_that_is_gone_leaves_the_others_replayed(moved: Path) -> None:
    (moved / "Clips – ü x" / f"{CLIP}.mp4").unlink()
    found = again(moved)
    assert found.exit_code == 3 and [(f.clip, f.state) for f in found.files] == [(CLIP, "gone")]
    assert found.compared == found.identical and found.compared >= 6
    assert set(found.left_out) == {"frozen@default", "loudness@default", "fad_mel@default"}
    assert all(CLIP in reason for reason in found.left_out.values())


def test_a_reference_clip_that_is_gone_touches_its_distance_alone(moved: Path) -> None:
    (moved / "real ß" / f"{CLIP}.mp4").unlink()
    found = again(moved)
    assert found.exit_code == 3 and [(f.clip, f.side, f.state) for f in found.files] == [(CLIP, "reference", "gone")]
    assert set(found.left_out) == {"fad_mel@default"}


def test_a_changed_reference_clip_is_named(moved: Path) -> None:
    shutil.copy(moved / "real ß" / "toybox-test-0000.mp4", moved / "real ß" / f"{CLIP}.mp4")
    found = again(moved)
    assert [(f.clip, f.side) for f in found.files] == [(CLIP, "reference")]
    assert where(found) == {("fad_mel", "", "file")} and found.differences[0].cause == f"reference {CLIP}"


def test_all_clips_gone(moved: Path) -> None:
    shutil.rmtree(moved / "Clips – ü x")
    found = again(moved)
    assert (found.exit_code, found.compared, len(found.files), len(found.left_out)) == (3, 0, 4, 3)


def _louder(monkeypatch: pytest.MonkeyPatch) -> None:
    real = media._mixes
    monkeypatch.setattr(media, "_mixes", lambda frame: real(frame) * np.float32(0.5))


def _darker(monkeypatch: pytest.MonkeyPatch) -> None:
    real = media.Shown.picture
    monkeypatch.setattr(media.Shown, "picture", lambda self, ask: real(self, ask) // 64)


@pytest.mark.parametrize(
    ("change", "stage", "touched"), [(_louder, "audio", {"loudness", "fad_mel"}), (_darker, "frames", {"frozen"})]
)
def test_a_decoder_that_gives_something_else(
    made: Path, monkeypatch: pytest.MonkeyPatch, change: Callable[[pytest.MonkeyPatch], None], stage: str, touched: set[str]
) -> None:
    change(monkeypatch)
    found = again(made)
    assert found.exit_code == 1 and not found.files
    assert {(metric, at) for metric, _, at in where(found)} == {(metric, stage) for metric in touched}
    assert any(d.clip == CLIP and d.cause.startswith(("Waveform(", "Frames(")) for d in found.differences)


def test_a_feature_that_gives_something_else(made: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    kind = feature_type("loudness")
    real = kind.prepare
    monkeypatch.setattr(kind, "prepare", lambda self, clip: real(self, clip) + (3.0 if clip.id == CLIP else 0.0))
    found = again(made)
    assert where(found) == {("loudness", CLIP, "feature"), ("loudness", "", "feature")}
    assert kind.__name__ in found.differences[0].cause and found.differences[-1].cause == CLIP


def test_a_feature_of_another_version(made: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    kind = feature_type("loudness")
    real = kind.prepare
    monkeypatch.setattr(kind, "prepare", lambda self, clip: real(self, clip) + 3.0)
    monkeypatch.setattr(kind, "version", 99)
    found = again(made)
    declared = {d.number for d in found.differences if d.stage == "declaration"}
    assert {stage for *_, stage in where(found)} == {"feature", "declaration"} and declared == {"identity"}
    assert any("#v99" in d.cause for d in found.differences)


def test_a_metric_that_scores_otherwise(made: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(metric_type("frozen"), "score", lambda self, sample: 0.5)
    found = again(made)
    assert {(m, stage) for m, _, stage in where(found)} == {("frozen", "score")}
    assert any(d == Difference("frozen@default", d.clip, "score", "score", d.then, 0.5, "") for d in found.differences)


def test_a_clip_that_fails_now_differs_by_its_kind(made: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(self: Any, sample: Any) -> float:
        raise Unscorable("too short", "too_short")

    monkeypatch.setattr(metric_type("frozen"), "score", refuse)
    numbers = {(d.clip, d.number): d.now for d in again(made).differences}
    assert numbers[CLIP, "score"] == "too_short" and numbers["", "value"] is None and numbers["", "n.scored"] == 0.0


def _forge(report: dict[str, Any], change: str) -> None:
    """Edit what a report declares; every number stays."""
    benchmark, results = report["benchmark"], report["metrics"]
    if change in benchmark:
        other = {"prompts": 32, "title": "Other", "limit": 3, "prompts_sha256": "f" * 64, "prompts_in_benchmark": 9}
        benchmark[change] = other[change]
    elif change == "metrics":
        del results[0]
    elif change == "made_by":
        report["provenance"]["made_by"] = {"role": "model"}
    elif change.startswith("interval."):
        results[0]["interval"][change.partition(".")[2]] = 0.5 if change.endswith("level") else "guess"
    elif change in ("cluster", "weight", "group"):
        results[0]["scores"][0][change] = 0.5 if change == "weight" else "one"
    elif change == "missing":
        kept = results[0]["scores"].pop()
        results[0]["missing"] = [{"clip": kept["clip"], "kind": "not_applicable", "reason": "", "cluster": "", "group": ""}]
        results[0]["n"].update(scored=3, not_applicable=1)
    else:
        words = {"identity": "0" * 64, "reference": "0" * 64, "better": "higher", "unit": "bananas", "averaged": "x"}
        results[2 if change == "reference" else 0][change] = [0, 99] if change == "bounds" else words[change]


FORGED = ("prompts", "title", "prompts_sha256", "prompts_in_benchmark", "limit", "metrics", "made_by", "interval.level",
          "interval.method", "cluster", "weight", "group", "missing", "identity", "reference", "better", "unit", "averaged",
          "bounds")  # fmt: skip


@pytest.fixture(scope="module")
def generated(toybox_folder: Path, made: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A report on clips whose origin is noted."""
    folder = tmp_path_factory.mktemp("generated")
    settings = folder / "prompts.json"
    settings.write_text('{"count": 2}')
    clips = folder / "clips"
    assert main(["generate", "frozen_frame", "--benchmark", "toybox", "--prompts", str(settings), "--clips", str(clips)]) == 0
    avbench.run(clips, metrics=["frozen"], store=None).save(folder / "report.json")
    return folder / "report.json"


@pytest.mark.parametrize("change", FORGED)
def test_a_forged_declaration_is_no_identical_report(made: Path, generated: Path, tmp_path: Path, change: str) -> None:
    source = generated if change == "made_by" else made / "report.json"
    data = json.loads(source.read_text())
    _forge(data, change)
    (tmp_path / "r.json").write_text(json.dumps(data))
    found = replay(Report.read(tmp_path / "r.json"))
    assert found.verdict == "differs" and found.exit_code == 1
    named = {d.number for d in found.differences if d.stage == "declaration"}
    assert change in named or (change == "missing" and any(d.then == "not_applicable" for d in found.differences))


def test_a_value_that_is_worked_out_otherwise(made: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    real = runner.mean_interval
    monkeypatch.setattr(runner, "mean_interval", lambda *args, weighing: real(*args, 0.5, weighing=weighing))
    monkeypatch.setattr(metric_type("fad_mel"), "score", lambda self, generated, real: 1.0)
    found = again(made)
    assert {w for w in where(found) if w[2] == "value"} == {(m, "", "value") for m in ("frozen", "loudness", "fad_mel")}
    assert {d.number for d in found.differences} - {"interval.level"} == {"interval.low", "interval.high", "value"}


def test_rounding_is_within_the_tolerance(made: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    kind = metric_type("loudness")
    real = kind.score  # type: ignore[attr-defined]
    monkeypatch.setattr(kind, "score", lambda self, sample: real(self, sample) * (1 + 1e-9))
    found = again(made)
    assert (found.verdict, found.exit_code) == ("within tolerance", 0) and 5e-10 < found.largest < 2e-9
    assert again(made, tolerance=1e-12).exit_code == main(["replay", str(made / "report.json"), "--tolerance", "1e-12"]) == 1


def test_digests_that_drift_under_equal_numbers_are_counted(made: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    kind = feature_type("frozen")
    real = kind.prepare
    monkeypatch.setattr(kind, "prepare", lambda self, clip: np.nextafter(real(self, clip), np.inf))
    found = again(made)
    assert found.exit_code == 0 and found.drifts == {"feature": 4}


def test_other_prompts_are_a_stage(toybox_folder: Path, tmp_path: Path) -> None:
    rows = [{"id": p.stem, "path": str(p), "events": [0.5, 1.0]} for p in sorted(toybox_folder.glob("*.mp4"))[:2]]
    manifest = tmp_path / "clips.jsonl"
    manifest.write_text("\n".join(map(json.dumps, rows)))
    report = avbench.run(manifest, metrics=["event_f1", "frozen"], store=None)
    assert replay(report).verdict == "identical"
    manifest.write_text("\n".join(json.dumps({**row, "events": [0.1]}) for row in rows))
    found = replay(report)
    assert {(m, stage) for m, _, stage in where(found)} == {("event_f1", "prompt"), ("", "prompt")}
    assert found.drifts == {"prompt": 2}


def test_missing_prompts_and_limits_are_kept(toybox_folder: Path, tmp_path: Path) -> None:
    settings = tmp_path / "prompts.json"
    settings.write_text('{"count": 6}')
    report = avbench.run(toybox_folder, "toybox", metrics=["event_f1", "frozen"], prompts=settings, limit=5, store=None)
    assert report["frozen"].n.failed == 1 and replay(report).verdict == "identical"
    present = avbench.run(toybox_folder, "toybox", metrics=["frozen"], prompts=settings, only_present=True, store=None)
    assert find(present, Places()).request.pairing.limited and not find(report, Places()).request.pairing.limited
    assert replay(present).verdict == "identical"
    other = settings.rename(tmp_path / "moved.json")
    with pytest.raises(UsageError, match="--prompts FILE"):
        replay(present)
    assert replay(present, Places(prompts=other)).verdict == "identical"


def test_an_exported_reference(toybox_folder: Path, tmp_path: Path) -> None:
    file = tmp_path / "real.npz"
    export_reference(toybox_folder, file, ["fad_mel", "kad_mel"], store=None)
    report = avbench.run(toybox_folder, metrics=["fad_mel", "kad_mel"], reference=file, store=None)
    assert replay(report).verdict == "identical"
    other = tmp_path / "other"
    other.mkdir()
    for path in sorted(toybox_folder.glob("*.mp4"))[:3]:
        shutil.copy(path, other)
    export_reference(other, file, ["fad_mel", "kad_mel"], store=None)
    found = replay(report)
    assert [(f.clip, f.side, f.state) for f in found.files] == [("real.npz", "reference", "changed")]
    assert {stage for *_, stage in where(found)} == {"file"} and found.exit_code == 1
    file.unlink()
    found = replay(report)
    assert (found.exit_code, found.files[0].state, set(found.left_out)) == (3, "gone", {"fad_mel@default", "kad_mel@default"})


TOTAL = """
from dataclasses import dataclass
from avbench.metric import Card, Total

@dataclass(frozen=True)
class Sum(Total):
    card = Card("sum", "none", "1", (-1e9, 1e9), "a + b", "this test")
    parts = ("frozen@default", "loudness@default")

    def score(self, values):
        return sum(values.values())

METRIC = Sum()
"""


def test_totals_follow_their_parts(toybox_folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "a_total_of_two.py"
    path.write_text(TOTAL)
    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.setitem(catalog.entries("metric"), path.stem, catalog.Entry(path.stem, path.stem, path, "test"))
    report = avbench.run(toybox_folder, metrics=["a_total_of_two"], store=None)
    assert [r.kind for r in report.metrics] == ["clip", "clip", "total"] and replay(report).verdict == "identical"
    kind = metric_type("loudness")
    real = kind.score  # type: ignore[attr-defined]
    monkeypatch.setattr(kind, "score", lambda self, sample: real(self, sample) * 0.5)
    total = [d for d in replay(report).differences if d.metric.startswith("a_total")]
    assert [(d.number, d.stage, d.cause) for d in total] == [("value", "score", "loudness@default")]
    monkeypatch.setattr(kind, "score", real)
    monkeypatch.setattr(metric_type("a_total_of_two"), "score", lambda self, values: 0.0)
    assert where(replay(report)) == {("a_total_of_two", "", "value")}
    lacking = Places(tmp_path)
    assert set(replay(report, lacking).left_out) == {r.name for r in report.metrics}


def test_a_warm_run_keeps_the_digests_of_a_cold_one_and_decodes_nothing(toybox_folder: Path, tmp_path: Path) -> None:
    options: dict[str, Any] = {"metrics": METRICS, "reference": toybox_folder}
    cold, warm = (avbench.run(toybox_folder, store=tmp_path, **options) for _ in range(2))
    fresh = avbench.run(toybox_folder, store=None, **options)
    assert warm.provenance["decodes"] == warm.provenance["computed"] == 0
    assert cold.trace == warm.trace == fresh.trace
    line = warm.trace["clips"][CLIP].split(" ")
    assert len(line) == 1 + len(warm.trace["reads"]) + len(warm.trace["features"]) and all(len(word) == 16 for word in line)


def test_an_older_report_says_how_to_make_a_new_one(made: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    data = json.loads((made / "report.json").read_text())
    del data["trace"], data["provenance"]["arguments"]
    (tmp_path / "old.json").write_text(json.dumps(data))
    assert main(["replay", str(tmp_path / "old.json")]) == 2
    assert "cannot be replayed; make a new one: avbench run --benchmark folder --clips" in capsys.readouterr().err


def test_what_cannot_run_here_is_left_out(made: Path) -> None:
    report = Report.read(made / "report.json")
    foreign = dataclasses.replace(report["frozen"], metric="of_another_package")
    trace = {**report.trace, "metrics": {**report.trace["metrics"], "of_another_package@default": []}}
    found = replay(dataclasses.replace(report, metrics=(foreign, *report.metrics), trace=trace))
    assert found.exit_code == 3 and list(found.left_out) == ["of_another_package@default"]


def test_other_versions_are_possible_causes(made: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    data = json.loads((made / "report.json").read_text())
    data["provenance"]["versions"]["numpy"] = "1.0"
    (tmp_path / "r.json").write_text(json.dumps(data))
    assert main(["replay", str(tmp_path / "r.json"), "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert found["verdict"] == "identical" and found["versions"]["numpy"][0] == "1.0" and list(found["versions"]) == ["numpy"]


def test_a_broken_trace_is_said(made: Path) -> None:
    report = Report.read(made / "report.json")
    with pytest.raises(UsageError, match="not whole"):
        replay(dataclasses.replace(report, trace={"reads": []}))
