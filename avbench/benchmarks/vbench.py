"""VBench: 944 distinct prompts, five samples each (25 for temporal flickering), named by the prompt itself."""

from __future__ import annotations

import json
from pathlib import Path

from avbench.benchmark import Benchmark
from avbench.clip import Prompt
from avbench.errors import UsageError

SAMPLES = 5
SAMPLES_OF = {"temporal_flickering": 25}  # of which a filter keeps the static ones, five at most


def read_prompts(path: Path | None) -> list[Prompt]:
    """Read ``VBench_full_info.json``: a list of {prompt_en, dimension: [..]}.

    A prompt that stands in several entries is asked once, with the dimensions of all of them. Each prompt has five samples, ids
    ``<prompt>-0`` to ``<prompt>-4``, of one cluster; for temporal flickering 25, those from ``<prompt>-5`` on for it alone.
    """
    assert path is not None
    dimensions: dict[str, list[str]] = {}
    try:
        for row in json.loads(path.read_text(encoding="utf-8-sig")):
            dimensions.setdefault(str(row["prompt_en"]), []).extend(row["dimension"])
    except OSError as error:
        raise UsageError(f"The prompt file {path} cannot be read ({error.strerror}).") from error
    except (ValueError, KeyError, TypeError) as error:
        raise UsageError(f"{path} is no VBench_full_info.json of prompt_en and dimension ({error!r}).") from error
    return [
        Prompt(f"{text}-{k}", text, categories=tuple(tag for tag in dict.fromkeys(tags) if k < _samples(tag)), cluster=text)
        for text, tags in dimensions.items()
        for k in range(max(map(_samples, tags), default=SAMPLES))
    ]


def _samples(dimension: str) -> int:
    return SAMPLES_OF.get(dimension, SAMPLES)


DIMENSIONS = (
    ("subject consistency", "subject_consistency@vbench"),
    ("background consistency", "background_consistency@vbench"),
    ("temporal flickering", "temporal_flickering@vbench"),
    ("motion smoothness", "motion_smoothness@vbench"),
    ("dynamic degree", "dynamic_degree@vbench"),
    ("aesthetic quality", "aesthetic_quality@vbench"),
    ("imaging quality", "imaging_quality@vbench"),
    ("temporal style", "temporal_style@vbench"),
    ("overall consistency", "overall_consistency@vbench"),
)
TOTALS = (("Quality", "vbench_quality@official"), ("Semantic", "vbench_semantic@official"), ("Total", "vbench_total@official"))

BENCHMARK = Benchmark(
    title="VBench",
    version=3,
    source="VBench, arXiv 2311.17982; github.com/Vchitect/VBench",
    read_prompts=read_prompts,
    metrics=(
        *(metric for _, metric in (*DIMENSIONS, *TOTALS)),
        "vbench_quality",
        "vbench_semantic",
        "vbench_total",
        "frozen",
        "motion",
        "sharpness",
    ),
    scopes=tuple((metric, (label.replace(" ", "_"),)) for label, metric in DIMENSIONS),
    columns=(*DIMENSIONS, *TOTALS),
    notes="VBench_full_info.json. Dimensions that need an object detector, an action recogniser or a tagger are not there yet: "
    "object class, multiple objects, human action, color, spatial relationship, scene, appearance style; the official Semantic and "
    "Total count them as 0, so that only their parts compare with published ones",
)
