"""``avbench reference``: save the features of a reference set, take over published ones, or show what such a file holds."""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import TYPE_CHECKING

from avbench.errors import UsageError

if TYPE_CHECKING:
    from avbench.reference import Header


def add_options(sub: argparse.ArgumentParser) -> None:
    """Options of the command."""
    sub.add_argument("action", choices=("export", "import", "show"))
    sub.add_argument("file", metavar="FILE", help="the .npz to write (export, import) or to read (show)")
    sub.add_argument("--from", dest="source", metavar="FILE", help="import: features that others computed (.pt or .safetensors "
                     "with 'video' and 'audio', such as JavisBench-mini-vanilla-max4s.pt)")  # fmt: skip
    sub.add_argument("--clips", metavar="DIR", help="export: folder of real clips")
    sub.add_argument("--metrics", metavar="A,B", help="export, import: the set metrics that shall use it (name or name@protocol)")
    sub.add_argument("--benchmark", default="folder", metavar="NAME", help="export: whose naming rule gives the clips their ids")
    sub.add_argument("--prompts", metavar="FILE", help="export: that benchmark's prompt file")
    sub.add_argument("--store", metavar="DIR", default="", help="feature store (default: $AVBENCH_CACHE or ~/.cache/avbench)")
    sub.add_argument("--device", default="cpu", help="where networks run (default cpu)")
    sub.add_argument("--json", action="store_true", help="print JSON")


def execute(arguments: argparse.Namespace) -> int:
    """Export, import or show."""
    from avbench import reference

    makers = {"export": _export, "import": _import}
    found = makers[arguments.action](arguments) if arguments.action in makers else reference.header(Path(arguments.file))
    if arguments.json:
        print(json.dumps(vars(found), ensure_ascii=False, indent=1))
    else:
        print(f"{arguments.file}: {len(found.ids)} clips, digest {found.digest}")
        print("\n".join([*([found.origin] if found.origin else []), *(f"  {feature}" for feature in found.features)]))
    return 0


def _import(arguments: argparse.Namespace) -> Header:
    from avbench.runner import import_reference

    if not arguments.source or not arguments.metrics:
        raise UsageError("avbench reference import wants --from FILE and --metrics A,B.")
    return import_reference(arguments.source, arguments.file, _names(arguments.metrics))


def _names(text: str) -> list[str]:
    return [name.strip() for name in text.split(",") if name.strip()]


def _export(arguments: argparse.Namespace) -> Header:
    from avbench.progress import ProgressLines
    from avbench.runner import export_reference

    if not arguments.clips or not arguments.metrics:
        raise UsageError("avbench reference export wants --clips DIR and --metrics A,B.")
    with ProgressLines() as progress:
        return export_reference(
            arguments.clips,
            arguments.file,
            _names(arguments.metrics),
            benchmark=arguments.benchmark,
            prompts=arguments.prompts,
            store=arguments.store,
            device=arguments.device,
            progress=progress,
        )
