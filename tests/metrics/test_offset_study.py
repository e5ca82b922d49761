"""How often ``av_offset`` answers, and how often it is right, when the sound of known clips is moved.

``python tests/metrics/test_offset_study.py [FOLDER]`` prints the table that DECISIONS.md cites. Toybox: the demo's 32 test
clips, 64 test clips with fresh timing that no choice was made on, and 96 train clips that cues and thresholds were chosen on;
right is an answer within 0.1 s of the delay. ``repeats`` are endless bounces and flashes, without and with the rule against
them. FOLDER holds real clips whose own offset nobody knows: right is an answer that differs from the answer for the clip as it
is by the delay, within 40 ms; ``foreign`` gives each picture the sound of the next clip, right is a lag within 0.2 s.
"""

from __future__ import annotations

import dataclasses
import itertools
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pytest
from avbench_metrics._features.onset_strength import RATE
from avbench_metrics.sync.av_offset import CHANGE, METRIC, SOUND, AvOffset, agreement, correlations, peak

from avbench.clip import Clip, Prompt
from avbench.errors import Unscorable
from avbench.feature import Array, Sample, Waveform
from avbench.media import decode, write_clip
from avbench.world.degradations import Take, audio_delay
from avbench.world.toybox import draw_scene, render

DELAYS = (0.0, 0.1, -0.1, 0.2, -0.2, 0.4, -0.4)


class Answer(NamedTuple):
    """What the metric said of one clip at one delay; seconds, or None where it did not answer."""

    group: str
    clip: str
    delay: float
    value: float | None


class Moved(Clip):
    """A decoded clip with its sound replaced."""

    samples: Array

    def waveform(self, ask: Waveform) -> tuple[Array, int]:
        """The replaced sound."""
        return self.samples, RATE


def answers(
    path: Path, group: str, delays: tuple[float, ...] = DELAYS, sound: Path | None = None, metric: AvOffset = METRIC
) -> Iterator[Answer]:
    """The metric's answers for one file, or its picture with another's sound, at each delay; each file is decoded once."""
    name = str(path)
    clip = Moved(path, Prompt(name))
    media = clip.decode((*CHANGE.reads, *SOUND.reads))
    heard = decode(sound, SOUND.reads) if sound else media
    change, (samples, _) = CHANGE.prepare(clip), heard.waveform(Waveform(RATE))
    take = Take(np.zeros((1, 2, 2, 3), np.uint8), 1.0, samples, RATE)
    for delay in delays:
        clip.samples = audio_delay(take, delay, np.random.default_rng(0)).samples
        try:
            value: float | None = metric.score(Sample(name, clip.prompt, {CHANGE: change, SOUND: SOUND.prepare(clip)}))
        except Unscorable as error:
            assert error.kind == "not_applicable", error
            value = None
        yield Answer(group, name, delay, value)


def toybox(split: str, count: int, seed: int, delays: tuple[float, ...] = DELAYS) -> list[Answer]:
    """Answers for the first ``count`` scenes of a split, rendered with ``seed``, as files in the format of the demo."""
    found: list[Answer] = []
    with tempfile.TemporaryDirectory() as folder:
        for index in range(count):
            scene = draw_scene(split, index, seed)
            frames, samples = render(scene)
            path = Path(folder) / f"{split}-{seed}-{index:04d}.mp4"
            write_clip(path, frames, 16, samples, 16_000)
            found += answers(path, f"{split} {scene.kind}", delays)
    return found


def repeating(metric: AvOffset) -> list[Answer]:
    """Answers for 36 endlessly bouncing or flashing scenes of six periods and three phases."""
    found: list[Answer] = []
    with tempfile.TemporaryDirectory() as folder:
        for index, period, phase in itertools.product((0, 1), (0.25, 0.3, 0.35, 0.4, 0.45, 0.5), (0.05, 0.12, 0.19)):
            path = Path(folder) / f"{index}-{period}-{phase}.mp4"
            write_repeating(path, index, period, phase)
            found += answers(path, "repeats", (0.0, 0.2, 0.3, 0.4), metric=metric)
    return found


def write_repeating(path: Path, index: int, period: float, phase: float) -> None:
    """Write test scene ``index`` (0 bounces, 1 flashes) with an event every ``period`` seconds from ``phase`` on."""
    frames, samples = render(dataclasses.replace(draw_scene("test", index), events=tuple(np.arange(phase, 2, period).tolist())))
    write_clip(path, frames, 16, samples, 16_000)


def errors(found: list[Answer], relative: bool = False) -> dict[tuple[str, float], list[float]]:
    """Errors in seconds of the answers by group and delay; ``relative``: of the move since the answer at delay 0."""
    start = {a.clip: a.value for a in found if a.delay == 0}
    table: dict[tuple[str, float], list[float]] = {(a.group, a.delay): [] for a in found}
    for a in found:
        origin = start[a.clip] if relative else 0.0
        if a.value is not None and origin is not None:
            table[a.group, a.delay].append(a.value - origin - a.delay)
    return table


