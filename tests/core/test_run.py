"""The main job end to end on mp4 files."""

from __future__ import annotations

import dataclasses
import json
import math
import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import avbench
from avbench.errors import UnknownName, UsageError
from avbench.feature import Array
from avbench.leaderboard.formats import render
from avbench.leaderboard.rank import rank
from avbench.media import write_clip
from avbench.report import Report

METRICS = ["av_offset", "av_align", "loudness", "silence", "clipping", "temporal_flickering", "frozen", "motion", "sharpness"]


def scores(report: Report, names: set[str] | None = None) -> dict[tuple[str, str], float]:
    """(metric, clip) -> score."""
    return {(r.name, s.clip): s.value for r in report.metrics for s in r.scores if names is None or s.clip in names}


@pytest.fixture
def opened(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Paths that the decoder opened."""
    import av

    seen: list[str] = []
    real = av.open

    def spy(file: str, *args: Any, **options: Any) -> Any:
        seen.append(Path(file).name)
        return real(file, *args, **options)

    monkeypatch.setattr(av, "open", spy)
    return seen


def test_each_clip_is_opened_once_and_a_warm_run_opens_none(toybox_folder: Path, tmp_path: Path, opened: list[str]) -> None:
    cold = avbench.run(toybox_folder, metrics=METRICS, store=tmp_path)
    assert sorted(opened) == sorted(p.name for p in toybox_folder.glob("*.mp4"))
    assert cold.provenance["opens"] == cold.provenance["decodes"] == 4
    opened.clear()
    warm = avbench.run(toybox_folder, metrics=METRICS, store=tmp_path)
    assert opened == [] and warm.provenance["decodes"] == 0
    assert warm.metrics == cold.metrics


def test_renaming_hits_and_changing_bytes_misses(toybox_folder: Path, tmp_path: Path, opened: list[str]) -> None:
    folder, store = tmp_path / "clips", tmp_path / "store"
    shutil.copytree(toybox_folder, folder)
    first = avbench.run(folder, metrics=["frozen"], store=store)
    (folder / "toybox-test-0001.mp4").rename(folder / "umbenannt – ü.mp4")
    (folder / "toybox-test-0002.mp4").open("ab").write(b"\0\0\0\x08free")  # an empty box: other bytes, same clip
    opened.clear()
    second = avbench.run(folder, metrics=["frozen"], store=store)
    assert opened == ["toybox-test-0002.mp4"]
    assert sorted(scores(first).values()) == sorted(scores(second).values())


def test_two_workers_give_the_same_digits(toybox_folder: Path) -> None:
    one = avbench.run(toybox_folder, metrics=METRICS, store=None)
    two = avbench.run(toybox_folder, metrics=METRICS, store=None, workers=2)
    assert one.metrics == two.metrics
    assert two.provenance["decodes"] == 4


def test_a_killed_run_goes_on(toybox_folder: Path, tmp_path: Path) -> None:
    folder = tmp_path / "clips"
    folder.mkdir()
    for k in range(6):
        for clip in toybox_folder.glob("*.mp4"):
            target = folder / f"{clip.stem}-{k}.mp4"
            shutil.copy(clip, target)
            target.open("ab").write(b"\0\0\0\x0cfree" + bytes([k]) * 4)  # so that no clip is another's cache hit
    store = tmp_path / "store"
    command = [sys.executable, "-m", "avbench.cli", "run", "--clips", str(folder), "--store", str(store), "--metrics"]
    process = subprocess.Popen([*command, ",".join(METRICS)], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    deadline = time.monotonic() + 60
    while len(list(store.glob("??/*"))) < 10 and time.monotonic() < deadline and process.poll() is None:
        time.sleep(0.01)
    process.send_signal(signal.SIGKILL)
    process.wait()
    resumed = avbench.run(folder, metrics=METRICS, store=store)
    assert resumed.complete
    assert resumed.provenance["found"] >= 8
    assert scores(resumed) == scores(avbench.run(folder, metrics=METRICS, store=None))


def test_missing_clips_are_named_and_never_help(toybox_folder: Path, tmp_path: Path) -> None:
    report = avbench.run(toybox_folder, "toybox", metrics=["frozen", "event_f1"], limit=6, model="m", store=None)
    frozen = report["frozen"]
    assert dataclasses.astuple(frozen.n) == (6, 4, 2, 0)
    assert [(m.clip, m.kind) for m in frozen.missing] == [("toybox-test-0004", "missing"), ("toybox-test-0005", "missing")]
    assert report["event_f1"].n.not_applicable == 1, "the speaker has no events"
    assert not report.complete
    table = rank([report])
    assert all(cell.ranks is None for _, cells in table.rows for cell in cells)
    assert "2 of 6 clips missing or failed" in render(table, "text")


def test_absent_clips_bound_what_the_value_could_be(toybox_folder: Path, tmp_path: Path) -> None:
    whole = avbench.run(toybox_folder, metrics=["frozen", "motion"], store=None)
    shutil.copytree(toybox_folder, tmp_path / "less")
    broken = sorted((tmp_path / "less").glob("*.mp4"))[0]
    broken.write_bytes(b"")
    less = avbench.run(tmp_path / "less", metrics=["frozen", "motion"], store=None)
    low, high = less["frozen"].possible or (math.nan, math.nan)
    kept = [score.value for score in less["frozen"].scores]
    assert (low, high) == (sum(kept) / 4, (sum(kept) + 1) / 4)  # frozen lies between 0 and 1
    assert whole["frozen"].value is not None and low <= whole["frozen"].value <= high
    assert whole["frozen"].possible is None and less["motion"].possible is None  # nothing absent; no bound


def test_only_present_says_so(toybox_folder: Path) -> None:
    report = avbench.run(toybox_folder, "toybox", metrics=["frozen"], only_present=True, store=None)
    assert report.complete and report["frozen"].n.expected == 4
    assert "Limited to the 4 of 32 prompts" in render(rank([report]), "markdown")


def test_report_round_trip(toybox_folder: Path, tmp_path: Path) -> None:
    import pandas

    report = avbench.run(toybox_folder, "toybox", metrics="available", limit=4, store=None)
    path = tmp_path / "r.json"
    report.save(path)
    assert Report.read(path).metrics == report.metrics
    assert json.loads(json.dumps(Report.read(path).to_dict())) == json.loads(path.read_text())
    frame = pandas.read_parquet(path.with_suffix(".parquet"))
    assert len(frame) == len(report.to_pandas()) == sum(r.n.expected for r in report.metrics if r.kind == "clip")
    assert "fad_mel@default" in report.unavailable and "--reference" in report.unavailable["fad_mel@default"]
    assert "<table>" in report._repr_html_()
    data = json.loads(path.read_text())
    assert data["schema"] == 1 and {"versions", "decoder", "opens", "device", "wall_seconds"} <= set(data["provenance"])


def test_set_metric_against_a_reference(toybox_folder: Path) -> None:
    report = avbench.run(toybox_folder, metrics=["fad_mel", "kad_mel"], reference=toybox_folder, store=None)
    assert report["fad_mel"].value == pytest.approx(0, abs=1e-6)
    assert any("reference set" in note for note in report.notes)
    with pytest.raises(UsageError, match="--reference"):
        avbench.run(toybox_folder, metrics=["fad_mel"], store=None)


def test_wrong_names_propose_the_nearest(toybox_folder: Path) -> None:
    with pytest.raises(UnknownName, match="loudness"):
        avbench.run(toybox_folder, metrics=["loudnes"], store=None)
    with pytest.raises(UnknownName, match="verse_bench"):
        avbench.run(toybox_folder, "versebench", store=None)
    with pytest.raises(UnknownName, match="official"):
        avbench.run(toybox_folder, metrics=["av_align@oficial"], store=None)


def test_a_signed_offset_is_not_averaged_into_zero(tmp_path: Path) -> None:
    from avbench.world.degradations import Take, audio_delay
    from avbench.world.toybox import draw_scene, render

    frames, samples = render(dataclasses.replace(draw_scene("test", 1), events=(0.45, 0.75, 1.45)))
    for name, delay in (("early", -0.2), ("late", 0.2)):
        take = audio_delay(Take(frames, 16, samples, 16_000), delay, np.random.default_rng(0))
        write_clip(tmp_path / f"{name}.mkv", take.frames, 16, take.samples, 16_000)
    result = avbench.run(tmp_path, metrics=["av_offset"], store=None)["av_offset"]
    found = {s.clip: s.value for s in result.scores}
    assert found["early"] == pytest.approx(-0.2, abs=0.04) and found["late"] == pytest.approx(0.2, abs=0.04)
    assert result.value == pytest.approx(0.2, abs=0.04) and abs(result.summaries["signed_mean"]) < 0.04


def _write(path: Path, size: tuple[int, int], fps: int, luma: Array, sound: Array, rate: int) -> None:
    """A file of coarse codecs, quickly: ``luma`` (frames, 16, 16) enlarged to ``size`` (width, height)."""
    import av

    with av.open(str(path), "w") as container:
        video = container.add_stream("mpeg4", rate=fps)
        video.width, video.height, video.pix_fmt = *size, "yuv420p"
        audio = container.add_stream("pcm_s16le", rate=rate, layout="mono")
        for image in luma:
            plane = np.full((size[1] * 3 // 2, size[0]), 128, np.uint8)
            plane[: size[1]] = image.repeat(size[1] // 16, axis=0).repeat(size[0] // 16, axis=1)
            container.mux(video.encode(av.VideoFrame.from_ndarray(plane, format="yuv420p")))
        container.mux(video.encode(None))
        block = av.AudioFrame.from_ndarray(sound[None], format="s16", layout="mono")
        block.sample_rate = rate
        container.mux(audio.encode(block))
        container.mux(audio.encode(None))


MEASURE = """
import re, sys
from pathlib import Path
import avbench
report = avbench.run(sys.argv[1], metrics=sys.argv[2].split(","), store=None)
report.save(sys.argv[3])
print(int(re.search(r"VmHWM:\\s+(\\d+) kB", Path("/proc/self/status").read_text())[1]) / 1024)  # rusage would count the parent's
"""


@pytest.mark.parametrize(
    ("size", "fps", "frames", "seconds", "most"),
    [((7680, 4320), 4, 4, 1.0, 1500.0), ((64, 64), 2, 1200, 600.0, 600.0)],
    ids=["8K", "10 min"],
)
def test_huge_and_long_clips_are_scored_in_bounded_memory(
    tmp_path: Path, size: tuple[int, int], fps: int, frames: int, seconds: float, most: float
) -> None:
    rng = np.random.default_rng(0)
    sound = (8000 * rng.standard_normal(round(seconds * 8000))).clip(-32_767, 32_767).astype(np.int16)
    (folder := tmp_path / "clips").mkdir()
    _write(folder / "big.mkv", size, fps, rng.integers(16, 235, (frames, 16, 16)).astype(np.uint8), sound, 8000)
    command = [sys.executable, "-c", MEASURE, str(folder), ",".join(METRICS), str(tmp_path / "r.json")]
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))}
    peak = float(subprocess.run(command, env=environment, check=True, capture_output=True, text=True).stdout)
    print(f"peak {peak:.0f} MiB")
    report = Report.read(tmp_path / "r.json")
    assert {r.metric for r in report.metrics if r.n.scored} >= {n for n in METRICS if n not in ("av_offset", "av_align")}
    for gap in (gap for result in report.metrics for gap in result.missing):
        assert gap.kind == "not_applicable" and gap.reason
    assert peak < most, f"{peak:.0f} MiB"
