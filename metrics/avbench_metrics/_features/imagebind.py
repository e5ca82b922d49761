"""ImageBind's embeddings of a clip: its words, its sound, its picture. One network serves all of them.

Where ``protocol`` can be chosen, ``official`` keeps what JavisBench's published scores were computed with and ``fixed`` mends its
slips; see ``networks.imagebind_input``.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, Literal

import numpy as np

from avbench import weights
from avbench.clip import Clip
from avbench.errors import Unscorable
from avbench.feature import Array, Feature, Frames, PromptText, Read, Waveform
from avbench_metrics._features.clock import frame_rate, samples_at_16_khz

Protocol = Literal["official", "fixed"]
Column = Literal["text", "audio_text"]

NAME = "imagebind_huge"
LICENCE = "CC BY-NC-SA 4.0 (weights of ImageBind: no commercial use)"
PACKAGES = ("torch", "torchaudio", "open_clip")
SOURCE = "Girdhar et al., arXiv 2305.05665; "
AT_ONCE = 8  # pictures, clips of video or of sound in one pass: about 1 GB with the official size


def _embed(device: str, modality: str) -> Callable[[Any], Array]:
    """From inputs (N, ...) to embeddings float32 (N, D), a few at a time."""
    import torch

    from avbench_metrics._features.networks import imagebind

    network = weights.network(NAME, imagebind.empty, imagebind.tiny, device, _single_precision)

    def embed(inputs: Array) -> Array:
        parts = []
        with torch.inference_mode():
            for start in range(0, len(inputs), AT_ONCE):
                part = torch.from_numpy(inputs[start : start + AT_ONCE]).to(device)
                part = part.unsqueeze(1) if part.ndim == 5 else part  # a video needs its axis of clips
                parts.append(network.embed(modality, part).float().cpu().numpy())
        return np.concatenate(parts)

    return embed


def _single_precision(content: dict[str, Any]) -> Mapping[str, Any]:
    """The file's tensors become the network's own, so they must have its precision."""
    return {name: tensor.float() for name, tensor in content.items()}


def _sound_reads(protocol: Protocol) -> tuple[Waveform, ...]:
    return (Waveform(first_channel=True), Waveform()) if protocol == "official" else (Waveform(),)


def _sound(clip: Clip, protocol: Protocol) -> Array:
    """Channels (1 or 2, n) at 16 kHz as ``imagebind_input`` wants them.

    ``official`` looks at the first channel but subtracts the mean of all. Two channels of the same mean mix, the first of them the
    file's first, give just that whatever the number of channels.
    """
    from avbench_metrics._features.networks.imagebind_input import resampled

    mix, rate = clip.waveform(Waveform())
    if not len(mix):
        raise Unscorable("The audio stream is empty.", "no_audio")
    if protocol == "fixed":
        return resampled(mix[None], rate)
    first, _ = clip.waveform(Waveform(first_channel=True))
    channels = mix[None] if np.array_equal(first, mix) else np.stack([first, 2 * mix - first])
    return resampled(channels, rate)


@dataclass(frozen=True)
class ImageBindText(Feature):
    """Embedding of the prompt's words, float32 (D,).

    Args:
        column: which words.
        protocol: whether words beyond 75 byte pairs cost the end token, so that all long prompts get one embedding (``official``).
    """

    libraries: ClassVar[tuple[str, ...]] = ("open_clip_torch",)
    column: Column = "text"
    protocol: Protocol = "fixed"

    @property
    def reads(self) -> tuple[Read, ...]:
        """The prompt's words."""
        return (PromptText(),)

    @property
    def weights(self) -> tuple[str, ...]:
        """See ``Feature``."""
        return (NAME,)

    def prepare(self, clip: Clip) -> Array:
        """Token ids, int64 (1, 77); raises ``Unscorable`` where there are no words."""
        from avbench_metrics._features.networks.imagebind_input import text_ids

        words: str = getattr(clip.prompt, self.column)
        if not words.strip():
            raise Unscorable(f"The prompt has no {self.column}.")
        return text_ids([words], self.protocol)

    def load(self, device: str) -> Callable[[Sequence[Array]], Sequence[Array]]:
        """See the class."""
        embed = _embed(device, "text")
        return lambda batch: list(embed(np.concatenate(batch)))


@dataclass(frozen=True)
class ImageBindSound(Feature):
    """Mean embedding of three clips of 2 s spread over the sound, float32 (D,), not normalised again."""

    protocol: Protocol = "fixed"

    @property
    def reads(self) -> tuple[Read, ...]:
        """Sound at the file's rate; ``official`` also its first channel."""
        return _sound_reads(self.protocol)

    @property
    def weights(self) -> tuple[str, ...]:
        """See ``Feature``."""
        return (NAME,)

    def prepare(self, clip: Clip) -> Array:
        """Spectrograms, float32 (3, 1, 128, 204); raises ``Unscorable`` under 25 ms."""
        from avbench_metrics._features.networks.imagebind_input import audio_clips

        return audio_clips(_sound(clip, self.protocol), self.protocol)

    def load(self, device: str) -> Callable[[Sequence[Array]], Sequence[Array]]:
        """See the class."""
        embed = _embed(device, "audio")
        return lambda batch: [embed(spectra).mean(axis=0) for spectra in batch]


