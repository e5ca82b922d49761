"""A string literal that stands alone is text that a missing parenthesis has lost."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import avbench_baselines
import avbench_metrics
import pytest

import avbench

PACKAGES = {package.__name__: Path(package.__path__[0]) for package in (avbench, avbench_metrics, avbench_baselines)}
OWNERS = (ast.Module, ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef)


def stray_strings(source: str) -> Iterator[int]:
    """Line numbers of string statements that are no docstring."""
    for node in ast.walk(ast.parse(source)):
        for block in ("body", "orelse", "finalbody"):
            statements = getattr(node, block, None)
            if not isinstance(statements, list):
                continue
            first = 1 if block == "body" and isinstance(node, OWNERS) else 0
            for statement in statements[first:]:
                if isinstance(statement, ast.Expr) and _is_text(statement.value):
                    yield statement.lineno


def _is_text(value: ast.expr) -> bool:
    return isinstance(value, ast.JoinedStr) or (isinstance(value, ast.Constant) and isinstance(value.value, str))


def test_the_check_sees_a_lost_string() -> None:
    assert list(stray_strings('"""Doc."""\nX = "a "\n"b"\ndef f():\n    """Doc."""\n    return ...\n')) == [3]
    assert list(stray_strings('"""Doc."""\nX = (\n    "a "\n    "b"\n)\n')) == []


@pytest.mark.parametrize("name", sorted(PACKAGES))
def test_no_string_stands_alone(name: str) -> None:
    files = sorted(PACKAGES[name].rglob("*.py"))
    assert files
    found = [f"{path}:{line}" for path in files for line in stray_strings(path.read_text(encoding="utf-8"))]
    assert not found, found
