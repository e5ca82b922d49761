"""Reference sets as files: features of real clips without the clips, so that laboratories can share statistics without media.

A file is an ``.npz`` with a JSON header (digest of the clips, ids, identity of every feature) and, per feature, the clips' arrays
one after the other.
"""

from __future__ import annotations

import hashlib
import json
import os
import secrets
import zipfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from avbench.errors import NotComparable, Unscorable, UsageError
from avbench.feature import Array, Feature
from avbench.judge import Outcome

FORMAT = "avbench reference 1"


@dataclass(frozen=True)
class Header:
    """What a file holds: clip ids and digests in order, the set's digest, feature identities, the tools that made it."""

    ids: tuple[str, ...]
    digests: tuple[str, ...]
    digest: str
    features: tuple[str, ...]
    made_with: Mapping[str, str]


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
    if path.suffix != ".npz":
        raise UsageError(f"A reference file ends in .npz; {path.name} does not.")
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
    text = json.dumps({"format": FORMAT, **vars(header)})
    partial = path.with_name(f".{path.name}.{os.getpid()}.{secrets.token_hex(4)}.npz")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        np.savez_compressed(partial, header=np.asarray(text), **arrays)  # type: ignore[arg-type]
        partial.replace(path)
    except OSError as error:
        raise UsageError(f"The reference cannot be written to {path} ({error.strerror}); choose another --out.") from error
    return header


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
    kept: list[dict[Feature, Array | Exception]] = [{} for _ in found.ids]
    for feature in features:
        if feature.identity() not in found.features:
            made = "\n  ".join(found.features)
            raise NotComparable(
                f"{path} holds no {feature.identity()}; export it again with the same metrics and checkpoints. It holds:\n  {made}"
            )
        k = found.features.index(feature.identity())
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
        if facts.pop("format") != FORMAT:
            raise KeyError("format")
        lists = {key: tuple(facts[key]) for key in ("ids", "digests", "features")}
        return Header(**lists, digest=facts["digest"], made_with=facts["made_with"]), arrays
    except OSError as error:
        raise UsageError(f"The reference {path} cannot be read ({error.strerror or error}).") from error
    except (ValueError, KeyError, TypeError, EOFError, zipfile.BadZipFile) as error:
        raise UsageError(f"{path} is no reference file ({error}); make one with: avbench reference export") from error
