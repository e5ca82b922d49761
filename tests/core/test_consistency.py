"""A report that contradicts itself is not read, and the field is named."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import avbench
from avbench.cli import main
from avbench.errors import UsageError
from avbench.report import Report


@pytest.fixture(scope="module")
def saved(toybox_folder: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """A report of four clips under a bounded and an unbounded metric, as JSON."""
    path = tmp_path_factory.mktemp("saved") / "r.json"
    avbench.run(toybox_folder, metrics=["frozen", "loudness", "sharpness"], model="mine", store=None).save(path)
    data: dict[str, Any] = json.loads(path.read_text())
    return data


def _huge(result: dict[str, Any]) -> None:
    for score in result["scores"][:2]:
        score["value"] = 1e308
    result["bounds"] = None


CASES: dict[str, tuple[Callable[[dict[str, Any]], object], str]] = {
    "scores deleted": (lambda r: r["scores"].pop(), r"scores has 3 clips, n.scored is 4"),
    "n does not add up": (lambda r: r["n"].update(expected=5), r"n.expected is 5"),
    "negative": (lambda r: r["n"].update(scored=5, failed=-1), r"n.expected"),
    "missing without a count": (
        lambda r: r["missing"].append({"clip": "x", "kind": "missing", "reason": "", "cluster": "", "group": ""}), "missing lists 1"
    ),
    "a clip twice": (lambda r: (r["scores"].append(r["scores"][0]), r["n"].update(scored=5, expected=5)), "holds? the clip|twice"),
    "outside its bounds": (lambda r: r["scores"][0].update(value=1.5), r"outside the bounds 0(.0)? ... 1"),
    "too large": (_huge, "too large to be added up"),
    "a negative weight": (lambda r: r["scores"][0].update(weight=-1.0), "has the weight -1"),
    "no value": (lambda r: r.update(value=None), "value is None with 4 scores"),
}  # fmt: skip


@pytest.mark.parametrize("case", CASES)
def test_contradictions_are_named(saved: dict[str, Any], tmp_path: Path, case: str, capsys: pytest.CaptureFixture[str]) -> None:
    data = json.loads(json.dumps(saved))
    change, words = CASES[case]
    change(data["metrics"][0])
    path = tmp_path / "r.json"
    path.write_text(json.dumps(data))
    with pytest.raises(UsageError, match=r"metrics\[0\] \(frozen@default\).*" + words.replace("holds? the clip|", "")):
        Report.read(path)
    assert main(["rank", str(path)]) == 2 and "frozen@default" in capsys.readouterr().err


def test_a_metric_twice(saved: dict[str, Any], tmp_path: Path) -> None:
    path = tmp_path / "r.json"
    path.write_text(json.dumps({**saved, "metrics": [*saved["metrics"], saved["metrics"][0]]}))
    with pytest.raises(UsageError, match="metrics holds frozen@default twice"):
        Report.read(path)
