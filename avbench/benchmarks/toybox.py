"""Toybox: 32 procedural test prompts whose answers are known; needs no download."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

from avbench.benchmark import Benchmark
from avbench.clip import Prompt
from avbench.errors import UsageError
from avbench.world.toybox import VOICES, Settings, prompts

DEFAULTS = {"split": "test", "count": 32, "seed": 0}
RANGES = {"count": (1, 100_000), "seed": (0, 2**32), "size": (16, 512), "fps": (1, 60), "seconds": (0.75, 20.0)}
RATES = (8000, 11_025, 12_000, 16_000, 22_050, 24_000, 32_000, 44_100, 48_000)  # of AAC


def voices_folder() -> Path:
    """Where reference voices are written: ``$AVBENCH_CACHE`` or ``~/.cache/avbench``, subfolder ``toybox``."""
    base = os.environ.get("AVBENCH_CACHE")
    return (Path(base) if base else Path.home() / ".cache" / "avbench") / "toybox"


def read_prompts(path: Path | None) -> list[Prompt]:
    """The test prompts; or those of a JSON ``{split, count, seed, size, fps, seconds, rate}``, every field optional.

    Raises ``UsageError`` for another field, or a value outside ``RANGES`` and ``RATES``.
    """
    try:
        asked = {} if path is None else dict(json.loads(path.read_text(encoding="utf-8-sig")))
    except (OSError, ValueError, TypeError) as error:
        raise UsageError(f"{path} is no JSON object of Toybox settings ({error}).") from error
    unknown = set(asked) - {*DEFAULTS, *Settings.__dataclass_fields__}
    if unknown:
        raise UsageError(f"{path}: unknown Toybox setting {', '.join(sorted(unknown))}.")
    for name, value in asked.items():
        if (allowed := _allowed(name, value)) is not None:
            raise UsageError(f"{path}: {name} must be {allowed}, not {json.dumps(value)}.")
    choice = {**DEFAULTS, **asked}
    settings = Settings(**{k: v for k, v in asked.items() if k not in DEFAULTS})
    return prompts(choice["split"], choice["count"], voices_folder(), choice["seed"], settings)


def _allowed(name: str, value: Any) -> str | None:
    """What a setting must be, where it is not."""
    if name == "split":
        return None if isinstance(value, str) and value in VOICES else " or ".join(VOICES)
    number = isinstance(value, int | float) and not isinstance(value, bool) and (isinstance(value, int) or name == "seconds")
    if name == "rate":
        return None if number and value in RATES else f"one of {', '.join(map(str, RATES))}"
    low, high = RANGES[name]
    kind = "a number" if name == "seconds" else "an integer"
    return None if number and low <= value <= high else f"{kind} from {low} to {high}"


BENCHMARK = Benchmark(
    title="Toybox",
    version=1,
    source="avbench",
    read_prompts=read_prompts,
    metrics=(
        "av_offset",
        "av_align",
        "event_f1",
        "loudness",
        "silence",
        "clipping",
        "temporal_flickering",
        "frozen",
        "motion",
        "sharpness",
        "speaker_similarity",
        "voice_consistency",
        "fad_mel",
        "kad_mel",
    ),  # fmt: skip
    prompts_needed=False,
    notes="--prompts may name a JSON of split, count, seed, size, fps, seconds and rate",
)
