"""Two reports: what is ahead, what may not be compared, and what a gate lets pass."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from xml.etree import ElementTree

import numpy as np
import pytest

from avbench.cli import main
from avbench.errors import NotComparable, UnknownName, UsageError
from avbench.leaderboard import gate_pages
from avbench.leaderboard.compare import compare_reports
from avbench.leaderboard.gate import gate
from avbench.report import Counts, Missing, Report, Result, Weights

Make = Callable[..., Report]
MakeResult = Callable[..., Result]
RANDOM = np.random.default_rng(1)
BASE = np.clip(0.5 + RANDOM.normal(0, 0.1, 32), 0, 1)
NOISE = RANDOM.normal(0, 0.02, 32)


@pytest.fixture(scope="session")
def saved(make_report: Make, tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """Reports on disk: old, the same again, worse, of another protocol, with a clip missing."""
    folder = tmp_path_factory.mktemp("reports")
    reports = {
        "old": make_report("old", m=BASE, k=BASE),
        "same": make_report("same", m=BASE + NOISE, k=BASE - NOISE),
        "worse": make_report("worse", m=BASE - 0.1 + NOISE, k=BASE),
        "other": make_report("other", **{"m@official": BASE}),
        "gap": make_report("gap", m=[None, *BASE[1:]], k=BASE),
    }
    for name, report in reports.items():
        report.save(folder / f"{name}.json")
    return {name: str(folder / f"{name}.json") for name in reports}


def test_compare_names_who_is_ahead_by_how_much_and_where(make_report: Make) -> None:
    first = BASE + 0.1 + NOISE
    first[5] = BASE[5] - 0.4
    found = compare_reports(make_report("a", m=first, k=BASE + NOISE), make_report("b", m=BASE, k=BASE))
    ahead, even = found.rows
    assert (ahead.verdict, even.verdict) == ("first", "not shown")
    assert ahead.difference is not None and ahead.difference.value == pytest.approx(np.mean(first - BASE))
    assert ahead.difference.interval.low < np.mean(first - BASE) < ahead.difference.interval.high
    assert ahead.p is not None and ahead.difference.p <= ahead.p <= 2 * ahead.difference.p  # Holm over two
    assert ahead.moved[0].clip == "c5" and ahead.moved[0].gain == pytest.approx(-0.4)
    back = compare_reports(make_report("b", m=BASE), make_report("a", m=first)).rows[0]
    assert back.verdict == "second" and back.difference is not None
    assert back.difference.value == pytest.approx(-ahead.difference.value)


def test_a_stated_margin_can_show_equality(make_report: Make) -> None:
    reports = make_report("a", m=BASE + NOISE), make_report("b", m=BASE)
    assert compare_reports(*reports).rows[0].verdict == "not shown"  # which is no proof of equality
    assert compare_reports(*reports, margins={"m": 0.05}).rows[0].verdict == "equivalent"
    assert compare_reports(*reports, margins={"m@default": 0.001}).rows[0].verdict == "not shown"
    with pytest.raises(UsageError, match="positive"):
        compare_reports(*reports, margins={"m": 0.0})
    with pytest.raises(UnknownName):
        compare_reports(*reports, margins={"n": 0.1})


def test_a_small_difference_is_still_one(make_report: Make) -> None:
    """Significant, by less than the margin, shown to be so or not."""
    reports = make_report("a", m=BASE + 0.02 + NOISE / 4), make_report("b", m=BASE)
    row = compare_reports(*reports, margins={"m": 0.05}).rows[0]
    assert (row.verdict, row.why) == ("first", "by less than the margin")
    assert row.difference is not None
    margin = 1.02 * row.difference.value
    assert compare_reports(*reports, margins={"m": margin}).rows[0].verdict == "differs"
    assert compare_reports(*reports, margins={"m": 0.01}).rows[0].verdict == "first"


def test_equivalence_is_corrected_for_many(make_report: Make) -> None:
    names = [f"m{i}" for i in range(20)]
    reports = make_report("a", **dict.fromkeys(names, BASE + NOISE)), make_report("b", **dict.fromkeys(names, BASE))
    error = np.std(NOISE, ddof=1) / np.sqrt(32)
    margin = abs(np.mean(NOISE)) + 2.2 * error  # p = 0.018 for one, 0.35 for twenty
    alone = compare_reports(*reports, metrics=["m0"], margins={"m0": margin})
    assert alone.rows[0].verdict == "equivalent"
    assert {row.verdict for row in compare_reports(*reports, margins=dict.fromkeys(names, margin)).rows} == {"not shown"}


def test_few_prompts_say_that_they_can_show_nothing(make_report: Make) -> None:
    row = compare_reports(make_report("a", m=[0.9] * 5), make_report("b", m=[0.1, 0.2, 0.1, 0.3, 0.2])).rows[0]
    assert row.verdict == "not shown" and row.why == "5 prompts cannot show any over 1 metrics"


def test_what_must_agree_and_does_not_is_named(make_report: Make, make_result: MakeResult) -> None:
    plain = make_result("m", BASE)
    old = make_report("old", m=plain)
    changed = {
        "reference set": make_report("new", m=replace(plain, reference="f" * 64, identity="x")),
        "checkpoints": make_report("new", m=replace(plain, weights=(Weights("net", "e" * 64, "verified"),), identity="x")),
        "prompts": make_report("new", m=plain, facts={"prompts_sha256": "q" * 64}),
        "benchmark": make_report("new", m=plain, facts={"version": 2}),
        "metric version": make_report("new", m=replace(plain, identity="x")),
        "protocol": make_report("new", m=replace(plain, protocol="official")),
    }
    for words, report in changed.items():
        with pytest.raises(NotComparable, match=words):
            compare_reports(report, old)
        with pytest.raises(NotComparable, match=words):
            gate(report, old)


def test_sets_are_compared_by_their_jackknife(make_report: Make, make_result: MakeResult) -> None:
    def distance(value: float, replicates: list[float]) -> Result:
        whole = make_result("fad", BASE, "lower", kind="set", scores=(), value=value, interval=None)
        return replace(whole, replicates=tuple(replicates))

    shared = RANDOM.normal(0, 0.5, 20)
    near, far = distance(5.0, list(5 + shared)), distance(7.0, list(7 + shared + RANDOM.normal(0, 0.01, 20)))
    row = compare_reports(make_report("a", fad=near), make_report("b", fad=far)).rows[0]
    assert row.verdict == "first" and row.difference is not None and row.difference.pairs == 0
    unknown = compare_reports(make_report("a", fad=replace(near, replicates=())), make_report("b", fad=far)).rows[0]
    assert unknown.verdict == "unknown" and "jackknife" in unknown.why
    assert gate(make_report("b", fad=far), make_report("a", fad=near)).answer == "fail"
    assert gate(make_report("a", fad=near), make_report("b", fad=far)).answer == "pass"


def test_margins_pass_fail_or_leave_it_open(make_report: Make) -> None:
    old = make_report("old", m=BASE)
    worse = make_report("new", m=BASE - 0.1 + NOISE)
    assert gate(worse, old).answer == "fail"
    assert gate(worse, old, {"m": 0.2}).answer == "pass"  # a loss of 0.1 was declared acceptable
    assert gate(worse, old, {"m": 0.09}).answer == "fail"
    check = gate(make_report("new", m=BASE + NOISE), old, {"m": 0.001}).checks[0]
    assert check.answer == "inconclusive" and "below the noise" in check.reason and "prompts" in check.reason
    assert gate(make_report("new", m=BASE + NOISE), old, {"m": 0.05}).answer == "pass"
    assert gate(old, worse).answer == "pass"  # better is never a regression


def test_missing_clips_and_questions_no_longer_answered_do_not_pass(make_report: Make, make_result: MakeResult) -> None:
    old = make_report("old", m=BASE)
    gaps: list[float | None] = [None if i < 12 else float(value) + 0.05 for i, value in enumerate(BASE)]
    assert gate(make_report("new", m=gaps), old).answer == "fail"  # what is left is better, what is absent is the worst there is
    unbounded = make_report("new", m=make_result("m", gaps, bounds=None))
    assert gate(unbounded, old).answer == "inconclusive"
    quiet = make_result("m", list(BASE[16:]))
    missing = tuple(Missing(f"c{i}", "not_applicable", "No speech.") for i in range(16, 32))
    quiet = replace(quiet, n=Counts(32, 16, 0, 16), missing=missing)
    found = gate(make_report("new", m=quiet), make_report("old", m=BASE))
    assert [check.name for check in found.checks if check.answer == "fail"] == ["m@default (coverage)"]


@pytest.mark.parametrize("prompts", [2, 5, 10])
def test_what_few_prompts_could_not_show_does_not_pass(make_report: Make, prompts: int) -> None:
    """Twelve metrics, every clip destroyed: the smallest p of 10 prompts, times 12, is 0.02."""
    names = [f"m{i}" for i in range(12)]
    old = make_report("old", **dict.fromkeys(names, BASE[:prompts]))
    new = make_report("new", **{**dict.fromkeys(names, BASE[:prompts]), "m0": np.zeros(prompts)})
    outcome = gate(new, old)
    assert outcome.answer == "inconclusive"
    assert [(c.answer, c.seen) for c in outcome.checks[:2]] == [("inconclusive", np.inf), ("pass", np.inf)]
    assert "nothing" in gate_pages.as_text(outcome) and "cannot show any loss" in outcome.checks[0].reason
    assert gate(old, old).answer == gate(old, new).answer == "pass"  # the same clips, or better ones
    assert gate(old, old, dict.fromkeys(names, 0.01)).answer == "pass"


def test_a_loss_without_spread_never_passes(make_report: Make) -> None:
    for prompts in (3, 7, 8, 20):
        new, old = make_report("new", m=np.full(prompts, 0.5)), make_report("old", m=np.full(prompts, 0.75))
        assert gate(new, old).answer == ("inconclusive" if prompts < 8 else "fail")
        assert gate(new, old, {"m": 0.1}).answer != "pass" and gate(new, old, {"m": 0.3}).answer == (
            "pass" if prompts > 6 else "inconclusive")  # fmt: skip


def test_what_could_be_shown_is_what_the_test_finds(make_report: Make) -> None:
    """A loss as large as ``could show`` is found four times of five, beside seven other metrics."""
    random = np.random.default_rng(5)
    others = {f"k{i}": BASE for i in range(7)}
    seen = []
    for _ in range(60):
        noise = random.normal(0, 0.05, 32)
        check = gate(make_report("new", m=BASE + noise, **others), make_report("old", m=BASE, **others)).checks[0]
        assert check.seen is not None
        seen.append(check.seen)
    failed = 0
    for _ in range(60):
        worse = BASE - float(np.mean(seen)) + random.normal(0, 0.05, 32)
        failed += gate(make_report("new", m=worse, **others), make_report("old", m=BASE, **others)).answer == "fail"
    assert 38 <= failed <= 57


def test_a_metric_that_is_no_longer_there_fails(make_report: Make, capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    old = make_report("old", m=BASE, k=BASE, j=replace(make_report("x", j=BASE).metrics[0], better="none"))
    new = replace(make_report("new", m=BASE, n=BASE), unavailable={"k@default": "Its network broke."})
    outcome = gate(new, old)
    assert [(c.name, c.answer) for c in outcome.checks] == [("m@default", "pass"), ("k@default", "fail")]
    assert "Its network broke" in outcome.checks[1].reason
    assert any("Only new has n@default" in note for note in outcome.notes)
    assert any("new lacks j@default" in note for note in outcome.notes)
    for page in (gate_pages.as_text, gate_pages.as_markdown, gate_pages.as_junit, gate_pages.as_annotations):
        assert "k@default" in page(outcome)
    new.save(tmp_path / "new.json")
    old.save(tmp_path / "old.json")
    paths = [str(tmp_path / "new.json"), str(tmp_path / "old.json")]
    assert main(["gate", paths[0], "--against", paths[1], "--json"]) == 4
    assert json.loads(capsys.readouterr().out)["checks"][1]["new"] is None
    assert main(["gate", paths[0], "--against", paths[1], "--metrics", "m"]) == 0
    for words in (["gate", paths[0], "--against", paths[1]], ["compare", *paths]):
        assert main([*words, "--metrics", "m,k"]) == 2
        assert "Only old has k (new: Its network broke)" in capsys.readouterr().err


def unanswered(result: Result, count: int) -> Result:
    """The first clips of a result can no longer be answered."""
    missing = tuple(Missing(s.clip, "not_applicable", "No sound.", s.cluster) for s in result.scores[:count])
    left = result.scores[count:]
    value = float(np.mean([s.value for s in left]))
    return replace(result, scores=left, missing=missing, value=value, n=Counts(result.n.expected, len(left), 0, count))


@pytest.mark.parametrize(("prompts", "lost", "answer"), [(10, 8, "fail"), (32, 9, "fail"), (5, 1, "inconclusive"), (32, 2, "pass")])
def test_answers_that_are_lost(make_report: Make, make_result: MakeResult, prompts: int, lost: int, answer: str) -> None:
    whole = make_result("m", BASE[:prompts])
    outcome = gate(make_report("new", m=unanswered(whole, lost)), make_report("old", m=whole))
    assert outcome.answer == answer
    assert [c.name for c in outcome.checks if c.answer != "pass"] == (["m@default (coverage)"] if answer != "pass" else [])
    assert gate(make_report("old", m=whole), make_report("new", m=unanswered(whole, lost))).answer == "pass"


def test_missing_clips_are_named(make_report: Make) -> None:
    outcome = gate(make_report("new", m=[None, None, *BASE[2:]]), make_report("old", m=BASE))
    text = gate_pages.as_text(outcome)
    assert "N=30/32, 2 counted as worst)" in text and "c0 (unreadable: Broken), c1" in text
    assert outcome.checks[0].imputed == 2 and "c1" in gate_pages.as_markdown(outcome) and "c1" in gate_pages.as_junit(outcome)


def test_numbers_that_are_none_and_clips_that_are_two(make_report: Make, make_result: MakeResult) -> None:
    with np.errstate(over="ignore"):  # the fixture takes their mean
        huge, small = (make_report(name, m=make_result("m", [sign * 1e308] * 32, interval=None, bounds=None, value=sign * 1e308))
                       for name, sign in (("huge", 1), ("small", -1)))  # fmt: skip
    row = compare_reports(huge, small).rows[0]
    assert (row.verdict, row.difference) == ("unknown", None) and "too large" in row.why
    assert gate(small, huge).answer == "inconclusive"
    once = make_result("m", BASE)
    again = replace(once, scores=(*once.scores, replace(once.scores[0], cluster="other")))
    for judge in (gate, compare_reports):
        with pytest.raises(UsageError, match="'c0' twice"):
            judge(make_report("new", m=again), make_report("old", m=once))


def test_a_category_of_one_prompt_is_unknown(make_report: Make, make_result: MakeResult) -> None:
    plain = make_result("m", BASE)
    scores = tuple(replace(s, group="a" if i else "b") for i, s in enumerate(plain.scores))
    first, second = (make_report(name, m=replace(plain, scores=scores, averaged="categories")) for name in ("a", "b"))
    row = compare_reports(first, second).rows[0]
    assert row.verdict == "unknown" and "single prompt" in row.why
    assert gate(first, second).answer == "pass"  # the same clips
    worse = replace(second.metrics[0], scores=tuple(replace(s, value=s.value - 0.1) for s in scores))
    assert gate(make_report("w", m=worse), first).answer == "inconclusive"


def test_two_runs_of_one_generator_pass(make_report: Make, make_result: MakeResult) -> None:
    random = np.random.default_rng(2)

    def draw() -> np.ndarray[tuple[int], np.dtype[np.float64]]:
        return random.normal(0.5, 0.1, 32) + 0.1 * random.standard_t(3, 32)

    answers = []
    for _ in range(40):
        a, b = (make_report(name, **{f"m{k}": make_result(f"m{k}", draw(), interval=None) for k in range(8)}) for name in "ab")
        answers.append(gate(a, b).answer)
    assert answers.count("pass") >= 38


@pytest.mark.parametrize(("new", "code"), [("same", 0), ("worse", 4), ("other", 5), ("gap", 0)])
def test_exit_codes(saved: dict[str, str], new: str, code: int, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["gate", saved[new], "--against", saved["old"]]) == code
    out = capsys.readouterr()
    if code == 4:
        assert "fails against old on m@default" in out.out and "went from" in out.out
    if code == 5:
        assert "protocol (official and default)" in out.err
        assert main(["compare", saved[new], saved["old"]]) == 5


def test_an_open_question_has_its_own_exit_code(saved: dict[str, str]) -> None:
    assert main(["gate", saved["same"], "--against", saved["old"], "--margin", "m=0.0001"]) == 6


@pytest.mark.parametrize(
    "words", [["--margin", "m"], ["--margin", "m=x"], ["--level", "2"], ["--metrics", ","], ["--metrics", "q"]]
)
def test_wrong_requests_are_named(saved: dict[str, str], words: list[str]) -> None:
    assert main(["gate", saved["same"], "--against", saved["old"], *words]) == 2
    assert main(["compare", saved["same"], saved["old"], *words]) == 2


def test_files_for_ci(
    saved: dict[str, str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("GITHUB_ACTIONS", "true")
    monkeypatch.setenv("GITHUB_STEP_SUMMARY", str(tmp_path / "summary.md"))
    assert main(["gate", saved["worse"], "--against", saved["old"], "--junit", str(tmp_path / "out" / "j.xml")]) == 4
    out = capsys.readouterr().out
    assert "::error title=avbench gate%3A m@default::" in out and "%0A" in out
    suite = ElementTree.parse(tmp_path / "out" / "j.xml").getroot()[0]
    assert suite.attrib["tests"] == "2" and suite.attrib["failures"] == "1"
    assert [case.attrib["name"] for case in suite if len(case) and case[0].tag == "failure"] == ["m@default"]
    assert "| m@default |" in (tmp_path / "summary.md").read_text()
    assert main(["gate", saved["worse"], "--against", saved["old"], "--json"]) == 4
    assert main(["gate", saved["worse"], "--against", saved["old"], "--junit", "/dev/null/j.xml"]) == 2


def test_compare_prints_and_counts(saved: dict[str, str], capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["compare", saved["worse"], saved["old"]]) == 0
    out = capsys.readouterr().out
    assert "old is ahead" in out and "no difference shown" in out and "clips that differ most" in out
    assert main(["compare", saved["gap"], saved["old"], "--json"]) == 0
    facts = json.loads(capsys.readouterr().out)
    assert facts["rows"][0]["difference"]["pairs"] == 31 and "1 of 32 clips are missing" in facts["notes"][0]


def test_xml_and_markdown_take_any_name(make_report: Make) -> None:
    outcome = gate(make_report("a<b>|&\n", m=BASE - 0.2), make_report('"old"', m=BASE))
    ElementTree.fromstring(gate_pages.as_junit(outcome).partition("\n")[2])
    assert gate_pages.as_markdown(outcome).count("\n| m@default") == 1


def test_the_fixture_fails_a_test(pytester: pytest.Pytester, saved: dict[str, str]) -> None:
    pytester.makepyfile(f"""
        def test_pass(avbench_gate):
            assert avbench_gate({saved["same"]!r}, {saved["old"]!r}).answer == "pass"

        def test_fail(avbench_gate):
            avbench_gate({saved["worse"]!r}, {saved["old"]!r})

        def test_allowed(avbench_gate):
            avbench_gate({saved["worse"]!r}, {saved["old"]!r}, margins={{"m": 0.2}})
    """)
    done = pytester.runpytest_inprocess("-p", "no:cacheprovider")
    done.assert_outcomes(passed=2, failed=1)
    done.stdout.fnmatch_lines(["*significantly worse*"])


def test_the_github_action_runs_the_gate(saved: dict[str, str], tmp_path: Path) -> None:
    import yaml

    action = yaml.safe_load((Path(__file__).parents[2] / "action.yml").read_text())
    assert set(action["inputs"]) == {"new", "against", "metrics", "margins", "level", "junit"}
    step = action["runs"]["steps"][-1]
    names = {value.split("inputs.")[1].split(" ")[0] for value in step["env"].values()}
    assert names == set(action["inputs"])
    tools = tmp_path / "bin"
    tools.mkdir()
    (tools / "avbench").write_text(f'#!/bin/sh\nexec {sys.executable} -m avbench.cli "$@"\n')
    (tools / "avbench").chmod(0o755)
    bash = shutil.which("bash")
    assert bash is not None
    for margins, code in (("", 4), ("m=0.2 k=0.1", 0)):
        inputs = {"NEW": saved["worse"], "AGAINST": saved["old"], "METRICS": "", "MARGINS": margins, "LEVEL": "0.99",
                  "JUNIT": str(tmp_path / "j.xml"), "PATH": f"{tools}:/usr/bin:/bin", "PYTHONPATH": ":".join(sys.path)}  # fmt: skip
        done = subprocess.run([bash, "-e", "-c", step["run"]], env=inputs, capture_output=True, text=True)
        assert done.returncode == code, done.stderr
        assert (tmp_path / "j.xml").is_file()
