"""MANIQA answers as the official code does when both are filled by the rule."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from avbench.errors import Unscorable
from avbench.testing import rule_fill, rule_input

torch = pytest.importorskip("torch")
from avbench_metrics._features.networks import maniqa  # noqa: E402

DIGEST = "22474ac083c21cfdaa8cbd8d4523e2cd37785f2e21820536527bf1fe973b95a5"
# mean, standard deviation, largest size, and first values of the official outputs
EXPECTED = {
    "score": (
        0.354663655,
        0.000255092978,
        0.354918748,
        (0.354408562, 0.354918748),
    ),
    "patch_scores": (
        0.350968636,
        0.230266069,
        1.08798838,
        (0.599702716, 0.385978222, 0.420318991, 0.734707236, 0.331335068),
    ),
    "patch_weights": (
        0.449493177,
        0.0543120743,
        0.628460407,
        (0.490273774, 0.47487092, 0.556001663, 0.486114174, 0.551328182),
    ),
    "stage1_in_strided": (
        -0.165332271,
        0.975111701,
        4.03705978,
        (0.515242517, 0.411101162, 0.240108356, -0.00714021921, -0.10625118),
    ),
    "swin1_strided": (
        0.416262475,
        1.13123962,
        4.49506521,
        (1.20310402, 0.802190304, 0.693309426, 0.714246213, 0.874926269),
    ),
    "swin2_strided": (
        0.439290812,
        1.00265472,
        3.72452307,
        (0.125182286, 1.45320106, -0.467969477, 1.26496029, 1.29447043),
    ),
}


def agrees(output: Any, name: str) -> None:
    """Every summary lies within 1e-5 of the largest output."""
    mean, deviation, largest, first = EXPECTED[name]
    values, limit = np.asarray(output, dtype=np.float64), 1e-5 * largest
    np.testing.assert_allclose(values.ravel()[: len(first)], first, rtol=0, atol=limit)
    assert values.mean() == pytest.approx(mean, rel=0, abs=limit)
    assert values.std() == pytest.approx(deviation, rel=0, abs=limit)
    assert np.abs(values).max() == pytest.approx(largest, rel=0, abs=limit)


def test_names_and_shapes() -> None:
    with torch.device("meta"):
        state = maniqa.build().state_dict()
    names = sorted(f"{name} {tuple(tensor.shape)}" for name, tensor in state.items())
    assert len(names) == 316
    assert hashlib.sha256("\n".join(names).encode()).hexdigest() == DIGEST


def test_names_and_shapes_are_the_official_list(real_data: Path) -> None:
    official = json.loads((real_data / "reference/networks/maniqa.json").read_text())["keys"]
    with torch.device("meta"):
        state = maniqa.build().state_dict()
    assert {name: (list(tensor.shape), str(tensor.dtype)) for name, tensor in state.items()} == {
        name: (shape, f"torch.{kind}") for name, (shape, kind) in official.items()
    }


def test_outputs() -> None:
    """One pass of the official size over both pictures: ten seconds, half of the file's time."""
    torch.set_num_threads(1)
    network = rule_fill(maniqa.build(), 0.7, ("attn_mask",))
    with torch.no_grad():
        trace = network.trace(torch.from_numpy(rule_input("maniqa_img", (2, 3, 224, 224))))
    for name in ("stage1", "swin1", "swin2"):
        agrees(getattr(trace, name)[:, ::16, ::4, ::4], f"{name}_in_strided" if name == "stage1" else f"{name}_strided")
    agrees(trace.scores, "patch_scores")
    agrees(trace.weights, "patch_weights")
    agrees(trace.mean(), "score")


def test_a_picture_does_not_see_its_neighbours() -> None:
    network = rule_fill(maniqa.tiny(), 0.7, ("attn_mask",))
    pictures = torch.from_numpy(rule_input("maniqa_img", (3, 3, 224, 224)))
    with torch.no_grad():
        together = network(pictures)
        alone = torch.cat([network(picture[None]) for picture in pictures])
    assert together.unique().numel() == 3
    torch.testing.assert_close(together, alone, rtol=1e-5, atol=0)


def test_rolled_windows_are_parted() -> None:
    """Only patches that lie within a window of the picture, not across its edges, see each other."""
    mask = maniqa.tiny().state_dict()["swintransformer1.layers.0.blocks.1.attn_mask"]
    assert set(mask.unique().tolist()) == {-100.0, 0.0}
    row, column = torch.meshgrid(torch.arange(28), torch.arange(28), indexing="ij")
    for place in (row, column):
        rolled = place.roll((-2, -2), dims=(0, 1)).reshape(7, 4, 7, 4).transpose(1, 2).reshape(49, 16)
        apart = (rolled[:, :, None] - rolled[:, None, :]).abs()
        assert int(apart[mask == 0].max()) < 4
    assert int((mask == 0).sum()) == 36 * 256 + 6 * 128 + 6 * 128 + 64


def test_offsets_have_their_own_bias() -> None:
    index = maniqa.tiny().state_dict()["swintransformer1.layers.0.blocks.0.attn.relative_position_index"]
    assert index.shape == (16, 16) and index.unique().numel() == 49
    assert index[0, 0] == index[5, 5] == 24
    assert index[4, 0] - index[0, 0] == 7 and index[1, 0] - index[0, 0] == 1


def test_corners_hang_on_the_seed_alone() -> None:
    first = maniqa.corners(480, 640, "a clip, frame 3")
    np.testing.assert_array_equal(first, maniqa.corners(480, 640, "a clip, frame 3"))
    assert (first != maniqa.corners(480, 640, "a clip, frame 4")).any()
    many = np.concatenate([maniqa.corners(480, 640, str(seed)) for seed in range(400)])
    assert many.min(axis=0).tolist() == [0, 0] and many.max(axis=0).tolist() == [255, 415]
    np.testing.assert_allclose(many.mean(axis=0), [127.5, 207.5], rtol=0.02)


def test_official_corners_are_drawn_top_then_left() -> None:
    generator = np.random.RandomState(20)
    drawn = [generator.randint(0, limit) for _ in range(20) for limit in (256, 416)]
    np.testing.assert_array_equal(maniqa.official_corners(480, 640, np.random.RandomState(20)).ravel(), drawn)


@pytest.mark.parametrize("size", [(224, 640), (640, 224), (100, 100)])
def test_small_pictures_are_refused(size: tuple[int, int]) -> None:
    with pytest.raises(Unscorable, match="too small"):
        maniqa.corners(*size, "seed")
    with pytest.raises(Unscorable, match="too small"):
        maniqa.official_corners(*size, np.random.RandomState(0))


def test_crops() -> None:
    picture = np.arange(300 * 400 * 3, dtype=np.int64).reshape(300, 400, 3) % 256
    pieces = maniqa.crops(picture.astype(np.uint8), np.asarray([(0, 0), (75, 175)]))
    assert pieces.shape == (2, 3, 224, 224) and pieces.dtype == np.float32
    assert pieces[1, 2, 10, 20] == pytest.approx(picture[85, 195, 2] / 127.5 - 1, abs=1e-6)
    assert pieces.min() == -1.0 and pieces.max() == 1.0


def test_strict_loading_sees_every_name() -> None:
    network = maniqa.tiny()
    state = network.state_dict()
    with pytest.raises(RuntimeError, match="Unexpected"):
        network.load_state_dict({**state, "more": torch.zeros(1)})
    state.pop("vit.cls_token")
    with pytest.raises(RuntimeError, match="Missing"):
        network.load_state_dict(state)
