"""LAION CLAP's embeddings of a clip's sound and of its prompt, as several benchmarks take them.

Where the official code draws a random place of a sound of more than 10 s, the clip's digest seeds the draw here, so that a clip
always gets the same number; the official code's differs from run to run.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, Literal

import numpy as np

from avbench import weights
from avbench.clip import Clip, Prompt
from avbench.errors import Unscorable
from avbench.feature import Array, Feature, PromptText, Read, Waveform
from avbench_metrics._features.mono_sound import KAISER_BEST, av_benchmark_sound, sinc

Recipe = Literal["fixed", "javisbench", "av_benchmark", "verse_bench", "mova"]

UNFUSED, FUSION, BASE = "clap_htsat_unfused", "clap_630k_audioset_fusion", "clap_music_speech_audioset"
TOKENIZER = "roberta_base_tokenizer"
CHECKPOINTS: dict[str, str] = {
    "fixed": UNFUSED,
    "javisbench": UNFUSED,
    "av_benchmark": BASE,
    "verse_bench": FUSION,
    "mova": FUSION,
}
RATES: dict[str, int | None] = {"fixed": 48_000, "javisbench": None, "av_benchmark": None, "verse_bench": 48_000, "mova": 32_000}
RATE = 48_000
TRAINED_LENGTH = 77  # token ids of a text in training
LICENCE = "Apache-2.0 (weights)"
LICENCE_OF_LAION = "unknown (weights of lukewys/laion_clap; their code is CC0-1.0)"
PACKAGES = ("torch", "transformers", "tokenizers")
SOURCE = "Wu et al., arXiv 2211.06687; "
NO_SOUND = re.compile(r"(there (is|are) )?no( \w+){0,2} (sounds?|audio|noises?|music)\W*", re.IGNORECASE)


def _network(recipe: Recipe, device: str) -> Any:
    from avbench_metrics._features.networks import clap

    name = CHECKPOINTS[recipe]
    if name == UNFUSED:
        return weights.network(name, clap.unfused, clap.tiny, device, clap.from_transformers)
    if name == FUSION:
        return weights.network(name, clap.fusion, clap.tiny_fusion, device, clap.from_laion)
    return weights.network(name, clap.base, clap.tiny, device, clap.from_laion)


def _tokenizer() -> Callable[[str], list[int]]:
    from avbench_metrics._features.networks import clap, clap_input

    if weights.stands_in(TOKENIZER):
        return clap_input.HashedWords(clap.TINY_VOCABULARY)

    def read() -> clap_input.Tokenizer:
        return clap_input.Tokenizer(weights.paths(TOKENIZER)["tokenizer.json"])

    tokenizer: Callable[[str], list[int]] = weights.shared((TOKENIZER,), TOKENIZER, read)
    return tokenizer


def texts(prompt: Prompt, recipe: Recipe) -> tuple[str, ...]:
    """What is compared with the sound.

    ``fixed``: each described sound that is one; ``verse_bench``: the first described sound, be it empty; ``mova``: the whole scene;
    others: the sound in words. Raises ``Unscorable`` where there is none.
    """
    if recipe == "mova":
        found: tuple[str, ...] = (prompt.text,)
    elif recipe == "verse_bench" and prompt.audio_texts:
        return prompt.audio_texts[:1]
    elif recipe == "fixed":
        found = tuple(text for text in prompt.audio_texts or (prompt.audio_text,) if not NO_SOUND.fullmatch(text.strip()))
    else:
        found = (prompt.audio_text,)
    found = tuple(text for text in found if text.strip())
    if not found:
        raise Unscorable("The prompt describes no scene in words." if recipe == "mova" else "The prompt describes no sound.")
    return found


@dataclass(frozen=True)
class ClapText(Feature):
    """Embeddings of the prompt's texts (see ``texts``), float32 (texts, 512), each of length 1."""

    libraries: ClassVar[tuple[str, ...]] = ("transformers",)
    recipe: Recipe = "fixed"

    @property
    def reads(self) -> tuple[Read, ...]:
        """The prompt's words."""
        return (PromptText(),)

    @property
    def weights(self) -> tuple[str, ...]:
        """The network's and the tokenizer's."""
        return (CHECKPOINTS[self.recipe], TOKENIZER)

    def prepare(self, clip: Clip) -> list[Array]:
        """Token ids, int64 (1, at most 512) of each text; raises ``Unscorable`` for none, or for too many (``javisbench``)."""
        from avbench_metrics._features.networks.clap import LONGEST_TEXT
        from avbench_metrics._features.networks.clap_input import cut

        tokenizer = _tokenizer()
        all_ids = [tokenizer(text) for text in texts(clip.prompt, self.recipe)]
        if self.recipe != "javisbench":
            all_ids = [cut(ids, TRAINED_LENGTH) for ids in all_ids]
        longest = max(map(len, all_ids))
        if longest > LONGEST_TEXT:
            raise Unscorable(f"A text of {longest} tokens is longer than the {LONGEST_TEXT} that the network takes.", "too_long")
        return [np.asarray([ids], dtype=np.int64) for ids in all_ids]

    def load(self, device: str) -> Callable[[Sequence[list[Array]]], Sequence[Array]]:
        """Text by text, so that none is padded."""
        import torch

        from avbench_metrics._features.networks.clap import embed_text

        network = _network(self.recipe, device)

        def embed(rows: list[Array]) -> Array:
            with torch.inference_mode():
                return np.concatenate([embed_text(network, torch.from_numpy(ids).to(device)).cpu().numpy() for ids in rows])

        return lambda batch: [embed(rows) for rows in batch]


