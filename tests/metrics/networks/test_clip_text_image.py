"""CLIP ViT-B/32: names and shapes of OpenAI's file, by digest, and a forward pass by hand."""

from __future__ import annotations

import hashlib
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest

from avbench import weights
from avbench.testing import rule_fill, rule_input

torch = pytest.importorskip("torch")
if find_spec("open_clip") is None:
    pytest.skip("open-clip-torch is not installed", allow_module_level=True)
from avbench_metrics._features.networks import clip_text_image  # noqa: E402


def published() -> dict[str, tuple[int, ...]]:
    """Names and shapes in OpenAI's ``ViT-B-32.pt``, written out from its paper's sizes and the names of its code."""
    shapes: dict[str, tuple[int, ...]] = {
        "positional_embedding": (77, 512),
        "text_projection": (512, 512),
        "logit_scale": (),
        "token_embedding.weight": (49408, 512),
        "visual.class_embedding": (768,),
        "visual.positional_embedding": (50, 768),
        "visual.proj": (768, 512),
        "visual.conv1.weight": (768, 3, 32, 32),
    }
    for name, width in (("ln_final", 512), ("visual.ln_pre", 768), ("visual.ln_post", 768)):
        shapes |= {f"{name}.weight": (width,), f"{name}.bias": (width,)}
    for tower, width in (("", 512), ("visual.", 768)):
        for block in range(12):
            at = f"{tower}transformer.resblocks.{block}."
            shapes |= {f"{at}attn.in_proj_weight": (3 * width, width), f"{at}attn.in_proj_bias": (3 * width,)}
            wide = 4 * width
            for name, out, into in (("attn.out_proj", width, width), ("mlp.c_fc", wide, width), ("mlp.c_proj", width, wide)):
                shapes |= {f"{at}{name}.weight": (out, into), f"{at}{name}.bias": (out,)}
            for name in ("ln_1", "ln_2"):
                shapes |= {f"{at}{name}.weight": (width,), f"{at}{name}.bias": (width,)}
    return shapes


@pytest.fixture(scope="module")
def network() -> Any:
    """``tiny()`` with the rule's parameters."""
    torch.set_num_threads(1)
    return rule_fill(clip_text_image.tiny()).requires_grad_(False)


def test_names_and_shapes_are_the_files() -> None:
    with torch.device("meta"):
        built = clip_text_image.build()
    shapes = {name.removeprefix("clip."): tuple(tensor.shape) for name, tensor in built.state_dict().items()}
    assert shapes == published()
    assert sum(p.numel() for p in built.parameters()) == 151_277_313
    lines = "\n".join(sorted(f"{name} {shape}" for name, shape in shapes.items()))
    assert hashlib.sha256(lines.encode()).hexdigest() == "53f09fd033df97e3020a51681bdf81a8376150df8c909c948549278c9b6e2ba3"
    assert not built.training


def test_an_archive_in_half_precision_loads(network: Any, tmp_path: Path) -> None:
    class Archive(torch.nn.Module):
        """The names of ``tiny()`` and the three sizes that OpenAI's archive carries."""

        def __init__(self) -> None:
            super().__init__()
            for name in clip_text_image.NO_PARAMETERS:
                self.register_buffer(name, torch.tensor(224))
            for name, module in network.clip.named_children():
                self.add_module(name, module)
            for name, parameter in network.clip.named_parameters(recurse=False):
                self.register_parameter(name, torch.nn.Parameter(parameter.clone()))

        def forward(self, x: Any) -> Any:
            return x

    path = tmp_path / "ViT-B-32.pt"
    torch.jit.save(torch.jit.trace(Archive().half(), torch.ones(1)), path)
    network.float()  # the archive's modules were its own
    read = weights.read_tensors(path)
    assert read["input_resolution"] == 224 and read["visual.proj"].dtype == torch.float16
    fresh = clip_text_image.tiny()
    fresh.load_state_dict(clip_text_image.convert(read), strict=True)
    assert fresh.clip.visual.proj.dtype == torch.float32
    with torch.no_grad():
        assert fresh.pictures(torch.zeros(1, 3, 224, 224)).shape == (1, 512)
    with pytest.raises(RuntimeError, match="Unexpected"):
        fresh.load_state_dict(clip_text_image.convert({**read, "more": torch.zeros(1)}), strict=True)
    del read["visual.proj"]
    with pytest.raises(RuntimeError, match="Missing"):
        fresh.load_state_dict(clip_text_image.convert(read), strict=True)


def test_text_is_read_at_the_end_token_and_not_beyond(network: Any) -> None:
    ids = torch.zeros(2, 77, dtype=torch.long)
    ids[:, :4] = torch.tensor([49406, 320, 1929, 49407])
    ids[1, 10] = 5  # after the end
    first, second = network.text(ids)
    assert torch.allclose(first, second, atol=1e-6)
    ids[1, 2] = 1930
    assert (network.text(ids)[1] - first).abs().max() > 1e-3


def test_embeddings_have_length_1_and_do_not_depend_on_the_batch(network: Any) -> None:
    pictures = torch.from_numpy(rule_input("pictures", (3, 3, 224, 224), scale=2))
    together = network.pictures(pictures)
    assert together.norm(dim=1).numpy() == pytest.approx(1, abs=1e-5)
    alone = torch.cat([network.pictures(picture[None]) for picture in pictures])
    assert (together - alone).abs().max() <= 1e-5 * together.abs().max()


def test_a_block_is_quick_gelu_after_normalisation(network: Any) -> None:
    """One block of the picture tower by hand: attention, then x sigmoid(1.702 x)."""
    block = network.clip.visual.transformer.resblocks[0]
    x = torch.from_numpy(rule_input("tokens", (1, 5, 64)))
    heads, width = 2, 32
    y = block.ln_1(x)
    query, key, value = (y @ block.attn.in_proj_weight.T + block.attn.in_proj_bias).chunk(3, dim=-1)
    query, key, value = (part.reshape(1, 5, heads, width).transpose(1, 2) for part in (query, key, value))
    mixed = torch.softmax(query @ key.transpose(2, 3) / width**0.5, dim=-1) @ value
    x1 = x + block.attn.out_proj(mixed.transpose(1, 2).reshape(1, 5, 64))
    wide = block.mlp.c_fc(block.ln_2(x1))
    expected = x1 + block.mlp.c_proj(wide * torch.sigmoid(1.702 * wide))
    assert (block(x) - expected).abs().max() <= 1e-5 * expected.abs().max()
