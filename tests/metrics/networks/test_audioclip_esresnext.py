"""AudioCLIP's audio head answers as the official code does when both are filled by the rule."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

import numpy as np
import pytest

from avbench.feature import Array
from avbench.testing import hashed, rule_fill, rule_input

torch = pytest.importorskip("torch")
from avbench_metrics._features.networks import audioclip_esresnext as audioclip  # noqa: E402

KEEP = ("fbsp.m", "fbsp.fb", "fbsp.fc", "window")
DIGEST = "4832a7e98f215eed83b9b844803f06bc58b3d41aab2d4b35c289045a9fe55d65"
# mean, standard deviation, largest size, and first five values of the official outputs
EXPECTED = {
    "fbsp_weights_strided": (
        0.00106965719,
        0.0155883439,
        0.0220970865,
        (0.0220970865, 0, 0.0220970865, 0, 0.0220970865),
    ),
    "spec_db_strided": (
        -38.0906509,
        11.4672316,
        77.8122787,
        (-43.0286217, -33.5409889, -32.5074921, -20.9706783, -20.0324917),
    ),
    "spec_db_fp64_strided": (
        -38.0906309,
        11.4672357,
        77.8164566,
        (-43.028758, -33.5410047, -32.5074683, -20.9706773, -20.0324906),
    ),
    "pooled_2048": (
        0.0939315744,
        0.124698064,
        0.994450867,
        (0.114720136, 0.070335187, 0.149664387, 0.0164492577, 0.24951601),
    ),
    "feature_1024": (
        0.00163778215,
        0.128390467,
        0.4857063,
        (-0.0288080499, -0.0928059369, -0.175518185, -0.100443423, 0.0426985286),
    ),
    "feature_1024_input_not_scaled": (
        0.0101832026,
        0.476010497,
        1.57004094,
        (-0.245480657, -0.54989928, -0.585531533, -0.376859814, 0.048159048),
    ),
    "feature_1024_stereo": (
        0.00437035351,
        0.188269687,
        0.583238125,
        (-0.122564308, -0.130053803, -0.285524547, -0.132073358, 0.0142803192),
    ),
    "feature_1024_n60001": (
        0.000620026549,
        0.0970897412,
        0.308449566,
        (-0.0276585445, -0.0815378651, -0.16995813, -0.099213779, 0.0469672456),
    ),
    "feature_1024_from_det_spec": (
        0.00531981328,
        0.16936078,
        0.553671002,
        (-0.0785254911, -0.0714060143, -0.215047106, -0.177743137, 0.0605775192),
    ),
}


def wave(name: str, samples: int, size: float) -> Array:
    """A beating tone of 440 Hz in noise, float32 (samples,)."""
    seconds = np.arange(samples) / 44_100
    tone = np.sin(2 * np.pi * 440 * seconds) * (1 + 0.5 * np.sin(2 * np.pi * 3 * seconds))
    return np.asarray(size * (0.2 * hashed(f"input:{name}", samples) + 0.4 * tone), dtype=np.float32)


@pytest.fixture(scope="module")
def network() -> object:
    torch.set_num_threads(1)
    return rule_fill(audioclip.build(), 0.7, KEEP)


@pytest.fixture(scope="module")
def waves() -> object:
    return torch.from_numpy(np.stack([wave("aclip_wave", 88_200, 32_768), wave("aclip_wave2", 88_200, 3276.8)])[:, None])


def agrees(output: object, name: str, tolerance: float = 1e-5) -> None:
    """Every summary lies within ``tolerance`` of the largest output."""
    mean, deviation, largest, first = EXPECTED[name]
    values = np.asarray(output, dtype=np.float64)
    limit = tolerance * largest
    np.testing.assert_allclose(values.ravel()[:5], first, rtol=0, atol=limit)
    assert values.mean() == pytest.approx(mean, rel=0, abs=limit)
    assert values.std() == pytest.approx(deviation, rel=0, abs=limit)
    assert np.abs(values).max() == pytest.approx(largest, rel=0, abs=limit)


def test_names_and_shapes() -> None:
    names = sorted(f"{name} {tuple(tensor.shape)}" for name, tensor in audioclip.build().state_dict().items())
    assert len(names) == 370
    assert hashlib.sha256("\n".join(names).encode()).hexdigest() == DIGEST


def test_names_and_shapes_are_the_official_list(real_data: Path) -> None:
    official = json.loads((real_data / "reference/networks/audioclip_esresnext.json").read_text())["keys"]
    assert {name: list(tensor.shape) for name, tensor in audioclip.build().state_dict().items()} == {
        name: shape for name, (shape, _) in official.items()
    }


def test_filters(network) -> None:  # type: ignore[no-untyped-def]
    agrees(network.fbsp.weights().detach()[::64, ::64], "fbsp_weights_strided")


def test_spectrogram(network, waves) -> None:  # type: ignore[no-untyped-def]
    with torch.no_grad():
        spectrogram = network.spectrogram_db(waves)
    assert spectrogram.shape == (2, 1, 3, 341, 156)
    agrees(spectrogram[..., ::16, ::16], "spec_db_strided")


def test_spectrogram_in_double_precision(waves) -> None:  # type: ignore[no-untyped-def]
    with torch.no_grad():
        agrees(audioclip.build().double().spectrogram_db(waves.double())[..., ::16, ::16], "spec_db_fp64_strided")


def test_outputs_of_a_given_spectrogram(network, waves) -> None:  # type: ignore[no-untyped-def]
    given = torch.from_numpy(rule_input("aclip_spec_db", (2, 1, 3, 341, 128), 30, -40))
    with torch.no_grad():
        agrees(network.from_spectrogram(given), "feature_1024_from_det_spec")
        agrees(network.pooled(network.spectrogram_db(waves)), "pooled_2048", 2e-5)


def test_outputs_of_sound(network, waves) -> None:  # type: ignore[no-untyped-def]
    """2e-5, as the spectrogram's faintest bins hang on the order of float32 sums."""
    stereo = torch.from_numpy(np.stack([wave("aclip_wave", 88_200, 32_768), wave("aclip_wave3", 88_200, 16_384)])[None])
    short = torch.from_numpy(wave("aclip_wave", 60_001, 32_768)[None, None])
    with torch.no_grad():
        both = network(waves)
        agrees(both, "feature_1024", 2e-5)
        agrees(network(waves / 32_768), "feature_1024_input_not_scaled", 2e-5)
        agrees(network(stereo), "feature_1024_stereo", 2e-5)
        agrees(network(short), "feature_1024_n60001", 2e-5)
        alone = network(waves[1:])
    torch.testing.assert_close(alone, both[1:], rtol=0, atol=1e-5 * float(both.abs().max()))


