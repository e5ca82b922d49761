"""Decoding and encoding against files whose content is known."""

from __future__ import annotations

import errno
import os
from collections.abc import Callable
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest
import soundfile

from avbench import media, pictures
from avbench.clip import file_digest
from avbench.errors import MachineFault, MediaError
from avbench.feature import Frames, Waveform
from avbench.media import decode, read_image, write_clip

Writer = Callable[..., Path]
ALL, RAW = Frames(), Waveform()


def onset(samples: np.ndarray[Any, Any], rate: int) -> float:
    """Seconds at which the envelope first reaches half of its peak."""
    level = np.abs(samples)
    return float(np.argmax(level > 0.5 * level.max())) / rate


def flash(frames: np.ndarray[Any, Any], seconds: np.ndarray[Any, Any]) -> float:
    """Seconds of the first bright frame."""
    return float(seconds[np.argmax(frames.mean(axis=(1, 2, 3)) > 140)])


@pytest.mark.parametrize("name", ["a.mp4", "a.mkv", "a.webm"])
def test_flash_and_click_share_one_clock(write_flash: Writer, name: str) -> None:
    media = decode(write_flash(name), (ALL, RAW))
    at_picture = flash(*media.frames(ALL))
    at_sound = onset(*media.waveform(RAW))
    assert at_picture == pytest.approx(1.0, abs=1e-3)
    assert at_sound == pytest.approx(at_picture, abs=1e-3)


@pytest.mark.parametrize(("fps", "expected"), [(10.0, 20), (25.0, 50), (50.0, 100)])
def test_frames_are_chosen_by_presentation_time(write_flash: Writer, fps: float, expected: int) -> None:
    ask = Frames(fps=fps)
    frames, seconds = decode(write_flash(), (ask,)).frames(ask)
    assert len(frames) == expected
    assert np.allclose(seconds, np.arange(expected) / fps)
    assert flash(frames, seconds) == pytest.approx(1.0, abs=1e-6)


def test_variable_frame_rate(tmp_path: Path) -> None:
    path = tmp_path / "vfr.mkv"
    times = [0, 40, 80, 500, 1000]  # ms
    with av.open(str(path), "w") as container:
        stream = container.add_stream("libx264", rate=25)
        stream.width = stream.height = 64
        stream.pix_fmt, stream.time_base = "yuv420p", Fraction(1, 1000)
        stream.codec_context.time_base = Fraction(1, 1000)
        for index, time in enumerate(times):
            frame = av.VideoFrame.from_ndarray(np.full((64, 64, 3), 50 * index, np.uint8), format="rgb24")
            frame.pts, frame.time_base = time, Fraction(1, 1000)
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    frames, _ = decode(path, (Frames(fps=10.0),)).frames(Frames(fps=10.0))
    levels = np.rint(frames.mean(axis=(1, 2, 3)) / 50).astype(int)
    assert levels[:11].tolist() == [0, 2, 2, 2, 2, 3, 3, 3, 3, 3, 4]


def test_edit_list_hides_the_start(tmp_path: Path, write_flash: Writer) -> None:
    """A file cut without re-encoding: its first packets lie before time 0 and must not be shown."""
    source, path = write_flash("long.mp4", seconds=3.0, at=2.0), tmp_path / "cut.mp4"
    with av.open(str(source)) as old, av.open(str(path), "w") as new:
        streams = {s.index: new.add_stream_from_template(s) for s in old.streams}
        for packet in old.demux():
            if packet.dts is None:
                continue
            ticks = round(1.0 / packet.time_base)
            packet.pts, packet.dts = packet.pts - ticks, packet.dts - ticks
            packet.stream = streams[packet.stream.index]
            new.mux(packet)
    media = decode(path, (ALL, RAW))
    assert onset(*media.waveform(RAW)) == pytest.approx(flash(*media.frames(ALL)), abs=2e-3)


def test_rotation_is_undone(tmp_path: Path, write_flash: Writer) -> None:
    frames = np.zeros((10, 32, 64, 3), np.uint8)
    frames[:, :16] = 255
    plain, turned = tmp_path / "plain.mp4", tmp_path / "turned.mp4"
    write_clip(plain, frames, 10, None)
    data = bytearray(plain.read_bytes())
    place = data.index(b"tkhd") + 4 + 40  # the display matrix of a version 0 track header
    matrix = [0, 1 << 16, 0, -(1 << 16), 0, 0, 0, 0, 1 << 30]
    data[place : place + 36] = b"".join(x.to_bytes(4, "big", signed=True) for x in matrix)
    turned.write_bytes(data)
    image = decode(turned, (ALL,)).frames(ALL)[0][0]
    assert image.shape == (64, 32, 3)
    assert image[:, 20:].mean() > 200 > 50 > image[:, :12].mean()  # a quarter turn clockwise: the top is now right


