"""ImageBind against what the official code answers with the same parameters."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from avbench.feature import Array
from avbench.testing import rule_fill, rule_input

torch = pytest.importorskip("torch")
if find_spec("open_clip") is None:
    pytest.skip("open-clip-torch brings the vocabulary of texts", allow_module_level=True)
from avbench_metrics._features.networks import imagebind, imagebind_input  # noqa: E402

DIGESTS = {  # sha256 over the sorted lines "name shape"
    "huge": "edd4279c93955bf1a0146a13b395ad7b08cff81b22de0ae820fca22cf8f20177",
    "tiny": "6623698e3d35f4a83de60190323731460bbe957e22ea74f56d1c20156927ecb9",
}
# the official code at the sizes of tiny(), filled by the rule: mean, standard deviation, largest size, first five values
EXPECTED = {
    "emb_image": (0.0053567271, 0.15802312, 0.34497315, [-0.054336127, -0.051548478, -0.021453613, 0.014464488, -0.010217774]),
    "head_image": (0.036380244, 1.0736078, 2.3387527, [-0.36837292, -0.34947535, -0.14544523, 0.098062299, -0.069271609]),
    "emb_video": (0.0050084694, 0.15684371, 0.32722646, [-0.028027187, -0.066307038, -0.018546728, 0.019635268, -0.0003344594]),
    "head_video": (0.033650039, 1.0592793, 2.2439554, [-0.18475062, -0.40340626, -0.26656133, 0.33334565, 0.16028036]),
    "emb_text": (0.058569347, 2.2580104, 6.7337775, [-2.6576002, -1.1194799, 1.9395722, 1.3181841, 3.1016288]),
    "head_text": (0.020004975, 0.85621659, 2.5202515, [-0.9946602, -0.41898787, 0.72592384, 0.49335688, 1.1608468]),
    "emb_audio": (0.035318111, 2.6874693, 6.7501712, [-0.33191189, -1.2828268, -3.8547108, -5.0076032, 0.24977405]),
    "head_audio": (0.0097870742, 1.0514324, 2.6957541, [0.076263189, -0.25125134, -2.0246572, -2.3880754, -1.69749]),
    "emb_audio_single": (0.035318089, 3.1620805, 8.4968023, [0.21044688, -0.69332355, -5.5870051, -6.5898509, -4.6841927]),
    "emb_depth": (0.14445326, 0.77726012, 1.9966162, [1.1025076, -0.41318756, 0.12441725, -0.8702808, -0.08713977]),
    "head_depth": (0.17384158, 0.93538993, 2.4028182, [1.3268075, -0.49724856, 0.14972934, -1.0473351, -0.10486794]),
    "emb_thermal": (-0.051714362, 1.5802929, 3.1826558, [-0.62893283, 1.4656482, -1.4450986, -0.57552159, -0.92199516]),
    "head_thermal": (-0.031928921, 0.97568718, 1.9650006, [-0.38830888, 0.90490443, -0.89221704, -0.35533226, -0.5692482]),
    "emb_imu": (-0.15194967, 0.77582939, 1.820603, [0.11050623, 0.33100605, -0.72561687, -1.0014762, 0.21696664]),
    "head_imu": (-0.17585147, 0.89786794, 2.1069853, [0.12788895, 0.38307357, -0.83975697, -1.1590091, 0.25109565]),
    "tokens_image": (0.089210145, 0.98419565, 2.7853105, [0.19222131, -0.17015646, 0.11202272, -0.096684523, 0.04738839]),
    "tokens_audio": (-0.0012372149, 0.89536379, 3.1124344, [-0.18185292, 0.10435881, -0.21925743, 0.20972587, 0.1162942]),
}
TEXTS = [
    "a dog barks twice while rain falls on a tin roof",
    "Thunder; 3 cars' horns & a child laughing -- then silence.",
    ", ".join(f"a very long sentence about waves and seagulls number {i}" for i in range(12)) + ",",
]


def lines(shapes: Mapping[str, Any]) -> str:
    """sha256 over the sorted lines "name shape"."""
    text = "\n".join(sorted(f"{name} {tuple(shape)}" for name, shape in shapes.items()))
    return hashlib.sha256(text.encode()).hexdigest()


def shapes(network: Any) -> dict[str, list[int]]:
    """Name to shape of everything a checkpoint holds."""
    return {name: list(tensor.shape) for name, tensor in network.state_dict().items()}


@pytest.fixture(scope="module")
def huge() -> Any:
    """The official size without its 4.8 GB."""
    with torch.device("meta"):
        return imagebind.build()


@pytest.fixture(scope="module")
def network() -> Any:
    """``tiny()`` with the rule's parameters; the mask of text and the scales keep their values."""
    torch.set_num_threads(1)
    return rule_fill(imagebind.tiny(), keep=("text.mask",)).requires_grad_(False)


