"""Microsoft CLAP's embeddings of a clip's sound and of its prompt.

``official`` follows av-benchmark's use of github.com/microsoft/CLAP; where that draws a random place, the clip's digest seeds the
draw.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, Literal

import numpy as np

from avbench import weights
from avbench.clip import Clip
from avbench.errors import Unscorable
from avbench.feature import Array, Feature, PromptText, Read, Waveform

Protocol = Literal["official", "fixed"]

NAME, TOKENIZER = "ms_clap_2023", "gpt2_tokenizer"
RATE, SECONDS, HOP = 44_100, 7, 320
LENGTH = SECONDS * RATE
LONGEST, END = 77, " <|endoftext|>"


def _network(device: str) -> Any:
    from avbench_metrics._features.networks import ms_clap

    return weights.network(NAME, ms_clap.build, ms_clap.tiny, device, ms_clap.convert)


def _ids(text: str) -> list[int]:
    """Byte pairs of the text and its end mark; with stand-ins hashed words and the last id."""
    from avbench_metrics._features.networks import clap_input, ms_clap

    if weights.stands_in(TOKENIZER):
        return [*clap_input.HashedWords(ms_clap.TINY_VOCABULARY - 1)(text)[1:-1], ms_clap.TINY_VOCABULARY - 1]

    def read() -> clap_input.Tokenizer:
        return clap_input.Tokenizer(weights.paths(TOKENIZER)["tokenizer.json"])

    tokenizer: clap_input.Tokenizer = weights.shared((TOKENIZER,), TOKENIZER, read)
    return tokenizer(text + END)


def cut(ids: list[int], protocol: Protocol) -> tuple[list[int], int]:
    """At most 77 ids, and the place where the text is read.

    ``official`` cuts the end mark off with the rest and counts the ids that are not 0 to find the last one; as 0 is also an
    exclamation mark, each of these moves the place one forward. ``fixed`` keeps the end mark and reads there.
    """
    if protocol == "official":
        kept = ids[:LONGEST]
        return kept, max(sum(i != 0 for i in kept) - 1, 0)
    kept = ids if len(ids) <= LONGEST else [*ids[: LONGEST - 1], ids[-1]]
    return kept, len(kept) - 1


@dataclass(frozen=True)
class MsClapText(Feature):
    """Embedding of the prompt's sound in words, float32 (1024,)."""

    libraries: ClassVar[tuple[str, ...]] = ("transformers",)
    protocol: Protocol = "fixed"

    @property
    def reads(self) -> tuple[Read, ...]:
        """The prompt's words."""
        return (PromptText(),)

    @property
    def weights(self) -> tuple[str, ...]:
        """The network's and the tokenizer's."""
        return (NAME, TOKENIZER)

    def prepare(self, clip: Clip) -> tuple[Array, int]:
        """Token ids, int64 (1, at most 77), and the place to read; raises ``Unscorable`` where there are no words."""
        if not clip.prompt.audio_text.strip():
            raise Unscorable("The prompt describes no sound.")
        ids, place = cut(_ids(clip.prompt.audio_text), self.protocol)
        return np.asarray([ids], dtype=np.int64), place

    def load(self, device: str) -> Callable[[Sequence[tuple[Array, int]]], Sequence[Array]]:
        """Text by text, so that none is padded."""
        import torch

        network = _network(device)

        def embed(ids: Array, place: int) -> Array:
            with torch.inference_mode():
                return np.asarray(network.text(torch.from_numpy(ids).to(device), place)[0].cpu().numpy())

        return lambda batch: [embed(*row) for row in batch]


@dataclass(frozen=True)
class MsClapSound(Feature):
    """Embedding of the sound, float32 (1024,), with ``fixed`` the mean over pieces of 7 s, each of length 1."""

    libraries: ClassVar[tuple[str, ...]] = ("transformers",)
    batch_size: ClassVar[int] = 4
    protocol: Protocol = "fixed"

    @property
    def reads(self) -> tuple[Read, ...]:
        """Sound at the file's rate; ``official`` also its first channel."""
        return (Waveform(first_channel=True), Waveform()) if self.protocol == "official" else (Waveform(),)

    @property
    def weights(self) -> tuple[str, ...]:
        """See ``Feature``."""
        return (NAME,)

    def prepare(self, clip: Clip) -> Array:
        """Spectra, float32 (pieces, 1, 965, 64); raises ``Unscorable`` where there is no sound."""
        from avbench_metrics._features.networks.clap_input import log_mel

        samples, rate = clip.waveform(Waveform())
        if not len(samples):
            raise Unscorable("The audio stream is empty.", "no_audio")
        if self.protocol == "official":
            first = clip.waveform(Waveform(first_channel=True))[0]
            both = samples[None] if np.array_equal(first, samples) else np.stack([first, 2 * samples - first])
            samples = _resampled(both, rate).reshape(-1)  # one channel after the other
        else:
            samples = _resampled(samples, rate)
        if len(samples) <= LENGTH:
            pieces = [np.tile(samples, -(-LENGTH // len(samples)))[:LENGTH]]
        elif self.protocol == "official":
            start = int(np.random.default_rng(int(clip.digest[:16], 16)).integers(0, len(samples) - LENGTH))
            pieces = [samples[start : start + LENGTH]]
        else:
            starts = [*range(0, len(samples) - LENGTH, LENGTH), len(samples) - LENGTH]
            pieces = [samples[start : start + LENGTH] for start in starts]
        return np.stack([log_mel(piece, "slaney", RATE, HOP)[None] for piece in pieces])

    def load(self, device: str) -> Callable[[Sequence[Array]], Sequence[Array]]:
        """Piece by piece."""
        import torch

        network = _network(device)

        def embed(spectra: Array) -> Array:
            with torch.inference_mode():
                found = torch.cat([network.sound(torch.from_numpy(piece[None]).to(device)) for piece in spectra])
            return np.asarray(torch.nn.functional.normalize(found, dim=-1).mean(dim=0).cpu().numpy())

        return lambda batch: [embed(spectra) for spectra in batch]


def _resampled(samples: Array, rate: int) -> Array:
    """By torchaudio's windowed sinc, as the official code does."""
    import torch

    from avbench.compat import mend_torch

    if rate == RATE:
        return samples
    mend_torch()
    from torchaudio.functional import resample

    return np.asarray(resample(torch.from_numpy(np.ascontiguousarray(samples)), rate, RATE).numpy())
