"""What may see what: padding, blocked cross-modal attention, dropped conditions."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields, replace

import torch
from torch import Tensor


@dataclass(frozen=True)
class Masks:
    """Per-sample switches of one forward pass; ``None`` means nowhere.

    Args:
        alignment: bool (batch,), true where video and audio may not see each other.
        drop_text: bool (batch,), true where text and voices are withheld.
        drop_timbre: bool (batch,) or (batch, spans), true where voices are withheld.
        video_valid: bool (batch, video tokens), false on padding; all false where a sample has no video.
        audio_valid: bool (batch, audio tokens), alike.
    """

    alignment: Tensor | None = None
    drop_text: Tensor | None = None
    drop_timbre: Tensor | None = None
    video_valid: Tensor | None = None
    audio_valid: Tensor | None = None

    def everywhere(self, name: str, batch: int, device: torch.device) -> Masks:
        """This mask with the switch ``name`` on for the whole batch."""
        return replace(self, **{name: torch.ones(batch, dtype=torch.bool, device=device)})


UNMASKED = Masks()


def stacked(masks: Sequence[Masks], batch: int, device: torch.device) -> Masks:
    """The masks of copies of one batch laid end to end."""
    return Masks(**{f.name: _stacked([getattr(m, f.name) for m in masks], batch, device) for f in fields(Masks)})


def _stacked(parts: Sequence[Tensor | None], batch: int, device: torch.device) -> Tensor | None:
    known = [part for part in parts if part is not None]
    if not known:
        return None
    shape = max((part.shape for part in known), key=len)
    off = torch.zeros(batch, dtype=torch.bool, device=device)
    filled = [off if part is None else part for part in parts]
    return torch.cat([part.reshape(part.shape + (1,) * (len(shape) - part.dim())).expand(shape) for part in filled])


def bias_of(allowed: Tensor | None, dtype: torch.dtype) -> Tensor | None:
    """Scores to add: 0 where allowed, else so low that the softmax gives exactly 0 yet no NaN where nothing is allowed."""
    if allowed is None:
        return None
    return allowed.new_zeros(allowed.shape, dtype=dtype).masked_fill(~allowed, torch.finfo(dtype).min / 2)


def keys_allowed(valid: Tensor | None) -> Tensor | None:
    """Padding (batch, keys) as (batch, 1, 1, keys)."""
    return None if valid is None else valid[:, None, None]


def joint_allowed(lengths: Sequence[int], valid: Sequence[Tensor | None], alignment: Tensor | None) -> Tensor | None:
    """Who may see whom among streams laid end to end, bool (batch, 1, 1 or N, N); the first two streams are video and audio.

    Args:
        lengths: tokens of every stream.
        valid: padding of every stream, or ``None`` where none is padded.
        alignment: bool (batch,), true where video and audio are kept apart; every other pair of streams still meets.
    """
    known = next((part for part in (*valid, alignment) if part is not None), None)
    if known is None:
        return None
    on = [known.new_ones(known.shape[0], n) if part is None else part for part, n in zip(valid, lengths, strict=True)]
    allowed = torch.cat(on, dim=1)[:, None, None]
    if alignment is None:
        return allowed
    stream = torch.repeat_interleave(torch.arange(len(lengths)), torch.tensor(lengths)).to(known.device)
    across = (stream[:, None] != stream[None]) & (stream[:, None] < 2) & (stream[None] < 2)
    return allowed & ~(across & alignment[:, None, None, None])


def source_open(source: Tensor, valid: Tensor | None, alignment: Tensor | None) -> Tensor | None:
    """Whether a clip has anything to read in the other modality, bool (batch, 1, 1); ``None`` where all have.

    Args:
        source: the other modality's latents (batch, tokens, channels).
        valid: their padding.
        alignment: bool (batch,), true where video and audio are kept apart.
    """
    if not source.shape[1]:
        return torch.zeros(source.shape[0], 1, 1, dtype=torch.bool, device=source.device)
    some, apart = None if valid is None else valid.any(1), alignment
    if apart is None:
        return None if some is None else some[:, None, None]
    return (~apart if some is None else some & ~apart)[:, None, None]