def show(found: list[Answer], tolerance: float, relative: bool = False) -> None:
    """Print one line per group and delay."""
    for (group, delay), rows in errors(found, relative).items():
        asked, size = sum((a.group, a.delay) == (group, delay) for a in found), np.abs(rows)
        right, mean = int((size <= tolerance).sum()), float(size.mean()) if rows else float("nan")
        print(f"{group:14s} {delay:+.1f} s  asked {asked:3d}  answered {len(rows):3d}  right {right:3d}  "
              f"wrong {len(rows) - right:2d}  mean error {mean:.3f} s")  # fmt: skip


def test_correlations_by_lag_are_numpys() -> None:
    rng = np.random.default_rng(0)
    early, late = rng.standard_normal((3, 150)) * 40 + 7, rng.standard_normal((2, 150)) - 3
    early[2] = 5.0  # does not vary
    lags = np.arange(-75, 76)
    found = correlations(early[:, None], late[None], lags)
    assert found.shape == (3, 2, 151) and not found[2].any()
    for i, j, k in itertools.product((0, 1), (0, 1), range(0, 151, 5)):
        lag = int(lags[k])
        x, y = early[i, max(0, -lag) : 150 - max(0, lag)], late[j, max(0, lag) : 150 - max(0, -lag)]
        assert found[i, j, k] == pytest.approx(np.corrcoef(x, y)[0, 1], abs=1e-11)


def test_delays_of_held_out_clips_are_found() -> None:
    found = toybox("test", 32, 0, (0.0, 0.2, -0.2))
    for delay, least, most_wrong in ((0.0, 24, 0), (0.2, 24, 0), (-0.2, 22, 2)):
        size = np.abs([e for (_, d), rows in errors(found).items() if d == delay for e in rows])
        assert (size <= 0.1).sum() >= least and (size > 0.1).sum() <= most_wrong, (delay, size)
        assert delay or size.mean() < 0.03
        sharp = np.abs([e for (g, d), rows in errors(found).items() if d == delay and "speak" not in g for e in rows])
        assert sharp.max() <= 0.1


@pytest.mark.parametrize("delay", [0.0, 0.2, 0.4])
@pytest.mark.parametrize("period", [0.25, 0.4, 0.5])
def test_endless_repetition_is_not_answered_but_uneven_events_are(tmp_path: Path, period: float, delay: float) -> None:
    for index in (0, 1):
        write_repeating(tmp_path / f"{index}.mp4", index, period, 0.12)
        (answer,) = answers(tmp_path / f"{index}.mp4", "repeats", (delay,))
        assert answer.value is None, answer
    scene = dataclasses.replace(draw_scene("test", 1), events=(0.3, 0.3 + period, 1.5))
    frames, samples = render(scene)
    write_clip(tmp_path / "uneven.mp4", frames, 16, samples, 16_000)
    (answer,) = answers(tmp_path / "uneven.mp4", "uneven", (delay,))
    assert answer.value == pytest.approx(delay, abs=0.05)


def test_the_overlap_keeps_lags_from_winning_by_leaving_less_to_contradict_them(tmp_path: Path) -> None:
    wrong = np.zeros(2, int)
    for index in [i for i in range(32) if draw_scene("test", i).kind in ("bounce", "speak")]:
        frames, samples = render(draw_scene("test", index))
        write_clip(tmp_path / "clip.mp4", frames, 16, samples, 16_000)
        clip = Clip(tmp_path / "clip.mp4", Prompt("clip"))
        clip.decode((*CHANGE.reads, *SOUND.reads))
        wrong += [abs(peak(curve)[0]) > 0.1 for curve in agreement(CHANGE.prepare(clip), SOUND.prepare(clip))]
    assert wrong[0] <= 1 and wrong[1] >= wrong[0] + 2, wrong


def main() -> None:
    """Print the study."""
    show(toybox("test", 32, 0), 0.1)
    show(toybox("test", 64, 3), 0.1)
    show([a for seed in (1, 2) for a in toybox("train", 48, seed)], 0.1)
    for metric in (dataclasses.replace(METRIC, repetition=1.0), METRIC):
        show(repeating(metric), 0.1)
    for folder in sys.argv[1:]:
        paths = sorted(Path(folder).rglob("*.mp4"))
        show([a for p in paths for a in answers(p, "real")], 0.04, relative=True)
        swapped = zip(paths, paths[1:] + paths[:1], strict=True)
        show([a for p, other in swapped for a in answers(p, "foreign", (0.0,), other)], 0.2)


if __name__ == "__main__":
    main()