@pytest.mark.parametrize("pixel_format", ["yuv420p10le", "yuv444p", "gray"])
def test_pixel_formats_give_the_same_grey(tmp_path: Path, pixel_format: str) -> None:
    path = tmp_path / "a.mkv"
    with av.open(str(path), "w") as container:
        stream = container.add_stream("ffv1", rate=10)
        stream.width, stream.height, stream.pix_fmt = 64, 64, pixel_format
        for _ in range(3):
            frame = av.VideoFrame.from_ndarray(np.full((64, 64, 3), 128, np.uint8), format="rgb24")
            container.mux(stream.encode(frame.reformat(format=pixel_format)))
        container.mux(stream.encode(None))
    frames, _ = decode(path, (ALL,)).frames(ALL)
    assert abs(float(frames.mean()) - 128) <= 3


def test_odd_size_and_resize(tmp_path: Path) -> None:
    path = tmp_path / "odd.mp4"
    checker = (np.indices((101, 77)).sum(0) % 2 * 255).astype(np.uint8)
    write_clip(path, np.repeat(checker[None, ..., None], 3, axis=3).repeat(5, 0), 10, None, crf=0)
    small = Frames(height=20)
    frames, _ = decode(path, (small,)).frames(small)
    assert frames.shape[1] == 20
    assert abs(float(frames.mean()) - 127) < 8
    assert frames[:, 2:-2, 2:-2].std() < 40, "a checkerboard shrunk without aliasing is grey"


def test_gray_is_luma(write_flash: Writer) -> None:
    gray, path = Frames(gray=True), write_flash()
    media = decode(path, (ALL, gray))
    assert media.frames(gray)[0].shape == (50, 64, 64)
    assert abs(float(media.frames(gray)[0].mean()) - float(media.frames(ALL)[0].mean())) < 3
    assert media.opens == 1


def test_resampling_keeps_pitch_and_level(tmp_path: Path) -> None:
    path = tmp_path / "tone.wav"
    time = np.arange(48_000) / 48_000
    soundfile.write(path, 0.5 * np.sin(2 * np.pi * 1000 * time), 48_000)
    samples, rate = decode(path, (Waveform(16_000),)).waveform(Waveform(16_000))
    spectrum = np.abs(np.fft.rfft(samples))
    assert rate == 16_000 and len(samples) == 16_000
    assert int(spectrum.argmax()) == 1000
    assert float(np.abs(samples[1000:-1000]).max()) == pytest.approx(0.5, abs=0.01)


def test_mono_mix_is_the_mean_of_the_channels(tmp_path: Path) -> None:
    path = tmp_path / "stereo.wav"
    soundfile.write(path, np.stack([np.full(8000, 0.5), np.full(8000, -0.1)], 1), 8000, subtype="FLOAT")
    samples, _ = decode(path, (RAW,)).waveform(RAW)
    assert samples == pytest.approx(np.full(8000, 0.2), abs=1e-6)


def test_no_audio_costs_only_the_sound(tmp_path: Path) -> None:
    path = tmp_path / "mute.mp4"
    write_clip(path, np.zeros((5, 16, 16, 3), np.uint8), 10, None)
    media = decode(path, (ALL, RAW))
    assert len(media.frames(ALL)[0]) == 5
    with pytest.raises(MediaError, match="no audio stream") as caught:
        media.waveform(RAW)
    assert caught.value.kind == "no_audio"


def test_sound_beside_the_picture_replaces_it(tmp_path: Path, write_flash: Writer) -> None:
    beside = tmp_path / "beside.wav"
    soundfile.write(beside, np.full(8000, 0.25), 8000, subtype="FLOAT")
    media = decode(write_flash(), (ALL, RAW), audio_path=beside)
    assert media.waveform(RAW)[0] == pytest.approx(np.full(8000, 0.25))
    beside.write_bytes(b"no sound")
    media = decode(write_flash(), (ALL, RAW), audio_path=beside)
    assert len(media.frames(ALL)[0]) == 50
    with pytest.raises(MediaError, match="beside"):
        media.waveform(RAW)


