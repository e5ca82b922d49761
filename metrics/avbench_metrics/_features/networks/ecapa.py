"""The speaker model of Seed-TTS SIM: WavLM-Large and an ECAPA-TDNN head on all its hidden states.

Sources: Chen et al., arXiv 2110.13900 (section 4.3) for the whole; Desplanques et al., arXiv 2005.07143 for the head; repository
microsoft/UniSpeech, folder downstreams/speaker_verification, for names and constants.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import nn
from torch.nn import functional

from avbench_metrics._features.networks import wavlm

RATE = wavlm.RATE
TRAINING_ONLY = ("loss_calculator.projection.weight",)  # the classifier of the training speakers, in the checkpoint alone


class SpeakerHead(nn.Module):
    """Hidden states to one embedding: their weighted sum, three SE-Res2 blocks, attentive statistics.

    Args:
        states: number of hidden states. width: of each. channels: of the blocks. embedding: dimensions of the answer.
    """

    def __init__(self, states: int = 25, width: int = 1024, channels: int = 512, embedding: int = 256) -> None:
        super().__init__()
        pooled = 1536
        self.feature_weight = nn.Parameter(torch.zeros(states))
        self.instance_norm = nn.InstanceNorm1d(width)
        self.layer1 = _ConvReluNorm(width, channels, kernel=5)
        self.layer2, self.layer3, self.layer4 = (_Block(channels, dilation) for dilation in (2, 3, 4))
        self.conv = nn.Conv1d(3 * channels, pooled, 1)
        self.pooling = _AttentiveStatistics(pooled)
        self.bn = nn.BatchNorm1d(2 * pooled)
        self.linear = nn.Linear(2 * pooled, embedding)

    def features(self, states: Any) -> Any:
        """Sequence of (batch, frames, width) to (batch, width, frames): softmax-weighted sum, normalised over time per channel."""
        weights = functional.softmax(self.feature_weight, dim=0)
        total = (weights[:, None, None, None] * torch.stack(tuple(states))).sum(dim=0)
        return self.instance_norm(total.transpose(1, 2) + 1e-6)

    def embed(self, states: Any) -> Any:
        """Sequence of (batch, frames, width), two frames or more, to (batch, embedding), not normalised."""
        first = self.layer2(self.layer1(self.features(states)))
        second = self.layer3(first)
        joined = torch.cat([first, second, self.layer4(second)], dim=1)
        return self.linear(self.bn(self.pooling(functional.relu(self.conv(joined)))))

    def forward(self, states: Any) -> Any:
        """See ``embed``."""
        return self.embed(states)


class SpeakerModel(SpeakerHead):
    """The head with its trunk under ``feature_extract.model``."""

    def __init__(self, size: wavlm.Size, channels: int = 512, embedding: int = 256) -> None:
        super().__init__(size.layers + 1, size.width, channels, embedding)
        self.feature_extract = nn.ModuleDict({"model": wavlm.WavLM(size)})

    def forward(self, samples: Any) -> Any:
        """16 kHz mono sound, float (batch, samples) at any level, to (batch, 256) embeddings; compare them by cosine.

        Needs 720 samples, i.e. two frames. Rows must be of one length: the head pools over all frames, so that padding would
        count as speech.
        """
        trunk = self.feature_extract["model"]
        return self.embed(trunk(wavlm.normalised(samples) if trunk.size.large_style else samples))


class _ConvReluNorm(nn.Module):
    """Convolution that keeps the length, ReLU, then batch norm."""

    def __init__(self, before: int, after: int, kernel: int) -> None:
        super().__init__()
        self.conv = nn.Conv1d(before, after, kernel, padding=kernel // 2)
        self.bn = nn.BatchNorm1d(after)

    def forward(self, x: Any) -> Any:
        return self.bn(functional.relu(self.conv(x)))


class _Res2(nn.Module):
    """Eight groups of channels in a cascade: each but the last is added to the result before it, then convolved."""

    def __init__(self, channels: int, dilation: int, scale: int = 8) -> None:
        super().__init__()
        self.scale, width = scale, channels // scale
        self.convs = nn.ModuleList(nn.Conv1d(width, width, 3, padding=dilation, dilation=dilation) for _ in range(scale - 1))
        self.bns = nn.ModuleList(nn.BatchNorm1d(width) for _ in range(scale - 1))

    def forward(self, x: Any) -> Any:
        *groups, rest = x.chunk(self.scale, dim=1)
        found: list[Any] = []
        for group, conv, norm in zip(groups, self.convs, self.bns, strict=True):
            found.append(norm(functional.relu(conv(group + found[-1] if found else group))))
        return torch.cat([*found, rest], dim=1)


class _SqueezeExcitation(nn.Module):
    """A gate per channel from the channels' means over time."""

    def __init__(self, channels: int, bottleneck: int = 128) -> None:
        super().__init__()
        self.linear1, self.linear2 = nn.Linear(channels, bottleneck), nn.Linear(bottleneck, channels)

    def forward(self, x: Any) -> Any:
        gate = torch.sigmoid(self.linear2(functional.relu(self.linear1(x.mean(dim=2)))))
        return x * gate.unsqueeze(2)


