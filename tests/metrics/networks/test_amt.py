"""AMT-S answers as the official code (package vbench 0.1.5) does when both are filled by the rule."""

from __future__ import annotations

import hashlib
from typing import Any

import numpy as np
import pytest

from avbench.errors import Unscorable
from avbench.feature import Array
from avbench.testing import rule_fill, rule_input

torch = pytest.importorskip("torch")
from avbench_metrics._features.networks import amt  # noqa: E402

DIGEST = "260e6ea545aecae63fba8a248a319da218d23728e0d6a09f386bf613282b1251"
# mean, standard deviation, largest size, and first five values of the official outputs
EXPECTED = {
    "picture": (
        0.497319272,
        0.176041545,
        1,
        (0.276028395, 0.409796357, 0.494571298, 0.531601965, 0.517252803),
    ),
    "to_first": (
        0.158210298,
        2.9160438,
        5.62025499,
        (0.175772846, 0.11413795, 0.178051859, 0.0339077115, 0.0742548406),
    ),
    "to_second": (
        0.734509048,
        0.762750451,
        3.54251051,
        (0.176480204, 0.299190134, 0.291587472, 0.446598619, 0.340501904),
    ),
}


def agrees(output: Any, name: str) -> None:
    """Every summary lies within 1e-5 of the largest output."""
    mean, deviation, largest, first = EXPECTED[name]
    values, limit = np.asarray(output, dtype=np.float64), 1e-5 * largest
    np.testing.assert_allclose(values.ravel()[:5], first, rtol=0, atol=limit)
    np.testing.assert_allclose((values.mean(), values.std(), np.abs(values).max()), (mean, deviation, largest), rtol=0, atol=limit)


def pictures(shift: int, name: str) -> Any:
    """Two moving patterns in noise, (2, 3, 144, 192), about 0 ... 1."""
    row, column = np.mgrid[:144, :192]
    waves = 0.5 + 0.3 * np.sin(2 * np.pi * (column - shift) / 37) * np.cos(2 * np.pi * row / 53)
    return torch.from_numpy((waves + rule_input(name, (2, 3, 144, 192), 0.1)).astype(np.float32))


def constant_flow(right: float, down: float) -> Any:
    """A network that sees nothing and whose flows are (right, down) to the second picture, the opposite to the first."""
    network = amt.build()
    for parameter in network.parameters():
        torch.nn.init.zeros_(parameter)
    bias = torch.tensor([-right, -down] * 3 + [right, down] * 3 + [0.0] * 12)
    with torch.no_grad():
        network.decoder1.convblock[2].bias.copy_(bias)
    return network


@pytest.fixture(scope="module")
def network() -> Any:
    torch.set_num_threads(1)
    return rule_fill(amt.build(), 0.7)


def test_names_and_shapes(network: Any) -> None:
    names = sorted(f"{name} {tuple(tensor.shape)}" for name, tensor in network.state_dict().items())
    assert len(names) == 213
    assert sum(parameter.numel() for parameter in network.parameters()) == 2_990_543
    assert hashlib.sha256("\n".join(names).encode()).hexdigest() == DIGEST


def test_outputs(network: Any) -> None:
    first, second = pictures(0, "amt_a"), pictures(4, "amt_b")
    mean = torch.cat([first, second], dim=2).mean(dim=(1, 2, 3), keepdim=True)
    with torch.no_grad():
        fields = network.fields(first - mean, second - mean)
        picture = network(first, second)
        alone = network(first[1:], second[1:])
    agrees(fields[:, :6], "to_first")
    agrees(fields[:, 6:12], "to_second")
    agrees(picture, "picture")
    torch.testing.assert_close(alone, picture[1:], rtol=0, atol=1e-5)


def test_middle_of_a_known_motion() -> None:
    """A picture that moved by 6 and 4 pixels is found half-way between."""
    row, column = np.mgrid[:128, :160]

    def moved(right: int, down: int) -> Array:
        wave = np.sin((column - right) / 9) * np.cos((row - down) / 7)
        return np.asarray((128 + 100 * wave)[..., None].repeat(3, axis=2).round(), dtype=np.uint8)

    middle = amt.middle_frame(constant_flow(3.0, 2.0), moved(0, 0), moved(6, 4))
    inner = (slice(8, -8), slice(8, -8))
    assert np.abs(middle[inner].astype(int) - moved(3, 2)[inner]).max() <= 1
    wrong = amt.middle_frame(constant_flow(-3.0, 2.0), moved(0, 0), moved(6, 4))
    assert np.abs(wrong[inner].astype(int) - moved(3, 2)[inner]).max() > 20


def test_padding_is_taken_off_and_values_are_cut() -> None:
    """Without motion the middle is the mean: 10 and 13 give 11.5, cut to 11, at a size that is no multiple of 16."""
    before, after = np.full((130, 150, 3), 10, np.uint8), np.full((130, 150, 3), 13, np.uint8)
    before[0, 0], after[0, 0] = 100, 100
    middle = amt.middle_frame(constant_flow(0.0, 0.0), before, after)
    assert middle.shape == (130, 150, 3) and middle.dtype == np.uint8
    assert abs(int(middle[0, 0, 0]) - 100) <= 1
    assert set(np.unique(middle[1:])) == {11}


def test_correlation_is_looked_up_where_the_flow_leads() -> None:
    rng = np.random.default_rng(0)
    first, second = (torch.from_numpy(rng.standard_normal((1, 5, 16, 18)).astype(np.float32)) for _ in range(2))
    flow = torch.zeros(1, 2, 16, 18)
    flow[0, 0], flow[0, 1] = 2.0, -1.0
    found = amt.Correlation(first, second).look_up(flow, 2 * flow)
    assert found.shape == (1, 2 * 4 * 49, 16, 18)
    for index, (start, end, factor) in enumerate(((first, second, 1), (second, first, 2))):
        block = found[0, index * 196 : index * 196 + 49, 8, 7].reshape(7, 7)
        for right in range(7):
            for down in range(7):
                there = end[0, :, 8 - factor + down - 3, 7 + 2 * factor + right - 3]
                assert float(block[right, down]) == pytest.approx(float(start[0, :, 8, 7] @ there) / 5**0.5, abs=1e-5)


def test_small_pictures_are_refused() -> None:
    with pytest.raises(Unscorable, match="too small"):
        amt.middle_frame(amt.tiny(), np.zeros((96, 256, 3), np.uint8), np.zeros((96, 256, 3), np.uint8))


def test_strict_loading_sees_every_name() -> None:
    network = amt.tiny()
    state = network.state_dict()
    with pytest.raises(RuntimeError, match="Unexpected"):
        network.load_state_dict({**state, "more": torch.zeros(1)})
    state.pop("update2.gru.2.bias")
    with pytest.raises(RuntimeError, match="Missing"):
        network.load_state_dict(state)
