"""Fréchet distance and MMD against independent implementations, and their properties on any input."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
import scipy.linalg
from avbench_metrics._maths.frechet import frechet_distance, frechet_from_moments
from avbench_metrics._maths.frechet_official import (
    av_benchmark_frechet,
    cdfvd_frechet,
    fadtk_frechet,
    javisbench_frechet,
    sqrtm_frechet,
)
from avbench_metrics._maths.kernel import gaussian_mmd2, polynomial_mmd2
from hypothesis import given, settings
from hypothesis import strategies as st

from avbench.compat import mend_torch
from avbench.errors import Unscorable
from avbench.feature import Array


def sample(rows: int, dimensions: int, seed: int, scale: float = 1.0, shift: float = 0.0) -> Array:
    """Correlated normal vectors (rows, dimensions)."""
    rng = np.random.default_rng(seed)
    mixing = rng.standard_normal((dimensions, dimensions)) / np.sqrt(dimensions)
    return scale * rng.standard_normal((rows, dimensions)) @ mixing + shift


def by_sqrtm(x: Array, y: Array) -> float:
    """The textbook form, with scipy's matrix square root."""
    sigma1, sigma2 = np.cov(x, rowvar=False), np.cov(y, rowvar=False)
    difference = x.mean(axis=0) - y.mean(axis=0)
    root = scipy.linalg.sqrtm(sigma1 @ sigma2)
    return float(difference @ difference + np.trace(sigma1) + np.trace(sigma2) - 2 * np.trace(root).real)


def rotation(dimensions: int, seed: int) -> Array:
    """A random orthogonal matrix."""
    return np.linalg.qr(np.random.default_rng(seed).standard_normal((dimensions, dimensions)))[0]


sizes = st.integers(2, 40)
settings.register_profile("short", max_examples=40, deadline=None)
settings.load_profile("short")


@pytest.mark.parametrize(("rows", "others", "dimensions"), [(500, 400, 32), (2000, 300, 64), (5000, 5000, 128)])
def test_equals_scipy(rows: int, others: int, dimensions: int) -> None:
    x, y = sample(rows, dimensions, 1), sample(others, dimensions, 2, 1.3, 0.2)
    assert frechet_distance(x, y) == pytest.approx(by_sqrtm(x, y), rel=1e-9)


@pytest.mark.parametrize(("rows", "others"), [(20, 30), (20, 500), (500, 20), (64, 64), (65, 65), (64, 66)])
def test_equals_scipy_where_covariances_are_singular(rows: int, others: int) -> None:
    x, y = sample(rows, 64, 1), sample(others, 64, 2, 1.3, 0.2)
    assert frechet_distance(x, y) == pytest.approx(by_sqrtm(x, y), rel=1e-6)


def test_equals_torch_fidelity() -> None:
    mend_torch()
    import torch
    from torch_fidelity import metric_fid as fid

    x, y = sample(600, 48, 3), sample(500, 48, 4, 0.8, 0.1)
    moments = [fid.fid_features_to_statistics(torch.from_numpy(a)) for a in (x, y)]
    expected = fid.fid_statistics_to_metric(*moments, verbose=False)["frechet_inception_distance"]
    assert frechet_distance(x, y) == pytest.approx(expected, rel=1e-6)


def test_known_answers() -> None:
    assert frechet_from_moments([0.0], [[1.0]], [3.0], [[4.0]]) == pytest.approx(9 + (1 - 2) ** 2)
    diagonal1, diagonal2 = np.array([1.0, 4.0, 9.0]), np.array([4.0, 0.0, 1.0])
    expected = ((np.sqrt(diagonal1) - np.sqrt(diagonal2)) ** 2).sum()
    assert frechet_from_moments(np.zeros(3), np.diag(diagonal1), np.zeros(3), np.diag(diagonal2)) == pytest.approx(expected)


def test_moments_and_samples_agree_with_dead_dimensions() -> None:
    x, y = sample(300, 24, 5), sample(200, 24, 6, 2.0)
    x[:, 3] = y[:, 3] = 7.0  # a unit that never fires
    x[:, 4] = x[:, 5]
    moments = [m for a in (x, y) for m in (a.mean(axis=0), np.cov(a, rowvar=False))]
    assert frechet_from_moments(*moments) == pytest.approx(frechet_distance(x, y), rel=1e-9)
    assert frechet_distance(x, y) == pytest.approx(by_sqrtm(x, y), rel=1e-6)


@given(rows=sizes, others=sizes, dimensions=st.integers(1, 12), seed=st.integers(0, 10**6), power=st.integers(-4, 4))
def test_properties(rows: int, others: int, dimensions: int, seed: int, power: int) -> None:
    x = sample(rows, dimensions, seed) * 10.0**power
    y = sample(others, dimensions, seed + 1, 1.5, 0.5) * 10.0**power
    distance = frechet_distance(x, y)
    assert isinstance(distance, float) and np.isfinite(distance) and distance >= 0
    size = float(x.var(axis=0).sum() + y.var(axis=0).sum()) + distance
    turn = rotation(dimensions, seed)
    assert frechet_distance(y, x) == pytest.approx(distance, abs=1e-9 * size)
    assert frechet_distance(x @ turn + 3, y @ turn + 3) == pytest.approx(distance, abs=1e-7 * max(size, 1e-8))
    assert frechet_distance(x, x[::-1]) <= 1e-9 * size


