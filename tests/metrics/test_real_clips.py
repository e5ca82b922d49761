"""What can only be known on real clips and voices; skipped where they are not at hand."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest
import soundfile

import avbench
from avbench.feature import Frames, Waveform
from avbench.media import decode, write_clip
from avbench.report import Result
from avbench.world.degradations import Take, audio_delay


def _delayed(source: Path, target: Path, delay: float) -> None:
    """The clip with its picture packets as they are and its sound moved and encoded again."""
    sound = Waveform()
    samples, rate = decode(source, (sound,)).waveform(sound)
    samples = audio_delay(Take(np.zeros((1, 2, 2, 3), np.uint8), 1.0, samples, rate), delay, np.random.default_rng(0)).samples
    with av.open(str(source)) as old, av.open(str(target), "w") as new:
        picture = new.add_stream_from_template(old.streams.video[0])
        stream = new.add_stream("aac", rate=rate, layout="mono")
        for packet in old.demux(old.streams.video[0]):
            if packet.dts is not None:
                packet.stream = picture
                new.mux(packet)
        for start in range(0, len(samples), 1024):
            frame = av.AudioFrame.from_ndarray(samples[None, start : start + 1024], format="fltp", layout="mono")
            frame.sample_rate, frame.pts, frame.time_base = rate, start, Fraction(1, rate)
            new.mux(stream.encode(frame))
        new.mux(stream.encode(None))


def _offsets(folder: Path) -> Result:
    return avbench.run(folder, metrics=["av_offset"], store=None)["av_offset"]


def test_a_delay_of_200_ms_moves_av_offset_by_200_ms(real_data: Path, tmp_path: Path) -> None:
    sources = sorted(p for name in ("verse_bench_mini", "t2av_compass", "ovi") for p in (real_data / "clips" / name).glob("*.mp4"))
    assert len(sources) == 14
    results = []
    for delay in (0.0, 0.2):
        folder = tmp_path / str(delay)
        folder.mkdir()
        for i, source in enumerate(sources):
            _delayed(source, folder / f"{i:02d}.mp4", delay)
        results.append(_offsets(folder))
    before, after = ({s.clip: s.value for s in r.scores} for r in results)
    both = before.keys() & after.keys()
    moved = {clip: after[clip] - before[clip] for clip in both}
    assert len(both) >= 9
    assert all(m == pytest.approx(0.2, abs=0.04) for m in moved.values()), moved
    for result in results:
        assert all(m.kind == "not_applicable" and m.reason for m in result.missing)


def test_voices_of_one_person_are_nearer_than_of_two(real_data: Path, tmp_path: Path) -> None:
    pytest.importorskip("resemblyzer")
    import json

    people = {p.name: sorted(p.glob("*.flac"))[:2] for p in sorted((real_data / "speech").iterdir()) if p.is_dir()}
    rows = []
    for name, (said, _) in people.items():
        samples, rate = soundfile.read(said, dtype="float32")
        write_clip(tmp_path / f"{name}.mp4", np.zeros((8, 16, 16, 3), np.uint8), 1, samples[: 6 * rate], rate)
    for name in people:
        for other, (_, reference) in people.items():
            rows.append({"id": f"{name}-{other}", "path": f"{name}.mp4", "speaker": str(reference)})
    (tmp_path / "manifest.jsonl").write_text("\n".join(map(json.dumps, rows)))
    result = avbench.run(tmp_path, metrics=["speaker_similarity"], store=tmp_path / "store")["speaker_similarity"]
    scores = {tuple(s.clip.split("-")): s.value for s in result.scores}
    same = [v for (a, b), v in scores.items() if a == b]
    strangers = [v for (a, b), v in scores.items() if a != b]
    assert len(same) == 5 and min(same) > max(strangers)


def test_dnsmos_hears_noise(real_data: Path, tmp_path: Path) -> None:
    pytest.importorskip("speechmos")
    from avbench.world.degradations import audio_noise

    samples, rate = soundfile.read(next((real_data / "speech").rglob("*.flac")), dtype="float32")
    frames = np.zeros((8, 16, 16, 3), np.uint8)
    for name, dose in (("a", 0.001), ("b", 0.1), ("c", 0.56)):
        take = audio_noise(Take(frames, 1.0, samples[: 8 * rate], rate), dose, np.random.default_rng(0))
        write_clip(tmp_path / f"{name}.mkv", frames, 1, take.samples, rate)
    values = {s.clip: s.value for s in avbench.run(tmp_path, metrics=["dnsmos"], store=None)["dnsmos"].scores}
    assert values["a"] > values["b"] > values["c"]


@pytest.mark.parametrize("crf", [18, 23, 28, 35])
def test_stills_of_real_clips_are_frozen_and_the_clips_are_not(real_data: Path, tmp_path: Path, crf: int) -> None:
    every = Frames(height=256)
    for source in sorted((real_data / "clips").rglob("*.mp4"))[::5]:
        frames, _ = decode(source, (every,)).frames(every)
        write_clip(tmp_path / f"{source.stem[:9]} still.mp4", np.repeat(frames[40:41], 48, axis=0), 24, None, crf=crf)
        write_clip(tmp_path / f"{source.stem[:9]} moves.mp4", frames[20:68], 24, None, crf=crf)
    scores = {s.clip: s.value for s in avbench.run(tmp_path, metrics=["frozen"], store=None)["frozen"].scores}
    assert len(scores) == 6
    assert all(value > 0.9 if name.endswith("still") else value < 0.1 for name, value in scores.items()), scores


def test_verse_bench_from_the_command_line(real_data: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    from avbench.cli import main

    report = str(tmp_path / "r.json")
    prompts = str(real_data / "benchmarks" / "verse_bench_mova_prompts.json")
    clips = str(real_data / "clips" / "verse_bench_mini")
    command = ["run", "--benchmark", "verse_bench", "--prompts", prompts, "--clips", clips, "--model", "universe-1"]
    assert main([*command, "--only-present", "--metrics", "available", "--report", report]) == 0
    assert main(["rank", report]) == 0
    text = capsys.readouterr().out
    assert "Limited to the 7 of 600" in text and "fad_mel" in text and "N=7" in text
