"""Audiobox's axes and JavisBench's audio quality, from files to numbers and with given ratings."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from avbench_metrics._features.aesthetics import Aesthetics, JavisBenchAesthetics

import avbench
from avbench import catalog
from avbench.clip import Prompt
from avbench.errors import UnknownName, Unscorable
from avbench.feature import Feature, Sample
from avbench.media import write_clip
from avbench.metric import ClipMetric

AXES = ["content_enjoyment", "content_usefulness", "production_complexity", "production_quality"]
NAMES = [*AXES, "audio_quality@fixed", "audio_quality@javisbench"]

pytestmark = pytest.mark.filterwarnings("ignore::FutureWarning", "ignore::UserWarning")  # the package's weight_norm and masks


def metric(name: str) -> ClipMetric:
    found = catalog.load("metric", name)
    assert isinstance(found, ClipMetric)
    return found


def rated(feature: Feature, *values: float) -> Sample:
    return Sample("a", Prompt("a"), {feature: np.array(values)})


def test_from_files_to_numbers(toybox_folder: Path) -> None:
    report = avbench.run(toybox_folder, metrics=NAMES, stand_in=True, store=None)
    for name in NAMES:
        assert report[name].value is not None and np.isfinite(report[name].value)
        assert report[name].n.scored == 4 and report[name].interval is not None and not report[name].official
    mean = np.mean([report[axis].value for axis in AXES])
    assert report["audio_quality@fixed"].value == pytest.approx(mean, rel=1e-12)
    assert report["audio_quality@javisbench"].value != pytest.approx(mean, rel=1e-6)  # padding counts there


def test_silent_and_missing_sound_get_reasons(tmp_path: Path) -> None:
    frames = np.zeros((4, 32, 32, 3), np.uint8)
    write_clip(tmp_path / "silent.mp4", frames, 4, np.zeros(16_000, np.float32), 16_000)
    write_clip(tmp_path / "mute.mp4", frames, 4)
    write_clip(tmp_path / "short.mkv", frames, 4, 0.1 * np.ones(300, np.float32), 16_000)
    report = avbench.run(tmp_path, metrics=NAMES, stand_in=True, store=None)
    for name in NAMES:
        kinds = {m.clip: m.kind for m in report[name].missing}
        assert kinds["mute"] == "no_audio"
        assert kinds.get("silent") == (None if name.endswith("@javisbench") else "silent"), name
        assert kinds.get("short") == (None if name.endswith("@javisbench") else "too_short"), name


def test_each_axis_is_its_own() -> None:
    sample = rated(Aesthetics(), 1.0, 2.0, 3.0, 4.0, 0.5)
    for place, axis in enumerate(AXES):
        assert metric(axis).score(sample) == place + 1
    assert metric("audio_quality@fixed").score(sample) == 2.5
    assert metric("audio_quality@javisbench").score(rated(JavisBenchAesthetics(), 1.0, 2.0, 3.0, 5.0, 0.0)) == 2.75


@pytest.mark.parametrize("name", [*AXES, "audio_quality@fixed"])
def test_silence_starts_below_minus_80_decibels(name: str) -> None:
    with pytest.raises(Unscorable) as caught:
        metric(name).score(rated(Aesthetics(), 5.0, 5.0, 5.0, 5.0, 0.99e-4))
    assert caught.value.kind == "silent"
    assert metric(name).score(rated(Aesthetics(), 5.0, 5.0, 5.0, 5.0, 1.01e-4)) == 5


def test_the_only_protocol_has_a_name() -> None:
    assert catalog.protocol_of("loudness") == "default"
    assert catalog.load("metric", "loudness@default") == catalog.load("metric", "loudness")
    with pytest.raises(UnknownName):
        catalog.load("metric", "loudness@fixed")


@pytest.mark.parametrize("place", range(4))
def test_verse_bench_rates_silence(place: int) -> None:
    silence = rated(Aesthetics(), 1.0, 2.0, 3.0, 4.0, 0.0)
    assert metric(f"{AXES[place]}@verse_bench").score(silence) == place + 1
    with pytest.raises(Unscorable):
        metric(f"{AXES[place]}@fixed").score(silence)
    assert catalog.protocol_of(AXES[place]) == "fixed"
    assert "silence rated" in metric(f"{AXES[place]}@verse_bench").card.protocol


def test_complexity_is_no_quality() -> None:
    assert metric("production_complexity").card.better == "none"
    assert {metric(axis).card.better for axis in AXES if axis != "production_complexity"} == {"higher"}
