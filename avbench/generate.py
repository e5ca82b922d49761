"""Let a model answer a benchmark's prompts: one ``<prompt id>.mp4`` per prompt."""

from __future__ import annotations

import dataclasses
import json
import shlex
from collections.abc import Callable
from pathlib import Path
from typing import Any

from avbench import catalog
from avbench.benchmark import Benchmark
from avbench.clip import Prompt
from avbench.errors import UsageError
from avbench.model import FolderModel, Model
from avbench.pairing import ORIGIN, origin_of


def generate(
    model: str,
    clips: str | Path,
    benchmark: str = "toybox",
    *,
    prompts: str | Path | None = None,
    limit: int | None = None,
    seed: int = 0,
    overwrite: bool = False,
    device: str = "cpu",
    program: str | None = None,
    timeout_seconds: float = 600.0,
    progress: Callable[[str, int, int], None] | None = None,
) -> tuple[int, int]:
    """Fill a folder with clips; existing ones are kept unless ``overwrite``, so a broken run goes on.

    Args:
        model: name of a model.
        program: for the model ``command``: its command line, see that model.
        timeout_seconds: for the model ``command``.

    Returns:
        number of clips made and kept.

    Raises:
        UsageError: an unknown name, a benchmark without prompts, a folder that cannot be made or holds clips of another model,
            seed or version of the benchmark.
    """
    bench: Benchmark = catalog.load("benchmark", benchmark)
    if bench.open_set:
        raise UsageError(f"The benchmark {benchmark!r} has no prompts to answer; choose another --benchmark.")
    asked = bench.prompts(Path(prompts) if prompts else None, limit)
    plugin: Model = catalog.load("model", model)
    if isinstance(plugin, FolderModel):
        if not program:
            raise UsageError(f"The model {model!r} runs a program of yours; pass --program 'COMMAND {{prompts}} {{clips}}'.")
        plugin = dataclasses.replace(plugin, argv=tuple(shlex.split(program)), timeout_seconds=timeout_seconds)
    elif program:
        raise UsageError(f"--program is for models that run one; {model!r} does not.")
    folder = Path(clips)
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise UsageError(f"The folder {folder} cannot be made ({error.strerror}); choose another --clips.") from error
    maker = shlex.join(plugin.argv) if isinstance(plugin, FolderModel) else repr(plugin)
    origin = {"model": model, "parameters": maker, "role": plugin.role, "benchmark": f"{benchmark} v{bench.version}", "seed": seed}
    _claim(folder, origin, {p.id for p in asked if overwrite})
    todo = [p for p in asked if overwrite or not (folder / f"{p.id}.mp4").exists()]
    if todo:
        _answer(plugin, todo, seed, folder, device, progress)
    return len(todo), len(asked) - len(todo)


def _claim(folder: Path, origin: dict[str, Any], made_again: set[str]) -> None:
    """Say beside the clips where they come from; raises ``UsageError`` where one that would be kept comes from elsewhere."""
    before = origin_of(folder) or origin
    if before != origin and any(clip.stem not in made_again for clip in folder.glob("*.mp4")):
        differs = ", ".join(f"{key} {before.get(key)!r}" for key in origin if origin[key] != before.get(key))
        raise UsageError(
            f"{folder} holds clips of another origin ({differs}); choose another --clips, or pass --overwrite for all its prompts."
        )
    try:
        (folder / ORIGIN).write_text(json.dumps(origin) + "\n", encoding="utf-8")
    except OSError as error:
        raise UsageError(f"{folder / ORIGIN} cannot be written ({error.strerror}); choose another --clips.") from error


def _answer(
    model: Model, prompts: list[Prompt], seed: int, folder: Path, device: str, progress: Callable[[str, int, int], None] | None
) -> None:
    if isinstance(model, FolderModel):
        model.generate_all(prompts, seed, folder)
        return
    function = model.load(device)
    for done, prompt in enumerate(prompts):
        function(prompt, seed, folder / f"{prompt.id}.mp4")
        if progress:
            progress("clips", done + 1, len(prompts))
