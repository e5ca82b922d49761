"""MS-CLAP score: from files with stand-ins, and on embeddings and ids made by hand."""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path

import numpy as np
import pytest

import avbench
from avbench import testing
from avbench.clip import Clip, Prompt
from avbench.errors import Unscorable
from avbench.feature import Array, Sample
from avbench.media import write_clip
from avbench.weights import stand_ins

torch = pytest.importorskip("torch")
if any(find_spec(name) is None for name in ("transformers", "torchaudio")):
    pytest.skip("transformers or torchaudio is not installed", allow_module_level=True)
from avbench_metrics._features import ms_clap as features  # noqa: E402
from avbench_metrics._features.networks.clap_input import log_mel  # noqa: E402
from avbench_metrics.alignment import ms_clap  # noqa: E402


def clip_of(path: Path, samples: Array, words: str = "a tone") -> Clip:
    """A clip with sound at 44.1 kHz."""
    write_clip(path, np.zeros((4, 16, 16, 3), np.uint8), 1, samples.astype(np.float32), 44_100)
    return Clip(path, Prompt(path.stem, audio_text=words))


def noise(seconds: float, channels: int = 1) -> Array:
    """Noise, its loudness another in each channel."""
    draw = np.random.default_rng(0).uniform(-0.3, 0.3, (channels, round(44_100 * seconds)))
    return np.asarray(draw / np.arange(1, channels + 1)[:, None])


def prepared(feature: features.MsClapSound, clip: Clip) -> Array:
    """What the feature makes of a clip before its network."""
    clip.decode(feature.reads)
    return feature.prepare(clip)


def test_from_files(toybox_folder: Path) -> None:
    names = ["ms_clap@fixed", "ms_clap@av_benchmark"]
    report = avbench.run(toybox_folder, "toybox", metrics=names, stand_in=True, store=None, only_present=True, limit=2)
    for result in report.metrics:
        assert result.n.scored == 2 and -1 <= result.value <= 1, result.missing  # type: ignore[operator]
        assert [w.status for w in result.weights] == ["stand-in"] * 2


def test_contract() -> None:
    testing.check_metric("ms_clap")


def test_a_pair_is_its_cosine() -> None:
    for metric in ms_clap.PROTOCOLS.values():
        for other, expected in (([0.0, 3.0], 1.0), ([2.0, 0.0], 0.0), ([0.0, -1.0], -1.0)):
            values = dict(zip(metric.uses, (np.array([0.0, 2.0]), np.array(other)), strict=True))
            assert metric.score(Sample("x", Prompt("x"), values)) == pytest.approx(expected)


def test_where_a_text_is_read() -> None:
    assert features.cut([5, 6, 9], "official") == features.cut([5, 6, 9], "fixed") == ([5, 6, 9], 2)
    assert features.cut([5, 0, 0, 6, 9], "official")[1] == 2  # two exclamation marks
    assert features.cut([5, 0, 0, 6, 9], "fixed")[1] == 4
    long = [*range(1, 100), 500]
    assert features.cut(long, "official") == (long[:77], 76)
    assert features.cut(long, "fixed") == ([*long[:76], 500], 76)


def test_no_words_no_score(tmp_path: Path) -> None:
    with pytest.raises(Unscorable) as caught:
        features.MsClapText().prepare(Clip(tmp_path / "none", Prompt("a", "a scene")))
    assert caught.value.kind == "not_applicable"


def test_short_sounds_are_repeated_and_cut(tmp_path: Path) -> None:
    clip = clip_of(tmp_path / "a.mkv", noise(3.0))
    samples, _ = Clip(clip.path, clip.prompt).waveform(avbench.feature.Waveform())
    expected = log_mel(np.tile(samples, 3)[: 7 * 44_100], "slaney", 44_100, 320)
    for protocol in ("official", "fixed"):
        found = prepared(features.MsClapSound(protocol), clip)  # type: ignore[arg-type]
        assert found.shape == (1, 1, 965, 64) and np.array_equal(found[0, 0], expected)


def test_long_sounds_are_drawn_or_covered(tmp_path: Path) -> None:
    clip = clip_of(tmp_path / "a.mkv", noise(15.0))
    official = prepared(features.MsClapSound("official"), clip)
    assert official.shape == (1, 1, 965, 64)
    assert np.array_equal(official, prepared(features.MsClapSound("official"), Clip(clip.path, clip.prompt)))
    samples, _ = Clip(clip.path, clip.prompt).waveform(avbench.feature.Waveform())
    fixed = prepared(features.MsClapSound("fixed"), clip)
    assert fixed.shape == (3, 1, 965, 64)
    assert np.array_equal(fixed[2, 0], log_mel(samples[-7 * 44_100 :], "slaney", 44_100, 320))


def test_stereo_is_left_then_right(tmp_path: Path) -> None:
    stereo = noise(2.0, channels=2)
    clip = clip_of(tmp_path / "a.mkv", stereo)
    found = prepared(features.MsClapSound("official"), clip)[0, 0].mean(axis=1)
    # the right channel is half as loud: -6 dB from 2 to 4 s and from 6 to 7 s
    second = 44_100 / 320
    level = [found[round((s + 0.2) * second) : round((s + 0.8) * second)].mean() for s in range(7)]
    assert np.round(np.array(level) - level[0]).tolist() == [0, 0, -6, -6, 0, 0, -6]
    flat = prepared(features.MsClapSound("fixed"), clip)[0, 0].mean(axis=1)
    assert abs(flat[:900].reshape(9, -1).mean(axis=1) - flat.mean()).max() < 1


def test_no_feature_depends_on_its_batch(tmp_path: Path) -> None:
    clips = [clip_of(tmp_path / "a.mkv", noise(3.0)), clip_of(tmp_path / "b.mkv", noise(9.0), "rain on a roof")]
    for feature in (features.MsClapSound(), features.MsClapText()):
        with stand_ins():
            embed = feature.load("cpu")
            ready = [feature.prepare(Clip(clip.path, clip.prompt)) for clip in clips]
            together, alone = embed(ready), [embed([one])[0] for one in ready]
        for one, other in zip(together, alone, strict=True):
            assert one.shape == (1024,) and abs(one - other).max() <= 1e-5 * abs(other).max()
