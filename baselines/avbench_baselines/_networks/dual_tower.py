"""Dual tower: a video and an audio transformer that look at each other in every block.

Sources: Ovi (arXiv 2510.01284), the ``fused`` exchange; LTX-2 (arXiv 2601.03233), the ``gated`` one.
"""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor, nn

from avbench_baselines._networks.attention import Projections, Rotation, attend, rotate, split_heads
from avbench_baselines._networks.configuration import DualTower, Tower
from avbench_baselines._networks.context import Context, ContextEmbedding
from avbench_baselines._networks.ends import Ends
from avbench_baselines._networks.layers import TimeEmbedding, modulated, rows_of, start, table
from avbench_baselines._networks.masks import UNMASKED, Masks, bias_of, keys_allowed, source_open
from avbench_baselines._networks.tower import SourceSetting, TowerBlock, TowerSetting, start_fusion


class ExchangeSetting(NamedTuple):
    """What the gated exchange needs of a stream: modulation rows (batch, 4, width), the gate row it holds for the *other* stream's
    output (batch, 1, the other's width), and the places of its tokens in time."""

    modulation: Tensor
    gate: Tensor
    turn: Rotation


class Setting(NamedTuple):
    """Both towers' settings; ``sources[i]`` says how stream i is read by the other; ``exchange`` only where it is gated."""

    towers: tuple[TowerSetting, TowerSetting]
    sources: tuple[SourceSetting, SourceSetting]
    exchange: tuple[ExchangeSetting, ...]


class FusedBlock(nn.Module):
    """Ovi's layer: each tower attends to itself, then reads text and the other's state after its self-attention, then feeds."""

    def __init__(self, video: Tower, audio: Tower) -> None:
        super().__init__()
        self.towers = nn.ModuleList([TowerBlock(video, audio.width), TowerBlock(audio, video.width)])

    def forward(self, streams: tuple[Tensor, Tensor], setting: Setting) -> tuple[Tensor, ...]:
        """Video and audio tokens, each (batch, tokens, its width), alike."""
        pairs = list(zip(self.towers, setting.towers, strict=True))
        seen = [tower.attend_alone(x, own) for (tower, own), x in zip(pairs, streams, strict=True)]
        read = [tower.read_both(seen[i], own, seen[1 - i], setting.sources[1 - i]) for i, (tower, own) in enumerate(pairs)]
        return tuple(tower.feed(x, own) for (tower, own), x in zip(pairs, read, strict=True))


class GatedReading(nn.Module):
    """One direction of LTX-2's exchange: attention at the audio's width, queries and keys modulated each by its own level."""

    def __init__(self, target: int, source: int, inner: Tower) -> None:
        super().__init__()
        self.heads = inner.heads
        self.projections = Projections(target, inner.width, source)

    def forward(self, x: Tensor, source: Tensor, turns: tuple[Rotation, Rotation], bias: Tensor | None) -> Tensor:
        """Modulated tokens of target and source, each (batch, tokens, its width), to what the target gains."""
        k, v = self.projections.keys_values(source)
        q, k, v = (split_heads(part, self.heads) for part in (self.projections.queries(x), k, v))
        return self.projections.output(attend(rotate(q, turns[0]), rotate(k, turns[1]), v, bias))


class GatedBlock(nn.Module):
    """LTX-2's layer: self-attention and text in each stream, then both read each other's state of that moment, then both feed."""

    def __init__(self, video: Tower, audio: Tower) -> None:
        super().__init__()
        self.towers = nn.ModuleList([TowerBlock(video), TowerBlock(audio)])
        self.readings = nn.ModuleList([GatedReading(a, b, audio) for a, b in _both(video.width, audio.width)])
        self.tables = nn.ParameterList([table(4, video.width), table(4, audio.width)])
        self.gates = nn.ParameterList([table(1, video.width), table(1, audio.width)])

    def forward(self, streams: tuple[Tensor, Tensor], setting: Setting) -> tuple[Tensor, ...]:
        """Video and audio tokens, each (batch, tokens, its width), alike."""
        pairs = list(zip(self.towers, setting.towers, strict=True))
        states = [tower.read(tower.attend_alone(x, own), own) for (tower, own), x in zip(pairs, streams, strict=True)]
        gained = [x + self._gain(i, states, setting) for i, x in enumerate(states)]
        return tuple(tower.feed(x, own) for (tower, own), x in zip(pairs, gained, strict=True))

    def _gain(self, i: int, states: list[Tensor], setting: Setting) -> Tensor:
        other = 1 - i
        rows = [rows_of(exchange.modulation, own) for exchange, own in zip(setting.exchange, self.tables, strict=True)]
        asking = modulated(states[i], rows[i][0], rows[i][1])
        asked = modulated(states[other], rows[other][2], rows[other][3])
        turns = setting.exchange[i].turn, setting.exchange[other].turn
        source = setting.sources[other]
        gain = self.readings[i](asking, asked, turns, source.bias)
        (gate,) = rows_of(setting.exchange[other].gate, self.gates[i])
        return gate * (gain if source.is_open is None else gain * source.is_open)


