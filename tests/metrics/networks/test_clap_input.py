"""What CLAP is fed, against transformers' extractor, torchaudio and sums by hand."""

from __future__ import annotations

import json
import warnings
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from avbench.compat import mend_torch
from avbench.errors import Unscorable, UsageError
from avbench.feature import Array
from avbench.testing import hashed

torch = pytest.importorskip("torch")
from avbench_metrics._features.networks import clap_input as given  # noqa: E402

needs_transformers = pytest.mark.skipif(find_spec("transformers") is None, reason="transformers brings another extractor")


def sound(seconds: float) -> Array:
    """A wobbling tone over noise, float32 at 48 kHz."""
    t = np.arange(round(seconds * 48_000)) / 48_000
    return np.asarray(0.1 * hashed("clap", len(t)) + 0.4 * np.sin(2 * np.pi * 440 * t + 3 * np.sin(5 * t)), dtype=np.float32)


def extractor(truncation: str) -> Any:
    """transformers' own, with the values in the hub's preprocessor_config.json."""
    mend_torch()
    from transformers import ClapFeatureExtractor

    return ClapFeatureExtractor(frequency_min=50, frequency_max=14_000, truncation=truncation)


@needs_transformers
@pytest.mark.parametrize("seconds", [0.5, 3.7, 10.0])
@pytest.mark.parametrize("truncation", ["rand_trunc", "fusion"])
def test_short_sounds_are_as_transformers_makes_them(seconds: float, truncation: str) -> None:
    expected = np.asarray(extractor(truncation)(sound(seconds), sampling_rate=48_000)["input_features"][0])
    draw = np.random.default_rng(0)
    found = given.one_piece(sound(seconds), draw) if truncation == "rand_trunc" else given.four_views(sound(seconds), draw)[0]
    assert found[0].shape == expected.shape == ((1, 1001, 64) if truncation == "rand_trunc" else (4, 1001, 64))
    assert found.dtype == np.float32
    assert abs(found[0] - expected).max() < 2e-3  # dB


@pytest.mark.skipif(find_spec("torchaudio") is None, reason="torchaudio is the official front end of fusion")
def test_htk_is_torchaudios() -> None:
    mend_torch()
    from torchaudio.transforms import AmplitudeToDB, MelSpectrogram

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        mel = MelSpectrogram(48_000, 1024, 1024, 480, f_min=50, f_max=14_000, n_mels=64, power=2.0, norm=None)
        expected = AmplitudeToDB(top_db=None)(mel(torch.from_numpy(sound(1.0)))).T.numpy()
    assert abs(given.log_mel(sound(1.0), "htk") - expected).max() < 5e-3
    assert abs(given.log_mel(sound(1.0), "slaney") - expected).max() > 3


def test_silence_is_the_floor() -> None:
    assert (given.one_piece(np.zeros(100, np.float32), np.random.default_rng(0)) == -100).all()


def test_repetition_is_of_whole_sounds() -> None:
    three = np.arange(1, 3 * 48_000 + 1, dtype=np.float32)
    found = given.repeated(three)
    assert len(found) == 480_000 and np.array_equal(found[: 9 * 48_000], np.tile(three, 3)) and not found[9 * 48_000 :].any()
    assert np.array_equal(given.repeated(np.ones(480_000)), np.ones(480_000))
    with pytest.raises(Unscorable) as caught:
        given.repeated(np.zeros(0, np.float32))
    assert caught.value.kind == "no_audio"


def test_a_place_is_drawn_and_the_seed_decides() -> None:
    long = sound(11.0)
    first, again, other = (given.one_piece(long, np.random.default_rng(seed)) for seed in (1, 1, 2))
    assert first.shape == (1, 1, 1001, 64) and np.array_equal(first, again) and not np.array_equal(first, other)
    start = int(np.random.default_rng(1).integers(0, 48_001))
    assert np.array_equal(first[0, 0], given.log_mel(long[start : start + 480_000], "slaney"))


