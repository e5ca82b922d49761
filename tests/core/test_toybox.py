"""The world whose answers are known, and the damage done to it."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path

import numpy as np
import pytest

from avbench.benchmarks.toybox import BENCHMARK
from avbench.clip import Prompt
from avbench.errors import UsageError
from avbench.world.degradations import DEGRADATIONS, Take, audio_swap, prompt_swap, speaker_swap
from avbench.world.toybox import (
    FADE_SECONDS,
    GAP_SECONDS,
    Scene,
    Settings,
    combinations,
    draw_scene,
    prompts,
    reference_voice,
    render,
    scene_of,
    text_of,
)

RNG = np.random.default_rng


def test_a_scene_is_a_function_of_split_index_and_seed() -> None:
    for index in range(8):
        first, again = (render(draw_scene("train", index, 3)) for _ in range(2))
        assert np.array_equal(first[0], again[0]) and np.array_equal(first[1], again[1])
        assert first[0].shape == (32, 64, 64, 3) and first[1].shape == (32_000,) and first[1].dtype == np.float32
    one, other = draw_scene("train", 1, 0), draw_scene("train", 1, 1)
    assert text_of(one) == text_of(other) and one.events != other.events


def test_train_and_test_share_no_combination_and_no_voice() -> None:
    assert not set(combinations("train")) & set(combinations("test"))
    assert len(combinations("train")) + len(combinations("test")) == 54
    scenes = {split: [draw_scene(split, i) for i in range(400)] for split in ("train", "test")}
    voices = {split: {s.voice for s in rows if s.voice} for split, rows in scenes.items()}
    assert voices["train"] and voices["test"] and not voices["train"] & voices["test"]
    for split, rows in scenes.items():
        assert {(s.colour, s.shape, s.material) for s in rows} <= set(combinations(split))
    with pytest.raises(UsageError, match="train and test"):
        draw_scene("valid", 0)


@pytest.mark.parametrize("settings", [Settings(), Settings(32, 8, 1.0, 8000), Settings(96, 25, 3.0, 44_100)])
def test_settings_rule_size_and_gaps_hold(settings: Settings) -> None:
    for index in range(16):
        scene = draw_scene("test", index, 0, settings)
        frames, samples = render(scene, settings)
        assert frames.shape == (round(settings.seconds * settings.fps), settings.size, settings.size, 3)
        assert len(samples) == round(settings.seconds * settings.rate)
        assert all(b - a >= GAP_SECONDS - 1e-3 for a, b in zip(scene.events[:-1], scene.events[1:], strict=True))
        assert all(0 <= t < settings.seconds for t in scene.events)


def test_event_times_between_frames_can_be_read_from_the_picture() -> None:
    """Brightness of the first white frame gives the time since the event; the flash's base and peak are known."""
    errors = []
    for index in (1, 5, 9, 13, 17, 21):
        scene = draw_scene("test", index)
        single = dataclasses.replace(scene, events=scene.events[:1])
        frames, _ = render(single)
        centre = frames[:, 32, round(scene.place * 64)].astype(float).mean(axis=1)
        first = int(np.argmax(np.diff(centre) > 5)) + 1
        white = (centre[first] - centre[0]) / (255 - centre[0])
        errors.append(abs(first / 16 + FADE_SECONDS * np.log(white) - scene.events[0]))
    assert max(errors) < 0.005


def test_strikes_sound_at_their_events() -> None:
    for index in (0, 1, 3, 4):
        scene = draw_scene("test", index)
        _, samples = render(scene)
        for event in scene.events:
            start = round(event * 16_000)
            after = np.square(samples[start : start + 160]).mean()
            assert after > 4 * np.square(samples[start - 320 : start - 32]).mean()


# version of the benchmark -> mean grey level and RMS level in dBFS of its first scenes: other ones need another version
FACTS = {1: [(45.08, -29.48), (49.67, -23.46), (82.74, -21.52), (48.12, -17.35), (43.5, -33.32), (54.34, -28.63)]}


