"""The heads have the published names and shapes, and are what they are said to be: linear, blind to length."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from avbench.testing import rule_fill, rule_input

torch = pytest.importorskip("torch")
from avbench_metrics._features.networks import laion_aesthetic  # noqa: E402

# (outputs, inputs) of each layer by its name in the published file
PUBLISHED = {
    "linear": {"": (1, 768)},
    "layered": {
        "layers.0.": (1024, 768),
        "layers.2.": (128, 1024),
        "layers.4.": (64, 128),
        "layers.6.": (16, 64),
        "layers.7.": (1, 16),
    },
    "siglip": {
        "scoring_head.0.": (1024, 1152),
        "scoring_head.2.": (128, 1024),
        "scoring_head.4.": (64, 128),
        "scoring_head.6.": (16, 64),
        "scoring_head.8.": (1, 16),
    },
}
kinds = pytest.mark.parametrize("kind", PUBLISHED)


def filled(kind: str) -> tuple[Any, Any]:
    """A head and four embeddings."""
    size = next(iter(PUBLISHED[kind].values()))[1]
    return rule_fill(laion_aesthetic.build(kind)), torch.from_numpy(rule_input("embedding", (4, size)))


@kinds
def test_names_and_shapes(kind: str) -> None:
    expected = {}
    for name, (outputs, inputs) in PUBLISHED[kind].items():
        expected |= {f"{name}weight": (outputs, inputs), f"{name}bias": (outputs,)}
    assert {name: tuple(tensor.shape) for name, tensor in laion_aesthetic.build(kind).state_dict().items()} == expected


@kinds
def test_equals_numpy(kind: str) -> None:
    head, embeddings = filled(kind)
    state = {name: tensor.double().numpy() for name, tensor in head.state_dict().items()}
    x = embeddings.double().numpy()
    x = x / np.linalg.norm(x, axis=1, keepdims=True)
    for name in PUBLISHED[kind]:
        x = x @ state[f"{name}weight"].T + state[f"{name}bias"]
    with torch.no_grad():
        marks = head(embeddings)
        assert marks.shape == (4,)
        np.testing.assert_allclose(marks, x[:, 0], rtol=0, atol=1e-5 * np.abs(x).max())
        assert len(set(marks.tolist())) == 4
        torch.testing.assert_close(head(7 * embeddings), marks, rtol=0, atol=1e-6)
        torch.testing.assert_close(head(embeddings[2:3]), marks[2:3], rtol=0, atol=1e-6)


@kinds
def test_strict_loading_sees_every_name(kind: str) -> None:
    head = laion_aesthetic.build(kind)
    state = head.state_dict()
    with pytest.raises(RuntimeError, match="Unexpected"):
        head.load_state_dict({**state, "more": torch.zeros(1)})
    state.pop(next(iter(state)))
    with pytest.raises(RuntimeError, match="Missing"):
        head.load_state_dict(state)


def test_unknown_kinds_are_refused() -> None:
    with pytest.raises(KeyError):
        laion_aesthetic.build("quadratic")
