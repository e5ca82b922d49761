"""What can run on this machine, and which clip answers which prompt."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

from avbench import catalog
from avbench.benchmark import Benchmark
from avbench.pairing import pair
from avbench.runner import provenance
from avbench.store import Store, default_root


def machine() -> dict[str, Any]:
    """Versions, cores, store and, for every metric, whether it can run and why not."""
    entries, size = Store(default_root()).size()
    reasons: dict[str, str] = {}
    for name in catalog.entries("metric"):
        missing = catalog.unavailable(catalog.load("metric", name))
        reasons[name] = "" if missing is None else str(missing)
    return {
        **{key: value for key, value in provenance().items() if key != "time"},
        "cores": os.cpu_count(),
        "store": {"path": str(default_root()), "entries": entries, "bytes": size},
        "metrics": reasons,
    }


def machine_text(facts: dict[str, Any]) -> str:
    """``machine`` for people."""
    versions = ", ".join(f"{name} {number}" for name, number in facts["versions"].items())
    store = facts["store"]
    lines = [
        f"python    {facts['python']} on {facts['platform']}, {facts['cores']} cores",
        f"packages  {versions}",
        f"store     {store['path']}: {store['entries']} entries, {store['bytes'] / 1e6:.1f} MB",
        "metrics",
        *(f"  {name:<22}{why if why else 'runs here'}" for name, why in facts["metrics"].items()),
    ]
    return "\n".join(lines) + "\n"


def clips(folder: str, benchmark: str, prompts: str | None, limit: int | None) -> tuple[list[dict[str, str]], bool]:
    """One row per prompt and per file that nobody asked for: status, prompt, file, why; and whether all prompts matched."""
    bench: Benchmark = catalog.load("benchmark", benchmark)
    asked = bench.prompts(Path(prompts) if prompts else None, limit)
    pairing = pair(asked, Path(folder), bench)
    rows = [{"status": "matched", "prompt": c.id, "file": c.path.name, "why": _why(c.audio_path)} for c in pairing.clips]
    rows += [{"status": kind, "prompt": i, "file": "", "why": why} for i, kind, why in pairing.missing]
    rows += [{"status": "extra", "prompt": "", "file": name, "why": why} for name, why in pairing.extra]
    return rows, not pairing.missing


def _why(audio: Path | None) -> str:
    return f"sound from {audio.name}" if audio else ""


def clips_text(rows: list[dict[str, str]]) -> str:
    """``clips`` for people."""
    counts: dict[str, int] = {}
    for row in rows:
        counts[row["status"]] = counts.get(row["status"], 0) + 1
    lines = [f"{r['status']:<10}{r['prompt'][:40]:<42}{r['file'][:60]:<32}{r['why']}".rstrip() for r in rows]
    return "\n".join([*lines, "", ", ".join(f"{n} {status}" for status, n in counts.items())]) + "\n"
