"""Synchformer against the official code's answers under the rule, and its inputs against torchaudio and torchvision."""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from avbench_metrics._features.synchformer_input import log_mel, picture_segments, spectrogram_segments, square_pictures

from avbench.compat import mend_torch
from avbench.feature import Array
from avbench.rule import rule_fill, rule_input

torch = pytest.importorskip("torch")
synchformer = pytest.importorskip("avbench_metrics._features.networks.synchformer")

# mean, standard deviation and first five values of github.com/hkchengrex/av-benchmark at 050a5cd
HEAD = (-0.1216731, 0.9191269, [1.0644330, -0.0549581, 0.3203062, -0.1263728, -1.1682647])
PROJECTED = (-0.0199083, 0.4787140, [0.4896928, -0.2994486, -0.1892831, 0.7006254, -0.6599832])
SOUND = (-0.0296608, 1.1016695, [2.6506520, 1.9777926, 0.5218556, 0.7156861, 0.4090441])
VIDEO = (-0.0067703, 1.1203837, [0.2241897, 0.5205499, 0.0706613, -2.0401547, 0.2321008])
DIGEST = "30dd96733084b2926d3a7cdcc2fec3b317ba703af52bea55e376686f41b8ef43"


def shapes(network: Any) -> dict[str, list[int]]:
    """Shapes of the state dict by name."""
    return {name: list(tensor.shape) for name, tensor in network.state_dict().items()}


@pytest.fixture(scope="module")
def official() -> Any:
    """The official size, filled by the rule."""
    torch.set_num_threads(1)
    with torch.device("meta"):
        network = synchformer.build()
    return rule_fill(network.to_empty(device="cpu"))


@pytest.fixture(scope="module")
def small() -> Any:
    torch.set_num_threads(1)
    return rule_fill(synchformer.tiny())


def answer(function: Any, *values: Array, **options: Any) -> Array:
    """What a method of the network says to arrays."""
    with torch.inference_mode():
        return np.asarray(function(*(torch.from_numpy(value) for value in values), **options))


def agrees(found: Array, expected: tuple[float, float, list[float]]) -> None:
    """The summary of ``found`` lies within 1e-5 of its largest value."""
    tolerance = 1e-5 * float(np.abs(found).max())
    assert (found.mean(), found.std()) == pytest.approx(expected[:2], abs=tolerance)
    assert found.ravel()[:5] == pytest.approx(expected[2], abs=tolerance)


def test_parameters_are_the_checkpoints(official: Any) -> None:
    lines = sorted(f"{name} {shape}" for name, shape in shapes(official).items())
    assert hashlib.sha256("\n".join(lines).encode()).hexdigest() == DIGEST
    assert sum(parameter.numel() for parameter in official.parameters()) == 237_460_245


def test_parameters_are_those_listed(official: Any, real_data: Path) -> None:
    listed = json.loads((real_data / "reference/networks/synchformer_keys.json").read_text())["keys"]
    assert shapes(official) == {name: shape for name, (shape, _) in listed.items()}


def test_layer_norms_have_the_official_eps(official: Any) -> None:
    norms = {name: module.eps for name, module in official.named_modules() if isinstance(module, torch.nn.LayerNorm)}
    assert Counter(norms.values()) == {1e-12: 25, 1e-6: 41, 1e-5: 9}
    assert {eps for name, eps in norms.items() if name.startswith("afeat_extractor.ast.")} == {1e-12}
    assert {eps for name, eps in norms.items() if name.startswith("transformer.")} == {1e-5}


def test_head_answers_as_the_official_code(official: Any) -> None:
    video, sound = rule_input("sync_vis", (3, 14, 8, 768)), rule_input("sync_aud", (3, 14, 6, 768))
    logits = answer(official.offset_logits, video, sound)
    agrees(logits, HEAD)
    assert logits.argmax(axis=1).tolist() == [14, 0, 18]
    agrees(answer(official.vproj, video[:, 0, 0])[:, :16], PROJECTED)


def test_sound_tokens_are_the_official_codes(official: Any) -> None:
    found = answer(official.sound_tokens, rule_input("sync_mel", (1, 2, 128, 66)))
    assert found.shape == (1, 2, 6, 768)
    agrees(found, SOUND)


def test_video_tokens_are_the_official_codes(official: Any) -> None:
    y, x = np.mgrid[:224, :224]
    pictures = [[np.sin((x + 6 * t) * 0.05 * c) * np.cos((y - 3 * t) * 0.03 * c) for c in (1, 2, 3)] for t in range(16)]
    found = answer(official.video_tokens, np.asarray(pictures, dtype=np.float32)[None, None])
    assert found.shape == (1, 1, 8, 768)
    agrees(found, VIDEO)


def test_head_takes_fourteen_segments_unless_the_table_is_cut(small: Any) -> None:
    video, sound = rule_input("v", (1, 14, 8, 32)), rule_input("s", (1, 14, 6, 32))
    with pytest.raises(ValueError, match="11 segments of video and 11 of sound"):
        answer(small.offset_logits, video[:, :11], sound[:, :11])
    with pytest.raises(ValueError, match="13 of sound"):
        answer(small.offset_logits, video, sound[:, :13])
    with pytest.raises(ValueError, match="15 segments"):
        answer(small.offset_logits, rule_input("v", (1, 15, 8, 32)), rule_input("s", (1, 15, 6, 32)), cut_positions=True)
    cut = answer(small.offset_logits, video[:, :11], sound[:, :11], cut_positions=True)
    table = small.transformer.pos_emb_cfg["pos_emb"]
    kept = table.detach().clone()
    with torch.no_grad():
        table[:, 156:] = 0
        assert np.array_equal(cut, answer(small.offset_logits, video[:, :11], sound[:, :11], cut_positions=True))
        table[:, 155:] = 0
        assert not np.array_equal(cut, answer(small.offset_logits, video[:, :11], sound[:, :11], cut_positions=True))
        table[:] = kept


