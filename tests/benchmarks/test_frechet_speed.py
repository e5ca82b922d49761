"""Time of the Fréchet distance at the size of a network's embedding, beside scipy's matrix square root in the same run.

Nothing here asserts a time. ``pytest tests/benchmarks --benchmark-enable`` measures and shows ratio and error under
``extra_info``; without that flag the reference, a matter of ten seconds and more, is not computed.
"""

from __future__ import annotations

import time

import numpy as np
import pytest
import scipy.linalg
from avbench_metrics._maths.frechet import frechet_distance
from pytest_benchmark.fixture import BenchmarkFixture

DIMENSIONS = 2048


@pytest.mark.parametrize("rows", [100, 5000])
def test_frechet_at_2048_dimensions(benchmark: BenchmarkFixture, rows: int) -> None:
    rng = np.random.default_rng(rows)
    x = rng.standard_normal((rows, DIMENSIONS)) * np.linspace(0.1, 2.0, DIMENSIONS)
    y = rng.standard_normal((rows, DIMENSIONS)) * np.linspace(0.2, 1.5, DIMENSIONS) + 0.1
    if benchmark.disabled:
        assert frechet_distance(x[:64, :256], y[:64, :256]) > 0
        return
    value = benchmark.pedantic(frechet_distance, (x, y), rounds=5, warmup_rounds=1)
    started = time.perf_counter()
    sigma1, sigma2 = np.cov(x, rowvar=False), np.cov(y, rowvar=False)
    root = scipy.linalg.sqrtm(sigma1 @ sigma2)
    difference = x.mean(axis=0) - y.mean(axis=0)
    expected = difference @ difference + np.trace(sigma1) + np.trace(sigma2) - 2 * np.trace(root).real
    seconds = time.perf_counter() - started
    error = abs(value - expected) / expected
    benchmark.extra_info.update(
        {"scipy": scipy.__version__, "sqrtm_seconds": seconds, "ratio": seconds / benchmark.stats.stats.median}
    )
    benchmark.extra_info["relative_error"] = float(error)
    assert error < 1e-6