@pytest.fixture(scope="module")
def inputs() -> dict[str, tuple[str, Any]]:
    """Modality and tensor of each input the official code was given."""
    audio = rule_input("ib_audio", (1, 3, 1, 128, 204), scale=1.5)
    arrays = {
        "image": ("vision", rule_input("ib_image", (2, 3, 224, 224), scale=2)),
        "video": ("vision", rule_input("ib_video", (1, 2, 3, 2, 224, 224), scale=2)),
        "text": ("text", imagebind_input.text_ids(TEXTS)),
        "audio": ("audio", audio),
        "audio_single": ("audio", audio[0]),
        "depth": ("depth", rule_input("ib_depth", (1, 1, 224, 224), scale=2)),
        "thermal": ("thermal", rule_input("ib_thermal", (1, 1, 224, 224), scale=2)),
        "imu": ("imu", rule_input("ib_imu", (1, 6, 2000), scale=2)),
    }
    return {name: (modality, torch.from_numpy(array)) for name, (modality, array) in arrays.items()}


def agree(values: Array, expected: tuple[float, float, float, list[float]], tolerance: float = 1e-5) -> None:
    """The summary of ``values`` is the expected one within ``tolerance`` of the largest value."""
    mean, deviation, largest, first = expected
    found = [values.mean(dtype=np.float64), values.std(dtype=np.float64), abs(values).max(), *values.ravel()[:5]]
    assert found == pytest.approx([mean, deviation, largest, *first], abs=tolerance * largest)


def test_names_and_shapes_are_the_checkpoints(huge: Any, network: Any) -> None:
    assert len(shapes(huge)) == 1311
    assert sum(p.numel() for p in huge.parameters()) == 1_200_781_057
    assert {"huge": lines(shapes(huge)), "tiny": lines(shapes(network))} == DIGESTS
    assert all(tensor.is_meta for tensor in huge.state_dict().values())
    assert not huge.training and not network.training


def test_names_and_shapes_are_those_listed(huge: Any, network: Any, real_data: Path) -> None:
    listed = json.loads((real_data / "reference/networks/imagebind.json").read_text())
    for built, key in ((huge, "keys_huge"), (network, "keys_tiny")):
        assert shapes(built) == {name: shape for name, (shape, _) in listed[key].items()}


def test_the_official_size_has_the_official_heads_and_tolerances(huge: Any) -> None:
    heads = {name: trunk.blocks[0].attn.num_heads for name, trunk in huge.modality_trunks.items()}
    assert heads == {"vision": 16, "text": 16, "audio": 12, "depth": 8, "thermal": 12, "imu": 8}
    eps = [module.eps for module in huge.modules() if isinstance(module, torch.nn.LayerNorm)]
    assert {value: eps.count(value) for value in eps} == {1e-6: 203, 1e-5: 4}


@pytest.mark.parametrize("name", sorted(EXPECTED))
def test_equals_the_official_code(network: Any, inputs: dict[str, tuple[str, Any]], name: str) -> None:
    kind, _, key = name.partition("_")
    modality, values = inputs[key]
    answer = {"emb": network.embed, "head": network.project, "tokens": network.tokens}[kind](modality, values)
    agree((answer[0, :4] if kind == "tokens" else answer).numpy(), EXPECTED[name])


