"""``avbench replay``: do a report's numbers come out again?"""

from __future__ import annotations

import argparse
import json
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

from avbench.errors import UsageError

if TYPE_CHECKING:
    from avbench.comparison import Difference
    from avbench.replay import Replay

SHOWN = 20


def add_options(sub: argparse.ArgumentParser) -> None:
    """Options of the command."""
    sub.add_argument("report", metavar="REPORT", help="a report written by avbench run")
    add_places(sub)
    sub.add_argument("--tolerance", type=float, default=1e-6, metavar="X", help="largest relative difference that counts as none; "
                     "near zero a thousandth of it, absolute (default 1e-6)")  # fmt: skip
    sub.add_argument("--workers", type=int, default=1, metavar="N", help="processes (default 1)")
    sub.add_argument("--device", help="where networks run (default: the report's)")
    sub.add_argument("--store", metavar="DIR", help="take features from this store; default: work everything out from the files")
    sub.add_argument("--json", action="store_true", help="print JSON")
    sub.epilog = (
        "exit codes: 0 identical or within the tolerance; 1 a number differs; 3 no number differs, but files are gone or changed, "
        "or a metric cannot run here; 2 wrong request"
    )


def add_places(sub: argparse.ArgumentParser) -> None:
    """Where things lie now."""
    sub.add_argument("--clips", metavar="DIR", help="where the clips lie now, if they were moved")
    sub.add_argument("--prompts", metavar="FILE", help="where the prompt file lies now")
    sub.add_argument("--reference", metavar="PATH", help="where the reference lies now, a folder or an exported file")


def execute(arguments: argparse.Namespace) -> int:
    """0 where all agrees, 1 where a number differs, 3 where something could not be replayed."""
    from avbench.progress import ProgressLines
    from avbench.recorded import Places
    from avbench.replay import replay
    from avbench.report import Report

    if arguments.workers < 1 or not 0 <= arguments.tolerance < 1:
        raise UsageError("--workers wants 1 or more, --tolerance 0 or more and less than 1.")
    places = Places(*(Path(p) if p else None for p in (arguments.clips, arguments.prompts, arguments.reference)))
    report = Report.read(arguments.report)
    with ProgressLines() as progress:
        found = replay(
            report, places, tolerance=arguments.tolerance, workers=arguments.workers, device=arguments.device,
            store=Path(arguments.store) if arguments.store else None, progress=progress,
        )  # fmt: skip
    if arguments.json:
        print(json.dumps({"verdict": found.verdict, **asdict(found)}, ensure_ascii=False, indent=1, allow_nan=False))
    else:
        print(page(found))
    return found.exit_code


def page(found: Replay) -> str:
    """What a replay found, in words: the verdict first."""
    words = {
        "identical": "identical",
        "within tolerance": f"within tolerance: relative differences up to {found.largest:.2g} (allowed {found.tolerance:g})",
        "incomplete": "every number that was compared agrees, but not everything is as recorded",
        "differs": f"{len(found.differences)} numbers or declarations differ",
    }
    lines = [f"{found.model}: {words[found.verdict]}"]
    lines.append(f"  {found.compared} numbers worked out again, {found.identical} identical to the last digit")
    for file in found.files:
        now = f"sha256 {file.then[:12]}... then, {file.now[:12] or 'none'}... now" if file.state == "changed" else "not there"
        side = "reference " if file.side == "reference" else ""
        lines.append(f"  {side}{file.clip}: differs at stage file, {file.state} ({now}): {file.path}")
    lines += [f"  {_line(d)}" for d in found.differences[:SHOWN]]
    if len(found.differences) > SHOWN:
        lines.append(f"  ... and {len(found.differences) - SHOWN} more; --json lists them all")
    lines += [f"  {name}: {reason}" for name, reason in found.left_out.items()]
    lines += [f"  {n} clips have other digests from stage {stage} on, with the same numbers" for stage, n in found.drifts.items()]
    changes = ((name, then or "absent", now or "absent") for name, (then, now) in found.versions.items())
    lines += [f"  possible cause: {name} was {then}, is {now}" for name, then, now in changes]
    return "\n".join(lines)


def _line(d: Difference) -> str:
    where = f"{d.metric}, {d.clip}" if d.clip else d.metric or "the report"
    cause = f" ({d.cause})" if d.cause else ""
    return f"{where}: differs at stage {d.stage}{cause}: {d.number} {_number(d.then)} then, {_number(d.now)} now"


def _number(x: float | str | None) -> str:
    return "none" if x is None else f"{x:.8g}" if isinstance(x, float) else x
