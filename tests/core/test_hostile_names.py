"""Names, manifests and errors that come from elsewhere."""

from __future__ import annotations

import json
import os
import pickle
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

import avbench
from avbench.cli import main
from avbench.errors import AvbenchError, MissingCheckpoint, MissingExtra, UnknownName, UsageError
from avbench.report import Report
from avbench.store import Store


def test_a_name_that_is_no_utf8_costs_nobody_a_score(toybox_folder: Path, tmp_path: Path) -> None:
    clips = tmp_path / "clips"
    clips.mkdir()
    shutil.copy(toybox_folder / "toybox-test-0000.mp4", os.path.join(os.fsencode(clips), b"bad\xff.mp4"))
    with open(os.path.join(os.fsencode(clips), b"broken\xfe.mp4"), "wb") as stream:
        stream.write(b"no clip")
    shutil.copy(toybox_folder / "toybox-test-0001.mp4", clips / "good.mp4")
    named = Path(os.fsdecode(os.path.join(os.fsencode(tmp_path), b"folder\xff\nx")))
    clips.rename(named)
    report = avbench.run(named, metrics=["frozen"], store=None)
    assert report.model == "folder\\udcff\\nx"
    assert {score.clip for score in report["frozen"].scores} == {"good", "bad\\udcff"}
    assert [missing.kind for missing in report["frozen"].missing] == ["unreadable"]
    report.save(tmp_path / "r.json")
    assert Report.read(tmp_path / "r.json") == report
    assert main(["run", "--clips", str(named), "--metrics", "frozen", "--no-store", "--report", str(tmp_path / "again.json")]) == 3
    assert sorted(p.name for p in tmp_path.iterdir() if p.is_file()) == ["again.json", "again.parquet", "r.json", "r.parquet"]


def test_a_line_break_in_a_name_breaks_no_table(toybox_folder: Path, tmp_path: Path) -> None:
    shutil.copy(toybox_folder / "toybox-test-0000.mp4", tmp_path / "a\nb.mp4")
    shutil.copy(toybox_folder / "toybox-test-0000.mp4", tmp_path / "c.mp4")
    report = avbench.run(tmp_path, metrics=["frozen"], store=None)
    assert [score.clip for score in report["frozen"].scores] == ["a\\nb", "c"]
    assert report.notes == ("These clips are the same file, byte for byte: a\\nb, c.",)


def test_a_set_metric_or_a_total_that_breaks_is_named(toybox_folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from avbench_metrics.audio import fad_mel

    def broken(*arguments: object) -> float:
        raise np.linalg.LinAlgError("SVD did not converge")

    monkeypatch.setattr(type(fad_mel.METRIC), "score", broken)
    with pytest.raises(AvbenchError, match=r"fad_mel.* broke: LinAlgError"):
        avbench.run(toybox_folder, metrics=["fad_mel"], reference=toybox_folder, store=None)


def test_the_digits_do_not_depend_on_the_threads_allowed(toybox_folder: Path) -> None:
    call = "avbench.run(sys.argv[1], metrics=['av_offset', 'loudness', 'fad_mel'], reference=sys.argv[1], store=None)"
    code = f"import avbench, sys; r = {call}; print([s.value for m in r.metrics for s in m.scores], [m.value for m in r.metrics])"
    found = set()
    for threads in ("1", "2"):
        variables = {**os.environ, "OMP_NUM_THREADS": threads, "OPENBLAS_NUM_THREADS": threads, "MKL_NUM_THREADS": threads}
        done = subprocess.run([sys.executable, "-c", code, str(toybox_folder)], env=variables, capture_output=True, text=True)
        found.add(done.stdout)
    assert len(found) == 1 and "[" in found.pop()


def test_a_run_leaves_the_callers_settings_alone(toybox_folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import cv2

    monkeypatch.delenv("HF_HUB_OFFLINE", raising=False)
    before = cv2.getNumThreads()
    cv2.setNumThreads(2)
    avbench.run(toybox_folder, metrics=["frozen"], store=None)
    assert "HF_HUB_OFFLINE" not in os.environ and cv2.getNumThreads() == 2
    cv2.setNumThreads(before)


@pytest.mark.parametrize("field", [{"events": ["x"]}, {"events": None}, {"speech": 5}, {"path": 5}, {"image": 5}])
def test_manifest_fields_of_a_wrong_kind_are_named(toybox_folder: Path, tmp_path: Path, field: dict[str, object]) -> None:
    row = {"id": "a", "path": str(toybox_folder / "toybox-test-0000.mp4"), **field}
    (tmp_path / "m.jsonl").write_text(json.dumps(row))
    with pytest.raises(UsageError, match="line 1"):
        avbench.run(tmp_path / "m.jsonl", metrics=["frozen"], store=None)


def test_a_manifest_that_is_no_text_is_named(tmp_path: Path) -> None:
    (tmp_path / "m.jsonl").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(UsageError, match="cannot be read"):
        avbench.run(tmp_path / "m.jsonl", metrics=["frozen"], store=None)


@pytest.mark.parametrize("error", [MissingCheckpoint("a", "b"), UnknownName("metric", "a", ["ab"]), MissingExtra("a", "b")])
def test_errors_keep_their_words_between_processes(error: UsageError) -> None:
    again = pickle.loads(pickle.dumps(error))
    assert type(again) is type(error) and str(again) == str(error) and vars(again) == vars(error)


def test_a_store_that_others_own_still_answers(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    store = Store(tmp_path)
    store.put("ab12", np.arange(3))

    def refuse(path: Path) -> None:
        raise PermissionError(path)

    monkeypatch.setattr(os, "utime", refuse)
    found = store.get("ab12")
    assert isinstance(found, np.ndarray) and found.tolist() == [0, 1, 2]


def test_a_report_is_no_parquet(toybox_folder: Path, tmp_path: Path) -> None:
    assert main(["run", "--clips", str(toybox_folder), "--metrics", "frozen", "--report", str(tmp_path / "x.parquet")]) == 2


def test_a_clip_that_cannot_be_told_apart_is_counted_among_the_prompts(toybox_folder: Path, tmp_path: Path) -> None:
    clips = tmp_path / "clips"
    clips.mkdir()
    for name in ("one.mp4", "two.mp4", "two.mkv"):
        shutil.copy(toybox_folder / "toybox-test-0000.mp4", clips / name)
    report = avbench.run(clips, metrics=["frozen"], store=None)
    assert report.benchmark.prompts == report["frozen"].n.expected == 2


def test_a_reference_that_is_not_there_is_said_whatever_runs(toybox_folder: Path, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="no reference"):
        avbench.run(toybox_folder, metrics=["frozen"], reference=tmp_path / "none", store=None)
    with pytest.raises(UsageError, match="pass --reference"):
        avbench.run(toybox_folder, metrics=["fad_mel"], reference="", store=None)
