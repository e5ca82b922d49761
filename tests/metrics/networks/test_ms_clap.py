"""Microsoft's CLAP: names of its file by an inverse written apart, and where its text is read."""

from __future__ import annotations

import hashlib
import re
from importlib.util import find_spec
from typing import Any

import pytest

from avbench.testing import rule_fill, rule_input

torch = pytest.importorskip("torch")
if find_spec("transformers") is None:
    pytest.skip("transformers is not installed", allow_module_level=True)
from avbench_metrics._features.networks import ms_clap  # noqa: E402


@pytest.fixture(scope="module")
def network() -> Any:
    """A small network with the rule's parameters."""
    torch.set_num_threads(1)
    return rule_fill(ms_clap.tiny()).requires_grad_(False)


def microsofts(state: dict[str, Any]) -> dict[str, Any]:
    """The same tensors under the names of github.com/microsoft/CLAP, with what else its file holds."""
    back: dict[str, Any] = {}
    for name, tensor in state.items():
        if name.startswith("audio_model.audio_encoder."):
            name = name.replace("audio_model.audio_encoder.", "audio_encoder.base.htsat.").replace("batch_norm", "bn0")
            name = name.replace("attention.output.dense", "attn.proj").replace("attention.self", "attn")
            name = name.replace("layernorm_before", "norm1").replace("layernorm_after", "norm2")
            name = re.sub(r"(blocks\.\d+)\.intermediate\.dense", r"\1.mlp.fc1", name)
            name = re.sub(r"(blocks\.\d+)\.output\.dense", r"\1.mlp.fc2", name)
        elif name.startswith("text_model."):
            name = name.replace("text_model.", "caption_encoder.base.")
        else:
            name = name.replace("audio_projection", "audio_encoder.projection").replace(
                "text_projection", "caption_encoder.projection"
            )
        part = re.search(r"attn\.(query|key|value)\.(weight|bias)$", name)
        if part:
            back.setdefault(name.replace(part[1], "qkv"), {})[part[1]] = tensor
        else:
            back[name] = tensor
    joined = {n: torch.cat([t["query"], t["key"], t["value"]]) if isinstance(t, dict) else t for n, t in back.items()}
    at = "audio_encoder.base.htsat."
    more = (
        f"{at}spectrogram_extractor.stft.conv_real.weight",
        f"{at}logmel_extractor.melW",
        f"{at}tscam_conv.bias",
        f"{at}head.bias",
    )
    masks = (f"{at}layers.0.blocks.1.attn_mask", f"{at}layers.0.blocks.0.attn.relative_position_index")
    older = ("caption_encoder.base.h.0.attn.bias", "caption_encoder.base.h.0.attn.masked_bias")
    return {"model": joined | {name: torch.zeros(1) for name in (*more, *masks, *older)}}


def test_names_and_shapes_of_the_official_size() -> None:
    with torch.device("meta"):
        state = ms_clap.build().state_dict()
    lines = "\n".join(sorted(f"{name} {tuple(tensor.shape)}" for name, tensor in state.items()))
    assert hashlib.sha256(lines.encode()).hexdigest() == "3a913ad690294a18b5215784d3266ecf4655125766eadd96fa1fed2bb4c40ac2"
    assert state["text_model.wte.weight"].shape == (50257, 768) and state["text_model.h.11.attn.c_attn.weight"].shape == (768, 2304)
    assert state["audio_projection.linear1.weight"].shape == state["text_projection.linear1.weight"].shape == (1024, 768)
    assert "audio_model.audio_encoder.layers.2.blocks.5.attention.self.query.weight" in state


def test_microsofts_names_are_renamed_and_loaded_in_whole(network: Any) -> None:
    state = dict(network.state_dict())
    original = microsofts(state)
    assert "audio_encoder.base.htsat.layers.0.blocks.0.attn.qkv.bias" in original["model"]
    assert {"caption_encoder.base.h.0.attn.c_attn.weight", "caption_encoder.projection.layer_norm.bias"} < set(original["model"])
    converted = ms_clap.convert(original)
    assert converted.keys() == state.keys() and all(torch.equal(converted[name], state[name]) for name in state)
    network.load_state_dict(converted, strict=True)
    original["model"]["audio_encoder.base.more"] = torch.zeros(1)
    with pytest.raises(RuntimeError, match="Unexpected"):
        network.load_state_dict(ms_clap.convert(original), strict=True)
    del original["model"]["audio_encoder.base.more"], original["model"]["caption_encoder.base.ln_f.weight"]
    with pytest.raises(RuntimeError, match="Missing"):
        network.load_state_dict(ms_clap.convert(original), strict=True)


def test_text_does_not_see_what_follows(network: Any) -> None:
    """So the padding of the official code, with or without its mask, changes nothing."""
    ids = torch.tensor([[5, 6, 7]])
    padded = torch.nn.functional.pad(ids, (0, 74))
    found = network.text(ids, 2)
    hidden = network.text_model(input_ids=padded, attention_mask=(torch.arange(77) < 3).long()[None]).last_hidden_state
    expected = network.text_projection(hidden[:, 2])
    assert found.shape == (1, 1024) and (found - expected).abs().max() <= 1e-5 * expected.abs().max()
    assert (network.text(ids, 1) - found).abs().max() > 1e-3


def test_the_projection_by_hand(network: Any) -> None:
    x, layer = torch.from_numpy(rule_input("pooled", (2, 64))), network.audio_projection
    first = x @ layer.linear1.weight.T
    gelu = first * 0.5 * (1 + torch.erf(first / 2**0.5))
    y = first + gelu @ layer.linear2.weight.T
    y = (y - y.mean(dim=1, keepdim=True)) / (y.var(dim=1, correction=0, keepdim=True) + 1e-5).sqrt()
    expected = y * layer.layer_norm.weight + layer.layer_norm.bias
    assert (layer(x) - expected).abs().max() <= 1e-5 * expected.abs().max()


def test_sound_does_not_depend_on_the_batch(network: Any) -> None:
    spectra = torch.from_numpy(rule_input("spectra", (2, 1, 965, 64), 30, -40))
    together = network.sound(spectra)
    alone = torch.cat([network.sound(piece[None]) for piece in spectra])
    assert together.shape == (2, 1024) and (together - alone).abs().max() <= 1e-5 * together.abs().max()
