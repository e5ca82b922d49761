"""Scores that others have published, as rows of a CSV: facts with their source, never ranked."""

from __future__ import annotations

import csv
import math
import re
from collections.abc import Mapping
from dataclasses import dataclass, fields
from pathlib import Path

from avbench.errors import UsageError

DIRECTIONS = ("higher", "lower", "")
SOURCE_KINDS = ("paper", "paper_summary", "readme", "issue", "followup_paper")
RELIABILITIES = ("high", "medium", "low")
NUMBER = r"-?\d+(\.\d+)?"


@dataclass(frozen=True)
class Published:
    """One published number and what is known of how it came about.

    Args:
        benchmark, subset: prompts; ``unspecified`` where the source does not say which part was used.
        protocol: whose code and settings made the number; "" where nothing is known.
        model, variant: variant is ``default`` where there is but one.
        metric, metric_as_printed: id, and the name in the source.
        value: as printed.
        direction: ``higher`` or ``lower`` is better, "" where the source says neither.
        uncertainty: a number or a range, in the unit of the value; "" where none is published.
        n: prompts in the set, "" where not stated.
        source, source_kind, reliability: where it is printed, and how far that can be trusted.
        note: conditions, and the reason of a low reliability; several are divided by "; ".
    """

    benchmark: str
    subset: str
    protocol: str
    model: str
    variant: str
    metric: str
    metric_as_printed: str
    value: str
    direction: str
    uncertainty: str
    n: str
    source: str
    source_kind: str
    reliability: str
    note: str

    @property
    def label(self) -> str:
        """Model and variant."""
        return self.model if self.variant in ("", "default") else f"{self.model} ({self.variant})"

    @property
    def block(self) -> tuple[str, ...]:
        """What must agree before two published numbers may stand in one table: prompts, protocol and source."""
        return (self.benchmark, self.subset, self.n, self.protocol, self.source)


FIELDS = tuple(field.name for field in fields(Published))
REQUIRED = ("benchmark", "subset", "model", "variant", "metric", "metric_as_printed", "value", "source")


def read_published(path: Path) -> list[Published]:
    """The rows of one file in its order.

    Raises ``UsageError`` with file and line where the header or a value is wrong, a needed field is empty, a row of low reliability
    gives no reason, or one source states one number twice.
    """
    rows: list[Published] = []
    seen: dict[tuple[str, ...], int] = {}
    try:
        with path.open(encoding="utf-8", newline="") as stream:
            reader = csv.DictReader(stream, strict=True)
            if tuple(reader.fieldnames or ()) != FIELDS:
                raise UsageError(f"{path}, line 1: the columns must be {','.join(FIELDS)}.")
            for row in reader:
                where = f"{path}, line {reader.line_num}"
                published = _checked(row, where)
                key = (*published.block, published.model, published.variant, published.metric)
                if key in seen:
                    raise UsageError(f"{where}: line {seen[key]} has {published.label}, {published.metric} of this source already.")
                seen[key] = reader.line_num
                rows.append(published)
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise UsageError(f"{path} cannot be read as CSV ({error}).") from error
    return rows


def _checked(row: Mapping[str | None, str | None], where: str) -> Published:
    if None in row or None in row.values():
        raise UsageError(f"{where}: it has not {len(FIELDS)} fields; quote those with a comma.")
    words = {str(name): str(value).strip() for name, value in row.items()}
    for name in REQUIRED:
        if not words[name]:
            raise UsageError(f"{where}: {name} is empty.")
    for name, known in (("direction", DIRECTIONS), ("source_kind", SOURCE_KINDS), ("reliability", RELIABILITIES)):
        if words[name] not in known:
            raise UsageError(f"{where}: {name} is {words[name]!r}; it must be one of {', '.join(map(repr, known))}.")
    if not re.fullmatch(rf"{NUMBER}(e-?\d+)?", words["value"]) or not math.isfinite(float(words["value"])):
        raise UsageError(f"{where}: value is {words['value']!r}, no number.")
    if not re.fullmatch(rf"({NUMBER}(-{NUMBER})?)?", words["uncertainty"]):
        raise UsageError(f"{where}: uncertainty is {words['uncertainty']!r}, neither a number nor a range such as 0.1-0.2.")
    if not re.fullmatch(r"([1-9]\d*)?", words["n"]):
        raise UsageError(f"{where}: n is {words['n']!r}, no whole number.")
    if words["reliability"] == "low" and not words["note"]:
        raise UsageError(f"{where}: reliability is low, so note must say why.")
    return Published(**words)
