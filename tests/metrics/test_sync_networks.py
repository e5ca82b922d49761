"""DeSync and LSE end to end with stand-ins, and their scores from answers that are known."""

from __future__ import annotations

import argparse
import os
from pathlib import Path
from typing import Any, ClassVar

import cv2
import numpy as np
import pytest
from avbench_metrics._features import lip_tracks, synchformer_offsets
from avbench_metrics._features.lip_tracks import LipTracks, VerseBenchLips
from avbench_metrics._features.synchformer_checkpoint import read_upstream
from avbench_metrics._features.synchformer_offsets import SyncedLength, SynchformerLogits, VerseBenchLogits
from avbench_metrics._maths.desync import GRID
from avbench_metrics._maths.face_crop import face, squares
from avbench_metrics.sync import desync, lse_c, lse_d

import avbench
from avbench import weights
from avbench.clip import Clip, Prompt
from avbench.errors import AvbenchError, MissingCheckpoint, Unscorable
from avbench.feature import Array, Feature, Sample
from avbench.media import write_clip
from avbench.metric import ClipMetric
from avbench.rule import rule_fill, rule_input
from avbench.testing import check_metric

torch = pytest.importorskip("torch")
pytest.importorskip("python_speech_features")
synchformer = pytest.importorskip("avbench_metrics._features.networks.synchformer")

NAMES = [f"desync@{name}" for name in desync.PROTOCOLS]
LSE = [f"{name}@{protocol}" for name in ("lse_c", "lse_d") for protocol in lse_c.PROTOCOLS]
ROWS = 11  # av-benchmark's 24 segments: row 0 is JavisBench's window, then windows from segment 0 to 10


def write(path: Path, seconds: float, sound_seconds: float | None = None, side: int = 160, rate: int = 16_000) -> Path:
    """A bright square that wanders over noise, and noise as sound."""
    count = round(25 * seconds)
    frames = (rule_input("room", (1, side, side, 3), 60, 90) + np.zeros((count, 1, 1, 1))).astype(np.uint8)
    for i, frame in enumerate(frames):
        frame[40:70, 2 * i % (side - 40) : 2 * i % (side - 40) + 30] = 240
    samples = rule_input("sound", (round(rate * (sound_seconds or seconds)),), 0.3)
    write_clip(path, frames, 25, samples, rate)
    return path


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Clips of 5.2 and 2.2 s."""
    root = tmp_path_factory.mktemp("sync")
    write(root / "long.mkv", 5.2)
    write(root / "short.mkv", 2.2)
    return root


@pytest.fixture(scope="module")
def report(folder: Path) -> Any:
    return avbench.run(folder, metrics=[*NAMES, *LSE], stand_in=True, store=None)


def outcome(report: Any, name: str, clip: str) -> Any:
    """One clip's score under a metric, or why it has none."""
    (found,) = [row for row in (*report[name].scores, *report[name].missing) if row.clip == clip]
    return found


def kind(report: Any, name: str, clip: str) -> str:
    """``scored`` or the kind of reason."""
    return getattr(outcome(report, name, clip), "kind", "scored")


@pytest.mark.parametrize("name", [*NAMES, *LSE])
def test_contract(name: str) -> None:
    check_metric(name)


def test_desync_runs_from_files(report: Any) -> None:
    for name, short, long in [
        ("desync@fixed", "too_short", "scored"),
        ("desync@javisbench", "scored", "scored"),
        ("desync@av_benchmark", "too_short", "too_short"),
        ("desync@mova", "too_short", "scored"),
        ("desync@verse_bench", "too_short", "scored"),
    ]:
        assert (kind(report, name, "short"), kind(report, name, "long")) == (short, long), name
    for name in ("fixed", "javisbench", "mova"):
        assert 0 <= outcome(report, f"desync@{name}", "long").value <= 2
    assert -2 <= outcome(report, "desync@verse_bench", "long").value <= 2


def test_lse_runs_from_files(report: Any, tmp_path: Path) -> None:
    """The stand-in sees a face of 0.6 of the height: 96 pixels are too small for two protocols, 107 are not."""
    write(tmp_path / "large.mkv", 4.2, side=178)
    large = avbench.run(tmp_path, metrics=LSE, stand_in=True, store=None)
    for name in ("lse_c", "lse_d"):
        assert outcome(report, f"{name}@fixed", "long").value > 0
        assert outcome(report, f"{name}@fixed", "short").value > 0  # 55 frames
        assert kind(report, f"{name}@wav2lip", "long") == "no_face"
        assert kind(report, f"{name}@mova", "long") == "no_face"
        for protocol in lse_c.PROTOCOLS:
            assert 0 < outcome(large, f"{name}@{protocol}", "large").value < float("inf"), protocol
    assert outcome(large, "lse_c@verse_bench", "large").details["offset_frames"] == 0  # the stand-in finds them in time
    details = outcome(report, "lse_c@fixed", "long").details
    assert details["tracks"] == 1 and details["coverage"] == 1
    assert details["lse_c_times_coverage"] == outcome(report, "lse_c@fixed", "long").value


