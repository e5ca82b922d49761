"""Versions of the libraries whose code stands behind a number; none is imported for that."""

from __future__ import annotations

import contextlib
from collections.abc import Collection, Iterable, Iterator, Mapping
from functools import cache
from importlib.metadata import PackageNotFoundError, packages_distributions, version


def version_of(distribution: str) -> str:
    """The installed version of a distribution, "" where there is none; within ``recorded`` the one given there."""
    if _recorded is not None:
        return _recorded.get(distribution, "")
    try:
        return version(distribution)
    except PackageNotFoundError:
        return ""


def versions(distributions: Iterable[str]) -> dict[str, str]:
    """Name to version of those that are installed, in alphabetical order."""
    return {name: found for name in sorted(set(distributions)) if (found := version_of(name))}


def distributions_of(packages: Collection[str]) -> set[str]:
    """The installed distributions that bring these import names."""
    found = {package.replace("_", "-") for package in packages if version_of(package)}
    others = {package for package in packages if not version_of(package)}  # to ask all that are installed takes most of a second
    return found | {name for package in others for name in _distributions().get(package, [])}


@cache
def _distributions() -> Mapping[str, list[str]]:
    return packages_distributions()


_recorded: Mapping[str, str] | None = None


@contextlib.contextmanager
def recorded(found: Mapping[str, str]) -> Iterator[None]:
    """Within the block these versions count as installed and no others, so that a report can be checked where they are not."""
    global _recorded
    before, _recorded = _recorded, found
    try:
        yield
    finally:
        _recorded = before
