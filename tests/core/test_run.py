"""The main job end to end on mp4 files."""

from __future__ import annotations

import contextlib
import ctypes
import dataclasses
import json
import math
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile

import avbench
from avbench import media
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


def _zoo(folder: Path, sound: Path) -> dict[str, set[str]]:
    """Broken clips by name and the kinds that each may be given under some metric."""
    frames = np.random.default_rng(0).integers(0, 255, (32, 64, 64, 3)).astype(np.uint8)
    tone = (0.1 * np.sin(np.arange(32_000) / 10)).astype(np.float32)
    write_clip(folder / "no audio.mp4", frames, 16, None)
    write_clip(folder / "one frame.mp4", frames[:1], 16, tone)
    write_clip(folder / "tiny.mp4", np.zeros((32, 2, 2, 3), np.uint8), 16, tone)
    write_clip(folder / "short.mp4", frames[:2], 16, tone[:1600])
    write_clip(folder / "black.mp4", np.zeros_like(frames), 16, tone)
    write_clip(folder / "silent.mp4", frames, 16, np.zeros_like(tone))
    whole = folder / "truncated.mp4"
    write_clip(whole, frames, 16, tone)
    whole.write_bytes(whole.read_bytes()[: whole.stat().st_size // 2])
    (folder / "empty.mp4").write_bytes(b"")
    (folder / "text – ünï.mp4").write_text("not a clip")
    soundfile.write(folder / "tone.wav", tone, 16_000)
    shutil.move(folder / "tone.wav", folder / "no video.mp4")
    soundfile.write(folder / "nan.wav", np.where(np.arange(32_000) == 5, np.nan, tone), 16_000, subtype="FLOAT")
    shutil.move(folder / "nan.wav", folder / "nan.mp4")
    (folder / "loop.mp4").symlink_to(folder / "loop.mp4")
    (folder / "folder.mp4").mkdir()
    write_clip(folder / "twice.mp4", frames, 16, tone)
    write_clip(folder / "twice.mkv", frames, 16, tone)
    return {
        "no audio": {"no_audio"},
        "one frame": {"too_short"},
        "tiny": {"too_small"},
        "short": {"too_short"},
        "black": {"not_applicable"},
        "silent": {"not_applicable"},
        "truncated": {"truncated"},
        "empty": {"unreadable"},
        "text – ünï": {"unreadable"},
        "no video": {"no_video"},
        "nan": {"not_finite", "no_video"},
        "loop": {"unreadable"},
        "folder": {"unreadable"},
        "twice": {"duplicate"},
    }


def test_a_zoo_of_broken_clips_costs_no_healthy_clip_its_score(toybox_folder: Path, tmp_path: Path) -> None:
    folder = tmp_path / "zoo"
    shutil.copytree(toybox_folder, folder)
    healthy = {p.stem for p in folder.glob("*.mp4")}
    before = scores(avbench.run(folder, metrics=METRICS, store=None))
    expected = _zoo(folder, tmp_path)
    report = avbench.run(folder, metrics=METRICS, store=tmp_path / "store")
    assert scores(report, healthy) == before
    assert not report.complete
    found: dict[str, set[str]] = {}
    for result in report.metrics:
        assert result.n.expected == result.n.scored + result.n.failed + result.n.not_applicable == 4 + len(expected)
        for gap in result.missing:
            assert gap.reason and gap.reason[0] != "["
            found.setdefault(gap.clip, set()).add(gap.kind)
    for name, kinds in expected.items():
        assert kinds & found.get(name, set()), (name, found.get(name))
    again = avbench.run(folder, metrics=METRICS, store=tmp_path / "store")
    assert again.metrics == report.metrics, "failures come back from the store as they were"


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


@contextlib.contextmanager
def bound_by_permissions() -> Iterator[None]:
    """Root without the two Linux capabilities that let it read any file; nothing to do for other users."""
    if os.geteuid() != 0:
        yield
        return
    libc, words = ctypes.CDLL(None, use_errno=True), ctypes.c_uint32 * 2
    header, data = words(0x20080522, 0), (ctypes.c_uint32 * 6)()  # version 3 of capget(2), this thread
    assert libc.capget(header, data) == 0
    before = data[0]
    data[0] = before & ~0b110  # the effective set without CAP_DAC_OVERRIDE and CAP_DAC_READ_SEARCH
    assert libc.capset(header, data) == 0, os.strerror(ctypes.get_errno())
    try:
        yield
    finally:
        data[0] = before
        assert libc.capset(header, data) == 0


def test_a_file_without_permission_is_named(toybox_folder: Path, tmp_path: Path) -> None:
    folder = tmp_path / "clips"
    shutil.copytree(toybox_folder, folder)
    closed = folder / "toybox-test-0000.mp4"
    closed.chmod(0)
    with bound_by_permissions():
        with pytest.raises(PermissionError):
            closed.read_bytes()
        result = avbench.run(folder, metrics=["frozen"], store=None)["frozen"]
    assert [(gap.clip, gap.kind) for gap in result.missing] == [("toybox-test-0000", "unreadable")]
    assert "Permission denied" in result.missing[0].reason and result.n.scored == 3


def test_too_long_and_too_large_are_typed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write_clip(tmp_path / "a.mp4", np.zeros((40, 64, 64, 3), np.uint8), 10, None)
    monkeypatch.setattr(media, "MAX_SECONDS", 2.0)
    assert avbench.run(tmp_path, metrics=["frozen"], store=None)["frozen"].missing[0].kind == "too_large"
    monkeypatch.setattr(media, "MAX_SECONDS", 60.0)
    monkeypatch.setattr(media, "MAX_BYTES", 64 * 64 * 3 * 10)
    assert avbench.run(tmp_path, metrics=["frozen"], store=None)["frozen"].missing[0].kind == "too_large"
