"""What the pages are made of: files found again, pictures, bars, differences."""

from __future__ import annotations

import dataclasses
import hashlib
import os
import re
import shutil
from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
import pytest

from avbench.leaderboard.view import charts, clip_files, pictures
from avbench.leaderboard.view.differences import pair
from avbench.leaderboard.view.folder import write_view
from avbench.leaderboard.view.subject import clip_ids
from avbench.media import write_clip
from avbench.report import BenchmarkFacts, ClipScore, Counts, Missing, Report, Result, Weights


def sha256(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def test_a_sound_beside_the_picture_and_a_name_that_is_no_utf8_are_found(toybox_folder: Path, tmp_path: Path) -> None:
    source = toybox_folder / "toybox-test-0000.mp4"
    shutil.copy(source, tmp_path / "a.mp4")
    (tmp_path / "a.wav").write_bytes(b"sound")
    both = hashlib.sha256((sha256(source) + hashlib.sha256(b"sound").hexdigest()).encode()).hexdigest()
    shutil.copy(source, os.path.join(os.fsencode(tmp_path), b"b\xff.mp4"))
    facts = {
        "a": {"path": "a.mp4", "sha256": both},
        "b": {"path": "b\\udcff.mp4", "sha256": sha256(source)},
        "c": {"path": "a.mp4"},
    }
    report = dataclasses.replace(one_result([]), clips=facts)
    beside = clip_files.locate(report, "a", [tmp_path / "no", tmp_path])
    assert beside is not None and (beside.path, beside.sound) == (tmp_path / "a.mp4", tmp_path / "a.wav")
    odd = clip_files.locate(report, "b", [tmp_path])
    assert odd is not None and odd.path is not None and os.fsencode(odd.path).endswith(b"b\xff.mp4")
    unknown = clip_files.locate(report, "c", [tmp_path])
    assert unknown is not None and unknown.path is None and "no digest" in unknown.problem
    assert clip_files.locate(report, "d", [tmp_path]) is None


def one_result(scores: list[ClipScore], better: str = "higher") -> Report:
    n = Counts(len(scores), len(scores), 0, 0)
    result = Result("x", "default", "X", 0.0, None, n, "1", better, "i", scores=tuple(scores))
    return Report("m", BenchmarkFacts("folder", 1, "Folder", "", 1, 1), (result,))


@pytest.mark.parametrize("better", ["higher", "zero"])
def test_paired_differences_are_worked_out_on_common_clips(better: str) -> None:
    one = one_result([ClipScore(c, c, v) for c, v in (("a", -1.0), ("b", 2.0), ("c", 5.0), ("only", 9.0))], better)["x"]
    two = one_result([ClipScore(c, c, v) for c, v in (("c", 1.0), ("b", -3.0), ("a", 0.5), ("other", 9.0))], better)["x"]
    found = pair("one", one, "two", two)
    expected = {"higher": {"a": 1.5, "b": -5.0, "c": -4.0}, "zero": {"a": -0.5, "b": 1.0, "c": -4.0}}[better]
    assert found is not None and found.tested is not None
    assert list(zip(found.clips, found.differences, strict=True)) == sorted(expected.items(), key=lambda row: row[1])
    values = np.array(list(expected.values()))
    assert found.mean == found.tested.value == pytest.approx(values.mean())
    assert found.tested.interval.low < values.mean() < found.tested.interval.high and found.tested.clusters == 3
    assert pair("one", one, "two", one_result([ClipScore("z", "z", 1.0)], better)["x"]) is None


def test_bars_count_every_value_on_round_axes() -> None:
    values = [0.0, 0.1, 0.1, 0.5, 1.0]
    scale = charts.Scale(*charts.span(values), 100, 300)
    drawn = charts.bars(values, scale, 50, 30, "bar")
    assert sum(int(count) for count in re.findall(r"<title>(\d+) in", drawn)) == 5
    assert 'height="30"' in drawn and 'height="15"' in drawn
    assert charts.span([2.0]) == pytest.approx((1.8, 2.2)) and charts.span([0.0]) == (-1.0, 1.0)
    assert charts.span([0.01], least=0.15) == pytest.approx((-0.162, 0.162))
    assert charts.ticks(-0.1, 1.04) == pytest.approx([0, 0.5, 1.0]) and charts.ticks(0, 5) == [0, 1, 2, 3, 4, 5]


def test_pictures_show_what_is_in_the_clip(tmp_path: Path) -> None:
    frames = np.repeat(np.arange(0, 256, 16, dtype=np.uint8), 4)[:, None, None, None] * np.ones((1, 32, 48, 3), np.uint8)
    sound = np.zeros(48_000, np.float32)  # the picture lasts 2 s, the sound 3 s
    sound[24_000:] = 0.5 * np.sign(np.sin(np.arange(24_000)))
    clip = tmp_path / "a.mkv"
    write_clip(clip, frames, 32, sound, 16_000)
    file = clip_files.ClipFile("m", "a.mkv", "", clip)
    drawn = pictures.draw(file)
    assert drawn.seconds == pytest.approx(3.0, abs=0.01) and drawn.strip is not None and drawn.outline is not None
    image = cv2.imdecode(np.frombuffer(drawn.strip, np.uint8), cv2.IMREAD_COLOR)
    assert image.shape == (32, 8 * 48, 3)
    tiles = image.reshape(32, 8, 48, 3).mean(axis=(0, 2, 3))
    shown = [16 * int((tile + 0.5) * 3 / 8 * 8) for tile in range(5)]  # one frame per 1/8 s rises by 16
    assert tiles[:5] == pytest.approx(shown, abs=8) and tiles[6:] == pytest.approx([128, 128], abs=2)
    points = np.array([[float(x) for x in p.split()] for p in drawn.outline[1:-1].split("L")])
    high = points[: len(points) // 2]
    assert high[high[:, 0] < 155, 1] == pytest.approx(29.6) and high[high[:, 0] > 165, 1] == pytest.approx(29.6 - 14.5, abs=0.1)


def test_an_undecodable_clip_says_so(tmp_path: Path) -> None:
    (tmp_path / "a.mp4").write_bytes(b"no clip")
    drawn = pictures.draw(clip_files.ClipFile("m", "a.mp4", "", tmp_path / "a.mp4"))
    assert drawn.strip is None and drawn.outline is None and "cannot be read" in drawn.no_strip


def test_numbers_within_ids_sort_as_numbers() -> None:
    report = one_result([ClipScore(c, c, 0.0) for c in ("c10", "c9", "b", "10", "9", "²")])
    assert clip_ids([report]) == ("9", "10", "b", "c9", "c10", "²")


def test_reports_of_any_shape_make_a_page(tmp_path: Path) -> None:
    random = np.random.default_rng(0)
    many = [ClipScore(f"c{i}", f"c{i}", float(value)) for i, value in enumerate(random.normal(size=450))]
    n = Counts(450, 450, 0, 0)
    plain = Result("plain", "default", "Plain", 0.0, None, n, "1", "higher", "i", scores=tuple(many))
    odd = (
        plain,
        dataclasses.replace(plain, metric="one", scores=(many[0],), n=Counts(1, 1, 0, 0), better="none"),
        dataclasses.replace(plain, metric="same", scores=tuple(dataclasses.replace(s, value=0.25) for s in many), better="lower"),
        dataclasses.replace(plain, metric="set", kind="set", scores=(), reference="abc"),
        dataclasses.replace(plain, metric="total", kind="total", scores=(), value=None, reason="No part could run"),
        dataclasses.replace(plain, metric="tiny", weights=(Weights("net", "stand-in", "stand-in"),), better="zero", unit="s"),
        dataclasses.replace(
            plain,
            metric="gaps",
            n=Counts(460, 450, 10, 0),
            bounds=(0.0, 0.46),
            scores=tuple(dataclasses.replace(s, value=0.0) for s in many),
            missing=tuple(Missing(f"g{i}", "missing", "No file.") for i in range(10)),
        ),
    )
    facts = BenchmarkFacts("folder", 1, "Folder", "", 450, 450)
    floor = {"made_by": {"role": "floor"}}
    Report("a", facts, odd).save(tmp_path / "a.json")
    moved = tuple(dataclasses.replace(s, value=s.value + 1) for s in many)
    other = (dataclasses.replace(plain, scores=moved, value=1.0), *odd[3:5])
    Report("b", facts, other, unavailable={"one@default": "It wants a checkpoint."}, provenance=floor).save(tmp_path / "b.json")
    Report("nothing", facts, ()).save(tmp_path / "nothing.json")
    for name, chosen in (("pair", "ab"), ("alone", "a"), ("reverse", "ba")):
        write_view([tmp_path / f"{letter}.json" for letter in chosen], tmp_path / name, media=False)
    write_view([tmp_path / "nothing.json"], tmp_path / "empty", media=False)
    text = (tmp_path / "pair/index.html").read_text()
    for words in (
        "mean 1.000, 95% interval 1.000 to 1.000, p 0.0001000; better on 450 clips, worse on 0",
        "300 of 450 clips, evenly",
        "0 to 0.01000 whatever the 10 missing or failed would score",
        "stand-in, not the official checkpoint",
        '<span class="role">floor</span>',
        "No part could run",
        "one@default: not run. It wants a checkpoint.",
        "one number for the whole set of clips",
    ):
        assert words in text, words
    assert "Paired differences" not in (tmp_path / "alone/index.html").read_text()
    assert "No metric here scores single clips" in (tmp_path / "empty/index.html").read_text()
    assert not re.search(r"\b(nan|inf)\b", text.lower())


def test_rank_ranges_columns_of_one_name_and_warnings(
    make_report: Callable[..., Report], make_result: Callable[..., Result], tmp_path: Path
) -> None:
    values = np.linspace(0.2, 0.8, 12)
    wobble = values + np.tile([0.01, -0.01], 6)
    twin = make_result("twin", values, identity="another")
    reports = {
        "a": make_report("a", sharp=values, twin=values),
        "b": make_report("b", sharp=wobble, twin=twin),
        "floor": make_report("floor", role="floor", sharp=values + 0.15, twin=values),
    }
    for model, report in reports.items():
        report.save(tmp_path / f"{model}.json")
    write_view([tmp_path / f"{model}.json" for model in reports], tmp_path / "out", media=False)
    text = (tmp_path / "out/index.html").read_text()
    assert text.count('<span class="rank">#2-3</span>') == 4 and "a trivial row wins" in text and 'class="flag"' in text
    assert len(re.findall(r'<article class="metric"', text)) == 3 and text.count("version or parameters") >= 4
    assert "not run, or only in another column of this name" in text
