"""The command line: a thin layer over ``avbench.run`` and ``avbench.rank``."""

from __future__ import annotations

import argparse
import json
import math
import os
import sys
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from avbench.commands import board as board_command
from avbench.commands import compare as compare_command
from avbench.commands import explain as explain_command
from avbench.commands import gate as gate_command
from avbench.commands import plan as plan_command
from avbench.commands import reference as reference_command
from avbench.commands import replay as replay_command
from avbench.commands import submit as submit_command
from avbench.commands import view as view_command
from avbench.commands import weights as weights_command
from avbench.errors import AvbenchError, UsageError, printable

if TYPE_CHECKING:
    from avbench.catalog import Entry

INCOMPLETE, INTERRUPTED = 3, 130
EXAMPLES = """examples:
  avbench generate ground_truth --benchmark toybox --clips clips/gt     make clips
  avbench run --clips clips/gt --report gt.json                         judge every clip of a folder
  avbench run --benchmark verse_bench --prompts prompts.json --clips clips/mine --metrics available --report mine.json
  avbench rank gt.json mine.json --format markdown                      a table of several reports
  avbench view gt.json mine.json --out pages                            the same to look at: plots and every clip, offline
  avbench doctor --benchmark vbench --prompts info.json --clips clips/mine   which clip answers which prompt

exit codes: 0 ok, 1 failed, 2 wrong request, 3 incomplete (a clip is missing or failed), 4 regression, 5 not comparable,
6 inconclusive, 130 interrupted (finished clips are kept; the same command goes on)"""


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command; returns the exit code."""
    arguments = parser().parse_args(argv)
    try:
        code: int = arguments.command(arguments)
        sys.stdout.flush()
        return code
    except AvbenchError as error:
        print(f"avbench: {error}", file=sys.stderr)
        return error.exit_code
    except KeyboardInterrupt:
        print("avbench: interrupted; finished clips are kept, the same command goes on from there.", file=sys.stderr)
        return INTERRUPTED
    except BrokenPipeError:  # the reader (head, less) has seen enough
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0


def parser() -> argparse.ArgumentParser:
    """All commands and their options."""
    top = argparse.ArgumentParser(
        prog="avbench",
        description="Judge folders of generated audio-video clips and rank the results.",
        epilog=EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    commands = top.add_subparsers(metavar="COMMAND", required=True)

    def command(name: str, function: Callable[[argparse.Namespace], int], words: str) -> argparse.ArgumentParser:
        sub = commands.add_parser(name, help=words, description=words)
        sub.set_defaults(command=function)
        return sub

    _add_run(command("run", _run, "Judge a folder of clips and write a report."))
    _add_rank(command("rank", _rank, "Print one table of several reports."))
    view_command.add_options(command("view", view_command.execute, "Write reports as a folder of pages: table, plots, every clip."))
    _add_generate(command("generate", _generate, "Let a model answer a benchmark's prompts, one clip per prompt."))
    _add_list(command("list", _list, "Name the metrics, models and benchmarks that are installed."))
    _add_doctor(command("doctor", _doctor, "Show what can run here, or which clip answers which prompt."))
    _add_cache(command("cache", _cache, "Show the size of the feature store, or prune it."))
    weights_command.add_options(command("weights", weights_command.execute, "List, fetch, add, verify or export checkpoints."))
    reference_command.add_options(command("reference", reference_command.execute, "Save features of real clips for set metrics."))
    submit_command.add_options(command("submit", submit_command.execute, "Check whether a report may enter a leaderboard."))
    board_command.add_options(command("board", board_command.execute, "Render leaderboard folders."))
    compare_command.add_options(command("compare", compare_command.execute, "Two reports: differences, tests, what moved most."))
    gate_command.add_options(command("gate", gate_command.execute, "Fail where new clips are worse than old ones, for CI."))
    explain_command.add_options(command("explain", explain_command.execute, "Show step by step how a report's number came about."))
    replay_command.add_options(command("replay", replay_command.execute, "Work a report's numbers out again and compare."))
    plan_command.add_options(command("plan", plan_command.execute, "Say how many clips a difference needs, and what a run shows."))
    _add_card(command("card", _card, "Print a metric's declaration."))
    return top


def _prompt_options(sub: argparse.ArgumentParser, default: str | None) -> None:
    sub.add_argument("--benchmark", default=default, metavar="NAME", help=f"see: avbench list benchmarks (default: {default})")
    sub.add_argument("--prompts", metavar="FILE", help="the benchmark's prompt file, where it has none of its own")
    sub.add_argument("--limit", type=int, metavar="N", help="only the first N prompts")


def _json_option(sub: argparse.ArgumentParser) -> None:
    sub.add_argument("--json", action="store_true", help="print JSON")


def _add_run(sub: argparse.ArgumentParser) -> None:
    _prompt_options(sub, "folder")
    sub.add_argument("--clips", required=True, metavar="DIR", help="folder of clips, or a manifest .jsonl")
    sub.add_argument("--metrics", metavar="A,B", help="comma-separated names (name or name@protocol), or 'available'; "
                     "default: the benchmark's own")  # fmt: skip
    sub.add_argument("--model", metavar="NAME", help="name in tables (default: the folder's name)")
    sub.add_argument(
        "--reference", metavar="DIR", help="real clips for set metrics: a folder, or a file of avbench reference export"
    )
    sub.add_argument("--only-present", action="store_true", help="limit the benchmark to prompts whose clips exist")
    sub.add_argument("--report", metavar="FILE", help="write the report (JSON, and Parquet beside it)")
    sub.add_argument("--store", metavar="DIR", default="", help="feature store (default: $AVBENCH_CACHE or ~/.cache/avbench)")
    sub.add_argument("--no-store", action="store_true", help="compute everything afresh and keep nothing")
    sub.add_argument("--workers", type=int, default=1, metavar="N", help="processes (default 1)")
    sub.add_argument("--device", default="cpu", help="where networks run (default cpu)")
    sub.add_argument("--stand-in", action="store_true", help="small untrained networks in the place of checkpoints: shows that "
                     "everything runs; the numbers mean nothing, say so, and are not ranked")  # fmt: skip
    _json_option(sub)


def _run(arguments: argparse.Namespace) -> int:
    from avbench.leaderboard.rank import rank
    from avbench.leaderboard.tables import as_text
    from avbench.progress import ProgressLines
    from avbench.runner import AVAILABLE, run

    if arguments.workers < 1:
        raise UsageError(f"--workers {arguments.workers} makes no sense; give 1 or more.")
    metrics: list[str] | str | None = arguments.metrics
    if isinstance(metrics, str) and metrics != AVAILABLE:
        metrics = [name.strip() for name in metrics.split(",") if name.strip()]
    _writable(arguments.report)
    with ProgressLines() as progress:
        report = run(
            arguments.clips,
            arguments.benchmark,
            prompts=arguments.prompts,
            metrics=metrics,
            model=arguments.model,
            reference=arguments.reference,
            only_present=arguments.only_present,
            limit=arguments.limit,
            store=None if arguments.no_store else arguments.store,
            workers=arguments.workers,
            device=arguments.device,
            stand_in=arguments.stand_in,
            progress=progress,
        )
    if arguments.report:
        report.save(arguments.report)
    if arguments.json:
        _print_json(report.to_dict())
    else:
        sys.stdout.write(as_text(rank([report])))
        if arguments.report:
            print(f"\nreport: {arguments.report}")
    return 0 if report.complete else INCOMPLETE


def _writable(report: str | None) -> None:
    """A report that cannot be written is known before the first clip is opened."""
    if report is None:
        return
    from avbench.report import parquet_beside

    path = Path(report)
    folder = next((p for p in path.absolute().parents if p.exists()), Path("/"))
    try:
        for file in (path, parquet_beside(path)):
            if file.is_dir():
                raise IsADirectoryError(0, f"{file.name} is a folder")
        with tempfile.TemporaryFile(dir=folder):
            pass
    except OSError as error:
        raise UsageError(f"The report cannot be written to {path} ({error.strerror}); choose another --report.") from error


def _add_rank(sub: argparse.ArgumentParser) -> None:
    from avbench.leaderboard.formats import FORMAT_NAMES

    sub.add_argument("reports", nargs="+", metavar="REPORT", help="reports written by avbench run")
    sub.add_argument("--metrics", metavar="A,B", help="columns to keep")
    sub.add_argument("--incomplete", choices=("unranked", "worst"), default="unranked", help="rows with missing or "
                     "failed clips: not ranked (default), or every such clip has the worst score there is")  # fmt: skip
    sub.add_argument("--format", choices=FORMAT_NAMES, default="text", help="default: text")
    _json_option(sub)


def _rank(arguments: argparse.Namespace) -> int:
    from avbench.leaderboard.formats import render
    from avbench.leaderboard.rank import rank
    from avbench.report import Report

    metrics = None
    if arguments.metrics is not None:
        metrics = [name.strip() for name in arguments.metrics.split(",") if name.strip()]
        if not metrics:
            raise UsageError("--metrics names no column; name one or more, or leave it out for all.")
    table = rank([Report.read(path) for path in arguments.reports], metrics, arguments.incomplete)
    sys.stdout.write(render(table, "json" if arguments.json else arguments.format))
    return 0


def _add_generate(sub: argparse.ArgumentParser) -> None:
    sub.add_argument("model", metavar="MODEL", help="see: avbench list models")
    _prompt_options(sub, "toybox")
    sub.add_argument("--clips", required=True, metavar="DIR", help="where the clips go; existing ones are kept")
    sub.add_argument("--seed", type=int, default=0, help="default 0")
    sub.add_argument("--overwrite", action="store_true", help="make existing clips again")
    sub.add_argument("--device", default="cpu", help="default cpu")
    sub.add_argument("--program", metavar="COMMAND", help="for the model 'command': the program to run; {prompts} stands for "
                     "a jsonl file of prompts, {clips} for the folder it must fill with <id>.mp4")  # fmt: skip
    sub.add_argument("--timeout", type=float, default=600.0, metavar="SECONDS", help="for the model 'command' (default 600)")
    _json_option(sub)


def _generate(arguments: argparse.Namespace) -> int:
    from avbench.generate import generate
    from avbench.progress import ProgressLines

    with ProgressLines() as progress:
        made, kept = generate(
            arguments.model,
            arguments.clips,
            arguments.benchmark,
            prompts=arguments.prompts,
            limit=arguments.limit,
            seed=arguments.seed,
            overwrite=arguments.overwrite,
            device=arguments.device,
            program=arguments.program,
            timeout_seconds=arguments.timeout,
            progress=progress,
        )
    if arguments.json:
        _print_json({"clips": printable(arguments.clips), "made": made, "kept": kept})
    else:
        print(f"{made} clips made, {kept} kept in {printable(arguments.clips)}")
    return 0


def _add_list(sub: argparse.ArgumentParser) -> None:
    sub.add_argument("kind", nargs="?", choices=("metrics", "models", "benchmarks"), help="default: all three")
    _json_option(sub)


def _list(arguments: argparse.Namespace) -> int:
    from avbench import catalog

    kinds: tuple[catalog.Kind, ...] = ("metric", "model", "benchmark")
    chosen = [kind for kind in kinds if arguments.kind in (None, f"{kind}s")]
    found = {f"{kind}s": list(catalog.entries(kind).values()) for kind in chosen}
    if arguments.json:
        _print_json({kind: [_listed(kind, entry) for entry in list_] for kind, list_ in found.items()})
        return 0
    for kind, list_ in found.items():
        print(kind)
        for entry in list_:
            print(f"  {entry.name:<28}{entry.axis:<11}{entry.summary()}")
    return 0


def _listed(kind: str, entry: Entry) -> dict[str, Any]:
    """One plugin for machines; a metric with every protocol, its checkpoints and whether it can run here."""

    facts: dict[str, Any] = {"name": entry.name, "axis": entry.axis, "from": entry.distribution, "summary": entry.summary()}
    if kind != "metrics":
        return facts
    try:
        return {**facts, "protocols": _protocols(entry)}
    except UsageError as error:
        return {**facts, "protocols": [], "broken": str(error)}


def _protocols(entry: Entry) -> list[dict[str, Any]]:
    from avbench import catalog

    found = []
    for protocol in catalog.protocols(entry.name):
        metric = catalog.load("metric", entry.name if protocol == "default" else f"{entry.name}@{protocol}")
        reason = catalog.unavailable(metric)
        found.append({"protocol": protocol, "words": metric.card.protocol, "checkpoints": list(metric.checkpoints),
                      "runs_here": reason is None, "why_not": str(reason or ""),
                      "absent_parts": catalog.absent_parts(metric)})  # fmt: skip
    return found


def _add_doctor(sub: argparse.ArgumentParser) -> None:
    _prompt_options(sub, None)
    sub.add_argument("--clips", metavar="DIR", help="show which clip answers which prompt")
    _json_option(sub)


def _doctor(arguments: argparse.Namespace) -> int:
    from avbench import doctor

    if arguments.clips is None:
        if arguments.prompts or arguments.limit is not None:
            raise UsageError("--prompts and --limit say which clips are asked for; pass --clips as well.")
        facts = doctor.machine(arguments.benchmark)
        _print_json(facts) if arguments.json else sys.stdout.write(doctor.machine_text(facts))
        return 0
    rows, complete = doctor.clips(arguments.clips, arguments.benchmark or "folder", arguments.prompts, arguments.limit)
    _print_json(rows) if arguments.json else sys.stdout.write(doctor.clips_text(rows))
    return 0 if complete else INCOMPLETE


def _add_cache(sub: argparse.ArgumentParser) -> None:
    sub.add_argument("--store", metavar="DIR", help="default: $AVBENCH_CACHE or ~/.cache/avbench")
    sub.add_argument("--prune", action="store_true", help="remove entries, longest unused first; all, unless limited below")
    sub.add_argument("--max-gb", type=_amount, metavar="GB", help="with --prune: keep up to this much")
    sub.add_argument("--older-than-days", type=_amount, metavar="DAYS", help="with --prune: remove only what was unused so long")
    _json_option(sub)


def _amount(text: str) -> float:
    """A number that is finite and not below 0, or argparse's error."""
    try:
        value = float(text)
    except ValueError:
        value = math.nan
    if not (math.isfinite(value) and value >= 0):
        raise argparse.ArgumentTypeError(f"{text} is no amount; give a number of 0 or more")
    return value


