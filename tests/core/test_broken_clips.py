"""What is wrong with a clip is typed, concerns no other clip and no other stream, and depends on nothing but its bytes."""

from __future__ import annotations

import contextlib
import ctypes
import os
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile

import avbench
from avbench import media, pictures
from avbench.errors import MachineFault
from avbench.media import write_clip
from avbench.report import Report

SOUND, PICTURE = ["loudness", "silence", "clipping"], ["temporal_flickering", "frozen", "motion", "sharpness"]
BOTH = ["av_offset", "av_align"]
METRICS = [*BOTH, *SOUND, *PICTURE]


def under(kind: str, *metrics: str) -> dict[str, str]:
    """The kind that some metrics give a clip; the others score it."""
    return dict.fromkeys(metrics or METRICS, kind)


ZOO = {
    "black": under("not_applicable", "av_offset"),
    "device": under("unreadable"),
    "empty": under("unreadable"),
    "flipped audio": under("damaged", *BOTH, *SOUND),
    "flipped video": under("damaged", *BOTH, *PICTURE),
    "folder": under("unreadable"),
    "loop": under("unreadable"),
    "nan": under("not_finite", *SOUND) | under("no_video", *BOTH, *PICTURE),
    "no audio": under("no_audio", *BOTH, *SOUND),
    "no video": under("no_video", *BOTH, *PICTURE),
    "one frame": under("too_short", *BOTH, "temporal_flickering", "frozen", "motion"),
    "pipe": under("unreadable"),
    "short": under("too_short", *BOTH) | under("not_applicable", "loudness"),
    "silent": under("not_applicable", "av_offset", "loudness"),
    "text – ünï": under("unreadable"),
    "tiny": under("not_applicable", "av_offset") | under("too_small", "av_align", "motion", "sharpness"),
    "truncated": under("truncated"),
    "twice": under("duplicate"),
}


def scores(report: Report, names: set[str] | None = None) -> dict[tuple[str, str], float]:
    """(metric, clip) -> score."""
    return {(r.metric, s.clip): s.value for r in report.metrics for s in r.scores if names is None or s.clip in names}


def kinds(report: Report) -> dict[str, dict[str, str]]:
    """Clip to the kind that each metric gives it, where it gives no score."""
    found: dict[str, dict[str, str]] = {}
    for result in report.metrics:
        for gap in result.missing:
            assert gap.reason and gap.reason[0] != "["
            found.setdefault(gap.clip, {})[result.metric] = gap.kind
    return found


def _zoo(folder: Path, flip_bits: Callable[..., Path]) -> None:
    """Broken clips, one of each kind."""
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
    noise = np.random.default_rng(1).normal(0, 0.05, 32_000).astype(np.float32)
    moving = np.stack([np.roll(frames[0], 2 * index, axis=1) for index in range(32)])
    for index, kind in enumerate(("video", "audio")):
        write_clip(folder / f"flipped {kind}.mp4", moving, 16, noise, 16_000)
        flip_bits(folder / f"flipped {kind}.mp4", index, kind, 60)
    os.mkfifo(folder / "pipe.mp4")
    (folder / "device.mp4").symlink_to("/dev/zero")