@given(seed=st.integers(0, 10**6), dimensions=st.integers(2, 40))
def test_grows_with_the_shift(seed: int, dimensions: int) -> None:
    x = sample(30, dimensions, seed)
    values = [frechet_distance(x, x + shift) for shift in (0.0, 0.5, 1.0, 2.0)]
    assert values == pytest.approx([dimensions * s * s for s in (0.0, 0.5, 1.0, 2.0)], abs=1e-6)


@pytest.mark.parametrize("distance", [frechet_distance, polynomial_mmd2, gaussian_mmd2])
def test_typed_reasons(distance: Callable[..., float]) -> None:
    x = sample(10, 4, 0)
    broken = x.copy()
    broken[2, 1] = np.nan
    for bad, kind in ((broken, "not_finite"), (np.where(np.isnan(broken), np.inf, x), "not_finite"), (x[:1], "too_few")):
        for pair in ((bad, x), (x, bad)):
            with pytest.raises(Unscorable) as caught:
                distance(*pair)
            assert caught.value.kind == kind
    with pytest.raises(ValueError):
        distance(x, x[:, :3])


def test_constant_sets() -> None:
    x = sample(10, 4, 0)
    constant = np.full((5, 4), 0.1)
    for function, pair in ((frechet_distance, (constant, constant + 1)), (gaussian_mmd2, (x, constant))):
        with pytest.raises(Unscorable) as caught:
            function(*pair)
        assert caught.value.kind == "degenerate"
    expected = ((x.mean(axis=0) - 0.1) ** 2).sum() + x.var(axis=0, ddof=1).sum()
    assert frechet_distance(x, constant) == pytest.approx(expected)
    with pytest.raises(Unscorable):
        frechet_from_moments([0.0], [[0.0]], [1.0], [[0.0]])


@pytest.mark.parametrize(("shape", "level"), [((7, 3), 0.1), ((100, 128), -9.123), ((3, 5), 0.0)])
def test_constant_sets_have_no_distance_though_their_mean_rounds(shape: tuple[int, int], level: float) -> None:
    constant = np.full(shape, level)
    for distance in (frechet_distance, polynomial_mmd2, gaussian_mmd2, av_benchmark_frechet, cdfvd_frechet, javisbench_frechet):
        with pytest.raises(Unscorable) as caught:
            distance(constant, constant)
        assert caught.value.kind == "degenerate", distance
    with pytest.raises(Unscorable) as caught:
        fadtk_frechet([constant], [constant])
    assert caught.value.kind == "degenerate"
    moments = constant.mean(axis=0), np.cov(constant, rowvar=False)
    with pytest.raises(Unscorable) as caught:
        frechet_from_moments(*moments, *moments)
    assert caught.value.kind == "degenerate"
    if level:  # a spread above rounding is one
        assert frechet_distance(constant * (1 + 1e-9 * np.eye(*shape)), constant) >= 0


@pytest.mark.parametrize("place", range(4))
@pytest.mark.parametrize("bad", [np.nan, np.inf])
def test_moments_that_are_not_finite_are_refused(place: int, bad: float) -> None:
    moments = [np.zeros(3), np.eye(3), np.zeros(3), np.eye(3)]
    moments[place] = moments[place] + bad
    with pytest.raises(Unscorable) as caught:
        frechet_from_moments(*moments)
    assert caught.value.kind == "not_finite"
    with pytest.raises(Unscorable) as caught:
        sqrtm_frechet((moments[0], moments[1]), (moments[2], moments[3]), "official")
    assert caught.value.kind == "not_finite"


def test_polynomial_mmd_equals_torch_fidelity() -> None:
    mend_torch()
    from torch_fidelity import metric_kid as kid

    x, y = sample(60, 16, 1), sample(60, 16, 2, 1.2, 0.1)
    options = {"kid_kernel_poly_degree": 3, "kid_kernel_poly_gamma": None, "kid_kernel_poly_coef0": 1.0}
    kernels = [kid.kernel_poly(a, b, **options) for a, b in ((x, x), (x, y), (y, y))]
    assert polynomial_mmd2(x, y) == pytest.approx(kid.mmd2(*kernels), rel=1e-9)


@pytest.mark.parametrize("rows", [7, 1500])  # fewer and more than one block
def test_gaussian_mmd_equals_the_definition(rows: int) -> None:
    x, y = sample(rows, 3, 1), sample(9, 3, 2, 1.2, 0.1)

    def mean(a: Array, b: Array, *, same: bool) -> float:
        values = np.exp(-((a[:, None] - b[None]) ** 2).sum(axis=2) / (2 * 0.7**2))
        return float((values.sum() - np.trace(values)) / (len(a) * (len(a) - 1)) if same else values.mean())

    expected = mean(x, x, same=True) + mean(y, y, same=True) - 2 * mean(x, y, same=False)
    assert gaussian_mmd2(x, y, bandwidth=0.7) == pytest.approx(expected, rel=1e-9)
    assert gaussian_mmd2(x * 1e3 + 1e6, y * 1e3 + 1e6) == pytest.approx(gaussian_mmd2(x, y), rel=1e-5)


def test_mmd_is_unbiased_and_grows_with_the_dose() -> None:
    for mmd in (polynomial_mmd2, gaussian_mmd2):
        nulls = [mmd(*np.random.default_rng(i).standard_normal((2, 40, 4))) for i in range(100)]
        assert abs(np.mean(nulls)) < 3 * np.std(nulls) / np.sqrt(len(nulls))
        x, y = np.random.default_rng(0).standard_normal((2, 200, 4))
        values = [mmd(x + shift, y) for shift in (0.0, 0.5, 1.0, 2.0)]
        assert values == sorted(values) and values[-1] > 10 * abs(values[0])
