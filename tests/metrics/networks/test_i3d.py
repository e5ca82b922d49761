"""I3D and its two preprocessings against what the official code answers under the rule, and against the notes on its quirks."""

from __future__ import annotations

import hashlib
import json
import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from avbench.compat import mend_torch
from avbench.feature import Array
from avbench.rule import hashed, rule_fill, rule_input

torch = pytest.importorskip("torch")
i3d = pytest.importorskip("avbench_metrics._features.networks.i3d")

LAYOUT = "e478222be240be6354fb52106c552bf25393919a93ac3ff472c670e1b8a2724e"
# Mean, standard deviation, first five values.
LOGITS = {
    9: (0.3989168107509613, 5.869926452636719, [-1.8768323659, 5.1383342743, 4.0743821453, 1.9956334829, -5.1554632187]),
    16: (0.4013000428676605, 7.282417297363281, [-4.4235997200, 6.4381275177, 5.6872801781, 1.1921590567, -4.8545198441]),
    24: (0.476490318775177, 7.905886650085449, [-1.4441151619, 7.8064789772, 5.6799421310, 2.2383956909, -4.5801320076]),
}
PREPARED = {
    "squash": (0.01018406730145216, 0.3565662205219269, [-0.7568627596, -0.5117647052, -0.4666664889, 0.4078431129, 0.2705882788]),
    "crop": (
        -0.006088597234338522,
        0.3910194635391,
        [-0.4601724148, -0.6088172197, 0.0730861425, -0.0455852151, -0.2745589018],
    ),
}
SUMS = {"squash": 223.60530376434326, "crop": 1686.2546654343605}
WHOLE_WAY = {
    "squash": (0.26573166251182556, 3.952183723449707, [-1.2718235254, 3.6713585854, 2.8238074780, 1.1006346941, -3.3923968799]),
    "crop": (0.2561357021331787, 3.8732337951660156, [-1.1929591894, 3.5245883465, 2.7560741901, 1.0134028196, -3.3285434246]),
}


def agrees(found: Any, expected: tuple[float, float, list[float]]) -> None:
    """Mean, deviation and first values to 1e-5 of the largest value."""
    values = found.detach().double().numpy().ravel()
    tolerance = 1e-5 * np.abs(values).max()
    mean, deviation, first = expected
    assert values.mean() == pytest.approx(mean, abs=tolerance)
    assert values.std() == pytest.approx(deviation, abs=tolerance)
    assert values[: len(first)] == pytest.approx(first, abs=tolerance)


def video(frames: int, count: int = 1) -> Any:
    return torch.from_numpy(rule_input("i3d_video", (count, 3, frames, 224, 224)))


def noise_bytes() -> Any:
    values = np.rint((hashed("input:i3d_bytes", 2 * 10 * 40 * 56 * 3) + 1) * 127.5)
    return torch.from_numpy(values.astype(np.uint8).reshape(2, 10, 40, 56, 3))


@pytest.fixture(scope="module")
def network() -> Any:
    torch.set_num_threads(1)
    return rule_fill(i3d.build(), math.sqrt(2))


@pytest.fixture(scope="module")
def small() -> Any:
    torch.set_num_threads(1)
    return rule_fill(i3d.tiny(), math.sqrt(2))


def test_names_and_shapes(network: Any) -> None:
    lines = sorted(f"{name} {list(tensor.shape)}" for name, tensor in network.state_dict().items())
    assert hashlib.sha256("\n".join(lines).encode()).hexdigest() == LAYOUT
    assert not network.training


@pytest.mark.parametrize("code", ["cdfvd", "javisbench"])
def test_names_and_shapes_of_the_checkpoint(network: Any, real_data: Path, code: str) -> None:
    keys = json.loads((real_data / f"reference/networks/i3d_{code}.json").read_text())["keys"]
    found = {name: [list(t.shape), str(t.dtype).removeprefix("torch.")] for name, t in network.state_dict().items()}
    assert found == keys


def test_strict_loading(small: Any) -> None:
    state = dict(small.state_dict())
    i3d.tiny().load_state_dict(state, strict=True)
    for broken in ({**state, "extra": torch.zeros(1)}, {k: v for k, v in state.items() if k != "logits.conv3d.bias"}):
        with pytest.raises(RuntimeError):
            i3d.tiny().load_state_dict(broken, strict=True)


@pytest.mark.parametrize("frames", [9, 16, 24])
def test_logits(network: Any, frames: int) -> None:
    with torch.no_grad():
        agrees(network(video(frames)), LOGITS[frames])


@pytest.mark.parametrize("way", ["squash", "crop"])
def test_preprocessing(network: Any, way: str) -> None:
    prepared = getattr(i3d, way)(noise_bytes())
    assert prepared.shape == (2, 3, 10, 224, 224)
    agrees(prepared[0, :, ::3, ::16, ::16], PREPARED[way])
    assert prepared.double().sum().item() == pytest.approx(SUMS[way], abs=1e-5 * prepared.abs().double().sum().item())
    with torch.no_grad():
        agrees(network(prepared[:1]), WHOLE_WAY[way])


