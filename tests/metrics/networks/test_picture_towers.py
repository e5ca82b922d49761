"""CLIP, ViCLIP, DINO, VideoMAE V2, SigLIP and DINOv3 have the published names and shapes and agree with other implementations."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from avbench.compat import mend_torch
from avbench.errors import AvbenchError
from avbench.testing import rule_fill, rule_input

torch = pytest.importorskip("torch")
from avbench_metrics._features.networks import clip, dino, dinov3, siglip, viclip, videomae  # noqa: E402

# module, variant: tensors, parameters
SIZES = {
    "clip-b": (lambda: clip.build("ViT-B/32"), 152, 87_849_216),
    "clip-l": (lambda: clip.build("ViT-L/14"), 296, 303_966_208),
    "viclip": (viclip.build, 447, 427_590_145),
    "dino": (dino.build, 150, 85_798_656),
    "videomae": (videomae.build, 526, 1_011_855_918),
    "siglip": (siglip.build, 448, 428_225_600),
    "dinov3": (dinov3.build, 415, 303_129_600),
}


@pytest.mark.parametrize("name", SIZES)
def test_official_sizes(name: str) -> None:
    build, tensors, parameters = SIZES[name]
    with torch.device("meta"):
        state = build().state_dict()
    assert (len(state), sum(x.numel() for x in state.values())) == (tensors, parameters)


def shapes(build: Callable[[], Any]) -> dict[str, tuple[int, ...]]:
    with torch.device("meta"):
        return {name: tuple(x.shape) for name, x in build().state_dict().items()}


def test_names_of_clip_and_viclip_are_those_of_open_clip() -> None:
    """open_clip holds OpenAI's and LAION's towers under OpenAI's names."""
    mend_torch()
    open_clip = pytest.importorskip("open_clip")

    for variant, name in (("ViT-B/32", "ViT-B-32-quickgelu"), ("ViT-L/14", "ViT-L-14-quickgelu")):
        theirs = shapes(lambda name=name: open_clip.create_model(name, device="meta"))  # type: ignore[misc]
        visual = {key.removeprefix("visual."): shape for key, shape in theirs.items() if key.startswith("visual.")}
        assert shapes(lambda variant=variant: clip.build(variant)) == visual  # type: ignore[misc]
    words = {key: shape for key, shape in theirs.items() if not key.startswith("visual.")}
    del words["logit_scale"]
    words["positional_embedding"] = (32, 768)
    visual |= {"temporal_positional_embedding": (1, 8, 1024), "conv1.weight": (1024, 3, 1, 14, 14)}
    expected = {f"vision_encoder.{key}": shape for key, shape in visual.items()}
    expected |= {f"text_encoder.{key}": shape for key, shape in words.items()}
    assert shapes(viclip.build) == expected | {"temp": ()}


def test_names_of_dino_are_those_of_timm() -> None:
    mend_torch()
    timm = pytest.importorskip("timm")

    assert shapes(dino.build) == shapes(lambda: timm.create_model("vit_base_patch16_224", num_classes=0))


def test_names_of_videomae() -> None:
    found = shapes(videomae.build)
    assert {"blocks.39.attn.q_bias", "blocks.0.attn.v_bias", "blocks.0.attn.qkv.weight", "fc_norm.bias"} <= set(found)
    assert not {"blocks.0.attn.qkv.bias", "pos_embed", "places", "norm.weight"} & set(found)
    assert found["patch_embed.proj.weight"] == (1408, 3, 2, 14, 14) and found["blocks.7.mlp.fc1.weight"] == (6144, 1408)
    assert found["head.weight"] == (174, 1408)


def test_hub_names_are_brought_to_the_installed_transformers() -> None:
    """Of every block of the hub's files, a tensor each."""
    small = dinov3.tiny().state_dict()
    hub = {name.removeprefix("network.").replace("model.layer.", "layer."): x for name, x in small.items()}
    assert "layer.0.norm1.weight" in hub
    dinov3.tiny().load_state_dict(dinov3.converted(hub), strict=True)
    state = siglip.tiny().state_dict()
    published = {f"vision_model.{name.removeprefix('network.').removeprefix('vision_model.')}": x for name, x in state.items()}
    assert "vision_model.head.probe" in published
    published |= {"text_model.embeddings.token_embedding.weight": torch.zeros(1), "logit_scale": torch.zeros(1)}
    converted = siglip.converted(published)
    siglip.tiny().load_state_dict(converted, strict=True)


