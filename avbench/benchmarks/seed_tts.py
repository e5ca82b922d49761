"""Seed-TTS test sets: say a text in the voice of a reference recording."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from avbench.benchmark import Benchmark
from avbench.clip import Prompt
from avbench.errors import UsageError


def read_prompts(path: Path | None) -> list[Prompt]:
    """Read ``meta.lst``: ``utterance|reference text|reference wav|text`` per line, wav paths relative to the file."""
    assert path is not None
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise UsageError(f"The prompt file {path} cannot be read ({error}).") from error
    prompts = []
    for number, line in enumerate(lines, 1):
        if not line.strip():
            continue
        fields = line.split("|")
        if len(fields) < 4:
            raise UsageError(f"{path}, line {number}: expected utterance|reference text|reference wav|text.")
        prompts.append(Prompt(fields[0], fields[3], speech=(fields[3],), speaker=path.parent / fields[2], categories=("speech",)))
    return prompts


def name_clip(prompt: Prompt, index: int) -> Sequence[str]:
    """``<utterance>.mp4``."""
    return (f"{prompt.id}.mp4",)


BENCHMARK = Benchmark(
    title="Seed-TTS",
    version=1,
    source="Seed-TTS, arXiv 2406.02430; github.com/BytedanceSpeech/seed-tts-eval",
    read_prompts=read_prompts,
    metrics=("speaker_similarity", "voice_consistency", "dnsmos", "loudness", "silence", "clipping"),
    name_clip=name_clip,
    notes="meta.lst, with the reference recordings beside it",
)
