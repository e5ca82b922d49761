"""TV-IB, TA-IB, AV-IB, AVHScore and JavisScore: from files with stand-ins, and on embeddings made by hand."""

from __future__ import annotations

import math
from fractions import Fraction
from importlib.util import find_spec
from pathlib import Path

import av
import numpy as np
import pytest

import avbench
from avbench import testing, weights
from avbench.clip import Clip, Prompt
from avbench.errors import Unscorable
from avbench.feature import Array, Feature, Sample, Waveform
from avbench.media import write_clip
from avbench.metric import ClipMetric
from avbench.weights import stand_ins

torch = pytest.importorskip("torch")
if find_spec("torchaudio") is None or find_spec("open_clip") is None:
    pytest.skip("torchaudio or open-clip-torch is not installed", allow_module_level=True)
from avbench_metrics._features import clock, imagebind  # noqa: E402
from avbench_metrics._features.networks import imagebind_input as given  # noqa: E402
from avbench_metrics.alignment import avh_score, ib_audio_video, ib_text_audio, ib_text_video, javis_score  # noqa: E402

MODULES = {
    "ib_text_video": ib_text_video,
    "ib_text_audio": ib_text_audio,
    "ib_audio_video": ib_audio_video,
    "avh_score": avh_score,
    "javis_score": javis_score,
}
NAMES = [f"{name}@{protocol}" for name, module in MODULES.items() for protocol in module.PROTOCOLS]


def clip_file(path: Path, seconds: float, fps: float = 24.0, channels: int = 1, rate: int = 16_000) -> Path:
    """A moving gradient over noise that swells, lossless."""
    count = round(seconds * fps)
    ramp = np.linspace(0, 200, 64)[:, None] * np.ones(80)
    frames = np.stack([np.roll(ramp, 2 * i, axis=0) for i in range(count)])[..., None].repeat(3, axis=3).astype(np.uint8)
    swell = np.linspace(0.05, 0.5, round(seconds * rate))
    samples = np.stack([np.random.default_rng(c).uniform(-1, 1, len(swell)) * swell + 0.02 * c for c in range(channels)])
    write_clip(path, frames, fps, samples.astype(np.float32), rate)
    return path


def prepared(feature: Feature, clip: Clip) -> Array:
    """What the feature makes of a clip before its network."""
    clip.decode(feature.reads)
    return np.asarray(feature.prepare(clip))


def arrays(feature: Feature, clips: list[Clip]) -> list[Array]:
    """The feature of several clips, in one batch."""
    with stand_ins():
        return [np.asarray(x) for x in feature.load("cpu")([prepared(feature, clip) for clip in clips])]


def test_from_files(toybox_folder: Path) -> None:
    report = avbench.run(toybox_folder, "toybox", metrics=NAMES, stand_in=True, store=None, only_present=True, limit=2)
    for name in NAMES:
        result = next(r for r in report.metrics if f"{r.metric}@{r.protocol}" == name)
        if name.startswith("ib_audio_video@av_benchmark") or name == "ib_audio_video@mova":
            assert [m.kind for m in result.missing] == ["too_short"] * 2, name
        else:
            assert result.n.scored == 2 and result.value is not None and -1 <= result.value <= 1, (name, result.missing)
        assert all(w.status == "stand-in" for w in result.weights) and result.weights[0].name == "imagebind_huge"