def test_all_outputs_equal_the_listed_ones(network: Any, inputs: dict[str, tuple[str, Any]], real_data: Path) -> None:
    listed = json.loads((real_data / "reference/networks/imagebind.json").read_text())["outputs"]
    compared = 0
    for name, (modality, values) in inputs.items():
        for kind, function in (("emb", network.embed), ("head", network.project)):
            answer, expected = function(modality, values).numpy(), listed[f"{kind}_{name}"]
            assert list(answer.shape) == expected["shape"]
            largest = max(-expected["min"], expected["max"])
            found = [answer.mean(dtype=np.float64), answer.std(dtype=np.float64), answer.min(), answer.max(), *answer.ravel()[:8]]
            wanted = [expected[key] for key in ("mean", "std", "min", "max")] + expected["first8"]
            assert found == pytest.approx(wanted, abs=1e-5 * largest)
            compared += 1
    assert compared == 16


def test_lengths_of_embeddings(network: Any, inputs: dict[str, tuple[str, Any]]) -> None:
    lengths = {name: network.embed(*given).norm(dim=1).numpy() for name, given in inputs.items()}
    for name, length in {"image": 1, "text": 1 / 0.07, "audio_single": 20, "depth": 5, "thermal": 10, "imu": 5}.items():
        assert lengths[name] == pytest.approx(length, rel=1e-5)
    assert lengths["audio"] == pytest.approx(16.9985, abs=1e-3)  # the mean of three clips is not normalised again
    assert lengths["video"] == pytest.approx(0.9925, abs=1e-3)


def test_the_scale_is_at_most_100(network: Any, inputs: dict[str, tuple[str, Any]]) -> None:
    scale = imagebind.Scale(1000.0, trained=False)
    assert scale(torch.ones(1, 2)).tolist() == [[100.0, 100.0]]


def test_a_row_does_not_depend_on_its_batch(network: Any, inputs: dict[str, tuple[str, Any]]) -> None:
    for name in ("image", "text", "audio_single"):
        modality, values = inputs[name]
        together = network({modality: values})[modality]
        alone = torch.cat([network.embed(modality, values[i : i + 1]) for i in range(len(values))])
        assert (together - alone).abs().max() <= 1e-5 * together.abs().max()


def test_a_picture_is_a_video_of_two_equal_frames(network: Any, inputs: dict[str, tuple[str, Any]]) -> None:
    picture = inputs["image"][1]
    video = picture[:, None, :, None].expand(-1, 1, -1, 2, -1, -1)
    assert torch.equal(network.embed("vision", picture), network.embed("vision", video))


def test_a_video_without_an_axis_of_clips_is_refused(network: Any, inputs: dict[str, tuple[str, Any]]) -> None:
    with pytest.raises(ValueError, match="vision takes"):
        network.embed("vision", inputs["video"][1][:, 0])
    with pytest.raises(ValueError, match="audio takes"):
        network.embed("audio", torch.zeros(1, 1, 128, 198))


def test_loading_is_strict(network: Any) -> None:
    state = dict(network.state_dict())
    imagebind.tiny().load_state_dict(state, strict=True)
    with pytest.raises(RuntimeError, match="Unexpected"):
        imagebind.tiny().load_state_dict({**state, "more": torch.zeros(1)}, strict=True)
    del state["modality_trunks.audio.blocks.1.attn.bias_k"]
    with pytest.raises(RuntimeError, match="Missing"):
        imagebind.tiny().load_state_dict(state, strict=True)


def test_long_texts_are_one_text_unless_fixed(network: Any) -> None:
    texts = [TEXTS[2], "of mice and men " * 40]
    official, fixed = (network.embed("text", torch.from_numpy(imagebind_input.text_ids(texts, p))) for p in ("official", "fixed"))
    assert (official[0] - official[1]).abs().max() <= 1e-5 * official.abs().max()
    assert (fixed[0] - fixed[1]).abs().max() > 0.1
    ids = imagebind_input.text_ids(texts, "fixed")
    assert ids.argmax(axis=1).tolist() == [76, 76] and (ids[:, 76] == 49_407).all()
    assert np.array_equal(ids[:, :76], imagebind_input.text_ids(texts)[:, :76])