def test_small_toybox_clips_get_a_reason_or_a_number(toybox_folder: Path) -> None:
    found = avbench.run(toybox_folder, metrics=["desync", "desync@javisbench", "lse_d", "lse_d@mova"], stand_in=True, store=None)
    expected = {"desync": "too_short", "desync@javisbench": "scored", "lse_d": "scored", "lse_d@mova": "too_small"}
    for clip in found.clips:
        assert {name: kind(found, name, clip) for name in expected} == expected


def features_of(feature: Feature, *paths: Path) -> list[Array]:
    """The feature of each clip, together in one batch."""
    prepared = []
    for path in paths:
        clip = Clip(path, Prompt(path.stem))
        clip.decode(feature.reads)
        prepared.append(feature.prepare(clip))
    with weights.stand_ins():
        return list(feature.load("cpu")(prepared))


@pytest.mark.parametrize("feature", [SynchformerLogits(), LipTracks(), VerseBenchLips()])
def test_batches_change_nothing(feature: Feature, folder: Path, tmp_path: Path) -> None:
    paths = [write(tmp_path / "other.mkv", 2.0, side=96), folder / "short.mkv"]
    together = features_of(feature, *paths)
    for whole, path in zip(together, paths, strict=True):
        (alone,) = features_of(feature, path)
        assert np.array_equal(whole, alone, equal_nan=True)


def test_one_window_is_one_row_and_javisbench_sees_four_seconds(folder: Path, tmp_path: Path) -> None:
    (found,) = features_of(SynchformerLogits(), folder / "long.mkv")
    assert found.shape == (1 + 15 - 13, 21)
    (first,) = features_of(SynchformerLogits(), write(tmp_path / "first.mkv", 4.4))
    assert first.shape == (1, 21)
    assert np.abs(first[0] - found[0]).max() < 0.05 * np.abs(found).max()  # the same 4 s, encoded apart
    (short,) = features_of(SynchformerLogits(), folder / "short.mkv")
    assert short.shape == (1, 21) and np.abs(short - first).max() > 1e-3 * np.abs(first).max()


