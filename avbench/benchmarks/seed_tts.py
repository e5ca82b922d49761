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
        lines = path.read_text(encoding="utf-8-sig").split("\n")
    except (OSError, UnicodeDecodeError) as error:
        raise UsageError(f"The prompt file {path} cannot be read ({error}).") from error
    prompts = []
    for number, line in enumerate(lines, 1):
        if not line.strip():
            continue
        fields = line.split("|")
        if len(fields) < 4:
            raise UsageError(f"{path}, line {number}: expected utterance|reference text|reference wav|text.")
        language = "zh" if any("\u4e00" <= letter <= "\u9fff" for letter in fields[3]) else "en"
        name = fields[0].removesuffix(".wav")
        tags = ("speech", language)
        prompts.append(Prompt(name, fields[3], speech=(fields[3],), speaker=path.parent / fields[2], categories=tags))
    return prompts


def name_clip(prompt: Prompt, index: int) -> Sequence[str]:
    """``<utterance>.mp4``, or ``<utterance>.wav``."""
    return (f"{prompt.id}.mp4",)


COLUMNS = (
    ("WER en", "word_error_rate@seed_tts_en"),
    ("WER zh", "word_error_rate@seed_tts_zh"),
    ("SIM", "speaker_similarity_wavlm@seed_tts"),
)

BENCHMARK = Benchmark(
    title="Seed-TTS",
    version=2,
    source="Seed-TTS, arXiv 2406.02430; github.com/BytedanceSpeech/seed-tts-eval",
    read_prompts=read_prompts,
    metrics=(
        *(metric for _, metric in COLUMNS),
        "word_error_rate",
        "speaker_similarity",
        "voice_consistency",
        "dnsmos",
        "loudness",
        "silence",
        "clipping",
    ),
    name_clip=name_clip,
    sound_clips=True,
    scopes=(("word_error_rate@seed_tts_en", ("en",)), ("word_error_rate@seed_tts_zh", ("zh",))),
    columns=COLUMNS,
    notes="meta.lst, with the reference recordings beside it; clips may be <utterance>.wav. Papers print WER and SIM times 100",
)
