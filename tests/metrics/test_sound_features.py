"""How sounds are prepared for each network, and that no clip's numbers depend on another."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from avbench_metrics._features import mono_sound
from avbench_metrics._features.aesthetics import Aesthetics, JavisBenchAesthetics
from avbench_metrics._features.audioclip import AudioClip, JavisBenchAudioClip, audio_part
from avbench_metrics._features.panns import KadtkPanns, MovaPanns, Panns
from avbench_metrics._features.passt import Passt, VerseBenchPasst, spread_windows
from avbench_metrics._features.vggish import Vggish
from avbench_metrics._maths.clap_distance import paired_clap_distance

from avbench import weights
from avbench.compat import mend_torch
from avbench.errors import Unscorable
from avbench.feature import Array, Feature, Waveform

SHAPES: dict[Feature, tuple[int, int] | tuple[int]] = {
    Vggish(): (3, 128), Vggish(2.0): (2, 128), Panns(): (1, 2575), Panns(2.0): (1, 2575), MovaPanns(): (1, 2575),
    KadtkPanns(): (1, 2575), Passt(): (1, 1295), Passt(2.0): (1, 1295), VerseBenchPasst(): (1, 1295), AudioClip(): (1, 1024),
    JavisBenchAudioClip(): (1, 1024), Aesthetics(): (5,), JavisBenchAesthetics(): (5,),
}  # fmt: skip


@dataclass(frozen=True)
class Sound:
    """Stands for a clip: native samples, and the same taken for whatever rate is asked, so that nothing is resampled beneath."""

    samples: Array
    rate: int
    audio_path: Path | None = None

    def waveform(self, ask: Waveform) -> tuple[Array, int]:
        return self.samples, ask.rate or self.rate


def tone(seconds: float, rate: int = 16_000, hertz: float = 440.0, shift: float = 0.0) -> Any:
    time = np.arange(round(seconds * rate)) / rate
    noise = np.random.default_rng(0).standard_normal(len(time))
    return Sound((0.3 * np.sin(2 * np.pi * hertz * time) + 0.02 * noise + shift).astype(np.float32), rate)


def kind_of(feature: Feature, sound: Any) -> str:
    with pytest.raises(Unscorable) as caught:
        feature.prepare(sound)
    return caught.value.kind


@pytest.mark.parametrize("feature", SHAPES, ids=repr)
def test_no_clip_depends_on_its_batch(feature: Feature) -> None:
    rate = next(r.rate for r in feature.reads if isinstance(r, Waveform)) or 16_000
    clips = [feature.prepare(tone(seconds, rate, hertz)) for seconds, hertz in ((3.1, 300.0), (2.5, 700.0), (3.1, 1500.0))]
    with weights.stand_ins():
        function = feature.load("cpu")
        together = function(clips)
        alone = [function([clip])[0] for clip in clips]
    assert together[0].shape == SHAPES[feature]
    for a, b in zip(together, alone, strict=True):
        np.testing.assert_allclose(a, b, rtol=0, atol=1e-5 * np.abs(b).max())
        assert np.isfinite(a).all()
    assert np.abs(together[0][..., :4] - together[2][..., :4]).max() > 0, "the network hears a difference"


@pytest.mark.parametrize("feature", SHAPES, ids=repr)
def test_empty_sound_has_no_features(feature: Feature) -> None:
    assert kind_of(feature, Sound(np.zeros(0, np.float32), 16_000)) == "no_audio"


@pytest.mark.parametrize("feature", [Vggish(), Panns(), Passt(), AudioClip()], ids=repr)
def test_silence_is_refused_up_to_minus_80_decibels(feature: Feature) -> None:
    sound = tone(3.0).samples
    assert kind_of(feature, Sound(sound / np.abs(sound).max() * np.float32(0.99e-4), 16_000)) == "silent"
    feature.prepare(Sound(sound / np.abs(sound).max() * np.float32(1.01e-4), 16_000))
    assert kind_of(feature, Sound(sound[:400], 16_000)) == "too_short"


@pytest.mark.parametrize(("feature", "fewest"), [(Vggish(), 15_600), (Panns(), 4960), (Passt(), 4801), (AudioClip(), 1654)])
def test_the_shortest_sound_runs(feature: Feature, fewest: int) -> None:
    sound = tone(2.0).samples
    assert kind_of(feature, Sound(sound[: fewest - 1], 16_000)) == "too_short"
    with weights.stand_ins():
        (found,) = feature.load("cpu")([feature.prepare(Sound(sound[:fewest], 16_000))])
    assert len(found) == 1 and np.isfinite(found).all()


def test_official_protocols_take_silence_for_a_sound() -> None:
    silence: Any = Sound(np.zeros(160_000, np.float32), 16_000)
    for feature in (Vggish(8.0), Panns(8.0), MovaPanns(), KadtkPanns(), JavisBenchAudioClip(), JavisBenchAesthetics()):
        with weights.stand_ins():
            (found,) = feature.load("cpu")([feature.prepare(silence)])
        assert np.isfinite(found).all(), feature


def test_av_benchmarks_loader() -> None:
    """Mean of the whole file removed before the cut, no padding; torchaudio's sinc."""
    mend_torch()
    import torch
    import torchaudio

    sound: Any = tone(3.0, shift=0.1)
    sound.samples[40_000:] += 0.2
    cut = mono_sound.av_benchmark_sound(sound, 16_000, 2.0)
    np.testing.assert_allclose(cut, (sound.samples - sound.samples.mean())[:32_000], rtol=0, atol=1e-7)
    assert abs(float(cut.mean())) > 0.01, "the mean of what is left is not removed"
    moved = mono_sound.av_benchmark_sound(sound, 32_000, 2.0)
    expected = torchaudio.transforms.Resample(16_000, 32_000)(torch.from_numpy(sound.samples - sound.samples.mean()))[:64_000]
    np.testing.assert_allclose(moved, expected.numpy(), rtol=0, atol=1e-6)
    with pytest.raises(Unscorable, match=r"lasts 3\.00 s; 3\.01 s are needed"):
        mono_sound.av_benchmark_sound(sound, 16_000, 3.01)
    (window,) = Passt(2.0).prepare(sound)
    assert len(window) == 320_000 and window[63_000:64_000].any() and not window[64_000:].any()


