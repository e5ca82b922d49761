"""Speech where there is speech: against the detector's own package, on Toybox voices and on real clips."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import soundfile
from avbench_metrics._features.speech_activity import RATE, detector_digest, speech_of, speech_spans

import avbench
from avbench import compat
from avbench.errors import Unscorable
from avbench.feature import Array
from avbench.media import read_waveform
from avbench.world.toybox import draw_scene, reference_voice, render

SPEAKERS, OTHERS = (2, 7, 10, 15, 18, 23, 26, 31), (0, 1, 3, 4, 5, 6, 12, 13)


def _sounds() -> list[Array]:
    scenes = [draw_scene("test", index) for index in SPEAKERS[:3]]
    voices = [sound for scene in scenes for sound in (render(scene)[1], reference_voice(scene, RATE))]
    rng = np.random.default_rng(0)
    loud = voices[0] + 0.1 * rng.standard_normal(len(voices[0])).astype(np.float32)
    pauses = [np.zeros(round(seconds * RATE), np.float32) for seconds in (0.09, 0.15, 0.3, 0.6)]
    joined = np.concatenate([part for voice, pause in zip(voices, pauses, strict=False) for part in (voice[8000:20_000], pause)])
    return [*voices, loud, joined, joined / 30, voices[2][:12_345], np.zeros(8000, np.float32), np.zeros(0, np.float32)]


def test_spans_are_those_of_the_package() -> None:
    compat.mend_torch()  # the package looks for torchaudio
    import torch
    from silero_vad import get_speech_timestamps, load_silero_vad

    model = load_silero_vad(onnx=True)
    found = []
    for sound in _sounds():
        expected = get_speech_timestamps(torch.from_numpy(sound), model) if len(sound) else []
        found.append(speech_spans(sound))
        assert found[-1] == [(span["start"], span["end"]) for span in expected]
    assert max(map(len, found)) > 2 and sum(map(len, found)) > 12


@pytest.mark.parametrize(("split", "unheard"), [("test", []), ("train", [31])])
def test_toybox_voices_are_speech(split: str, unheard: list[int]) -> None:
    """The 16 speaking scenes of the first 64: half of every clip is heard, and every reference voice but those named."""
    scenes = [scene for index in range(64) if (scene := draw_scene(split, index)).spans]
    assert len(scenes) == 16
    for scene in scenes:
        said = sum(end - start for start, end in scene.spans)
        assert len(speech_of(render(scene)[1])) / RATE > 0.5 * said, scene.index
        reference = reference_voice(scene, RATE)
        if scene.index in unheard:
            with pytest.raises(Unscorable):
                speech_of(reference)
        else:
            assert len(speech_of(reference)) / RATE > 1.5, scene.index


def test_strikes_are_no_speech() -> None:
    for index in OTHERS:
        with pytest.raises(Unscorable, match=r"0\.5 s are needed") as caught:
            speech_of(render(draw_scene("test", index))[1])
        assert caught.value.kind == "not_applicable"


def test_the_weights_are_part_of_the_cache_key() -> None:
    from avbench_metrics._features.voice import ReferenceVoice, Voice
    from avbench_metrics.audio.dnsmos import Dnsmos

    assert len(detector_digest()) == 64
    assert all(detector_digest() in feature.identity() for feature in (Voice(), ReferenceVoice(), Dnsmos()))


def test_real_voices_are_speech_at_any_usual_level(real_data: Path) -> None:
    files = sorted((real_data / "speech").rglob("*.flac"))
    assert len(files) == 15
    for file in files:
        samples, rate = soundfile.read(file, dtype="float32")
        assert rate == RATE
        for gain in (0, -20):
            assert 0.25 < len(speech_of(samples * 10 ** (gain / 20))) / len(samples) < 1


def test_clips_without_speech_have_no_speech_score(real_data: Path) -> None:
    """An engine (00023), a piano (00041) and noise (419); the other four clips hold a voice."""
    folder = real_data / "clips" / "verse_bench_mini"
    heard = {file.stem: sum(b - a for a, b in speech_spans(read_waveform(file, RATE))) / RATE for file in folder.glob("*.mp4")}
    assert {name for name, seconds in heard.items() if not seconds} == {"00023", "00041", "419"}
    assert 1.0 < heard["00000"] < 1.6, "four words at the end"
    results = avbench.run(folder, metrics=["dnsmos", "voice_consistency"], store=None)
    for result in results.metrics:
        silent = {gap.clip for gap in result.missing if gap.kind == "not_applicable"}
        assert silent >= {"00023", "00041", "419"} and {s.clip for s in result.scores} >= {"01083", "01086", "420"}
    assert results["dnsmos"].n.scored == 4
