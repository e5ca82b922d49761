"""MUSIQ answers as the official code does when both are filled by the rule."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from avbench.compat import mend_torch
from avbench.errors import Unscorable
from avbench.testing import rule_fill, rule_input

torch = pytest.importorskip("torch")
from avbench_metrics._features.networks import musiq  # noqa: E402

DIGEST = "40407b83c930407df0bf02e2cc2eb44146b9de66681e1e6deb8d56b814eb5c72"
PICTURES = {
    "200x300": ("musiq_a", (1, 3, 200, 300), (263, 201)),
    "480x270": ("musiq_b", (1, 3, 480, 270), (328, 247)),
    "64x64": ("musiq_c", (1, 3, 64, 64), (197, 197)),
    "224x224": ("musiq_d", (2, 3, 224, 224), (242, 242)),
}
# mean, standard deviation, largest size, and first five values of the official outputs
EXPECTED = {
    "score_200x300": (
        0.750491083,
        0,
        0.750491083,
        (0.750491083,),
    ),
    "spatial_positions_200x300": (
        33.4220532,
        30.6575686,
        89,
        (0, 1, 2, 4, 5),
    ),
    "scale_positions_200x300": (
        0.897338403,
        0.790216164,
        2,
        (0, 0, 0, 0, 0),
    ),
    "mask_200x300": (
        0.764258555,
        0.424461325,
        1,
        (1, 1, 1, 1, 1),
    ),
    "patches_200x300_strided": (
        -0.0314264373,
        0.268969709,
        0.854831576,
        (0, 0, 0, 0.184750959, 0.260598928),
    ),
    "score_480x270": (
        0.702874422,
        0,
        0.702874422,
        (0.702874422,),
    ),
    "spatial_positions_480x270": (
        34.7317073,
        32.0208769,
        98,
        (0, 2, 5, 7, 10),
    ),
    "scale_positions_480x270": (
        1.07926829,
        0.85884747,
        2,
        (0, 0, 0, 0, 0),
    ),
    "mask_480x270": (
        0.75304878,
        0.431238118,
        1,
        (1, 1, 1, 1, 1),
    ),
    "score_64x64": (
        1.01282024,
        0,
        1.01282024,
        (1.01282024,),
    ),
    "spatial_positions_64x64": (
        44.6142132,
        29.041252,
        99,
        (0, 1, 2, 4, 5),
    ),
    "scale_positions_64x64": (
        0.771573604,
        0.465678982,
        2,
        (0, 0, 0, 0, 0),
    ),
    "mask_64x64": (
        1,
        0,
        1,
        (1, 1, 1, 1, 1),
    ),
    "score_224x224": (
        0.688675255,
        0.106554121,
        0.795229375,
        (0.795229375, 0.582121134),
    ),
    "spatial_positions_224x224": (
        44.4545455,
        28.8530045,
        99,
        (0, 1, 2, 4, 5),
    ),
    "scale_positions_224x224": (
        1,
        0.636363636,
        2,
        (0, 0, 0, 0, 0),
    ),
    "mask_224x224": (
        1,
        0,
        1,
        (1, 1, 1, 1, 1),
    ),
    "encoder_cls_200x300": (
        0.0085793014,
        1.00266827,
        2.82087183,
        (-0.397571802, -0.619094968, -0.330376655, -0.317245096, 0.379832804),
    ),
}


def picture(size: str) -> Any:
    """A pattern of waves in noise, (B, 3, H, W), about 0 ... 1."""
    name, shape, _ = PICTURES[size]
    row, column = np.mgrid[: shape[2], : shape[3]]
    waves = 0.5 + 0.25 * np.sin(2 * np.pi * column / 37) * np.cos(2 * np.pi * row / 53)
    return torch.from_numpy((waves + rule_input(name, shape, 0.2)).astype(np.float32))


def agrees(output: Any, name: str) -> None:
    """Every summary lies within 1e-5 of the largest output."""
    mean, deviation, largest, first = EXPECTED[name]
    values, limit = np.asarray(output, dtype=np.float64), 1e-5 * largest
    np.testing.assert_allclose(values.ravel()[: len(first)], first, rtol=0, atol=limit)
    assert values.mean() == pytest.approx(mean, rel=0, abs=limit)
    assert values.std() == pytest.approx(deviation, rel=0, abs=limit)
    assert np.abs(values).max() == pytest.approx(largest, rel=0, abs=limit)


@pytest.fixture(scope="module")
def network() -> Any:
    torch.set_num_threads(1)
    return rule_fill(musiq.build())


def test_names_and_shapes() -> None:
    names = sorted(f"{name} {tuple(tensor.shape)}" for name, tensor in musiq.build().state_dict().items())
    assert len(names) == 248
    assert hashlib.sha256("\n".join(names).encode()).hexdigest() == DIGEST


def test_names_of_ava() -> None:
    one, ten = musiq.tiny().state_dict(), musiq.tiny(10).state_dict()
    assert set(one) - set(ten) == {"head.weight", "head.bias"}
    assert set(ten) - set(one) == {"head.0.weight", "head.0.bias"}
    assert ten["head.0.weight"].shape[0] == 10


def test_names_and_shapes_are_the_official_list(real_data: Path) -> None:
    official = json.loads((real_data / "reference/networks/musiq.json").read_text())["keys"]
    assert {name: list(tensor.shape) for name, tensor in musiq.build().state_dict().items()} == {
        name: shape for name, (shape, _) in official.items()
    }


@pytest.mark.parametrize("size", PICTURES)
def test_patches(size: str) -> None:
    sequence = musiq.patch_sequence(picture(size))
    tokens, valid = PICTURES[size][2]
    assert sequence.shape[1:] == (tokens, 3075)
    assert int(sequence[0, :, -1].sum()) == valid
    for column, name in enumerate(("spatial_positions", "scale_positions", "mask")):
        agrees(sequence[0, :, 3072 + column], f"{name}_{size}")
    if size == "200x300":
        agrees(sequence[:, ::16, :-3:64], "patches_200x300_strided")


def test_encoder_and_scores(network: Any) -> None:
    with torch.no_grad():
        token = network.encode(musiq.patch_sequence(picture("200x300")))
        agrees(token, "encoder_cls_200x300")
        agrees(network.head(token), "score_200x300")


@pytest.mark.parametrize("size", ["480x270", "64x64", "224x224"])
def test_scores(network: Any, size: str) -> None:
    with torch.no_grad():
        scores = network(picture(size))
        agrees(scores, f"score_{size}")
        if len(scores) > 1:
            alone = network(picture(size)[1:])
            torch.testing.assert_close(alone, scores[1:], rtol=1e-5, atol=0)


def test_filling_is_not_seen(network: Any) -> None:
    sequence = musiq.patch_sequence(picture("200x300"))
    noisy = sequence.clone()
    noisy[0, sequence[0, :, -1] == 0, :3072] = 1.0
    assert not torch.equal(noisy, sequence)
    with torch.no_grad():
        torch.testing.assert_close(network.encode(noisy), network.encode(sequence), rtol=0, atol=1e-6)


def test_mean_mark() -> None:
    shares = torch.zeros(2, 10)
    shares[0, 6], shares[1, 0], shares[1, 9] = 1.0, 0.5, 0.5
    assert musiq.mean_mark(shares).tolist() == [7.0, 5.5]
    with torch.no_grad():
        assert musiq.tiny(10)(picture("64x64")).sum() == pytest.approx(1.0, abs=1e-6)


@pytest.mark.parametrize(("size", "reduced"), [((300, 720), (213, 512)), ((720, 300), (512, 213)), ((512, 400), (512, 400))])
def test_pictures_of_vbench(size: tuple[int, int], reduced: tuple[int, int]) -> None:
    mend_torch()
    from torchvision.transforms import Resize

    frames = np.random.default_rng(0).integers(0, 256, (2, *size, 3), dtype=np.uint8)
    floats = torch.from_numpy(frames).permute(0, 3, 1, 2).float()
    pictures = musiq.pictures_of(frames, 512)
    assert pictures.shape == (2, 3, *reduced)
    torch.testing.assert_close(pictures, Resize(reduced, antialias=False)(floats) / 255, rtol=0, atol=1e-6)
    torch.testing.assert_close(musiq.pictures_of(frames), floats / 255, rtol=0, atol=0)


def test_a_line_has_no_patches() -> None:
    with pytest.raises(Unscorable, match="narrow"):
        musiq.patch_sequence(torch.zeros(1, 3, 1000, 1))


def test_strict_loading_sees_every_name() -> None:
    network = musiq.tiny()
    state = network.state_dict()
    with pytest.raises(RuntimeError, match="Unexpected"):
        network.load_state_dict({**state, "more": torch.zeros(1)})
    state.pop("head.bias")
    with pytest.raises(RuntimeError, match="Missing"):
        network.load_state_dict(state)