def test_javisbench_hears_four_seconds_unscaled() -> None:
    short, long = tone(1.0), tone(5.0)
    heard = JavisBenchAudioClip().prepare(short)
    assert len(heard) == 64_000 and not heard[16_000:].any()
    np.testing.assert_array_equal(heard[:16_000], short.samples)
    np.testing.assert_array_equal(JavisBenchAudioClip().prepare(long), long.samples[:64_000])
    np.testing.assert_array_equal(AudioClip().prepare(long), long.samples * np.float32(32768))


def test_javisbench_rates_sound_of_16_khz() -> None:
    """A clip's own sound is converted; a file beside it is heard as it is, or refused: the official code would change its speed."""
    sound: Any = tone(5.0, 48_000)
    heard = JavisBenchAesthetics().prepare(sound)
    np.testing.assert_allclose(heard, mono_sound.sinc(sound.samples, 48_000, 16_000)[:64_000], rtol=0, atol=1e-7)
    spectrum = np.abs(np.fft.rfft(heard))
    assert np.argmax(spectrum) == 440 * 4, "a tone of 440 Hz keeps its pitch"
    assert len(Aesthetics().prepare(sound)) == 80_000
    beside: Any = replace(tone(5.0), audio_path=Path("sample_0000.wav"))
    np.testing.assert_array_equal(JavisBenchAesthetics().prepare(beside), beside.samples[:64_000])
    assert kind_of(JavisBenchAesthetics(), replace(sound, audio_path=Path("sample_0000.wav"))) == "unsupported"


