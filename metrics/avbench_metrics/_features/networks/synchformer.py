"""Synchformer: by how many seconds picture and sound are apart (Iashin et al., arXiv 2401.16423).

A divided space-time transformer reads segments of picture, an audio spectrogram transformer segments of sound, and a small
transformer over the tokens of 14 segments chooses among 21 offsets. Parameter names are those of the checkpoint
``24-01-04T16-39-21`` as github.com/hkchengrex/av-benchmark loads it.
"""

from __future__ import annotations

from typing import cast

import torch
from torch import Tensor, nn
from torch.nn.functional import gelu, scaled_dot_product_attention

SEGMENTS, OFFSETS = 14, 21
FRAMES, SIDE, PATCH = 16, 224, 16
VIDEO_STEPS, CELLS = FRAMES // 2, (SIDE // PATCH) ** 2  # a patch spans two frames
BANDS, MEL_STEPS = 128, 66
STRIDE = 10  # of the 16 x 16 patches of the spectrogram
SOUND_ROWS, SOUND_STEPS = (BANDS - PATCH) // STRIDE + 1, (MEL_STEPS - PATCH) // STRIDE + 1
POSITIONS = 2 + SEGMENTS * (VIDEO_STEPS + SOUND_STEPS)


class Synchformer(nn.Module):
    """The whole network.

    Args:
        width: of every token.
        depths: blocks of the video encoder, of the sound encoder and of the head.
        heads: of attention in the two encoders; the head's transformer has ``head_heads``.
    """

    def __init__(self, width: int = 768, depths: tuple[int, int, int] = (12, 12, 3), heads: int = 12, head_heads: int = 8) -> None:
        super().__init__()
        self.vfeat_extractor = _VideoEncoder(width, depths[0], heads)
        self.afeat_extractor = _SoundEncoder(width, depths[1], heads)
        self.vproj, self.aproj = nn.Linear(width, width), nn.Linear(width, width)
        self.transformer = _Head(width, depths[2], head_heads)

    def video_tokens(self, segments: Tensor) -> Tensor:
        """Pictures, float32 (B, S, 16 frames at 25 fps, RGB, 224, 224) in -1..1, to tokens (B, S, 8, width)."""
        tokens: Tensor = self.vfeat_extractor(segments.flatten(0, 1).transpose(1, 2))
        return tokens.unflatten(0, segments.shape[:2])

    def sound_tokens(self, spectrograms: Tensor) -> Tensor:
        """Normalised log-mel segments, float32 (B, S, 128 bands, 66 steps of 10 ms), to tokens (B, S, 6, width)."""
        tokens: Tensor = self.afeat_extractor(spectrograms.flatten(0, 1).unsqueeze(1))
        return tokens.unflatten(0, spectrograms.shape[:2])

    def offset_logits(self, video: Tensor, sound: Tensor, cut_positions: bool = False) -> Tensor:
        """Tokens (B, S, 8, width) and (B, S, 6, width) of the same segments to logits (B, 21) over -2, -1.8 ... 2 s.

        Args:
            cut_positions: take fewer than 14 segments with the first rows of the positional table, as Verse-Bench does with
                11; sound tokens then sit on rows that were trained for video.

        Raises:
            ValueError: not 14 segments (with ``cut_positions``: more than 14), or another number of them in ``sound``.
        """
        count = video.shape[1]
        if count != sound.shape[1] or count > SEGMENTS or (count < SEGMENTS and not cut_positions):
            raise ValueError(f"{count} segments of video and {sound.shape[1]} of sound; the head takes {SEGMENTS} of each.")
        logits: Tensor = self.transformer(self.vproj(video.flatten(1, 2)), self.aproj(sound.flatten(1, 2)))
        return logits


