"""Audio metrics: known answers, worse on purpose, and what must not matter."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import pytest
from avbench_metrics.audio import clipping, dnsmos, fad_mel, kad_mel, loudness, silence

from avbench.clip import Clip, Prompt
from avbench.errors import Unscorable
from avbench.extract import Extractor
from avbench.feature import Array, Sample
from avbench.media import write_clip
from avbench.metric import ClipMetric, Metric, SetMetric

RATE = 48_000
Write = Callable[..., Path]
CLIP_METRICS = [loudness.METRIC, silence.METRIC, clipping.METRIC]
SET_METRICS = [fad_mel.METRIC, kad_mel.METRIC]


def sample_of(path: Path, *metrics: Metric) -> Sample:
    """One clip with the features of the metrics."""
    clip = Clip(path, Prompt(path.stem))
    return Sample(clip.id, clip.prompt, Extractor([f for m in metrics for f in m.uses], None)([clip])[0])


def score(metric: ClipMetric, path: Path) -> float:
    """One clip under one metric."""
    return metric.score(sample_of(path, metric))


def kind_of(metric: ClipMetric, path: Path) -> str:
    """The kind of the refusal."""
    with pytest.raises(Unscorable) as caught:
        score(metric, path)
    return caught.value.kind


def sine(seconds: float = 2.0, level: float = 0.5, hertz: float = 997.0) -> Array:
    """A tone, float32 (samples,)."""
    return (level * np.sin(2 * np.pi * hertz * np.arange(round(seconds * RATE)) / RATE)).astype(np.float32)


def noise(seed: int, seconds: float = 4.0, level: float = 0.1) -> Array:
    """White noise, float32 (samples,)."""
    return (level * np.random.default_rng(seed).standard_normal(round(seconds * RATE))).astype(np.float32)


@pytest.fixture
def write(tmp_path: Path) -> Write:
    """Write sound beside a grey picture; .mkv is lossless."""

    def make(samples: Array, name: str = "clip.mkv") -> Path:
        frames = np.full((max(2, round(samples.shape[-1] / RATE * 5)), 32, 32, 3), 90, np.uint8)
        write_clip(tmp_path / name, frames, 5.0, samples, RATE)
        return tmp_path / name

    return make


def test_loudness_of_the_standard_tone(write: Write) -> None:
    # BS.1770: a full-scale tone of 997 Hz in one channel reads −3.01 LUFS.
    assert score(loudness.METRIC, write(sine(level=0.999))) == pytest.approx(-3.01, abs=0.1)


@pytest.mark.parametrize("decibels", [-6.0, -12.0, -30.0])
def test_loudness_follows_gain(write: Write, decibels: float) -> None:
    loud = score(loudness.METRIC, write(sine()))
    quiet = score(loudness.METRIC, write(sine(level=0.5 * 10 ** (decibels / 20)), "quiet.mkv"))
    assert quiet - loud == pytest.approx(decibels, abs=0.05)


def test_loudness_has_no_answer_for_silence_and_blips(write: Write) -> None:
    assert kind_of(loudness.METRIC, write(np.zeros(RATE, np.float32))) == "not_applicable"
    kind_of(loudness.METRIC, write(sine(seconds=0.3), "blip.mkv"))


@pytest.mark.parametrize("share", [0.0, 0.25, 0.5, 1.0])
def test_silence_is_the_silent_share(write: Write, share: float) -> None:
    samples = sine(4.0)
    samples[: round(share * len(samples))] = 0
    assert score(silence.METRIC, write(samples)) == pytest.approx(share, abs=0.03)


def test_silence_ignores_moderate_gain(write: Write) -> None:
    samples = np.concatenate([sine(1.0), np.zeros(RATE, np.float32)])
    values = [score(silence.METRIC, write(samples * gain, f"{i}.mkv")) for i, gain in enumerate((1.0, 0.3, 0.1))]
    assert values == pytest.approx([0.5] * 3, abs=0.03)


def test_clipping_grows_with_the_overdrive(write: Write) -> None:
    doses = (0.9, 1.2, 2.0, 8.0)
    values = [score(clipping.METRIC, write(np.clip(sine(level=d), -1, 1), f"{d}.mkv")) for d in doses]
    assert values[0] == 0.0 and values == sorted(set(values))
    expected = [1 - 2 / np.pi * np.arcsin(0.999 / d) for d in doses[1:]]
    assert values[1:] == pytest.approx(expected, abs=0.01)


def test_single_full_scale_samples_are_no_clipping(write: Write) -> None:
    samples = np.zeros(RATE, np.float32)
    samples[::100] = samples[1::100] = 1.0
    assert score(clipping.METRIC, write(samples)) == 0.0


@pytest.mark.parametrize("metric", CLIP_METRICS, ids=lambda m: type(m).__name__)
def test_container_and_name_do_not_matter(metric: ClipMetric, write: Write, tmp_path: Path) -> None:
    import av

    source = write(np.concatenate([np.clip(sine(1.0, 1.5), -1, 1), np.zeros(RATE, np.float32)]), "a.mp4")
    renamed, remuxed = tmp_path / "another name.mp4", tmp_path / "b.mkv"
    shutil.copy(source, renamed)
    with av.open(str(source)) as old, av.open(str(remuxed), "w") as new:
        streams = {s.index: new.add_stream_from_template(s) for s in old.streams}
        for packet in old.demux():
            if packet.dts is not None:
                packet.stream = streams[packet.stream.index]
                new.mux(packet)
    expected = score(metric, source)
    assert score(metric, renamed) == expected
    assert score(metric, remuxed) == pytest.approx(expected, abs=0.02)  # priming may differ by a block


@pytest.mark.parametrize("metric", [*CLIP_METRICS, dnsmos.METRIC], ids=lambda m: type(m).__name__)
def test_no_sound_is_no_score(metric: ClipMetric, tmp_path: Path) -> None:
    pytest.importorskip("webrtcvad")
    write_clip(tmp_path / "mute.mp4", np.full((5, 32, 32, 3), 90, np.uint8), 5.0)
    assert kind_of(metric, tmp_path / "mute.mp4") == "no_audio"


def samples_of(sounds: Sequence[Array], write: Write, metric: Metric) -> list[Sample]:
    """One clip per sound."""
    return [sample_of(write(s, f"{i}.mkv"), metric) for i, s in enumerate(sounds)]


@pytest.mark.parametrize("metric", SET_METRICS, ids=lambda m: type(m).__name__)
def test_set_distance_grows_with_the_dose(metric: SetMetric, write: Write) -> None:
    reference = samples_of([noise(i) for i in range(6)], write, metric)
    same = samples_of([noise(100 + i) for i in range(6)], write, metric)
    hum = [samples_of([noise(200 + i) + sine(4.0, g, 440) for i in range(6)], write, metric) for g in (0.01, 0.05, 0.2)]
    values = [metric.score(same, reference), *(metric.score(h, reference) for h in hum)]
    assert values == sorted(set(values))


@pytest.mark.parametrize("metric", SET_METRICS, ids=lambda m: type(m).__name__)
def test_set_distance_ignores_order_and_is_least_for_the_set_itself(metric: SetMetric, write: Write) -> None:
    one = samples_of([noise(i) for i in range(4)], write, metric)
    two = samples_of([noise(i, level=0.05) for i in range(4, 8)], write, metric)
    assert metric.score(one[::-1], two) == pytest.approx(metric.score(one, two), rel=1e-9)
    assert metric.score(one, one) <= 1e-6 < metric.score(one, two)
    with pytest.raises(Unscorable):
        sample_of(write(noise(0, 0.5), "short.mkv"), metric)[metric.uses[0]]


def test_dnsmos_has_no_answer_without_a_voice(write: Write) -> None:
    pytest.importorskip("webrtcvad")
    for name, samples in (("silence", np.zeros(2 * RATE, np.float32)), ("tone", sine(3.0, 0.3, 3000.0))):
        assert kind_of(dnsmos.METRIC, write(samples, f"{name}.mkv")) == "not_applicable"


def test_dnsmos_falls_with_noise_on_a_real_voice(write: Write, real_data: Path) -> None:
    for package in dnsmos.METRIC.card.packages:
        pytest.importorskip(package)
    from avbench.media import read_waveform

    voice = read_waveform(sorted((real_data / "speech").rglob("*.flac"))[0], RATE)[: 6 * RATE]
    power = float(np.sqrt(np.mean(voice**2)))
    doses = [voice + noise(0, len(voice) / RATE, power * 10 ** (-db / 20))[: len(voice)] for db in (60, 20, 10, 0)]
    values = [score(dnsmos.METRIC, write(np.clip(d, -1, 1), f"{i}.mkv")) for i, d in enumerate(doses)]
    assert values == sorted(values, reverse=True) and values[0] - values[-1] > 0.5
