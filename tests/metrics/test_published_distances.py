"""Published set distances, Inception scores and divergences against independent implementations and their known quirks."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import scipy.linalg
from avbench_metrics._maths.divergence import kl_sigmoid, kl_softmax, kl_verse_bench
from avbench_metrics._maths.frechet import frechet_distance
from avbench_metrics._maths.frechet_official import (
    av_benchmark_frechet,
    cdfvd_frechet,
    fadtk_frechet,
    javisbench_frechet,
    javisbench_kvd,
    sqrtm_frechet,
)
from avbench_metrics._maths.inception_score import inception_score_of_set, inception_score_of_splits
from avbench_metrics._maths.kernel import gaussian_mmd2, kernel_audio_distance, polynomial_mmd2

from avbench.compat import mend_torch
from avbench.errors import Unscorable
from avbench.feature import Array

SET_DISTANCES = [javisbench_frechet, javisbench_kvd, av_benchmark_frechet, cdfvd_frechet, kernel_audio_distance]


def normal(rows: int, dimensions: int, seed: int, scale: float = 1.0, shift: float = 0.0) -> Array:
    """Correlated normal vectors (rows, dimensions)."""
    rng = np.random.default_rng(seed)
    mixing = rng.standard_normal((dimensions, dimensions)) / np.sqrt(dimensions)
    return scale * rng.standard_normal((rows, dimensions)) @ mixing + shift


def kind_of(call: Callable[[], Any]) -> str:
    with pytest.raises(Unscorable) as caught:
        call()
    return caught.value.kind


@pytest.mark.parametrize("rows", [400, 30])
def test_frechet_of_javisbench_is_the_distance_in_float32(rows: int) -> None:
    x, y = normal(rows, 48, 1), normal(rows, 48, 2, 1.3, 0.2)
    found = javisbench_frechet(x, y)
    assert found == pytest.approx(frechet_distance(x, y), rel=2e-3)
    assert found == javisbench_frechet(x.astype(np.float32), y.astype(np.float32))
    assert abs(javisbench_frechet(x, x)) < 1e-2  # and not exactly 0, as rounding shows


def test_javisbench_keeps_small_singular_values() -> None:
    """A variance v below 1e-10 in both sets counts 2v - 2v^2 instead of 0."""
    pattern = np.array([[1.0], [-1.0]]) * 3e-6  # variance 1.8e-11
    found = javisbench_frechet(pattern, pattern)
    assert found == pytest.approx(3.6e-11, rel=1e-4)


def test_javisbench_takes_the_first_rows() -> None:
    x, y = normal(60, 8, 1), normal(90, 8, 2, 1.2, 0.3)
    for distance in (javisbench_frechet, javisbench_kvd):
        assert distance(x, y) == distance(x, y[:60]) and distance(y, x) == distance(y[:60], x)
        assert distance(x, y) != pytest.approx(distance(x, y[30:]), rel=1e-3)


def test_kvd_of_javisbench_does_not_see_the_mean() -> None:
    rng = np.random.default_rng(0)
    x, y = rng.standard_normal((2, 1000, 400))
    shifted = y + 1.5
    assert polynomial_mmd2(x, shifted) == pytest.approx(33.2, abs=0.5)
    assert abs(javisbench_kvd(x, shifted)) < 0.1
    assert javisbench_kvd(x, shifted) == pytest.approx(javisbench_kvd(x, y), abs=1e-9)
    assert javisbench_frechet(x, shifted) == pytest.approx(javisbench_frechet(x, y) + 400 * 1.5**2, rel=0.1)
    few = x[:, :4]
    assert javisbench_kvd(few, 2 * few) > 1  # but it sees the spread


def test_frechet_of_av_benchmark() -> None:
    x, y = normal(400, 24, 1), normal(300, 24, 2, 1.3, 0.2)
    for protocol in ("official", "fixed"):
        assert av_benchmark_frechet(x, y, protocol) == pytest.approx(frechet_distance(x, y), rel=1e-8)


def test_a_failed_root_is_minus_one_or_unscorable() -> None:
    good, bad = (np.zeros(2), np.eye(2)), (np.zeros(2), np.diag([1.0, -1.0]))  # no covariance: its root is imaginary
    assert sqrtm_frechet(good, bad, "official") == -1.0
    assert kind_of(lambda: sqrtm_frechet(good, bad, "fixed")) == "failed"
    assert sqrtm_frechet(good, (np.ones(2), 4 * np.eye(2)), "fixed") == pytest.approx(2 + 2 * (2 - 1) ** 2)


def test_frechet_of_cdfvd_divides_by_n() -> None:
    x, y = normal(50, 6, 1), normal(40, 6, 2, 1.3, 0.2)
    s1, s2 = np.cov(x, rowvar=False, ddof=0), np.cov(y, rowvar=False, ddof=0)
    root = np.trace(scipy.linalg.sqrtm(s1 @ s2)).real
    expected = ((x.mean(axis=0) - y.mean(axis=0)) ** 2).sum() + np.trace(s1 + s2) - 2 * root
    assert cdfvd_frechet(x, y) == pytest.approx(expected, rel=1e-8)
    assert cdfvd_frechet(x, y) < frechet_distance(x, y)


def test_frechet_of_fadtk() -> None:
    x, y = (normal(120, 5, seed, scale).astype(np.float16).astype(float) for seed, scale in ((1, 1.0), (2, 1.5)))
    whole = frechet_distance(x, y)
    files = fadtk_frechet(np.split(x, [10, 40, 42]), np.split(y, [60]))
    assert fadtk_frechet([x], [y]) == pytest.approx(whole, rel=1e-3)
    assert files == pytest.approx(whole, rel=2e-3) and files != whole  # means of files are float16
    fine = x + 1e-4
    assert fadtk_frechet([fine + 8], [y + 8]) != pytest.approx(frechet_distance(fine, y), rel=1e-9)
    assert kind_of(lambda: fadtk_frechet([x, x[:1]], [y])) == "too_few"
    assert kind_of(lambda: fadtk_frechet([], [y])) == "too_few"
    assert kind_of(lambda: fadtk_frechet([x * 1e6], [y])) == "not_finite"
    with pytest.raises(ValueError, match="dimensions"):
        fadtk_frechet([x], [y[:, :3]])


@pytest.mark.parametrize("distance", SET_DISTANCES)
def test_set_distances_give_reasons(distance: Callable[..., float]) -> None:
    x = normal(10, 4, 0)
    broken = x.copy()
    broken[2, 1] = np.nan
    for bad, kind in ((broken, "not_finite"), (np.where(np.isnan(broken), np.inf, x), "not_finite"), (x[:1], "too_few")):
        assert kind_of(lambda bad=bad: distance(bad, x)) == kind and kind_of(lambda bad=bad: distance(x, bad)) == kind
    with pytest.raises(ValueError):
        distance(x, x[:, :3])


@pytest.mark.parametrize("distance", SET_DISTANCES)
def test_set_distances_grow_with_the_dose(distance: Callable[..., float]) -> None:
    x, y = normal(300, 4, 0), normal(300, 4, 0)[::-1] + 0.5
    values = [distance(x * spread, y) for spread in (1.0, 1.5, 2.0, 3.0)]
    assert values == sorted(values) and values[0] < values[-1] / 4


def test_kernel_audio_distance_equals_the_definition() -> None:
    torch = pytest.importorskip("torch")
    x, y = torch.from_numpy(normal(31, 6, 1, 2.0)), torch.from_numpy(normal(40, 6, 2, 1.0, 0.3))
    found = {}
    for protocol, side in (("official", x), ("fixed", y)):
        gamma = 1 / (2 * torch.pdist(side).median() ** 2 + 1e-8)
        within = [(torch.exp(-gamma * torch.cdist(a, a) ** 2).sum() - len(a)) / (len(a) * (len(a) - 1)) for a in (x, y)]
        expected = 100 * (sum(within) - 2 * torch.exp(-gamma * torch.cdist(x, y) ** 2).mean())
        found[protocol] = kernel_audio_distance(x.numpy(), y.numpy(), protocol)
        assert found[protocol] == pytest.approx(float(expected), rel=1e-9)
    assert found["official"] != pytest.approx(found["fixed"], rel=0.01)
    assert found["fixed"] == pytest.approx(100 * gaussian_mmd2(x.numpy(), y.numpy()), rel=0.01)
    assert kind_of(lambda: kernel_audio_distance(x.numpy(), np.ones((5, 6)))) == "degenerate"
    assert kind_of(lambda: kernel_audio_distance(np.ones((5, 6)), y.numpy(), "official")) == "degenerate"


@pytest.mark.parametrize("count", [10, 57, 300])
def test_inception_score_equals_torch_fidelity(count: int) -> None:
    mend_torch()
    torch = pytest.importorskip("torch")
    isc = pytest.importorskip("torch_fidelity.metric_isc")
    logits = np.random.default_rng(count).standard_normal((count, 527)) * 4
    expected = isc.isc_features_to_metric(torch.from_numpy(logits), splits=10, shuffle=True, rng_seed=2020)
    found = inception_score_of_splits(logits)
    assert found.mean == pytest.approx(expected["inception_score_mean"], rel=1e-12)
    assert found.spread == pytest.approx(expected["inception_score_std"], rel=1e-9, abs=1e-12)


def test_inception_scores_of_known_answers() -> None:
    certain = 60.0 * np.eye(20)[np.arange(200) % 20]
    assert inception_score_of_splits(certain, splits=1).mean == pytest.approx(20, rel=1e-9)
    assert inception_score_of_set(18.0 * np.eye(20)[np.arange(200) % 20] - 9) == pytest.approx(20, rel=1e-3)
    for same in (np.zeros((30, 5)), np.tile(np.arange(5.0), (30, 1))):
        assert inception_score_of_splits(same) == pytest.approx((1, 0), abs=1e-12)
        assert inception_score_of_set(same) == pytest.approx(1, rel=1e-12)
    assert inception_score_of_splits(np.eye(10) * 1e4) == pytest.approx((1, 0))  # one sound per split; no NaN from 0 log 0


def test_inception_score_of_set_goes_through_sigmoids() -> None:
    logits = np.random.default_rng(3).standard_normal((40, 527)) * 3
    chances = np.clip(1 / (1 + np.exp(-logits)), 1e-8, 1 - 1e-8)
    again = np.exp(np.log(chances) - np.log(1 - chances))
    p = again / again.sum(axis=1, keepdims=True)
    expected = np.exp((p * (np.log(p + 1e-10) - np.log(p.mean(axis=0) + 1e-10))).sum(axis=1).mean())
    assert inception_score_of_set(logits) == pytest.approx(expected, rel=1e-9)
    assert inception_score_of_set(logits) == pytest.approx(inception_score_of_splits(logits, splits=1).mean, rel=1e-5)
    extreme = np.array([[40.0, 0.0], [0.0, 40.0]])
    assert inception_score_of_set(extreme) == pytest.approx(inception_score_of_set(np.clip(extreme, None, 18.420680743952367)))


@pytest.mark.parametrize("score", [inception_score_of_splits, inception_score_of_set])
def test_inception_scores_give_reasons(score: Callable[[Array], Any]) -> None:
    logits = np.zeros((12, 4))
    assert kind_of(lambda: score(logits[:0])) == "too_few"
    logits[3, 1] = np.nan
    assert kind_of(lambda: score(logits)) == "not_finite"
    with pytest.raises(ValueError):
        score(logits[0])
    assert kind_of(lambda: inception_score_of_splits(np.zeros((9, 4)))) == "too_few"


def test_divergences_equal_torch() -> None:
    torch = pytest.importorskip("torch")
    functional = torch.nn.functional
    ours, theirs = (torch.from_numpy(np.random.default_rng(seed).standard_normal((7, 527)) * 3) for seed in (1, 2))
    pairs = {
        kl_softmax: (ours.log_softmax(1), theirs.softmax(1)),
        kl_sigmoid: (functional.logsigmoid(ours), theirs.sigmoid()),
        kl_verse_bench: ((ours.softmax(1) + 1e-6).log(), theirs.softmax(1)),
    }
    for divergence, (log_generated, reference) in pairs.items():
        expected = functional.kl_div(log_generated, reference, reduction="batchmean")
        assert divergence(ours.numpy(), theirs.numpy()) == pytest.approx(float(expected), rel=1e-12)


def test_direction_of_divergences() -> None:
    """The reference leads: what the reference holds and the generated sound lacks costs most."""
    narrow, broad = np.array([[12.0, 0.0]]), np.array([[0.0, 0.0]])
    p = 1 / (1 + np.exp(-12.0))
    lacking = 0.5 * np.log(0.5 / p) + 0.5 * np.log(0.5 / (1 - p))
    assert kl_softmax(generated=narrow, reference=broad) == pytest.approx(lacking, rel=1e-9)
    assert kl_softmax(generated=broad, reference=narrow) < np.log(2)
    assert kl_verse_bench(generated=narrow, reference=broad) > 3 * kl_verse_bench(generated=broad, reference=narrow)


def test_properties_of_divergences() -> None:
    x = np.random.default_rng(0).standard_normal((5, 527)) * 3
    assert kl_softmax(x, x) == 0 and kl_softmax(x + 3, x) == pytest.approx(0, abs=1e-12) and kl_sigmoid(x, x) == 0
    assert -527e-6 <= kl_verse_bench(x, x) < 0
    assert kl_sigmoid(x + 3, x) < 0  # no sum over both outcomes of a class, hence no lower limit
    far = np.array([[1000.0, 0.0]])
    assert kl_softmax(far, -far) == pytest.approx(1000) and kl_verse_bench(far, far[:, ::-1]) == pytest.approx(-np.log(1e-6))
    noise = np.random.default_rng(1).standard_normal(x.shape)
    for divergence in (kl_softmax, kl_verse_bench):
        values = [divergence(x + dose * noise, x) for dose in (0.0, 0.5, 1.0, 2.0)]
        assert values == sorted(values) and values[-1] > 1


@pytest.mark.parametrize("divergence", [kl_softmax, kl_sigmoid, kl_verse_bench])
def test_divergences_give_reasons(divergence: Callable[[Array, Array], float]) -> None:
    x = np.zeros((3, 4))
    broken = x.copy()
    broken[0, 0] = np.nan
    assert kind_of(lambda: divergence(x, broken)) == kind_of(lambda: divergence(broken, x)) == "not_finite"
    assert kind_of(lambda: divergence(x[:0], x[:0])) == "too_few"
    for other in (x[:2], x[:, :2], x[0]):
        with pytest.raises(ValueError):
            divergence(x, other)
