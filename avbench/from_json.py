"""Frozen dataclasses from parsed JSON, every field held to its declared kind."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Mapping
from functools import cache
from types import NoneType, UnionType
from typing import Any, Literal, get_args, get_origin, get_type_hints


def from_json(kind: Any, data: Any, where: str = "") -> Any:
    """The inverse of ``dataclasses.asdict`` after a way through JSON.

    Args:
        kind: a dataclass, or a type hint of str, int, float, bool, None, Any, Literal, tuple or Mapping of these.
        data: what ``json.loads`` gave.
        where: the field's path, for the message.

    Raises:
        ValueError: a field is absent, unknown or of another kind; names it.
    """
    parts = get_args(kind)
    if kind is Any:
        return data
    if get_origin(kind) is UnionType:
        if data is None and NoneType in parts:
            return None
        return from_json(next(part for part in parts if part is not NoneType), data, where)
    if dataclasses.is_dataclass(kind) and isinstance(data, Mapping):
        return _object(kind, data, where)
    if get_origin(kind) is tuple and isinstance(data, list):
        kinds = parts[:1] * len(data) if parts[-1] is ... else parts
        if len(kinds) == len(data):
            return tuple(from_json(part, value, f"{where}[{i}]") for i, (part, value) in enumerate(zip(kinds, data, strict=True)))
    if get_origin(kind) is Mapping and isinstance(data, Mapping):
        return {key: from_json(parts[1], value, f"{where}[{key!r}]") for key, value in data.items()}
    if get_origin(kind) is Literal and isinstance(data, str) and data in parts:
        return data
    if kind is float and isinstance(data, int | float) and not isinstance(data, bool) and math.isfinite(data):
        return data
    if kind in (str, int, bool) and type(data) is kind:
        return data
    wanted = kind.__name__ if isinstance(kind, type) else str(kind).replace("typing.", "")
    raise ValueError(f"{where or 'the whole'} must be {wanted}, not {str(data)[:40]!r}")


def _object(kind: Any, data: Mapping[str, Any], where: str) -> Any:
    hints = _hints(kind)
    fields = {field.name: field for field in dataclasses.fields(kind)}
    required = [name for name, field in fields.items() if field.default is field.default_factory is dataclasses.MISSING]
    for name in (*required, *data):
        if name not in data or name not in fields:
            raise ValueError(f"{where + '.' if where else ''}{name} is {'absent' if name not in data else 'unknown'}")
    return kind(**{name: from_json(hints[name], value, f"{where}.{name}".lstrip(".")) for name, value in data.items()})


@cache
def _hints(kind: Any) -> dict[str, Any]:
    return get_type_hints(kind)
