"""Name -> plugin. Names come from entry points and file names, so that listing imports no plugin.

A distribution offers plugins by naming one package (or one module) under the entry-point groups ``avbench.metrics``,
``avbench.models`` and ``avbench.benchmarks``; every public file in it is a plugin of that name. A file or folder whose
name starts with an underscore is private.
"""

from __future__ import annotations

import ast
import importlib
import importlib.util
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from importlib.metadata import entry_points
from pathlib import Path
from types import ModuleType
from typing import Any, Literal

from avbench import weights
from avbench.benchmark import Benchmark
from avbench.errors import DuplicateName, MissingExtra, UnknownName, UsageError, printable
from avbench.metric import Card, Metric, Total
from avbench.model import Model

Kind = Literal["metric", "model", "benchmark"]
ATTRIBUTE: dict[Kind, tuple[str, type]] = {
    "metric": ("METRIC", Metric),
    "model": ("MODEL", Model),
    "benchmark": ("BENCHMARK", Benchmark),
}


@dataclass(frozen=True)
class Entry:
    """One plugin that can be loaded: its name, its module, the file it lives in and the distribution it came with."""

    name: str
    module: str
    path: Path
    distribution: str
    axis: str = ""

    def summary(self) -> str:
        """First line of the module's docstring, read without importing the module; why it is broken where it cannot be read."""
        try:
            text = ast.get_docstring(ast.parse(self.path.read_text(encoding="utf-8"))) or ""
        except (OSError, ValueError, SyntaxError) as error:
            return printable(f"broken: {type(error).__name__}: {error}")
        return text.split("\n")[0]


@cache
def entries(kind: Kind) -> dict[str, Entry]:
    """All plugins of a kind by name; raises ``DuplicateName`` where two files claim one name."""
    found: dict[str, Entry] = {}
    for point in entry_points(group=f"avbench.{kind}s"):
        source = point.dist.name if point.dist else "?"
        for entry in _files(point.value, source):
            other = found.setdefault(entry.name, entry)
            if other.path != entry.path:
                raise DuplicateName(
                    f"Two {kind}s are named {entry.name!r}: {other.path} ({other.distribution}) and "
                    f"{entry.path} ({entry.distribution}); rename one file."
                )
    return dict(sorted(found.items()))


def _files(target: str, distribution: str) -> Iterator[Entry]:
    try:
        spec = importlib.util.find_spec(target)
    except ModuleNotFoundError:
        spec = None
    if spec is None:
        raise UsageError(f"The package {target!r}, named by {distribution}'s entry point, cannot be found; reinstall it.")
    if spec.submodule_search_locations is None:
        yield Entry(target.rpartition(".")[2], target, Path(spec.origin or ""), distribution)
        return
    for root in map(Path, spec.submodule_search_locations):
        for path in sorted(root.rglob("*.py")):
            parts = path.relative_to(root).with_suffix("").parts
            if not any(part.startswith(("_", ".")) for part in parts):
                yield Entry(parts[-1], ".".join((target, *parts)), path, distribution, "/".join(parts[:-1]))


def load(kind: Kind, name: str) -> Any:
    """Import one plugin.

    Args:
        kind: ``metric``, ``model`` or ``benchmark``.
        name: the file's name; a metric with several protocols is addressed as ``name@protocol``.

    Raises:
        UnknownName: no such plugin or protocol; proposes the nearest.
        MissingExtra: the plugin's card names a package that is not installed (metrics only, see ``unavailable``).
        UsageError: the file cannot be imported or does not export what its kind needs.
    """
    base, _, protocol = name.partition("@")
    known = entries(kind)
    if base not in known:
        raise UnknownName(kind, base, known)
    entry = known[base]
    attribute, cls = ATTRIBUTE[kind]
    module = _module(entry)
    if protocol:
        protocols = getattr(module, "PROTOCOLS", {"default": getattr(module, attribute, None)})
        if protocol not in protocols:
            raise UnknownName(f"protocol of {base}", protocol, protocols)
        plugin = protocols[protocol]
    else:
        plugin = getattr(module, attribute, None)
    if not isinstance(plugin, cls):
        raise UsageError(f"{entry.path} must export {attribute}, a {cls.__name__}; it exports {plugin!r}.")
    if isinstance(plugin, Metric) and not isinstance(getattr(plugin, "card", None), Card):
        raise UsageError(f"{entry.path} exports a metric without a card.")
    return plugin


def _module(entry: Entry) -> ModuleType:
    """The plugin's module; raises ``UsageError`` whatever breaks in it, so that one plugin cannot hide the others."""
    try:
        return importlib.import_module(entry.module)
    except Exception as error:
        words = f"{type(error).__name__}: {error}"
        raise UsageError(printable(f"The plugin {entry.name!r} ({entry.path}) cannot be imported: {words}.")) from error


def protocol_of(name: str) -> str:
    """The protocol that a metric's name selects; the one equal to METRIC, or ``default``, where it names none."""
    base, _, protocol = name.partition("@")
    if protocol:
        return protocol
    module = _module(entries("metric")[base])
    for key, metric in getattr(module, "PROTOCOLS", {}).items():
        if metric == getattr(module, "METRIC", None):
            return str(key)
    return "default"


def full_name(name: str) -> str:
    """``name@protocol`` of a metric given with or without its protocol."""
    return f"{name.partition('@')[0]}@{protocol_of(name)}"


def protocols(name: str) -> tuple[str, ...]:
    """All protocols of a metric, its default one first; ``("default",)`` where it has but one."""
    chosen = protocol_of(name.partition("@")[0])
    module = _module(entries("metric")[name.partition("@")[0]])
    return (chosen, *(key for key in getattr(module, "PROTOCOLS", {}) if key != chosen))


def absent_parts(metric: Metric) -> dict[str, str]:
    """The parts of a total that cannot run on this machine, and why; nothing for other metrics."""
    if not isinstance(metric, Total):
        return {}
    reasons = {name: unavailable(load("metric", name)) for name in metric.parts}
    return {name: str(reason) for name, reason in reasons.items() if reason is not None}


def unavailable(metric: Metric) -> UsageError | None:
    """Why a metric cannot run on this machine (a package or a checkpoint is absent), or None where it can.

    A total can run where one of its parts can: the official ones count what is absent in their own way, see ``absent_parts``.
    """
    absent = absent_parts(metric)
    if isinstance(metric, Total) and len(absent) == len(metric.parts):
        return UsageError("none of its parts can run; " + "; ".join(f"{name}: {reason}" for name, reason in absent.items()))
    for package in metric.card.packages:
        if importlib.util.find_spec(package) is None:
            return MissingExtra(package, metric.card.extra or "all", metric.card.install)
    for name in metric.checkpoints:
        found = weights.State("verified") if weights.stands_in(name) else weights.state(name)
        if found.status == "absent":
            return weights.missing(name, found.problem)
        if found.status == "damaged":
            return UsageError(f"The checkpoint {name!r} is damaged: {found.problem}.")
    return None
