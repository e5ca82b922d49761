"""VGGish and its front end against what the official code answers under the rule."""

from __future__ import annotations

import hashlib
import json
import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from avbench.feature import Array
from avbench.rule import hashed, rule_fill, rule_input

torch = pytest.importorskip("torch")
vggish = pytest.importorskip("avbench_metrics._features.networks.vggish")

LAYOUT = "c8017f5cc9711af7fdd614b83ceacd26dfa5c1f2dcdf05ace4a2a7693aaba7c6"
# Mean, standard deviation, first five values.
GIVEN_MEL = (-0.6351869106, 7.4201898575, [-16.4003601074, -7.6734089851, -6.3652253151, 5.2025327682, -7.1381874084])
GIVEN_MEL_RELU = (2.7135460377, 3.9331884384, [0.0, 0.0, 0.0, 5.2025327682, 0.0])
GIVEN_SOUND = (-0.3763246238, 4.8453650475, [-10.6798639297, -3.5981664658, -3.1584792137, -0.2637501955, -2.8988943100])
EXAMPLES = (
    1.3818096546976042,
    0.8477867408743788,
    [-0.878618580622383, -0.11876465375333459, 0.19802147612811785, 0.3111574221122176, 0.7722268989059062],
)


def agrees(found: Array, expected: tuple[float, float, list[float]], tolerance: float = 1e-5) -> None:
    """Mean, deviation and first values to ``tolerance`` of the largest value."""
    values = np.asarray(found, dtype=np.float64).ravel()
    allowed = tolerance * np.abs(values).max()
    mean, deviation, first = expected
    assert values.mean() == pytest.approx(mean, abs=allowed)
    assert values.std() == pytest.approx(deviation, abs=allowed)
    assert values[: len(first)] == pytest.approx(first, abs=allowed)


def tone() -> Array:
    index = np.arange(48_777)
    swell = 1 + 0.5 * np.sin(index / 2000)
    return (hashed("input:vggish_wav", 48_777) * 0.2 + 0.3 * np.sin(index * 2 * np.pi * 523.25 / 16_000) * swell).astype(np.float32)


@pytest.fixture(scope="module")
def network() -> Any:
    torch.set_num_threads(1)
    return rule_fill(vggish.build(), math.sqrt(2))


@pytest.fixture(scope="module")
def mel() -> Any:
    return torch.from_numpy(rule_input("vggish_mel", (1, 3, 96, 64), 2, -1))


def test_names_and_shapes(network: Any) -> None:
    for layout in (network, vggish.Vggish(last_relu=True, divisor=1)):
        lines = sorted(f"{name} {list(tensor.shape)}" for name, tensor in layout.state_dict().items())
        assert hashlib.sha256("\n".join(lines).encode()).hexdigest() == LAYOUT
    assert not network.training


def test_names_and_shapes_of_the_checkpoint(network: Any, real_data: Path) -> None:
    keys = json.loads((real_data / "reference/networks/vggish.json").read_text())["keys"]
    assert {name: [list(t.shape), str(t.dtype).removeprefix("torch.")] for name, t in network.state_dict().items()} == keys


def test_strict_loading() -> None:
    state = dict(vggish.tiny().state_dict())
    vggish.tiny().load_state_dict(state, strict=True)
    for broken in ({**state, "extra": torch.zeros(1)}, {k: v for k, v in state.items() if k != "embeddings.4.bias"}):
        with pytest.raises(RuntimeError):
            vggish.tiny().load_state_dict(broken, strict=True)


def test_embeddings_with_and_without_the_last_relu(network: Any, mel: Any) -> None:
    with torch.no_grad():
        plain = network(mel)
        assert plain.shape == (1, 3, 128)
        agrees(plain, GIVEN_MEL)
        relu = vggish.build(last_relu=True)
        relu.load_state_dict(network.state_dict(), strict=True)
        agrees(relu(mel[0]), GIVEN_MEL_RELU)


def test_embeddings_of_sound(network: Any) -> None:
    with torch.no_grad():
        agrees(network(torch.from_numpy(vggish.log_mel_examples(tone()).astype(np.float32))[None]), GIVEN_SOUND)


def test_front_end() -> None:
    examples = vggish.log_mel_examples(tone())
    assert examples.shape == (3, 96, 64) and examples.dtype == np.float64
    agrees(examples, EXAMPLES, 1e-12)


def test_front_end_from_librosas_spectrum() -> None:
    librosa = pytest.importorskip("librosa")
    # librosa puts the window of 400 into the middle of 512 samples, so 56 zeros in front give the same frames.
    spectrum = librosa.stft(np.pad(tone().astype(np.float64), 56), n_fft=512, hop_length=160, win_length=400, center=False)
    mel = 1127 * np.log1p(np.arange(257) * 16_000 / 512 / 700)  # triangles are straight in mel, not in hertz
    edges = np.linspace(1127 * np.log1p(125 / 700), 1127 * np.log1p(7500 / 700), 66)
    triangles = [np.interp(mel, edges[band : band + 3], [0, 1, 0]) for band in range(64)]
    expected = np.log(np.abs(spectrum[:, :96]).T @ np.array(triangles).T + 0.01)
    np.testing.assert_allclose(vggish.log_mel_examples(tone())[0], expected, rtol=0, atol=1e-6)


@pytest.mark.parametrize(("samples", "count"), [(0, 0), (15_000, 0), (15_599, 0), (15_600, 1), (64_000, 4), (128_000, 8)])
def test_number_of_examples(samples: int, count: int) -> None:
    assert vggish.log_mel_examples(np.zeros(samples, np.float32)).shape == (count, 96, 64)


def test_batch_size_changes_nothing(mel: Any) -> None:
    small = rule_fill(vggish.tiny(), math.sqrt(2))
    with torch.no_grad():
        together, alone = small(mel), torch.stack([small(example) for example in mel[0]])[None]
    np.testing.assert_allclose(together, alone, rtol=0, atol=1e-5 * float(alone.abs().max()))
    assert not torch.allclose(together[0, 0], together[0, 1])


def test_wrong_input() -> None:
    small = vggish.tiny()
    assert small(torch.zeros(0, 96, 64)).shape == (0, 128)
    with pytest.raises(ValueError, match="takes"):
        small(torch.zeros(1, 64, 96))
    with pytest.raises(ValueError, match="mono"):
        vggish.log_mel_examples(np.zeros((2, 16_000)))
