"""The folder of pages: whole, offline, escaped, the same each time, and honest about clips it cannot show."""

from __future__ import annotations

import dataclasses
import hashlib
import os
import re
import shutil
from collections.abc import Iterator
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote, urlsplit

import pytest

import avbench
from avbench.cli import main
from avbench.errors import NotComparable, UsageError
from avbench.leaderboard.tables import number
from avbench.leaderboard.view import clip_files, pictures
from avbench.leaderboard.view.folder import write_view
from avbench.leaderboard.view.page import escape
from avbench.report import Missing, Report

HOSTILE = "<script>alert('x')</script> ünï & \"co\""


class Page(HTMLParser):
    """Elements with their attributes, ids, and all text."""

    VOID = frozenset(["meta", "link", "img", "input", "br"])

    def __init__(self, path: Path) -> None:
        super().__init__()
        self.path = path
        self.elements: list[tuple[str, dict[str, str]]] = []
        self.text = ""
        self._open: list[str] = []
        self.feed(path.read_text(encoding="utf-8"))
        self.close()
        assert not self._open, f"{path.name}: never closed: {self._open}"

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, {key: value or "" for key, value in attrs}))
        if tag not in self.VOID:
            self._open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, {key: value or "" for key, value in attrs}))

    def handle_endtag(self, tag: str) -> None:
        assert self._open.pop() == tag, f"{self.path.name}: </{tag}> closes another element"

    def handle_data(self, data: str) -> None:
        self.text += data

    def all(self, tag: str) -> list[dict[str, str]]:
        return [attributes for found, attributes in self.elements if found == tag]


def pages(folder: Path) -> list[Page]:
    return [Page(path) for path in sorted(folder.rglob("*.html"))]


def links(page: Page) -> Iterator[str]:
    for _, attributes in page.elements:
        for key in ("href", "src", "poster", "srcset", "data", "action"):
            if key in attributes:
                yield attributes[key]


def test_every_link_leads_somewhere_and_nothing_leaves_the_machine(view: Path) -> None:
    found = pages(view)
    assert [page.path.name for page in found] == ["index.html", *(f"000{i + 1}-toybox-test-000{i}.html" for i in range(4))]
    for page in found:
        ids = [attributes["id"] for _, attributes in page.elements if "id" in attributes]
        assert len(ids) == len(set(ids))
        for link in links(page):
            address = urlsplit(link)
            if address.scheme == "file":
                assert Path(unquote(address.path)).is_file()
                continue
            assert not address.scheme and not address.netloc, link
            target = page.path if not address.path else Path(os.path.normpath(page.path.parent / unquote(address.path)))
            assert target.is_file() and target.is_relative_to(view), link
            if address.fragment:
                assert address.fragment in ids, link
    text = "".join(path.read_text() for path in view.rglob("*") if path.suffix in (".html", ".css", ".js"))
    assert not re.search(r"https?://|url\(|@import|fetch\(|XMLHttp", text)


def test_everything_a_hand_can_use_has_a_name(view: Path) -> None:
    for page in pages(view):
        markup = page.path.read_text(encoding="utf-8")
        for tag in ("input", "select"):
            for element in page.all(tag):
                inside = re.search(rf"<label[^>]*>(?:(?!</label>).)*{re.escape(_mark(tag, element))}", markup, re.S)
                assert inside or "aria-label" in element, (page.path.name, element)
        assert all("alt" in image for image in page.all("img"))
        assert all(svg.get("aria-label") for svg in page.all("svg"))
        heads = [head for head in page.all("th") if "aria-sort" in head]
        assert all(head["scope"] == "col" for head in heads) and (heads or page.path.name != "index.html")


def _mark(tag: str, element: dict[str, str]) -> str:
    key = next(key for key in ("id", "value") if key in element)
    return f'{key}="{element[key]}"'


def test_foreign_text_is_text(view: Path) -> None:
    for page in pages(view):
        assert all("src" in script or script["type"] == "application/json" for script in page.all("script"))
        assert not page.all("b") and HOSTILE in page.text
        assert not [key for _, attributes in page.elements for key in attributes if key.startswith("on")]


