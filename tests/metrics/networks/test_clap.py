"""CLAP: names of LAION's files by an inverse written apart, and what must hold of its embeddings."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Mapping
from importlib.util import find_spec
from typing import Any

import pytest

from avbench.testing import rule_fill, rule_input

torch = pytest.importorskip("torch")
if find_spec("transformers") is None:
    pytest.skip("transformers is not installed", allow_module_level=True)
from avbench_metrics._features.networks import clap  # noqa: E402

DIGESTS = {  # sha256 over the sorted lines "name shape"
    "unfused": "02a9f2811e6236b64d1f929dc576b18bf55d1a728c23312b767e45a7159590cb",
    "fusion": "de69bd8c2d225cc70fb65e9ecaddf89a49412a9e8dccdf4b88d4ac7fecfaa863",
    "base": "ca360b9ce70deb9c5992266c8a37dff652b5932a99ef694c0e81a80c6911152f",
}


def shapes(network: Any) -> dict[str, tuple[int, ...]]:
    """Name to shape of everything a checkpoint holds."""
    return {name: tuple(tensor.shape) for name, tensor in network.state_dict().items()}


def laion_names(state: Mapping[str, Any]) -> dict[str, Any]:
    """The same tensors under the names of github.com/LAION-AI/CLAP, as its modules spell them, with what else its files hold."""
    back: dict[str, Any] = {}
    for name, tensor in state.items():
        if name.startswith("text_model."):
            name = "text_branch." + name.removeprefix("text_model.")
        elif name.startswith("audio_model.audio_encoder."):
            name = "audio_branch." + name.removeprefix("audio_model.audio_encoder.")
            name = name.replace("audio_branch.batch_norm", "audio_branch.bn0")
            name = name.replace("attention.output.dense", "attn.proj").replace("attention.self", "attn")
            name = name.replace("layernorm_before", "norm1").replace("layernorm_after", "norm2")
            name = re.sub(r"(blocks\.\d+)\.intermediate\.dense", r"\1.mlp.fc1", name)
            name = re.sub(r"(blocks\.\d+)\.output\.dense", r"\1.mlp.fc2", name)
        else:
            name = name.replace("linear1", "0").replace("linear2", "2")
        part = re.search(r"attn\.(query|key|value)\.(weight|bias)$", name)
        if part:
            back.setdefault(name.replace(part[1], "qkv"), {})[part[1]] = tensor
        else:
            back[name] = tensor
    joined = {n: torch.cat([t["query"], t["key"], t["value"]]) if isinstance(t, dict) else t for n, t in back.items()}
    joined["text_transform.sequential.0.weight"] = joined["audio_transform.sequential.3.bias"] = torch.zeros(2)
    joined["audio_branch.spectrogram_extractor.stft.conv_real.weight"] = torch.zeros(2)
    joined["audio_branch.logmel_extractor.melW"] = joined["audio_branch.tscam_conv.weight"] = torch.zeros(2)
    joined["audio_branch.head.weight"] = joined["audio_branch.layers.0.blocks.1.attn_mask"] = torch.zeros(2)
    joined["audio_branch.layers.0.blocks.0.attn.relative_position_index"] = torch.zeros(2)
    joined["text_branch.embeddings.position_ids"] = torch.zeros(2)
    return joined


@pytest.fixture(scope="module", params=["tiny", "tiny_fusion"])
def network(request: pytest.FixtureRequest) -> Any:
    """A small network with the rule's parameters."""
    torch.set_num_threads(1)
    return rule_fill(getattr(clap, request.param)()).requires_grad_(False)


@pytest.mark.parametrize("build", [clap.unfused, clap.fusion, clap.base])
def test_names_and_shapes_of_the_official_sizes(build: Callable[[], Any]) -> None:
    with torch.device("meta"):
        found = shapes(build())
    lines = "\n".join(sorted(f"{name} {shape}" for name, shape in found.items()))
    assert hashlib.sha256(lines.encode()).hexdigest() == DIGESTS[build.__name__]
    assert not any(name.endswith(clap.INDICES) for name in found)
    width = {"base": 128}.get(build.__name__, 96)
    assert found["audio_model.audio_encoder.patch_embed.proj.weight"] == (width, 1, 4, 4)
    assert found["audio_projection.linear1.weight"] == (512, 8 * width) and found["text_projection.linear1.weight"] == (512, 768)
    assert ("audio_model.audio_encoder.patch_embed.mel_conv2d.weight" in found) == (build is clap.fusion)
    assert found["text_model.embeddings.word_embeddings.weight"] == (50265, 768)


