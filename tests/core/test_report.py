"""What a report holds and shows: its files, its limits, its gaps, and what is refused as none."""

from __future__ import annotations

import doctest
import importlib
import json
import pkgutil
import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

import avbench
from avbench.benchmark import prompt_digest
from avbench.clip import Prompt
from avbench.errors import UsageError
from avbench.leaderboard.entry import refusals
from avbench.leaderboard.formats import render
from avbench.leaderboard.rank import rank
from avbench.report import Report, Weights


@pytest.fixture(scope="module")
def report(toybox_folder: Path) -> Report:
    """Four clips under a clip metric, and a set metric that lacks its reference."""
    found = avbench.run(toybox_folder, "toybox", metrics=["frozen"], limit=4, model="mine", store=None)
    return replace(found, unavailable={"fad_mel@default": "it compares with a reference set; pass --reference."})


def test_reports_of_versions_do_not_share_a_parquet(report: Report, tmp_path: Path) -> None:
    for name in ("m", "m.v2", "m.v3", "n.json"):
        report.save(tmp_path / name)
    names = {p.name for p in tmp_path.iterdir()}
    assert names == {"m", "m.parquet", "m.v2", "m.v2.parquet", "m.v3", "m.v3.parquet", "n.json", "n.parquet"}
    with pytest.raises(UsageError, match=r"x\.json"):
        report.save(tmp_path / "x.parquet")
    assert not (tmp_path / "x.parquet").exists()


def test_a_limit_is_said_and_refused(toybox_folder: Path, report: Report) -> None:
    assert (report.benchmark.prompts, report.benchmark.prompts_in_benchmark, report.benchmark.limit) == (4, 32, 4)
    text = render(rank([report]), "text")
    assert "Toybox (4 of 32 prompts)" in text and "Limited to the first 4 of 32 prompts (--limit)" in text
    reasons = refusals(report, "toybox", prompts={report.benchmark.prompts_sha256})
    assert any("the first 4 of 32" in reason for reason in reasons)
    both = avbench.run(toybox_folder, "toybox", metrics=["frozen"], limit=6, only_present=True, store=None)
    assert "Limited to the 4 of the first 6 of 32 prompts (--limit) whose clips exist" in render(rank([both]), "text")
    whole = avbench.run(toybox_folder, "toybox", metrics=["frozen"], limit=99, store=None)
    assert whole.benchmark.limit is None and not whole.benchmark.part


def test_a_limit_holds_for_a_folder(toybox_folder: Path) -> None:
    found = avbench.run(toybox_folder, metrics=["frozen"], limit=2, store=None)
    assert found["frozen"].n.expected == found.benchmark.prompts == 2 and found.benchmark.part.startswith("the first 2 of 4")


def test_a_notebook_and_a_summary_hide_nothing(report: Report) -> None:
    table = report._repr_html_()
    frame = report.to_pandas("summary").set_index("metric")
    assert "fad_mel@default: not run." in table and "--reference" in frame.loc["fad_mel", "reason"]
    assert "limited to the first 4 of 32" in table and frame.attrs["limited_to"].startswith("the first 4")
    assert frame["scored"].dtype == "Int64" and not frame["stand_in"].any()
    empty = replace(report["frozen"], weights=(Weights("net", "stand-in", "stand-in"),), value=None, reason="No clip <3")
    stand_in = replace(report, metrics=(empty,), notes=("They mean nothing.",))
    table, frame = stand_in._repr_html_(), stand_in.to_pandas("summary").set_index("metric")
    assert "stand-in, not the official checkpoint" in table and "They mean nothing." in table and "No clip &lt;3" in table
    assert frame.loc["frozen", "stand_in"] and frame.loc["frozen", "reason"] == "No clip <3"
    assert frame.attrs["notes"] == ["They mean nothing."]


