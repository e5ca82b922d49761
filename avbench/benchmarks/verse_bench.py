"""Verse-Bench: 600 prompts in three sets (image-text, sound, speech)."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from avbench.benchmark import Benchmark
from avbench.clip import Prompt
from avbench.errors import UsageError

SETS = ("set1", "set2", "set3")


def read_prompts(path: Path | None) -> list[Prompt]:
    """Read the benchmark's folder (``set1`` to ``set3`` of ``<id>.json`` and ``<id>.jpg``), or one JSON of all prompts.

    The JSON, as MOVA gives it: ``{set: {8-digit id: {prompt, video_prompt, audio_prompt: [..], speech_prompt: {speaker, text}}}}``.
    A prompt's categories are its set, ``<set> with sound`` where sounds are described, and ``speech`` where words are to be spoken.
    """
    assert path is not None
    try:
        data = _from_folder(path) if path.is_dir() else json.loads(path.read_text(encoding="utf-8-sig"))
        return [_prompt(name, key, row) for name, rows in data.items() for key, row in rows.items()]
    except OSError as error:
        raise UsageError(f"The prompt file {path} cannot be read ({error.strerror}).") from error
    except (ValueError, AttributeError, KeyError, TypeError) as error:
        raise UsageError(f"{path} is no Verse-Bench prompt file of sets of ids with a 'prompt' ({error!r}).") from error


def _from_folder(folder: Path) -> dict[str, dict[str, Any]]:
    """The official layout; a picture beside an item is its first frame. Raises ``UsageError`` where no set holds an item."""
    found: dict[str, dict[str, Any]] = {}
    for name in SETS:
        for file in sorted((folder / name).glob("*.json")):
            key = file.name.partition(".")[0]
            row = json.loads(file.read_text(encoding="utf-8-sig"))
            image = file.with_name(f"{key}.jpg")
            found.setdefault(name, {})[key] = {**row, "image": image if image.is_file() else None}
    if not found:
        raise UsageError(f"{folder} holds none of set1, set2, set3 with <id>.json; pass the folder of dorni/Verse-Bench.")
    return found


def _prompt(name: str, key: str, row: dict[str, Any]) -> Prompt:
    speech = row.get("speech_prompt") or {}
    words = speech.get("text") or ""
    sounds = row.get("audio_prompt") or []
    listed = (sounds,) if isinstance(sounds, str) else tuple(map(str, sounds))
    return Prompt(
        id=key,
        text=str(row.get("prompt") or row["video_prompt"]),
        audio_text=" ".join(listed),
        audio_texts=listed,
        speech=(words,) if words else (),
        image=row.get("image"),
        categories=(name, *([f"{name} with sound"] if listed else []), *(["speech"] if words else [])),
    )


def name_clip(prompt: Prompt, index: int) -> Sequence[str]:
    """The id as it stands, with less zero padding, and with none: users' folders hold all three."""
    digits = prompt.id.lstrip("0") or "0"
    return tuple(dict.fromkeys(f"{digits.zfill(width)}.mp4" for width in (8, 5, 4, 3, 2, 1)))


COLUMNS = (
    ("MS", "motion_score@verse_bench"),
    ("AS", "aesthetic_score@verse_bench"),
    ("ID", "identity_consistency@verse_bench"),
    ("FD", "fd_clap@verse_bench"),
    ("KL", "kl_passt@verse_bench"),
    ("CS", "clap_score@verse_bench"),
    ("CE", "content_enjoyment@verse_bench"),
    ("CU", "content_usefulness@verse_bench"),
    ("PC", "production_complexity@verse_bench"),
    ("PQ", "production_quality@verse_bench"),
    ("WER", "word_error_rate@verse_bench"),
    ("LSE-C", "lse_c@verse_bench"),
    ("AV-A", "desync@verse_bench"),
    ("overall", "verse_bench_overall@official"),
)
FIXED = tuple(f"{metric.partition('@')[0]}@fixed" for _, metric in COLUMNS)
WITH_SOUND = ("set1 with sound", "set2 with sound")
ASKED_OF = {
    "desync": WITH_SOUND,
    "clap_score": WITH_SOUND,
    "fd_clap": ("set2 with sound",),
    "kl_passt": ("set2 with sound",),
    "lse_c": ("speech",),
    "content_enjoyment": ("set1", "set2"),
    "content_usefulness": ("set1", "set2"),
    "production_complexity": ("set1", "set2"),
    "production_quality": ("set1", "set2"),
}

BENCHMARK = Benchmark(
    title="Verse-Bench",
    version=3,
    source="UniVerse-1, arXiv 2509.06155; github.com/Dorniwang/Verse-Bench",
    read_prompts=read_prompts,
    metrics=(
        *(metric for _, metric in COLUMNS),
        *FIXED,
        "sidecar_match",
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
    ),
    name_clip=name_clip,
    sidecar_audio=True,
    scopes=tuple((f"{name}@{protocol}", sets) for name, sets in ASKED_OF.items() for protocol in ("verse_bench", "fixed")),
    columns=COLUMNS,
    notes="the folder of dorni/Verse-Bench or a JSON of set1, set2, set3; MOVA's protocol of the same prompts is verse_bench_mova. "
    "A 00000.wav beside the mp4 is the sound to judge, as in the official code, but for AV-A and LSE-C, which hear the mp4's own; "
    "sidecar_match tells how far the two agree. Each column's corrected metric is run beside it, asked of the same prompts",
)
