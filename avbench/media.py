"""Decode and encode: the only module that touches a codec."""

from __future__ import annotations

import contextlib
import math
from collections.abc import Iterator
from dataclasses import dataclass, field
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from avbench.errors import MediaError
from avbench.feature import Array, Frames, OwnWaveform, Read, Waveform
from avbench.truncation import missing_bytes

GAP_SECONDS = 0.01  # timestamps in Matroska are rounded to 1 ms; only a larger hole is a real gap
HALF_TICK = 5e-4  # a frame due at t is shown at t even where its timestamp was rounded up
MAX_SECONDS = 3600.0
MAX_BYTES = 4 << 30


_threads = 0


def use_decoder_threads(count: int) -> None:
    """Threads of a video decoder in this process; 0 is as many as there are cores. Pictures do not depend on it."""
    global _threads
    _threads = count


@contextlib.contextmanager
def single_threaded_decoder() -> Iterator[None]:
    """One thread per decoder within the block: several processes share the cores already."""
    before = _threads
    use_decoder_threads(1)
    try:
        yield
    finally:
        use_decoder_threads(before)


@dataclass
class Media:
    """Everything that one decode pass filled, or the reason why a stream could not be filled."""

    pictures: dict[Frames, tuple[Array, Array]] = field(default_factory=dict)
    sounds: dict[Waveform, tuple[Array, int]] = field(default_factory=dict)
    no_picture: MediaError | None = None
    no_sound: MediaError | None = None
    no_own_sound: MediaError | None = None
    opens: int = 0

    def frames(self, ask: Frames) -> tuple[Array, Array]:
        """The pictures asked for, or the reason why there are none."""
        if self.no_picture is not None:
            raise self.no_picture
        return self.pictures[ask]

    def waveform(self, ask: Waveform) -> tuple[Array, int]:
        """The sound asked for, or the reason why there is none."""
        reason = self.no_own_sound if isinstance(ask, OwnWaveform) else self.no_sound
        if reason is not None:
            raise reason
        return self.sounds[ask]


def decode(path: Path, reads: tuple[Read, ...], audio_path: Path | None = None) -> Media:
    """Open a file once and fill every picture and sound form in ``reads``.

    Both streams share one clock: time 0 is the start of the container (its first presented picture or sample). Frames are
    chosen by presentation time, so variable rates, edit lists and B-frames need no special care. Sound before time 0
    (codec priming) is dropped, holes are filled with zeros. Of several streams of one kind the default one is taken.

    Raises:
        MediaError: the file cannot be opened at all, or ends before its container says so. A broken or absent single stream
            is kept in the result and raised when that stream is asked for.
    """
    asks_picture = tuple(dict.fromkeys(r for r in reads if isinstance(r, Frames)))
    asks_sound = tuple(dict.fromkeys(r for r in reads if isinstance(r, Waveform)))
    media = Media()
    own = tuple(r for r in asks_sound if audio_path is None or isinstance(r, OwnWaveform))
    others = tuple(r for r in asks_sound if r not in own)
    _decode_file(path, asks_picture, own, media)
    media.no_own_sound = media.no_sound
    if audio_path is not None and others:
        media.no_sound = None
        try:
            _decode_file(audio_path, (), others, media)
        except MediaError as error:  # the picture is whole and keeps its scores
            media.no_sound = error
    return media


def read_waveform(path: Path, rate: int) -> Array:
    """The mono sound of any audio or video file, float32 (samples,) at ``rate`` Hz; raises ``MediaError``."""
    ask = Waveform(rate)
    return decode(path, (ask,)).waveform(ask)[0]


def read_image(path: Path) -> Array:
    """A picture file as uint8 RGB (height, width, 3), alpha dropped; raises ``MediaError`` where it cannot be read."""
    import cv2

    try:
        data = np.fromfile(path, dtype=np.uint8)  # OpenCV's own reader fails on some unicode paths
    except OSError as error:
        raise MediaError(f"{path.name} cannot be read: {error.strerror or error}.") from error
    image = cv2.imdecode(data, cv2.IMREAD_COLOR) if len(data) else None
    if image is None:
        raise MediaError(f"{path.name} is no picture that can be decoded.")
    return np.asarray(cv2.cvtColor(image, cv2.COLOR_BGR2RGB), dtype=np.uint8)


