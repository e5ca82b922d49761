"""PaSST and its front end against the official code's answers under the rule that fills networks."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from avbench_metrics._features.networks import passt

from avbench.feature import Array
from avbench.rule import hashed, rule_fill, rule_input

LAYOUT = "0c2659110f46d2006676fc55e906ff304091e590a4428e04dc524d305daa50ef"
# Official answers: mean, standard deviation, least, largest, first eight values.
EXPECTED: dict[str, tuple[float, float, float, float, list[float]]] = {
    "mel_10s_every_20th_frame": (
        0.88459797, 0.70956495, -1.3854191, 2.0401776,
        [-0.35424107, -0.78263152, -0.58538342, -0.57747632, -0.65442926, -0.9212572, -1.0422001, -0.96639156],
    ),
    "mel_4s_every_20th_frame": (
        0.89064397, 0.69701613, -1.2754129, 1.9283011,
        [-0.088748835, -0.71496868, -0.64925528, -0.64177531, -0.76060277, -0.82982349, -0.88285983, -1.0279109],
    ),
    "mel_basis": (
        0.0072248925, 0.068988492, 0.0, 0.99966758,
        [0.0, 0.18859525, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0],
    ),
    "cls_10s": (
        -0.0028373373, 1.0137021, -4.0453205, 3.5975957,
        [-0.93761337, 1.5223953, 0.46713299, -0.026039964, 0.74704963, 1.9708428, 1.6194016, 1.5926012],
    ),
    "dist_10s": (
        -0.002140199, 1.0112318, -3.9440684, 3.3712561,
        [-0.4387739, 1.6375234, 0.43932584, -0.12573862, 0.82203573, 2.1614223, 1.4668113, 1.5119094],
    ),
    "features_10s": (
        -0.0024887677, 1.0043777, -3.9946945, 3.484426,
        [-0.68819362, 1.5799594, 0.45322943, -0.075889289, 0.78454268, 2.0661325, 1.5431064, 1.5522553],
    ),
    "logits_10s": (
        0.0022937699, 1.0074766, -2.9428873, 2.8613555,
        [-0.07244169, 1.6426241, -0.32042637, 0.39744115, 1.4739196, 0.36069822, 0.60034871, 0.21950173],
    ),
    "logits_det_mel": (
        0.0021725841, 1.0381521, -2.6331394, 2.9372928,
        [0.86775529, 1.7642392, 0.62205046, -0.8492018, 1.2015284, -0.32109994, -0.21790817, 0.059763111],
    ),
    "features_det_mel": (
        0.0076408428, 0.98392407, -4.0161586, 2.6901543,
        [1.1408752, 0.71538842, -0.67953652, 0.29844686, -0.53098148, 1.8728712, 2.2282434, 1.2608817],
    ),
}  # fmt: skip


def sound(name: str, samples: int) -> Any:
    """A tone with tremolo and noise, float32 (1, samples)."""
    time = np.arange(samples) / passt.RATE
    tone = 0.4 * np.sin(2 * np.pi * 523.25 * time) * (1 + 0.5 * np.sin(2 * np.pi * 2 * time))
    return torch.from_numpy((0.15 * hashed(f"input:{name}", samples) + tone).astype(np.float32))[None]


def agrees(name: str, found: Any) -> None:
    """Compare with the official summary at 1e-5 of the largest value."""
    values = found.numpy()
    tolerance = 1e-5 * float(np.abs(values).max())
    mean, spread, least, largest, first = EXPECTED[name]
    np.testing.assert_allclose(values.ravel()[:8], first, rtol=0, atol=tolerance)
    summary = [values.mean(), values.std(), values.min(), values.max()]
    np.testing.assert_allclose(summary, [mean, spread, least, largest], rtol=0, atol=tolerance)


@pytest.fixture(scope="module")
def network() -> Any:
    """The official network, filled by the rule."""
    return rule_fill(passt.build())


@pytest.fixture(scope="module")
def small() -> Any:
    """The tiny network, filled by the rule."""
    return rule_fill(passt.tiny())


def test_log_mel_is_the_official_one() -> None:
    for seconds, name in ((10, "passt_wave"), (4, "passt_wave4")):
        found = passt.log_mel(sound(name, seconds * passt.RATE))
        assert found.shape == (1, 1, 128, seconds * 100)
        agrees(f"mel_{seconds}s_every_20th_frame", found[:, 0, :, ::20])


def test_filters_are_kaldis() -> None:
    filters = passt.mel_filters()
    assert filters.shape == (128, 513)
    agrees("mel_basis", filters[:, :-1])
    assert not filters[:, -1].any()


@torch.no_grad()
def test_tokens_features_and_logits_of_ten_seconds(network: Any) -> None:
    tokens = network.forward_features(passt.log_mel(sound("passt_wave", 320_000)))
    agrees("cls_10s", tokens[0])
    agrees("dist_10s", tokens[1])
    features = (tokens[0] + tokens[1]) / 2
    agrees("features_10s", features)
    agrees("logits_10s", network.head(features))


@torch.no_grad()
def test_logits_and_features_of_a_given_spectrogram(network: Any) -> None:
    logits, features = network(torch.from_numpy(rule_input("passt_mel", (1, 1, 128, 400))))
    agrees("logits_det_mel", logits)
    agrees("features_det_mel", features)


@torch.no_grad()
def test_lengths_that_the_official_network_takes_and_refuses(network: Any) -> None:
    with pytest.raises(RuntimeError, match="Kernel size can't be greater than actual input size"):
        passt.all_outputs(network, sound("x", 4_800))
    assert passt.all_outputs(network, sound("x", 5_000)).shape == (1, 1295)
    for samples, patches in ((321_601, 100), (322_000, 100), (326_000, 101), (330_000, 102), (480_000, 149)):
        with pytest.raises(RuntimeError, match=rf"tensor a \({patches}\) must match the size of tensor b \(99\)"):
            passt.all_outputs(network, sound("x", samples))
    assert passt.log_mel(sound("x", 321_600)).shape[-1] == 1005


def test_layout(network: Any) -> None:
    lines = sorted(f"{name} {tuple(tensor.shape)}" for name, tensor in network.state_dict().items())
    assert hashlib.sha256("\n".join(lines).encode()).hexdigest() == LAYOUT
    assert sum(parameter.numel() for parameter in network.parameters()) == 86_153_758
    assert not network.training


def test_layout_listed_with_the_official_answers(real_data: Path, network: Any) -> None:
    listed = json.loads((real_data / "reference/networks/passt.json").read_text())["keys"]
    found = {name: list(tensor.shape) for name, tensor in network.state_dict().items()}
    assert found == {name: shape for name, (shape, _) in listed.items()}


def test_strict_loading_finds_a_missing_and_a_foreign_name(small: Any) -> None:
    state = dict(small.state_dict())
    with pytest.raises(RuntimeError, match="Unexpected key"):
        small.load_state_dict(state | {"foreign": torch.zeros(1)}, strict=True)
    del state["dist_token"]
    with pytest.raises(RuntimeError, match="Missing key"):
        small.load_state_dict(state, strict=True)


@torch.no_grad()
def test_a_row_does_not_depend_on_its_neighbours(small: Any) -> None:
    samples = torch.cat([sound(name, 64_000) for name in "abc"])
    together = passt.all_outputs(small, samples)
    alone = torch.cat([passt.all_outputs(small, row[None]) for row in samples])
    assert together.shape == (3, 1295)
    assert float((together - alone).abs().max()) < 1e-5 * float(alone.abs().max())


@pytest.mark.filterwarnings("error")
@torch.no_grad()
def test_nothing_is_printed_warned_of_or_drawn(capsys: pytest.CaptureFixture[str]) -> None:
    tiny = passt.tiny()
    before = torch.random.get_rng_state()
    passt.all_outputs(tiny, sound("a", 64_000))
    assert torch.equal(torch.random.get_rng_state(), before)
    assert capsys.readouterr() == ("", "")


def lengths(samples: int) -> list[tuple[int, int]]:
    """First sample and length of each window of a ramp that starts at 1; zeros at the end counted."""
    ramp = np.arange(1, samples + 1, dtype=np.float64)
    return [(int(part[0]) - 1, len(part)) for part in passt.windows(ramp)]


def test_windows_are_verse_benchs() -> None:
    assert lengths(48_000) == [(0, 48_000)], "1.5 s is passed as it is"
    assert lengths(48_001) == [(0, 320_000)], "more is filled up"
    assert lengths(160_000) == lengths(320_000) == [(0, 320_000)]
    assert lengths(320_001) == [(0, 320_000), (160_000, 320_000)]
    assert lengths(480_000) == [(0, 320_000), (160_000, 320_000)]
    assert lengths(480_001) == [(0, 320_000), (160_000, 320_000), (320_000, 320_000)]
    last = passt.windows(np.ones(320_001))[-1]
    assert last[:160_001].all() and not last[160_001:].any()


@torch.no_grad()
def test_mean_logits_are_the_mean_over_windows(small: Any) -> None:
    samples: Array = sound("a", 400_000)[0].numpy()
    parts = [samples[:320_000], np.pad(samples[160_000:], (0, 80_000))]
    by_hand = [small(passt.log_mel(torch.from_numpy(part[None])))[0][0].numpy() for part in parts]
    found = passt.mean_logits(small, samples)
    assert found.shape == (527,) and found.dtype == np.float32
    np.testing.assert_allclose(found, np.mean(by_hand, axis=0), rtol=0, atol=1e-6)
    assert np.abs(by_hand[0] - by_hand[1]).max() > 1e-3
    with pytest.raises(RuntimeError):
        passt.mean_logits(small, np.zeros(0))
