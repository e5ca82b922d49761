"""Decode, cold run, warm run, two workers and memory; see docs/speed.md for the figures and the command.

Nothing here asserts a time. Without ``--benchmark-enable`` each runs once on few clips.
"""

from __future__ import annotations

import contextlib
import os
import subprocess
import sys
import time
from itertools import count
from pathlib import Path

import pytest
from pytest_benchmark.fixture import BenchmarkFixture

import avbench
from avbench import catalog
from avbench.benchmark import Benchmark
from avbench.clip import Clip, Prompt
from avbench.errors import Unscorable
from avbench.feature import Array, Feature, Read, Sample
from avbench.media import write_clip
from avbench.metric import ClipMetric
from avbench.world.toybox import Settings, draw_scene, render

FOLDER: Benchmark = catalog.load("benchmark", "folder")
METRICS: dict[str, ClipMetric] = {name: catalog.load("metric", name) for name in FOLDER.metrics}
FEATURES = tuple(dict.fromkeys(f for m in METRICS.values() for f in m.uses))
READS: tuple[Read, ...] = tuple(dict.fromkeys(r for f in FEATURES for r in f.reads))


@pytest.fixture(scope="session")
def clips(tmp_path_factory: pytest.TempPathFactory, toybox_folder: Path) -> Path:
    """The 14 real clips where they are at hand, four Toybox clips elsewhere."""
    root = os.environ.get("AVBENCH_REAL_DATA")
    if not root:
        return toybox_folder
    folder = tmp_path_factory.mktemp("real")
    for path in Path(root, "clips").rglob("*.mp4"):
        (folder / f"{path.parent.name}-{path.name}").symlink_to(path)
    return folder


def _one_pass(folder: Path) -> tuple[float, float]:
    """Seconds of one decode of each clip, and of all features and scores on top."""
    decoding = computing = 0.0
    for path in folder.glob("*.mp4"):
        clip = Clip(path, Prompt(path.stem))
        started = time.perf_counter()
        clip.decode(READS)
        between = time.perf_counter()
        values = {f: _prepare(f, clip) for f in FEATURES}
        sample = Sample(clip.id, clip.prompt, values)
        for metric in METRICS.values():
            _score(metric, sample)
        decoding += between - started
        computing += time.perf_counter() - between
    return decoding, computing


def _prepare(feature: Feature, clip: Clip) -> Array | Exception:
    try:
        return feature.prepare(clip)
    except Unscorable as error:
        return error


def _score(metric: ClipMetric, sample: Sample) -> None:
    with contextlib.suppress(Unscorable):
        metric.score(sample)


def test_decode(benchmark: BenchmarkFixture, clips: Path) -> None:

    def decode() -> None:
        for path in clips.glob("*.mp4"):
            Clip(path, Prompt("x")).decode(READS)

    benchmark.pedantic(decode, rounds=2)


def test_cold_run_against_decode_plus_metrics(benchmark: BenchmarkFixture, clips: Path, tmp_path: Path) -> None:
    numbers = count()
    benchmark.pedantic(lambda: avbench.run(clips, store=tmp_path / str(next(numbers))), rounds=2)
    decoding, computing = _one_pass(clips)
    if not benchmark.disabled:
        benchmark.extra_info.update(decode_seconds=decoding, metric_seconds=computing)
        benchmark.extra_info["ratio"] = benchmark.stats.stats.min / (decoding + computing)


def test_warm_run_against_cold(benchmark: BenchmarkFixture, clips: Path, tmp_path: Path) -> None:
    started = time.perf_counter()
    avbench.run(clips, store=tmp_path)
    cold = time.perf_counter() - started
    report = benchmark.pedantic(lambda: avbench.run(clips, store=tmp_path), rounds=3)
    assert report.provenance["decodes"] == 0
    if not benchmark.disabled:
        benchmark.extra_info["times_faster_than_cold"] = cold / benchmark.stats.stats.median


def _toybox(folder: Path, number: int, settings: Settings) -> Path:
    folder.mkdir()
    for i in range(number):
        frames, samples = render(draw_scene("train", i, 0, settings), settings)
        write_clip(folder / f"{i:04d}.mp4", frames, settings.fps, samples, settings.rate)
    return folder


def test_two_workers_against_one(benchmark: BenchmarkFixture, tmp_path: Path) -> None:
    folder = _toybox(tmp_path / "clips", 4 if benchmark.disabled else 120, Settings(size=256, fps=24, seconds=3.0))
    started = time.perf_counter()
    one = avbench.run(folder, store=None)
    seconds = time.perf_counter() - started
    two = benchmark.pedantic(lambda: avbench.run(folder, store=None, workers=2), rounds=1)
    assert one.metrics == two.metrics
    if not benchmark.disabled:
        benchmark.extra_info["times_faster_than_one_worker"] = seconds / benchmark.stats.stats.min
        # what the machine itself gives: two processes that share nothing, each with all the work
        started = time.perf_counter()
        alike = [subprocess.Popen([sys.executable, "-c", MEASURE, str(folder)], stdout=subprocess.DEVNULL) for _ in range(2)]
        assert [process.wait() for process in alike] == [0, 0]
        benchmark.extra_info["times_faster_of_two_independent_processes"] = 2 * seconds / (time.perf_counter() - started)


MEASURE = """
import re, sys, avbench
avbench.run(sys.argv[1], store=None)
print(re.search(r"VmHWM:\\s+(\\d+) kB", open("/proc/self/status").read())[1])
"""


def test_memory_does_not_grow_with_the_number_of_clips(benchmark: BenchmarkFixture, tmp_path: Path) -> None:
    sizes = (8, 40) if benchmark.disabled else (100, 1000)
    peaks = []
    for size in sizes:
        folder = _toybox(tmp_path / str(size), size, Settings())
        done = subprocess.run([sys.executable, "-c", MEASURE, str(folder)], capture_output=True, text=True, check=True)
        peaks.append(int(done.stdout) / 1e6)
    benchmark.pedantic(lambda: None, rounds=1)
    benchmark.extra_info.update({f"peak_gb_{size}_clips": peak for size, peak in zip(sizes, peaks, strict=True)})
    assert peaks[1] < 2.0
    assert peaks[1] < 1.3 * peaks[0]