@pytest.mark.usefixtures("without_digests")
def test_from_a_checkpoint(toybox_folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The official way in, but for the size: a file whose tensors become the network's own, with no stand-in."""
    from avbench_metrics._features.networks import imagebind as network

    monkeypatch.setenv("AVBENCH_WEIGHTS", str(tmp_path / "weights"))
    monkeypatch.setattr(network, "HUGE", network.TINY)
    with pytest.raises(avbench.errors.UsageError, match="avbench weights pull imagebind_huge"):
        avbench.run(toybox_folder, metrics=["ib_audio_video"], store=None)
    filled = testing.rule_fill(network.build(), keep=("text.mask",))
    torch.save(filled.state_dict(), tmp_path / "imagebind_huge.pth")
    weights.add("imagebind_huge", tmp_path / "imagebind_huge.pth")
    clip = Clip(clip_file(tmp_path / "a.mkv", 3.0, 8), Prompt("a", "a dog barks"))
    feature = imagebind.ImageBindText()
    assert feature.checkpoint == weights.state("imagebind_huge").sha256 != ""
    (found,) = feature.load("cpu")([feature.prepare(clip)])
    with torch.no_grad():
        expected = filled.embed("text", torch.from_numpy(feature.prepare(clip)))[0].numpy()
    assert len(found) == 1024 and np.array_equal(found, expected)
    result = avbench.run(tmp_path, metrics=["ib_audio_video"], store=None)["ib_audio_video"]
    assert result.n.scored == 1 and result.weights[0].status == "unverified"
    filled.double()
    broken = dict(filled.state_dict())
    del broken["modality_trunks.audio.blocks.1.attn.bias_k"]
    torch.save(broken, tmp_path / "imagebind_huge.pth")
    weights.add("imagebind_huge", tmp_path / "imagebind_huge.pth")
    with pytest.raises(avbench.errors.AvbenchError, match="bias_k"):
        feature.load("cpu")
    told: list[tuple[str, int, int]] = []
    with pytest.raises(avbench.errors.UsageError, match=r"ib_audio_video@fixed cannot run: .* 1 absent \(.*bias_k\)\. Or pass"):
        avbench.run(tmp_path, metrics=["ib_audio_video"], store=None, progress=lambda *words: told.append(words))
    assert told == []  # known before the first clip
    with pytest.raises(avbench.errors.UsageError, match=r"No metric is left to run: .*ib_audio_video@av_benchmark: .*bias_k"):
        avbench.run(tmp_path, "av_benchmark", metrics="available", reference=toybox_folder, store=None)


def test_without_words_or_sound(tmp_path: Path, toybox_folder: Path) -> None:
    write_clip(tmp_path / "mute.mp4", np.zeros((24, 64, 64, 3), np.uint8), 24)
    run = avbench.run(tmp_path, metrics=["ib_audio_video", "avh_score", "javis_score"], stand_in=True, store=None)
    assert [result.missing[0].kind for result in run.metrics] == ["no_audio"] * 3
    with pytest.raises(avbench.errors.UsageError, match="The prompt has no text"):
        avbench.run(toybox_folder, metrics=["ib_text_video"], stand_in=True, store=None)


@pytest.mark.parametrize("name", MODULES)
def test_contract(name: str) -> None:
    testing.check_metric(name)
    assert "NC" in MODULES[name].METRIC.card.licence
    repeats = {repr(metric) for metric in MODULES[name].PROTOCOLS.values()}
    assert len(repeats) == len(MODULES[name].PROTOCOLS)


def sample(metric: ClipMetric, *values: Array) -> Sample:
    """A clip with embeddings made by hand."""
    return Sample("x", Prompt("x"), dict(zip(metric.uses, values, strict=True)))


@pytest.mark.parametrize("module", [ib_text_video, ib_text_audio, ib_audio_video])
def test_a_pair_is_its_cosine(module: object) -> None:
    one, other = np.array([3.0, 0.0, 4.0]), np.array([0.0, 2.0, 0.0])
    for metric in module.PROTOCOLS.values():  # type: ignore[attr-defined]
        assert metric.score(sample(metric, one, 7 * one)) == pytest.approx(1.0)
        assert metric.score(sample(metric, one, other)) == 0.0
        assert metric.score(sample(metric, one, one + other)) == pytest.approx(5 / math.sqrt(29))
        with pytest.raises(Unscorable) as caught:
            metric.score(sample(metric, one, one * np.nan))
        assert caught.value.kind == "not_finite"


def test_frames_that_leave_the_sound_lower_both_scores() -> None:
    frames, sound = np.tile([1.0, 0.0], (65, 1)), np.array([2.0, 0.0])
    windows = np.tile(sound, (6, 1))
    for protocol in ("fixed", "javisbench"):
        avh, javis = avh_score.PROTOCOLS[protocol], javis_score.PROTOCOLS[protocol]
        for bad in (0, 13, 65):
            frames[:bad] = [0.0, 1.0]
            assert avh.score(sample(avh, frames, sound)) == pytest.approx(1 - bad / 65)
            # 32 frames a window, of which the worst 12 count; windows start with frames 0, 8, 16, 24, 32, 33
            counted = [min(12, max(0, bad - start)) / 12 for start in (0, 8, 16, 24, 32, 33)]
            score = javis.score(sample(javis, frames, windows, np.array([65, 16.0, 65_000])))
            assert score == pytest.approx(1 - np.mean(counted))
        frames[:] = [1.0, 0.0]


def test_javis_score_of_hardly_any_frames_has_a_reason() -> None:
    for metric in javis_score.PROTOCOLS.values():
        with pytest.raises(Unscorable) as caught:
            metric.score(sample(metric, np.ones((2, 3)), np.ones((1, 3)), np.array([2, 1.0, 30_000])))
        assert caught.value.kind == "too_short"


FEATURES: list[Feature] = [
    imagebind.ImageBindText("text", "official"),
    imagebind.ImageBindSound("official"),
    imagebind.ImageBindSound("fixed"),
    imagebind.ImageBindWindows("official"),
    imagebind.ImageBindWindows("fixed"),
    imagebind.ImageBindVideo(),
    imagebind.ImageBindVideo("pairs"),
    imagebind.ImageBindFrames(),
]


@pytest.mark.parametrize("feature", FEATURES, ids=repr)
def test_no_feature_depends_on_its_batch(tmp_path: Path, feature: Feature) -> None:
    clips = [
        Clip(clip_file(tmp_path / "a.mkv", 4.3, 8), Prompt("a", "a dog barks")),
        Clip(clip_file(tmp_path / "b.mkv", 5.1, 10), Prompt("b", "rain on a roof " * 30)),
    ]
    together, alone = arrays(feature, clips), [arrays(feature, [clip])[0] for clip in clips]
    for one, other in zip(together, alone, strict=True):
        assert one.shape == other.shape and abs(one - other).max() <= 1e-5 * abs(one).max()
    assert not np.array_equal(together[0], together[1])


def test_windows_are_those_of_the_clock(tmp_path: Path) -> None:
    clip = Clip(clip_file(tmp_path / "a.mkv", 4.0625, 16), Prompt("a"))
    count, fps, samples = prepared(clock.Clock(), clip)
    assert (count, fps, samples) == (65, 16, 65_000)
    for protocol in ("official", "fixed"):
        assert len(arrays(imagebind.ImageBindWindows(protocol), [clip])[0]) == 6


def test_a_window_of_2_s_is_embedded_once_not_thrice(tmp_path: Path) -> None:
    """Its three clips are the same, so nothing is lost; a single longer window keeps its three."""
    clip = Clip(clip_file(tmp_path / "a.mkv", 3.0, 16), Prompt("a"))
    feature = imagebind.ImageBindWindows("fixed")
    samples, _ = Clip(clip.path, clip.prompt).waveform(Waveform())
    whole = given.audio_windows(samples[None], (0, 8_000, 16_000), 32_000, "fixed")
    assert abs(prepared(feature, clip) - whole[:, :1]).max() == 0 and abs(whole - whole[:, :1]).max() < 1e-5
    short = tmp_path / "b.mkv"
    write_clip(short, np.zeros((20, 64, 64, 3), np.uint8), 16, samples, 16_000)
    assert prepared(imagebind.ImageBindWindows("official"), Clip(short, Prompt("b"))).shape == (1, 3, 1, 128, 204)


def test_official_sound_is_the_first_channel_less_the_mean_of_all(tmp_path: Path) -> None:
    path = clip_file(tmp_path / "a.mkv", 3.5, 8, channels=2)
    with av.open(str(path)) as container:
        blocks = [frame.to_ndarray() for frame in container.decode(audio=0)]
    stereo = np.concatenate([block.reshape(-1, 2).T if len(block) == 1 else block for block in blocks], axis=1)
    stereo = stereo / 32768 if stereo.dtype.kind == "i" else stereo
    found = prepared(imagebind.ImageBindSound("official"), Clip(path, Prompt("a")))
    assert abs(found - given.audio_clips(stereo, "official")).max() < 2e-3
    fixed = prepared(imagebind.ImageBindSound("fixed"), Clip(path, Prompt("a")))
    assert abs(fixed - given.audio_clips(stereo, "fixed")).max() < 2e-3
    assert abs(found - fixed).max() > 0.05
    assert abs(found - given.audio_clips(stereo[:1], "official")).max() > 1e-3  # the mean of all matters


@pytest.mark.parametrize("fps", [8.0, 16.0, 24_000 / 1001, 24.0, 25.0, 30_000 / 1001, 30.0, 60_000 / 1001, 60.0])
def test_frame_rates_survive_rounded_times(fps: float) -> None:
    for seconds in (3.0, 4.06, 10.0):
        times = np.arange(round(seconds * fps)) / fps
        assert clock.frame_rate(times) == fps
        assert clock.frame_rate(np.round(times + 0.0004, 3)) == fps
    assert clock.frame_rate(np.array([0.0, 0.08, 0.16])) == pytest.approx(12.5) and clock.frame_rate(np.zeros(1)) == 1.0


@pytest.mark.parametrize(("fps", "seconds"), [(24, 8), (25, 5.04), (16, 4.0625), (8, 6.5)])
def test_slow_frames_are_those_of_the_filter(fps: int, seconds: float) -> None:
    """FFmpeg's own fps filter, asked for half a frame per second; frames carry their number in their grey level."""
    graph = av.filter.Graph()
    source = graph.add_buffer(width=16, height=16, format="gray", time_base=Fraction(1, fps))
    rate = graph.add("fps", "0.5")
    sink = graph.add("buffersink")
    source.link_to(rate)
    rate.link_to(sink)
    graph.configure()
    count, shown = round(fps * seconds), []
    for i in range(count):
        frame = av.VideoFrame.from_ndarray(np.full((16, 16), i, np.uint8), format="gray")
        frame.pts, frame.time_base = i, Fraction(1, fps)
        source.push(frame)
    source.push(None)
    while True:
        try:
            shown.append(int(sink.pull().to_ndarray()[0, 0]))
        except (av.BlockingIOError, av.EOFError):
            break
    expected = shown[: int(0.5 * seconds)]
    assert given.slow_frames(np.arange(count) / fps, count / fps).tolist() == expected


@pytest.mark.parametrize(("told", "seconds", "pictures"), [(4, 6, 2), (5, 6, 2), (8, 8, 4), (8, 7, 4), (8, 6.9, 0)])
def test_av_benchmark_sees_the_length_it_is_told(tmp_path: Path, told: float, seconds: float, pictures: int) -> None:
    """Half a frame per second of it; FFmpeg's last one stands for what follows within a second."""
    frames = np.random.default_rng(0).integers(0, 255, (round(10 * seconds), 32, 32, 3), dtype=np.uint8)
    write_clip(tmp_path / "a.mp4", frames, 10)
    feature = imagebind.ImageBindVideo("pairs", seconds=told)
    if not pictures:
        with pytest.raises(Unscorable, match="8 s are judged"):
            feature.prepare(Clip(tmp_path / "a.mp4", Prompt("a")))
    else:
        assert feature.prepare(Clip(tmp_path / "a.mp4", Prompt("a"))).shape[0] == 3 * (pictures - 1)


def test_slow_frames_need_4_s() -> None:
    assert given.slow_frames(np.arange(100) / 25, 4.0).tolist() == [24, 74]
    for length in (3.99, 0.5):
        with pytest.raises(Unscorable) as caught:
            given.slow_frames(np.arange(100) / 25, length)
        assert caught.value.kind == "too_short"


def test_pairs_slide_and_are_cut_in_three() -> None:
    frames = np.random.default_rng(0).integers(0, 256, (4, 224, 300, 3), dtype=np.uint8)
    found = given.sliding_pairs(frames)
    assert found.shape == (9, 3, 2, 224, 224)
    mean, deviation = (np.array(v)[:, None, None] for v in (given.PICTURE_MEAN, given.PICTURE_SPREAD))
    for pair in range(3):
        for k, left in enumerate((0, 38, 76)):
            for step in range(2):
                square = np.moveaxis(frames[pair + step, :, left : left + 224], -1, 0)
                expected = (square / 255 - mean) / deviation
                assert abs(found[3 * pair + k, :, step] - expected).max() < 1e-5
    assert given.sliding_pairs(frames[:, :112, :150]).shape == (9, 3, 2, 224, 224)
