"""What was asked (``Prompt``) and the one file that answers it (``Clip``)."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from avbench.errors import MediaError
from avbench.feature import Array, Frames, ImageReference, PromptText, Read, SpeakerReference, Waveform
from avbench.media import Media, decode, fault_or_verdict, read_image, read_waveform, require_file


@dataclass(frozen=True)
class Prompt:
    """What a model was asked to make.

    Args:
        id: unique within the benchmark; clips are paired by it, never by position.
        text: the whole scene in words.
        audio_text: the sound in words.
        audio_texts: the same as a list, where the benchmark describes several sounds one by one.
        speech: the words to be spoken, in order of the speakers.
        speaker: audio file with the reference voice.
        image: first-frame picture.
        categories: tags for break-downs.
        events: ground-truth event times in seconds, where the world is known.
        cluster: what varies together (several seeds of one prompt); empty means the id itself.
        expected: facts of the ground truth by name (seconds, colour, f0 ...), where known.
    """

    id: str
    text: str = ""
    audio_text: str = ""
    audio_texts: tuple[str, ...] = ()
    speech: tuple[str, ...] = ()
    speaker: Path | None = None
    image: Path | None = None
    categories: tuple[str, ...] = ()
    events: tuple[float, ...] = ()
    cluster: str = ""
    expected: tuple[tuple[str, str], ...] = field(default=())


def file_digest(path: Path) -> str:
    """sha256 of a file's bytes, read in blocks.

    Raises:
        MediaError: it cannot be read, or is no regular file.
        MachineFault: the machine fails, not the file.
    """
    try:
        require_file(path)
        with path.open("rb") as stream:
            return hashlib.file_digest(stream, "sha256").hexdigest()
    except OSError as error:
        raise fault_or_verdict(path, error) from error


class Clip:
    """One file that answers one prompt.

    ``decode(reads)`` opens the file once and fills every requested form; ``frames`` and ``waveform`` then return from
    that shared pass. Asking for a form that was not declared is an error of the feature, not of the clip.
    """

    def __init__(self, path: Path, prompt: Prompt, audio_path: Path | None = None) -> None:
        self.path, self.prompt, self.audio_path = path, prompt, audio_path
        self._media: Media | None = None
        self._digest = ""

    @property
    def id(self) -> str:
        """The prompt's id."""
        return self.prompt.id

    @property
    def digest(self) -> str:
        """sha256 of the file (and of its side-car audio); raises ``MediaError`` where it cannot be read."""
        if not self._digest:
            self._digest = file_digest(self.path)
            if self.audio_path is not None:
                self._digest = hashlib.sha256((self._digest + file_digest(self.audio_path)).encode()).hexdigest()
        return self._digest

    def decode(self, reads: tuple[Read, ...]) -> Media:
        """Open the file once and keep what ``reads`` asks for; raises ``MediaError`` where it is no media file."""
        self._media = decode(self.path, reads, audio_path=self.audio_path)
        return self._media

    def release(self) -> None:
        """Forget the decoded arrays."""
        self._media = None

    def frames(self, ask: Frames) -> tuple[Array, Array]:
        """Pictures as ``ask`` wants them.

        Returns:
            uint8 array (time, height, width, 3), or (time, height, width) if gray; and float64 seconds (time,).

        Raises:
            MediaError: no video stream, or undecodable.
        """
        if self._media is None:
            self.decode((ask,))
        assert self._media is not None
        return self._media.frames(ask)

    def waveform(self, ask: Waveform) -> tuple[Array, int]:
        """Mono sound as ``ask`` wants it: float32 (samples,) with time 0 shared with the picture, and its rate in Hz.

        Raises:
            MediaError: no audio stream, or undecodable.
        """
        if self._media is None:
            self.decode((ask,))
        assert self._media is not None
        return self._media.waveform(ask)

    def speaker(self, rate: int) -> Array:
        """The prompt's reference voice, float32 (samples,) at ``rate`` Hz; raises ``MediaError`` where there is none."""
        if self.prompt.speaker is None:
            raise MediaError("The prompt names no reference voice.", kind="not_applicable")
        return np.asarray(read_waveform(self.prompt.speaker, rate))

    def image(self) -> Array:
        """The prompt's reference picture, uint8 RGB (height, width, 3); raises ``MediaError`` where none can be read."""
        if self.prompt.image is None:
            raise MediaError("The prompt names no reference picture.", kind="not_applicable")
        return read_image(self.prompt.image)

    def read_digest(self, reads: tuple[Read, ...]) -> str:
        """Digest of just what ``reads`` touches: the clip's bytes, and the prompt's words or voice if they are read."""
        parts = []
        if any(isinstance(r, Frames | Waveform) for r in reads):
            parts.append(self.digest)
        for read in reads:
            if isinstance(read, SpeakerReference):
                parts.append(file_digest(self.prompt.speaker) if self.prompt.speaker else "none")
            elif isinstance(read, ImageReference):
                parts.append(file_digest(self.prompt.image) if self.prompt.image else "none")
            elif isinstance(read, PromptText):
                parts.append(repr((self.prompt.text, self.prompt.audio_text, self.prompt.audio_texts, self.prompt.speech)))
        return hashlib.sha256("\n".join(parts).encode()).hexdigest()