@dataclass(frozen=True)
class ImageBindWindows(Feature):
    """Embeddings of the sound of JavisScore's windows, float32 (windows, D); which they are follows from ``Clock``."""

    batch_size: ClassVar[int] = 4
    protocol: Protocol = "fixed"

    @property
    def reads(self) -> tuple[Read, ...]:
        """The times of all frames, and sound as ``ImageBindSound``."""
        return (Frames(), *_sound_reads(self.protocol))

    @property
    def weights(self) -> tuple[str, ...]:
        """See ``Feature``."""
        return (NAME,)

    def prepare(self, clip: Clip) -> Array:
        """Spectrograms, float32 (windows, 1 or 3, 1, 128, 204): the three clips of a window of 2 s are one and the same."""
        from avbench_metrics._features.networks.imagebind_input import CLIP_SECONDS, RATE, audio_windows
        from avbench_metrics._maths.javis_score import windows

        seconds = clip.frames(Frames())[1]
        samples, rate = clip.waveform(Waveform())
        pairs = windows(len(seconds), frame_rate(seconds), samples_at_16_khz(len(samples), rate), self.protocol)
        spectra = audio_windows(_sound(clip, self.protocol), pairs.audio, pairs.samples, self.protocol)
        return spectra[:, :1] if pairs.samples <= CLIP_SECONDS * RATE else spectra

    def load(self, device: str) -> Callable[[Sequence[Array]], Sequence[Array]]:
        """See the class."""
        embed = _embed(device, "audio")

        def windows(spectra: Array) -> Array:
            return np.asarray(embed(spectra.reshape(-1, *spectra.shape[2:])).reshape(*spectra.shape[:2], -1).mean(axis=1))

        return lambda batch: [windows(spectra) for spectra in batch]


@dataclass(frozen=True)
class ImageBindVideo(Feature):
    """Mean embedding of clips of two frames at three places each, float32 (D,), not normalised again.

    Args:
        sampling: ``clips``: first and last frame of five clips of 2 s, as ImageBind itself does. ``pairs``: neighbours at half a
            frame per second, as av-benchmark does.
        spare: seconds at the end that ``pairs`` leaves out.
        seconds: how much ``pairs`` sees, which refuses what gives fewer frames; None: the clip's own length.
    """

    batch_size: ClassVar[int] = 2
    sampling: Literal["clips", "pairs"] = "clips"
    spare: float = 0.0
    seconds: float | None = None

    @property
    def reads(self) -> tuple[Read, ...]:
        """Every frame as it is."""
        return (Frames(),)

    @property
    def weights(self) -> tuple[str, ...]:
        """See ``Feature``."""
        return (NAME,)

    def prepare(self, clip: Clip) -> Array:
        """float32 (places, 3, 2, 224, 224); raises ``Unscorable`` where the clip is too short."""
        from avbench_metrics._features.networks import imagebind_input as given

        frames, seconds = clip.frames(Frames())
        rate = frame_rate(seconds)
        if self.sampling == "clips":
            return given.video_clips(frames[given.video_frames(len(frames), rate)])
        length = len(frames) / rate - self.spare
        if self.seconds is not None and length < 2 * int(self.seconds / 2) - 1:  # FFmpeg gives frames to the nearest tick
            raise Unscorable(f"The clip shows {length:.2f} s; {self.seconds:g} s are judged.", "too_short")
        return given.sliding_pairs(frames[given.slow_frames(seconds, self.seconds or length)])

    def load(self, device: str) -> Callable[[Sequence[Array]], Sequence[Array]]:
        """See the class."""
        embed = _embed(device, "vision")
        return lambda batch: [embed(clips).mean(axis=0) for clips in batch]


@dataclass(frozen=True)
class ImageBindFrames(Feature):
    """Embeddings of all frames, each by itself, float32 (frames, D)."""

    batch_size: ClassVar[int] = 1

    @property
    def reads(self) -> tuple[Read, ...]:
        """Every frame as it is."""
        return (Frames(),)

    @property
    def weights(self) -> tuple[str, ...]:
        """See ``Feature``."""
        return (NAME,)

    def prepare(self, clip: Clip) -> Array:
        """Squares, uint8 (frames, 224, 224, 3)."""
        from avbench_metrics._features.networks.imagebind_input import squares

        return squares(clip.frames(Frames())[0])

    def load(self, device: str) -> Callable[[Sequence[Array]], Sequence[Array]]:
        """See the class."""
        from avbench_metrics._features.networks.imagebind_input import normalised

        embed = _embed(device, "vision")

        def frames(cut: Array) -> Array:
            parts = [embed(normalised(cut[start : start + AT_ONCE])) for start in range(0, len(cut), AT_ONCE)]
            return np.concatenate(parts)

        return lambda batch: [frames(cut) for cut in batch]
