"""SyncNet against the official code's answers under the rule, and its inputs against the formulas they are named after."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import scipy.fft
from avbench_metrics._features.syncnet_input import cepstra, int16, lip_windows, sound_windows

from avbench.feature import Array
from avbench.rule import rule_fill, rule_input

torch = pytest.importorskip("torch")
syncnet = pytest.importorskip("avbench_metrics._features.networks.syncnet")

# mean, standard deviation and first five values of github.com/joonson/syncnet_python at 6efbb1c
EXPECTED = {
    "embed_sound": (1.4020596, 32.3832855, [-47.7812576, -48.4917030, 3.0258956, -28.0120811, 1.1452287]),
    "embed_lips": (-32.8435364, 823.7900391, [428.7866516, -62.5710487, -281.8472900, 957.9181519, 309.5376587]),
    "lip_features": (314.5984497, 474.9905701, [690.3202515, 0.0, 0.0, 0.0, 0.0]),
    "embed_lips of whole levels": (-32.8718987, 823.7822266, [429.2096863, -62.1938972, -280.6683350, 957.6162720, 309.4473877]),
}
DIGEST = "5319945ef8d6cd36d0878604ac8b4e765ec06d7268b01bc0a98d0b4540dcc58c"


def digest(shapes: dict[str, list[int]]) -> str:
    """sha256 over sorted lines of name and shape."""
    return hashlib.sha256("\n".join(sorted(f"{name} {shape}" for name, shape in shapes.items())).encode()).hexdigest()


def shapes(network: Any) -> dict[str, list[int]]:
    """Shapes of the state dict by name."""
    return {name: list(tensor.shape) for name, tensor in network.state_dict().items()}


@pytest.fixture(scope="module")
def official() -> Any:
    """The official size, filled by the rule."""
    torch.set_num_threads(1)
    return rule_fill(syncnet.build(), syncnet.GAIN)


@pytest.fixture(scope="module")
def small() -> Any:
    torch.set_num_threads(1)
    return rule_fill(syncnet.tiny(), syncnet.GAIN)


def answer(function: Any, values: Array) -> Array:
    """What a method of the network says to an array."""
    with torch.inference_mode():
        return np.asarray(function(torch.from_numpy(values)))


def test_parameters_are_the_checkpoints(official: Any) -> None:
    assert digest(shapes(official)) == DIGEST


def test_parameters_are_those_listed(official: Any, real_data: Path) -> None:
    listed = json.loads((real_data / "reference/networks/syncnet.json").read_text())["keys"]
    assert shapes(official) == {name: shape for name, (shape, _) in listed.items()}


@pytest.mark.parametrize("name", EXPECTED)
def test_answers_as_the_official_code(official: Any, name: str) -> None:
    values = rule_input("syncnet_mfcc", (3, 1, 13, 20), 10)
    if name != "embed_sound":
        values = rule_input("syncnet_lip", (2, 3, 5, 224, 224), 127.5, 127.5)
    if name.endswith("whole levels"):
        values = np.rint(values)
    found = answer(getattr(official, name.split()[0]), values)
    mean, deviation, first = EXPECTED[name]
    tolerance = 1e-5 * float(np.abs(found).max())
    assert found.shape == (len(values), 512 if name == "lip_features" else 1024)
    assert found.mean() == pytest.approx(mean, abs=tolerance)
    assert found.std() == pytest.approx(deviation, abs=tolerance)
    assert found.ravel()[:5] == pytest.approx(first, abs=tolerance)


def test_small_one_has_the_same_interface_and_batches_change_nothing(small: Any) -> None:
    faces, sounds = rule_input("faces", (3, 3, 5, 224, 224), 127.5, 127.5), rule_input("sounds", (3, 1, 13, 20), 10)
    for function, values in ((small.embed_lips, faces), (small.embed_sound, sounds)):
        whole = answer(function, values)
        single = np.concatenate([answer(function, values[i : i + 1]) for i in range(3)])
        assert whole.shape == (3, 1024)
        assert np.abs(whole - single).max() <= 1e-5 * np.abs(whole).max()
        assert np.abs(whole[0] - whole[1]).max() > 0.1 * np.abs(whole).max()


def test_a_checkpoint_with_a_name_too_few_or_too_many_is_refused(small: Any) -> None:
    state = small.state_dict()
    with pytest.raises(RuntimeError, match=r"Missing key.*netfclip\.3\.bias"):
        syncnet.tiny().load_state_dict({name: value for name, value in state.items() if name != "netfclip.3.bias"})
    with pytest.raises(RuntimeError, match=r"Unexpected key.*more"):
        syncnet.tiny().load_state_dict({**state, "more": torch.zeros(1)})


def mfcc_by_formula(samples: Array) -> Array:
    """MFCC from their definition, float64 (13, steps)."""
    signal = np.append(float(samples[0]), samples[1:] - 0.97 * samples[:-1].astype(np.float64))
    steps = 1 + max(0, int(np.ceil((len(signal) - 400) / 160)))
    signal = np.pad(signal, (0, (steps - 1) * 160 + 400 - len(signal)))
    power = np.abs(np.fft.rfft(np.stack([signal[160 * i : 160 * i + 400] for i in range(steps)]), 512)) ** 2 / 512
    edges = np.floor(513 * 700 * (10 ** (np.linspace(0, 2595 * np.log10(1 + 8000 / 700), 28) / 2595) - 1) / 16_000)
    bins = np.arange(257)
    rising = (bins - edges[:-2, None]) / np.diff(edges)[:-1, None]
    falling = (edges[2:, None] - bins) / np.diff(edges)[1:, None]
    bands = np.log(power @ np.clip(np.minimum(rising, falling), 0, None).T)
    found = scipy.fft.dct(bands, norm="ortho")[:, :13] * (1 + 11 * np.sin(np.pi * np.arange(13) / 22))
    found[:, 0] = np.log(power.sum(axis=1))
    return np.asarray(found.T)


def test_cepstra_follow_their_formula() -> None:
    samples = int16(rule_input("voice", (16_000,), 0.3))
    found = cepstra(samples)
    assert found.shape == (13, 99) and found.dtype == np.float32
    assert found == pytest.approx(mfcc_by_formula(samples), abs=1e-4)


def test_cepstra_are_of_16_bit_samples() -> None:
    samples = rule_input("voice", (16_000,), 0.3)
    assert int16(np.asarray([-1.0, 0.0, 0.25, 1.0])).tolist() == [-32768, 0, 8192, 32767]
    with pytest.raises(ValueError, match="int16"):
        cepstra(samples)


def test_windows_advance_by_four_steps_and_one_frame() -> None:
    coefficients = np.arange(13 * 99, dtype=np.float32).reshape(13, 99)
    windows = sound_windows(coefficients, 19)
    assert windows.shape == (19, 1, 13, 20)
    assert all(np.array_equal(windows[i, 0], coefficients[:, 4 * i : 4 * i + 20]) for i in range(19))
    faces = rule_input("faces", (9, 224, 224, 3), 127, 127).astype(np.uint8)
    stacks = lip_windows(faces, 2, 3)
    assert stacks.shape == (3, 3, 5, 224, 224) and stacks.dtype == np.float32
    assert all(np.array_equal(stacks[i, :, j], faces[2 + i + j].transpose(2, 0, 1)) for i in range(3) for j in range(5))
    with pytest.raises(ValueError, match="20 windows, not 21"):
        sound_windows(coefficients, 21)
    with pytest.raises(ValueError, match="9 faces hold no windows 2 to 5"):
        lip_windows(faces, 2, 4)