def test_what_the_toybox_renders_belongs_to_its_version() -> None:
    found = []
    for index in range(6):
        frames, samples = render(draw_scene("test", index))
        found.append((float(frames.mean()), 20 * float(np.log10(np.sqrt(np.mean(samples**2))))))
    assert np.allclose(found, FACTS[BENCHMARK.version], rtol=0, atol=0.02)


def test_prompts_rebuild_their_scene(tmp_path: Path) -> None:
    for prompt in prompts("test", 8, tmp_path, 2, Settings(32, 8, 1.5, 8000)):
        scene, settings = scene_of(prompt)
        assert settings.size == 32 and scene.seed == 2 and prompt.events == scene.events
        assert prompt.text[0].isupper() and prompt.text.endswith(".")
        assert (prompt.speaker is not None) == (scene.kind == "speak") == bool(prompt.speech)
    with pytest.raises(UsageError, match="Toybox"):
        scene_of(Prompt("x"))


def test_the_reference_voice_says_something_else_in_the_same_pitch() -> None:
    scene = draw_scene("test", 2)
    assert scene.voice is not None
    assert set(scene.reference_vowels[:1]) - set(scene.vowels)
    for samples in (render(scene)[1], reference_voice(scene, 16_000)):
        loud = samples[4000 : 4000 + 4096] * np.hanning(4096)
        autocorrelation = np.fft.irfft(np.abs(np.fft.rfft(loud, 8192)) ** 2)
        lags = np.arange(16_000 // 320, 16_000 // 80)
        pitch = 16_000 / lags[int(autocorrelation[lags].argmax())]
        ratio = pitch / scene.voice.f0
        assert min(abs(ratio - k) for k in (0.5, 1.0)) < 0.06


def _take(index: int = 3) -> Take:
    return Take(*_rendered(draw_scene("test", index)))


def _rendered(scene: Scene) -> tuple[np.ndarray, float, np.ndarray, int]:
    frames, samples = render(scene)
    return frames, 16.0, samples, 16_000


@pytest.mark.parametrize("name", DEGRADATIONS)
def test_no_dose_is_no_damage(name: str) -> None:
    take = _take()
    same = DEGRADATIONS[name](take, 0.0, RNG(0))
    assert np.array_equal(same.frames, take.frames)
    assert np.allclose(same.samples, take.samples, atol=1e-6)


DOSES = {
    "audio_delay": (0.1, 0.3, 0.6),
    "audio_drift": (0.05, 0.1, 0.3),
    "drop_frames": (0.1, 0.4, 0.9),
    "repeat_frames": (1.0, 3.0, 7.0),
    "freeze": (0.2, 0.5, 0.9),
    "shuffle_frames": (0.2, 0.5, 1.0),
    "blur": (0.5, 1.5, 4.0),
    "video_noise": (2.0, 10.0, 40.0),
    "audio_noise": (0.01, 0.1, 1.0),
    "band_limit": (0.5, 0.8, 0.98),
    "clipping": (6.0, 20.0, 40.0),
    "silence": (0.2, 0.5, 0.9),
    "pitch_shift": (1.0, 4.0, 9.0),
    "compression": (10.0, 30.0, 50.0),
    "gain": (-3.0, -6.0, -20.0),
}


@pytest.mark.parametrize("name", DEGRADATIONS)
def test_more_dose_is_further_from_the_original(name: str) -> None:
    take = _take()
    sound = name in {"audio_delay", "audio_drift", "audio_noise", "band_limit", "clipping", "silence", "pitch_shift", "gain"}
    distances = []
    for dose in DOSES[name]:
        worse = DEGRADATIONS[name](take, dose, RNG(0))
        assert worse.frames.shape == take.frames.shape and worse.samples.shape == take.samples.shape
        assert worse.frames.dtype == np.uint8 and worse.samples.dtype == np.float32
        assert np.array_equal(worse.frames, take.frames) == sound
        difference = worse.samples - take.samples if sound else worse.frames.astype(float) - take.frames
        distances.append(float(np.square(difference).mean()))
    assert distances[0] > 0
    if name not in ("audio_delay", "audio_drift", "pitch_shift", "shuffle_frames", "repeat_frames"):
        assert distances == sorted(distances)


def test_delay_moves_by_the_dose_to_the_sample() -> None:
    take = _take()
    for dose in (0.25, -0.25):
        moved = DEGRADATIONS["audio_delay"](take, dose, RNG(0)).samples
        ours, theirs = (moved[4000:], take.samples[:-4000]) if dose > 0 else (moved[:-4000], take.samples[4000:])
        assert np.array_equal(ours, theirs)


def test_swaps_exchange_words_and_voices(tmp_path: Path) -> None:
    asked = prompts("test", 16, tmp_path)
    swapped = prompt_swap(asked, 1.0, RNG(0))
    assert [p.id for p in swapped] == [p.id for p in asked]
    assert sum(a.text != b.text for a, b in zip(asked, swapped, strict=True)) >= 12
    voices = speaker_swap(asked, 1.0, RNG(0))
    assert all(a.speaker != b.speaker for a, b in zip(asked, voices, strict=True) if a.speaker)
    assert prompt_swap(asked, 0.0, RNG(0)) == asked
    assert all(speaker_swap(asked, 0.01, RNG(0)).count(p) for p in asked if not p.speaker)
    takes = [_take(i) for i in range(4)]
    foreign = audio_swap(takes, 1.0, RNG(0))
    assert all(np.array_equal(a.frames, b.frames) for a, b in zip(takes, foreign, strict=True))
    assert sorted(float(t.samples.sum()) for t in takes) == sorted(float(t.samples.sum()) for t in foreign)
    assert not any(np.array_equal(a.samples, b.samples) for a, b in zip(takes, foreign, strict=True))
    assert audio_swap(takes, 0.0, RNG(0)) == takes


def test_a_small_share_still_swaps_two_and_all_their_words() -> None:
    asked = [Prompt(f"{i}", f"text {i}", f"audio {i}", (f"audio {i}",), (f"speech {i}",)) for i in range(8)]
    swapped = prompt_swap(asked, 0.1, RNG(0))
    moved = [(a, b) for a, b in zip(asked, swapped, strict=True) if a != b]
    assert len(moved) == 2
    for before, after in moved:
        assert before.id == after.id
        assert all(getattr(before, name) != getattr(after, name) for name in ("text", "audio_text", "audio_texts", "speech"))
    with pytest.raises(UsageError, match="two or more"):
        prompt_swap(asked[:1], 1.0, RNG(0))


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"count": "abc"}, "count must be an integer from 1"),
        ({"count": -1}, "count must be"),
        ({"count": True}, "count must be"),
        ({"fps": 0}, "fps must be an integer from 1 to 60"),
        ({"fps": 12.5}, "fps must be an integer"),
        ({"seconds": "2"}, "seconds must be a number from 0.75"),
        ({"seconds": 1e9}, "seconds must be"),
        ({"size": 0}, "size must be"),
        ({"rate": 3000}, "rate must be one of 8000"),
        ({"rate": 16000.0}, "rate must be"),
        ({"split": "valid"}, "split must be train or test"),
    ],
)
def test_settings_outside_their_range_are_named(tmp_path: Path, fields: dict[str, object], words: str) -> None:
    (tmp_path / "p.json").write_text(json.dumps(fields))
    with pytest.raises(UsageError, match=words):
        BENCHMARK.prompts(tmp_path / "p.json")


def test_voices_that_cannot_be_written_say_what_to_do(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AVBENCH_CACHE", "/dev/null")
    with pytest.raises(UsageError, match="AVBENCH_CACHE"):
        BENCHMARK.prompts(None)
