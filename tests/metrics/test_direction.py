"""Worse on purpose scores worse, monotone in the dose; nuisances change nothing."""

from __future__ import annotations

import dataclasses
import shutil
from collections.abc import Callable, Sequence
from pathlib import Path

import av
import cv2
import numpy as np
import pytest

import avbench
from avbench.media import write_clip
from avbench.report import Result
from avbench.world.degradations import DEGRADATIONS, Take
from avbench.world.toybox import Settings, draw_scene, render

RNG = np.random.default_rng
Degrade = Callable[[Take, float, np.random.Generator], Take]


def takes(kind: str, count: int = 4) -> list[Take]:
    """Toybox takes of one kind."""
    scenes = [s for s in (draw_scene("test", i) for i in range(16 * count)) if s.kind == kind][:count]
    return [Take(*(lambda r: (r[0], 16.0, r[1], 16_000))(render(s))) for s in scenes]


def judge(folder: Path, rows: Sequence[Take], metric: str, suffix: str = ".mp4", crf: int = 18, **options: object) -> float:
    """Mean score of the takes after writing them to files."""
    folder.mkdir(parents=True, exist_ok=True)
    for i, take in enumerate(rows):
        write_clip(folder / f"{i}{suffix}", take.frames, take.fps, take.samples, take.rate, crf=crf)
    result = avbench.run(folder, metrics=[metric], store=None, **options)[metric]  # type: ignore[arg-type]
    assert result.value is not None, result.missing
    assert result.n.scored == len(rows), result.missing
    return result.value


CASES = [
    ("av_align", "flash", "audio_delay", (0.0, 0.12), "higher"),
    ("silence", "speak", "silence", (0.0, 0.3, 0.6, 1.0), "lower"),
    ("clipping", "bounce", "clipping", (0.0, 12.0, 24.0, 40.0), "lower"),
    ("temporal_flickering", "bounce", "video_noise", (0.0, 5.0, 15.0, 40.0), "higher"),
    ("temporal_flickering", "bounce", "shuffle_frames", (0.0, 0.5, 1.0), "higher"),
    ("frozen", "bounce", "freeze", (0.0, 0.3, 0.6, 0.9), "lower"),
    ("frozen", "bounce", "repeat_frames", (0.0, 1.0, 3.0), "lower"),
    ("sharpness", "bounce", "blur", (0.0, 1.0, 2.0, 4.0), "higher"),
]


@pytest.mark.parametrize(("metric", "kind", "damage", "doses", "better"), CASES)
def test_worse_on_purpose_scores_worse(
    tmp_path: Path, metric: str, kind: str, damage: str, doses: tuple[float, ...], better: str
) -> None:
    rows = takes(kind)
    values = []
    for i, dose in enumerate(doses):
        damaged = [DEGRADATIONS[damage](t, dose, RNG(0)) if dose else t for t in rows]
        values.append(judge(tmp_path / str(i), damaged, metric))
    assert values == sorted(values, reverse=better == "higher")
    assert len(set(values)) == len(values), values


@pytest.mark.parametrize("metric", ["fad_mel", "kad_mel"])
@pytest.mark.parametrize(
    ("damage", "doses"), [("audio_noise", (0.03, 0.3, 3.0)), ("band_limit", (0.4, 0.7, 0.9)), ("gain", (-6.0, -20.0))]
)
def test_set_distances_grow_with_the_damage(tmp_path: Path, metric: str, damage: str, doses: tuple[float, ...]) -> None:
    reference = tmp_path / "reference"
    rows = takes("speak", 8)
    judge(reference, rows, "frozen")
    values = [judge(tmp_path / "same", rows, metric, reference=reference)]
    for dose in doses:
        damaged = [DEGRADATIONS[damage](t, dose, RNG(0)) for t in rows]
        values.append(judge(tmp_path / f"{damage}{dose}", damaged, metric, reference=reference))
    assert values == sorted(values) and values[-1] > values[0]


