"""Whether a metric's networks can be loaded, found out before the first clip is opened."""

from __future__ import annotations

import contextlib
import hashlib

from avbench import weights
from avbench.errors import AvbenchError
from avbench.feature import Feature
from avbench.judge import settled
from avbench.metric import Metric


def misfit(metric: Metric, device: str) -> str:
    """Why a network behind the metric cannot be loaded from its checkpoint; "" where all can.

    A network that was loaded stays in memory for the run. That it could be is noted beside the checkpoints, so that a run whose
    features are all in the store loads none; stand-ins and what ships in a package are not tried.
    """
    for feature in metric.uses:
        fetched = [name for name in feature.weights if not weights.stands_in(name) and not weights.checkpoint(name).package]
        note = weights.default_root() / ".loaded" / hashlib.sha256(feature.identity().encode()).hexdigest()[:32]
        if fetched and not note.exists() and (wrong := _tried(feature, device)):
            return wrong
        if fetched:
            with contextlib.suppress(OSError):  # a read-only folder of shared weights is tried every time
                note.parent.mkdir(exist_ok=True)
                note.touch()
    return ""


def _tried(feature: Feature, device: str) -> str:
    try:
        with settled():
            feature.load(device)
    except AvbenchError as error:
        return str(error)
    except MemoryError:
        raise
    except Exception as error:  # whatever a library makes of a file that is not its own
        words = (str(error).splitlines() or [""])[0][:200]
        return f"{', '.join(feature.weights)} cannot be loaded: {type(error).__name__}: {words}"
    return ""