def test_all_pieces_cover_the_sound() -> None:
    long = sound(21.0)
    pieces = given.all_pieces(long)
    assert pieces.shape == (3, 1, 1001, 64)
    for piece, start in zip(pieces, (0, 480_000, 528_000), strict=True):
        assert np.array_equal(piece[0], given.log_mel(long[start : start + 480_000], "slaney"))
    assert given.all_pieces(sound(20.0)).shape[0] == 2 and given.all_pieces(sound(10.0)).shape[0] == 1


def test_four_views_of_longer_sounds() -> None:
    long = sound(13.0)
    views, longer = given.four_views(long, np.random.default_rng(3))
    assert longer and views.shape == (1, 4, 1001, 64) and views.dtype == np.float32
    whole = given.log_mel(long, "htk")
    assert len(whole) == 1301
    draw = np.random.default_rng(3)
    for view, part in zip(views[0, 1:], np.array_split(np.arange(301), 3), strict=True):
        start = int(draw.choice(part))
        assert np.array_equal(view, whole[start : start + 1001])
    assert abs(views[0, 0].mean() - whole.mean()) < 0.1
    mend_torch()
    transforms = pytest.importorskip("torchvision.transforms")
    expected = transforms.Resize([1001, 64])(torch.from_numpy(whole)[None])[0].numpy()
    assert abs(views[0, 0] - expected).max() < 1e-4


def test_a_little_over_10_s_is_no_longer_sound() -> None:
    """Up to 479 samples more give no further spectrum; one hop more leaves thirds without a place of their own."""
    views, longer = given.four_views(sound(10.005), np.random.default_rng(0))
    assert not longer and np.array_equal(views[0, 0], views[0, 3])
    views, longer = given.four_views(sound(10.01), np.random.default_rng(0))
    assert longer and views.shape == (1, 4, 1001, 64) and np.array_equal(views[0, 3], given.log_mel(sound(10.01), "htk")[:1001])


def test_full_scale() -> None:
    found = given.to_full_scale(np.array([0.0, 0.25, -0.5], np.float32))
    assert found.dtype == np.float32 and abs(found).max() == pytest.approx(10 ** (-1 / 20), abs=1 / 32767)
    assert (found * 32767).round().astype(int).tolist() == [0, int(0.5 * 10 ** (-0.05) * 32767), -int(10 ** (-0.05) * 32767)]
    with pytest.raises(Unscorable) as caught:
        given.to_full_scale(np.zeros(10, np.float32))
    assert caught.value.kind == "silent"


def _vocabulary(path: Path, entries: int) -> Path:
    tokenizers = pytest.importorskip("tokenizers")
    words = {"<s>": 0, "<pad>": 1, "</s>": 2, "a": 3, "dog": 4, **{f"w{i}": i for i in range(5, entries)}}
    made = tokenizers.Tokenizer(tokenizers.models.WordLevel(words, unk_token="<pad>"))
    made.pre_tokenizer = tokenizers.pre_tokenizers.Whitespace()
    made.post_processor = tokenizers.processors.TemplateProcessing(single="<s> $A </s>", special_tokens=[("<s>", 0), ("</s>", 2)])
    made.enable_truncation(2)  # must not be believed
    made.save(str(path))
    return path


def test_a_cut_vocabulary_is_refused(tmp_path: Path) -> None:
    assert given.Tokenizer(_vocabulary(tmp_path / "whole.json", 50_265))("a dog a") == [0, 3, 4, 3, 2]
    with pytest.raises(UsageError, match="5 entries"):
        given.Tokenizer(_vocabulary(tmp_path / "cut.json", 5))
    assert json.loads((tmp_path / "cut.json").read_text())["truncation"]["max_length"] == 2


def test_hashed_words_and_cutting() -> None:
    words = given.HashedWords(1000)
    assert words("") == [0, 2] and words("A dog, a DOG.") == [0, *words("a dog")[1:3], *words("a dog")[1:3], 2]
    assert all(3 <= i < 1000 for i in words("one two three four five")[1:-1])
    assert given.cut([0, 5, 6, 7, 2], 4) == [0, 5, 6, 2] and given.cut([0, 5, 2], 4) == [0, 5, 2]