def _cache(arguments: argparse.Namespace) -> int:
    from avbench.store import Store, default_root

    store = Store(Path(arguments.store) if arguments.store else default_root())
    removed = freed = 0
    if not arguments.prune and (arguments.max_gb is not None or arguments.older_than_days is not None):
        raise UsageError("--max-gb and --older-than-days limit what --prune removes; pass --prune as well.")
    if arguments.prune:
        removed, freed = store.prune(int((arguments.max_gb or 0) * 1e9), (arguments.older_than_days or 0) * 86400)
    entries, size = store.size()
    if arguments.json:
        _print_json({"store": str(store.root), "entries": entries, "bytes": size, "removed": removed, "freed_bytes": freed})
        return 0
    if arguments.prune:
        print(f"removed {removed} files, {freed / 1e6:.1f} MB")
    print(f"{store.root}: {entries} entries, {size / 1e6:.1f} MB")
    return 0


def _add_card(sub: argparse.ArgumentParser) -> None:
    sub.add_argument("metric", help="name or name@protocol; see: avbench list metrics")
    _json_option(sub)


def _card(arguments: argparse.Namespace) -> int:
    from avbench import cards

    facts = cards.facts(arguments.metric)
    _print_json(facts) if arguments.json else sys.stdout.write(cards.page(facts))
    return 0


def _print_json(data: Any) -> None:
    print(json.dumps(data, ensure_ascii=False, indent=1, allow_nan=False, default=str))


if __name__ == "__main__":
    sys.exit(main())