@dataclass(frozen=True)
class ClapSound(Feature):
    """Embedding of the sound, float32 (512,): of length 1, or with ``fixed`` the mean over pieces of 10 s.

    Args:
        recipe: whose way of hearing.
        seconds: how much ``av_benchmark`` hears, which refuses less; the others hear all.
    """

    version: ClassVar[int] = 2
    libraries: ClassVar[tuple[str, ...]] = ("transformers",)
    batch_size: ClassVar[int] = 4
    recipe: Recipe = "fixed"
    seconds: float = 8.0

    @property
    def reads(self) -> tuple[Read, ...]:
        """Mono sound at 48 kHz; ``javisbench`` and ``av_benchmark`` at the file's rate, ``mova`` at 32 kHz."""
        return (Waveform(RATES[self.recipe]),)

    @property
    def weights(self) -> tuple[str, ...]:
        """See ``Feature``."""
        return (CHECKPOINTS[self.recipe],)

    def prepare(self, clip: Clip) -> tuple[Array, bool]:
        """Spectra, float32 (pieces, 1 or 4, 1001, 64), and whether they are to be fused; raises ``Unscorable`` for no sound."""
        from avbench_metrics._features.networks import clap_input as given

        generator = np.random.default_rng(int(clip.digest[:16], 16))
        if self.recipe == "av_benchmark":
            return given.one_piece(av_benchmark_sound(clip, RATE, self.seconds), generator), False
        samples, rate = clip.waveform(Waveform(RATES[self.recipe]))
        if self.recipe == "fixed":
            return given.all_pieces(samples), False
        if self.recipe in ("verse_bench", "mova"):
            return given.four_views(given.to_full_scale(samples), generator)
        if len(samples):
            samples = sinc(samples, rate, RATE, KAISER_BEST)
        return given.one_piece(samples, generator), False

    def load(self, device: str) -> Callable[[Sequence[tuple[Array, bool]]], Sequence[Array]]:
        """Clip by clip: the batch of a fused sound matters to no other."""
        import torch

        from avbench_metrics._features.networks.clap import embed_sound

        network = _network(self.recipe, device)

        def embed(spectra: Array, longer: bool) -> Array:
            with torch.inference_mode():
                parts = [embed_sound(network, torch.from_numpy(piece[None]).to(device), longer).cpu().numpy() for piece in spectra]
            return np.asarray(np.concatenate(parts).mean(axis=0))

        return lambda batch: [embed(*prepared) for prepared in batch]
