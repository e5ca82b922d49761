"""The gate's outcome as text, GitHub Markdown, GitHub annotations and JUnit XML."""

from __future__ import annotations

import math
from dataclasses import replace
from xml.etree import ElementTree

from avbench.leaderboard.escapes import markdown_text, xml_text
from avbench.leaderboard.gate import Check, Gate
from avbench.leaderboard.tables import cell_text, number

WORDS = {"pass": "passes", "fail": "fails", "inconclusive": "is inconclusive"}


def as_text(gate: Gate) -> str:
    """One line per check and one verdict."""
    rows: list[tuple[str, ...]] = [("metric", "old", "new", "new - old", "could show", "answer")]
    rows += [_row(check) for check in gate.checks]
    widths = [max(len(row[i]) for row in rows) for i in range(len(rows[0]))]
    lines = ["  ".join(word.ljust(width) for word, width in zip(row, widths, strict=True)).rstrip() for row in rows]
    for check in gate.checks:
        lines += [f"  {check.name}: {_moved(check, i)}" for i in range(len(check.worst))]
    return "\n".join([*lines, "", *gate.notes, verdict(gate)]) + "\n"


def verdict(gate: Gate) -> str:
    """The verdict in a sentence, naming what decided it."""
    decided = [check.name for check in gate.checks if check.answer == gate.answer != "pass"]
    because = f" on {', '.join(decided)}" if decided else ""
    tests = f"{len(gate.checks)} checks, {gate.level:.0%} confidence over all"
    return f"{gate.new.model} {WORDS[gate.answer]} against {gate.old.model}{because} ({tests})."


def as_markdown(gate: Gate) -> str:
    """For a step summary of GitHub Actions."""
    rows = [["metric", "old", "new", "new - old", "could show", "answer"], ["---"] * 6]
    rows += [[markdown_text(word) for word in _row(check)] for check in gate.checks]
    table = ["| " + " | ".join(row) + " |" for row in rows]
    worst = [f"- {markdown_text(f'{check.name}: {_moved(check, i)}')}" for check in gate.checks for i in range(len(check.worst))]
    notes = [markdown_text(note) for note in gate.notes]
    head = [f"### avbench gate: {gate.answer}", "", markdown_text(verdict(gate))]
    return "\n".join([*head, "", *table, "", *worst, "", *notes]).rstrip() + "\n"


def as_annotations(gate: Gate) -> str:
    """Workflow commands: an error per failed check, a warning per inconclusive one, each with its worst clips."""
    lines = []
    for check in gate.checks:
        if check.answer == "pass":
            continue
        kind = "error" if check.answer == "fail" else "warning"
        clips = "".join(f"\n{_moved(check, i)}" for i in range(len(check.worst)))
        text = f"{check.reason}{clips}".replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")
        title = f"avbench gate: {check.name}".replace("%", "%25").replace(":", "%3A").replace(",", "%2C")
        lines.append(f"::{kind} title={title}::{text}")
    return "\n".join(lines) + "\n" if lines else ""


def as_junit(gate: Gate) -> str:
    """One test case per check; an inconclusive check is a failure of that type, since nothing was shown."""
    failed = sum(check.answer != "pass" for check in gate.checks)
    suite = ElementTree.Element("testsuite", name="avbench gate", tests=str(len(gate.checks)), failures=str(failed), errors="0")
    for check in gate.checks:
        case = ElementTree.SubElement(
            suite, "testcase", classname=f"avbench.gate.{gate.new.benchmark.name}", name=xml_text(check.name)
        )
        clips = [_moved(check, i) for i in range(len(check.worst))]
        if check.answer == "pass":
            ElementTree.SubElement(case, "system-out").text = xml_text(" ".join(_row(check)))
        else:
            failure = ElementTree.SubElement(case, "failure", type=check.answer, message=xml_text(check.reason))
            failure.text = xml_text("\n".join([" ".join(_row(check)), *clips]))
    if gate.notes:
        ElementTree.SubElement(suite, "system-out").text = xml_text("\n".join(gate.notes))
    root = ElementTree.Element("testsuites")
    root.append(suite)
    ElementTree.indent(root)
    return '<?xml version="1.0" encoding="utf-8"?>\n' + ElementTree.tostring(root, encoding="unicode") + "\n"


def _row(check: Check) -> tuple[str, ...]:
    difference = ""
    if check.difference is not None:
        half = (check.difference.interval.high - check.difference.interval.low) / 2
        difference = f"{check.difference.value:+.3g} ±{half:.2g}"
    seen = "" if not check.seen else number(check.seen) if math.isfinite(check.seen) else "nothing"
    return (check.name, cell_text(check.old), _new_value(check), difference, seen, f"{check.answer}: {check.reason}")


def _new_value(check: Check) -> str:
    """With the clips that really have a score, and how many were given the worst."""
    if check.new is None or not check.imputed:
        return cell_text(check.new)
    n = replace(check.new.n, scored=check.new.n.scored - check.imputed)
    return f"{cell_text(replace(check.new, n=n)).removesuffix(')')}, {check.imputed} counted as worst)"


def _moved(check: Check, index: int) -> str:
    clip = check.worst[index]
    return f"{clip.clip} went from {number(clip.second)} to {number(clip.first)}"
