"""The pages in a real browser: sorting, filtering, the list of clips, players that run together, the theme."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from avbench.leaderboard.tables import number
from avbench.report import Report

if TYPE_CHECKING:
    from conftest import Browser

TEXTS = "Array.from(document.querySelectorAll({}), (e) => e.textContent)"


def texts(browser: Browser, selector: str) -> list[str]:
    found: list[str] = browser.run(TEXTS.format(json.dumps(selector)))
    return found


@pytest.fixture
def index(browser: Browser, view: Path) -> Browser:
    browser.open(view / "index.html")
    return browser


def offline(browser: Browser) -> None:
    """Nothing was complained about and nothing asked for that is no file of this machine (or the browser's own picture)."""
    assert not browser.problems
    assert browser.requests and all(re.match(r"file://|data:image/", request) for request in browser.requests)


def test_the_index_sorts_by_every_head(index: Browser, view: Path) -> None:
    names = texts(index, "#by-metric tbody th")
    index.click("#by-metric thead th button")
    assert index.run("document.querySelector('#by-metric th').getAttribute('aria-sort')") == "ascending"
    assert texts(index, "#by-metric tbody th") == sorted(names, key=str.lower) != names
    index.click("#by-metric thead th button")
    assert texts(index, "#by-metric tbody th") == sorted(names, key=str.lower, reverse=True)
    index.click("input[value=by-model]")
    assert index.run("document.querySelector('#by-metric').hidden && !document.querySelector('#by-model').hidden")
    heads = index.run("document.querySelectorAll('#by-model thead th').length")
    for place in range(2, heads + 1):
        for _ in range(2):
            index.click(f"#by-model thead th:nth-child({place}) button")
            order = index.run(f"document.querySelector('#by-model thead th:nth-child({place})').getAttribute('aria-sort')")
            keys = index.run(
                f"Array.from(document.querySelectorAll('#by-model tbody td:nth-child({place})'), (e) => e.dataset.sort ?? null)"
            )
            values = [float(key) for key in keys if key is not None]
            assert values == sorted(values, reverse=order == "descending")
            assert keys == sorted(keys, key=lambda key: key is None), "what has no value stays at the end"
    offline(index)


def test_the_index_filters_metrics_and_models(index: Browser) -> None:
    shown = "Array.from(document.querySelectorAll('#by-metric tbody tr'), (e) => e.hidden ? 0 : 1).reduce((a, b) => a + b)"
    assert index.run(shown) == 3
    index.run("document.querySelector('#metric-filter').focus()")
    for key in "LOUD":
        index.call("Input.dispatchKeyEvent", type="keyDown", text=key, key=key)
    assert index.run(shown) == 1
    visible = "article.metric:not([hidden])"
    assert len(texts(index, visible)) == 1 and "loudness" in texts(index, visible)[0]
    index.set("#metric-filter", "")
    index.click("input.model[value='1']")
    assert index.run(shown) == 3
    assert index.run("Array.from(document.querySelectorAll('#by-metric [data-model=\"1\"]')).every((e) => e.hidden)")
    assert not index.run("Array.from(document.querySelectorAll('#by-metric [data-model=\"0\"]')).some((e) => e.hidden)")
    offline(index)


def test_the_clip_list_shows_any_metric_and_sorts_by_the_difference(index: Browser, reports: tuple[Path, Path], view: Path) -> None:
    whole, damaged = map(Report.read, reports)
    names = [option.split(" @")[0] for option in texts(index, "#clip-metric option")]
    for place, title in enumerate(names):
        index.set("#clip-metric", place)
        result = next(r for r in whole.metrics if r.title == title)
        shown = dict(zip(texts(index, "#clip-table tbody th"), texts(index, "#clip-table td.score[data-model='0']"), strict=True))
        words = {s.clip: number(float(f"{s.value:.7g}")) for s in result.scores}
        assert shown == words | {missing.clip: missing.kind for missing in result.missing}
        other = {s.clip: s.value for s in damaged[result.name].scores}
        index.click("#clip-table thead th:last-child button")
        found = [float(text) for text in texts(index, "#clip-table td.difference") if text != "–"]
        size = abs if result.better == "zero" else float
        expected = [size(other[s.clip]) - size(s.value) for s in result.scores if s.clip in other]
        assert found == sorted(found, reverse=place % 2 == 0)
        assert sorted(found) == pytest.approx(sorted(expected), rel=1e-3, abs=1e-6) and len(found) < 4
    index.set("#clip-filter", "missing")
    assert texts(index, "#clip-table tbody tr:not([hidden]) th") == ["toybox-test-0001"]
    offline(index)


def test_the_script_writes_numbers_as_the_tables_do(index: Browser) -> None:
    values = [0.0, 1.0, -1.0, 0.014715781627, 123456.0, 99999.4, 9.99996, 0.000123456, 9.9e-5, -3.2e-12, 24.72, 1e12, 1428.4]
    assert index.run(f"{json.dumps(values)}.map(number)") == [number(value) for value in values]


def test_players_run_together(browser: Browser, view: Path) -> None:
    browser.open(view / "view/clips/0001-toybox-test-0000.html")
    ready = "Array.from(document.querySelectorAll('video')).every((v) => v.readyState >= 2 && !v.error && !v.controls)"
    browser.until(ready)
    assert browser.run("document.querySelectorAll('video').length") == 2
    muted = "Array.from(document.querySelectorAll('video'), (v) => v.muted)"
    assert browser.run(muted) == [False, True]
    browser.click("input[name=heard][value='1']")
    assert browser.run(muted) == [True, False]
    browser.click("#play")
    browser.until("document.querySelector('#play').textContent === 'pause'")
    browser.until("Array.from(document.querySelectorAll('video')).every((v) => !v.paused && v.currentTime > 0.2)")
    now = "Array.from(document.querySelectorAll('video'), (v) => v.currentTime)"
    one, two = browser.run(now)
    assert abs(one - two) < 0.2
    browser.click("#play")
    assert browser.run("Array.from(document.querySelectorAll('video')).every((v) => v.paused)")
    browser.set("#seek", 500)
    browser.until("Array.from(document.querySelectorAll('video')).every((v) => !v.seeking)")
    times = browser.run(now)
    assert times[0] == pytest.approx(1.0, abs=0.05) and times[1] == pytest.approx(times[0], abs=0.01)
    assert browser.run("document.querySelector('.playhead').style.left").endswith("%")
    assert browser.run("document.querySelector('#time').textContent").startswith("1.0")
    browser.click("#play")  # to the end, where everything stops
    browser.until("document.querySelector('#play').textContent === 'play'")
    assert browser.run("Array.from(document.querySelectorAll('video')).every((v) => v.paused && v.currentTime > 1.8)")
    offline(browser)


def test_a_file_that_the_browser_cannot_play_is_said(browser: Browser, view: Path, tmp_path: Path) -> None:
    source = view / "view/clips/0001-toybox-test-0000.html"
    page = tmp_path / "view/clips/a.html"
    page.parent.mkdir(parents=True)
    (tmp_path / "no.mp4").write_bytes(b"no clip")
    page.write_text(re.sub(r'src="file:[^"]*"', 'src="../../no.mp4"', source.read_text(), count=1))
    for asset in ("view.js", "view.css", "icon.svg"):
        (tmp_path / "view" / asset).write_bytes((view / "view" / asset).read_bytes())
    browser.open(page)
    browser.until("document.querySelector('.unplayable').hidden === false")
    assert browser.run("document.querySelectorAll('.unplayable')[1].hidden && document.querySelector('video').hidden")
    browser.click("#play")
    browser.until("document.querySelectorAll('video')[1].currentTime > 0.1")


def test_the_theme_follows_the_system_or_the_switch(index: Browser, view: Path) -> None:
    def paper(dark: bool) -> str:
        scheme = [{"name": "prefers-color-scheme", "value": "dark" if dark else "light"}]
        index.call("Emulation.setEmulatedMedia", features=scheme)
        return str(index.run("getComputedStyle(document.body).backgroundColor"))

    light, dark = paper(dark=False), paper(dark=True)
    assert light != dark
    index.set("#theme", "light")
    assert paper(dark=True) == light
    index.set("#theme", "dark")
    assert paper(dark=False) == dark
    index.open(view / "view/clips/0001-toybox-test-0000.html")
    assert paper(dark=False) == dark, "the choice goes along to other pages"
    index.set("#theme", "")
    assert paper(dark=False) == light
    offline(index)