def test_a_clip_without_score_keeps_its_cluster(toybox_folder: Path, tmp_path: Path) -> None:
    rows = [{"id": f"{c}-{k}", "path": f"{c}{k}.mp4", "cluster": c} for c in "ab" for k in range(2)]
    (tmp_path / "manifest.jsonl").write_text("\n".join(map(json.dumps, rows)))
    for i, name in enumerate(("a0.mp4", "b0.mp4")):
        shutil.copy(toybox_folder / f"toybox-test-000{i}.mp4", tmp_path / name)
    (tmp_path / "b1.mp4").write_bytes(b"no clip")
    report = avbench.run(tmp_path, metrics=["frozen", "fad_mel"], reference=toybox_folder, store=None)
    for result in report.metrics:
        assert {gap.clip: gap.cluster for gap in result.missing} == {"a-1": "a", "b-1": "b"}, result.name
    clips = report.to_pandas().set_index("clip")
    assert set(clips.loc["a-1", "cluster"]) == {"a"}
    whole = [Prompt(str(row["id"]), cluster=str(row["cluster"])) for row in rows]
    assert report.benchmark.prompts_sha256 == prompt_digest(whole), "an absent clip is still asked for in full"


CHANGES: dict[str, Callable[[dict[str, Any]], Any]] = {
    r"metrics\[0\]\.value must be float": lambda d: d["metrics"][0].update(value="0.5"),
    r"metrics\[0\]\.better must be": lambda d: d["metrics"][0].update(better="up"),
    r"metrics\[0\]\.n\.scored must be int": lambda d: d["metrics"][0]["n"].update(scored="4"),
    r"metrics\[0\]\.scores\[0\]\.value": lambda d: d["metrics"][0]["scores"][0].update(value=None),
    r"metrics\[0\]\.interval\.low": lambda d: d["metrics"][0]["interval"].update(low=[]),
    r"metrics\[0\]\.bounds": lambda d: d["metrics"][0].update(bounds=[0, 1, 2]),
    r"metrics\[0\]\.unit is absent": lambda d: d["metrics"][0].pop("unit"),
    r"benchmark\.prompts": lambda d: d["benchmark"].update(prompts=True),
    "model must be str": lambda d: d.update(model=5),
    "surprise is unknown": lambda d: d.update(surprise=1),
    r"metrics must be": lambda d: d.update(metrics={}),
}


@pytest.mark.parametrize("words", CHANGES)
def test_an_edited_report_is_refused_by_field(report: Report, tmp_path: Path, words: str) -> None:
    data = json.loads(json.dumps(report.to_dict()))
    data["metrics"].sort(key=lambda row: row["metric"] != "frozen")
    CHANGES[words](data)
    (tmp_path / "r.json").write_text(json.dumps(data))
    with pytest.raises(UsageError, match=rf"r\.json is not a whole report \(.*{words}"):
        Report.read(tmp_path / "r.json")


def test_a_report_of_an_unknown_maker_is_a_model(report: Report) -> None:
    assert replace(report, provenance={"made_by": "me"}).role == "model"


MODULES = sorted(m.name for m in pkgutil.walk_packages(avbench.__path__, "avbench.") if m.name != "avbench.pytest_plugin")


def test_examples_in_docstrings(toybox_folder: Path, tmp_path: Path) -> None:
    folders = {"toybox_folder": toybox_folder, "tmp_path": tmp_path}
    ran = {}
    for name in MODULES:
        for test in doctest.DocTestFinder().find(importlib.import_module(name), name):
            test.globs["getfixture"] = folders.__getitem__
            for path in tmp_path.iterdir():
                path.unlink()
            assert doctest.DocTestRunner().run(test).failed == 0, test.name
            ran[test.name] = len(test.examples)
    with_examples = {name.removeprefix("avbench.") for name, count in ran.items() if count}
    assert with_examples >= {"testing", "runner.run", "report.Report.read", "report.Report.save", "report.Report.to_pandas",
                             "leaderboard.rank.rank", "leaderboard.compare.compare_reports"}  # fmt: skip
