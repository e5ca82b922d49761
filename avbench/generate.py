"""Let a model answer a benchmark's prompts: one ``<prompt id>.mp4`` per prompt."""

from __future__ import annotations

import dataclasses
import math
import shlex
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from avbench import catalog
from avbench.benchmark import Benchmark, prompt_digest
from avbench.clip import Prompt, file_digest
from avbench.errors import AvbenchError, MediaError, UsageError
from avbench.feature import Frames, Waveform
from avbench.judge import check_device
from avbench.media import decode
from avbench.model import FolderModel, Model
from avbench.origin import note_origin, read_origins

Progress = Callable[[str, int, int], None]


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
    progress: Progress | None = None,
) -> tuple[int, int]:
    """Fill a folder with clips; existing ones are kept unless ``overwrite``, so a broken run goes on.

    A clip enters the folder when it is finished, under a line of ``avbench.origin`` that says what made it. Clips without such a
    line are somebody's own and are kept.

    Args:
        model: name of a model.
        program: for the model ``command``: its command line, see that model.
        timeout_seconds: for the model ``command``.

    Returns:
        number of clips made and kept.

    Raises:
        UsageError: an unknown name, device or timeout, a benchmark without prompts, a folder that cannot be written or holds clips
            that another model, seed, prompt or version of the benchmark led to.
        AvbenchError: the model left a prompt unanswered.
    """
    bench: Benchmark = catalog.load("benchmark", benchmark)
    if bench.open_set:
        raise UsageError(f"The benchmark {benchmark!r} has no prompts to answer; choose another --benchmark.")
    asked = bench.prompts(Path(prompts) if prompts else None, limit)
    plugin = _model(model, program, timeout_seconds)
    check_device(device)
    folder = Path(clips)
    maker = shlex.join(plugin.argv) if isinstance(plugin, FolderModel) else repr(plugin)
    origin = {"model": model, "parameters": maker, "role": plugin.role, "benchmark": f"{benchmark} v{bench.version}", "seed": seed}
    _refuse_mixture(folder, origin, asked, overwrite)
    todo = [p for p in asked if overwrite or not _place(folder, p).exists()]
    if todo:
        _answer(plugin, todo, origin, folder, device, progress)
    return len(todo), len(asked) - len(todo)


def _model(name: str, program: str | None, timeout_seconds: float) -> Model:
    if not (math.isfinite(timeout_seconds) and timeout_seconds > 0):
        raise UsageError(f"--timeout {timeout_seconds:g} makes no sense; give seconds above 0.")
    plugin: Model = catalog.load("model", name)
    if not isinstance(plugin, FolderModel):
        if program:
            raise UsageError(f"--program is for models that run one; {name!r} does not.")
        return plugin
    if not program:
        raise UsageError(f"The model {name!r} runs a program of yours; pass --program 'COMMAND {{prompts}} {{clips}}'.")
    try:
        return dataclasses.replace(plugin, argv=tuple(shlex.split(program)), timeout_seconds=timeout_seconds)
    except ValueError as error:
        raise UsageError(f"--program {program!r} is no command line ({error}).") from error


def _place(folder: Path, prompt: Prompt) -> Path:
    return folder / f"{prompt.id}.mp4"


def _refuse_mixture(folder: Path, origin: dict[str, Any], asked: Sequence[Prompt], overwrite: bool) -> None:
    """Raises ``UsageError`` where a clip that would stay comes from elsewhere."""
    wanted = {_place(folder, p).name: _facts(origin, p) for p in asked}
    known = read_origins(folder)
    foreign = []
    for name in sorted({name for name, _ in known} - (set(wanted) if overwrite else set())):
        path = folder / name
        found = known.get((name, file_digest(path))) if path.is_file() else None
        same = wanted.get(name, origin)
        differs = [key for key in same if found is not None and found.get(key) != same[key]]
        if found is not None and differs:
            words = [f"{key} {found.get(key)!r}" if key != "prompt" else "another prompt of that id" for key in differs]
            foreign.append(f"{name}: {', '.join(words)}")
    if foreign:
        raise UsageError(
            f"{folder} holds {len(foreign)} clips of another origin ({'; '.join(foreign[:3])}); choose another --clips, or pass "
            "--overwrite for all its prompts."
        )


def _facts(origin: dict[str, Any], prompt: Prompt) -> dict[str, Any]:
    return {**origin, "prompt": prompt_digest([prompt])}


def _answer(
    model: Model, prompts: Sequence[Prompt], origin: dict[str, Any], folder: Path, device: str, progress: Progress | None
) -> None:
    """Clips are made in a folder of their own beside their place, so that a torn one is never taken for an answer."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        scratch = tempfile.TemporaryDirectory(prefix=".avbench-", dir=folder)
    except OSError as error:
        raise UsageError(f"The folder {folder} cannot be written ({error.strerror}); choose another --clips.") from error
    with scratch as name:
        made = Path(name)
        if isinstance(model, FolderModel):
            try:
                model.generate_all(prompts, origin["seed"], made)
            except BaseException:
                _enter(made, folder, [p for p in prompts if _whole(_place(made, p))], origin)
                raise
            _enter(made, folder, prompts, origin)
            return
        function = model.load(device)
        for done, prompt in enumerate(prompts, 1):
            function(prompt, origin["seed"], _place(made, prompt))
            _enter(made, folder, [prompt], origin)
            if progress:
                progress("clips", done, len(prompts))


def _enter(made: Path, folder: Path, prompts: Sequence[Prompt], origin: dict[str, Any]) -> None:
    """Move finished clips to their place, each after its line: wherever a crash falls, no clip stands under another's line."""
    for prompt in prompts:
        clip, target = _place(made, prompt), _place(folder, prompt)
        if not clip.is_file():
            raise AvbenchError(f"The model {origin['model']} left the prompt {prompt.id!r} without {clip.name}.")
        try:
            note_origin(folder, target.name, file_digest(clip), _facts(origin, prompt))
            clip.replace(target)
        except OSError as error:
            raise UsageError(f"{target} cannot be written ({error.strerror}); choose another --clips.") from error


def _whole(path: Path) -> bool:
    """Whether a program that failed had finished this clip."""
    try:
        media = decode(path, (Frames(height=16), Waveform()))
    except MediaError:
        return False
    return media.no_picture is None and (media.no_sound is None or media.no_sound.kind == "no_audio")