def test_hostile_ids_reasons_and_file_names(toybox_folder: Path, tmp_path: Path) -> None:
    clips = tmp_path / "c"
    clips.mkdir()
    names = ["a b ü%#?.mp4", "<script>x</script>.mp4".replace("/", "\u2044"), "new\nline.mp4", "'\"&.mp4"]
    for name in names:
        shutil.copy(toybox_folder / "toybox-test-0000.mp4", clips / name)
    shutil.copy(toybox_folder / "toybox-test-0000.mp4", os.path.join(os.fsencode(clips), b"bytes\xff.mp4"))
    report = avbench.run(clips, metrics=["frozen"], model="m", store=None)
    evil = Missing(report["frozen"].scores[0].clip, "<i>kind</i>", "</script><script>boom()</script>\n<img src=x onerror=boom()>")
    n = dataclasses.replace(report["frozen"].n, scored=4, failed=1)
    result = dataclasses.replace(report["frozen"], scores=report["frozen"].scores[1:], missing=(evil,), n=n)
    dataclasses.replace(report, metrics=(result,), notes=("<script>note</script>",)).save(tmp_path / "r.json")
    out = tmp_path / "out"
    written = write_view([tmp_path / "r.json"], out)
    assert (written.clips, written.shown, written.not_shown) == (5, 5, ())
    for page in pages(out):
        assert all("src" in script or script["type"] == "application/json" for script in page.all("script"))
        assert not page.all("i") or all(i.get("class") == "playhead" for i in page.all("i"))
        assert all(image["src"].endswith(".jpg") for image in page.all("img"))
        for video in page.all("video"):
            assert os.path.isfile(unquote(urlsplit(video["src"]).path, errors="surrogateescape"))
    text = Page(out / "index.html").text
    assert evil.reason in text and "<script>note</script>" in text and "new\\nline" in text


def test_the_same_reports_give_the_same_bytes(reports: tuple[Path, Path], view: Path, tmp_path: Path) -> None:
    write_view(reports, tmp_path / "elsewhere")
    one, two = (
        {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()}
        for folder in (view, tmp_path / "elsewhere")
    )
    assert one == two and len(one) == 5 + 7 + 4  # pages, strips, and style sheet, script, icon, listing


def test_the_table_says_value_interval_n_protocol_rank_and_reason(view: Path, reports: tuple[Path, Path]) -> None:
    page = Page(view / "index.html")
    frozen = Report.read(reports[0])["frozen"]
    assert frozen.value is not None and frozen.interval is not None
    assert f"{number(frozen.value)} [{number(frozen.interval.low)}, {number(frozen.interval.high)}]" in page.text
    assert page.text.count("@default") >= 2 * 3 and "#1 N 4/4" in page.text and "N 3/4, 75%" in page.text
    assert f"95%, {escape(frozen.interval.method)}" in page.path.read_text(encoding="utf-8")
    unranked = [cell for cell in page.all("td") if cell.get("class") == "unranked"]
    assert {cell["title"] for cell in unranked} >= {"1 of 4 clips missing or failed"}
    notes = [link for link in page.all("a") if link.get("href", "").startswith("#note-")]
    assert notes and f"{HOSTILE}, frozen@default: 1 of 4 clips missing or failed (between " in page.text
    for digest in (frozen.identity[:12], Report.read(reports[0]).benchmark.prompts_sha256):
        assert digest in page.text
    assert Report.read(reports[0]).provenance["decoder"] in page.text


def test_reasons_of_absent_scores_are_visible(view: Path, reports: tuple[Path, Path]) -> None:
    index, damaged = Page(view / "index.html").text, Report.read(reports[1])
    assert "1 missing" in index and "no_audio" in index
    for result in damaged.metrics:
        for missing in result.missing:
            (path,) = view.glob(f"view/clips/*{missing.clip}.html")
            assert missing.reason in Page(path).text and missing.reason in index and missing.kind in Page(path).text
    absent = Page(view / "view/clips/0002-toybox-test-0001.html")
    assert "missing: No file answers this prompt" in absent.text and len(absent.all("video")) == 1
    silent = Page(view / "view/clips/0003-toybox-test-0002.html")
    assert "no waveform: toybox-test-0002.mp4 has no audio stream." in silent.text and len(silent.all("video")) == 2


def test_every_score_stands_on_its_clips_page(view: Path, reports: tuple[Path, Path]) -> None:
    for report in map(Report.read, reports):
        for result in report.metrics:
            for score in result.scores:
                (path,) = view.glob(f"view/clips/*{score.clip}.html")
                text = Page(path).text
                assert number(score.value) in text
                assert all(key.replace("_", " ") in text for key in score.details)


def test_offsets_have_bands_and_every_clip_a_mark(reports: tuple[Path, Path], view: Path) -> None:
    text = (view / "index.html").read_text()
    assert "within ±45 ms" in text and "within ±125 ms" in text
    offsets = Report.read(reports[0])["av_offset"].scores
    assert offsets and all(f"<title>{score.clip}: {number(score.value)}</title>" in text for score in offsets)


def copied(reports: tuple[Path, Path], tmp_path: Path) -> tuple[Path, Path]:
    """The reports with their clips under paths relative to the reports' folder."""
    found = []
    for path in reports:
        report = Report.read(path)
        clips = {}
        for clip, facts in report.clips.items():
            source = Path(facts["path"])
            (tmp_path / source.parent.name).mkdir(exist_ok=True)
            shutil.copy(source, tmp_path / source.parent.name / source.name)
            clips[clip] = {**facts, "path": f"{source.parent.name}/{source.name}"}
        dataclasses.replace(report, clips=clips).save(tmp_path / path.name)
        found.append(tmp_path / path.name)
    return found[0], found[1]