def test_late_sound_stays_late(tmp_path: Path) -> None:
    """A stream that starts half a second after the picture is filled with silence, not moved to the front."""
    path = tmp_path / "late.mkv"
    with av.open(str(path), "w") as container:
        video = container.add_stream("libx264", rate=10)
        video.width = video.height = 32
        video.pix_fmt = "yuv420p"
        audio = container.add_stream("flac", rate=8000, layout="mono")
        for _ in range(10):
            container.mux(video.encode(av.VideoFrame.from_ndarray(np.zeros((32, 32, 3), np.uint8), format="rgb24")))
        container.mux(video.encode(None))
        frame = av.AudioFrame.from_ndarray(np.full((1, 4000), 16_000, np.int16), format="s16", layout="mono")
        frame.sample_rate, frame.pts, frame.time_base = 8000, 4000, Fraction(1, 8000)
        container.mux(audio.encode(frame))
        container.mux(audio.encode(None))
    samples, rate = decode(path, (RAW,)).waveform(RAW)
    assert onset(samples, rate) == pytest.approx(0.5, abs=2e-3)
    assert len(samples) / rate == pytest.approx(1.0, abs=0.01)


def test_several_audio_streams_take_the_first(tmp_path: Path) -> None:
    path = tmp_path / "two.mkv"
    with av.open(str(path), "w") as container:
        streams = [container.add_stream("flac", rate=8000, layout="mono") for _ in range(2)]
        for stream, level in zip(streams, (3000, 9000), strict=True):
            frame = av.AudioFrame.from_ndarray(np.full((1, 4000), level, np.int16), format="s16", layout="mono")
            frame.sample_rate, frame.pts, frame.time_base = 8000, 0, Fraction(1, 8000)
            container.mux(stream.encode(frame))
            container.mux(stream.encode(None))
    samples, _ = decode(path, (RAW,)).waveform(RAW)
    assert float(samples.mean()) == pytest.approx(3000 / 32768, abs=1e-3)


def test_writing_an_unknown_kind_says_what_is_known(tmp_path: Path) -> None:
    with pytest.raises(MediaError, match=r"\.mp4"):
        write_clip(tmp_path / "a.gif", np.zeros((1, 8, 8, 3), np.uint8), 10)


def test_writing_is_repeatable(tmp_path: Path) -> None:
    from avbench.world.toybox import draw_scene, render

    frames, samples = render(draw_scene("test", 12))
    written = set()
    for i in range(12):
        path = tmp_path / f"{i}.mp4"
        write_clip(path, frames, 16, samples, 16_000)
        written.add(path.read_bytes())
    assert len(written) == 1


@pytest.mark.parametrize("suffix", ["webm", "mkv"])
@pytest.mark.parametrize("start", [0.0, 0.1, 0.1234, 0.25, 0.5])
def test_opus_that_starts_late_keeps_the_clock(tmp_path: Path, suffix: str, start: float) -> None:
    """Matroska rounds a block's time to 1 ms and the priming of 6.5 ms again: together that was more than 1 ms."""
    path = tmp_path / f"late.{suffix}"
    samples = np.zeros(96_000 - round(start * 48_000), np.float32)
    samples[round((1 - start) * 48_000) :][:48] = 0.9
    with av.open(str(path), "w") as container:
        video = container.add_stream("libvpx-vp9", rate=25)
        video.width, video.height, video.pix_fmt = 64, 64, "yuv420p"
        audio = container.add_stream("libopus", rate=48_000, layout="mono")
        for level in [40] * 25 + [240] * 25:
            container.mux(video.encode(av.VideoFrame.from_ndarray(np.full((64, 64, 3), level, np.uint8), format="rgb24")))
        container.mux(video.encode(None))
        for at in range(0, len(samples), 960):
            frame = av.AudioFrame.from_ndarray(samples[None, at : at + 960], format="fltp", layout="mono")
            frame.sample_rate, frame.pts, frame.time_base = 48_000, round(start * 48_000) + at, Fraction(1, 48_000)
            container.mux(audio.encode(frame))
        container.mux(audio.encode(None))
    found = decode(path, (ALL, RAW))
    assert abs(onset(*found.waveform(RAW)) - flash(*found.frames(ALL))) < 0.9e-3


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize(("hurt", "whole"), [("video", RAW), ("audio", ALL)], ids=["picture", "sound"])
def test_damage_of_one_stream_is_found_and_concerns_no_other(
    toybox_folder: Path, tmp_path: Path, flip_bits: Writer, seed: int, hurt: str, whole: Any
) -> None:
    source = sorted(toybox_folder.glob("*.mp4"))[seed]
    path = tmp_path / "hurt.mp4"
    path.write_bytes(source.read_bytes())
    flip_bits(path, seed, hurt, 40)
    before, after = decode(source, (ALL, RAW)), decode(path, (ALL, RAW))
    found, expected = ((m.waveform(RAW) if whole is RAW else m.frames(ALL)) for m in (after, before))
    assert all(np.array_equal(a, b) for a, b in zip(found, expected, strict=True))
    with pytest.raises(MediaError, match="damaged") as caught:
        _ = after.frames(ALL) if hurt == "video" else after.waveform(RAW)
    assert caught.value.kind == "damaged" and caught.value.lasting


