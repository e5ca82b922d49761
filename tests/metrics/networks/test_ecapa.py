"""The speaker model of Seed-TTS SIM against the official code's answers under the rule that fills networks."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from avbench_metrics._features.networks import ecapa, wavlm

from avbench.rule import rule_fill, rule_input

HEAD = "d5f9843d85f7ad4a6eceb4e92abc23cfffe0795f806d01974b11df1b69cd4622"
WHOLE = "a4dfd6efedf00489cd9c44e9811cde7df5d341d03b3cf62af3d0b900e8fe66df"
# Official answers by number of frames: mean, standard deviation, first five values.
EXPECTED = {
    50: (-0.01392327155917883, 0.5526966452598572,
         [-0.13414503633975983, -0.33936983346939087, 1.2900378704071045, -0.3077869415283203, -0.727254331111908]),
    17: (-0.00928735826164484, 0.5284843444824219,
         [-0.04152101278305054, -0.42777884006500244, 1.2225251197814941, -0.34359240531921387, -0.5919415354728699]),
}  # fmt: skip
COSINE = 0.9926540851593018
FEATURES = [-1.3141309022903442, 1.3432332277297974, 1.8929473161697388, 1.9214566946029663, -0.9962155222892761]


def layout(network: Any) -> dict[str, list[int]]:
    """Names and shapes of the state dict."""
    return {name: list(tensor.shape) for name, tensor in network.state_dict().items()}


def digest(network: Any) -> str:
    """sha256 of the sorted names with their shapes."""
    lines = sorted(f"{name} {tuple(shape)}" for name, shape in layout(network).items())
    return hashlib.sha256("\n".join(lines).encode()).hexdigest()


@pytest.fixture(scope="module")
def head() -> Any:
    """The official head, filled by the rule."""
    return rule_fill(ecapa.build_head())


def hidden(frames: int) -> list[Any]:
    """25 hidden states (2, frames, 1024)."""
    shape = (2, 50, 1024)
    states = [rule_input(f"wavlm_hidden_{i}", shape, scale=1 + 0.1 * i, shift=0.05 * i) for i in range(25)]
    return [torch.from_numpy(state[:, :frames]) for state in states]


def voices(rows: int = 3, samples: int = 8_000) -> Any:
    """Noise, float32 (rows, samples)."""
    return torch.from_numpy(rule_input("voices", (rows, samples), scale=0.3))


@torch.no_grad()
@pytest.mark.parametrize("frames", [50, 17])
def test_embeddings_are_the_official_ones(head: Any, frames: int) -> None:
    found = head(hidden(frames))
    mean, spread, first = EXPECTED[frames]
    tolerance = 1e-5 * float(found.abs().max())
    assert found.shape == (2, 256)
    np.testing.assert_allclose(found[0, :5].numpy(), first, rtol=0, atol=tolerance)
    np.testing.assert_allclose([found.mean(), found.numpy().std()], [mean, spread], rtol=0, atol=tolerance)
    if frames == 50:
        assert float(torch.nn.functional.cosine_similarity(found[0], found[1], dim=0)) == pytest.approx(COSINE, abs=1e-6)


@torch.no_grad()
def test_weighted_sum_is_the_official_one(head: Any) -> None:
    found = head.features(hidden(50))
    assert found.shape == (2, 1024, 50)
    np.testing.assert_allclose(found[0, :5, 0].numpy(), FEATURES, rtol=0, atol=1e-5 * float(found.abs().max()))


def test_layout_of_head_and_whole_model() -> None:
    with torch.device("meta"):
        head, whole = ecapa.build_head(), ecapa.build()
    assert digest(head) == HEAD
    assert digest(whole) == WHOLE
    assert len(whole.state_dict()) == 710
    assert not whole.training


def test_layout_listed_with_the_official_answers(real_data: Path) -> None:
    listed = json.loads((real_data / "reference/networks/ecapa.json").read_text())["keys"]
    trunk = json.loads((real_data / "reference/networks/wavlm_tiny.json").read_text())["wavlm_large_keys"]
    with torch.device("meta"):
        assert layout(ecapa.build_head()) == {name: shape for name, (shape, _) in listed.items()}
        joined = {name: shape for name, (shape, _) in listed.items()}
        joined |= {f"feature_extract.model.{name}": shape for name, (shape, _) in trunk.items()}
        assert layout(ecapa.build()) == joined


def test_a_checkpoint_loads_strictly_once_the_classifier_is_taken_out() -> None:
    network = ecapa.tiny()
    state = dict(network.state_dict()) | {"loss_calculator.projection.weight": torch.zeros(3, 256)}
    with pytest.raises(RuntimeError, match="Unexpected key"):
        network.load_state_dict(state, strict=True)
    state = ecapa.without_training_part(state)
    network.load_state_dict(state, strict=True)
    del state["feature_extract.model.layer_norm.weight"]
    with pytest.raises(RuntimeError, match="Missing key"):
        network.load_state_dict(state, strict=True)


@torch.no_grad()
def test_the_whole_is_the_trunk_then_the_head() -> None:
    network, trunk = rule_fill(ecapa.tiny()), rule_fill(wavlm.tiny())
    trunk.load_state_dict(network.feature_extract["model"].state_dict())
    head = ecapa.SpeakerHead(states=4, width=48, channels=64).eval()
    head.load_state_dict({name: tensor for name, tensor in network.state_dict().items() if "feature_extract" not in name})
    assert torch.equal(network(voices()), head(trunk(wavlm.normalised(voices()))))
    assert network(voices()).shape == (3, 256)


@torch.no_grad()
def test_a_row_depends_on_neither_neighbours_nor_level() -> None:
    network = rule_fill(ecapa.tiny())
    together = network(voices())
    alone = torch.cat([network(row[None]) for row in voices()])
    largest = float(alone.abs().max())
    assert float((together - alone).abs().max()) < 1e-5 * largest
    assert float((network(voices() * 2 + 0.1) - together).abs().max()) < 1e-3 * largest
    assert float((together[0] - together[1]).abs().max()) > 1e-3 * largest, "different sounds must differ"


@torch.no_grad()
def test_two_frames_are_enough_and_one_is_not() -> None:
    network = rule_fill(ecapa.tiny())
    assert torch.isfinite(network(voices(samples=720))).all()
    with pytest.raises(ValueError, match="spatial element"):
        network(voices(samples=719))
