"""The contract that every plugin must keep, bundled or foreign; call these from your own tests.

Example:
    >>> from avbench import testing
    >>> testing.check_metric("loudness")
"""

from __future__ import annotations

import dataclasses
import pickle

from avbench import catalog
from avbench.benchmark import Benchmark
from avbench.metric import ClipMetric, Metric, SetMetric, Total
from avbench.model import Model
from avbench.rule import hashed, rule_fill, rule_input, rule_parameter

__all__ = ["check_benchmark", "check_metric", "check_model", "hashed", "rule_fill", "rule_input", "rule_parameter"]


def check_metric(name: str) -> None:
    """Raises ``AssertionError`` unless the metric is a frozen dataclass with a whole card and picklable features."""
    metric: Metric = catalog.load("metric", name)
    _check_value(metric)
    assert isinstance(metric, ClipMetric | SetMetric | Total), f"{name} must be a ClipMetric, a SetMetric or a Total"
    assert metric.card.better in ("higher", "lower", "zero", "none"), f"{name}: better is {metric.card.better!r}"
    if isinstance(metric, Total):
        assert metric.parts and not metric.uses, f"{name}: a total has parts and reads no clip itself"
        for part in metric.parts:
            catalog.load("metric", part)
        return
    assert metric.uses, f"{name} uses no feature, so it sees nothing of a clip"
    for feature in metric.uses:
        _check_value(feature)
        assert feature.reads, f"{feature!r} reads nothing"
        assert pickle.loads(pickle.dumps(feature)) == feature
    assert set(metric.card.needs) <= {"speech", "speaker", "events", "text", "audio_text", "image"}, f"{name}: unknown need"


def check_model(name: str) -> None:
    """Raises ``AssertionError`` unless the model is a frozen dataclass with a title."""
    model: Model = catalog.load("model", name)
    _check_value(model)
    assert model.title, f"{name} has no title"


def check_benchmark(name: str) -> None:
    """Raises ``AssertionError`` unless the benchmark's metrics exist and its metadata is whole."""
    benchmark: Benchmark = catalog.load("benchmark", name)
    assert benchmark.title and benchmark.source and benchmark.version >= 1
    for metric in benchmark.metrics:
        catalog.load("metric", metric)
    for label, metric in benchmark.columns:
        catalog.load("metric", metric)
        assert metric in benchmark.metrics, f"{name}: the column {label} is not among its metrics"


def _check_value(plugin: object) -> None:
    assert dataclasses.is_dataclass(plugin) and not isinstance(plugin, type)
    parameters = getattr(type(plugin), "__dataclass_params__", None)
    assert parameters is not None and parameters.frozen, f"{plugin!r} must be a frozen dataclass"
    assert repr(plugin) == repr(dataclasses.replace(plugin)), "the repr is the identity and must be stable"
    assert " at 0x" not in repr(plugin), f"{plugin!r}: the repr holds a memory address"
