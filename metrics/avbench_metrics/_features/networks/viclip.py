"""ViCLIP (ViT-L/14, 8 frames): CLIP over the patches of all frames at once, and its text tower.

Source: Wang et al., arXiv 2307.06942; names of ViClip-InternVid-10M-FLT.pth (its entry ``model``), with which VBench judges overall
consistency and temporal style.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from avbench_metrics._features.networks.clip import SIDE, Blocks

FRAMES = 8
CONTEXT, VOCABULARY = 32, 49_408
SIZE = 768  # of the embedding


class VideoTower(nn.Module):
    """Videos to embeddings: every frame's patches get their place and their frame's vector; one class token for all."""

    def __init__(self, patch: int, width: int, depth: int, heads: int) -> None:
        super().__init__()
        self.conv1 = nn.Conv3d(3, width, (1, patch, patch), stride=(1, patch, patch), bias=False)
        self.class_embedding = nn.Parameter(torch.zeros(width))
        self.positional_embedding = nn.Parameter(torch.zeros((SIDE // patch) ** 2 + 1, width))
        self.temporal_positional_embedding = nn.Parameter(torch.zeros(1, FRAMES, width))
        self.ln_pre, self.ln_post = nn.LayerNorm(width), nn.LayerNorm(width)
        self.transformer = Blocks(width, depth, heads)
        self.proj = nn.Parameter(torch.zeros(width, SIZE))

    def forward(self, videos: Tensor) -> Tensor:
        """RGB (B, 3, 8, 224, 224), normalised as CLIP's pictures, to embeddings (B, 768) of any length.

        The authors order tokens by place and then by frame; attention does not know the order, so it is by frame here.
        """
        patches = self.conv1(videos).flatten(3).permute(0, 2, 3, 1)  # (B, frames, places, width)
        patches = patches + self.positional_embedding[1:] + self.temporal_positional_embedding[:, :, None]
        first = (self.class_embedding + self.positional_embedding[0]).expand(len(patches), 1, -1)
        x = self.ln_pre(torch.cat([first, patches.flatten(1, 2)], dim=1))
        return self.ln_post(self.transformer(x)[:, 0]) @ self.proj


class TextTower(nn.Module):
    """Words to embeddings, each token seeing those before it."""

    def __init__(self, width: int, depth: int, heads: int, vocabulary: int = VOCABULARY) -> None:
        super().__init__()
        self.transformer = Blocks(width, depth, heads)
        self.token_embedding = nn.Embedding(vocabulary, width)
        self.positional_embedding = nn.Parameter(torch.zeros(CONTEXT, width))
        self.ln_final = nn.LayerNorm(width)
        self.text_projection = nn.Parameter(torch.zeros(width, SIZE))

    def forward(self, tokens: Tensor) -> Tensor:
        """Tokens (B, 32) to embeddings (B, 768), read where the number is largest: at the end of the text."""
        mask = torch.full((CONTEXT, CONTEXT), float("-inf"), device=tokens.device).triu(1)
        x = self.transformer(self.token_embedding(tokens) + self.positional_embedding, mask)
        return self.ln_final(x[torch.arange(len(x)), tokens.argmax(dim=-1)]) @ self.text_projection


class ViClip(nn.Module):
    """Both towers, and the temperature of training, which no score needs."""

    def __init__(self, vision: VideoTower, text: TextTower) -> None:
        super().__init__()
        self.vision_encoder, self.text_encoder = vision, text
        self.temp = nn.Parameter(torch.ones([]) / 100.0)


def build() -> ViClip:
    """The official size."""
    network = ViClip(VideoTower(14, 1024, 24, 16), TextTower(768, 12, 12))
    network.eval()
    return network


def tiny() -> ViClip:
    """The same classes with one block of 16 channels and patches of 32; same input and output."""
    network = ViClip(VideoTower(32, 16, 1, 2), TextTower(16, 1, 2))
    network.eval()
    return network
