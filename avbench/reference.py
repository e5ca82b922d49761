"""Reference sets as files: features of real clips without the clips, so that laboratories can share statistics without media.

A file is an ``.npz`` with a JSON header (digest of the clips, ids, identity of every feature, digest of all numbers) and, per
feature, the clips' arrays one after the other. A file that was damaged or edited is refused; one that was forged whole is not told.
"""

from __future__ import annotations

import hashlib
import json
import os
import secrets
import zipfile
import zlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from avbench.errors import NotComparable, Unscorable, UsageError
from avbench.feature import Array, Feature, Frames, Waveform
from avbench.judge import Outcome
from avbench.tensors import read_tensors

FORMAT = "avbench reference 2"


@dataclass(frozen=True)
class Header:
    """What a file holds: clip ids and digests in order, the set's digest, feature identities, the tools that made it.

    ``origin`` says in words whose features were imported, "" where avbench computed them. Of imported ones neither the clips nor
    the weights are known: ``digests`` are of the file's rows then, ``features`` are computations without weights.
    """

    ids: tuple[str, ...]
    digests: tuple[str, ...]
    digest: str
    features: tuple[str, ...]
    made_with: Mapping[str, str]
    origin: str = ""


def set_digest(digests: Sequence[str]) -> str:
    """sha256 over the clips' digests, whatever their names and order."""
    return hashlib.sha256("\n".join(sorted(digests)).encode()).hexdigest()


def write(path: Path, outcomes: Sequence[Outcome], features: Sequence[Feature], made_with: Mapping[str, str]) -> Header:
    """Save what an extraction kept.

    Args:
        path: ends in ``.npz``.
        outcomes: one per reference clip; a clip without a feature (too short, no sound) is left out of that feature alone.
        features: those to save.
        made_with: names and versions, for people.

    Raises:
        UsageError: another suffix, or the file cannot be written.
    """
    _npz(path)
    arrays: dict[str, Array] = {}
    for k, feature in enumerate(features):
        rows = [(i, np.asarray(o.kept[feature])) for i, o in enumerate(outcomes) if not isinstance(o.kept[feature], Exception)]
        if not rows:
            reason = next(iter(outcomes)).kept[feature]
            raise UsageError(f"No reference clip has the feature {feature!r}: {reason}")
        arrays[f"{k}.clips"] = np.asarray([i for i, _ in rows])
        arrays[f"{k}.lengths"] = np.asarray([len(values) for _, values in rows])
        arrays[f"{k}.values"] = np.concatenate([values for _, values in rows])
    digests = [o.digest for o in outcomes]
    header = Header(tuple(o.clip for o in outcomes), tuple(digests), set_digest(digests),
                    tuple(f.identity() for f in features), dict(made_with))  # fmt: skip
    return _save(path, header, arrays)


def import_features(path: Path, source: Path, features: Sequence[Feature]) -> Header:
    """Make a reference file of features that others computed, one vector per clip, in their order.

    Args:
        path: ends in ``.npz``.
        source: a file of ``torch.save`` or ``.safetensors``: tensors or arrays (clips, width) named ``video`` (for features that
            read the picture) and ``audio`` (for those that read the sound), as JavisBench publishes them. No code in it is run.
        features: those that they stand for.

    Raises:
        UsageError: the file lacks what a feature needs, its arrays are of another width or length, or hold no finite numbers.
        AvbenchError: it cannot be read.
    """
    import torch

    _npz(path)
    held = read_tensors(source)
    arrays: dict[str, Array] = {}
    for k, feature in enumerate(features):
        kind = _kind(feature)
        if kind not in held:
            names = ", ".join(map(str, held)) or "nothing"
            raise UsageError(f"{source} holds no {kind!r}, which {feature!r} needs; it holds {names}.")
        values = torch.as_tensor(held[kind]).to(torch.float32).numpy()
        if values.ndim != 2 or values.shape[1] != feature.width or not len(values) or not np.isfinite(values).all():
            shape = list(values.shape)
            raise UsageError(f"{source}: {kind!r} has the shape {shape}, not (clips, {feature.width}) of finite numbers.")
        arrays |= {f"{k}.clips": np.arange(len(values)), f"{k}.lengths": np.ones(len(values), np.int64), f"{k}.values": values}
    counts = {len(arrays[f"{k}.values"]) for k in range(len(features))}
    if len(counts) > 1:
        raise UsageError(f"{source}: its arrays speak of different numbers of clips: {', '.join(map(str, sorted(counts)))}.")
    (count,) = counts
    sha256 = hashlib.sha256(source.read_bytes()).hexdigest()
    digests = tuple(hashlib.sha256(f"{sha256} row {i}".encode()).hexdigest() for i in range(count))
    origin = f"imported from {source.name} (sha256 {sha256}): neither its clips nor the weights behind it are known"
    computations = tuple(feature.computation() for feature in features)
    ids = tuple(f"row {i}" for i in range(count))
    return _save(path, Header(ids, digests, set_digest(digests), computations, {}, origin), arrays)


def _kind(feature: Feature) -> str:
    """The name under which others keep such a feature; raises ``UsageError`` where none is known."""
    for kind, read in (("video", Frames), ("audio", Waveform)):
        if feature.width is not None and all(isinstance(r, read) for r in feature.reads):
            return kind
    raise UsageError(f"Nobody is known to publish {feature!r}; import what metrics such as fvd@javisbench or fad@javisbench use.")


