"""PANNs Cnn14 in both layouts against what the official code answers under the rule, and its front end against librosa."""

from __future__ import annotations

import hashlib
import json
import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from avbench.feature import Array
from avbench.rule import hashed, rule_fill

torch = pytest.importorskip("torch")
panns = pytest.importorskip("avbench_metrics._features.networks.panns_cnn14")

LAYOUTS = {
    16_000: "65fc0ce2c4d96bbeb427b2040eea521593d2f1ea3af0c8ee61a985a9e3e1c5d4",
    32_000: "5d6b8128f1c1dccff56ce2021645e5b2d63a2d2710f4bcd28d7f73053a4f0b5c",
}
Summary = tuple[float, float, float, float, list[float]]  # mean, standard deviation, least, greatest, first values
LOG_MEL = (
    -20.388422310,
    11.765339461,
    -48.393165588,
    20.079734802,
    [-0.1626303196, -2.5993812084, 1.2611019611],
)
FEATURES = (16.276082323, 27.240414482, 0.0, 238.0921630859, [45.5042457581, 0.0, 0.0, 0.0, 2.9120793343])
LOGITS = (
    -1.492662174,
    43.339796818,
    -172.3246917725,
    146.9967956543,
    [17.6741771698, 50.3785057068, 11.2418355942],
)
CHANCES = (0.491023345, 0.486719192, 0.0, 1.0, [1.0, 1.0, 0.9999868870, 1.0, 0.9997314811])
FEATURES_32K = (6.635349810, 9.716813765, 0.0, 67.4416732788, [34.1091766357, 0.0, 0.0, 0.0, 2.0373525620])
LOGITS_32K = (
    -0.653441848,
    16.038707832,
    -50.0324172974,
    42.8366737366,
    [13.1453342438, 36.9432334900, 7.6967792511],
)


def agrees(found: Any, expected: Summary) -> None:
    """All five to 1e-5 of the largest value."""
    values = found.detach().double().numpy().ravel()
    tolerance = 1e-5 * np.abs(values).max()
    mean, deviation, least, greatest, first = expected
    assert [values.mean(), values.std(), values.min(), values.max()] == pytest.approx(
        [mean, deviation, least, greatest], abs=tolerance
    )
    assert values[: len(first)] == pytest.approx(first, abs=tolerance)


def tone(name: str, samples: int, rate: int) -> Array:
    time = np.arange(samples) / rate
    swell = 1 + 0.5 * np.sin(2 * np.pi * 3 * time)
    return np.asarray(0.2 * hashed(f"input:{name}", samples) + 0.4 * np.sin(2 * np.pi * 440 * time) * swell, dtype=np.float32)


def pair() -> Any:
    return torch.from_numpy(np.stack([tone("panns_wave", 32_000, 16_000), tone("panns_wave2", 32_000, 16_000) * np.float32(0.1)]))


@pytest.fixture(scope="module")
def network() -> Any:
    torch.set_num_threads(1)
    return rule_fill(panns.build(), math.sqrt(2), keep=panns.FRONT_END)


@pytest.fixture(scope="module")
def network_32k(network: Any) -> Any:
    """Equal names and shapes have equal parameters under the rule, so they need not be filled twice."""
    learned = {name: tensor for name, tensor in network.state_dict().items() if not name.startswith(panns.FRONT_END)}
    other = panns.build(32_000)
    other.load_state_dict({**other.state_dict(), **learned}, strict=True)
    return other


@pytest.fixture(scope="module")
def small() -> Any:
    return rule_fill(panns.tiny(), math.sqrt(2), keep=panns.FRONT_END)


def test_names_and_shapes(network: Any, network_32k: Any) -> None:
    for layout in (network, network_32k):
        lines = sorted(f"{name} {list(tensor.shape)}" for name, tensor in layout.state_dict().items())
        assert hashlib.sha256("\n".join(lines).encode()).hexdigest() == LAYOUTS[layout.layout.rate]
        assert not layout.training
    assert sum(parameter.numel() for parameter in network.parameters()) == 81_033_231
    assert sum(parameter.numel() for parameter in network.parameters() if parameter.requires_grad) == 80_753_615


def test_names_and_shapes_of_the_checkpoint(network: Any, network_32k: Any, real_data: Path) -> None:
    facts = json.loads((real_data / "reference/networks/panns_cnn14.json").read_text())
    for layout, keys in ((network, facts["keys"]), (network_32k, facts["keys"] | facts["keys_32k_that_differ"])):
        assert {name: [list(t.shape), str(t.dtype).removeprefix("torch.")] for name, t in layout.state_dict().items()} == keys


