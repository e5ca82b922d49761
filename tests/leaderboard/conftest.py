"""Reports made by hand: their numbers are known, no clip is decoded."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from avbench.report import BenchmarkFacts, ClipScore, Counts, Missing, Report, Result
from avbench.statistics import mean_interval

FACTS = BenchmarkFacts("toybox", 1, "Toybox", "p" * 64, 32, 32)


def result(name: str, values: Sequence[float | None], better: str = "higher", **fields: Any) -> Result:
    """A clip metric's result over clips c0, c1 ...; None is a clip that failed."""
    metric, _, protocol = name.partition("@")
    scores = tuple(ClipScore(f"c{i}", f"c{i}", float(v)) for i, v in enumerate(values) if v is not None)
    missing = tuple(Missing(f"c{i}", "unreadable", "Broken.") for i, v in enumerate(values) if v is None)
    sizes = [abs(s.value) if better == "zero" else s.value for s in scores]
    n = Counts(len(values), len(scores), len(missing), 0)
    wanted = "interval" not in fields and len(sizes) > 1
    interval = mean_interval(sizes, [s.cluster for s in scores], (-np.inf, np.inf)) if wanted else None
    value = float(np.mean(sizes)) if sizes else None
    found = Result(metric, protocol or "default", metric, value, interval, n, "1", better, f"identity of {name}", missing=missing,
                   scores=scores, bounds=(0.0, 1.0))  # fmt: skip
    return replace(found, **fields)


@pytest.fixture(scope="session")
def make_result() -> Callable[..., Result]:
    """See ``result``."""
    return result


@pytest.fixture(scope="session")
def make_report() -> Callable[..., Report]:
    """``make_report(model, metric=values or result ..., role="model", facts={...})``."""

    def make(model: str, role: str = "model", facts: Mapping[str, Any] | None = None, **metrics: Any) -> Report:
        results = tuple(value if isinstance(value, Result) else result(name, value) for name, value in metrics.items())
        return Report(model, replace(FACTS, **(facts or {})), results, provenance={"made_by": {"role": role}})

    return make
