"""One broken plugin is named and hides no other."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import avbench
from avbench import catalog, doctor
from avbench.cli import main
from avbench.clip import Clip, Prompt
from avbench.errors import AvbenchError, UsageError
from avbench.extract import Extractor
from avbench.feature import Array, Feature, Frames, Read

BROKEN = {
    "no_python": "def (\n",
    "no_name": '"""Refers to nothing."""\nMETRIC = undefined\n',
    "no_default": '"""Has protocols alone."""\nPROTOCOLS = {"official": 1}\n',
    "no_card": '"""Has no card."""\nfrom avbench.metric import ClipMetric\n'
    "class M(ClipMetric):\n    def score(self, sample):\n        return 0.0\n\n\nMETRIC = M()\n",
}


@pytest.fixture
def broken(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """A distribution of broken metrics beside the bundled ones."""
    package = tmp_path / "broken_metrics"
    package.mkdir()
    (package / "__init__.py").write_text("")
    for name, code in BROKEN.items():
        (package / f"{name}.py").write_text(code)
    (info := tmp_path / "broken-1.dist-info").mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: broken\nVersion: 1\n")
    (info / "entry_points.txt").write_text("[avbench.metrics]\nbroken = broken_metrics\n")
    monkeypatch.syspath_prepend(str(tmp_path))
    catalog.entries.cache_clear()
    yield
    monkeypatch.undo()
    catalog.entries.cache_clear()


def test_broken_plugins_are_listed_with_the_reason(broken: None, toybox_folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["list", "metrics"]) == 0
    text = capsys.readouterr().out
    assert "broken: SyntaxError" in text and "av_offset" in text
    assert main(["list", "metrics", "--json"]) == 0
    listed = {row["name"]: row for row in json.loads(capsys.readouterr().out)["metrics"]}
    assert listed["loudness"]["protocols"] and all(listed[name]["broken"] and not listed[name]["protocols"] for name in BROKEN)
    facts = doctor.machine()["metrics"]
    assert "NameError" in facts["no_name"] and "without a card" in facts["no_card"] and facts["loudness"] == ""
    for name in BROKEN:
        with pytest.raises(UsageError, match=name):
            avbench.run(toybox_folder, metrics=[name], store=None)
    assert avbench.run(toybox_folder, metrics=["frozen"], store=None).complete


@dataclass(frozen=True)
class Breaking(Feature):
    """Breaks where it is told to."""

    at: str

    @property
    def reads(self) -> tuple[Read, ...]:
        return (Frames(),)

    def prepare(self, clip: Clip) -> Array:
        return np.zeros(1)

    def load(self, device: str) -> Any:
        if self.at == "load":
            raise ValueError("network broke")
        return {"batch": lambda batch: 1 / 0, "count": lambda batch: []}[self.at]


@pytest.mark.parametrize(
    ("at", "words"), [("load", "ValueError: network broke"), ("batch", "ZeroDivisionError"), ("count", "ValueError")]
)
def test_a_network_that_breaks_is_named(toybox_folder: Path, at: str, words: str) -> None:
    clips = [Clip(path, Prompt("a")) for path in sorted(toybox_folder.glob("*.mp4"))[:1]]
    with pytest.raises(AvbenchError, match=rf"Breaking\(at='{at}'\) broke on a batch of clips: {words}.*defect of the feature"):
        Extractor([Breaking(at)], None)(clips)