@pytest.fixture(scope="module")
def zoo(toybox_folder: Path, flip_bits: Callable[..., Path], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Four healthy clips among broken ones."""
    folder = tmp_path_factory.mktemp("zoo") / "clips"
    shutil.copytree(toybox_folder, folder)
    _zoo(folder, flip_bits)
    return folder


def test_a_zoo_of_broken_clips_costs_no_healthy_clip_its_score(toybox_folder: Path, zoo: Path, tmp_path: Path) -> None:
    healthy = {p.stem for p in toybox_folder.glob("*.mp4")}
    report = avbench.run(zoo, metrics=METRICS, store=tmp_path / "store")
    assert scores(report, healthy) == scores(avbench.run(toybox_folder, metrics=METRICS, store=None))
    assert not report.complete
    for result in report.metrics:
        assert result.n.expected == result.n.scored + result.n.failed + result.n.not_applicable == len(healthy) + len(ZOO)
    assert {clip: found for clip, found in kinds(report).items() if clip not in healthy} == ZOO
    again = avbench.run(zoo, metrics=METRICS, store=tmp_path / "store")
    assert again.metrics == report.metrics, "failures come back from the store as they were"


def test_two_workers_say_the_same_of_broken_clips(zoo: Path) -> None:
    one, two = (avbench.run(zoo, metrics=METRICS, store=None, workers=workers) for workers in (1, 2))
    assert one.metrics == two.metrics and one.trace == two.trace


@pytest.mark.parametrize("bits", [1, 20])
def test_flipped_bits_give_one_verdict_whatever_the_workers(
    toybox_folder: Path, tmp_path: Path, flip_bits: Callable[..., Path], bits: int
) -> None:
    """A decoder that paints over damage paints otherwise with other threads, so such a picture must have no score at all."""
    for seed in range(4):
        for path in sorted(toybox_folder.glob("*.mp4")):
            shutil.copy(path, tmp_path / f"{seed}-{path.name}")
            flip_bits(tmp_path / f"{seed}-{path.name}", seed, None, bits)
    one, two = (avbench.run(tmp_path, metrics=METRICS, store=None, workers=workers) for workers in (1, 2))
    assert one.metrics == two.metrics and one.trace == two.trace
    found = kinds(one)
    if bits == 20:
        assert len(found) == 16 and all("damaged" in row.values() for row in found.values())


def test_a_score_does_not_depend_on_what_else_was_asked(
    toybox_folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    apart = scores(avbench.run(toybox_folder, metrics=["loudness", "sharpness"], store=None))
    monkeypatch.setattr(pictures, "MAX_BYTES", 64 * 64 * 31)  # luma at 4 frames per second fits, every frame does not
    asked = ["frozen", "temporal_flickering", "loudness", "sharpness"]
    together = avbench.run(toybox_folder, metrics=asked, store=tmp_path)
    assert scores(together) == apart
    for name in asked[:2]:
        assert [gap.kind for gap in together[name].missing] == ["too_large"] * 4
    assert scores(avbench.run(toybox_folder, metrics=["loudness"], store=tmp_path)).items() <= apart.items()


def test_memory_that_ran_out_stops_the_run_and_blames_no_clip(
    toybox_folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def run_out(*_: Any) -> Any:
        raise MemoryError("Unable to allocate 506 MiB")

    with monkeypatch.context() as patch:
        patch.setattr(pictures.PictureGatherer, "finish", run_out)
        with pytest.raises(MachineFault, match="fewer --workers"):
            avbench.run(toybox_folder, metrics=["loudness", "frozen"], store=tmp_path)
    assert avbench.run(toybox_folder, metrics=["loudness", "frozen"], store=tmp_path).complete


def test_a_verdict_that_is_not_of_the_bytes_is_not_stored(
    toybox_folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import av

    def refuse(*_: Any, **__: Any) -> Any:
        raise av.error.MemoryError(12, "Cannot allocate memory")

    with monkeypatch.context() as patch:
        patch.setattr(av, "open", refuse)
        report = avbench.run(toybox_folder, metrics=["loudness"], store=tmp_path)
        assert [gap.kind for gap in report["loudness"].missing] == ["unreadable"] * 4
    assert avbench.run(toybox_folder, metrics=["loudness"], store=tmp_path).complete


def test_silence_against_silence_is_no_perfect_distance(tmp_path: Path) -> None:
    for name in "ab":
        write_clip(tmp_path / f"{name}.mp4", np.zeros((8, 16, 16, 3), np.uint8), 4, np.zeros(32_000, np.float32))
    report = avbench.run(tmp_path, metrics=["fad_mel", "kad_mel"], reference=tmp_path, store=None)
    for result in report.metrics:
        assert result.value is None and result.reason_kind == "degenerate" and "constant" in result.reason


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
    monkeypatch.setattr(pictures, "MAX_BYTES", 64 * 64 * 3 * 10)
    assert avbench.run(tmp_path, metrics=["frozen"], store=None)["frozen"].missing[0].kind == "too_large"
