"""The context: words, and in their midst the voices that are to say them.

Source: Timbre-in-Context Conditioning, NAVA (arXiv 2605.30073), equations 7 to 9.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional

from avbench_baselines._networks.configuration import Sizes
from avbench_baselines._networks.masks import Masks
from avbench_baselines._networks.vocabulary import PAD, VOICE


@dataclass(frozen=True)
class Context:
    """What a batch of clips is asked for.

    Args:
        words: int64 (batch, words), ``PAD`` behind; or float (batch, words, text channels), features of a text encoder with rows of
            zeros behind.
        spans: int64 (batch, speakers), the place of the <speech> marker whose next place takes the i-th voice; -1 for none.
        voices: float (batch, speakers, voice channels), speaker embeddings; all zero for an unknown voice.
    """

    words: Tensor
    spans: Tensor
    voices: Tensor

    def repeated(self, times: int) -> Context:
        """``times`` copies of the batch end to end."""
        return Context(*(torch.cat([part] * times) for part in (self.words, self.spans, self.voices)))


class ContextEmbedding(nn.Module):
    """Words and voices to context tokens.

    With an own word table, words get learned places and see their neighbours, which a text encoder would have shown them. An
    absent, dropped or unknown voice is the learned null voice, in training as in use; a dropped or empty text is the learned
    null text alone.
    """

    def __init__(self, sizes: Sizes, width: int) -> None:
        super().__init__()
        channels = sizes.text_channels
        self.longest, self.binding = sizes.words, sizes.binding
        self.words = nn.Embedding(sizes.vocabulary, channels) if sizes.vocabulary else None
        if sizes.vocabulary:
            self.places = nn.Parameter(0.5 * torch.randn(sizes.words, channels))
            self.neighbours = nn.Conv1d(channels, channels, 3, padding=1)
        self.text = nn.Sequential(nn.Linear(channels, width), nn.GELU(approximate="tanh"), nn.Linear(width, width))
        voice = sizes.voice_channels
        self.timbre = nn.Sequential(
            nn.LayerNorm(voice), nn.Linear(voice, width), nn.SiLU(), nn.Linear(width, width), nn.LayerNorm(width)
        )
        self.null_voice = nn.Parameter(torch.zeros(width))
        self.null_text = nn.Parameter(torch.zeros(width))

    def forward(self, context: Context, masks: Masks) -> tuple[Tensor, Tensor]:
        """Context tokens (batch, words, width) and which of them count, bool (batch, words).

        Raises:
            ValueError: more words than the configuration allows, or none.
        """
        count = context.words.shape[1]
        if not 0 < count <= self.longest:
            raise ValueError(f"A context of {count} words; this network takes 1 to {self.longest}.")
        valid = context.words != PAD if self.words is not None else context.words.abs().amax(-1) > 0
        tokens = self._voiced(self.text(self._read(context.words, valid)), context, masks)
        dropped = ~valid.any(1) if masks.drop_text is None else masks.drop_text | ~valid.any(1)
        first = torch.arange(count, device=valid.device) == 0
        tokens = torch.where((dropped[:, None] & first)[..., None], self.null_text, tokens)
        return tokens, torch.where(dropped[:, None], first, valid)

    def _read(self, words: Tensor, valid: Tensor) -> Tensor:
        if self.words is None:
            return words
        x = (self.words(words) + self.places[: words.shape[1]]) * valid[..., None]
        return x + functional.silu(self.neighbours(x.transpose(1, 2)).transpose(1, 2))

    def _voiced(self, tokens: Tensor, context: Context, masks: Masks) -> Tensor:
        """The tokens with voices, or the null voice, in the places that are theirs."""
        known = context.voices.abs().amax(-1) > 0
        if (drop := masks.drop_timbre) is not None:
            known = known & ~(drop if drop.dim() == 2 else drop[:, None])
        voices = torch.where(known[..., None], self.timbre(context.voices), self.null_voice)
        places = torch.arange(tokens.shape[1], device=tokens.device)
        here = (context.spans[..., None] + 1 == places) & (context.spans[..., None] >= 0)  # (batch, speakers, words)
        written = here.to(voices.dtype).transpose(1, 2) @ voices
        bound = here.any(1)
        if self.words is not None:
            empty = (context.words == VOICE) & ~bound
            written, bound = torch.where(empty[..., None], self.null_voice, written), bound | empty
        return torch.where(bound[..., None], tokens + written if self.binding == "add" else written, tokens)
