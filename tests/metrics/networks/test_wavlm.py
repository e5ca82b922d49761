"""WavLM against the official code's answers under the rule that fills networks."""

from __future__ import annotations

import dataclasses
import hashlib
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from avbench_metrics._features.networks import wavlm

from avbench.rule import rule_fill, rule_input

LARGE = "ec40f378b9f1271be691fcb74ad782fa1ba3a7d70cb661a576adb35f8f22fd00"
# Last hidden state of UniSpeech's WavLM at tiny size, before the encoder's norm: first five values, standard deviation.
EXPECTED = {
    True: ([-2.1339445, 1.4680958, 1.8253216, 2.1712213, 3.9259949], 2.0816247),
    False: ([0.644777, -0.47122812, 0.13458262, -1.072298, 0.89635503], 1.0082347),
}


def layout(network: Any) -> dict[str, list[int]]:
    """Names and shapes of the state dict."""
    return {name: list(tensor.shape) for name, tensor in network.state_dict().items()}


def digest(network: Any) -> str:
    """sha256 of the sorted names with their shapes."""
    lines = sorted(f"{name} {tuple(shape)}" for name, shape in layout(network).items())
    return hashlib.sha256("\n".join(lines).encode()).hexdigest()


def tiny(large_style: bool) -> Any:
    """The tiny network of either style, filled by the rule."""
    return rule_fill(wavlm.build(dataclasses.replace(wavlm.TINY, large_style=large_style)))


def waves() -> Any:
    """Two seconds-long tones with a little noise, float32 (2, 16000)."""
    time = np.arange(16_000) / 16_000
    tones = [0.4 * np.sin(2 * np.pi * (180 + 55 * row) * time) * (1 + 0.5 * np.sin(2 * np.pi * 3 * time)) for row in range(2)]
    noise = 0.1 * rule_input("wavlm_wave", (2, 16_000), scale=0.5)
    return torch.from_numpy((noise + np.asarray(tones, dtype=np.float32)).astype(np.float32))


@torch.no_grad()
@pytest.mark.parametrize("large_style", [True, False])
def test_hidden_states_are_the_official_ones(large_style: bool) -> None:
    samples = wavlm.normalised(waves()) if large_style else waves()
    states = tiny(large_style)(samples, normalise_last=False)
    first, spread = EXPECTED[large_style]
    assert [state.shape for state in states] == [(2, 49, 48)] * 4
    tolerance = 1e-5 * float(states[-1].abs().max())
    np.testing.assert_allclose(states[-1][0, 0, :5].numpy(), first, rtol=0, atol=tolerance)
    assert abs(float(states[-1].std()) - spread) < tolerance


@torch.no_grad()
def test_last_state_is_normalised_in_the_large_style_alone() -> None:
    for large_style in (True, False):
        network = tiny(large_style)
        raw, done = network(waves(), normalise_last=False), network(waves())
        assert all(torch.equal(one, other) for one, other in zip(raw[:-1], done[:-1], strict=True))
        assert torch.equal(done[-1], network.encoder.layer_norm(raw[-1]) if large_style else raw[-1])


def test_layout_of_the_large_checkpoint() -> None:
    with torch.device("meta"):
        network = wavlm.build()
    assert digest(network) == LARGE
    assert sum(parameter.numel() for parameter in network.parameters()) == 315_453_120
    assert not network.training


def test_layouts_listed_with_the_official_answers(real_data: Path) -> None:
    listed = json.loads((real_data / "reference/networks/wavlm_tiny.json").read_text())
    with torch.device("meta"):
        assert layout(wavlm.build()) == {name: shape for name, (shape, _) in listed["wavlm_large_keys"].items()}
    for name, large_style in (("tiny_large_style", True), ("tiny_base_style", False)):
        assert layout(tiny(large_style)) == {key: shape for key, (shape, _) in listed["configs"][name]["keys"].items()}


def test_strict_loading_finds_a_missing_and_a_foreign_name() -> None:
    network = wavlm.tiny()
    state = dict(network.state_dict())
    network.load_state_dict(state, strict=True)
    with pytest.raises(RuntimeError, match="Unexpected key"):
        network.load_state_dict(state | {"encoder.foreign": torch.zeros(1)}, strict=True)
    del state["encoder.layers.0.self_attn.grep_a"]
    with pytest.raises(RuntimeError, match="Missing key"):
        network.load_state_dict(state, strict=True)


@torch.no_grad()
def test_a_row_does_not_depend_on_its_neighbour() -> None:
    network, samples = tiny(True), wavlm.normalised(waves())
    together, alone = network(samples)[-1][1], network(samples[1:])[-1][0]
    assert float((together - alone).abs().max()) < 1e-5 * float(alone.abs().max())


@torch.no_grad()
def test_padding_does_not_reach_the_frames_before_it() -> None:
    network, samples = tiny(True), wavlm.normalised(waves())
    padding = torch.zeros(2, 16_000, dtype=torch.bool)
    padding[1, 9_000:] = True
    frames = wavlm.frame_padding(padding, 49)
    assert frames.sum(dim=1).tolist() == [0, 21]
    other = samples.clone()
    other[1, 9_400:] = 3.0
    kept = [network(x, padding)[-1][~frames] for x in (samples, other)]
    assert torch.equal(*kept)
    assert not torch.equal(network(samples)[-1][~frames], kept[0]), "the mask must do something"


def test_positions_fall_into_t5_classes() -> None:
    distances = torch.tensor([0, -1, -79, -80, -799, -800, -5000, 1, 79, 80, 800, 5000])
    assert wavlm.position_bucket(distances, 320, 800).tolist() == [0, 1, 79, 80, 159, 159, 159, 161, 239, 240, 319, 319]


def test_normalised_has_no_mean_and_unit_variance() -> None:
    samples = wavlm.normalised(waves() * 7 + 2)
    assert float(samples.mean(dim=-1).abs().max()) < 1e-5
    torch.testing.assert_close(samples.var(dim=-1, correction=0), torch.ones(2), rtol=1e-4, atol=0)