def test_a_changed_or_vanished_clip_is_said_and_not_shown(reports: tuple[Path, Path], tmp_path: Path) -> None:
    moved = copied(reports, tmp_path)
    changed, vanished = tmp_path / "whole clips ü/toybox-test-0000.mp4", tmp_path / "whole clips ü/toybox-test-0003.mp4"
    shutil.copy(tmp_path / "whole clips ü/toybox-test-0001.mp4", changed)
    vanished.unlink()
    written = write_view(moved, tmp_path / "out")
    assert [(model, clip) for model, clip, _ in written.not_shown] == [("whole", "toybox-test-0000"), ("whole", "toybox-test-0003")]
    for place, words in ((1, f"has changed since it was judged: its sha256 is {sha256(changed)}"), (4, "not there any more")):
        (path,) = (tmp_path / "out").glob(f"view/clips/000{place}-*.html")
        page = Page(path)
        assert words in page.text and "It is not shown." in page.text
        assert len(page.all("video")) == 1 and not [i for i in page.all("img") if "1-whole" in i["src"]]


def sha256(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def test_links_to_clips_are_relative_within_the_folder_copied_on_demand_else_absolute(
    reports: tuple[Path, Path], tmp_path: Path
) -> None:
    moved = copied(reports, tmp_path)
    write_view(moved, tmp_path)  # the clips lie under the folder
    inside = Page(tmp_path / "view/clips/0001-toybox-test-0000.html").all("video")[0]["src"]
    assert inside == "../../whole%20clips%20%C3%BC/toybox-test-0000.mp4"
    write_view(moved, tmp_path / "outside")
    (tmp_path / "outside/mine.txt").write_text("kept")
    outside = Page(tmp_path / "outside/view/clips/0001-toybox-test-0000.html").all("video")[0]["src"]
    assert outside == (tmp_path / "whole clips ü/toybox-test-0000.mp4").as_uri()
    assert not list((tmp_path / "outside").rglob("*.mp4"))
    write_view(moved, tmp_path / "outside", copy_media=True)
    page = tmp_path / "outside/view/clips/0001-toybox-test-0000.html"
    copy = Path(os.path.normpath(page.parent / unquote(Page(page).all("video")[0]["src"])))
    assert copy.is_relative_to(tmp_path / "outside") and sha256(copy) == sha256(tmp_path / "whole clips ü/toybox-test-0000.mp4")
    write_view(moved, tmp_path / "outside", media=False)  # what the former view had goes, and nothing else
    left = sorted(path.name for path in (tmp_path / "outside").rglob("*") if path.is_file())
    assert left == ["files.txt", "icon.svg", "index.html", "mine.txt", "view.css", "view.js"]


def test_each_clip_is_decoded_once_and_none_without_media(
    reports: tuple[Path, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    opened: list[Path] = []
    real = pictures.decode

    def counted(path: Path, *rest: object) -> object:
        opened.append(path)
        return real(path, *rest)  # type: ignore[arg-type]

    monkeypatch.setattr(pictures, "decode", counted)
    write_view(reports, tmp_path / "a")
    assert len(opened) == len(set(opened)) == 7
    opened.clear()
    monkeypatch.setattr(clip_files, "file_digest", None)  # not even read
    write_view(reports, tmp_path / "b", media=False)
    assert not opened and [page.path.name for page in pages(tmp_path / "b")] == ["index.html"]


def test_mistakes_have_their_exit_codes(
    reports: tuple[Path, Path], toybox_folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    first, out = str(reports[0]), str(tmp_path / "out")
    avbench.run(toybox_folder, metrics=["frozen"], model="other", store=None).save(tmp_path / "other.json")
    (tmp_path / "site").mkdir()
    (tmp_path / "site/index.html").write_text("<h1>mine</h1>")
    (tmp_path / "mine/view").mkdir(parents=True)
    for arguments, code, words in (
        ([first, "--out", out], 0, "1 models, 4 clips, 4 players"),
        ([str(tmp_path / "absent.json"), "--out", out], 2, "avbench run"),
        ([first, first, "--out", out], 2, "two reports"),
        ([first, str(tmp_path / "other.json"), "--out", out], 5, "rank reports of one benchmark"),
        ([first, "--out", "/dev/null/x"], 2, "--out"),
        ([first, "--out", str(tmp_path / "site")], 2, "was not written by avbench view"),
        ([first, "--out", str(tmp_path / "mine")], 2, "was not written by avbench view"),
        ([first, "--out", out, "--no-media", "--copy-media"], 2, "--copy-media"),
    ):
        assert main(["view", *arguments]) == code, arguments
        said = capsys.readouterr()
        assert words.lower() in (said.out + said.err).lower()
    with pytest.raises(UsageError, match="nothing to rank"):
        write_view([], out)
    with pytest.raises(NotComparable):
        write_view([first, tmp_path / "other.json"], out)
    assert (tmp_path / "site/index.html").read_text() == "<h1>mine</h1>" and not list((tmp_path / "mine/view").iterdir())
