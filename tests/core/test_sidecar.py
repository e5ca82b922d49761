"""A sound file beside a clip: who hears it, who hears the clip itself, and how far the two agree."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import numpy as np
import pytest
import soundfile
from avbench_metrics._features.lip_tracks import LipTracks, VerseBenchLips
from avbench_metrics._features.synchformer_offsets import SynchformerLogits, VerseBenchLogits
from avbench_metrics.audio.sidecar_match import MATCH, best_correlation

import avbench
from avbench.clip import Clip, Prompt
from avbench.errors import MediaError, Unscorable
from avbench.feature import Feature, Frames, OwnWaveform, Waveform
from avbench.media import decode, write_clip
from avbench.report import Report

ASKED = ["content_enjoyment@verse_bench", "clap_score@verse_bench", "sidecar_match"]


def noise(seconds: float = 2.0, rate: int = 16_000) -> np.ndarray:
    return 0.1 * np.random.default_rng(0).standard_normal(round(seconds * rate)).astype(np.float32)


@pytest.fixture
def clip_and_noise(toybox_folder: Path, tmp_path: Path) -> tuple[Path, Path]:
    clip, beside = tmp_path / "419.mp4", tmp_path / "noise.wav"
    shutil.copy(next(iter(sorted(toybox_folder.glob("*.mp4")))), clip)
    soundfile.write(beside, noise(), 16_000)
    return clip, beside


def test_own_sound_and_the_file_beside_it(clip_and_noise: tuple[Path, Path]) -> None:
    clip, beside = clip_and_noise
    reads = (Frames(), Waveform(), OwnWaveform())
    both, alone = decode(clip, reads, audio_path=beside), decode(clip, reads)
    np.testing.assert_array_equal(both.waveform(OwnWaveform())[0], alone.waveform(Waveform())[0])
    np.testing.assert_array_equal(alone.waveform(OwnWaveform())[0], alone.waveform(Waveform())[0])
    np.testing.assert_allclose(both.waveform(Waveform())[0], noise(), rtol=0, atol=1e-4)
    assert both.opens == 2 and alone.opens == 1


def test_either_sound_may_be_absent(clip_and_noise: tuple[Path, Path], tmp_path: Path) -> None:
    clip, beside = clip_and_noise
    mute, broken = tmp_path / "mute.mp4", tmp_path / "broken.wav"
    write_clip(mute, np.zeros((8, 32, 32, 3), np.uint8), 8)
    broken.write_bytes(b"no sound")
    media = decode(mute, (Waveform(), OwnWaveform()), audio_path=beside)
    assert len(media.waveform(Waveform())[0]) == 32_000
    with pytest.raises(MediaError, match="no audio stream"):
        media.waveform(OwnWaveform())
    media = decode(clip, (Waveform(), OwnWaveform()), audio_path=broken)
    assert len(media.waveform(OwnWaveform())[0])
    with pytest.raises(MediaError, match=r"broken\.wav"):
        media.waveform(Waveform())


@pytest.mark.parametrize("feature", [VerseBenchLogits(), VerseBenchLips()], ids=lambda f: type(f).__name__)
def test_verse_benchs_measures_of_synchrony_hear_the_clip(feature: Feature) -> None:
    sounds = [read for read in feature.reads if isinstance(read, Waveform)]
    assert sounds and all(isinstance(read, OwnWaveform) for read in sounds)
    for other in (SynchformerLogits(), LipTracks()):
        assert not any(isinstance(read, OwnWaveform) for read in other.reads)


def _run(folder: Path, benchmark: str = "verse_bench", metrics: tuple[str, ...] = tuple(ASKED)) -> Report:
    prompts = folder / "prompts.json"
    row = {"prompt": "a ball", "audio_prompt": ["a strike"], "speech_prompt": {}}
    prompts.write_text(json.dumps({"set2": {"419": row}}))
    return avbench.run(folder, benchmark, prompts=prompts, metrics=list(metrics), stand_in=True, store=None)


def test_verse_bench_judges_the_file_beside_the_clip(clip_and_noise: tuple[Path, Path], tmp_path: Path) -> None:
    clip, beside = clip_and_noise
    before = _run(tmp_path)
    assert before["sidecar_match"].value is None and "no file beside it" in before["sidecar_match"].missing[0].reason
    shutil.copy(beside, clip.with_suffix(".wav"))
    after = _run(tmp_path)
    for name in ASKED[:2]:
        assert before[name].value is not None and after[name].value != before[name].value, name
    assert after["sidecar_match"].value is not None and abs(after["sidecar_match"].value) < 0.3
    mova = ("clap_score@mova",)
    heard = _run(tmp_path, "verse_bench_mova", mova)[mova[0]].value
    clip.with_suffix(".wav").unlink()
    assert heard == _run(tmp_path, "verse_bench_mova", mova)[mova[0]].value, "MOVA reads videos alone"


def test_the_same_sound_beside_the_clip_matches(clip_and_noise: tuple[Path, Path], tmp_path: Path) -> None:
    clip, _ = clip_and_noise
    samples, rate = decode(clip, (Waveform(),)).waveform(Waveform())
    soundfile.write(tmp_path / "same.wav", np.concatenate([np.zeros(80, np.float32), samples]), rate)
    same = Clip(clip, Prompt("a"), tmp_path / "same.wav")
    same.decode(MATCH.reads)
    value, lag, longer = MATCH.prepare(same)
    assert value > 0.999 and lag == longer == pytest.approx(80 / rate)
    with pytest.raises(Unscorable, match="no file beside it"):
        MATCH.prepare(Clip(clip, Prompt("a")))


def test_correlation_of_opposites_strangers_and_nothing() -> None:
    x = noise(1.0)
    assert best_correlation(x, x) == (pytest.approx(1.0), 0)
    assert best_correlation(x, -x, reach=0)[0] == pytest.approx(-1.0)
    assert abs(best_correlation(x, x[::-1])[0]) < 0.1
    assert best_correlation(x, np.zeros(0, np.float32)) == (0.0, 0)
