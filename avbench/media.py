"""Decode and encode: the only module that touches a codec."""

from __future__ import annotations

import errno
import math
import os
import secrets
import stat
from collections.abc import Iterator
from dataclasses import dataclass, field
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from avbench.errors import MachineFault, MediaError, out_of_memory
from avbench.feature import Array, Frames, OwnWaveform, Read, Waveform
from avbench.pictures import PictureGatherer, Shown
from avbench.truncation import missing_bytes

VERSION = 2  # of what this module makes of the same bytes under the same decoder: part of every cache key
TICK = 1e-3  # timestamps in Matroska are rounded to it
GAP_SECONDS = 0.01  # only a larger hole is a real gap
MAX_SECONDS = 3600.0
STRICT = {"err_detect": "crccheck+explode"}  # an error ends the stream, where decoders would else paint over it
FAULTS = frozenset(
    getattr(errno, name)
    for name in ("EIO", "ENOMEM", "EMFILE", "ENFILE", "ENOSPC", "EDQUOT", "ESTALE", "ETIMEDOUT", "EREMOTEIO", "ENODEV", "ENXIO",
                 "EAGAIN", "EINTR", "EBUSY", "ENOTCONN", "ECONNRESET", "EHOSTDOWN", "EHOSTUNREACH", "ENETDOWN", "ENETUNREACH")
    if hasattr(errno, name)
)  # fmt: skip


@dataclass
class Media:
    """Everything that one decode pass filled, or the reason why a stream could not be filled."""

    pictures: dict[Frames, tuple[Array, Array] | MediaError] = field(default_factory=dict)
    sounds: dict[Waveform, tuple[Array, int]] = field(default_factory=dict)
    no_picture: MediaError | None = None
    no_sound: MediaError | None = None
    no_own_sound: MediaError | None = None
    opens: int = 0

    def frames(self, ask: Frames) -> tuple[Array, Array]:
        """The pictures asked for, or the reason why there are none."""
        if self.no_picture is not None:
            raise self.no_picture
        found = self.pictures[ask]
        if isinstance(found, MediaError):
            raise found
        return found

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
    (codec priming) is dropped, holes are filled with zeros. Of several streams of one kind the default one is taken. Decoders
    use one thread and stop at the first error, because what they paint over damage depends on how many threads they have.

    Raises:
        MediaError: the file cannot be opened at all, or ends before its container says so. An absent stream, or one that is
            damaged or too long, and a form of the picture that is too large are kept in the result and raised when asked for.
        MachineFault: no memory, a failing disk, too many open files: nothing that says anything about the file.
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
        require_file(path)
        data = np.fromfile(path, dtype=np.uint8)  # OpenCV's own reader fails on some unicode paths
    except (OSError, MemoryError) as error:
        raise fault_or_verdict(path, error) from error
    image = cv2.imdecode(data, cv2.IMREAD_COLOR) if len(data) else None
    if image is None:
        raise MediaError(f"{path.name} is no picture that can be decoded.")
    return np.asarray(cv2.cvtColor(image, cv2.COLOR_BGR2RGB), dtype=np.uint8)


def jpeg(image: Array, quality: int = 80) -> bytes:
    """A picture, uint8 RGB (height, width, 3), as a JPEG file's bytes: the same for the same picture."""
    import cv2

    done, data = cv2.imencode(".jpg", cv2.cvtColor(image, cv2.COLOR_RGB2BGR), [cv2.IMWRITE_JPEG_QUALITY, quality])
    if not done:
        raise MediaError(f"A picture of shape {image.shape} cannot be written as JPEG.", kind="unsupported")
    return bytes(data)


def require_file(path: Path) -> None:
    """A pipe would wait for a writer and a device may never end. Raises ``MediaError`` for those, ``OSError`` for no such path."""
    if not stat.S_ISREG(path.stat().st_mode):
        raise MediaError(f"{path.name} is no regular file.", lasting=False)


def fault_or_verdict(path: Path, error: Exception) -> MediaError:
    """What an error while reading ``path`` says of the file; raises ``MachineFault`` where it says nothing of it.

    FFmpeg gives ENOMEM and EIO for absurd sizes in a header as well as for a machine in need: that is of the file where Python
    can read all of it, and is not kept, so that the next run looks again.
    """
    import av

    number = getattr(error, "errno", None)
    of_decoder = isinstance(error, av.FFmpegError)
    if isinstance(error, MemoryError) and not of_decoder:
        raise out_of_memory(f"{path.name} was read") from error
    if of_decoder and number in (errno.ENOMEM, errno.EIO):
        _read_through(path)
    elif number in FAULTS:
        raise _fault(path, error) from error
    return MediaError(f"{path.name} cannot be read: {_words(error)}.", lasting=not isinstance(error, OSError | MemoryError))


def _fault(path: Path, error: Exception) -> MachineFault:
    return MachineFault(
        f"{path.name} cannot be read now: {_words(error)}. That is a fault of this machine, not of the clip; finished clips are "
        "kept, so mend it and run again."
    )


def _read_through(path: Path) -> None:
    try:
        with path.open("rb") as file:
            while file.read(1 << 20):
                pass
    except OSError as error:
        raise _fault(path, error) from error


