"""Audiobox Aesthetics: built offline as published, windows and masks as the package's own predictor has them."""

from __future__ import annotations

import hashlib
import socket
from typing import Any

import numpy as np
import pytest
import torch
from avbench_metrics._features.networks import audiobox

from avbench.compat import mend_torch
from avbench.rule import rule_fill

LAYOUT = "ad58a2df6f6d735d55dadc1e67f0a1d0dcfa2abb5eb5012e52a2890472792bdf"
pytestmark = pytest.mark.filterwarnings("ignore::FutureWarning", "ignore::UserWarning")  # the package's weight_norm and masks


def sound(seconds: float) -> Any:
    time = np.arange(round(seconds * audiobox.RATE)) / audiobox.RATE
    noise = 0.05 * np.random.default_rng(0).standard_normal(len(time))
    return (0.4 * np.sin(2 * np.pi * 330 * time * (1 + 0.02 * time)) + noise).astype(np.float32)


@pytest.fixture(scope="module")
def small() -> Any:
    return rule_fill(audiobox.tiny())


def test_layout_is_the_published_one(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: Any) -> None:
        raise AssertionError("a connection was opened")

    monkeypatch.setattr(socket.socket, "connect", refuse)
    network = audiobox.build()
    state = network.state_dict()
    assert len(state) == 324 and sum(p.numel() for p in network.parameters()) == 103_859_112 and not network.training
    assert state["proj_layer.PQ.12.weight"].shape == (1, 768) and state["layer_weights.CE"].shape == (13,)
    lines = sorted(f"{name} {tuple(tensor.shape)}" for name, tensor in state.items())
    assert hashlib.sha256("\n".join(lines).encode()).hexdigest() == LAYOUT


def test_the_packages_configuration_is_left_as_it_was(small: Any) -> None:
    mend_torch()
    from audiobox_aesthetics.model import aes

    assert aes.DEFAULT_AUDIO_CFG.encoder_layers == 12 and aes.DEFAULT_AUDIO_CFG.encoder_embed_dim == 768


@pytest.mark.parametrize("seconds", [0.03, 4.0, 10.0, 10.01, 23.0, 55.0])
def test_ratings_equal_the_packages_predictor(small: Any, seconds: float) -> None:
    mend_torch()
    infer = pytest.importorskip("audiobox_aesthetics.infer")
    predictor = object.__new__(infer.AesPredictor)  # its constructor fetches the checkpoint
    predictor.model, predictor.device, predictor.data_col, predictor.sample_rate = small, torch.device("cpu"), "path", 16_000
    transforms = zip(audiobox.AXES, audiobox.MEANS, audiobox.SPREADS, strict=True)
    predictor.target_transform = {axis: infer.Normalize(mean, spread) for axis, mean, spread in transforms}
    samples = sound(seconds)
    (expected,) = predictor.forward([{"path": torch.from_numpy(samples)[None], "sample_rate": 16_000}])
    found = audiobox.ratings(small, samples)
    np.testing.assert_allclose(found, [expected[axis] for axis in ("CE", "CU", "PC", "PQ")], rtol=1e-6)


def test_padding_is_masked(small: Any) -> None:
    samples = sound(4.0)
    padded = np.pad(samples, (0, 96_000))
    assert np.abs(audiobox.ratings(small, samples) - audiobox.ratings(small, padded)).max() > 1e-4


def test_strict_loading_finds_a_missing_and_a_foreign_name(small: Any) -> None:
    state = dict(small.state_dict())
    with pytest.raises(RuntimeError, match="Unexpected key"):
        small.load_state_dict(state | {"foreign": torch.zeros(1)}, strict=True)
    del state["layer_weights.CE"]
    with pytest.raises(RuntimeError, match="Missing key"):
        small.load_state_dict(state, strict=True)
