"""Toybox: 32 procedural test prompts whose answers are known; needs no download."""

from __future__ import annotations

import json
import os
from pathlib import Path

from avbench.benchmark import Benchmark
from avbench.clip import Prompt
from avbench.errors import UsageError
from avbench.world.toybox import Settings, prompts

DEFAULTS = {"split": "test", "count": 32, "seed": 0}


def voices_folder() -> Path:
    """Where reference voices are written: ``$AVBENCH_CACHE`` or ``~/.cache/avbench``, subfolder ``toybox``."""
    base = os.environ.get("AVBENCH_CACHE")
    return (Path(base) if base else Path.home() / ".cache" / "avbench") / "toybox"


def read_prompts(path: Path | None) -> list[Prompt]:
    """The test prompts; or those of a JSON ``{split, count, seed, size, fps, seconds, rate}``, every field optional."""
    try:
        asked = {} if path is None else dict(json.loads(path.read_text(encoding="utf-8")))
    except (OSError, ValueError, TypeError) as error:
        raise UsageError(f"{path} is no JSON object of Toybox settings ({error}).") from error
    unknown = set(asked) - {*DEFAULTS, *Settings.__dataclass_fields__}
    if unknown:
        raise UsageError(f"{path}: unknown Toybox setting {', '.join(sorted(unknown))}.")
    choice = {**DEFAULTS, **asked}
    settings = Settings(**{k: v for k, v in asked.items() if k not in DEFAULTS})
    return prompts(str(choice["split"]), int(choice["count"]), voices_folder(), int(choice["seed"]), settings)


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