def _decode_file(path: Path, pictures: tuple[Frames, ...], sounds: tuple[Waveform, ...], media: Media) -> None:
    import av

    media.opens += 1
    try:
        require_file(path)
        if missing := missing_bytes(path):
            raise MediaError(f"{path.name} is cut off: {missing} bytes that its container declares are missing.", "truncated")
        with av.open(str(path), metadata_errors="ignore") as container:
            _fill(container, pictures, sounds, media, path)
    except (av.FFmpegError, OSError, ValueError, MemoryError) as error:
        raise fault_or_verdict(path, error) from error


def _words(error: Exception) -> str:
    """The cause without error number and path."""
    return str(getattr(error, "strerror", None) or error or type(error).__name__).splitlines()[0].rstrip(".")


def _fill(container: Any, pictures: tuple[Frames, ...], sounds: tuple[Waveform, ...], media: Media, path: Path) -> None:
    import av

    video = container.streams.best("video") if pictures else None
    audio = container.streams.best("audio") if sounds else None
    zero = max(0.0, (container.start_time or 0) / av.time_base)
    gatherers = [PictureGatherer(ask) for ask in pictures]
    blocks: list[tuple[float, NDArray[np.float32]]] = []
    rate = 0
    failed: dict[str, MediaError] = {}
    for kind, frame in _decoded([s for s in (video, audio) if s is not None], container, path, failed):
        seconds = (frame.time if frame.time is not None else math.nan) - zero
        try:
            if seconds > MAX_SECONDS:
                raise MediaError(f"The {kind} of {path.name} is longer than {MAX_SECONDS:.0f} s.", kind="too_large")
            if kind == "video":
                shown = Shown(frame)
                for gatherer in gatherers:
                    gatherer.add(shown, seconds)
            else:
                rate = frame.sample_rate
                blocks.append((seconds, _mixes(frame)))
        except MediaError as error:
            failed[kind] = error
        except (av.FFmpegError, ValueError) as error:  # a format that cannot be converted
            failed[kind] = fault_or_verdict(path, error)
    if pictures:
        _finish_pictures(gatherers, media, path.name, failed.get("video"), has_stream=video is not None)
    if sounds:
        _finish_sounds(blocks, rate, sounds, media, path.name, failed.get("audio"), has_stream=audio is not None)


def _decoded(streams: list[Any], container: Any, path: Path, failed: dict[str, MediaError]) -> Iterator[tuple[str, Any]]:
    """Kind and frame of what streams hold, as the file interleaves them; a stream in ``failed`` gives no more.

    What the decoder says of one stream lands in ``failed`` and concerns no other.
    """
    import av

    for stream in streams:
        if stream.codec_context is None:
            failed[stream.type] = MediaError(f"No decoder is at hand for the {stream.type} of {path.name}.", "unsupported")
        else:
            stream.thread_type, stream.thread_count = "NONE", 1
            stream.codec_context.options = STRICT
    for packet in container.demux(streams) if streams else ():
        kind = packet.stream.type
        if kind in failed:
            if all(stream.type in failed for stream in streams):
                return
            continue
        try:
            if packet.is_corrupt:
                raise av.InvalidDataError(errno.EILSEQ, "a damaged packet")
            for frame in packet.decode():
                if frame.is_corrupt:
                    raise av.InvalidDataError(errno.EILSEQ, "a frame with errors")
                yield kind, frame
        except av.InvalidDataError as error:
            failed[kind] = MediaError(f"The {kind} of {path.name} is damaged: {_words(error)}.", "damaged")
        except (av.FFmpegError, ValueError) as error:
            failed[kind] = fault_or_verdict(path, error)


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


def _finish_pictures(
    gatherers: list[PictureGatherer], media: Media, name: str, failure: MediaError | None, *, has_stream: bool
) -> None:
    if not has_stream:
        media.no_picture = MediaError(f"{name} has no video stream.", kind="no_video")
    elif failure is not None:
        media.no_picture = failure
    elif not all(gatherer.seen for gatherer in gatherers):
        media.no_picture = MediaError(f"{name} holds no decodable frame.", kind="no_video")
    else:
        for gatherer in gatherers:
            try:
                media.pictures[gatherer.ask] = gatherer.finish()
            except MediaError as error:
                media.pictures[gatherer.ask] = error


def _finish_sounds(
    blocks: list[tuple[float, NDArray[np.float32]]],
    rate: int,
    sounds: tuple[Waveform, ...],
    media: Media,
    name: str,
    failure: MediaError | None,
    *,
    has_stream: bool,
) -> None:
    if not has_stream:
        media.no_sound = MediaError(f"{name} has no audio stream.", kind="no_audio")
    elif failure is not None:
        media.no_sound = failure
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
    if start > 0 and len(blocks) > 1 and blocks[0][1].shape[1] < blocks[1][1].shape[1]:
        # Opus priming was cut off the first block, whose time is thereby rounded twice; the next one's is rounded once
        second = blocks[1][0] - blocks[0][1].shape[1] / rate
        start = second if abs(second - start) < TICK else start
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
    partial = path.with_name(f".avbench-{os.getpid()}-{secrets.token_hex(4)}{path.suffix}")
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