def test_batches_and_neighbouring_segments_change_nothing(small: Any) -> None:
    pictures, mel = rule_input("pictures", (2, 2, 16, 3, 224, 224)), rule_input("mel", (2, 2, 128, 66))
    for function, values in ((small.video_tokens, pictures), (small.sound_tokens, mel)):
        whole = answer(function, values)
        single = np.concatenate([answer(function, values[i : i + 1, j : j + 1]) for i in (0, 1) for j in (0, 1)])
        assert np.abs(whole.reshape(single.shape) - single).max() <= 1e-5 * np.abs(whole).max()
        assert np.abs(whole[0] - whole[1]).max() > 0.1 * np.abs(whole).max()
    video, sound = rule_input("v", (3, 14, 8, 32)), rule_input("s", (3, 14, 6, 32))
    whole = answer(small.offset_logits, video, sound)
    single = np.concatenate([answer(small.offset_logits, video[i : i + 1], sound[i : i + 1]) for i in range(3)])
    assert whole.shape == (3, 21)
    assert np.abs(whole - single).max() <= 1e-5 * np.abs(whole).max()


def test_a_checkpoint_with_a_name_too_few_or_too_many_is_refused(small: Any) -> None:
    state = small.state_dict()
    with pytest.raises(RuntimeError, match=r"Missing key.*transformer\.OFF_tok"):
        synchformer.tiny().load_state_dict({name: value for name, value in state.items() if name != "transformer.OFF_tok"})
    with pytest.raises(RuntimeError, match=r"Unexpected key.*more"):
        synchformer.tiny().load_state_dict({**state, "more": torch.zeros(1)})


@pytest.mark.parametrize("scale", [0.5, 1e-3, 0.0])
def test_mel_is_torchaudios(scale: float) -> None:
    mend_torch()
    transforms = pytest.importorskip("torchaudio.transforms")
    sound = rule_input("sound", (3, 10_240), scale)
    sound[1] += np.float32(scale) * np.sin(np.arange(10_240) * 2 * np.pi * 440 / 16_000).astype(np.float32)
    oracle = transforms.MelSpectrogram(sample_rate=16_000, win_length=400, hop_length=160, n_fft=1024, n_mels=128)
    level = torch.log(oracle(torch.from_numpy(sound)) + 1e-6)
    assert level.shape == (3, 128, 65)
    expected = (torch.nn.functional.pad(level, (0, 1)) + 4.2677393) / (2 * 4.5689974)
    found = log_mel(sound)
    assert found.dtype == np.float32 and found.shape == (3, 128, 66)
    assert found == pytest.approx(expected.numpy(), abs=1e-6 * float(expected.abs().max()))
    assert found[:, :, 65] == pytest.approx(4.2677393 / (2 * 4.5689974), abs=1e-7)


@pytest.mark.parametrize("size", [(240, 426), (426, 240), (225, 225), (224, 301), (97, 181)])
def test_pictures_are_resized_as_torchvision_does(size: tuple[int, int]) -> None:
    mend_torch()
    v2 = pytest.importorskip("torchvision.transforms.v2")
    frames = rule_input("frames", (2, *size, 3), 127, 127).astype(np.uint8)
    steps = [v2.Resize(224, v2.InterpolationMode.BICUBIC, antialias=True), v2.CenterCrop(224)]
    expected = v2.Compose(steps)(torch.from_numpy(frames).permute(0, 3, 1, 2))
    found = square_pictures(frames)
    assert found.shape == (2, 3, 224, 224)
    assert np.array_equal(found, expected.numpy())


def test_a_longer_shorter_side_shows_less_of_the_picture() -> None:
    """At 256 the middle 224 of 256 rows stay: a border of 7 % on each side is gone."""
    frames = np.zeros((1, 512, 768, 3), np.uint8)
    frames[:, 32:-32, 160:-160] = 200  # exactly what remains
    assert (square_pictures(frames, 256)[..., 2:-2, 2:-2] == 200).all()
    assert (square_pictures(frames)[0, :, 0] == 0).all()


def test_segments_begin_where_asked() -> None:
    pictures = np.broadcast_to(np.arange(40, dtype=np.uint8)[:, None, None, None], (40, 3, 224, 224))
    found = picture_segments(pictures, np.asarray([2, 10, 24]))
    assert found.shape == (3, 16, 3, 224, 224) and found.dtype == np.float32
    assert np.rint((found[:, :, 0, 0, 0] + 1) * 127.5).tolist() == [list(range(s, s + 16)) for s in (2, 10, 24)]
    assert picture_segments(np.full((16, 3, 224, 224), 255, np.uint8), np.asarray([0])).max() == 1.0
    assert picture_segments(np.zeros((16, 3, 224, 224), np.uint8), np.asarray([0])).min() == -1.0
    samples = rule_input("sound", (20_480,), 0.5)
    spectra = spectrogram_segments(samples, np.asarray([1_280, 6_400]))
    assert np.array_equal(spectra, log_mel(np.stack([samples[1_280:11_520], samples[6_400:16_640]])))
    for cut, values, start in ((picture_segments, pictures, 25), (spectrogram_segments, samples, 10_241)):
        with pytest.raises(ValueError, match="reaches beyond"):
            cut(values, np.asarray([0, start]))
