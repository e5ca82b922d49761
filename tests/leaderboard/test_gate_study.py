"""The gate on real Toybox runs: how often it lets the same generator pass, and whether it sees 100 ms.

Run as a script, this file judges a generator under eight seeds and repeats the gate 100 times:

    python tests/leaderboard/test_gate_study.py
"""

from __future__ import annotations

import sys
import tempfile
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

import avbench
from avbench.leaderboard.gate import Gate, gate
from avbench.media import write_clip
from avbench.report import Report, Result
from avbench.statistics import mean_interval
from avbench.world.degradations import Take, audio_delay, audio_noise, blur
from avbench.world.toybox import draw_scene, render

METRICS = ["av_offset", "av_align@fixed", "event_f1", "silence", "clipping", "frozen", "sharpness"]
SYNC = {"av_offset@default", "av_align@fixed", "event_f1@default"}


def write_run(folder: Path, prompts: int, seed: int, delay_seconds: float = 0.0) -> Path:
    """A generator with luck: every clip has its own slip of the sound (20 ms), noise and blur, by the seed."""
    for index in range(prompts):
        random = np.random.default_rng([seed, index])
        frames, samples = render(draw_scene("test", index))
        take = Take(frames, 16.0, samples, 16_000)
        take = audio_delay(take, delay_seconds + float(random.normal(0, 0.02)), random)
        take = audio_noise(take, 10 ** (float(random.uniform(-50, -30)) / 20), random)
        take = blur(take, float(random.uniform(0, 0.8)), random)
        folder.mkdir(parents=True, exist_ok=True)
        write_clip(folder / f"toybox-test-{index:04d}.mp4", take.frames, 16, take.samples, 16_000)
    return folder


def judge(folder: Path, prompts: int) -> Report:
    """Judged as an answer to the Toybox's first prompts."""
    return avbench.run(folder, "toybox", metrics=METRICS, limit=prompts, store=None)


def drawn(reports: list[Report], choice: list[int], model: str) -> Report:
    """A run whose clip of prompt i comes from seed ``choice[i]``: real clips, one of many runs that could have been."""
    prompts = {clip: choice[i] for i, clip in enumerate(sorted(reports[0].clips))}
    metrics = tuple(_drawn([report.metrics[k] for report in reports], prompts) for k in range(len(METRICS)))
    return replace(reports[0], model=model, metrics=metrics)


def _drawn(results: list[Result], seeds: dict[str, int]) -> Result:
    scores = tuple(s for k, result in enumerate(results) for s in result.scores if seeds[s.clip] == k)
    missing = tuple(m for k, result in enumerate(results) for m in result.missing if seeds[m.clip] == k)
    values = [abs(s.value) if results[0].better == "zero" else s.value for s in scores]
    n = replace(results[0].n, scored=len(scores), not_applicable=len(missing), failed=0)
    interval = mean_interval(values, [s.cluster for s in scores], (-np.inf, np.inf)) if values else None
    value = float(np.mean(values)) if values else None
    return replace(results[0], scores=scores, missing=missing, n=n, value=value, interval=interval)


def repeat(reports: list[Report], times: int) -> list[Gate]:
    """Two runs of the generator, each clip of a seed of its own in either run, against each other."""
    random = np.random.default_rng(0)
    outcomes = []
    for _ in range(times):
        pairs = [random.permutation(len(reports))[:2] for _ in reports[0].clips]
        old, new = ([int(pair[side]) for pair in pairs] for side in (0, 1))
        outcomes.append(gate(drawn(reports, new, "new"), drawn(reports, old, "old")))
    return outcomes


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory) -> list[Report]:
    """Three seeds of 16 prompts."""
    return [judge(write_run(tmp_path_factory.mktemp(f"seed{seed}"), 16, seed), 16) for seed in range(3)]


def test_another_seed_of_the_same_generator_passes(runs: list[Report]) -> None:
    answers = [outcome.answer for outcome in repeat(runs, 20)]
    assert answers.count("pass") >= 19, answers


def test_100_ms_are_seen_and_laid_to_synchrony(runs: list[Report], tmp_path: Path) -> None:
    late = judge(write_run(tmp_path / "late", 16, 7, delay_seconds=0.1), 16)
    outcome = gate(late, runs[0])
    failed = {check.name for check in outcome.checks if check.answer == "fail"}
    assert outcome.answer == "fail" and failed and failed <= SYNC, failed
    assert all(check.worst for check in outcome.checks if check.answer == "fail")
    assert gate(runs[0], late).answer == "pass"  # the other way round it is a gain


def main() -> None:
    """Print the study: 32 prompts, eight seeds, 100 repetitions, and what delays the gate sees."""
    with tempfile.TemporaryDirectory() as folder:
        reports = [judge(write_run(Path(folder) / str(seed), 32, seed), 32) for seed in range(8)]
        answers = [outcome.answer for outcome in repeat(reports, 100)]
        print(f"same generator, another seed: {answers.count('pass')} of {len(answers)} pass (32 prompts, {len(METRICS)} metrics)")
        for milliseconds in (25, 50, 100, 200):
            late = judge(write_run(Path(folder) / f"late{milliseconds}", 32, 99, milliseconds / 1000), 32)
            outcome = gate(late, reports[0])
            failed = [check.name for check in outcome.checks if check.answer == "fail"]
            print(f"sound {milliseconds} ms later: {outcome.answer}{': ' if failed else ''}{', '.join(failed)}")


if __name__ == "__main__":
    sys.exit(main())
