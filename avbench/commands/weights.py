"""``avbench weights``: which checkpoints there are, which are here, and how the others get here."""

from __future__ import annotations

import argparse
import json
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

from avbench.errors import UsageError

if TYPE_CHECKING:
    from avbench.weights import Checkpoint

ACTIONS = ("list", "pull", "add", "verify", "export")
INCOMPLETE = 3


def add_options(sub: argparse.ArgumentParser) -> None:
    """Options of the command."""
    sub.add_argument(
        "action", choices=ACTIONS, help="list all; pull NAME...; add NAME FILE...; verify [NAME...]; export DIR [NAME...]"
    )
    sub.add_argument("words", nargs="*", metavar="ARG", help="names, files or a folder, as the action wants")
    sub.add_argument("--json", action="store_true", help="print JSON")


def execute(arguments: argparse.Namespace) -> int:
    """Run one action; 0, or 3 where ``verify`` finds a damaged file."""
    actions = {"list": _list, "pull": _pull, "add": _add, "verify": _verify, "export": _export}
    return actions[arguments.action](arguments.words, arguments.json)


def users() -> dict[str, list[str]]:
    """Checkpoint name -> the metrics (``name`` or ``name@protocol``) that need it."""
    from avbench import catalog

    found: dict[str, list[str]] = {}
    for name in catalog.entries("metric"):
        for protocol in catalog.protocols(name):
            full = name if protocol == "default" else f"{name}@{protocol}"
            for checkpoint in catalog.load("metric", full).checkpoints:
                found.setdefault(checkpoint, []).append(full)
    return found


def facts(names: list[str]) -> list[dict[str, Any]]:
    """Everything known of each checkpoint and its state on this machine."""
    from avbench import weights

    needed = users()
    rows: list[dict[str, Any]] = []
    for name in names or list(weights.checkpoints()):
        item, found = weights.checkpoint(name), weights.look(name)
        files = [{**asdict(f), "path": str(weights.path_of(item, f))} for f in item.files]
        rows.append({"name": name, "status": found.status, "what": item.what, "source": item.source, "licence": item.licence,
                     "package": item.package, "published": item.published, "pinned": item.pinned, "by_hand": _by_hand(item),
                     "files": files, "sha256_here": found.sha256, "problem": found.problem,
                     "metrics": needed.get(name, [])})  # fmt: skip
    return rows


def _by_hand(item: Checkpoint) -> bool:
    return not item.package and not all(file.url for file in item.files)


def _size(row: dict[str, Any]) -> str:
    """Of all files, where each one's is known."""
    sizes = [file["bytes"] for file in row["files"]]
    return "?" if None in sizes else f"{sum(sizes) / 1e6:.1f} MB"


def _list(words: list[str], as_json: bool) -> int:
    from avbench import weights

    rows = facts(words)
    if as_json:
        print(json.dumps(rows, ensure_ascii=False, indent=1))
        return 0
    for row in rows:
        from_where = "added by hand" if row["by_hand"] else "pinned" if row["pinned"] else "main, not pinned"
        print(f"{row['status']:<11} {row['name']:<27} {_size(row):>10}  {row['published'] or 'no digest':<25} {from_where:<17} "
              f"{row['licence']:<24} {', '.join(row['metrics']) or 'no metric'}")  # fmt: skip
    print(
        f"\nfolder: {weights.default_root()} ($AVBENCH_WEIGHTS); unverified: here, but no digest of the official file is published "
        "(or not of each of its files); verified by the first digits of a digest: it is no wrong file, but might be a forged one"
    )
    return 0


def _pull(words: list[str], as_json: bool) -> int:
    from avbench import weights
    from avbench.progress import ProgressLines

    if not words:
        raise UsageError("Which checkpoint? Name one or more, or 'all'; see: avbench weights list")
    names = [n for n, c in weights.checkpoints().items() if not c.package] if words == ["all"] else words
    for name in names:
        weights.checkpoint(name)  # a wrong name is known before the first download
    fetched = []
    with ProgressLines() as progress:
        for name in names:
            fetched += weights.pull(name, progress)
    if as_json:
        print(json.dumps([str(path) for path in fetched], indent=1))
    else:
        print("\n".join(map(str, fetched)) or "everything is here already")
    return 0


def _add(words: list[str], as_json: bool) -> int:
    from avbench import weights

    if len(words) < 2:
        raise UsageError("avbench weights add wants a name and one or more files.")
    added = [str(weights.add(words[0], Path(file))) for file in words[1:]]
    found = weights.state(words[0])
    if as_json:
        print(json.dumps({"files": added, "status": found.status, "sha256": found.sha256}))
    else:
        print("\n".join(added))
        print(f"{words[0]}: {found.status}{' (' + found.problem + ')' if found.problem else ''}")
        if found.status == "unverified":
            print("whether its tensors fit the network shows when a run loads it, before the first clip")
    return 0


def _verify(words: list[str], as_json: bool) -> int:
    rows = facts(words)
    present = [row for row in rows if row["status"] != "absent" or words]
    if as_json:
        print(json.dumps(present, ensure_ascii=False, indent=1))
    else:
        for row in present:
            print(f"{row['status']:<11}{row['name']:<28}{row['problem'] or row['sha256_here']}")
        print(f"{len(present)} of {len(rows)} checkpoints looked at")
    return INCOMPLETE if any(row["status"] in ("damaged", "absent") for row in present) else 0


def _export(words: list[str], as_json: bool) -> int:
    from avbench import weights

    if not words:
        raise UsageError("avbench weights export wants a folder, and names (default: everything that is here).")
    here = [n for n in weights.checkpoints() if weights.state(n).status in ("verified", "unverified")]
    written = weights.export(Path(words[0]), words[1:] or here)
    print(json.dumps([str(p) for p in written]) if as_json else f"{len(written)} files in {words[0]}; use it as AVBENCH_WEIGHTS")
    return 0