def _both(video: int, audio: int) -> tuple[tuple[int, int], tuple[int, int]]:
    return (video, audio), (audio, video)


class DualTowerNetwork(nn.Module):
    """See the module. Every tower has time and context embeddings of its own; the noise level is shared."""

    cascaded = False

    def __init__(self, configuration: DualTower) -> None:
        super().__init__()
        self.configuration = configuration
        sizes, towers = configuration.sizes, (configuration.video, configuration.audio)
        widths = tuple(tower.width for tower in towers)
        gated = configuration.exchange == "gated"
        self.ends = Ends(sizes, *widths)
        self.times = nn.ModuleList(TimeEmbedding(sizes.time_channels, width, 6) for width in widths)
        self.contexts = nn.ModuleList(ContextEmbedding(sizes, width) for width in widths)
        self.exchange_times = nn.ModuleList(TimeEmbedding(sizes.time_channels, width, 4) for width in widths if gated)
        self.gate_times = nn.ModuleList(TimeEmbedding(sizes.time_channels, width, 1) for width in reversed(widths) if gated)
        block = GatedBlock if gated else FusedBlock
        self.blocks = nn.ModuleList(block(*towers) for _ in range(configuration.depth))
        start(self)
        start_fusion(self)

    def forward(self, video: Tensor, audio: Tensor, t: Tensor, context: Context, masks: Masks = UNMASKED) -> tuple[Tensor, Tensor]:
        """See ``AlignThenFuseNetwork.forward``; blocked alignment closes what the towers read of each other."""
        lengths, valid = (video.shape[1], audio.shape[1]), (masks.video_valid, masks.audio_valid)
        levels = [time(t) for time in self.times]
        turns = [self.ends.rotations(lengths, tower.width // tower.heads, t.device) for tower in self._towers()]
        biases = [bias_of(keys_allowed(part), video.dtype) for part in valid]
        towers = []
        for i, embed in enumerate(self.contexts):
            read, words = embed(context, masks)
            towers.append(TowerSetting(read, bias_of(keys_allowed(words), read.dtype), levels[i][1], turns[i][i], biases[i]))
        # stream i is read by the other tower, in whose heads' channels its places are counted
        sources = [
            SourceSetting(turns[1 - i][i], biases[i], source_open(x, valid[i], masks.alignment))
            for i, x in enumerate((video, audio))
        ]
        setting = Setting((towers[0], towers[1]), (sources[0], sources[1]), self._exchange(t, lengths))
        streams = self.ends.enter(video, audio, masks)
        for block in self.blocks:
            streams = block(streams, setting)
        return self.ends.leave(streams, (levels[0][0], levels[1][0]))

    def _towers(self) -> tuple[Tower, Tower]:
        return self.configuration.video, self.configuration.audio

    def _exchange(self, t: Tensor, lengths: tuple[int, int]) -> tuple[ExchangeSetting, ...]:
        inner = self.configuration.audio
        turns = self.ends.rotations(lengths, inner.width // inner.heads, torch.device(t.device), time_only=True)
        parts = zip(self.exchange_times, self.gate_times, turns, strict=False)  # none of the first two where the exchange is fused
        return tuple(ExchangeSetting(time(t)[1], gate(t)[1], turn) for time, gate, turn in parts)
