"""What ``avbench generate`` notes of the clips it makes, so that clips of two origins are never taken for one.

Beside the clips stands one line of JSON per clip: its name and sha256, the model with parameters and role, the benchmark, the seed
and the prompt's digest. The line is written before the clip takes its place, and holds for those bytes alone.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

ORIGIN = ".avbench-origin.jsonl"
MAKER = ("model", "parameters", "role", "benchmark", "seed")


def note_origin(folder: Path, name: str, sha256: str, facts: Mapping[str, Any]) -> None:
    """Add the line of a clip; raises ``OSError``."""
    with (folder / ORIGIN).open("a", encoding="utf-8") as stream:
        stream.write(json.dumps({"clip": name, "sha256": sha256, **facts}) + "\n")


def read_origins(folder: Path) -> dict[tuple[str, str], dict[str, Any]]:
    """(name, sha256) -> facts of every clip that has a legible line; the last one counts."""
    try:
        lines = (folder / ORIGIN).read_text(encoding="utf-8").split("\n")
    except (OSError, UnicodeDecodeError):
        return {}
    found: dict[tuple[str, str], dict[str, Any]] = {}
    for line in lines:
        try:
            facts = json.loads(line)
            found[str(facts.pop("clip")), str(facts.pop("sha256"))] = facts
        except (ValueError, KeyError, TypeError, AttributeError):
            continue  # cut off by a crash; its clip counts as somebody's own
    return found


def origin_of(clips: Mapping[Path, str]) -> dict[str, Any]:
    """What made these clips (path to sha256): model, parameters, role, benchmark, seed; empty unless one origin made them all."""
    known = {folder: read_origins(folder) for folder in {path.parent for path in clips}}
    made_by: dict[str, Any] | None = None
    for path, sha256 in clips.items():
        facts = known[path.parent].get((path.name, sha256), {})
        maker = {key: facts[key] for key in MAKER if key in facts}
        if not maker or (made_by is not None and maker != made_by):
            return {}
        made_by = maker
    return made_by or {}