class _VideoEncoder(nn.Module):
    """MotionFormer with divided attention, (N, RGB, 16, 224, 224) to (N, 8, width)."""

    def __init__(self, width: int, depth: int, heads: int) -> None:
        super().__init__()
        self.cls_token = nn.Parameter(torch.zeros(1, 1, width))
        self.pos_embed = nn.Parameter(torch.randn(1, 1 + CELLS, width) * 0.02)
        self.temp_embed = nn.Parameter(torch.randn(1, VIDEO_STEPS, width) * 0.02)
        # the checkpoint carries a patch embedding of single frames which nothing reads
        self.patch_embed = nn.ModuleDict({"proj": nn.Conv2d(3, width, PATCH, PATCH)})
        patch = (FRAMES // VIDEO_STEPS, PATCH, PATCH)
        self.patch_embed_3d = nn.ModuleDict({"proj": nn.Conv3d(3, width, patch, patch)})
        self.blocks = nn.ModuleList(_DividedBlock(width, heads) for _ in range(depth))
        self.norm = nn.LayerNorm(width, eps=1e-6)
        self.spatial_attn_agg = _Gather(width, heads)

    def forward(self, pictures: Tensor) -> Tensor:
        patches = self.patch_embed_3d["proj"](pictures).flatten(3).permute(0, 2, 3, 1)  # (N, 8, 196, width)
        patches = patches + self.pos_embed[:, None, 1:] + self.temp_embed[:, :, None]
        first = (self.cls_token + self.pos_embed[:, :1]).expand(len(pictures), -1, -1)
        tokens = torch.cat([first, patches.flatten(1, 2)], dim=1)
        for block in self.blocks:
            tokens = block(tokens)
        grid = self.norm(tokens[:, 1:]).unflatten(1, (VIDEO_STEPS, CELLS))
        return cast(Tensor, self.spatial_attn_agg(grid.flatten(0, 1))).unflatten(0, grid.shape[:2])


class _DividedBlock(nn.Module):
    def __init__(self, width: int, heads: int) -> None:
        super().__init__()
        self.norm1, self.norm2, self.norm3 = (nn.LayerNorm(width, eps=1e-6) for _ in range(3))
        self.attn, self.timeattn = _DividedAttention(width, heads), _DividedAttention(width, heads)
        self.mlp = nn.ModuleDict({"fc1": nn.Linear(width, 4 * width), "fc2": nn.Linear(4 * width, width)})

    def forward(self, tokens: Tensor) -> Tensor:
        tokens = tokens + self.timeattn(self.norm3(tokens), along_time=True)
        tokens = tokens + self.attn(self.norm1(tokens), along_time=False)
        return cast(Tensor, tokens + self.mlp["fc2"](gelu(self.mlp["fc1"](self.norm2(tokens)))))


class _DividedAttention(nn.Module):
    """Patches attend along one axis of the grid of time and place, and to the class token; that one attends to all."""

    def __init__(self, width: int, heads: int) -> None:
        super().__init__()
        self.heads = heads
        self.qkv, self.proj = nn.Linear(width, 3 * width), nn.Linear(width, width)

    def forward(self, tokens: Tensor, along_time: bool) -> Tensor:
        # each (N, heads, 1 + 8 * 196, width / heads)
        query, key, value = self.qkv(tokens).unflatten(2, (3, self.heads, -1)).permute(2, 0, 3, 1, 4)
        first = scaled_dot_product_attention(query[:, :, :1], key, value)
        keys, values = (_with_first(part, along_time) for part in (key, value))
        rest = scaled_dot_product_attention(_lines(query, along_time), keys, values)
        rest = (rest.transpose(2, 3) if along_time else rest).flatten(2, 3)
        return cast(Tensor, self.proj(torch.cat([first, rest], dim=2).transpose(1, 2).flatten(2)))


def _lines(tokens: Tensor, along_time: bool) -> Tensor:
    """Patches of (N, heads, 1 + 8 * 196, part) as lines of the grid: (N, heads, 196, 8, part) or (N, heads, 8, 196, part)."""
    grid = tokens[:, :, 1:].unflatten(2, (VIDEO_STEPS, CELLS))
    return grid.transpose(2, 3) if along_time else grid


def _with_first(tokens: Tensor, along_time: bool) -> Tensor:
    lines = _lines(tokens, along_time)
    return torch.cat([tokens[:, :, None, :1].expand(-1, -1, lines.shape[2], -1, -1), lines], dim=3)


class _SoundEncoder(nn.Module):
    """Audio spectrogram transformer, (N, 1, 128, 66) to (N, 6, width)."""

    def __init__(self, width: int, depth: int, heads: int) -> None:
        super().__init__()
        self.ast = _SpectrogramTransformer(width, depth, heads)
        self.freq_attn_agg = _Gather(width, heads)

    def forward(self, spectrograms: Tensor) -> Tensor:
        grid = self.ast(spectrograms)[:, 2:].unflatten(1, (SOUND_ROWS, SOUND_STEPS)).transpose(1, 2)
        return cast(Tensor, self.freq_attn_agg(grid.flatten(0, 1))).unflatten(0, grid.shape[:2])


class _SpectrogramTransformer(nn.Module):
    """(N, 1, 128, 66) to (N, 2 + 12 * 6, width): class and distillation token, then patches, rows of frequency first."""

    def __init__(self, width: int, depth: int, heads: int) -> None:
        super().__init__()
        self.embeddings = nn.Module()
        self.embeddings.cls_token = nn.Parameter(torch.zeros(1, 1, width))
        self.embeddings.distillation_token = nn.Parameter(torch.zeros(1, 1, width))
        self.embeddings.position_embeddings = nn.Parameter(torch.randn(1, 2 + SOUND_ROWS * SOUND_STEPS, width) * 0.02)
        self.embeddings.patch_embeddings = nn.ModuleDict({"projection": nn.Conv2d(1, width, PATCH, STRIDE)})
        self.encoder = nn.ModuleDict({"layer": nn.ModuleList(_SoundBlock(width, heads) for _ in range(depth))})
        self.layernorm = nn.LayerNorm(width, eps=1e-12)

    def forward(self, spectrograms: Tensor) -> Tensor:
        own = self.embeddings
        patches = own.patch_embeddings["projection"](spectrograms).flatten(2).transpose(1, 2)
        special = torch.cat([own.cls_token, own.distillation_token], dim=1).expand(len(patches), -1, -1)
        tokens = torch.cat([special, patches], dim=1) + own.position_embeddings
        for block in self.encoder["layer"]:
            tokens = block(tokens)
        return cast(Tensor, self.layernorm(tokens))


class _SoundBlock(nn.Module):
    """One layer under the names of Hugging Face's ASTModel."""

    def __init__(self, width: int, heads: int) -> None:
        super().__init__()
        self.heads = heads
        parts = nn.ModuleDict({part: nn.Linear(width, width) for part in ("query", "key", "value")})
        self.attention = nn.ModuleDict({"attention": parts, "output": nn.ModuleDict({"dense": nn.Linear(width, width)})})
        self.intermediate = nn.ModuleDict({"dense": nn.Linear(width, 4 * width)})
        self.output = nn.ModuleDict({"dense": nn.Linear(4 * width, width)})
        self.layernorm_before, self.layernorm_after = nn.LayerNorm(width, eps=1e-12), nn.LayerNorm(width, eps=1e-12)

    def forward(self, tokens: Tensor) -> Tensor:
        found = _attend(self.attention["attention"], self.layernorm_before(tokens), self.heads)
        tokens = tokens + self.attention["output"]["dense"](found)
        hidden = gelu(self.intermediate["dense"](self.layernorm_after(tokens)))
        return cast(Tensor, tokens + self.output["dense"](hidden))


class _Gather(nn.TransformerEncoderLayer):
    """One pre-norm layer whose class token gathers a set of tokens: (N, members, width) to (N, width)."""

    def __init__(self, width: int, heads: int) -> None:
        super().__init__(width, heads, 4 * width, 0.0, gelu, 1e-6, batch_first=True, norm_first=True)
        self.cls_token = nn.Parameter(torch.zeros(1, 1, width))

    def forward(self, tokens: Tensor) -> Tensor:
        return cast(Tensor, super().forward(torch.cat([self.cls_token.expand(len(tokens), -1, -1), tokens], dim=1))[:, 0])


class _Head(nn.Module):
    """Projected tokens (B, S * 8, width) and (B, S * 6, width) to logits (B, 21), read from a token before them all."""

    def __init__(self, width: int, depth: int, heads: int) -> None:
        super().__init__()
        self.OFF_tok, self.MOD_tok = nn.Parameter(torch.randn(1, 1, width)), nn.Parameter(torch.randn(1, 1, width))
        self.vis_in_lnorm, self.aud_in_lnorm = nn.LayerNorm(width), nn.LayerNorm(width)
        self.pos_emb_cfg = nn.ParameterDict({"pos_emb": nn.Parameter(torch.randn(1, POSITIONS, width) * 0.02)})
        self.blocks = nn.ModuleList(_HeadBlock(width, heads) for _ in range(depth))
        self.ln_f = nn.LayerNorm(width)
        self.off_head = nn.Linear(width, OFFSETS)

    def forward(self, video: Tensor, sound: Tensor) -> Tensor:
        offset, between = (token.expand(len(video), -1, -1) for token in (self.OFF_tok, self.MOD_tok))
        tokens = torch.cat([offset, self.vis_in_lnorm(video), between, self.aud_in_lnorm(sound)], dim=1)
        tokens = tokens + self.pos_emb_cfg["pos_emb"][:, : tokens.shape[1]]
        for block in self.blocks:
            tokens = block(tokens)
        return cast(Tensor, self.off_head(self.ln_f(tokens[:, 0])))


class _HeadBlock(nn.Module):
    def __init__(self, width: int, heads: int) -> None:
        super().__init__()
        self.heads = heads
        self.ln1, self.ln2 = nn.LayerNorm(width), nn.LayerNorm(width)
        self.attn = nn.ModuleDict({part: nn.Linear(width, width) for part in ("key", "query", "value", "proj")})
        self.mlp = nn.Sequential(nn.Linear(width, 4 * width), nn.GELU(), nn.Linear(4 * width, width))

    def forward(self, tokens: Tensor) -> Tensor:
        tokens = tokens + self.attn["proj"](_attend(self.attn, self.ln1(tokens), self.heads))
        return cast(Tensor, tokens + self.mlp(self.ln2(tokens)))


def _attend(parts: nn.ModuleDict, tokens: Tensor, heads: int) -> Tensor:
    """Self-attention of (N, tokens, width) under the layers ``query``, ``key`` and ``value``, before the last projection."""
    query, key, value = (parts[part](tokens).unflatten(2, (heads, -1)).transpose(1, 2) for part in ("query", "key", "value"))
    return scaled_dot_product_attention(query, key, value).transpose(1, 2).flatten(2)


def build() -> Synchformer:
    """The official network (237,460,245 parameters), randomly initialised, in eval mode."""
    return cast(Synchformer, Synchformer().eval())


def tiny() -> Synchformer:
    """The same network with tokens of width 32 and one block each: a stand-in that has learned nothing, in eval mode."""
    return cast(Synchformer, Synchformer(width=32, depths=(1, 1, 1), heads=2, head_heads=2).eval())
