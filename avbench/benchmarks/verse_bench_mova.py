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
    ("cpCER", "cp_cer@whisper_single"),
)
LIPS = ("lse_d@mova", "lse_d@fixed", "lse_c@mova", "lse_c@fixed")
# dnsmos stands for a corrected dnsmos_p808; the others have a protocol of that name, but for cp_cer, which has one protocol alone
FIXED = (
    *(f"{name}@fixed" for name in ("inception_score", "desync", "ib_audio_video", "av_align", "lse_d", "lse_c", "clap_score")),
    "dnsmos",
)

BENCHMARK = replace(
    VERSE_BENCH,
    title="Verse-Bench (MOVA)",
    version=2,
    source="MOVA; github.com/OpenMOSS/MOVA, evaluation",
    metrics=(*(metric for _, metric in COLUMNS), *FIXED),
    sidecar_audio=False,
    scopes=tuple((metric, ("set3",)) for metric in ("dnsmos_p808@mova", "dnsmos@default", *LIPS)),
    columns=COLUMNS,
    notes="verse_bench_prompts.json of the toolkit; not comparable with the official Verse-Bench numbers",
)
