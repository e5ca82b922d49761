"""Which file answers which prompt: by id, never by position."""

from __future__ import annotations

import json
import os
import unicodedata
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from itertools import islice
from pathlib import Path
from typing import Any

from avbench.benchmark import Benchmark, check_limit
from avbench.clip import Clip, Prompt
from avbench.errors import UsageError, printable

SUFFIXES = (".mp4", ".mkv", ".webm", ".mov", ".avi", ".m4v", ".ts", ".m2ts", ".mts", ".mpg", ".mpeg", ".flv", ".wmv", ".ogv",
            ".3gp", ".3g2", ".gif")  # fmt: skip
SOUND_SUFFIXES = (".wav", ".flac")
BESIDE = (".wav", ".json", ".jsonl", ".csv", ".tsv", ".txt", ".md", ".yaml", ".yml", ".parquet", ".npz", ".srt", ".vtt", ".png",
          ".jpg", ".jpeg", ".webp")  # fmt: skip


@dataclass(frozen=True)
class Pairing:
    """Which clip answers which prompt.

    Args:
        clips: in the order of their prompts.
        missing: (id, kind, reason) of the other prompts.
        extra: (file, reason) of files that nobody asked for.
        limited: prompts whose clip is absent were dropped.
        prompts: what was asked, with or without a clip.
        whole: how many prompts there are without a limit.
    """

    clips: tuple[Clip, ...]
    missing: tuple[tuple[str, str, str], ...] = ()
    extra: tuple[tuple[str, str], ...] = field(default=())
    limited: bool = False
    prompts: tuple[Prompt, ...] = ()
    whole: int = 0


def pair(
    prompts: Sequence[Prompt], folder: Path, benchmark: Benchmark, only_present: bool = False, limit: int | None = None
) -> Pairing:
    """Find the clip of every prompt.

    Args:
        prompts: all of the benchmark; ignored where it is an open set.
        folder: clips by the benchmark's naming rule; or a ``.jsonl`` manifest, or a folder with ``manifest.jsonl``, whose
            lines give ``id``, ``path`` (relative to the manifest) and, for an open set, prompt fields.
        only_present: drop the prompts whose clip is absent and say so in the result. A clip that is there and cannot be
            told apart from another one stays missing.
        limit: ask for the first prompts alone; of an open set for its first clips by name, or lines of the manifest.

    Raises:
        UsageError: no such folder, nothing in it answers, a broken manifest, or a limit below 1.
    """
    check_limit(limit)
    manifest = manifest_of(folder)
    if manifest is not None:
        return _from_manifest(prompts, manifest, benchmark, only_present, limit)
    suffixes = (*SUFFIXES, *SOUND_SUFFIXES) if benchmark.sound_clips else SUFFIXES
    files, nested = _files(folder, suffixes)
    if not files:
        raise UsageError(f"{folder} holds no clip ({', '.join(SUFFIXES)}); check --clips, or make some: avbench generate --help")
    if benchmark.open_set:
        pairing = _open_set(files, benchmark, limit)
    else:
        pairing = _by_name(prompts, files, benchmark, only_present, limit)
        if not pairing.clips and not any(kind == "duplicate" for _, kind, _ in pairing.missing):
            expected = ", ".join(benchmark.name_clip(p, i)[0] for i, p in enumerate(prompts[:3]))
            raise UsageError(
                f"No file of {folder} answers a prompt of {benchmark.title}: expected names such as {expected}; found "
                f"{', '.join(sorted(f.name for f in files)[:3])}. Rename them or write a manifest.jsonl of id and path."
            )
    others = [(name, "its suffix is none of a clip's") for name in _others(folder, suffixes)]
    return replace(pairing, extra=(*pairing.extra, *((name, "in a subfolder, which is not searched") for name in nested), *others))


def manifest_of(folder: Path) -> Path | None:
    """The manifest that a folder of clips holds, or is; None where there is none."""
    manifest = folder if folder.suffix == ".jsonl" else folder / "manifest.jsonl"
    return manifest if manifest.is_file() else None


def manifest_prompts(manifest: Path) -> list[Prompt]:
    """What the lines of an open set's manifest ask; raises ``UsageError`` where it is broken."""
    return [_prompt(i, row, manifest) for i, row in _read_manifest(manifest).items()]


