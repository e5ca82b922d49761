"""JavisBench: 10,140 prompts (mini: 1,000); row i of its CSV is answered by sample_{i:04d}.mp4."""

from __future__ import annotations

import csv
from collections.abc import Sequence
from pathlib import Path

from avbench.benchmark import Benchmark
from avbench.clip import Prompt
from avbench.errors import UsageError


def read_prompts(path: Path | None) -> list[Prompt]:
    """Read the CSV with columns text, audio_text and cat0_ind..cat4_ind; a prompt's id is ``sample_{row:04d}``, from 0.

    As in the official code, ``text`` stands for the sound where there is no column ``audio_text``; so it does for a blank cell.
    """
    assert path is not None
    try:
        with path.open(encoding="utf-8-sig", newline="") as stream:
            reader = csv.DictReader(stream)
            if "text" not in (reader.fieldnames or ()):
                raise UsageError(f"{path} is no JavisBench CSV: it has no column text.")
            return [_prompt(index, row) for index, row in enumerate(reader)]
    except OSError as error:
        raise UsageError(f"The prompt file {path} cannot be read ({error.strerror}).") from error
    except (UnicodeDecodeError, csv.Error) as error:
        raise UsageError(f"{path} is no JavisBench CSV ({error}).") from error


def _prompt(index: int, row: dict[str, str]) -> Prompt:
    categories = tuple(f"cat{k}={row[f'cat{k}_ind']}" for k in range(5) if row.get(f"cat{k}_ind"))
    text, sound = row["text"] or "", row.get("audio_text") or ""
    return Prompt(f"sample_{index:04d}", text, sound if sound.strip() else text, categories=categories)


def name_clip(prompt: Prompt, index: int) -> Sequence[str]:
    """``sample_0000.mp4``."""
    return (f"{prompt.id}.mp4",)


COLUMNS = (
    ("FVD", "fvd@javisbench"),
    ("KVD", "kvd@javisbench"),
    ("FAD", "fad@javisbench"),
    ("VQ", "visual_quality@javisbench"),
    ("MQ", "motion_quality@javisbench"),
    ("AQ", "audio_quality@javisbench"),
    ("TV-IB", "ib_text_video@javisbench"),
    ("TA-IB", "ib_text_audio@javisbench"),
    ("CLIP", "clip_score@javisbench"),
    ("CLAP", "clap_score@javisbench"),
    ("AV-IB", "ib_audio_video@javisbench"),
    ("AVHScore", "avh_score@javisbench"),
    ("JavisScore", "javis_score@javisbench"),
    ("DeSync", "desync@javisbench"),
    ("AV-Align", "av_align@official"),
)

FIXED = tuple(
    f"{name}@{'videoalign' if name in ('visual_quality', 'motion_quality') else 'fixed'}"
    for name in (metric.partition("@")[0] for _, metric in COLUMNS)
)

BENCHMARK = Benchmark(
    title="JavisBench",
    version=4,
    source="JavisDiT, arXiv 2503.23377; github.com/JavisVerse/JavisDiT",
    read_prompts=read_prompts,
    metrics=(
        *(metric for _, metric in COLUMNS),
        *FIXED,
        "sidecar_match",
        "av_offset",
        "loudness",
        "silence",
        "clipping",
        "temporal_flickering",
        "frozen",
        "motion",
        "sharpness",
        "fad_mel",
    ),
    name_clip=name_clip,
    sidecar_audio=True,
    columns=COLUMNS,
    notes="JavisBench.csv or JavisBench-mini.csv; the row's number is the clip's, so the file's order must not be changed. A "
    "sample_0000.wav beside the mp4 is the sound to judge, as in the official code. Each column's corrected metric is run beside "
    "it. CAVP is left out, as later papers do",
)