@pytest.mark.parametrize(("feature", "module"), [(SynchformerLogits(), synchformer_offsets), (LipTracks(), lip_tracks)])
def test_micro_batches_change_nothing(feature: Feature, module: Any, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (whole,) = features_of(feature, folder / "short.mkv")
    monkeypatch.setattr(module, "MICRO_BATCH", module.MICRO_BATCH + 3)
    (other,) = features_of(feature, folder / "short.mkv")
    assert np.abs(whole - other).max() <= 1e-5 * np.abs(whole).max()


@pytest.mark.parametrize(
    ("feature", "scale", "smooth", "lacking"), [(LipTracks(), 0.40, True, 0), (VerseBenchLips(), 0.3, False, 1)]
)
def test_what_syncnet_is_shown(
    feature: Feature, scale: float, smooth: bool, lacking: int, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A face that jumps in one frame: only the S3FD pipeline smooths it away; crops and sound are as long as declared."""
    boxes = [np.asarray([[40.0, 40, 110, 120]]) + (8 if i == 20 else 0) for i in range(55)]
    shown: dict[str, Array] = {}

    def means(network: Any, device: str, faces: Array, sound: Array) -> Array:
        shown.update(faces=faces, sound=sound)
        return np.ones(31)

    def detector(device: str) -> Any:
        left = iter(boxes)
        return lambda picture, scale: next(left)

    for name in ("s3fd", "scrfd"):
        monkeypatch.setattr(lip_tracks.face_detection, name, detector)
    monkeypatch.setattr(lip_tracks, "_means", means)
    (rows,) = features_of(feature, folder / "short.mkv")
    assert rows[0, [0, 1, 2, 3, 4, 6]].tolist() == [0, 55, 55, 55, 80, 55]
    clip = Clip(folder / "short.mkv", Prompt("short"))
    clip.decode(feature.reads)
    files, samples, _ = feature.prepare(clip)
    square = squares(boxes[0] if smooth else boxes[20])[0]
    assert np.array_equal(shown["faces"][20], face(cv2.imdecode(files[20], cv2.IMREAD_COLOR), square, scale))
    assert np.array_equal(shown["sound"], samples[: (55 - lacking) * 640])


def test_the_authors_checkpoint_is_what_verse_bench_runs_on(folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A file wrapped like theirs gives the answers of the network inside it."""
    (expected,) = features_of(VerseBenchLogits(), folder / "long.mkv")
    state = rule_fill(synchformer.tiny()).state_dict()
    torch.save({"model": state, "args": argparse.Namespace(rate=1)}, tmp_path / "24-01-04T16-39-21.pt")
    monkeypatch.setattr(weights, "paths", lambda name: {name: tmp_path / "24-01-04T16-39-21.pt"})
    monkeypatch.setattr(synchformer, "build", synchformer.tiny)
    feature = VerseBenchLogits()
    clip = Clip(folder / "long.mkv", Prompt("long"))
    clip.decode(feature.reads)
    (found,) = feature.load("cpu")([feature.prepare(clip)])
    assert np.array_equal(found, expected)


def test_without_weights_the_command_that_fetches_them_is_named(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("AVBENCH_WEIGHTS", str(tmp_path))
    for feature, way in (
        (SynchformerLogits(), "run: avbench weights pull synchformer"),
        (LipTracks(), "weights pull s3fd"),
        (VerseBenchLips(), r"no address offers it: get det_10g.onnx from .*: avbench weights add scrfd FILE\."),
    ):
        with pytest.raises(MissingCheckpoint, match=way) as caught:
            feature.load("cpu")
        assert ("weights pull" in str(caught.value)) == ("pull" in way)


def test_verse_bench_takes_four_seconds(folder: Path) -> None:
    (found,) = features_of(VerseBenchLogits(), folder / "long.mkv")
    assert found.shape == (1, 21)
    with pytest.raises(Unscorable, match="takes 4 s"):
        features_of(VerseBenchLogits(), folder / "short.mkv")


def test_length_counts_frames_and_samples_at_16_khz(tmp_path: Path) -> None:
    clip = Clip(write(tmp_path / "a.mkv", 1.2, sound_seconds=1.0, rate=48_000), Prompt("a"))
    clip.decode(SyncedLength().reads)
    frames, samples, level, change = SyncedLength().prepare(clip)
    assert (frames, samples) == (30, 16_000)
    assert 0.05 < level < 0.18 and change > 0.1


def test_still_and_silent_clips_have_no_score(tmp_path: Path) -> None:
    still, sound = np.full((130, 64, 64, 3), 90, np.uint8), rule_input("sound", (83_200,), 0.3)
    moving = still.copy()
    moving[::2] += 40
    write_clip(tmp_path / "still.mkv", still, 25, sound, 16_000)
    write_clip(tmp_path / "silent.mkv", moving, 25, 0 * sound, 16_000)
    found = avbench.run(tmp_path, metrics=["desync", "lse_c", "desync@javisbench"], stand_in=True, store=None)
    assert "does not move" in outcome(found, "desync", "still").reason
    assert "silent" in outcome(found, "desync", "silent").reason and "silent" in outcome(found, "lse_c", "silent").reason
    assert found["desync@javisbench"].n.scored == 2


def answers(*seconds: float) -> Array:
    """Logits that choose these offsets, a row each."""
    return np.stack([-np.abs(GRID - second) for second in seconds])


def sample(metric: ClipMetric, logits: Array, seconds: float = 8.0) -> Sample:
    """A clip with known answers and this much of picture and sound."""
    known: dict[Feature, Array | Exception] = dict.fromkeys(metric.uses, logits)
    known[SyncedLength()] = np.asarray([25 * seconds, 16_000 * seconds, 0.1, 5.0])
    return Sample("clip", Prompt("clip"), known)


def test_protocols_take_their_own_windows() -> None:
    """Row 0 answers 2 s, window s answers s tenths; 8 s have windows 0 to 10."""
    logits = answers(2.0, *(0.2 * round(s / 2) * (-1) ** s for s in range(ROWS)))
    expected = {
        "fixed": (0 + 1.0) / 2,  # windows 0 and 10
        "javisbench": 2.0,
        "av_benchmark": (0 + 1.0) / 2,
        "mova": (0 + 0.8) / 2,  # 7.9 s have 23 segments: windows 0 and 9
    }
    for name, value in expected.items():
        metric = desync.PROTOCOLS[name]
        assert metric.score(sample(metric, logits)) == pytest.approx(value), name


def test_verse_bench_keeps_the_sign_and_fixed_does_not() -> None:
    signed, fixed = desync.PROTOCOLS["verse_bench"], desync.METRIC
    assert signed.score(sample(signed, answers(-0.6))) == pytest.approx(-0.6)
    assert signed.summaries([-0.6, 0.6], [{}, {}]) == {"mean_size": pytest.approx(0.6), "within_200_ms": 0.0}
    one = sample(fixed, answers(0.0, -0.6), seconds=4.8)
    assert fixed.score(one) == pytest.approx(0.6)
    assert fixed.details(one) == {"windows": 1.0, "windows_within_200_ms": 0.0, "signed": pytest.approx(-0.6)}
    assert fixed.summaries([0.0, 0.2, 0.3, 1.0], []) == {"within_200_ms": 0.5}


def test_larger_offsets_score_worse_on_either_side() -> None:
    metric = desync.METRIC
    scores = [metric.score(sample(metric, answers(0.0, s), seconds=4.8)) for s in (0.0, 0.2, -0.8, 1.6)]
    assert scores == sorted(scores) and len(set(scores)) == 4


def test_too_short_for_each_protocol() -> None:
    for name, seconds in (("fixed", 4.7), ("av_benchmark", 7.9), ("mova", 4.8)):
        metric = desync.PROTOCOLS[name]
        with pytest.raises(Unscorable) as found:
            metric.score(sample(metric, answers(*[0.0] * ROWS), seconds))
        assert found.value.kind == "too_short", name


def tracks_of(lips: Array, sounds: Array, frames: int = 120) -> Array:
    """A row for a track whose embeddings are these."""
    from avbench_metrics._maths.lip_sync import distances

    return np.concatenate([[0, frames, frames, 125, 120.0, 0.1, 125], distances(lips, sounds).mean(axis=0)])[None]


@pytest.mark.parametrize("protocol", lse_c.PROTOCOLS)
def test_noise_on_the_mouth_makes_both_worse(protocol: str) -> None:
    course = rule_input("course", (120, 32))
    found: dict[str, list[float]] = {"c": [], "d": []}
    for noise in (0.1, 0.6, 1.5):
        rows = tracks_of(course + rule_input("noise", (120, 32), noise), course)
        for key, module in (("c", lse_c), ("d", lse_d)):
            metric = module.PROTOCOLS[protocol]
            found[key].append(metric.score(Sample("clip", Prompt("clip"), {metric.feature: rows})))
    assert found["c"] == sorted(found["c"], reverse=True)
    assert found["d"] == sorted(found["d"])


def test_a_listener_lowers_the_mean_and_not_the_best() -> None:
    course = rule_input("course", (120, 32))
    speaker, listener = tracks_of(course, course), tracks_of(rule_input("other", (120, 32)), course)
    both = np.concatenate([speaker, listener])

    def score(protocol: str, rows: Array) -> float:
        metric = lse_c.PROTOCOLS[protocol]
        return float(metric.score(Sample("clip", Prompt("clip"), {metric.feature: rows})))

    assert score("fixed", both) < score("fixed", speaker)
    assert score("mova", both) == score("mova", speaker)
    assert score("wav2lip", both) == pytest.approx(score("wav2lip", np.concatenate([listener, speaker])))


def test_distance_and_confidence_share_one_feature() -> None:
    for name in lse_c.PROTOCOLS:
        assert lse_c.PROTOCOLS[name].uses == lse_d.PROTOCOLS[name].uses
    assert desync.PROTOCOLS["fixed"].uses == desync.PROTOCOLS["mova"].uses == desync.PROTOCOLS["javisbench"].uses


class _Thief:
    """Its pickle would write a file when read."""

    seen: ClassVar[list[str]] = []

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> tuple[Any, tuple[str]]:
        return (os.system, (f"touch {self.path}",))


def test_the_authors_checkpoint_is_read_without_running_its_code(tmp_path: Path) -> None:
    tensors = {"module.vproj.weight": torch.arange(6.0).reshape(2, 3), "module.vproj.bias": torch.nn.Parameter(torch.ones(2))}
    thief = _Thief(tmp_path / "stolen")
    content = {"model": tensors, "args": argparse.Namespace(rate=1), "thief": thief, "epoch": 3, "list": [_Thief]}
    torch.save(content, tmp_path / "whole.pt")
    with pytest.raises(AvbenchError):
        weights.read_tensors(tmp_path / "whole.pt")
    found = read_upstream(tmp_path / "whole.pt")
    assert sorted(found) == ["vproj.bias", "vproj.weight"]
    assert torch.equal(found["vproj.weight"], tensors["module.vproj.weight"])
    assert not (tmp_path / "stolen").exists()


@pytest.mark.parametrize("content", [{"weights": {}}, {"model": {}}, {"model": {"a": 1}}])
def test_another_file_is_refused(content: dict[str, Any], tmp_path: Path) -> None:
    torch.save(content, tmp_path / "other.pt")
    with pytest.raises(AvbenchError, match=r"other\.pt"):
        read_upstream(tmp_path / "other.pt")
    (tmp_path / "noise.pt").write_bytes(b"no checkpoint")
    with pytest.raises(AvbenchError, match=r"noise\.pt"):
        read_upstream(tmp_path / "noise.pt")
