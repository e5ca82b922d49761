"""Files that end early are named; whole files of every make are not."""

from __future__ import annotations

import shutil
from pathlib import Path

import av
import numpy as np
import pytest
import soundfile

import avbench
from avbench.errors import MediaError
from avbench.feature import Array, Frames, Waveform
from avbench.media import decode, write_clip
from avbench.truncation import missing_bytes

READS = (Frames(height=16, gray=True), Waveform())


def _content(sound_seconds: float = 2.0) -> tuple[Array, Array]:
    frames = np.random.default_rng(0).integers(0, 255, (32, 32, 32, 3)).astype(np.uint8)
    return frames, (0.1 * np.sin(np.arange(round(sound_seconds * 16_000)) / 10)).astype(np.float32)


def _remux(source: Path, target: Path, shift: float = 0.0, **options: str) -> Path:
    """The same packets in another container, moved by ``shift`` seconds."""
    with av.open(str(source)) as old, av.open(str(target), "w", options=options) as new:
        streams = {s.index: new.add_stream_from_template(s) for s in old.streams}
        for packet in old.demux():
            if packet.dts is not None:
                ticks = round(shift / packet.time_base)
                packet.pts, packet.dts = packet.pts + ticks, packet.dts + ticks
                packet.stream = streams[packet.stream.index]
                new.mux(packet)
    return target


MAKES = {
    "mkv": (".mkv", {}),
    "webm": (".webm", {}),
    "mp4": (".mp4", {}),
    "index first": (".mp4", {"movflags": "faststart"}),
    "fragments": (".mp4", {"movflags": "frag_keyframe+empty_moov"}),
}


def _make(folder: Path, name: str, seconds: float = 2.0) -> Path:
    suffix, options = MAKES[name]
    path = folder / f"whole{suffix}"
    write_clip(path, *(lambda c: (c[0], 16.0, c[1]))(_content(seconds)))
    return _remux(path, folder / f"made{suffix}", **options) if options else path


@pytest.mark.parametrize("name", MAKES)
def test_a_file_cut_anywhere_is_named(tmp_path: Path, name: str) -> None:
    data = (path := _make(tmp_path, name)).read_bytes()
    assert missing_bytes(path) == 0
    for kept in (len(data) * 3 // 10, len(data) // 2, len(data) * 3 // 4, len(data) * 19 // 20):
        cut = path.with_stem(f"cut {kept}")
        cut.write_bytes(data[:kept])
        assert 0 < missing_bytes(cut) <= len(data) - kept
        for reads in ((READS[0],), (READS[1],), READS):
            with pytest.raises(MediaError, match="cut off") as caught:
                decode(cut, reads)
            assert caught.value.kind == "truncated"


def test_a_cut_clip_has_no_score(tmp_path: Path) -> None:
    data = _make(tmp_path, "mkv").read_bytes()
    (tmp_path / "whole.mkv").write_bytes(data[: len(data) // 2])
    for result in avbench.run(tmp_path, metrics=["frozen", "loudness"], store=None).metrics:
        assert [gap.kind for gap in result.missing] == ["truncated"] and not result.scores


@pytest.mark.parametrize("name", MAKES)
@pytest.mark.parametrize("seconds", [0.25, 6.0])
def test_sound_shorter_or_longer_than_the_picture_is_whole(tmp_path: Path, name: str, seconds: float) -> None:
    media = decode(_make(tmp_path, name, seconds), READS)
    samples, rate = media.waveform(READS[1])
    assert len(media.frames(READS[0])[0]) == 32 and len(samples) / rate == pytest.approx(seconds, abs=0.2)


def test_whole_files_of_other_makes_are_whole(tmp_path: Path) -> None:
    source = _make(tmp_path, "mp4")
    edited = _remux(source, tmp_path / "edited.mp4", shift=-0.5)
    live = _remux(tmp_path / "whole.mp4", tmp_path / "live.mkv", live="1")
    trailed = shutil.copy(source, tmp_path / "trailed.mp4")
    with trailed.open("ab") as file:
        file.write(b"\0\0\1\0free1234")  # a last box that promises more than it holds, without matter to the clip
    soundfile.write(tmp_path / "a.wav", _content()[1], 16_000)
    for path in (edited, live, trailed, tmp_path / "a.wav"):
        assert missing_bytes(path) == 0, path
        assert len(decode(path, READS[1:]).waveform(READS[1])[0]) > 20_000
    (tmp_path / "empty.mp4").write_bytes(b"")
    (tmp_path / "short.mkv").write_bytes((tmp_path / "live.mkv").read_bytes()[:6])
    assert missing_bytes(tmp_path / "empty.mp4") == missing_bytes(tmp_path / "short.mkv") == 0


def test_real_clips_are_whole_and_their_halves_are_not(real_data: Path, tmp_path: Path) -> None:
    clips = sorted((real_data / "clips").rglob("*.mp4"))
    assert len(clips) == 14
    for clip in clips:
        assert missing_bytes(clip) == 0
        half = tmp_path / "half.mp4"
        half.write_bytes(clip.read_bytes()[: clip.stat().st_size // 2])
        assert missing_bytes(half) > 0
