"""What a benchmark is: prompts, metrics, the naming of clips and the official table; pure data."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path

from avbench.clip import Prompt
from avbench.errors import UsageError

ReadPrompts = Callable[[Path | None], Sequence[Prompt]]
NameClip = Callable[[Prompt, int], Sequence[str]]


def name_by_id(prompt: Prompt, index: int) -> Sequence[str]:
    """The default naming rule: ``<prompt id>.mp4``."""
    return (f"{prompt.id}.mp4",)


@dataclass(frozen=True)
class Benchmark:
    """Prompts, metrics and conventions of one benchmark.

    Args:
        title: its name in tables.
        version: rises when the same clips would get another row.
        source: paper or repository.
        read_prompts: from the user's ``--prompts FILE`` (None where the benchmark carries its own) to prompts.
        metrics: the columns of its table in order, by name.
        name_clip: every file name that may answer a prompt, most usual first (``index`` is its 0-based row).
        prompts_needed: whether ``--prompts`` must be given.
        open_set: the prompts come from the folder itself (the ``folder`` benchmark).
        sidecar_audio: a ``.wav`` beside the mp4 is the audio to judge.
        sound_clips: a clip may be a sound file without picture.
        scopes: metrics (``name@protocol``) that the benchmark asks of some categories of prompts alone, and of which.
        columns: the official table: the paper's column heads in order, each with the metric (``name@protocol``) behind it.
        notes: what a newcomer must know.
    """

    title: str
    version: int
    source: str
    read_prompts: ReadPrompts
    metrics: tuple[str, ...]
    name_clip: NameClip = name_by_id
    prompts_needed: bool = True
    open_set: bool = False
    sidecar_audio: bool = False
    sound_clips: bool = False
    scopes: tuple[tuple[str, tuple[str, ...]], ...] = ()
    notes: str = ""
    columns: tuple[tuple[str, str], ...] = field(default=())

    def out_of_scope(self, metric: str, prompt: Prompt) -> str:
        """Why the benchmark does not ask this metric of a prompt; "" where it does."""
        scope = dict(self.scopes).get(metric)
        if scope is None or set(scope) & set(prompt.categories):
            return ""
        return f"{self.title} asks {metric} of {', '.join(scope)} alone."

    def prompts(self, path: Path | None, limit: int | None = None) -> list[Prompt]:
        """Read the first ``limit`` prompts (None: all).

        Raises:
            UsageError: a file is needed and absent, an id occurs twice or can name no file, or the limit is below 1.
        """
        check_limit(limit)
        if self.prompts_needed and path is None:
            raise UsageError(f"{self.title} has no bundled prompts; pass --prompts FILE ({self.notes or self.source}).")
        prompts = list(self.read_prompts(path))
        seen: set[str] = set()
        for prompt in prompts:
            if prompt.id in seen:
                raise UsageError(f"The prompt id {prompt.id!r} occurs twice in {path or self.title}; ids must be unique.")
            if not prompt.id or prompt.id.startswith(".") or set(prompt.id) & {"/", "\0"}:
                raise UsageError(f"The prompt id {prompt.id!r} of {path or self.title} can name no clip; change it.")
            seen.add(prompt.id)
        return prompts[:limit]


def check_limit(limit: int | None) -> None:
    """Raises ``UsageError`` for a limit below 1."""
    if limit is not None and limit < 1:
        raise UsageError(f"--limit {limit} asks for no prompt; give 1 or more.")


def prompt_digest(prompts: Sequence[Prompt]) -> str:
    """sha256 over every field of every prompt, in order of id: equal digests mean equal questions."""
    rows = sorted((asdict(p) for p in prompts), key=lambda row: str(row["id"]))
    for row in rows:
        for name in ("speaker", "image"):  # paths of this machine; their bytes enter through the feature's key
            row.pop(name, None)
    return hashlib.sha256(json.dumps(rows, sort_keys=True, ensure_ascii=False).encode("utf-8", "backslashreplace")).hexdigest()