def _decode_file(path: Path, pictures: tuple[Frames, ...], sounds: tuple[Waveform, ...], media: Media) -> None:
    import av

    media.opens += 1
    try:
        if missing := missing_bytes(path):
            raise MediaError(f"{path.name} is cut off: {missing} bytes that its container declares are missing.", "truncated")
        with av.open(str(path), metadata_errors="ignore") as container:
            _fill(container, pictures, sounds, media, path.name)
    except (av.FFmpegError, OSError, ValueError, MemoryError) as error:
        raise MediaError(f"{path.name} cannot be decoded: {_words(error)}.") from error


def _words(error: Exception) -> str:
    """The cause without error number and path."""
    return str(getattr(error, "strerror", None) or error or type(error).__name__).splitlines()[0].rstrip(".")


def _fill(container: Any, pictures: tuple[Frames, ...], sounds: tuple[Waveform, ...], media: Media, name: str) -> None:
    import av

    video = container.streams.best("video") if pictures else None
    audio = container.streams.best("audio") if sounds else None
    if video is not None:
        video.thread_type, video.thread_count = "AUTO", _threads
    zero = max(0.0, (container.start_time or 0) / av.time_base)
    wanted = [s for s in (video, audio) if s is not None]
    gatherers = [_PictureGatherer(ask) for ask in pictures] if video is not None else []
    blocks: list[tuple[float, NDArray[np.float32]]] = []
    broken: dict[str, str] = {}
    rate = 0
    for packet in container.demux(wanted) if wanted else ():
        try:
            for frame in packet.decode():
                seconds = (frame.time if frame.time is not None else math.nan) - zero
                if seconds > MAX_SECONDS:
                    raise MediaError(f"{name} is longer than {MAX_SECONDS:.0f} s.", kind="too_large")
                if packet.stream is video:
                    shown = _Shown(frame)
                    for gatherer in gatherers:
                        gatherer.add(shown, seconds)
                else:
                    rate = frame.sample_rate
                    blocks.append((seconds, _mixes(frame)))
        except av.InvalidDataError as error:
            broken.setdefault(packet.stream.type, _words(error))
    if pictures:
        _finish_pictures(gatherers, media, name, broken.get("video"), has_stream=video is not None)
    if sounds:
        _finish_sounds(blocks, rate, sounds, media, name, broken.get("audio"), has_stream=audio is not None)


def _mixes(frame: Any) -> NDArray[np.float32]:
    """One decoded block, float32 (2, samples) in [-1, 1]: the mean of all channels, and the first channel.

    Integer formats are scaled by their full range.
    """
    data = frame.to_ndarray()
    if data.dtype.kind == "u":
        data = (data.astype(np.float32) - 128.0) / 128.0
    elif data.dtype.kind == "i":
        data = data.astype(np.float32) / float(-np.iinfo(data.dtype).min)
    channels = frame.layout.nb_channels
    planes = data if frame.format.is_planar else data.reshape(-1, channels).T
    return np.stack([planes.mean(axis=0), planes[0]]).astype(np.float32)


class _Shown:
    """One decoded frame; each form is converted once, and only if somebody keeps it."""

    def __init__(self, frame: Any) -> None:
        self._frame = frame
        self.seconds = float(frame.duration * frame.time_base) if frame.duration else 0.0
        self._upright: dict[bool, NDArray[np.uint8]] = {}

    def picture(self, ask: Frames) -> NDArray[np.uint8]:
        """The frame turned upright, anti-aliased to the asked height (never enlarged), as RGB or luma.

        Area averaging is used for shrinking: the mean over each target pixel's footprint, hence free of aliasing.
        """
        if ask.gray not in self._upright:
            image = self._frame.to_ndarray(format="gray" if ask.gray else "rgb24")
            turns = round((getattr(self._frame, "rotation", 0) or 0) / 90) % 4
            self._upright[ask.gray] = np.ascontiguousarray(np.rot90(image, turns)) if turns else image
        image = self._upright[ask.gray]
        if ask.height is not None and image.shape[0] > ask.height:
            import cv2

            width = max(1, round(image.shape[1] * ask.height / image.shape[0]))
            image = np.asarray(cv2.resize(image, (width, ask.height), interpolation=cv2.INTER_AREA), dtype=np.uint8)
        return np.asarray(image, dtype=np.uint8)