def test_javisbench_resamples_as_its_pinned_librosa() -> None:
    low, high = tone(5.0, 48_000, 1000.0), tone(5.0, 48_000, 7450.0)
    for sound in (low, high):
        heard = JavisBenchAudioClip().prepare(sound)
        expected = mono_sound.sinc(sound.samples, 48_000, 16_000, mono_sound.KAISER_BEST)[:64_000]
        np.testing.assert_allclose(heard, expected, rtol=0, atol=1e-7)
        assert float(np.abs(expected - mono_sound.sinc(sound.samples, 48_000, 16_000)[:64_000]).max()) > 1e-5


def test_kadtk_hears_sixteen_bits_and_mova_ten_seconds() -> None:
    heard = KadtkPanns().prepare(tone(1.0))
    assert len(heard) == 16_000 and np.array_equal(heard * 32768, np.rint(heard * 32768))
    mova = MovaPanns().prepare(tone(3.0, 32_000))
    assert len(mova) == 320_000 and mova[95_999] and not mova[96_000:].any()
    assert len(MovaPanns().prepare(tone(11.0, 32_000))) == 320_000
    with weights.stand_ins():
        assert MovaPanns().weights == ("panns_cnn14_32k",)


def test_verse_bench_normalises_the_peak_and_refuses_digital_silence() -> None:
    (window,) = VerseBenchPasst().prepare(tone(4.0, 32_000))
    assert float(np.abs(window).max()) == pytest.approx(10 ** (-1 / 20), rel=1e-6)
    assert len(window) == 320_000 and not window[128_000:].any()
    assert kind_of(VerseBenchPasst(), Sound(np.zeros(64_000, np.float32), 32_000)) == "silent"
    VerseBenchPasst().prepare(Sound(np.full(64_000, 1e-7, np.float32), 32_000))
    assert len(VerseBenchPasst().prepare(tone(21.0, 32_000))) == 4  # one every 5 s


@pytest.mark.parametrize(("length", "starts"), [
    (4801, [0]), (320_000, [0]), (320_001, [0, 1]), (640_000, [0, 320_000]), (800_000, [0, 240_000, 480_000]),
])  # fmt: skip
def test_windows_are_evenly_spread(length: int, starts: list[int]) -> None:
    found = spread_windows(np.arange(length))
    assert [part[0] for part in found] == starts and found[-1][-1] == length - 1


def test_audioclips_file_holds_other_heads_too() -> None:
    assert audio_part({"audio.fc.bias": 1, "visual.fc.bias": 2, "audio.audio.x": 3, "logit_scale": 4}) == {
        "fc.bias": 1,
        "audio.x": 3,
    }


def test_paired_clap_distance_is_a_cosine() -> None:
    g, r = np.random.default_rng(0).standard_normal((2, 9, 512))
    g, r = (x / np.linalg.norm(x, axis=1, keepdims=True) for x in (g, r))
    cosines = (g * r).sum(axis=1)
    for row in range(9):
        assert paired_clap_distance(g[row : row + 1], r[row : row + 1]) == pytest.approx(2 - 2 * cosines[row], abs=1e-6)
    variances = g.var(axis=1, ddof=1), r.var(axis=1, ddof=1)
    traces = variances[0] + variances[1] - 2 * np.sqrt(variances[0] * variances[1])
    expected = ((g - r) ** 2).sum(axis=1) + traces
    assert paired_clap_distance(g, r) == pytest.approx(expected.mean(), rel=1e-12)
    assert paired_clap_distance(g, g) == 0 and paired_clap_distance(g, -g) == pytest.approx(4)
    assert paired_clap_distance(g, g + 0.01) < paired_clap_distance(g, g + 0.1)


def test_paired_clap_distance_gives_reasons() -> None:
    x = np.ones((3, 4))
    for bad, kind in ((x[:0], "too_few"), (np.full((3, 4), np.nan), "not_finite")):
        with pytest.raises(Unscorable) as caught:
            paired_clap_distance(bad, bad)
        assert caught.value.kind == kind
    for other in (x[:2], x[:, :2], x[0]):
        with pytest.raises(ValueError, match="one shape"):
            paired_clap_distance(x, other)