def test_a_form_that_is_too_large_concerns_no_other(write_flash: Writer, monkeypatch: pytest.MonkeyPatch) -> None:
    """Ten minutes of 640x360 at 24 fps in small: 17 GiB of RGB against the 4 that are allowed, 0.5 GiB of small luma."""
    path, small = write_flash(), Frames(height=16, gray=True)
    expected = decode(path, (small, RAW))
    monkeypatch.setattr(pictures, "MAX_BYTES", 50 * 16 * 16)
    found = decode(path, (ALL, Frames(fps=12.5), small, RAW))
    assert np.array_equal(found.frames(small)[0], expected.frames(small)[0])
    assert np.array_equal(found.waveform(RAW)[0], expected.waveform(RAW)[0])
    for ask in (ALL, Frames(fps=12.5)):
        with pytest.raises(MediaError, match="GiB") as caught:
            found.frames(ask)
        assert caught.value.kind == "too_large"


def test_a_picture_that_is_too_long_leaves_the_sound(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "long.mp4"
    write_clip(path, np.zeros((40, 32, 32, 3), np.uint8), 10, np.full(8000, 0.1, np.float32), 8000)
    monkeypatch.setattr(media, "MAX_SECONDS", 2.0)
    found = decode(path, (ALL, RAW))
    assert len(found.waveform(RAW)[0]) >= 8000
    with pytest.raises(MediaError) as caught:
        found.frames(ALL)
    assert caught.value.kind == "too_large"


class _Plain:
    """A decoded frame of a given size."""

    seconds = 0.1

    def __init__(self, rows: int) -> None:
        self.rows = rows

    def picture(self, ask: Frames) -> np.ndarray[Any, Any]:
        return np.zeros((min(self.rows, ask.height or self.rows), 8, 3), np.uint8)


def test_a_change_of_size_concerns_only_forms_that_show_it() -> None:
    gatherers = [pictures.PictureGatherer(ask) for ask in (Frames(), Frames(fps=20.0), Frames(height=8))]
    for index, rows in enumerate((16, 16, 32, 16)):
        for gatherer in gatherers:
            gatherer.add(_Plain(rows), index / 10)  # type: ignore[arg-type]
    for gatherer in gatherers[:2]:
        with pytest.raises(MediaError, match="changes its size"):
            gatherer.finish()
    assert gatherers[2].finish()[0].shape == (4, 8, 8, 3)


def test_what_is_no_regular_file_is_never_opened(tmp_path: Path) -> None:
    pipe, device = tmp_path / "pipe.mp4", tmp_path / "zero.mp4"
    os.mkfifo(pipe)
    device.symlink_to("/dev/zero")
    for path in (pipe, device):
        for function in (file_digest, read_image, lambda p: decode(p, (RAW,))):
            with pytest.raises(MediaError, match="no regular file") as caught:
                function(path)
            assert caught.value.kind == "unreadable" and not caught.value.lasting


@pytest.mark.parametrize("number", [errno.EIO, errno.ENOMEM, errno.EMFILE, errno.ENFILE, errno.ENOSPC, errno.ESTALE])
def test_a_fault_of_the_machine_is_no_fault_of_the_file(write_flash: Writer, monkeypatch: pytest.MonkeyPatch, number: int) -> None:
    path = write_flash()

    def fail(*_: Any, **__: Any) -> Any:
        raise OSError(number, os.strerror(number))

    with monkeypatch.context() as patch:
        patch.setattr(media, "missing_bytes", fail)
        with pytest.raises(MachineFault, match="fault of this machine"):
            decode(path, (RAW,))
    with monkeypatch.context() as patch:
        patch.setattr(Path, "open", fail)
        with pytest.raises(MachineFault, match="run again"):
            file_digest(path)


def test_what_ffmpeg_alone_calls_a_fault_is_never_kept(write_flash: Writer, monkeypatch: pytest.MonkeyPatch) -> None:
    """It says so of absurd headers too, which must not stop a run; where Python cannot read the file either, the machine is it."""
    path = write_flash()
    real = Path.open

    def fail(*_: Any, **__: Any) -> Any:
        raise av.error.OSError(errno.EIO, "Input/output error")

    monkeypatch.setattr(av, "open", fail)
    with pytest.raises(MediaError, match="Input/output") as caught:
        decode(path, (RAW,))
    assert not caught.value.lasting

    def broken(self: Path, *options: Any) -> Any:
        if opened:
            raise OSError(errno.EIO, "Input/output error")
        opened.append(self)
        return real(self, *options)

    opened: list[Path] = []
    monkeypatch.setattr(Path, "open", broken)
    with pytest.raises(MachineFault, match="Input/output"):
        decode(path, (RAW,))
