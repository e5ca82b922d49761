"""VideoReward: the published file's names and adapters, its pictures against transformers, what changes its rewards."""

from __future__ import annotations

import hashlib
import json
import math
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from avbench import weights
from avbench.compat import mend_torch
from avbench.errors import AvbenchError, Unscorable, UsageError
from avbench.testing import hashed, rule_fill, rule_input

torch = pytest.importorskip("torch")
if find_spec("transformers") is None or find_spec("torchvision") is None:
    pytest.skip("transformers or torchvision is not installed", allow_module_level=True)
from avbench_metrics._features.networks import video_reward as networks  # noqa: E402
from avbench_metrics._features.networks import video_reward_input as given  # noqa: E402

PREFIX = "base_model.model."
MARKS = (7, 8)


@pytest.fixture(scope="module")
def network() -> Any:
    """A small network with the rule's parameters."""
    torch.set_num_threads(1)
    return rule_fill(networks.tiny()).requires_grad_(False)


def asked(grid: tuple[int, int, int], *after: int) -> Any:
    """A question of a few words with places for a grid, marks 7 and 8, and what follows."""
    return torch.tensor([20, 21, *[networks.TINY_VIDEO] * (math.prod(grid) // 4), 22, 7, 23, 24, 8, *after])


def seen(grid: tuple[int, int, int], name: str = "patches") -> Any:
    return torch.from_numpy(rule_input(name, (math.prod(grid), 1176)))


# ---- the published file


def published() -> dict[str, tuple[int, ...]]:
    """Names and shapes of the published file: Qwen2-VL-2B as transformers 4.45 calls it, adapters by peft 0.10, the head."""
    shapes: dict[str, tuple[int, ...]] = {"visual.patch_embed.proj.weight": (1280, 3, 2, 14, 14)}
    for name, out, into in (("attn.qkv", 3840, 1280), ("attn.proj", 1280, 1280), ("mlp.fc1", 5120, 1280), ("mlp.fc2", 1280, 5120)):
        for block in range(32):
            shapes |= {f"visual.blocks.{block}.{name}.weight": (out, into), f"visual.blocks.{block}.{name}.bias": (out,)}
    norms = [f"visual.blocks.{block}.norm{k}" for block in range(32) for k in (1, 2)]
    shapes |= {f"{norm}.{part}": (1280,) for norm in [*norms, "visual.merger.ln_q"] for part in ("weight", "bias")}
    shapes |= {"visual.merger.mlp.0.weight": (5120, 5120), "visual.merger.mlp.0.bias": (5120,)}
    shapes |= {"visual.merger.mlp.2.weight": (1536, 5120), "visual.merger.mlp.2.bias": (1536,)}
    wide, narrow, hidden = 1536, 256, 8960
    layers = {"self_attn.q_proj": (wide, wide), "self_attn.k_proj": (narrow, wide), "self_attn.v_proj": (narrow, wide),
              "self_attn.o_proj": (wide, wide), "mlp.gate_proj": (hidden, wide), "mlp.up_proj": (hidden, wide),
              "mlp.down_proj": (wide, hidden)}  # fmt: skip
    for at in (f"model.layers.{layer}." for layer in range(28)):
        for name, (out, into) in layers.items():
            shapes[f"{at}{name}.base_layer.weight"] = (out, into)
            shapes |= {f"{at}{name}.lora_A.default.weight": (64, into), f"{at}{name}.lora_B.default.weight": (out, 64)}
            if name[-6] in "qkv":
                shapes[f"{at}{name}.base_layer.bias"] = (out,)
        shapes |= {f"{at}{norm}_layernorm.weight": (wide,) for norm in ("input", "post_attention")}
    shapes |= {"model.embed_tokens.weight": (151_660, wide), "lm_head.weight": (151_660, wide), "model.norm.weight": (wide,)}
    return {PREFIX + name: shape for name, shape in (shapes | {"rm_head.weight": (1, wide)}).items()}


def test_the_list_of_names_is_as_large_as_the_published_file() -> None:
    """1,123 tensors load into other people's networks; two bytes for each number and a name are 5,031,072,529 bytes."""
    shapes = published()
    numbers = sum(math.prod(shape) for shape in shapes.values())
    (file,) = weights.checkpoint("video_reward").files
    assert len(shapes) == 1123 and file.bytes is not None
    assert 100 * len(shapes) < file.bytes - 2 * numbers < 500 * len(shapes)


def test_the_published_names_load_in_whole() -> None:
    network = networks.build()
    state = network.state_dict()
    lines = "\n".join(sorted(f"{name} {tuple(tensor.shape)}" for name, tensor in state.items()))
    assert hashlib.sha256(lines.encode()).hexdigest() == "1e1eeaaa9d475fbe565919c530ec6b5a40583313801eb4d8cef8484d9370f471"
    content = {name: torch.empty(shape, dtype=torch.bfloat16, device="meta") for name, shape in published().items()}
    converted = networks.converted(content)
    assert not content and {tensor.dtype for tensor in converted.values()} == {torch.float32}
    network.load_state_dict(converted, strict=True, assign=True)


def test_frequencies_of_positions_are_there_before_any_file_is() -> None:
    network = networks.build()
    assert all(parameter.is_meta for parameter in network.parameters()) and not any(b.is_meta for b in network.buffers())
    words, pictures = network.model.language_model.rotary_emb.inv_freq, network.model.visual.rotary_pos_emb.inv_freq
    np.testing.assert_allclose(words, 1e6 ** -(np.arange(64) / 64), rtol=1e-6)
    np.testing.assert_allclose(pictures, 1e4 ** -(np.arange(20) / 20), rtol=1e-6)


# ---- adapters


def wrapped(state: dict[str, Any]) -> dict[str, Any]:
    """The state of a small network as the published file has it, with adapters by the rule, and a head of words."""
    content = {}
    for name, tensor in state.items():
        old = name.replace("model.visual.", "visual.").replace("model.language_model.", "model.")
        layer = old.rpartition(".")[0]
        if layer.endswith("_proj"):
            old = f"{layer}.base_layer.{old.rpartition('.')[2]}"
            if tensor.ndim == 2:
                down, up = hashed(f"{layer} A", 64 * tensor.shape[1]), hashed(f"{layer} B", tensor.shape[0] * 64)
                content[f"{PREFIX}{layer}.lora_A.default.weight"] = torch.from_numpy(down.reshape(64, -1) / 20).float()
                content[f"{PREFIX}{layer}.lora_B.default.weight"] = torch.from_numpy(up.reshape(-1, 64) / 20).float()
        content[PREFIX + old] = tensor.clone()
    return content | {PREFIX + "lm_head.weight": torch.zeros(3, 3)}


def test_merging_is_the_sum_of_both_ways() -> None:
    weight, down, up, x = (torch.from_numpy(rule_input(str(s), s)).double() for s in ((5, 7), (2, 7), (5, 2), (3, 7)))
    apart = x @ weight.T + 1.5 * (x @ down.T) @ up.T
    torch.testing.assert_close(x @ networks.merged(weight, down, up, 1.5).T, apart, rtol=1e-12, atol=1e-12)


def test_a_merged_network_answers_as_one_whose_adapters_run_beside_it(network: Any) -> None:
    grid = (2, 4, 4)
    content = wrapped(network.state_dict())
    plain = network(asked(grid), seen(grid), grid, MARKS)
    beside = networks.tiny()
    beside.load_state_dict(network.state_dict())
    count = 0
    for name, layer in beside.named_modules():
        if name.endswith("_proj"):
            at = PREFIX + name.replace("model.language_model.", "model.")
            down, up = (content[f"{at}.lora_{half}.default.weight"] for half in "AB")
            layer.register_forward_hook(lambda _, x, y, a=down, b=up: y + 128 / 64 * (x[0] @ a.T) @ b.T)
            count += 1
    assert count == 14  # seven in each of two layers, none in the pictures' tower
    merged = networks.tiny()
    merged.load_state_dict(networks.converted(content), strict=True)
    answer = merged(asked(grid), seen(grid), grid, MARKS)
    torch.testing.assert_close(answer, beside(asked(grid), seen(grid), grid, MARKS), rtol=1e-5, atol=1e-5)
    assert (answer - plain).abs().max() > 1e-2


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda content: content.pop(PREFIX + "rm_head.weight"), "1 absent"),
        (lambda content: content.update({PREFIX + "more.weight": torch.zeros(1)}), "1 unknown"),
        (lambda content: content.pop(PREFIX + "model.layers.1.mlp.up_proj.lora_A.default.weight"), "lora_A"),
        (lambda content: content.pop(PREFIX + "model.layers.1.mlp.up_proj.base_layer.weight"), "1 absent"),
        (lambda content: content.update({PREFIX + "visual.blocks.0.lora_A.default.weight": torch.zeros(1)}), "1 unknown"),
        (lambda content: content.update({PREFIX + "rm_head.weight": torch.zeros(3, 32)}), "1 of another shape"),
    ],
)
def test_a_file_that_is_not_the_networks_is_refused(
    change: Any, words: str, network: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(weights, "paths", lambda name: {"model.pth": tmp_path / "model.pth"})
    content = wrapped(network.state_dict())
    for bad in (False, True):
        monkeypatch.setattr(weights, "_loaded", {})
        if bad:
            change(content)
        torch.save(content, tmp_path / "model.pth")
        arguments = ("video_reward", networks.tiny, networks.tiny, "cpu", networks.converted)
        if bad:
            with pytest.raises(AvbenchError, match=words):
                weights.network(*arguments)
        else:
            assert not weights.network(*arguments).training


# ---- the network


def test_the_forward_pass_is_videoaligns(network: Any) -> None:
    """Its own: embed words, put pictures in their places, let the decoder count places itself, read the head at the marks."""
    grid = (2, 4, 6)
    question, patches = asked(grid), seen(grid)
    decoder, place = network.model.language_model, question == networks.TINY_VIDEO
    words = decoder.embed_tokens(question).clone()
    words[place] = network.model.visual(patches, grid_thw=torch.tensor([grid])).pooler_output
    rewards = network.rm_head(decoder(inputs_embeds=words[None]).last_hidden_state[0])[:, 0]
    expected = torch.stack([rewards[question == mark][0] for mark in MARKS])
    torch.testing.assert_close(network(question, patches, grid, MARKS), expected, rtol=1e-6, atol=1e-6)
    kinds = place[None].int() * 2  # what transformers calls videos
    own = network.model(input_ids=question[None], pixel_values_videos=patches, video_grid_thw=torch.tensor([grid]),
                        mm_token_type_ids=kinds).last_hidden_state[0]  # fmt: skip
    assert (network.rm_head(own)[question == MARKS[0]] - expected[0]).abs() > 1e-4  # places in the picture would answer otherwise


def test_what_follows_the_marks_changes_nothing_and_the_pictures_do(network: Any) -> None:
    grid = (2, 4, 4)
    alone = network(asked(grid), seen(grid), grid, MARKS)
    longer = network(asked(grid, 30, 31, 9, 32), seen(grid), grid, MARKS)
    torch.testing.assert_close(longer, alone, rtol=1e-5, atol=1e-6)
    assert (network(asked(grid), seen(grid, "others"), grid, MARKS) - alone).abs().min() > 1e-4


@pytest.mark.parametrize("question", [[1, 1, 7, 5], [1, 1, 7, 8, 7]])
def test_a_mark_stands_in_the_question_once(network: Any, question: list[int]) -> None:
    with pytest.raises(ValueError, match="once"):
        network(torch.tensor(question), seen((1, 2, 4)), (1, 2, 4), MARKS)


# ---- what it is fed


@pytest.mark.parametrize(
    ("total", "rate", "count"),
    [(17, 24.0, 4), (97, 24.0, 8), (65, 16.0, 8), (108, 24.0, 8), (109, 24.0, 10), (121, 24.0, 10), (2, 24.0, 2), (3, 24.0, 2),
     (5, 1.0, 4), (7, 1.0, 6), (240, 30_000 / 1001, 16), (100_000, 24.0, 768)],
)  # fmt: skip
def test_frames_per_second(total: int, rate: float, count: int) -> None:
    assert given.frame_count(total, rate) == count


def test_one_frame_is_no_pair() -> None:
    with pytest.raises(Unscorable) as caught:
        given.frame_count(1, 24.0)
    assert caught.value.kind == "too_short"


def test_sizes_are_those_of_transformers() -> None:
    mend_torch()
    from transformers.models.qwen2_vl.video_processing_qwen2_vl import smart_resize

    assert given.picture_size(480, 480) == (448, 448) and given.picture_size(240, 426) == (252, 420)
    sides = [8, 27, 42, 70, 98, 111, 240, 332, 426, 448, 480, 719, 1080, 1920, 3000]
    pairs = [(h, w) for h in sides for w in sides if max(h, w) <= 200 * min(h, w)]
    assert len(pairs) > 200
    for height, width in pairs:
        found = given.picture_size(height, width)
        assert found == smart_resize(height, width, 28, 100_352, 200_704), (height, width)
    with pytest.raises(Unscorable, match="2010x10"):
        given.picture_size(10, 2010)


def pictures(height: int, width: int) -> Any:
    """Four frames of noise with edges, uint8."""
    steps = (hashed("frames", 4 * height * width * 3) + 1) * 16
    return (steps.reshape(4, height, width, 3).cumsum(axis=2) % 256).astype(np.uint8)


def bicubic(size: int, wanted: int) -> Any:
    """Weights (wanted, size) of Keys' cubic (a = -0.5), stretched where the picture shrinks."""
    scale = size / wanted
    wide = max(scale, 1.0)
    apart = np.abs((np.arange(size) + 0.5)[None] - ((np.arange(wanted) + 0.5) * scale)[:, None]) / wide
    weights = np.where(apart < 1, 1.5 * apart**3 - 2.5 * apart**2 + 1, -0.5 * apart**3 + 2.5 * apart**2 - 4 * apart + 2)
    weights[apart >= 2] = 0
    return weights / weights.sum(axis=1, keepdims=True)


@pytest.mark.parametrize("size", [(60, 100), (252, 420), (600, 500)])
def test_frames_are_resized_in_whole_numbers_at_the_end_alone(size: tuple[int, int]) -> None:
    frames = pictures(*size)
    height, width = given.picture_size(*size)
    exact = np.einsum("yh,thwc,xw->tyxc", bicubic(size[0], height), frames.astype(float), bicubic(size[1], width), optimize=True)
    found = given.resized(frames)
    assert found.dtype == np.uint8 and found.shape == (4, height, width, 3)
    assert np.abs(found - np.clip(exact, 0, 255)).max() < 0.51  # torch leaves out the weakest neighbours


def test_patches_are_those_of_transformers() -> None:
    mend_torch()
    from transformers import Qwen2VLVideoProcessor

    frames = pictures(252, 420)
    patches, grid = given.patches(frames)
    processor = Qwen2VLVideoProcessor(min_pixels=100_352, max_pixels=200_704)
    theirs = processor(torch.from_numpy(frames).permute(0, 3, 1, 2), return_tensors="pt")
    assert grid == (2, 18, 30) and theirs["video_grid_thw"].tolist() == [list(grid)] and patches.shape == (1080, 1176)
    torch.testing.assert_close(patches, theirs["pixel_values_videos"], rtol=0, atol=2e-6)


def test_the_question_ends_at_its_second_mark() -> None:
    text = given.question()
    assert [text.count(mark) for mark in (given.PLACE, given.VISUAL, given.MOTION)] == [1, 1, 1]
    assert text.index(given.PLACE) < text.index(given.VISUAL) and text.endswith(f"Motion Quality: {given.MOTION}")
    assert "<|vision_end|>\nYou are tasked" in text and "**Visual Quality:**  \n" in text and "possible. \n\nPlease" in text
    digest = "c8c9aa345cf368ca9b0e4331fd549843b68eafa28cfdeac63ca9e524ddf27585"
    assert hashlib.sha256(text.removeprefix(given.OPENING).encode()).hexdigest() == digest


def test_places_for_pictures_are_spread_out() -> None:
    ids = given.HashedWords()(given.question())
    assert len(set(given.TINY_IDS.values())) == len(given.IDS) and max(ids) < networks.TINY_VOCABULARY
    asked_of = given.spread_out(ids, given.HashedWords.video, (3, 4, 6))
    assert int((asked_of == networks.TINY_VIDEO).sum()) == 18 and len(asked_of) == len(ids) + 17
    assert [int((asked_of == given.TINY_IDS[mark]).sum()) for mark in (given.VISUAL, given.MOTION)] == [1, 1]


def made_vocabulary(path: Path, words: int, marks: list[str]) -> Path:
    """A tokenizer file of ``words`` words, numbered from 0, and marks after them."""
    added = [{"id": words + i, "content": mark, "single_word": False, "lstrip": False, "rstrip": False, "normalized": False,
              "special": True} for i, mark in enumerate(marks)]  # fmt: skip
    model = {"type": "WordLevel", "vocab": {f"w{i}": i for i in range(words)}, "unk_token": "w0"}
    absent = dict.fromkeys(("truncation", "padding", "normalizer", "post_processor", "decoder"))
    whole = {"version": "1.0", **absent, "added_tokens": added, "pre_tokenizer": {"type": "Whitespace"}, "model": model}
    path.write_text(json.dumps(whole))
    return path


def test_a_vocabulary_that_is_not_videorewards_is_refused(tmp_path: Path) -> None:
    others = ["object_ref_start", "object_ref_end", "box_start", "box_end", "quad_start", "quad_end"]
    names = ["endoftext", "im_start", "im_end", *others, "vision_start", "vision_end", "vision_pad", "image_pad", "video_pad",
             "VQ_reward", "MQ_reward", "TA_reward"]  # fmt: skip
    marks = [f"<|{name}|>" for name in names]
    whole = given.Tokenizer(made_vocabulary(tmp_path / "whole.json", 151_643, marks))
    assert whole("w5 <|VQ_reward|>w7<|video_pad|>") == [5, 151_657, 7, 151_656]
    with pytest.raises(UsageError, match=r"25 entries, not VideoReward's 151660"):
        given.Tokenizer(made_vocabulary(tmp_path / "cut.json", 8, marks))
    with pytest.raises(UsageError, match=r"151657 entries"):  # Qwen2-VL's own
        given.Tokenizer(made_vocabulary(tmp_path / "base.json", 151_643, marks[:-3]))
    swapped = [*marks[:-3], marks[-2], marks[-3], marks[-1]]
    with pytest.raises(UsageError, match=r"other ids for <\|VQ_reward\|>, <\|MQ_reward\|>"):
        given.Tokenizer(made_vocabulary(tmp_path / "swapped.json", 151_643, swapped))
