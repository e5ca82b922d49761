"""The official tables: whose protocols stand behind their columns, what is run beside them, and of which prompts."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from avbench import catalog
from avbench.benchmark import Benchmark
from avbench.benchmarks import javisbench
from avbench.errors import UsageError

# what the benchmark's own protocols are called; "" where the benchmark has no table
OWN = {
    "av_benchmark": "av_benchmark",
    "av_benchmark_4s": "av_benchmark_4s",
    "av_benchmark_5s": "av_benchmark_5s",
    "folder": "",
    "javisbench": "javisbench",
    "seed_tts": "seed_tts",
    "t2av_compass": "",
    "toybox": "",
    "vbench": "vbench",
    "verse_bench": "verse_bench",
    "verse_bench_mova": "mova",
}
EXCEPTIONS = {
    "av_align@official": "JavisBench's: it was the first published code, before MOVA's",
    "verse_bench_overall@official": "no other benchmark has this total",
    "cp_cer@whisper_single": "MOVA's transcripts come from a remote service, so its own protocol cannot be run",
    "ms_clap@av_benchmark": "av-benchmark never cuts for it, so that all lengths share one protocol",
    "vbench_quality@official": "no other benchmark has this total",
    "vbench_semantic@official": "no other benchmark has this total",
    "vbench_total@official": "no other benchmark has this total",
    "vbench_quality@fixed": "the official total counts a missing dimension as 0",
    "vbench_semantic@fixed": "the official total counts a missing dimension as 0",
    "vbench_total@fixed": "the official total counts a missing dimension as 0",
}
BENCHMARKS: dict[str, Benchmark] = {name: catalog.load("benchmark", name) for name in catalog.entries("benchmark")}
WITH_TABLES = [name for name, benchmark in BENCHMARKS.items() if benchmark.columns]


def test_every_benchmark_is_known_here() -> None:
    assert set(BENCHMARKS) == set(OWN)
    assert {name for name, own in OWN.items() if own} == set(WITH_TABLES)


@pytest.mark.parametrize("name", WITH_TABLES)
def test_columns_are_the_benchmarks_own_protocols(name: str) -> None:
    for title, metric in BENCHMARKS[name].columns:
        full = catalog.full_name(metric)
        protocol = full.partition("@")[2]
        own = protocol == OWN[name] or protocol in {f"{OWN[name]}_{part}" for part in ("panns", "passt", "en", "zh")}
        assert own or full in EXCEPTIONS, f"{name}: {title} is {full}"
        catalog.load("metric", full)


@pytest.mark.parametrize("name", BENCHMARKS)
def test_metrics_are_there_once(name: str) -> None:
    names = [catalog.full_name(metric) for metric in BENCHMARKS[name].metrics]
    assert len(names) == len(set(names))
    for metric in (*names, *(metric for metric, _ in BENCHMARKS[name].scopes)):
        catalog.load("metric", metric)
    assert {metric for metric, _ in BENCHMARKS[name].scopes} <= set(names)


@pytest.mark.parametrize("name", [name for name in WITH_TABLES if name not in ("seed_tts", "vbench")])
def test_the_fixed_partner_is_run_beside_each_column_and_asked_of_the_same_prompts(name: str) -> None:
    benchmark = BENCHMARKS[name]
    names, scopes = {catalog.full_name(metric) for metric in benchmark.metrics}, dict(benchmark.scopes)
    for _, metric in benchmark.columns:
        fixed = f"{metric.partition('@')[0]}@fixed"
        if "fixed" in catalog.protocols(metric):
            assert fixed in names, f"{name} runs {metric} without {fixed}"
            assert scopes.get(fixed) == scopes.get(catalog.full_name(metric)), fixed


def test_one_length_goes_through_all_of_av_benchmark() -> None:
    for name, seconds in (("av_benchmark", 8.0), ("av_benchmark_5s", 5.0), ("av_benchmark_4s", 4.0)):
        for title, metric in BENCHMARKS[name].columns:
            loaded: Any = catalog.load("metric", metric)
            length = getattr(loaded, "seconds", getattr(loaded, "audio_length", None))
            assert length == (None if title == "MS-CLAP" else seconds), f"{name}: {title} takes {length}"
    assert "DeSync" not in dict(BENCHMARKS["av_benchmark_4s"].columns)


def test_the_overall_scores_are_of_one_kind() -> None:
    parts = {name: catalog.load("metric", f"verse_bench_overall@{name}").parts for name in ("fixed", "official")}
    assert {part.partition("@")[2] for part in parts["fixed"]} == {"fixed"}
    assert {part.partition("@")[2] for part in parts["official"]} == {"verse_bench"}
    scopes = dict(BENCHMARKS["verse_bench"].scopes)
    for protocol in ("fixed", "verse_bench"):  # the two whose harmonic mean is half of it
        assert scopes[f"desync@{protocol}"] == scopes[f"clap_score@{protocol}"]
    assert set(map(catalog.full_name, parts["fixed"])) <= set(map(catalog.full_name, BENCHMARKS["verse_bench"].metrics))


def test_javisbench_takes_the_text_where_the_sound_has_none(tmp_path: Path) -> None:
    path = tmp_path / "prompts.csv"
    path.write_text("text,cat0_ind\na ball falls,1\n")
    (prompt,) = javisbench.read_prompts(path)
    assert (prompt.text, prompt.audio_text, prompt.categories) == ("a ball falls", "a ball falls", ("cat0=1",))
    path.write_text("text,audio_text\na ball falls,a strike\na flash,\na bird, \n")
    assert [prompt.audio_text for prompt in javisbench.read_prompts(path)] == ["a strike", "a flash", "a bird"]
    path.write_text("audio_text\na strike\n")
    with pytest.raises(UsageError, match="no column text"):
        javisbench.read_prompts(path)