def _npz(path: Path) -> None:
    if path.suffix != ".npz":
        raise UsageError(f"A reference file ends in .npz; {path.name} does not.")


def _save(path: Path, header: Header, arrays: Mapping[str, Array]) -> Header:
    text = json.dumps({"format": FORMAT, **vars(header), "content": _content(header, arrays)})
    partial = path.with_name(f".{path.name}.{os.getpid()}.{secrets.token_hex(4)}.npz")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        np.savez_compressed(partial, header=np.asarray(text), **arrays)  # type: ignore[arg-type]
        partial.replace(path)
    except OSError as error:
        raise UsageError(f"The reference cannot be written to {path} ({error.strerror}); choose another --out.") from error
    return header


def _content(header: Header, arrays: Mapping[str, Array]) -> str:
    """sha256 over everything in a file."""
    digest = hashlib.sha256(json.dumps(vars(header), sort_keys=True).encode())
    for name, array in sorted(arrays.items()):
        digest.update(f"{name} {array.dtype.str} {array.shape}".encode())
        digest.update(np.ascontiguousarray(array).tobytes())
    return digest.hexdigest()


def header(path: Path) -> Header:
    """What a reference file holds; raises ``UsageError`` where it is none."""
    return _open(path)[0]


def read(path: Path, features: Sequence[Feature]) -> tuple[list[Outcome], str]:
    """The clips' features, and the set's digest.

    Raises:
        UsageError: no such file, or no reference file.
        NotComparable: it was made with another protocol, version or checkpoint of a feature.
    """
    found, arrays = _open(path)
    wanted = {feature: feature.computation() if found.origin else feature.identity() for feature in features}
    kept: list[dict[Feature, Array | Exception]] = [{} for _ in found.ids]
    for feature in features:
        if wanted[feature] not in found.features:
            made = "\n  ".join(found.features)
            raise NotComparable(
                f"{path} holds no {wanted[feature]}; export it again with the same metrics and checkpoints. It holds:\n  {made}"
            )
        k = found.features.index(wanted[feature])
        parts = np.split(arrays[f"{k}.values"], np.cumsum(arrays[f"{k}.lengths"])[:-1])
        for row in kept:
            row[feature] = Unscorable("The reference file holds no feature of this clip.", "missing")
        for i, values in zip(arrays[f"{k}.clips"], parts, strict=True):
            kept[int(i)][feature] = values
    outcomes = [Outcome(i, digest, {}, row) for i, digest, row in zip(found.ids, found.digests, kept, strict=True)]
    return outcomes, found.digest


def _open(path: Path) -> tuple[Header, dict[str, Array]]:
    try:
        with np.load(path, allow_pickle=False) as data:
            arrays = {name: data[name] for name in data.files}
        facts: dict[str, Any] = json.loads(str(arrays.pop("header")))
        written = facts.pop("format")
        content = facts.pop("content", "")
        lists = {key: tuple(facts[key]) for key in ("ids", "digests", "features")}
        found = Header(**lists, digest=facts["digest"], made_with=facts["made_with"], origin=facts.get("origin", ""))
    except OSError as error:
        raise UsageError(f"The reference {path} cannot be read ({error.strerror or error}).") from error
    except (ValueError, KeyError, TypeError, AttributeError, EOFError, zipfile.BadZipFile, zlib.error) as error:
        raise UsageError(f"{path} is no reference file ({error}); make one with: avbench reference export") from error
    if written != FORMAT:
        raise UsageError(f"{path} was written by another avbench ({written!r}, this one reads {FORMAT!r}); export it again.")
    wrong = _damage(found, arrays) or ("its content is not what its header says" if _content(found, arrays) != content else "")
    if wrong:
        raise UsageError(f"The reference {path} is damaged: {wrong}; export it again, or get another copy.")
    return found, arrays


def _damage(header: Header, arrays: Mapping[str, Array]) -> str:
    """What cannot be in a file that was written whole; "" where nothing is found."""
    count = len(header.ids)
    if len(header.digests) != count or len(set(header.ids)) != count:
        return f"{count} ids (each once) and {len(header.digests)} digests are no pairs"
    parts = {f"{k}.{part}" for k in range(len(header.features)) for part in ("clips", "lengths", "values")}
    if set(arrays) != parts:
        return f"it lacks or has too much: {', '.join(sorted(set(arrays) ^ parts)[:3])}"
    for k in range(len(header.features)):
        clips, lengths, values = (arrays[f"{k}.{part}"] for part in ("clips", "lengths", "values"))
        if any(array.ndim != 1 or array.dtype.kind not in "iu" for array in (clips, lengths)) or len(clips) != len(lengths):
            return f"{k}.clips and {k}.lengths are no two lists of whole numbers"
        if not len(clips) or clips.min() < 0 or clips.max() >= count or len(set(clips.tolist())) != len(clips):
            return f"{k}.clips names other clips than the {count} there are"
        if not values.ndim or values.dtype.kind not in "fiub" or lengths.min() < 0 or lengths.sum() != len(values):
            return f"{k}.lengths do not add up to the rows of {k}.values"
    return ""
