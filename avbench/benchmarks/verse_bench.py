"""Verse-Bench: 600 prompts in three sets (image-text, sound, speech)."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from avbench.benchmark import Benchmark
from avbench.clip import Prompt
from avbench.errors import UsageError


def read_prompts(path: Path | None) -> list[Prompt]:
    """Read ``{set: {8-digit id: {prompt, video_prompt, audio_prompt: [..], speech_prompt: {speaker, text}}}}``."""
    assert path is not None
    try:
        data = json.loads(path.read_text(encoding="utf-8"))
        return [_prompt(name, key, row) for name, rows in data.items() for key, row in rows.items()]
    except OSError as error:
        raise UsageError(f"The prompt file {path} cannot be read ({error.strerror}).") from error
    except (ValueError, AttributeError, KeyError, TypeError) as error:
        raise UsageError(f"{path} is no Verse-Bench prompt file of sets of ids with a 'prompt' ({error!r}).") from error


def _prompt(name: str, key: str, row: dict[str, Any]) -> Prompt:
    speech = row.get("speech_prompt") or {}
    words = speech.get("text") or ""
    sounds = row.get("audio_prompt") or []
    return Prompt(
        id=key,
        text=str(row["prompt"]),
        audio_text=sounds if isinstance(sounds, str) else " ".join(map(str, sounds)),
        speech=(words,) if words else (),
        categories=(name,),
    )


def name_clip(prompt: Prompt, index: int) -> Sequence[str]:
    """The id as it stands, with less zero padding, and with none: users' folders hold all three."""
    digits = prompt.id.lstrip("0") or "0"
    return tuple(dict.fromkeys(f"{digits.zfill(width)}.mp4" for width in (8, 5, 4, 3, 2, 1)))


BENCHMARK = Benchmark(
    title="Verse-Bench",
    version=1,
    source="UniVerse-1, arXiv 2509.06155; github.com/Dorniwang/Verse-Bench",
    read_prompts=read_prompts,
    metrics=(
        "av_offset",
        "av_align",
        "loudness",
        "silence",
        "clipping",
        "dnsmos",
        "temporal_flickering",
        "frozen",
        "motion",
        "sharpness",
        "speaker_similarity",
        "voice_consistency",
        "fad_mel",
    ),  # fmt: skip
    name_clip=name_clip,
    notes="a JSON of set1, set2, set3, as in the benchmark's repository",
)
