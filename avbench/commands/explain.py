"""``avbench explain``: how a number of a report came about."""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import Any

from avbench.commands.replay import add_places


def add_options(sub: argparse.ArgumentParser) -> None:
    """Options of the command."""
    sub.add_argument("report", metavar="REPORT", help="a report written by avbench run")
    sub.add_argument("metric", metavar="METRIC", help="name or name@protocol")
    sub.add_argument("clip", nargs="?", metavar="CLIP", help="id of one clip: show its way from file to score")
    add_places(sub)
    sub.add_argument("--json", action="store_true", help="print JSON")


def execute(arguments: argparse.Namespace) -> int:
    """Print the steps; always 0 where the names exist."""
    from avbench.explain import explain
    from avbench.explain_clip import explain_clip
    from avbench.recorded import Places
    from avbench.report import Report

    report = Report.read(arguments.report)
    if arguments.clip is None:
        facts, words = explain(report, arguments.metric), page
    else:
        places = Places(*(Path(p) if p else None for p in (arguments.clips, arguments.prompts, arguments.reference)))
        facts, words = explain_clip(report, arguments.metric, arguments.clip, places), clip_page
    print(json.dumps(facts, ensure_ascii=False, indent=1, allow_nan=False) if arguments.json else words(facts))
    return 0


def page(facts: dict[str, Any]) -> str:
    """The derivation of a value, one step after the other."""
    from avbench.report import BenchmarkFacts

    bench, clips, how, card = facts["benchmark"], facts["clips"], facts["aggregation"], facts["card"]
    reason = f" ({facts['reason']})" if facts["reason"] else ""
    lines = [f"{facts['metric']} ({facts['title']}) of {facts['model']}: {_value(facts['value'], facts['unit'])}{reason}"]
    limited = f", limited to {part}" if (part := BenchmarkFacts(**bench).part) else ""
    lines += ["", f"1. question: {bench['title']} version {bench['version']}, {bench['prompts']} prompts{limited}",
              f"   sha256 of the prompts {bench['prompts_sha256']}"]  # fmt: skip
    lines.append(f"2. clips: {clips['expected']} expected = {clips['scored']} scored + {clips['failed']} failed + "
                 f"{clips['not_applicable']} not applicable")  # fmt: skip
    lines += [f"   {len(row['clips'])} {row['kind']}: {row['reason']} ({_some(row['clips'])})" for row in clips["without"]]
    lines.append("3. decoded:" + ("" if facts["decoded"] else " nothing"))
    lines += [f"   {row['words']}" for row in facts["decoded"]]
    lines.append("4. features:" + ("" if facts["features"] else " none"))
    lines += [f"   {row['name']}, version {row['version']}, of {row['module']}" for row in facts["features"]]
    lines += [f"   checkpoint {w['name']}: {w['status']}, sha256 {w['sha256']} ({w['source']})" for w in facts["checkpoints"]]
    lines.append(f"5. score: {card.get('formula', facts['card_lacks'])}")
    lines += [f"   {key}: {card[key]}" for key in ("protocol", "source", "version") if card.get(key)]
    if reference := facts["reference"]:
        lines.append(f"   reference set: {reference['clips']} clips, sha256 {reference['digest']} ({reference['where']})")
    lines.append(f"6. value: {how['how']}")
    if how.get("mean_of_recorded_scores") is not None:
        lines.append(f"   mean of the scores in the report: {how['mean_of_recorded_scores']!r}, its value: {facts['value']!r}")
    lines += [f"   {part}: {_value(x)}" for part, x in how.get("parts", {}).items()]
    interval = facts["interval"]
    lines.append("7. interval: " + ("none" if interval is None else f"{interval['low']:.6g} to {interval['high']:.6g}, "
                 f"{100 * interval['level']:g} %, {interval['method']}"))  # fmt: skip
    states = {"": "cannot be computed here", facts["identity"]: "the same here"}
    same = states.get(facts["identity_now"], "another here: not comparable")
    lines.append(f"8. comparable with: identity {facts['identity']} ({same})")
    if not facts["has_digests"]:
        lines.append("The report is of an older version and holds no digests; features are as installed here.")
    return "\n".join(lines)


def clip_page(facts: dict[str, Any]) -> str:
    """One clip's way from file to score."""
    lines = [f"{facts['clip']} under {facts['metric']}"]
    if file := facts["file"]:
        lines.append(f"1. file: {file['path']}")
        lines += [f"   sha256 {file['sha256'] or 'none: it could not be read'}", f"   now: {file['state']}"]
        lines += [f"   sha256 now {file['sha256_now']}"] if file["state"] == "changed" else []
    else:
        lines.append("1. file: none")
    lines.append("2. prompt: " + (f"digest {facts['prompt_digest']}" if "prompt_digest" in facts else "unknown"))
    lines += [f"   {name}: {x}" for name, x in facts["prompt"].items()]
    lines.append("3. decoded:")
    lines += [f"   {row['read']}: {_shape(row)}{_digests(row)}" for row in facts["decoded"]]
    lines.append("4. features:")
    lines += [f"   {row['name']}, version {row['version']}: {_shape(row)}{_digests(row)}" for row in facts["features"]]
    outcome = facts["outcome"]
    said = f"{outcome['kind']}: {outcome['reason']}" if "reason" in outcome else _value(outcome["value"], facts["unit"])
    lines.append(f"5. score: {said}")
    lines += [f"   {name}: {x:.6g}" for name, x in outcome.get("details", {}).items()]
    if facts["now"]:
        lines.append(f"Not worked out again: {facts['now']}")
    return "\n".join(lines)


def _shape(row: dict[str, Any]) -> str:
    if "failure" in row:
        return f"failed: {row['failure']} "
    if "frames" in row:
        return f"{row['frames']} frames of {row['rows']} x {row['columns']} at {row['frames_per_second']:g}/s, "
    if "samples" in row:
        return f"{row['samples']} samples at {row['rate']} Hz ({row['seconds']:g} s), "
    return f"{row['dtype']} {tuple(row['shape'])}, " if "shape" in row else ""


def _digests(row: dict[str, Any]) -> str:
    now = row.get("digest_now")
    state = "" if now is None else ", the same now" if now == row["digest"] else f", {now} now"
    return f"digest {row['digest']}{state}"


def _value(x: float | None, unit: str = "1") -> str:
    return "none" if x is None else f"{x:.6g}" + ("" if unit == "1" else f" {unit}")


def _some(names: list[str]) -> str:
    return ", ".join(names[:5]) + (f" and {len(names) - 5} more" if len(names) > 5 else "")
