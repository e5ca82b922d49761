"""Verse-Bench as MOVA's toolkit judges it: the same 600 prompts, other metrics under the same name."""

from __future__ import annotations

from dataclasses import replace

from avbench.benchmarks.verse_bench import BENCHMARK as VERSE_BENCH

COLUMNS = (
    ("IS", "inception_score@mova"),
    ("DNSMOS", "dnsmos_p808@mova"),
    ("DeSync", "desync@mova"),
    ("IB-Score", "ib_audio_video@mova"),
    ("AV-Align", "av_align@mova"),
    ("LSE-D", "lse_d@mova"),
    ("LSE-C", "lse_c@mova"),
    ("CLAP", "clap_score@mova"),
    ("cpCER", "cp_cer"),
)

BENCHMARK = replace(
    VERSE_BENCH,
    title="Verse-Bench (MOVA)",
    version=1,
    source="MOVA; github.com/OpenMOSS/MOVA, evaluation",
    metrics=tuple(metric for _, metric in COLUMNS),
    scopes=(("dnsmos_p808@mova", ("set3",)), ("lse_d@mova", ("set3",)), ("lse_c@mova", ("set3",))),
    columns=COLUMNS,
    notes="verse_bench_prompts.json of the toolkit; not comparable with the official Verse-Bench numbers",
)