def test_the_text_trunks_tolerances() -> None:
    with torch.device("meta"):
        built = {build.__name__: build().text_model.embeddings.LayerNorm.eps for build in (clap.unfused, clap.fusion, clap.base)}
    assert built == {"unfused": 1e-12, "fusion": 1e-5, "base": 1e-5}


def test_laions_names_are_renamed_and_loaded_in_whole(network: Any) -> None:
    state = dict(network.state_dict())
    original = laion_names(state)
    assert "audio_branch.layers.0.blocks.0.attn.qkv.weight" in original and "text_projection.2.bias" in original
    assert "audio_branch.layers.3.blocks.0.mlp.fc2.bias" in original and "audio_branch.bn0.running_var" in original
    wrapped = {"epoch": 15, "state_dict": {f"module.{name}": tensor for name, tensor in original.items()}}
    for content in (wrapped, original):
        converted = clap.from_laion(content)
        assert converted.keys() == state.keys()
        assert all(torch.equal(converted[name], state[name]) for name in state)
        network.load_state_dict(converted, strict=True)
    with pytest.raises(RuntimeError, match="Unexpected"):
        network.load_state_dict(clap.from_laion({**original, "audio_branch.more": torch.zeros(1)}), strict=True)
    del original["audio_branch.norm.weight"]
    with pytest.raises(RuntimeError, match="Missing"):
        network.load_state_dict(clap.from_laion(original), strict=True)


def test_indices_in_transformers_files_are_left_out(network: Any) -> None:
    state = dict(network.state_dict())
    more = {"text_model.embeddings.position_ids": torch.zeros(1), "text_model.embeddings.token_type_ids": torch.zeros(1)}
    assert clap.from_transformers({**state, **more}).keys() == state.keys()


def test_sound_has_length_1_and_does_not_depend_on_the_batch(network: Any) -> None:
    spectra = torch.from_numpy(rule_input("spectra", (3, 4 if network.config.audio_config.enable_fusion else 1, 1001, 64), 30, -40))
    for longer in (False, True):
        together = clap.embed_sound(network, spectra, longer)
        assert together.shape == (3, 512) and together.norm(dim=1).numpy() == pytest.approx(1, abs=1e-5)
        alone = torch.cat([clap.embed_sound(network, piece[None], longer) for piece in spectra])
        assert (together - alone).abs().max() <= 1e-5 * together.abs().max()


def test_views_count_only_of_longer_sounds() -> None:
    network = rule_fill(clap.tiny_fusion()).requires_grad_(False)
    spectra = torch.from_numpy(rule_input("spectra", (1, 4, 1001, 64), 30, -40))
    changed = spectra.clone()
    changed[:, 2] += 10
    assert torch.equal(clap.embed_sound(network, spectra, False), clap.embed_sound(network, changed, False))
    fused = clap.embed_sound(network, spectra, True)
    assert (fused - clap.embed_sound(network, changed, True)).abs().max() > 1e-5
    assert (fused - clap.embed_sound(network, spectra, False)).abs().max() > 1e-5


def test_padding_a_text_under_a_mask_changes_nothing(network: Any) -> None:
    """The official code pads to 77 tokens; here none is padded."""
    ids = torch.tensor([[0, 11, 12, 13, 2]])
    padded = torch.nn.functional.pad(ids, (0, 72), value=1)
    pooled = network.text_model(input_ids=padded, attention_mask=(padded != 1).long()).pooler_output
    expected = torch.nn.functional.normalize(network.text_projection(pooled), dim=-1)
    found = clap.embed_text(network, ids)
    assert found.shape == (1, 512) and (found - expected).abs().max() <= 1e-5 * expected.abs().max()
