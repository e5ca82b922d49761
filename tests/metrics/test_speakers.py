"""Speaker similarity by WavLM and on a calibrated scale; DNSMOS P.808."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
import soundfile
from avbench_metrics._features import speaker_anchors
from avbench_metrics._features.networks import ecapa
from avbench_metrics._features.speaker_wavlm import WavlmReference, WavlmVoice
from avbench_metrics._maths.anchored_cosine import equal_error_rate
from avbench_metrics.audio import dnsmos_p808
from avbench_metrics.speech.speaker_similarity_wavlm import PROTOCOLS
from avbench_metrics.speech.voice_match import METRIC, REFERENCE, VOICE, VoiceMatch

import avbench
from avbench import testing, weights
from avbench.clip import Clip, Prompt
from avbench.errors import MediaError, Unscorable, UsageError
from avbench.feature import Array, Sample, Waveform
from avbench.media import decode, read_waveform, write_clip
from avbench.rule import rule_fill

RATE = 16_000
BLACK = np.zeros((8, 32, 32, 3), np.uint8)
LIBRIVOX = Path(__file__).parent / "librivox"


@pytest.fixture(scope="module")
def voice() -> Array:
    return read_waveform(LIBRIVOX / "0880.ogg", RATE)


def _clip(folder: Path, name: str, samples: Array | None, rate: int = RATE, speaker: Path | None = None) -> Clip:
    write_clip(folder / f"{name}.mkv", BLACK, 1, samples, rate)
    return Clip(folder / f"{name}.mkv", Prompt(name, speaker=speaker))


def _cosine(one: Array, other: Array) -> float:
    return float(one @ other / np.linalg.norm(one) / np.linalg.norm(other))


def test_metrics_keep_the_contract() -> None:
    for name in ("speaker_similarity_wavlm", "speaker_similarity_wavlm@seed_tts", "voice_match", "dnsmos_p808", "dnsmos_p808@mova"):
        testing.check_metric(name)


def test_stand_ins_run_from_the_clip_to_the_figure(tmp_path: Path, voice: Array) -> None:
    reference = tmp_path / "reference.wav"
    soundfile.write(reference, read_waveform(LIBRIVOX / "0930.ogg", RATE), RATE)
    rows = []
    said = read_waveform(reference, RATE)
    cases = (("spoken", voice), ("same", said), ("still", 0 * voice), ("mute", None), ("alone", voice))
    for name, samples in cases:
        _clip(tmp_path, name, samples)
        rows.append({"id": name, "path": f"{name}.mkv", **({"speaker": "reference.wav"} if name != "alone" else {})})
    (tmp_path / "manifest.jsonl").write_text("\n".join(map(json.dumps, rows)))
    names = ["speaker_similarity_wavlm@fixed", "speaker_similarity_wavlm@seed_tts", "voice_match"]
    for result in avbench.run(tmp_path, metrics=names, stand_in=True, store=None).metrics:
        scores = {s.clip: s.value for s in result.scores}
        reasons = {m.clip: m.kind for m in result.missing}
        assert reasons["mute"] == "no_audio" and reasons["alone"] == "not_applicable"
        if result.protocol == "seed_tts":
            assert set(scores) == {"spoken", "same", "still"}  # silence too gets a figure there
        else:
            assert set(scores) == {"spoken", "same"} and reasons["still"] == "not_applicable"
        assert scores["spoken"] < scores["same"]
        expected = pytest.approx((1 - METRIC.different) / (METRIC.same - METRIC.different), abs=0.01)
        assert scores["same"] == (expected if result.metric == "voice_match" else pytest.approx(1.0, abs=1e-3))


def test_cosine_of_embeddings_of_any_length() -> None:
    rng = np.random.default_rng(0)
    one, noise = rng.standard_normal(256).astype(np.float32), rng.standard_normal(256).astype(np.float32)
    for metric in PROTOCOLS.values():
        generated, reference = metric.uses
        scores = [metric.score(Sample("a", Prompt("a"), {generated: 7 * other, reference: one}))
                  for other in (one, one + 0.3 * noise, one + noise, -one)]  # fmt: skip
        assert scores[0] == pytest.approx(1, abs=1e-6) and scores[-1] == pytest.approx(-1, abs=1e-6)
        assert scores == sorted(scores, reverse=True)


def test_the_official_protocol_hears_the_first_channel_and_all_of_it(tmp_path: Path, voice: Array) -> None:
    noise = 0.1 * np.random.default_rng(0).standard_normal(len(voice)).astype(np.float32)
    pause = np.zeros(RATE, np.float32)
    clips = {
        "mono": voice, "stereo": np.stack([voice, noise]), "padded": np.concatenate([pause, voice, pause]),
    }  # fmt: skip
    prepared = {
        (name, official): WavlmVoice(official).prepare(_clip(tmp_path, name, samples))
        for name, samples in clips.items() for official in (True, False)
    }  # fmt: skip
    assert np.array_equal(prepared["mono", True], prepared["stereo", True])
    assert len(prepared["mono", False]) < len(prepared["mono", True])
    assert len(prepared["padded", True]) == len(prepared["mono", True]) + 2 * RATE
    assert abs(len(prepared["padded", False]) - len(prepared["mono", False])) < 0.15 * RATE
    soundfile.write(tmp_path / "stereo.wav", clips["stereo"].T, RATE, subtype="FLOAT")
    reference = WavlmReference(True).prepare(Clip(tmp_path / "mono.mkv", Prompt("a", speaker=tmp_path / "stereo.wav")))
    assert np.abs(reference - voice).max() < 1e-6


def test_the_official_resampler_is_torchaudios(tmp_path: Path) -> None:
    from avbench.compat import mend_torch

    mend_torch()
    import torch
    from torchaudio.functional import resample

    sound = np.random.default_rng(0).uniform(-0.5, 0.5, 44_100).astype(np.float32)
    found = WavlmVoice(True).prepare(_clip(tmp_path, "a", sound, 44_100))
    filed = decode(tmp_path / "a.mkv", (Waveform(),)).waveform(Waveform())[0]
    assert np.abs(found - resample(torch.from_numpy(filed), 44_100, RATE).numpy()).max() < 1e-5
    assert np.abs(found - read_waveform(tmp_path / "a.mkv", RATE)).max() > 1e-3  # soxr's answer to noise is another one


def test_too_short_and_no_reference_have_reasons(tmp_path: Path, voice: Array) -> None:
    with pytest.raises(Unscorable, match="needs 720") as caught:
        WavlmVoice(True).prepare(_clip(tmp_path, "brief", voice[:700]))
    assert caught.value.kind == "too_short"
    for official in (True, False):
        with pytest.raises(MediaError, match="no reference voice"):
            WavlmReference(official).prepare(_clip(tmp_path, "a", voice))


def test_an_embedding_does_not_depend_on_its_batch(voice: Array) -> None:
    sounds = [voice, read_waveform(LIBRIVOX / "0930.ogg", RATE), voice[:RATE]]
    with weights.stand_ins():
        embed = WavlmVoice().load("cpu")
    together, alone = embed(sounds), [embed([sound])[0] for sound in sounds]
    for one, other in zip(together, alone, strict=True):
        assert one.shape == (256,) and np.abs(one - other).max() <= 1e-5 * np.abs(one).max()
    assert _cosine(together[0], together[1]) < 0.9999


def test_the_published_files_form_is_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, voice: Array) -> None:
    import torch

    monkeypatch.setenv("AVBENCH_WEIGHTS", str(tmp_path))
    small = rule_fill(ecapa.tiny())
    monkeypatch.setattr(ecapa, "build", ecapa.tiny)  # the official size takes a gigabyte
    file = tmp_path / "wavlm_large_sv" / "wavlm_large_finetune.pth"
    file.parent.mkdir()
    torch.save({"model": {**small.state_dict(), ecapa.TRAINING_ONLY[0]: torch.zeros(3, 4)}}, file)
    with torch.no_grad():
        expected = small(torch.from_numpy(voice)[None])[0].numpy()
    assert np.allclose(WavlmVoice().load("cpu")([voice])[0], expected, rtol=1e-6)


# ---- the calibrated scale


def _matched(cosine: float, metric: VoiceMatch = METRIC) -> float:
    one, other = np.array([[1.0, 0.0]]), np.array([[cosine, np.sqrt(1 - cosine**2)]])
    sample = Sample("a", Prompt("a"), {VOICE: one, REFERENCE: other})
    assert metric.details(sample) == {"cosine": pytest.approx(cosine)}
    return metric.score(sample)


def test_a_stranger_is_0_and_the_same_speaker_1() -> None:
    assert _matched(METRIC.different) == pytest.approx(0) and _matched(METRIC.same) == pytest.approx(1)
    assert _matched(1.0) > 1 > _matched(0.7) > 0 > _matched(0.3)
    assert _matched(0.6, VoiceMatch(same=0.8, different=0.4)) == pytest.approx(0.5)
    with pytest.raises(Unscorable, match="strangers"):
        _matched(0.5, VoiceMatch(same=0.4, different=0.6))


def test_pairs_of_one_speaker_and_of_two() -> None:
    x, y = np.array([2.0, 0.0]), np.array([0.0, 3.0])
    same, different = speaker_anchors.cosines({"a": [x, x], "b": [y, y, x]})
    assert sorted(same) == [0, 0, 1, 1] and sorted(different) == [0, 0, 0, 0, 1, 1]


def test_anchors_need_two_voices_twice(tmp_path: Path) -> None:
    (tmp_path / "one").mkdir()
    with pytest.raises(UsageError, match="two speakers"):
        speaker_anchors.voices(tmp_path)


def test_real_readers_part_and_give_the_default_anchors(real_data: Path, capsys: pytest.CaptureFixture[str]) -> None:
    speakers = speaker_anchors.voices(real_data / "speech")
    same, different = speaker_anchors.cosines(speakers)
    assert (len(speakers), len(same), len(different)) == (5, 15, 90)
    assert equal_error_rate(same, different)[0] < 0.10
    assert same.mean() == pytest.approx(METRIC.same, abs=5e-4) and different.mean() == pytest.approx(METRIC.different, abs=5e-4)
    speaker_anchors.main([str(real_data / "speech")])
    assert "5 speakers, 15 recordings\nsame: 0.829" in capsys.readouterr().out


# ---- DNSMOS P.808


@pytest.mark.parametrize(
    ("seconds", "starts"),
    [(0.5, range(7)), (9.0, range(7)), (9.01, range(1)), (10.0, range(1)), (10.01, range(1)), (11.0, range(2)), (15.2, range(6)),
     (16.0, range(7)), (24.0, range(7))],
)  # fmt: skip
def test_windows_of_nine_seconds(seconds: float, starts: Sequence[int]) -> None:
    """Short sounds are doubled to 16 and 18 s; windows from 7 s on are lost to rounding, as (7 + 9.01) · 16000 < 256160."""
    samples = np.arange(round(seconds * RATE), dtype=np.float32)
    found = dnsmos_p808.windows(samples)
    assert {len(window) for window in found} == {144_160}
    assert [window[0] for window in found] == [(i * RATE) % len(samples) for i in starts]


def test_dnsmos_is_the_packages_and_hears_noise(tmp_path: Path, voice: Array) -> None:
    from speechmos import dnsmos

    voice = np.tile(voice, 6)  # 18 s
    noise = np.random.default_rng(0).standard_normal(len(voice)).astype(np.float32)
    level = float(np.sqrt(np.mean(voice**2)))
    values = []
    for name, snr in (("a", 60.0), ("b", 0.0)):
        clip = _clip(tmp_path, name, np.clip(voice + level * 10 ** (-snr / 20) * noise, -1, 1))
        prepared = dnsmos_p808.SCORES.prepare(clip)
        found = dnsmos_p808.SCORES.load("cpu")([prepared])[0]
        assert found.mean() == pytest.approx(float(dnsmos.run(prepared, sr=RATE)["p808_mos"]), abs=1e-5)
        values.append(float(found.mean()))
    assert values == sorted(values, reverse=True) and values[0] > values[1] + 0.3
    result = avbench.run(tmp_path, metrics=["dnsmos_p808"], store=None)["dnsmos_p808"]
    assert [s.value for s in result.scores] == pytest.approx(values, abs=1e-5)
    assert [w.status for w in result.weights] == ["verified"]
