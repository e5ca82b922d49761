"""RAFT under its official names computes what the paper says, written out once more here on the official names alone."""

from __future__ import annotations

import hashlib
from typing import Any

import numpy as np
import pytest

from avbench.compat import mend_torch
from avbench.errors import Unscorable
from avbench.testing import rule_fill, rule_input

torch = pytest.importorskip("torch")
from avbench_metrics._features.networks import raft  # noqa: E402
from torch.nn import functional as F  # noqa: E402

# sha256 over the sorted names and shapes of the official file
DIGEST = "d2530b3324ed9a6994f928ac998267d592b96ed4b5ac7f309261d73ff6fb3eaa"


def encoder(path: str, norm: bool, widths: tuple[int, ...]) -> dict[str, tuple[int, ...]]:
    """Names and shapes of one of the two encoders; only batch normalisation (``norm``) leaves any of its own."""
    shapes: dict[str, tuple[int, ...]] = {}

    def conv(name: str, outputs: int, inputs: int, size: int) -> None:
        shapes.update({f"{path}{name}.weight": (outputs, inputs, size, size), f"{path}{name}.bias": (outputs,)})

    def normal(name: str, channels: int) -> None:
        if norm:
            parts = ("weight", "bias", "running_mean", "running_var")
            shapes.update({f"{path}{name}.{part}": (channels,) for part in parts})
            shapes[f"{path}{name}.num_batches_tracked"] = ()

    stem, *stages, last = widths
    conv("conv1", stem, 3, 7)
    normal("norm1", stem)
    wide = stem
    for stage, width in enumerate(stages, start=1):
        for block in (0, 1):
            for layer in (1, 2):
                conv(f"layer{stage}.{block}.conv{layer}", width, wide, 3)
                normal(f"layer{stage}.{block}.norm{layer}", width)
                if layer == 1 and block == 0 and stage > 1:
                    conv(f"layer{stage}.0.downsample.0", width, wide, 1)
                    normal(f"layer{stage}.0.downsample.1", width)
                    normal(f"layer{stage}.0.norm3", width)
                wide = width
    conv("conv2", last, wide, 1)
    return shapes


def published() -> dict[str, tuple[int, ...]]:
    """Names and shapes of raft-things.pth, from the repository's modules."""
    widths = (64, 64, 96, 128, 256)
    shapes = encoder("module.fnet.", False, widths) | encoder("module.cnet.", True, widths)
    convolutions = {
        "encoder.convc1": (256, 324, 1, 1),
        "encoder.convc2": (192, 256, 3, 3),
        "encoder.convf1": (128, 2, 7, 7),
        "encoder.convf2": (64, 128, 3, 3),
        "encoder.conv": (126, 256, 3, 3),
        "flow_head.conv1": (256, 128, 3, 3),
        "flow_head.conv2": (2, 256, 3, 3),
        "mask.0": (256, 128, 3, 3),
        "mask.2": (576, 256, 1, 1),
    }
    for gate in "zrq":
        convolutions |= {f"gru.conv{gate}1": (128, 384, 1, 5), f"gru.conv{gate}2": (128, 384, 5, 1)}
    for name, shape in convolutions.items():
        shapes |= {f"module.update_block.{name}.weight": shape, f"module.update_block.{name}.bias": shape[:1]}
    return shapes