class _Block(nn.Module):
    """SE-Res2 block; its odd names are the checkpoint's."""

    def __init__(self, channels: int, dilation: int) -> None:
        super().__init__()
        self.Conv1dReluBn1 = _ConvReluNorm(channels, channels, kernel=1)
        self.Res2Conv1dReluBn = _Res2(channels, dilation)
        self.Conv1dReluBn2 = _ConvReluNorm(channels, channels, kernel=1)
        self.SE_Connect = _SqueezeExcitation(channels)

    def forward(self, x: Any) -> Any:
        return x + self.SE_Connect(self.Conv1dReluBn2(self.Res2Conv1dReluBn(self.Conv1dReluBn1(x))))


class _AttentiveStatistics(nn.Module):
    """Mean and standard deviation over time (batch, 2 x channels) under weights that the frames themselves give, per channel."""

    def __init__(self, channels: int, bottleneck: int = 128) -> None:
        super().__init__()
        self.linear1, self.linear2 = nn.Conv1d(channels, bottleneck, 1), nn.Conv1d(bottleneck, channels, 1)

    def forward(self, x: Any) -> Any:
        weights = functional.softmax(self.linear2(torch.tanh(self.linear1(x))), dim=2)
        mean = (weights * x).sum(dim=2)
        variance = (weights * x**2).sum(dim=2) - mean**2
        return torch.cat([mean, variance.clamp(min=1e-9).sqrt()], dim=1)


def build_head() -> SpeakerHead:
    """The head alone for 25 hidden states of width 1024 (222 tensors), random parameters, eval mode."""
    head = SpeakerHead()
    head.eval()
    return head


def build() -> SpeakerModel:
    """The whole model (710 tensors), random parameters, eval mode.

    Names are those of ``wavlm_large_finetune.pth`` under its key ``model``, where one tensor more lies: ``TRAINING_ONLY``.
    The names and shapes of head and trunk are those of the code that wrote the file. That it holds exactly these, under the prefix
    ``feature_extract.model``, is what several users of it report (711 tensors); the file was not at hand to check.
    """
    return _evaluating(SpeakerModel(wavlm.Size()))


def tiny() -> SpeakerModel:
    """The same class on the tiny trunk, with 64 channels and 256 dimensions: a stand-in that says nothing about voices."""
    return _evaluating(SpeakerModel(wavlm.TINY, channels=64))


def without_training_part(state: dict[str, Any]) -> dict[str, Any]:
    """The checkpoint's ``model`` dictionary without ``TRAINING_ONLY``, ready for strict loading."""
    return {name: tensor for name, tensor in state.items() if name not in TRAINING_ONLY}


def _evaluating(model: SpeakerModel) -> SpeakerModel:
    model.eval()
    return model
