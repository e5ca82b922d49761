"""What can run on this machine, and which clip answers which prompt."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

from avbench import catalog
from avbench.benchmark import Benchmark
from avbench.errors import UsageError
from avbench.pairing import pair
from avbench.runner import provenance
from avbench.store import Store, default_root


def machine(benchmark: str | None = None) -> dict[str, Any]:
    """Versions, cores, store and, for every metric (of one benchmark, or of all), whether it can run and why not."""
    entries, size = Store(default_root()).size()
    reasons: dict[str, str] = {}
    bench: Benchmark | None = catalog.load("benchmark", benchmark) if benchmark else None
    for name in bench.metrics if bench else catalog.entries("metric"):
        try:
            metric = catalog.load("metric", name)
            missing, absent = catalog.unavailable(metric), catalog.absent_parts(metric)
        except UsageError as error:
            missing, absent = error, {}
        without = f"runs here without its parts {', '.join(absent)}" if absent else ""
        reasons[name] = without if missing is None else str(missing)
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
    width = max(map(len, facts["metrics"])) + 2
    lines = [
        f"python    {facts['python']} on {facts['platform']}, {facts['cores']} cores",
        f"packages  {versions}",
        f"store     {store['path']}: {store['entries']} entries, {store['bytes'] / 1e6:.1f} MB",
        "metrics",
        *(f"  {name:<{width}}{why if why else 'runs here'}" for name, why in facts["metrics"].items()),
    ]
    return "\n".join(lines) + "\n"


def clips(folder: str, benchmark: str, prompts: str | None, limit: int | None) -> tuple[list[dict[str, str]], bool]:
    """One row per prompt and per file that nobody asked for: status, prompt, file, why; and whether all prompts matched."""
    bench: Benchmark = catalog.load("benchmark", benchmark)
    pairing = pair(bench.prompts(Path(prompts) if prompts else None), Path(folder), bench, limit=limit)
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
    wide = {key: max((len(r[key]) for r in rows), default=0) + 2 for key in ("status", "prompt", "file")}
    lines = ["".join(f"{r[key]:<{width}}" for key, width in wide.items()) + r["why"] for r in rows]
    lines = [line.rstrip() for line in lines]
    return "\n".join([*lines, "", ", ".join(f"{n} {status}" for status, n in counts.items())]) + "\n"