def test_trained_filters_follow_the_paper() -> None:
    """Against complex numbers in numpy, with orders, widths and centres off their start."""
    filters = audioclip.ComplexFilters().double()
    with torch.no_grad():
        filters.m.copy_(torch.linspace(0.5, 3.0, 1025))
        filters.fb.copy_(torch.linspace(0.8, 1.7, 1025))
        filters.fc.add_(torch.linspace(-0.4, 0.4, 1025))
    order, width, centre = (parameter.detach().numpy()[:, None] for parameter in (filters.m, filters.fb, filters.fc))
    seconds = np.pi * np.linspace(-1, 1, 2048) + 1e-8
    spline = np.sinc(width * seconds / (order + 1e-8) / np.pi).astype(complex) ** order
    expected = np.sqrt(width / 2048) * spline * np.exp(-1j * centre * seconds)
    found = filters.weights().detach().numpy()
    np.testing.assert_allclose(found[..., 0] + 1j * found[..., 1], expected, rtol=0, atol=1e-12)


@pytest.mark.parametrize(("samples", "count"), [(100, 1), (1654, 1), (1655, 2), (60_001, 106), (88_200, 156)])
def test_frames_cover_every_sample(samples: int, count: int) -> None:
    pieces = audioclip.frames(torch.ones(1, samples), torch.ones(audioclip.WINDOW))
    assert pieces.shape == (1, count, 2048)
    assert not pieces[..., :197].any() and not pieces[..., -197:].any()
    missing = (count - 1) * 561 + 1654 - samples
    assert int((pieces[0, 0, 197:-197] == 0).sum()) == missing // 2 or count == 1


def test_silence_is_finite() -> None:
    """Zero maps to 1.5e-5, not to zero, so silence is loud at low frequencies."""
    spectrogram = audioclip.build().spectrogram_db(torch.zeros(1, 1, 88_200)).detach()
    assert float(spectrogram.max()) == pytest.approx(-73.976, abs=1e-2)
    assert torch.isfinite(spectrogram).all()


def test_strict_loading_sees_every_name() -> None:
    network = audioclip.tiny()
    state = network.state_dict()
    with pytest.raises(RuntimeError, match="Unexpected"):
        network.load_state_dict({**state, "more": torch.zeros(1)})
    state.pop("fbsp.bias")
    with pytest.raises(RuntimeError, match="Missing"):
        network.load_state_dict(state)


def test_tiny_has_the_same_input_and_output() -> None:
    with torch.no_grad():
        assert audioclip.tiny()(torch.zeros(2, 1, 16_000)).shape == (2, 1024)