def test_batch_size_changes_nothing(small: Any) -> None:
    pair = video(9, count=2)
    with torch.no_grad():
        together, alone = small(pair), torch.cat([small(pair[:1]), small(pair[1:])])
    np.testing.assert_allclose(together, alone, rtol=0, atol=1e-5 * float(alone.abs().max()))
    assert not torch.allclose(together[0], together[1])


def test_wrong_input(small: Any) -> None:
    with torch.no_grad():
        assert small(video(9)).shape == (1, 400)
    for shape, words in (((1, 3, 8, 224, 224), "9 frames"), ((1, 3, 9, 224, 200), "takes"), ((3, 9, 224, 224), "takes")):
        with pytest.raises(ValueError, match=words):
            small(torch.zeros(shape))


@pytest.mark.parametrize("size", range(1, 20))
@pytest.mark.parametrize(("kernel", "stride"), [(7, 2), (3, 2), (3, 1), (2, 2), (1, 1)])
def test_same_padding_is_tensorflows(size: int, kernel: int, stride: int) -> None:
    total = max((math.ceil(size / stride) - 1) * stride + kernel - size, 0)
    padded = i3d.pad_same(torch.ones(1, 1, size, 1, 1), (kernel, 1, 1), (stride, 1, 1))[0, 0, :, 0, 0]
    assert padded.tolist() == [0.0] * (total // 2) + [1.0] * size + [0.0] * (total - total // 2)


def test_pooling_pads_with_zeros() -> None:
    pooled = i3d.SamePool((1, 3, 3), (1, 1, 1))(-torch.ones(1, 1, 1, 3, 3))[0, 0, 0]
    assert pooled.tolist() == [[0.0, 0.0, 0.0], [0.0, -1.0, 0.0], [0.0, 0.0, 0.0]]


def test_frame_choice() -> None:
    of_96 = "0 4 8 12 17 21 25 29 33 37 41 45 50 54 58 62 66 70 74 78 83 87 91 95"
    of_65 = "0 3 6 8 11 14 17 19 22 25 28 31 33 36 39 42 45 47 50 53 56 58 61 64"
    assert i3d.frame_choice(96) == [int(index) for index in of_96.split()]
    assert i3d.frame_choice(65) == [int(index) for index in of_65.split()]
    assert i3d.frame_choice(4, 7) == [0, 0, 1, 2, 2, 2, 3]  # 0.5 and 2.5 go to the even neighbour
    assert i3d.frame_choice(1) == [0] * 24
    assert i3d.frame_choice(24) == list(range(24))
    with pytest.raises(ValueError):
        i3d.frame_choice(0)


@pytest.mark.parametrize(
    ("height", "width", "inner"), [(240, 426, (126, 224)), (426, 240, (224, 126)), (40, 56, (160, 224)), (300, 300, (224, 224))]
)
def test_letterbox_equals_torchvision(height: int, width: int, inner: tuple[int, int]) -> None:
    mend_torch()
    functional = pytest.importorskip("torchvision.transforms.functional")
    frames = torch.from_numpy(np.random.default_rng(0).integers(0, 256, (2, height, width, 3), dtype=np.uint8))
    boxed = i3d.letterbox(frames)
    assert boxed.shape == (2, 3, 224, 224) and boxed.min() >= 0 and boxed.max() <= 1
    top, left = (224 - inner[0]) // 2, (224 - inner[1]) // 2
    expected = functional.resize(frames.permute(0, 3, 1, 2).float() / 255, list(inner), antialias=True)
    assert torch.allclose(boxed[:, :, top : top + inner[0], left : left + inner[1]], expected, atol=1e-6)
    boxed[:, :, top : top + inner[0], left : left + inner[1]] = 0
    assert not boxed.any()


def test_value_range_of_the_protocols() -> None:
    levels = torch.linspace(0, 1, 256)[None, None, None].expand(1, 3, 1, 256)
    official, fixed = (i3d.to_bytes(levels, protocol)[0, 0, :, 0] for protocol in ("official", "fixed"))
    assert (official.min(), official.max(), fixed.tolist()) == (127, 255, list(range(256)))

    frames = torch.zeros(9, 60, 120, 3, dtype=torch.uint8)
    frames[:, :, 60:] = 255
    found = {protocol: i3d.javisbench_input(frames, protocol) for protocol in ("official", "fixed")}
    assert all(x.shape == (1, 3, 9, 224, 224) for x in found.values())
    assert found["official"].min() == pytest.approx(-0.0039, abs=1e-4) and found["official"].max() == 1
    assert (found["fixed"].min(), found["fixed"].max()) == (-1, 1)
    assert found["official"][0, 0, 0, 0, 0] == found["official"].min()  # the black bar turns grey


def test_crop_leaves_a_letterboxed_picture_alone() -> None:
    pictures: Array = np.random.default_rng(1).integers(0, 256, (1, 2, 224, 224, 3), dtype=np.uint8)
    expected = pictures.transpose(0, 4, 1, 2, 3) / 127.5 - 1
    np.testing.assert_allclose(i3d.crop(torch.from_numpy(pictures)), expected, rtol=0, atol=1e-6)