def pair_reference(prompts: Sequence[Prompt], folder: Path, benchmark: Benchmark) -> Pairing:
    """The reference clips of a folder: under the prompt's id where the benchmark's naming rule finds one, else under their own.

    A sound file counts where no video of its name is there. Raises ``UsageError`` for no folder, or one without clips.
    """
    found = _files(folder, (*SUFFIXES, *SOUND_SUFFIXES))[0]
    videos = {_key(path.stem) for path in found if path.suffix.lower() in SUFFIXES}
    files = [path for path in found if path.suffix.lower() in SUFFIXES or _key(path.stem) not in videos]
    if not files:
        raise UsageError(f"{folder} holds no reference clip ({', '.join((*SUFFIXES, *SOUND_SUFFIXES))}); check --reference.")
    by_name = _by_name(prompts, files, benchmark, only_present=True)
    asked = {clip.path for clip in by_name.clips}
    others = _open_set([path for path in files if path not in asked], benchmark)
    return Pairing((*by_name.clips, *others.clips), (*by_name.missing, *others.missing))


def _files(folder: Path, suffixes: tuple[str, ...] = SUFFIXES) -> tuple[list[Path], list[str]]:
    """Media files of a folder, and those in its subfolders (one level, by name)."""
    if not folder.is_dir():
        raise UsageError(f"{folder} is no folder; pass a folder of clips (or, as --clips, a manifest .jsonl).")
    files: list[Path] = []
    nested: list[str] = []
    try:
        for entry in sorted(os.scandir(folder), key=lambda e: e.name):
            if entry.name.startswith("."):
                continue
            if Path(entry.name).suffix.lower() in suffixes:
                files.append(Path(entry.path))  # a folder or a broken link of that name is a clip that cannot be read
            elif entry.is_dir(follow_symlinks=False) and os.access(entry.path, os.R_OK | os.X_OK):
                inside = sorted(os.listdir(entry.path))
                nested += [printable(f"{entry.name}/{name}") for name in inside if Path(name).suffix.lower() in suffixes]
    except OSError as error:
        raise UsageError(f"{folder} cannot be read ({error.strerror}); check its permissions.") from error
    return files, nested


def _others(folder: Path, suffixes: tuple[str, ...]) -> list[str]:
    """Files of a folder that are no clips, nor what commonly lies beside them."""
    names = sorted(path.name for path in folder.iterdir() if path.name[0] != "." and path.is_file())
    return [printable(name) for name in names if Path(name).suffix.lower() not in (*suffixes, *BESIDE)]


def _key(name: str) -> str:
    """Names that look alike are alike: é may be one code point or two; bytes that are no UTF-8 become escapes."""
    return printable(unicodedata.normalize("NFC", name))


def side_car(path: Path, benchmark: Benchmark) -> Path | None:
    """The sound file beside a clip, where the benchmark judges that and there is one."""
    beside = path.with_suffix(".wav")
    return beside if benchmark.sidecar_audio and beside.is_file() else None


def _by_name(
    prompts: Sequence[Prompt], files: Sequence[Path], benchmark: Benchmark, only_present: bool, limit: int | None = None
) -> Pairing:
    by_stem: dict[str, list[Path]] = {}
    for path in files:
        by_stem.setdefault(_key(path.stem), []).append(path)
    claims = {p.id: _claims(benchmark.name_clip(p, i), by_stem) for i, p in enumerate(prompts)}
    claimants: dict[Path, list[str]] = {}
    for i, paths in claims.items():
        for path in paths:
            claimants.setdefault(path, []).append(i)
    clips: list[Clip] = []
    missing: list[tuple[str, str, str]] = []
    for index, prompt in enumerate(prompts[:limit]):
        paths = claims[prompt.id]
        rivals = sorted({i for path in paths for i in claimants[path]} - {prompt.id})
        if len(paths) > 1:
            names = " and ".join(path.name for path in paths)
            missing.append((prompt.id, "duplicate", printable(f"{names} both answer this prompt; keep one.")))
        elif rivals:
            missing.append(
                (prompt.id, "duplicate", printable(f"{paths[0].name} also answers prompt {rivals[0]}; use a manifest.jsonl."))
            )
        elif paths:
            clips.append(Clip(paths[0], prompt, side_car(paths[0], benchmark)))
        elif not only_present:
            name = benchmark.name_clip(prompt, index)[0]
            missing.append((prompt.id, "missing", f"No file answers this prompt; expected {name}."))
    extra = tuple((printable(f.name), "answers no prompt") for f in files if f not in claimants)
    return Pairing(tuple(clips), tuple(missing), extra, only_present, tuple(prompts[:limit]), len(prompts))


