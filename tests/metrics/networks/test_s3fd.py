"""S3FD against the same layers written out one by one, and the names and shapes of its checkpoint."""

from __future__ import annotations

from typing import Any

import pytest

from avbench.rule import rule_fill, rule_input

torch = pytest.importorskip("torch")
s3fd = pytest.importorskip("avbench_metrics._features.networks.s3fd")

# name: outputs, inputs, kernel; as github.com/joonson/syncnet_python at 6efbb1c numbers them
VGG = {
    0: (64, 3, 3), 2: (64, 64, 3), 5: (128, 64, 3), 7: (128, 128, 3), 10: (256, 128, 3), 12: (256, 256, 3), 14: (256, 256, 3),
    17: (512, 256, 3), 19: (512, 512, 3), 21: (512, 512, 3), 24: (512, 512, 3), 26: (512, 512, 3), 28: (512, 512, 3),
    31: (1024, 512, 3), 33: (1024, 1024, 1),
}  # fmt: skip
EXTRAS = {0: (256, 1024, 1), 1: (512, 256, 3), 2: (128, 512, 1), 3: (256, 128, 3)}
SOURCES = (256, 512, 512, 1024, 512, 256)
POOLS = (4, 9, 16, 23, 30)


def expected_shapes() -> dict[str, list[int]]:
    """Every tensor of ``sfd_face.pth``."""
    convolutions = {f"vgg.{i}": row for i, row in VGG.items()} | {f"extras.{i}": row for i, row in EXTRAS.items()}
    convolutions |= {f"loc.{i}": (4, width, 3) for i, width in enumerate(SOURCES)}
    convolutions |= {f"conf.{i}": (4 if i == 0 else 2, width, 3) for i, width in enumerate(SOURCES)}
    found = {f"{name}.weight": [after, before, k, k] for name, (after, before, k) in convolutions.items()}
    found |= {f"{name}.bias": [after] for name, (after, _, _) in convolutions.items()}
    return found | {"L2Norm3_3.weight": [256], "L2Norm4_3.weight": [512], "L2Norm5_3.weight": [512]}


def written_out(state: dict[str, Any], signal: Any) -> tuple[Any, Any]:
    """Offsets (P, 4) and softmax probabilities of a face (P,) of one picture, layer by layer."""
    functional = torch.nn.functional

    def convolve(name: str, x: Any, **options: Any) -> Any:
        return functional.conv2d(x, state[f"{name}.weight"], state[f"{name}.bias"], **options)

    def scaled(name: str, x: Any) -> Any:
        return functional.normalize(x, dim=1, eps=1e-10) * state[f"{name}.weight"].view(1, -1, 1, 1)

    sources = []
    for index in range(34):
        if index in VGG:
            options = {31: {"padding": 6, "dilation": 6}, 33: {}}.get(index, {"padding": 1})
            signal = torch.relu(convolve(f"vgg.{index}", signal, **options))
        elif index in POOLS:
            signal = functional.max_pool2d(signal, 2, ceil_mode=index == 16)
        if index in (14, 21, 28):
            sources.append(scaled({14: "L2Norm3_3", 21: "L2Norm4_3", 28: "L2Norm5_3"}[index], signal))
    sources.append(signal)
    for first in (0, 2):
        signal = torch.relu(convolve(f"extras.{first}", signal))
        signal = torch.relu(convolve(f"extras.{first + 1}", signal, stride=2, padding=1))
        sources.append(signal)
    offsets, faces = [], []
    for index, source in enumerate(sources):
        found = convolve(f"conf.{index}", source, padding=1)[0].flatten(1).T
        if index == 0:
            found = torch.stack([found[:, :3].max(dim=1).values, found[:, 3]], dim=1)
        faces.append(torch.softmax(found, dim=1)[:, 1])
        offsets.append(convolve(f"loc.{index}", source, padding=1)[0].flatten(1).T)
    return torch.cat(offsets), torch.cat(faces)


@pytest.fixture(scope="module")
def official() -> Any:
    """The official size, filled by the rule."""
    torch.set_num_threads(1)
    with torch.device("meta"):
        network = s3fd.build()
    return rule_fill(network.to_empty(device="cpu"), s3fd.GAIN)


@pytest.fixture(scope="module")
def small() -> Any:
    torch.set_num_threads(1)
    return rule_fill(s3fd.tiny(), s3fd.GAIN)


def test_parameters_are_the_checkpoints(official: Any) -> None:
    assert {name: list(tensor.shape) for name, tensor in official.state_dict().items()} == expected_shapes()
    assert sum(parameter.numel() for parameter in official.parameters()) == 22_459_110


def test_answers_as_its_layers_written_out(official: Any) -> None:
    picture = torch.from_numpy(rule_input("s3fd", (1, 3, 92, 68), 127.5, 10))
    with torch.inference_mode():
        found, (offsets, faces) = official(picture), written_out(official.state_dict(), picture)
    assert found.maps == [(23, 17), (12, 9), (6, 4), (3, 2), (2, 1), (1, 1)]
    assert found.offsets.shape == (1, 23 * 17 + 108 + 24 + 6 + 2 + 1, 4)
    assert found.offsets.std() > 0.01 and 0.05 < found.faces.std() < 0.6
    assert (found.offsets[0] - offsets).abs().max() <= 1e-5 * offsets.abs().max()
    assert (found.faces[0] - faces).abs().max() <= 1e-5


def test_small_one_has_the_same_interface_and_batches_change_nothing(small: Any) -> None:
    pictures = torch.from_numpy(rule_input("pictures", (3, 3, 64, 96), 127.5))
    with torch.inference_mode():
        whole, single = small(pictures), [small(pictures[i : i + 1]) for i in range(3)]
    assert whole.maps == [(16, 24), (8, 12), (4, 6), (2, 3), (1, 2), (1, 1)]
    for name in ("offsets", "faces"):
        together, alone = getattr(whole, name), torch.cat([getattr(one, name) for one in single])
        assert (together - alone).abs().max() <= 1e-5 * together.abs().max()
        assert (together[0] - together[1]).abs().max() > 1e-3 * together.abs().max()


def test_a_checkpoint_with_a_name_too_few_or_too_many_is_refused(small: Any) -> None:
    state = small.state_dict()
    with pytest.raises(RuntimeError, match=r"Missing key.*L2Norm3_3\.weight"):
        s3fd.tiny().load_state_dict({name: value for name, value in state.items() if name != "L2Norm3_3.weight"})
    with pytest.raises(RuntimeError, match=r"Unexpected key.*more"):
        s3fd.tiny().load_state_dict({**state, "more": torch.zeros(1)})
