"""What holds for every metric and protocol: its contract, a number from a real clip with stand-ins, batches that change nothing."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import avbench
from avbench import catalog, testing, weights
from avbench.clip import Clip, Prompt
from avbench.errors import Unscorable
from avbench.extract import has_network
from avbench.feature import Feature
from avbench.media import write_clip
from avbench.metric import Metric, Total
from avbench.report import Result
from avbench.world.sounds import Voice, speak
from avbench.world.toybox import draw_scene, render

NAMES = [
    name if protocol == "default" else f"{name}@{protocol}"
    for name in catalog.entries("metric")
    for protocol in catalog.protocols(name)
]
COUNT, SECONDS = 4, 8.2  # av-benchmark wants eight seconds
# networks that look at every frame at its own size take a minute for each of these clips: test_video_metrics.py has small ones
ON_SMALL_CLIPS = ("aesthetic_score", "dynamic_degree", "imaging_quality", "motion_score", "motion_smoothness",
                  "vbench_quality", "vbench_semantic", "vbench_total")  # fmt: skip
# another number of clips or of pixels: test_sound_distances.py and test_video_metrics.py have them
ELSEWHERE = (*(name for name in NAMES if name.startswith("inception_score@av_benchmark")), "temporal_flickering@vbench")
RUN = [name for name in NAMES if name.partition("@")[0] not in ON_SMALL_CLIPS and name not in ELSEWHERE]
# parts of the overall score that these clips are too small for, so that the fixed total has no answer and the official one has
PARTS = {
    "aesthetic_score@verse_bench": "crops of 224 need sides of 225",
    "aesthetic_score@fixed": "crops of 224 need sides of 225",
    "verse_bench_overall@fixed": "the overall score needs all 12",
}
NO_SIDECAR = ("sidecar_match",)
TOO_SHORT = ("desync@av_benchmark_4s",)  # its 4 s are no window of Synchformer


@pytest.fixture(scope="module")
def clips(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Four clips of 8.2 s at 256 x 176 with motion, strikes, speech and, for the stand-in, a face of 105 pixels.

    Beside them a manifest with all that a prompt may hold.
    """
    import cv2
    import soundfile

    folder = tmp_path_factory.mktemp("clips")
    (folder / "voices").mkdir()
    lines = []
    for index in range(COUNT):
        frames, samples = render(draw_scene("test", index))
        frames = np.concatenate([frames] * 5)[::2][: round(SECONDS * 8)]
        frames = np.stack([cv2.resize(frame, (256, 176), interpolation=cv2.INTER_LINEAR) for frame in frames])
        voice = Voice(120.0 + 20 * index, 1.0, 0.1)
        spans = [(0.3 + 0.5 * k, 0.7 + 0.5 * k) for k in range(9)]
        rng = np.random.default_rng(index)
        sound = np.concatenate([samples] * 5)[: round(SECONDS * 16_000)] * 0.2
        sound += speak("aeiouaeio", spans, voice, SECONDS, 16_000, rng)
        write_clip(folder / f"clip{index}.mp4", frames, 8, np.clip(sound, -1, 1), 16_000)
        soundfile.write(folder / "voices" / f"{index}.wav", speak("ioaeuoiae", spans, voice, SECONDS, 16_000, rng), 16_000)
        cv2.imwrite(str(folder / f"picture{index}.png"), frames[0])
        lines.append(_line(index))
    (folder / "manifest.jsonl").write_text("\n".join(lines))
    return folder


def _line(index: int) -> str:
    import json

    return json.dumps({
        "id": f"clip{index}", "path": f"clip{index}.mp4", "text": f"A face says {index} things.",
        "audio_text": "a voice and strikes", "audio_texts": ["a voice", "strikes"], "speech": ["sa se si so su"],
        "speaker": f"voices/{index}.wav",
        "image": f"picture{index}.png", "events": [0.5, 1.0], "categories": ["set2"],
    })  # fmt: skip


def _metric(name: str) -> Metric:
    metric: Metric = catalog.load("metric", name)
    return metric


@pytest.mark.parametrize("name", NAMES)
def test_contract(name: str) -> None:
    testing.check_metric(name)


def test_a_real_clip_becomes_a_number_under_every_metric(clips: Path) -> None:
    report = avbench.run(clips, metrics=RUN, reference=clips, stand_in=True, store=None)
    assert report.provenance["decodes"] == 2 * COUNT == report.provenance["opens"]  # clips and reference clips, each once
    problems = [problem for result in report.metrics if (problem := _problem(result))]
    assert not problems, "\n".join(problems)


def _problem(result: Result) -> str:
    """What is wrong with a result of a stand-in run; "" where nothing is."""
    from avbench.leaderboard.tables import checkpoint_mark

    name = result.metric if result.protocol == "default" else result.name
    reasons = " ".join(missing.reason for missing in result.missing)
    if not result.official and "not the official checkpoint" not in checkpoint_mark(result):
        return f"{name} does not say that its network is a stand-in"
    if name in TOO_SHORT:
        return "" if [missing.kind for missing in result.missing] == ["too_short"] * COUNT else f"{name}: {reasons}"
    if name in NO_SIDECAR:
        return "" if reasons.count("no file beside it") == COUNT else f"{name}: {reasons}"
    if name in PARTS:
        return "" if result.value is None and PARTS[name] in f"{result.reason} {reasons}" else f"{name}: {result.reason} {reasons}"
    if result.value is None or not math.isfinite(result.value):
        return f"{name}: {result.value} {result.reason} {reasons[:300]}"
    return ""


def _networks() -> list[Feature]:
    found = {feature: None for name in RUN for feature in _metric(name).uses if has_network(feature)}
    return list(found)


@pytest.mark.parametrize("feature", _networks(), ids=lambda feature: repr(feature)[:80])
def test_no_answer_depends_on_the_batch(feature: Feature, clips: Path) -> None:
    prepared: list[Any] = []
    with weights.stand_ins():  # tokenizers stand in too, and they are asked while a clip is prepared
        for clip in _clips(clips):
            clip.decode(feature.reads)
            try:
                prepared.append(feature.prepare(clip))
            except Unscorable:
                continue
        assert prepared, f"{feature!r} could not be prepared of any clip"
        function = feature.load("cpu")
        together = function(prepared)
        alone = [function([one])[0] for one in prepared]
    for first, second in zip(together, alone, strict=True):
        if first.dtype.kind in "fc":
            np.testing.assert_allclose(first, second, rtol=0, atol=1e-5 * max(float(np.abs(second).max(initial=0)), 1e-12))
        else:
            np.testing.assert_array_equal(first, second)


def _clips(folder: Path) -> list[Clip]:
    prompts = [
        Prompt(f"clip{i}", "A face says things.", "a voice and strikes", ("a voice", "strikes"), ("sa se si so su",),
               folder / "voices" / f"{i}.wav", folder / f"picture{i}.png", events=(0.5,))
        for i in range(3)
    ]  # fmt: skip
    return [Clip(folder / f"{prompt.id}.mp4", prompt) for prompt in prompts]


def test_fixed_totals_say_when_their_parts_are_missing() -> None:
    totals = {name: metric for name in NAMES if isinstance(metric := _metric(name), Total) and not name.endswith("@official")}
    assert len(totals) >= 4
    for total in totals.values():
        with pytest.raises(Unscorable):
            total.score(dict.fromkeys(total.parts))
