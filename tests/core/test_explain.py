"""How a number came about, in words and as JSON."""

from __future__ import annotations

import dataclasses
import json
import shutil
from pathlib import Path

import pytest

import avbench
from avbench.cli import main
from avbench.clip import file_digest
from avbench.errors import UnknownName, UsageError
from avbench.explain import explain
from avbench.explain_clip import explain_clip
from avbench.report import Report, Weights

METRICS = ["av_offset", "loudness", "event_f1", "fad_mel", "av_align@official", "av_align@fixed"]
CLIP = "toybox-test-0001"


@pytest.fixture(scope="module")
def made(toybox_folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A report beside its clips; five prompts were asked, four are answered."""
    root = tmp_path_factory.mktemp("made")
    shutil.copytree(toybox_folder, root / "clips")
    (root / "prompts.json").write_text('{"count": 5}')
    report = avbench.run(root / "clips", "toybox", prompts=root / "prompts.json", metrics=METRICS, reference=toybox_folder,
                         store=None, model="mine")  # fmt: skip
    report.save(root / "report.json")
    return root


@pytest.fixture(scope="module")
def report(made: Path) -> Report:
    return Report.read(made / "report.json")


def test_a_mean_is_shown_with_all_that_went_in(report: Report) -> None:
    facts = explain(report, "av_offset")
    result = report["av_offset"]
    assert facts["value"] == facts["aggregation"]["mean_of_recorded_scores"] == result.value
    assert "size of the scores" in facts["aggregation"]["how"]
    assert facts["clips"]["expected"] == 5 and facts["clips"]["failed"] == 1
    assert ["toybox-test-0004"] in [row["clips"] for row in facts["clips"]["without"]]
    words = ["picture: every frame, at most 144 rows, luma", "sound: 16000 Hz, mean of all channels"]
    assert [row["words"] for row in facts["decoded"]] == words
    assert [(f["name"].partition("(")[0], f["version"]) for f in facts["features"]] == [("VisualChange", "3"), ("SoundChange", "1")]
    assert facts["identity_now"] == facts["identity"] == result.identity
    assert "Pearson" in facts["card"]["formula"] and facts["card"]["source"]
    assert result.interval is not None and facts["interval"] == dataclasses.asdict(result.interval)


def test_a_distance_names_its_reference(report: Report) -> None:
    facts = explain(report, "fad_mel@default")
    assert facts["reference"]["digest"] == report["fad_mel"].reference and facts["reference"]["clips"] == 4
    assert facts["aggregation"]["how"] == "one score of the set of 4 clips against 4 reference clips"
    assert facts["identity_now"] == facts["identity"] and facts["interval"] is None


def test_checkpoints_and_parts_are_named(report: Report) -> None:
    tiny = dataclasses.replace(report["loudness"], weights=(Weights("synchformer", "stand-in", "stand-in"),))
    (found,) = explain(dataclasses.replace(report, metrics=(tiny,)), "loudness")["checkpoints"]
    assert found["status"] == "stand-in" and found["source"] and found["licence"]
    total = dataclasses.replace(tiny, metric="vbench_quality", protocol="official", kind="total")
    part = dataclasses.replace(tiny, metric="motion_smoothness", protocol="vbench", value=0.25)
    facts = explain(dataclasses.replace(report, metrics=(part, total), trace={}), "vbench_quality")
    assert facts["aggregation"]["parts"]["motion_smoothness@vbench"] == 0.25
    assert list(facts["aggregation"]["parts"].values()).count(None) == len(facts["aggregation"]["parts"]) - 1
    with pytest.raises(UsageError, match="one of its parts"):
        explain_clip(dataclasses.replace(report, metrics=(total,)), "vbench_quality", CLIP)


def test_names_that_are_not_there(report: Report) -> None:
    with pytest.raises(UnknownName, match="did you mean loudness"):
        explain(report, "loudnes")
    with pytest.raises(UnknownName, match=CLIP):
        explain_clip(report, "loudness", "toybox-test-01")
    with pytest.raises(UsageError, match="av_align@official, av_align@fixed"):
        explain(report, "av_align")
    assert explain(report, "av_align@official")["metric"] == "av_align@official"
    with pytest.raises(UsageError, match="did not run: no network"):
        explain(dataclasses.replace(report, unavailable={"desync@fixed": "no network"}), "desync")


def test_a_clip_is_followed_from_file_to_score(made: Path, report: Report) -> None:
    facts = explain_clip(report, "event_f1", CLIP)
    path = made / "clips" / f"{CLIP}.mp4"
    assert facts["file"] == {"path": str(path), "sha256": file_digest(path), "sha256_now": file_digest(path), "state": "the same"}
    score = next(s for s in report["event_f1"].scores if s.clip == CLIP)
    assert facts["outcome"] == {"kind": "scored", "value": score.value, "cluster": score.cluster, "details": dict(score.details)}
    assert facts["prompt"]["events"] and all(row["digest"] == row["digest_now"] for row in facts["decoded"] + facts["features"])
    picture, sound = facts["decoded"]
    assert (picture["frames"], picture["rows"], picture["columns"], picture["frames_per_second"]) == (32, 64, 64, 16.0)
    assert sound["rate"] == 16_000 and sound["seconds"] == pytest.approx(2.0, abs=0.1)
    assert all(row["shape"] for row in facts["features"])


def test_a_clip_without_a_score_gives_its_reason(report: Report) -> None:
    speaker = next(m for m in report["event_f1"].missing if m.kind == "not_applicable")
    assert explain_clip(report, "event_f1", speaker.clip)["outcome"] == {"kind": "not_applicable", "reason": speaker.reason}
    absent = explain_clip(report, "loudness", "toybox-test-0004")
    assert absent["file"] is None and absent["outcome"]["kind"] == "missing"
    assert explain_clip(report, "fad_mel", CLIP)["outcome"]["kind"] == "in the set"


def test_a_changed_and_a_moved_file(made: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder = Path(shutil.copytree(made / "clips", tmp_path / "anderswo ü"))
    shutil.copy(folder / "toybox-test-0000.mp4", folder / f"{CLIP}.mp4")
    words = ["explain", str(made / "report.json"), "loudness", CLIP, "--clips", str(folder)]
    assert main([*words, "--json"]) == 0
    facts = json.loads(capsys.readouterr().out)
    assert facts["file"]["state"] == "changed" and facts["decoded"][0]["digest"] != facts["decoded"][0]["digest_now"]
    assert main(words) == 0
    out = capsys.readouterr().out
    assert "now: changed" in out and " now" in out.split("3. decoded:")[1]
    (folder / f"{CLIP}.mp4").unlink()
    assert main([*words, "--json"]) == 0
    facts = json.loads(capsys.readouterr().out)
    assert facts["file"]["state"] == "gone" and "cannot be" in facts["decoded"][0]["failure"]


def test_the_page_has_every_step(made: Path, report: Report, capsys: pytest.CaptureFixture[str]) -> None:
    for name in METRICS:
        assert main(["explain", str(made / "report.json"), name]) == 0
        out = capsys.readouterr().out
        steps = ("1. question", "2. clips", "3. decoded", "4. features", "5. score", "6. value", "7. interval", "8. comparable")
        assert [out.index(step) for step in steps] == sorted(out.index(step) for step in steps)
        assert "the same here" in out
    assert main(["explain", str(made / "report.json"), "nothing"]) == 2


def test_an_older_report_is_explained_as_far_as_it_goes(report: Report) -> None:
    old = dataclasses.replace(report, trace={}, provenance={k: v for k, v in report.provenance.items() if k != "arguments"})
    facts = explain(old, "av_offset")
    assert not facts["has_digests"] and len(facts["features"]) == 2 and len(facts["decoded"]) == 2
    assert "older version" in explain_clip(old, "av_offset", CLIP)["now"]


def test_a_metric_that_is_not_installed_here(report: Report) -> None:
    foreign = dataclasses.replace(report["loudness"], metric="of_another_package")
    trace = {**report.trace, "metrics": {**report.trace["metrics"], "of_another_package@default": [0]}}
    facts = explain(dataclasses.replace(report, metrics=(foreign,), trace=trace), "of_another_package")
    assert facts["card"] == {} and "of_another_package" in facts["card_lacks"] and facts["identity_now"] == ""
    assert len(facts["features"]) == 1
