"""T2AV-Compass: 500 prompts numbered from 1."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from avbench.benchmark import Benchmark
from avbench.clip import Prompt
from avbench.errors import UsageError


def read_prompts(path: Path | None) -> list[Prompt]:
    """Read a JSON list or jsonl of objects with ``prompt`` (or ``text``) and ``index`` (or ``id``); without, its row from 1."""
    assert path is not None
    try:
        text = path.read_text(encoding="utf-8-sig")
        rows = json.loads(text) if text.lstrip().startswith("[") else [json.loads(x) for x in text.split("\n") if x.strip()]
        return [_prompt(number, row) for number, row in enumerate(rows, 1)]
    except OSError as error:
        raise UsageError(f"The prompt file {path} cannot be read ({error.strerror}).") from error
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise UsageError(f"{path} is no list of objects with index and prompt ({error!r}).") from error


def _prompt(number: int, row: dict[str, Any]) -> Prompt:
    index = row.get("index", row.get("id", number))
    return Prompt(str(int(index)), str(row.get("prompt") or row["text"]), str(row.get("audio_prompt", "")))


def name_clip(prompt: Prompt, index: int) -> Sequence[str]:
    """The four layouts that the benchmark's own evaluation accepts."""
    number = int(prompt.id)
    return (f"sample_{number:04d}.mp4", f"{number:04d}.mp4", f"{number}.mp4", f"video_{number:04d}.mp4")


BENCHMARK = Benchmark(
    title="T2AV-Compass",
    version=1,
    source="T2AV-Compass; github.com/NJU-LINK/T2AV-Compass",
    read_prompts=read_prompts,
    metrics=("av_offset", "av_align", "loudness", "silence", "clipping", "temporal_flickering", "frozen", "motion", "sharpness"),
    name_clip=name_clip,
    notes="a JSON list or jsonl of index (from 1) and prompt",
)