def _claims(names: Sequence[str], by_stem: dict[str, list[Path]]) -> list[Path]:
    stems = dict.fromkeys(_key(Path(name).stem if Path(name).suffix in SUFFIXES else name) for name in names)
    return [path for stem in stems for path in by_stem.get(stem, [])]


def _open_set(files: Iterable[Path], benchmark: Benchmark, limit: int | None = None) -> Pairing:
    by_stem: dict[str, list[Path]] = {}
    for path in files:
        by_stem.setdefault(_key(path.stem), []).append(path)
    asked = dict(islice(by_stem.items(), limit))
    clips = [Clip(p[0], Prompt(stem), side_car(p[0], benchmark)) for stem, p in asked.items() if len(p) == 1]
    missing = [
        (stem, "duplicate", printable(f"{' and '.join(p.name for p in paths)} share one id; rename one."))
        for stem, paths in asked.items()
        if len(paths) > 1
    ]
    return Pairing(tuple(clips), tuple(missing), prompts=tuple(map(Prompt, asked)), whole=len(by_stem))


def _from_manifest(
    prompts: Sequence[Prompt], manifest: Path, benchmark: Benchmark, only_present: bool, limit: int | None
) -> Pairing:
    rows = _read_manifest(manifest)
    if benchmark.open_set:
        prompts = [_prompt(i, row, manifest) for i, row in rows.items()]
    known = {prompt.id for prompt in prompts}
    clips: list[Clip] = []
    missing: list[tuple[str, str, str]] = []
    for prompt in prompts[:limit]:
        row = rows.get(prompt.id)
        path = manifest.parent / row["path"] if row else None
        if path is not None and path.is_file():
            clips.append(Clip(path, prompt, side_car(path, benchmark)))
        elif path is not None:
            lack = "is no file" if path.exists() else "does not exist"
            missing.append((prompt.id, "missing", printable(f"The manifest names {path.name}, which {lack}.")))
        elif not only_present:
            missing.append((prompt.id, "missing", f"{manifest.name} has no line with this id."))
    if not clips:
        raise UsageError(f"{manifest} leads to no clip of {benchmark.title}; its ids must be the benchmark's and its paths exist.")
    extra = tuple((printable(row["path"]), f"its id {i!r} is no prompt") for i, row in rows.items() if i not in known)
    return Pairing(tuple(clips), tuple(missing), extra, only_present, tuple(prompts[:limit]), len(prompts))


def _read_manifest(path: Path) -> dict[str, dict[str, Any]]:
    rows: dict[str, dict[str, Any]] = {}
    lines: dict[str, int] = {}
    try:
        text = path.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise UsageError(f"The manifest {path} cannot be read ({error}).") from error
    for number, line in enumerate(text.split("\n"), 1):
        if not line.strip():
            continue
        try:
            row = json.loads(line)
            key = printable(str(row["id"]))
            _prompt(key, row, path)
            if not isinstance(row["path"], str):
                raise TypeError("path must be a string")
        except (ValueError, KeyError, TypeError) as error:
            raise UsageError(
                f"{path}, line {number}: expected JSON with id and path, and prompt fields of their kinds ({error})."
            ) from error
        if key in rows:
            raise UsageError(f"{path}: the id {key!r} stands in lines {lines[key]} and {number}; ids must be unique.")
        rows[key], lines[key] = row, number
    return rows


def _prompt(key: str, row: dict[str, Any], manifest: Path) -> Prompt:
    speech = row.get("speech", ())
    speaker = row.get("speaker")
    return Prompt(
        id=key,
        text=str(row.get("text", "")),
        audio_text=str(row.get("audio_text", "")),
        audio_texts=tuple(map(str, row.get("audio_texts", ()))),
        image=manifest.parent / row["image"] if row.get("image") else None,
        speech=(speech,) if isinstance(speech, str) else tuple(map(str, speech)),
        speaker=manifest.parent / speaker if speaker else None,
        categories=tuple(map(str, row.get("categories", ()))),
        events=tuple(float(t) for t in row.get("events", ())),
        cluster=str(row.get("cluster", "")),
    )
