"""What may share a column, which ranks a row may hold, and what a missing clip costs."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from avbench.errors import NotComparable, UnknownName, UsageError
from avbench.leaderboard.answered import filled
from avbench.leaderboard.contest import Cell, Incomplete
from avbench.leaderboard.formats import FORMAT_NAMES, render
from avbench.leaderboard.rank import Table, rank
from avbench.report import Counts, Missing, Report, Result, Weights

Make = Callable[..., Report]
MakeResult = Callable[..., Result]
RANDOM = np.random.default_rng(0)
NOISE = RANDOM.normal(0, 0.02, (4, 32))
BASE = 0.5 + RANDOM.normal(0, 0.1, 32)


def cells(table: Table, column: int = 0) -> dict[str, Cell]:
    return {model: row[column] for model, row in table.rows}


def ranks(table: Table, column: int = 0) -> dict[str, tuple[int, int] | None]:
    return {model: cell.ranks for model, cell in cells(table, column).items()}


def test_models_that_cannot_be_told_apart_share_their_ranks(make_report: Make) -> None:
    table = rank([make_report("a", m=BASE + NOISE[0]), make_report("b", m=BASE + NOISE[1]), make_report("c", m=BASE - 0.2)])
    assert ranks(table) == {"a": (1, 2), "b": (1, 2), "c": (3, 3)}
    assert {model: cell.group for model, cell in cells(table).items()} == {"a": 1, "b": 1, "c": 2}


@pytest.mark.parametrize(("better", "first"), [("higher", "a"), ("lower", "b"), ("zero", "b")])
def test_the_direction_of_a_metric_decides(make_report: Make, make_result: MakeResult, better: str, first: str) -> None:
    high, low = make_result("m", BASE + 0.3, better), make_result("m", -BASE if better == "zero" else BASE, better)
    assert ranks(rank([make_report("a", m=high), make_report("b", m=low)]))[first] == (1, 1)


def test_a_descriptive_metric_has_no_ranks(make_report: Make, make_result: MakeResult) -> None:
    table = rank([make_report(name, m=make_result("m", BASE, "none")) for name in "ab"])
    assert ranks(table) == {"a": None, "b": None} and not cells(table)["a"].why


def test_values_of_another_reference_checkpoint_or_prompts_get_a_column_of_their_own(
    make_report: Make, make_result: MakeResult
) -> None:
    plain = make_result("m", BASE)
    others = {
        "reference": replace(plain, identity="x", reference="f" * 64),
        "net": replace(plain, identity="y", weights=(Weights("net", "e" * 64, "verified"),)),
        "version": replace(plain, identity="z"),
    }
    for word, other in others.items():
        table = rank([make_report("a", m=plain), make_report("b", m=other)])
        assert [column.name for column in table.columns] == ["m@default"] * 2
        assert word in table.columns[1].variant and any(table.columns[1].variant in note for note in table.footnotes)
        assert [[cell.result is None for cell in row] for _, row in table.rows] == [[False, True], [True, False]]
        assert all(cell.ranks in (None, (1, 1)) for _, row in table.rows for cell in row)
    table = rank([make_report("a", m=plain), make_report("b", m=plain, facts={"prompts_sha256": "q" * 64, "prompts": 7})])
    assert [column.variant for column in table.columns] == ["32 prompts pppppp", "7 prompts qqqqqq"]
    with pytest.raises(NotComparable, match="one benchmark"):
        rank([make_report("a", m=plain), make_report("b", m=plain, facts={"name": "vbench"})])


@settings(max_examples=25, deadline=None)
@given(st.lists(st.sampled_from(["r1", "r2"]), min_size=2, max_size=5), st.lists(st.sampled_from("pq"), min_size=5, max_size=5))
def test_no_column_mixes_what_may_not_be_compared(
    make_report: Make, make_result: MakeResult, references: list[str], prompts: list[str]
) -> None:
    reports = [
        make_report(f"m{i}", m=make_result("m", BASE, identity=r, reference=r), facts={"prompts_sha256": prompts[i] * 64})
        for i, r in enumerate(references)
    ]
    table = rank(reports)
    for place in range(len(table.columns)):
        there = [i for i, (_, row) in enumerate(table.rows) if row[place].result is not None]
        assert len({(references[i], prompts[i]) for i in there}) == 1


def test_an_incomplete_row_is_not_ranked_and_can_never_gain(make_report: Make) -> None:
    whole = list(BASE)
    gaps: list[float | None] = [None if value < 0.4 else value for value in BASE]  # the worst clips are not handed in
    lost = sum(value is None for value in gaps)
    assert lost > 2
    reports = [make_report("whole", m=whole), make_report("gaps", m=gaps)]
    table = rank(reports)
    assert cells(table)["gaps"].ranks is None and f"{lost} of 32 clips missing" in cells(table)["gaps"].why
    assert any(note.startswith("gaps, m@default") and "between" in note for note in table.footnotes)
    worst = rank(reports, incomplete="worst")
    result = cells(worst)["gaps"].result
    assert result is not None and result.value is not None and result.n.failed == 0
    assert result.value < np.mean(whole) and cells(worst)["gaps"].ranks is not None
    low, high = reports[1]["m"].possible or (np.nan, np.nan)
    assert result.value == pytest.approx(low) and low <= np.mean(whole) <= high


@settings(max_examples=40, deadline=None)
@given(st.lists(st.floats(0, 1), min_size=3, max_size=12), st.data())
def test_leaving_clips_out_never_raises_the_worst_case(make_result: MakeResult, values: list[float], data: st.DataObject) -> None:
    dropped = data.draw(st.sets(st.integers(0, len(values) - 1), max_size=len(values) - 1))
    gaps = [None if i in dropped else value for i, value in enumerate(values)]
    for better, sign in (("higher", 1.0), ("lower", -1.0)):
        whole, worst = make_result("m", values, better), make_result("m", gaps, better).at_worst()
        assert whole.value is not None and worst.value is not None
        assert sign * worst.value <= sign * whole.value + 1e-12


def answered(make_result: MakeResult, values: np.ndarray, silent: np.ndarray, **fields: object) -> Result:
    """A result over all clips but those where ``silent``, to which the metric did not apply."""
    whole = make_result("m", [float(v) for v in values])
    pairs = list(zip(whole.scores, silent, strict=True))
    scores = tuple(s for s, gone in pairs if not gone)
    gaps = tuple(Missing(s.clip, "not_applicable", "No sound.", s.cluster) for s, gone in pairs if gone)
    n = Counts(len(values), len(scores), 0, len(gaps))
    value = float(np.mean([s.value for s in scores]))
    return replace(whole, scores=scores, missing=gaps, n=n, value=value, interval=None, **fields)  # type: ignore[arg-type]


@pytest.mark.parametrize("incomplete", ["unranked", "worst"])
def test_silence_on_bad_clips_does_not_win(make_report: Make, make_result: MakeResult, incomplete: Incomplete) -> None:
    random = np.random.default_rng(2)
    base = 0.5 + random.normal(0, 0.1, 100)
    bad = np.arange(100) < 24
    a = np.clip(base + random.normal(0, 0.03, 100), 0, 1)
    b = np.clip(np.where(bad, base - 0.2, base + 0.02) + random.normal(0, 0.03, 100), 0, 1)
    silent = answered(make_result, b, bad)
    assert silent.value is not None and silent.value > np.mean(a)  # over what it answered alone it would win
    table = rank([make_report("A", m=a), make_report("B", m=silent)], incomplete=incomplete)
    assert ranks(table) == {"A": (1, 1), "B": (2, 2)} and cells(table)["B"].group == 2
    note = "B, m@default: did not answer 24 prompts that A answered; they count as worst."
    assert note in table.footnotes and not any(note.startswith("A, m@default") for note in table.footnotes)
    assert "did not answer 24 prompts" in render(table, "latex").split("footnotesize")[1]
    free = {"A": answered(make_result, a, bad & False, bounds=None), "B": answered(make_result, b, bad, bounds=None)}
    table = rank([make_report(model, m=result) for model, result in free.items()], incomplete=incomplete)
    assert ranks(table) == {"A": (1, 1), "B": None}
    assert "B, m@default: did not answer 24 prompts that A answered." in table.footnotes


def test_a_clip_left_out_of_a_prompt_counts_too(make_report: Make, make_result: MakeResult) -> None:
    whole = make_result("m", list(BASE))
    two = replace(whole, scores=tuple(replace(s, cluster=f"p{i // 2}") for i, s in enumerate(whole.scores)))
    kept = two.scores[::2]
    gaps = tuple(Missing(s.clip, "not_applicable", "No sound.", s.cluster) for s in two.scores[1::2])
    half = replace(two, scores=kept, missing=gaps, n=Counts(32, 16, 0, 16))
    found = filled(half, two)
    assert len(found.scores) == 32 and sum(s.value == 0.0 for s in found.scores) == 16 and filled(two, half) is not two
    assert filled(two, half).scores == two.scores
    renamed = replace(half, scores=tuple(replace(s, clip=f"other {s.clip}") for s in kept))
    assert {s.clip for s in filled(renamed, two).scores}.isdisjoint(s.clip for s in two.scores)
    assert ranks(rank([make_report("two", m=two), make_report("half", m=half)])) == {"two": (1, 1), "half": (2, 2)}


@pytest.mark.parametrize(("shift", "ranks_of_few"), [(0.3, None), (0.0, None), (-0.3, (2, 2))])
def test_without_a_worst_score_a_row_that_answered_little_may_be_last_but_not_first(
    make_report: Make, make_result: MakeResult, shift: float, ranks_of_few: tuple[int, int] | None
) -> None:
    few = answered(make_result, BASE + shift + NOISE[0], np.arange(32) >= 12, bounds=None)
    table = rank([make_report("whole", m=make_result("m", BASE, bounds=None)), make_report("few", m=few)])
    assert ranks(table)["few"] == ranks_of_few and (ranks_of_few or "20 prompts that whole" in cells(table)["few"].why)
    assert ranks(table)["whole"] == (1, 1)


def test_a_value_says_what_it_counts_as_worst(make_report: Make) -> None:
    few = [*BASE[:2], *[None] * 8]
    table = rank([make_report("few", m=few), make_report("whole", m=BASE[:10])], incomplete="worst")
    assert "(N=2/10, 8 counted as worst)" in render(table, "text") and "2/10, 8 counted as worst" in render(table, "latex")
    assert "few, m@default: 8 missing or failed clips count as worst." in table.footnotes
    first = json.loads(render(table, "json"))["rows"][0]
    assert (first["scored"], first["failed"], first["counted_as_worst"]) == (2, 8, 8)


def test_too_few_prompts_make_nobody_best(make_report: Make) -> None:
    reports = [make_report(f"m{k}", m=np.clip(BASE[:5] + k / 10, 0, 1)) for k in range(3)]
    table = rank(reports)
    assert ranks(table) == dict.fromkeys(("m0", "m1", "m2"), (1, 3)) and not any(c.group for c in cells(table).values())
    assert any("5 prompts cannot tell 3 models apart" in note and "0.19" in note for note in table.footnotes)
    assert "**" not in render(table, "markdown").split("| --- |")[1]
    enough = rank([make_report(f"m{k}", m=BASE + k / 10) for k in range(3)])
    assert not any("cannot tell" in note for note in enough.footnotes) and cells(enough)["m2"].group == 1


def test_a_floor_ahead_on_few_prompts_or_with_a_gap_is_flagged(make_report: Make) -> None:
    few = rank([make_report("net", m=BASE[:5]), make_report("still", "floor", m=BASE[:5] + 0.01)])
    assert "still is ahead of net, too few prompts to be sure" in few.columns[0].flag
    unsure = rank([make_report("net", m=BASE), make_report("still", "floor", m=BASE + NOISE[0] + 0.0001 - NOISE[0].mean())])
    assert "still is ahead of net, not significantly" in unsure.columns[0].flag
    gap = rank([make_report("net", m=BASE), make_report("still", "floor", m=[None, *(BASE[1:] + 0.2)])])
    assert ranks(gap)["still"] is None and "still is ahead of net)" in gap.columns[0].flag
    level = rank([make_report("net", m=BASE), make_report("still", "floor", m=BASE)])
    assert not level.columns[0].flag


def test_a_floor_is_known_by_its_name(make_report: Make) -> None:
    table = rank([make_report("net", m=BASE), make_report("Frozen Frame", m=BASE + 0.2)])
    assert table.roles == {"net": "model", "Frozen Frame": "floor"} and "Frozen Frame is ahead of net" in table.columns[0].flag


def test_clips_of_the_reference_are_not_ranked_against_it(make_report: Make, make_result: MakeResult) -> None:
    def distance(value: float, copies: float) -> Result:
        spread = tuple(value + 0.01 * k for k in range(10))
        return make_result("fd", BASE, "lower", kind="set", scores=(), value=value, replicates=spread, bounds=None,
                           summaries={"clips_in_reference": copies} if copies else {})  # fmt: skip

    table = rank([make_report("net", fd=distance(5.0, 0)), make_report("copy", fd=distance(0.0, 32))])
    assert ranks(table) == {"net": (1, 1), "copy": None} and "copy is ahead of net" in table.columns[0].flag
    assert "copy, fd@default: 32 of its 32 clips are in the reference set." in table.footnotes
    assert ranks(rank([make_report("net", fd=distance(5.0, 0)), make_report("one", fd=distance(0.0, 1))]))["one"] == (1, 1)


def test_a_metric_that_a_trivial_row_wins_is_flagged(make_report: Make) -> None:
    reports = [make_report("net", m=BASE, k=BASE + 0.2), make_report("still", "floor", m=BASE + 0.2, k=BASE)]
    table = rank(reports)
    assert "still is ahead of net" in table.columns[0].flag and not table.columns[1].flag
    assert any(note.startswith("† m@default") for note in table.footnotes)
    assert "m ↑ †" in render(table, "text") and "k ↑ †" not in render(table, "text")


def test_two_reports_of_one_name_and_unknown_columns_are_refused(make_report: Make) -> None:
    with pytest.raises(UsageError, match="named 'a'"):
        rank([make_report("a", m=BASE), make_report("a", m=BASE)])
    with pytest.raises(UnknownName, match="loudness"):
        rank([make_report("a", loudness=BASE)], ["loudnes"])
    with pytest.raises(UsageError, match="nothing to rank"):
        rank([])


@pytest.fixture
def table(make_report: Make, make_result: MakeResult) -> Table:
    """Everything that a cell can be, under names that LaTeX and Markdown would take for commands."""
    gaps = [None, *BASE[1:]]
    words = "50% of $x_1$ & #{2} ~^\\ <b>|"
    reports = [
        make_report("a_b & 50%", m=make_result("m", BASE, title=words), k=gaps, z=make_result("z", BASE - 0.5, "zero")),
        make_report("still|x", "floor", m=make_result("m", BASE + 0.2, title=words), k=BASE * 1e5, long=BASE),
        make_report("empty", m=make_result("m", [None] * 32, title=words, reason="No clip could be scored")),
    ]
    return rank(reports)


@pytest.mark.parametrize("name", sorted(set(FORMAT_NAMES) - {"paper"}))  # which needs a benchmark with an official table
def test_every_format_shows_every_value_and_n(table: Table, name: str) -> None:
    text = render(table, name)
    assert "31/32" in text or '"scored": 31' in text or ",32,31,1,0," in text
    if name == "json":
        assert json.loads(text)["rows"]
    if name == "markdown":
        widths = {len(re.split(r"(?<!\\)\|", line)) for line in text.splitlines() if line.startswith("|")}
        assert len(widths) == 1
    if name == "latex":
        assert r"a\_b \& 50\%" in text and r"\bfseries" in text and r"\underline" in text


def test_the_latex_table_compiles(table: Table, tmp_path: Path) -> None:
    if shutil.which("pdflatex") is None or not _has_siunitx():
        pytest.skip("pdflatex with siunitx is not installed")
    (tmp_path / "t.tex").write_text(render(table, "latex"))
    page = r"\documentclass{article}\usepackage{booktabs,siunitx}\begin{document}\input{t}\end{document}"
    (tmp_path / "page.tex").write_text(page)
    command = ["pdflatex", "-interaction=nonstopmode", "-halt-on-error", "page.tex"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout[-2000:]
    assert (tmp_path / "page.pdf").stat().st_size > 1000


def _has_siunitx() -> bool:
    return subprocess.run(["kpsewhich", "siunitx.sty"], capture_output=True).returncode == 0