def test_clip_equals_open_clip() -> None:
    mend_torch()
    open_clip = pytest.importorskip("open_clip")

    ours = rule_fill(clip.PictureTower(32, 64, 2, 2, 24)).eval()
    theirs = open_clip.model._build_vision_tower(
        24, open_clip.model.CLIPVisionCfg(layers=2, width=64, head_width=32, patch_size=32, image_size=224), quick_gelu=True
    ).eval()
    theirs.load_state_dict(ours.state_dict(), strict=True)
    pictures = torch.from_numpy(rule_input("pictures", (3, 3, 224, 224), 2.0))
    with torch.no_grad():
        found, expected = ours(pictures), theirs(pictures)
    assert float((found - expected).abs().max()) < 1e-5 * float(expected.abs().max())


def test_a_text_tower_of_viclip_equals_open_clip() -> None:
    mend_torch()
    open_clip = pytest.importorskip("open_clip")

    ours = rule_fill(viclip.TextTower(32, 2, 2)).eval()
    config = open_clip.model.CLIPTextCfg(context_length=32, vocab_size=49_408, width=32, heads=2, layers=2)
    theirs = open_clip.model._build_text_tower(768, config, quick_gelu=True).eval()
    theirs.load_state_dict(ours.state_dict(), strict=False)
    tokens = torch.tensor([[49406, 320, 2368, 49407, *[0] * 28], [49406, *range(300, 330), 49407]])
    with torch.no_grad():
        found, expected = ours(tokens), theirs(tokens)
    assert float((found - expected).abs().max()) < 1e-5 * float(expected.abs().max())


def test_viclip_of_one_picture_eight_times_is_blind_to_order_without_frame_vectors() -> None:
    network = rule_fill(viclip.tiny()).vision_encoder
    videos = torch.from_numpy(rule_input("video", (1, 3, 8, 224, 224)))
    with torch.no_grad():
        forward, backward = network(videos), network(videos.flip(2))
        assert float((forward - backward).abs().max()) > 1e-4 * float(forward.abs().max())
        network.temporal_positional_embedding.zero_()
        forward, backward = network(videos), network(videos.flip(2))
    assert float((forward - backward).abs().max()) < 1e-5 * float(forward.abs().max())


def test_dino_equals_timm_and_takes_pictures_of_any_size() -> None:
    mend_torch()
    timm = pytest.importorskip("timm")

    ours = rule_fill(dino.Dino(32, 2, 2)).eval()
    theirs = timm.models.vision_transformer.VisionTransformer(
        img_size=224, patch_size=16, embed_dim=32, depth=2, num_heads=2, num_classes=0, global_pool="token"
    ).eval()
    theirs.load_state_dict(ours.state_dict(), strict=True)
    pictures = torch.from_numpy(rule_input("pictures", (2, 3, 224, 224), 2.0))
    with torch.no_grad():
        found, expected = ours(pictures), theirs(pictures)
        wide = ours(torch.from_numpy(rule_input("pictures", (1, 3, 224, 398), 2.0)))
    assert float((found - expected).abs().max()) < 1e-5 * float(expected.abs().max())
    assert wide.shape == (1, 32)


def test_places_of_dino_follow_the_picture() -> None:
    """A table that grows to the right grows to the right at any size, and stays what it is at 224."""
    network = dino.tiny()
    with torch.no_grad():
        grid = torch.arange(14.0).repeat(14, 1).flatten()
        network.pos_embed[0, 1:] = grid[:, None]
        square, wide = network.places(14, 14, 224, 224), network.places(14, 24, 224, 398)
    assert torch.equal(square, network.pos_embed)
    columns = wide[0, 1:, 0].unflatten(0, (14, 24))
    assert columns.shape == (14, 24) and bool((columns[:, 1:] >= columns[:, :-1] - 0.2).all())
    assert float(columns.min()) == pytest.approx(0.0, abs=0.5) and float(columns.max()) == pytest.approx(13.0, abs=0.5)