class _PictureGatherer:
    """Collect one form of the picture while frames pass by in presentation order."""

    def __init__(self, ask: Frames) -> None:
        self.ask = ask
        self.images: list[NDArray[np.uint8]] = []
        self.times: list[float] = []
        self.previous: tuple[float, _Shown] | None = None
        self.end = 0.0
        self.bytes = 0

    def add(self, shown: _Shown, seconds: float) -> None:
        if math.isnan(seconds):
            seconds = self.end
        if self.ask.fps is None:
            self._keep(seconds, shown.picture(self.ask))
        else:
            self._emit_until(seconds)
            self.previous = (seconds, shown)
        self.end = max(self.end, seconds + shown.seconds)

    def _emit_until(self, seconds: float) -> None:
        """Give every tick before ``seconds`` the frame on show then."""
        assert self.ask.fps is not None
        if self.previous is None or len(self.images) / self.ask.fps >= seconds - HALF_TICK:
            return
        image = self.previous[1].picture(self.ask)
        while (tick := len(self.images) / self.ask.fps) < seconds - HALF_TICK:
            self._keep(tick, image)

    def _keep(self, seconds: float, image: NDArray[np.uint8]) -> None:
        self.bytes += image.nbytes
        if self.bytes > MAX_BYTES:
            raise MediaError(f"The picture needs more than {MAX_BYTES >> 30} GiB as {self.ask}.", kind="too_large")
        self.images.append(image)
        self.times.append(seconds)

    def finish(self) -> tuple[Array, Array]:
        if self.ask.fps is not None and self.previous is not None:
            self._emit_until(max(self.end, self.previous[0] + 2 * HALF_TICK))
        whole = np.empty((len(self.images), *self.images[0].shape), dtype=np.uint8)
        for index, image in enumerate(self.images):
            if image.shape != whole.shape[1:]:
                raise MediaError(f"The picture changes its size from {whole.shape[1:3]} to {image.shape[:2]} rows and columns.")
            whole[index] = image
            self.images[index] = whole[index]  # lets go of the copy: a clip never lies in memory twice
        return whole, np.asarray(self.times, dtype=np.float64)


def _finish_pictures(gatherers: list[_PictureGatherer], media: Media, name: str, broken: str | None, *, has_stream: bool) -> None:
    if not has_stream:
        media.no_picture = MediaError(f"{name} has no video stream.", kind="no_video")
    elif broken is not None:
        media.no_picture = MediaError(f"The picture of {name} is damaged: {broken}.")
    elif any(g.previous is None and not g.images for g in gatherers):
        media.no_picture = MediaError(f"{name} holds no decodable frame.", kind="no_video")
    else:
        for gatherer in gatherers:
            media.pictures[gatherer.ask] = gatherer.finish()


def _finish_sounds(
    blocks: list[tuple[float, NDArray[np.float32]]],
    rate: int,
    sounds: tuple[Waveform, ...],
    media: Media,
    name: str,
    broken: str | None,
    *,
    has_stream: bool,
) -> None:
    if not has_stream:
        media.no_sound = MediaError(f"{name} has no audio stream.", kind="no_audio")
    elif broken is not None:
        media.no_sound = MediaError(f"The sound of {name} is damaged: {broken}.")
    elif not blocks:
        media.no_sound = MediaError(f"{name} holds no decodable sound.", kind="no_audio")
    else:
        native = _assemble(blocks, rate)
        if not np.isfinite(native).all():
            media.no_sound = MediaError(f"The sound of {name} holds NaN or infinite samples.", kind="not_finite")
            return
        for ask in sounds:
            media.sounds[ask] = (_resample(native[int(ask.first_channel)], rate, ask.rate or rate), ask.rate or rate)