class Paper:
    """RAFT's equations on a dictionary of tensors under official names."""

    def __init__(self, state: dict[str, Any]) -> None:
        self.state = state

    def conv(self, name: str, x: Any, stride: int = 1) -> Any:
        weight = self.state[f"module.{name}.weight"]
        padding = (weight.shape[2] // 2, weight.shape[3] // 2)
        return F.conv2d(x, weight, self.state[f"module.{name}.bias"], stride=stride, padding=padding)

    def norm(self, name: str, x: Any) -> Any:
        if name.startswith("fnet"):
            return (x - x.mean((2, 3), keepdim=True)) / (x.var((2, 3), unbiased=False, keepdim=True) + 1e-5).sqrt()
        keys = ("running_mean", "running_var", "weight", "bias")
        mean, variance, weight, bias = (self.state[f"module.{name}.{key}"][:, None, None] for key in keys)
        return (x - mean) / (variance + 1e-5).sqrt() * weight + bias

    def encode(self, net: str, x: Any) -> Any:
        x = self.norm(f"{net}.norm1", self.conv(f"{net}.conv1", x, 2)).relu()
        for stage in (1, 2, 3):
            for block in (0, 1):
                path, stride = f"{net}.layer{stage}.{block}", 2 if stage > 1 and block == 0 else 1
                y = self.norm(f"{path}.norm1", self.conv(f"{path}.conv1", x, stride)).relu()
                y = self.norm(f"{path}.norm2", self.conv(f"{path}.conv2", y)).relu()
                if stride == 2:
                    x = self.norm(f"{path}.downsample.1", self.conv(f"{path}.downsample.0", x, 2))
                x = (x + y).relu()
        return self.conv(f"{net}.conv2", x)

    def flow(self, before: Any, after: Any, iterations: int) -> Any:
        before, after = before / 127.5 - 1, after / 127.5 - 1
        first, second = self.encode("fnet", before), self.encode("fnet", after)
        batch, depth, rows, columns = first.shape
        volume = torch.einsum("bcij,bckl->bijkl", first, second) / depth**0.5
        levels = [volume.reshape(-1, 1, rows, columns)]
        for _ in range(3):
            levels.append(F.avg_pool2d(levels[-1], 2))
        hidden, context = self.encode("cnet", before).chunk(2, dim=1)
        hidden, context = hidden.tanh(), context.relu()
        down, right = torch.meshgrid(torch.arange(rows), torch.arange(columns), indexing="ij")
        start = torch.stack([right, down]).float()[None]
        flow = torch.zeros(batch, 2, rows, columns)
        for _ in range(iterations):
            hidden = self.gated(hidden, context, flow, self.looked_up(levels, start + flow))
            flow = flow + self.conv("update_block.flow_head.conv2", self.conv("update_block.flow_head.conv1", hidden).relu())
        shares = 0.25 * self.conv("update_block.mask.2", self.conv("update_block.mask.0", hidden).relu())
        shares = shares.reshape(batch, 1, 9, 8, 8, rows, columns).softmax(dim=2)
        around = F.unfold(8 * flow, 3, padding=1).reshape(batch, 2, 9, 1, 1, rows, columns)
        return (shares * around).sum(dim=2).permute(0, 1, 4, 2, 5, 3).reshape(batch, 2, 8 * rows, 8 * columns)

    def looked_up(self, levels: list[Any], places: Any) -> Any:
        """Correlations in 9 x 9 around each place at each level; the outer of the 81 counts columns."""
        batch, _, rows, columns = places.shape
        offset = torch.arange(-4.0, 5.0)
        parts = []
        for level, volume in enumerate(levels):
            x = places[:, 0].reshape(-1, 1, 1) / 2**level + offset[:, None]
            y = places[:, 1].reshape(-1, 1, 1) / 2**level + offset[None, :]
            x, y = torch.broadcast_tensors(x, y)
            grid = torch.stack([2 * x / (volume.shape[-1] - 1) - 1, 2 * y / (volume.shape[-2] - 1) - 1], dim=-1)
            found = F.grid_sample(volume, grid, align_corners=True)
            parts.append(found.reshape(batch, rows, columns, 81))
        return torch.cat(parts, dim=-1).permute(0, 3, 1, 2)

    def gated(self, hidden: Any, context: Any, flow: Any, correlation: Any) -> Any:
        path = "update_block.encoder."
        seen = self.conv(path + "convc2", self.conv(path + "convc1", correlation).relu()).relu()
        moved = self.conv(path + "convf2", self.conv(path + "convf1", flow).relu()).relu()
        x = torch.cat([context, self.conv(path + "conv", torch.cat([seen, moved], dim=1)).relu(), flow], dim=1)
        for part in (1, 2):
            both = torch.cat([hidden, x], dim=1)
            update = self.conv(f"update_block.gru.convz{part}", both).sigmoid()
            reset = self.conv(f"update_block.gru.convr{part}", both).sigmoid()
            new = self.conv(f"update_block.gru.convq{part}", torch.cat([reset * hidden, x], dim=1)).tanh()
            hidden = (1 - update) * hidden + update * new
        return hidden


def pictures(name: str, batch: int = 1) -> Any:
    return torch.from_numpy(rule_input(name, (batch, 3, 128, 136), 127.5, 127.5))


@pytest.fixture(scope="module")
def network() -> Any:
    torch.set_num_threads(1)
    return rule_fill(raft.build(), 0.7)


def test_names_and_shapes(network: Any) -> None:
    shapes = {name: tuple(tensor.shape) for name, tensor in network.state_dict().items()}
    assert shapes == published()
    lines = "\n".join(sorted(f"{name} {shape}" for name, shape in shapes.items()))
    assert hashlib.sha256(lines.encode()).hexdigest() == DIGEST
    assert sum(parameter.numel() for parameter in network.parameters()) == 5_257_536


@pytest.mark.parametrize(
    ("iterations", "mean", "deviation", "largest", "first"),
    [
        (3, 0.640008012, 0.539133736, 2.02045727, (-0.188201129, -0.192956075, -0.188530833, -0.190701842, -0.18788035)),
        (20, 4.77019595, 4.02789047, 14.283988, (-1.31742144, -1.34866762, -1.31864047, -1.33812821, -1.31626463)),
    ],
)
def test_equals_the_official_code(
    network: Any, iterations: int, mean: float, deviation: float, largest: float, first: tuple[float, ...]
) -> None:
    """What the code in the package vbench 0.1.5 answered when it was filled by the rule."""
    before, after = (torch.from_numpy(rule_input(name, (2, 3, 136, 168), 127.5, 127.5)) for name in ("raft_a", "raft_b"))
    with torch.no_grad():
        flow = network(before, after, iterations).double().numpy()
    limit = 1e-5 * largest
    np.testing.assert_allclose(flow.ravel()[:5], first, rtol=0, atol=limit)
    found = (flow.mean(), flow.std(), np.abs(flow).max())
    np.testing.assert_allclose(found, (mean, deviation, largest), rtol=0, atol=limit)


def test_equals_the_paper(network: Any) -> None:
    with torch.no_grad():
        found = network(pictures("before"), pictures("after"), iterations=3)
        expected = Paper(network.state_dict()).flow(pictures("before"), pictures("after"), 3)
    assert found.shape == (1, 2, 128, 136)
    largest = float(expected.abs().max())
    assert largest > 0.01
    torch.testing.assert_close(found, expected, rtol=0, atol=1e-5 * largest)


def test_loading_renames_every_tensor() -> None:
    """A file of official names fills the network completely, and what it says comes out again."""
    state = {name: torch.from_numpy(rule_input(name, shape)) if shape else torch.tensor(7) for name, shape in published().items()}
    for name in list(state):
        if ".norm3." in name:  # one tensor under two names in the official network
            state[name] = state[name.replace(".norm3.", ".downsample.1.")]
    network = raft.build()
    network.load_state_dict(state, strict=True)
    again = network.state_dict()
    assert all(torch.equal(again[name], tensor) for name, tensor in state.items())


@pytest.mark.parametrize("name", ["module.cnet.layer2.0.norm3.bias", "module.fnet.conv1.weight", "module.update_block.mask.2.bias"])
def test_strict_loading_sees_every_name(name: str) -> None:
    network = raft.tiny()
    state = network.state_dict()
    with pytest.raises(RuntimeError, match="Unexpected"):
        network.load_state_dict({**state, "module.more": torch.zeros(1)})
    state.pop(name)
    with pytest.raises(RuntimeError, match="Missing"):
        network.load_state_dict(state)


def test_a_pair_does_not_see_its_neighbours() -> None:
    network = rule_fill(raft.tiny(), 0.7)
    before, after = pictures("before", 3), pictures("after", 3)
    with torch.no_grad():
        together = network(before, after)
        alone = network(before[1:2], after[1:2])
    torch.testing.assert_close(together[1:2], alone, rtol=0, atol=1e-5 * float(together.abs().max()))


def test_torchvision_is_not_spoken_in_the_file() -> None:
    mend_torch()
    from torchvision.models.optical_flow import raft_large

    names = [official for name in raft_large(weights=None).state_dict() for official in raft.official_names(name)]
    assert len(names) == len(set(names)) == 179
    assert not any(word in name for name in names for word in ("convnormrelu", "recurrent", "predictor", "motion_encoder"))


def test_padding_repeats_edges() -> None:
    picture = torch.arange(2 * 13 * 21, dtype=torch.float32).reshape(1, 2, 13, 21)
    out = raft.padded(picture)
    assert out.shape == (1, 2, 16, 24)
    np.testing.assert_array_equal(out, np.pad(picture.numpy(), ((0, 0), (0, 0), (1, 2), (1, 2)), mode="edge"))
    assert raft.padded(out).shape == out.shape


def test_small_pictures_are_refused() -> None:
    with pytest.raises(Unscorable, match="too small"):
        raft.tiny()(torch.zeros(1, 3, 120, 256), torch.zeros(1, 3, 120, 256))