def test_videomae_equals_numpy() -> None:
    """One head, one block, by hand in float64."""
    network = rule_fill(videomae.VideoMae(8, 1, 1, 12, 112)).eval()
    video = torch.from_numpy(rule_input("video", (1, 3, 16, 224, 224), 0.5, 0.5))
    with torch.no_grad():
        found = network(video)[0].double().numpy()
    state = {name: x.double().numpy() for name, x in network.state_dict().items()}
    cubes = video.double().numpy()[0].reshape(3, 8, 2, 2, 112, 2, 112).transpose(1, 3, 5, 0, 2, 4, 6).reshape(32, -1)
    kernel = state["patch_embed.proj.weight"].reshape(8, -1)
    x = cubes @ kernel.T + state["patch_embed.proj.bias"] + videomae.sine_table(32, 8)[0].double().numpy()

    def normal(y: Any, name: str) -> Any:
        y = (y - y.mean(axis=1, keepdims=True)) / np.sqrt(y.var(axis=1, keepdims=True) + 1e-6)
        return y * state[f"{name}.weight"] + state[f"{name}.bias"]

    bias = np.concatenate([state["blocks.0.attn.q_bias"], np.zeros(8), state["blocks.0.attn.v_bias"]])
    query, key, value = np.split(normal(x, "blocks.0.norm1") @ state["blocks.0.attn.qkv.weight"].T + bias, 3, axis=1)
    weight = np.exp(query @ key.T / np.sqrt(8))
    x = (
        x
        + (weight / weight.sum(axis=1, keepdims=True) @ value) @ state["blocks.0.attn.proj.weight"].T
        + state["blocks.0.attn.proj.bias"]
    )
    from scipy.special import erf

    y = normal(x, "blocks.0.norm2") @ state["blocks.0.mlp.fc1.weight"].T + state["blocks.0.mlp.fc1.bias"]
    y = y * (1 + erf(y / np.sqrt(2))) / 2
    x = x + y @ state["blocks.0.mlp.fc2.weight"].T + state["blocks.0.mlp.fc2.bias"]
    np.testing.assert_allclose(found, normal(x.mean(axis=0, keepdims=True), "fc_norm")[0], atol=1e-5 * np.abs(found).max() * 5)


def test_sine_table() -> None:
    table = videomae.sine_table(5, 6).numpy()[0]
    for position in range(5):
        angles = [position / 10_000 ** (2 * k / 6) for k in range(3)]
        np.testing.assert_allclose(table[position, 0::2], np.sin(angles), atol=1e-6)
        np.testing.assert_allclose(table[position, 1::2], np.cos(angles), atol=1e-6)


def test_videomae_files_are_unwrapped() -> None:
    tensors = {"fc_norm.weight": torch.ones(2)}
    for content in (tensors, {"module": tensors}, {"model": tensors, "epoch": 3}):
        assert videomae.unwrapped(content) == tensors


def test_results_do_not_depend_on_the_batch() -> None:
    pictures = torch.from_numpy(rule_input("batch", (3, 3, 224, 224)))
    for network in (rule_fill(clip.tiny()), rule_fill(dino.tiny()), rule_fill(dinov3.tiny())):
        with torch.no_grad():
            whole, parts = network(pictures), torch.cat([network(one[None]) for one in pictures])
        assert float((whole - parts).abs().max()) < 1e-5 * float(whole.abs().max())


def test_dinov3_has_a_class_four_registers_and_196_patches() -> None:
    with torch.no_grad():
        assert dinov3.tiny()(torch.zeros(1, 3, 224, 224)).shape == (1, 1 + dinov3.REGISTERS + 196, 32)


def test_clip_reads_openai_archives(tmp_path: Path) -> None:
    """A TorchScript archive in half precision with both towers, as OpenAI's file is."""

    class Both(torch.nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.visual, self.logit_scale = torch.nn.Linear(2, 3), torch.nn.Parameter(torch.ones([]))

        def forward(self, x: Any) -> Any:
            return self.visual(x) * self.logit_scale

    path = tmp_path / "file.pt"
    torch.jit.trace(Both().half(), torch.zeros(1, 2).half()).save(str(path))
    state = clip.read_archive(path)
    assert set(state) == {"weight", "bias"} and state["weight"].dtype == torch.float32
    torch.save({"weight": torch.ones(2)}, path)
    with pytest.raises(AvbenchError, match="it is no TorchScript archive"):
        clip.read_archive(path)
