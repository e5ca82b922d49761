"""Worker processes that die, cannot start, or are interrupted."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from avbench.clip import Clip, Prompt
from avbench.extract import Counts
from avbench.judge import Outcome, Plan, judge_all
from avbench.metric import ClipMetric
from avbench.store import Store

FRAGILE = """
import os, signal
from dataclasses import dataclass
from multiprocessing import parent_process
from pathlib import Path

import numpy as np

from avbench.feature import Feature, Waveform
from avbench.metric import Card, ClipMetric


@dataclass(frozen=True)
class Fragile(Feature):
    marks: str
    times: int

    @property
    def reads(self):
        return (Waveform(8000),)

    def prepare(self, clip):
        mark = Path(self.marks, clip.id)
        deaths = len(mark.read_text()) if mark.exists() else 0
        if clip.id == "clip0" and parent_process() is not None and deaths < self.times:
            mark.write_text("x" * (deaths + 1))
            os.kill(os.getpid(), signal.SIGKILL)
        return np.asarray([len(clip.waveform(Waveform(8000))[0])])


@dataclass(frozen=True)
class Samples(ClipMetric):
    card = Card(title="Samples", better="none", unit="1", range=(0, 1e9), formula="n", source="-", protocol="-")
    feature: Feature

    @property
    def uses(self):
        return (self.feature,)

    def score(self, sample):
        return float(sample[self.feature][0])
"""


@pytest.fixture
def clips(toybox_folder: Path, tmp_path: Path) -> list[Clip]:
    """Six clips, the first of which is given to a worker."""
    (folder := tmp_path / "clips").mkdir()
    _copies(toybox_folder, folder, 2)
    return [Clip(path, Prompt(f"clip{index}")) for index, path in enumerate(sorted(folder.iterdir())[:6])]


def _copies(source: Path, folder: Path, count: int) -> None:
    """Each clip ``count`` times; an empty box tells their bytes apart, so that none is another's cache hit."""
    for index in range(count):
        for clip in source.glob("*.mp4"):
            copy = folder / f"{clip.stem}-{index}.mp4"
            copy.write_bytes(clip.read_bytes() + b"\0\0\0\x0cfree" + index.to_bytes(4, "big"))


def _judged(clips: list[Clip], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, times: int) -> tuple[list[Outcome], Counts]:
    (tmp_path / "fragile.py").write_text(FRAGILE)
    (tmp_path / "marks").mkdir()
    monkeypatch.syspath_prepend(tmp_path)
    import fragile  # type: ignore[import-not-found]

    metric: ClipMetric = fragile.Samples(fragile.Fragile(str(tmp_path / "marks"), times))
    counts = Counts()
    monkeypatch.setitem(sys.modules, "fragile", fragile)
    return list(judge_all(clips, Plan({"samples": metric}, tmp_path / "store"), 2, counts)), counts


def test_the_clips_of_a_dead_worker_are_judged_again(clips: list[Clip], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    outcomes, counts = _judged(clips, tmp_path, monkeypatch, times=2)
    assert [outcome.clip for outcome in outcomes] == [clip.id for clip in clips]
    assert all(outcome.scores["samples"].value for outcome in outcomes)
    assert counts.computed + counts.found >= 6 and (tmp_path / "marks" / "clip0").read_text() == "xx"


def test_a_clip_that_ends_every_worker_is_typed_and_not_stored(
    clips: list[Clip], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    outcomes, _ = _judged(clips, tmp_path, monkeypatch, times=99)
    assert [outcome.scores["samples"].kind for outcome in outcomes] == ["crashed"] + ["scored"] * 5
    assert "two worker processes" in outcomes[0].scores["samples"].reason
    assert set(outcomes[0].trace.features.values()) == {"!crashed"} == set(outcomes[0].trace.inputs.values())
    assert len((tmp_path / "marks" / "clip0").read_text()) == 3
    assert Store(tmp_path / "store").size()[0] == 5


def _environment() -> dict[str, str]:
    return {**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))}


def test_a_script_without_a_main_guard_is_told_of_it(toybox_folder: Path, tmp_path: Path) -> None:
    script = tmp_path / "script.py"
    script.write_text(f"import avbench\navbench.run({str(toybox_folder)!r}, metrics=['loudness'], store=None, workers=2)\n")
    done = subprocess.run([sys.executable, str(script)], env=_environment(), capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert "if __name__ == '__main__':" in done.stderr.splitlines()[-1] and "workers=1" in done.stderr.splitlines()[-1]


@pytest.mark.parametrize("entries", [1, 60], ids=["workers start", "workers work"])
def test_an_interrupted_run_says_so_in_one_line(toybox_folder: Path, tmp_path: Path, entries: int) -> None:
    folder, store = tmp_path / "clips", tmp_path / "store"
    folder.mkdir()
    _copies(toybox_folder, folder, 30)
    command = [sys.executable, "-m", "avbench.cli", "run", "--clips", str(folder), "--store", str(store), "--workers", "2"]
    process: Any = subprocess.Popen(
        command, env=_environment(), stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True, start_new_session=True
    )
    deadline = time.monotonic() + 60
    while len(list(store.glob("??/*"))) < entries and time.monotonic() < deadline and process.poll() is None:
        time.sleep(0.02)
    os.killpg(process.pid, signal.SIGINT)  # what a terminal does: to the run and to its workers
    errors = process.communicate(timeout=60)[1]
    assert process.returncode not in (0, None)
    assert "Traceback" not in errors, errors