def test_strict_loading(small: Any) -> None:
    state = dict(small.state_dict())
    panns.tiny().load_state_dict(state, strict=True)
    for broken in ({**state, "extra": torch.zeros(1)}, {k: v for k, v in state.items() if k != "logmel_extractor.melW"}):
        with pytest.raises(RuntimeError):
            panns.tiny().load_state_dict(broken, strict=True)


def test_answers_at_16_khz(network: Any) -> None:
    with torch.no_grad():
        log_mel, answer = network.log_mel(pair()), network(pair())
    assert log_mel.shape == (2, 1, 201, 64) and answer.features.shape == (2, 2048) and answer.logits.shape == (2, 527)
    for found, expected in (
        (log_mel, LOG_MEL), (answer.features, FEATURES), (answer.logits, LOGITS), (answer.probabilities, CHANCES),
    ):  # fmt: skip
        agrees(found, expected)


def test_answers_at_32_khz(network_32k: Any) -> None:
    with torch.no_grad():
        answer = network_32k(torch.from_numpy(tone("panns_wave32", 64_000, 32_000))[None])
    agrees(answer.features, FEATURES_32K)
    agrees(answer.logits, LOGITS_32K)


def test_short_sounds(network: Any) -> None:
    sound = torch.from_numpy(tone("panns_wave", 5120, 16_000))[None]
    with torch.no_grad():
        for samples, first in ((5120, 2.236072), (4960, 2.221274)):
            logits = network(sound[:, :samples]).logits
            assert float(logits[0, 0]) == pytest.approx(first, abs=1e-5 * float(logits.abs().max()))
        for samples in (4959, 4800, 4000, 300, 200, 0):
            with pytest.raises(ValueError, match="4960 samples"):
                network(sound[:, :samples])
    with pytest.raises(ValueError, match="9920 samples"):
        panns.tiny(32_000)(torch.zeros(1, 9919))
    assert panns.tiny(32_000)(torch.zeros(1, 9920)).logits.shape == (1, 527)


@pytest.mark.parametrize("rate", [16_000, 32_000])
def test_front_end_equals_librosa(rate: int) -> None:
    librosa = pytest.importorskip("librosa")
    layout, sound = panns.LAYOUTS[rate], tone("panns_wave", rate, rate)
    sizes = {"n_fft": layout.window, "n_mels": 64, "fmin": 50, "fmax": layout.high}
    matrix = librosa.filters.mel(sr=rate, **sizes)
    small = panns.tiny(rate)
    np.testing.assert_allclose(small.logmel_extractor.melW, matrix.T, rtol=0, atol=1e-8)
    power = librosa.feature.melspectrogram(y=sound, sr=rate, hop_length=layout.hop, pad_mode="reflect", **sizes)
    expected = librosa.power_to_db(power, ref=1.0, amin=1e-10, top_db=None)
    np.testing.assert_allclose(small.log_mel(torch.from_numpy(sound)[None])[0, 0], expected.T, rtol=0, atol=1e-3)


def test_silence_is_the_floor() -> None:
    assert panns.tiny().log_mel(torch.zeros(1, 4960)).unique().tolist() == pytest.approx([-100.0])


def test_fourier_matrix_equals_numpy() -> None:
    hann = 0.5 - 0.5 * np.cos(2 * np.pi * np.arange(512) / 512)
    expected = np.fft.rfft(np.eye(512), axis=1).T * hann
    real, imaginary = panns.windowed_fourier(512)
    np.testing.assert_allclose(real, expected.real, rtol=0, atol=1e-7)
    np.testing.assert_allclose(imaginary, expected.imag, rtol=0, atol=1e-7)


def test_batch_size_changes_nothing(small: Any) -> None:
    with torch.no_grad():
        together, alone = small(pair()), [small(pair()[row : row + 1]) for row in (0, 1)]
    for name in ("features", "logits"):
        single = torch.cat([getattr(answer, name) for answer in alone])
        np.testing.assert_allclose(getattr(together, name), single, rtol=0, atol=1e-5 * float(single.abs().max()))
    assert not torch.allclose(together.logits[0], together.logits[1])


def test_wrong_input(small: Any) -> None:
    with pytest.raises(ValueError, match="takes"):
        small(torch.zeros(16_000))
    with pytest.raises(ValueError, match="44100"):
        panns.build(44_100)
