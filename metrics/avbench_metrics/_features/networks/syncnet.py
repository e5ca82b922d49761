"""SyncNet: how far a mouth and a voice are apart (Chung and Zisserman, "Out of Time", ACCV Workshops 2016).

Layers and parameter names are those of the checkpoint ``syncnet_v2.model`` of github.com/joonson/syncnet_python.
"""

from __future__ import annotations

from itertools import pairwise
from typing import cast

from torch import Tensor, nn

ANCHOR, ANCHORED = 32.0, ("netfcaud.3.bias", "netfclip.3.bias")
GAIN = 2.0**0.5  # of ``avbench.rule``, under which its signals neither die out nor explode


class SyncNet(nn.Module):
    """Two towers, one for five pictures of a mouth, one for the 0.2 s of sound beside them; nearby outputs mean in time.

    Args:
        narrow: every hidden layer has this many times fewer channels than the official network.
        outputs: length of the embeddings.
    """

    def __init__(self, narrow: int = 1, outputs: int = 1024) -> None:
        super().__init__()
        hidden = 512 // narrow
        self.netcnnaud = _sound_tower(narrow)
        self.netfcaud = _projection(hidden, outputs)
        self.netfclip = _projection(hidden, outputs)
        self.netcnnlip = _lip_tower(narrow)

    def embed_sound(self, cepstra: Tensor) -> Tensor:
        """MFCC windows, float32 (N, 1, 13 coefficients, 20 steps of 10 ms), to embeddings (N, outputs)."""
        return cast(Tensor, self.netfcaud(self.netcnnaud(cepstra).flatten(1)))

    def lip_features(self, faces: Tensor) -> Tensor:
        """What ``embed_lips`` projects: float32 (N, 3, 5, 224, 224) to (N, 512), not negative."""
        return cast(Tensor, self.netcnnlip(faces).flatten(1))

    def embed_lips(self, faces: Tensor) -> Tensor:
        """Pictures, float32 (N, BGR, 5 frames at 25 fps, 224, 224) in 0..255, to embeddings (N, outputs)."""
        return cast(Tensor, self.netfclip(self.lip_features(faces)))


def _projection(hidden: int, outputs: int) -> nn.Sequential:
    return nn.Sequential(nn.Linear(hidden, hidden), nn.BatchNorm1d(hidden), nn.ReLU(), nn.Linear(hidden, outputs))


def _sound_tower(narrow: int) -> nn.Sequential:
    """The first pool changes nothing; it is there because the checkpoint numbers its layers with it."""
    channels = [1, *(width // narrow for width in (64, 192, 384, 256, 256, 512))]
    kernels = [(3, 3)] * 5 + [(5, 4)]
    pools = {0: nn.MaxPool2d(1, 1), 1: nn.MaxPool2d(3, (1, 2)), 4: nn.MaxPool2d(3, 2)}
    layers: list[nn.Module] = []
    for index, (before, after) in enumerate(pairwise(channels)):
        padding = 0 if index == 5 else 1
        layers += [nn.Conv2d(before, after, kernels[index], padding=padding), nn.BatchNorm2d(after), nn.ReLU()]
        layers += [pools[index]] if index in pools else []
    return nn.Sequential(*layers)


def _lip_tower(narrow: int) -> nn.Sequential:
    """Only the first convolution looks along time, over all five frames at once."""
    channels = [3, *(width // narrow for width in (96, 256, 256, 256, 256, 512))]
    kernels = [(5, 7, 7), (1, 5, 5), (1, 3, 3), (1, 3, 3), (1, 3, 3), (1, 6, 6)]
    strides, paddings = [2, 2, 1, 1, 1, 1], [0, 1, 1, 1, 1, 0]
    pools = {0: 0, 1: 1, 4: 0}  # convolution -> padding of the pool behind it
    layers: list[nn.Module] = []
    for index, (before, after) in enumerate(pairwise(channels)):
        stride, padding = strides[index], paddings[index]
        convolution = nn.Conv3d(before, after, kernels[index], (1, stride, stride), (0, padding, padding))
        layers += [convolution, nn.BatchNorm3d(after), nn.ReLU()]
        if index in pools:
            layers.append(nn.MaxPool3d((1, 3, 3), (1, 2, 2), (0, pools[index], pools[index])))
    return nn.Sequential(*layers)


def build() -> SyncNet:
    """The official network (1024 outputs), randomly initialised, in eval mode."""
    return cast(SyncNet, SyncNet().eval())


def tiny() -> SyncNet:
    """The same network with a sixteenth of the channels: a stand-in that has learned nothing, in eval mode.

    Its embeddings lie around one point that is set by hand, in ``ANCHORED``, and far from 0: every mouth is nearer to every sound
    than to the zeros beyond the ends, so that it finds mouth and sound in time.
    """
    network = SyncNet(narrow=16)
    for tower in (network.netfcaud, network.netfclip):
        nn.init.constant_(cast(nn.Linear, tower[3]).bias, ANCHOR)
    return cast(SyncNet, network.eval())