@pytest.mark.parametrize("metric", ["fad_mel", "kad_mel"])
def test_what_nobody_hears_hardly_counts(tmp_path: Path, metric: str) -> None:
    """Noise of -80 dBFS under everything weighs less than 1 dB of gain, and noise of -50 dBFS more."""
    rows, rng = takes("bounce", 8), RNG(0)
    judge(tmp_path / "reference", rows, "frozen", ".mkv")

    def distance(name: str, damaged: list[Take]) -> float:
        return judge(tmp_path / name, damaged, metric, ".mkv", reference=tmp_path / "reference")

    def hissing(level: float) -> list[Take]:
        noises = (10 ** (level / 20) * rng.standard_normal(len(t.samples)) for t in rows)
        return [dataclasses.replace(t, samples=(t.samples + n).astype(np.float32)) for t, n in zip(rows, noises, strict=True)]

    same, quieter = distance("same", rows), distance("gain", [DEGRADATIONS["gain"](t, -1.0, RNG(0)) for t in rows])
    faint, plain = distance("faint", hissing(-80)), distance("plain", hissing(-50))
    assert abs(faint - same) < 0.3 * (quieter - same)
    assert quieter < plain


def test_a_still_is_frozen_at_any_quality_and_slow_motion_is_not(tmp_path: Path) -> None:
    """The still is textured noise of many scales, the motion a pan by a tenth of a pixel per frame."""
    rng = RNG(0)
    grains = [rng.normal(0, 4 * k, (160 // k, 320 // k)) for k in (1, 2, 4, 8)]
    scales = [cv2.resize(grain, (320, 160), interpolation=cv2.INTER_CUBIC) for grain in grains]
    image = np.clip(128 + np.sum(scales, axis=0), 0, 255).astype(np.uint8)[..., None].repeat(3, axis=2)
    still = np.repeat(image[None, :128, :192], 48, axis=0)
    shifts = [np.array([[1, 0, -20 - 0.1 * k], [0, 1, 0.0]]) for k in range(48)]
    pan = np.stack([cv2.warpAffine(image, shift, (192, 128)) for shift in shifts])
    sound = np.zeros(16_000, np.float32)
    for crf in (18, 23, 28, 35):
        assert judge(tmp_path / f"still {crf}", [Take(still, 24.0, sound, 8000)], "frozen", crf=crf) > 0.9, crf
    for crf in (18, 23, 28):
        assert judge(tmp_path / f"pan {crf}", [Take(pan, 24.0, sound, 8000)], "frozen", crf=crf) < 0.05, crf


def test_compression_lowers_sharpness(tmp_path: Path) -> None:
    rows = [dataclasses.replace(t, frames=DEGRADATIONS["video_noise"](t, 12.0, RNG(0)).frames) for t in takes("bounce")]
    values = [judge(tmp_path / str(crf), rows, "sharpness", crf=crf) for crf in (10, 30, 45)]
    assert values == sorted(values, reverse=True)


def test_motion_sees_speed(tmp_path: Path) -> None:
    rows = takes("bounce")
    slow = judge(tmp_path / "a", rows, "motion")
    still = judge(tmp_path / "b", [DEGRADATIONS["freeze"](t, 1.0, RNG(0)) for t in rows], "motion")
    fast = judge(tmp_path / "c", [dataclasses.replace(t, fps=32.0, samples=t.samples[:16_000]) for t in rows], "motion")
    assert still < 0.1 * slow < slow < fast
    assert fast == pytest.approx(2 * slow, rel=0.15)


def test_loudness_follows_the_gain_and_matches_pyloudnorm(tmp_path: Path) -> None:
    rows = [dataclasses.replace(t, samples=t.samples * 0.2) for t in takes("speak")]
    base = judge(tmp_path / "a", rows, "loudness", ".mkv")
    louder = judge(tmp_path / "b", [DEGRADATIONS["gain"](t, 6.0, RNG(0)) for t in rows], "loudness", ".mkv")
    assert louder - base == pytest.approx(6.0, abs=0.05)
    tone = (0.1 * np.sin(2 * np.pi * 997 * np.arange(48_000 * 3) / 48_000)).astype(np.float32)
    frames = np.zeros((3, 16, 16, 3), np.uint8)
    value = judge(tmp_path / "tone", [Take(frames, 1.0, tone, 48_000)], "loudness", ".mkv")
    assert value == pytest.approx(-23.0, abs=0.1)  # BS.1770: 997 Hz at full scale on one channel is -3.01 LUFS


def test_flashes_and_clicks_have_the_offset_they_were_given(tmp_path: Path) -> None:
    scene = dataclasses.replace(draw_scene("test", 1), events=(0.45, 0.75, 1.45), material="wood")
    frames, samples = render(scene, Settings(fps=50))
    take = Take(frames, 50.0, samples, 16_000)
    for i, delay in enumerate((0.0, 0.1, -0.1, 0.25, -0.25)):
        folder = tmp_path / str(i)
        judge(folder, [DEGRADATIONS["audio_delay"](take, delay, RNG(0))], "frozen")
        result = avbench.run(folder, metrics=["av_offset"], store=None)["av_offset"]
        assert result.scores[0].value == pytest.approx(delay, abs=0.02)


def test_event_f1_falls_with_the_delay(tmp_path: Path) -> None:
    folder, values = tmp_path / "clips", []
    folder.mkdir()
    for delay in (0.0, 0.05, 0.12):
        for index in (1, 3, 5, 9):
            frames, samples = render(draw_scene("test", index))
            take = DEGRADATIONS["audio_delay"](Take(frames, 16.0, samples, 16_000), delay, RNG(0))
            write_clip(folder / f"toybox-test-{index:04d}.mp4", take.frames, 16, take.samples, 16_000)
        result = avbench.run(folder, "toybox", metrics=["event_f1"], only_present=True, store=None)["event_f1"]
        assert result.n.scored == 4
        values.append(result.value)
        if not delay:
            details = [s.details for s in result.scores]
            assert np.mean([d["picture_f1"] for d in details]) > 0.9 and np.mean([d["sound_f1"] for d in details]) > 0.9
    assert values[0] > 0.9 and values[2] < 0.4 and values == sorted(values, reverse=True)


def test_event_f1_asks_for_the_events_of_its_prompt(tmp_path: Path) -> None:
    """Renderings of one seed agree in themselves, but not with the events of another."""
    from avbench.generate import generate

    generate("ground_truth", tmp_path / "clips", limit=6)
    (tmp_path / "seven.json").write_text('{"seed": 7}')

    def judged(prompts: Path | None) -> Result:
        return avbench.run(tmp_path / "clips", "toybox", prompts=prompts, metrics=["event_f1"], limit=6, store=None)["event_f1"]

    right, wrong = judged(None), judged(tmp_path / "seven.json")
    assert right.n.scored == wrong.n.scored == 5 and right.value is not None and wrong.value is not None
    assert right.value > 0.9 and wrong.value < 0.6
    agreement = [[s.details["agreement_f1"] for s in r.scores] for r in (right, wrong)]
    assert agreement[0] == agreement[1]
    score = right.scores[0]
    assert score.value == min(score.details["picture_f1"], score.details["sound_f1"])


SYNC = ("av_offset", "av_align")


@pytest.mark.parametrize("metric", [*SYNC, "temporal_flickering", "frozen", "motion", "sharpness", "clipping", "loudness"])
def test_renaming_and_remuxing_change_nothing(tmp_path: Path, metric: str) -> None:
    rows = [t for kind in ("flash", "bounce") for t in takes(kind, 2)]
    first, second = tmp_path / "a", tmp_path / "b b ü"
    second.mkdir()
    judge(first, rows, "frozen")
    for clip in first.glob("*.mp4"):
        with av.open(str(clip)) as old, av.open(str(second / f"x{clip.stem}.mov"), "w") as new:
            streams = {s.index: new.add_stream_from_template(s) for s in old.streams}
            for packet in old.demux():
                if packet.dts is not None:
                    packet.stream = streams[packet.stream.index]
                    new.mux(packet)
    before, after = (avbench.run(folder, metrics=[metric], store=None)[metric] for folder in (first, second))
    assert after.value == pytest.approx(before.value, abs=2e-3)


@pytest.mark.parametrize("metric", [*SYNC, "clipping"])
@pytest.mark.parametrize("gain", [-12.0, 3.0])
def test_gain_does_not_matter_to_synchrony(tmp_path: Path, metric: str, gain: float) -> None:
    rows = takes("flash", 3)
    before = judge_some(tmp_path / "a", rows, metric)
    after = judge_some(tmp_path / "b", [DEGRADATIONS["gain"](t, gain, RNG(0)) for t in rows], metric)
    assert before.keys() == after.keys()
    assert all(after[k] == pytest.approx(before[k], abs=0.02) for k in before)


def judge_some(folder: Path, rows: Sequence[Take], metric: str) -> dict[str, float]:
    """Scores of those takes that have one."""
    judge(folder, rows, "frozen", ".mkv")
    return {s.clip: s.value for s in avbench.run(folder, metrics=[metric], store=None)[metric].scores}


def test_official_av_align_can_exceed_one() -> None:
    from avbench_metrics.sync.av_align import motion_peaks, official

    assert motion_peaks(np.array([0, 0, 1, 0, 2, 2, 0.0]), 10).tolist() == [0.2]
    assert official(np.array([0.98, 1.0, 1.02]), np.array([1.0]), 10) == pytest.approx(3.0, rel=1e-5)
    assert official(np.array([]), np.array([1.0]), 10) == 0.0
    assert official(np.array([1.1]), np.array([1.0]), 10) == 0.0, "the bound is strict"


def test_official_av_align_falls_with_the_delay(tmp_path: Path) -> None:
    pytest.importorskip("librosa")
    rows = takes("flash", 3)
    late = [DEGRADATIONS["audio_delay"](t, 0.12, RNG(0)) for t in rows]
    assert judge(tmp_path / "a", rows, "av_align@official") > judge(tmp_path / "b", late, "av_align@official")


def test_speaker_swap_lowers_similarity(tmp_path: Path) -> None:
    pytest.importorskip("resemblyzer")
    from avbench import catalog
    from avbench.benchmark import Benchmark
    from avbench.generate import generate

    bench: Benchmark = catalog.load("benchmark", "toybox")
    assert bench.prompts(None, 8)[2].speaker is not None
    values = []
    for model in ("ground_truth", "shuffled_audio"):
        generate(model, tmp_path / model, limit=24)
        report = avbench.run(tmp_path / model, "toybox", metrics=["speaker_similarity", "voice_consistency"], limit=24, store=None)
        assert report["speaker_similarity"].n.scored == 6
        assert report["speaker_similarity"].n.not_applicable == 18
        values.append(report["speaker_similarity"].value)
    assert values[0] is not None and values[1] is not None and values[0] > values[1] + 0.05
    shutil.rmtree(tmp_path)


def test_motion_does_not_depend_on_the_size_above_144_rows(tmp_path: Path) -> None:
    values = []
    for size in (144, 288):
        settings = Settings(size=size)
        rows = [Take(*(lambda r: (r[0], 16.0, r[1], 16_000))(render(draw_scene("test", i), settings))) for i in (0, 3, 6)]
        values.append(judge(tmp_path / str(size), rows, "motion"))
    assert values[0] == pytest.approx(values[1], rel=0.2)