def _assemble(blocks: list[tuple[float, NDArray[np.float32]]], rate: int) -> NDArray[np.float32]:
    """Join blocks (2, samples) on the shared clock: the first fixes the start, later ones follow unless there is a real gap."""
    start = blocks[0][0] if not math.isnan(blocks[0][0]) else 0.0
    position = round(start * rate)
    pieces: list[NDArray[np.float32]] = []
    if position > 0:
        pieces.append(np.zeros((2, position), dtype=np.float32))
    drop = max(0, -position)
    clock = float(position)
    for seconds, block in blocks:
        hole = 0.0 if math.isnan(seconds) else seconds - clock / rate
        if hole > GAP_SECONDS:
            count = round(hole * rate)
            pieces.append(np.zeros((2, count), dtype=np.float32))
            clock += count
        pieces.append(block)
        clock += block.shape[1]
    return np.concatenate(pieces, axis=1)[:, drop:]


def _resample(samples: NDArray[np.float32], rate: int, target: int) -> NDArray[np.float32]:
    if rate == target or not len(samples):
        return samples
    import soxr

    return np.asarray(soxr.resample(samples, rate, target, quality="HQ"), dtype=np.float32)


def write_clip(path: Path, frames: Array, fps: float, samples: Array | None = None, rate: int = 16_000, *, crf: int = 18) -> None:
    """Write one clip; the suffix chooses the codecs: .mp4 h264 + aac, .mkv h264 + flac, .webm vp9 + opus.

    Args:
        path: written under a temporary name beside it and renamed when complete.
        frames: uint8 (time, height, width, 3); odd sizes are padded by repeating the last row or column, as yuv420p needs.
        fps: frames per second.
        samples: float32 (samples,) or (channels, samples) in [-1, 1]; None writes no audio stream.
        rate: samples per second.
        crf: constant rate factor of the video codec; 0 is lossless, 51 worst.

    Raises:
        MediaError: unknown suffix.
    """
    codecs = {".mp4": ("libx264", "aac"), ".mkv": ("libx264", "flac"), ".webm": ("libvpx-vp9", "libopus")}
    if path.suffix not in codecs:
        raise MediaError(f"{path.name}: clips are written as {', '.join(codecs)}.", kind="unsupported")
    import av

    video_codec, audio_codec = codecs[path.suffix]
    partial = path.with_name(f".{path.stem}.partial{path.suffix}")
    odd_rows, odd_columns = frames.shape[1] % 2, frames.shape[2] % 2
    frames = np.pad(frames, ((0, 0), (0, odd_rows), (0, odd_columns), (0, 0)), mode="edge")
    with av.open(str(partial), "w") as container:
        video = container.add_stream(video_codec, rate=Fraction(fps).limit_denominator(1001))
        video.width, video.height, video.pix_fmt = frames.shape[2], frames.shape[1], "yuv420p"
        video.options = {"crf": str(crf)}
        if video_codec == "libx264":  # its vector code gives other bytes from run to run on some processors
            video.options = {"crf": str(crf), "preset": "veryfast", "x264-params": "threads=1:asm=0"}
        if samples is not None:
            sound = np.atleast_2d(np.asarray(samples, dtype=np.float32))
            if audio_codec == "libopus":
                import soxr

                sound, rate = np.asarray(soxr.resample(sound.T, rate, 48_000, quality="HQ")).T, 48_000
            layout = {1: "mono", 2: "stereo"}[len(sound)]
            audio = container.add_stream(audio_codec, rate=rate, layout=layout)
        for image in frames:
            for packet in video.encode(av.VideoFrame.from_ndarray(np.ascontiguousarray(image), format="rgb24")):
                container.mux(packet)
        container.mux(video.encode(None))
        if samples is not None:
            for packet in _encode_audio(audio, sound, rate, layout):
                container.mux(packet)
    partial.replace(path)


def _encode_audio(stream: Any, sound: Array, rate: int, layout: str) -> Iterator[Any]:
    import av

    block = 1024
    for start in range(0, sound.shape[1], block):
        part = np.ascontiguousarray(sound[:, start : start + block], dtype=np.float32)
        frame = av.AudioFrame.from_ndarray(part, format="fltp", layout=layout)
        frame.sample_rate, frame.pts, frame.time_base = rate, start, Fraction(1, rate)
        yield from stream.encode(frame)
    yield from stream.encode(None)
