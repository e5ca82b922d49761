"""avbench plan."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from statsmodels.stats.power import TTestPower

from avbench.cli import main
from avbench.report import BenchmarkFacts, ClipScore, Counts, Report, Result
from avbench.statistics import group_of, jackknife

FACTS = BenchmarkFacts("folder", 1, "any", "0" * 64, 50, 50)


def report(path: Path, model: str, metric: str, **facts: object) -> str:
    base, _, protocol = metric.partition("@")
    common = {"title": base, "value": 0.5, "interval": None, "n": Counts(50, 50, 0, 0), "unit": "1", "better": "lower"}
    scores = facts.get("scores")
    if isinstance(scores, tuple):
        common["n"] = Counts(len(scores), len(scores), 0, 0)
    result = Result(base, protocol, **{**common, "identity": "same", **facts})  # type: ignore[arg-type]
    Report(model, FACTS, (result,)).save(path)
    return str(path)


@pytest.fixture
def pair(tmp_path: Path) -> tuple[list[str], np.ndarray]:
    random = np.random.default_rng(1)
    shared = random.normal(size=50)
    values = [shared + 0.2 * random.normal(size=50) for _ in range(2)]
    paths = []
    for model, side in zip("ab", values, strict=True):
        scores = tuple(ClipScore(f"c{i}", f"c{i}", float(v)) for i, v in enumerate(side))
        paths.append(report(tmp_path / f"{model}.json", model, "frozen@default", scores=scores))
    return paths, values[0] - values[1]


def plan(capsys: pytest.CaptureFixture[str], *arguments: str) -> dict[str, float]:
    assert main(["plan", *arguments, "--json"]) == 0
    found: dict[str, float] = json.loads(capsys.readouterr().out)
    return found


def test_from_nothing_a_run_and_a_pair(pair: tuple[list[str], np.ndarray], capsys: pytest.CaptureFixture[str]) -> None:
    (first, second), differences = pair
    blind = plan(capsys, "--metric", "frozen", "--effect", "0.1")
    expected = TTestPower().solve_power(0.1 / np.sqrt(0.5), power=0.8, alpha=0.05)
    assert blind["clips_needed"] == np.ceil(expected) and blind["smallest_effect"] is None
    one = plan(capsys, "--metric", "frozen", "--effect", "0.1", "--from", first)
    both = plan(capsys, "--metric", "frozen", "--effect", "0.1", "--from", first, "--against", second)
    assert both["deviation"] == pytest.approx(differences.std(ddof=1)) and both["prompts"] == 50
    assert both["clips_needed"] < 0.2 * one["clips_needed"] and both["smallest_effect"] < 0.4 * one["smallest_effect"]
    assert main(["plan", "--metric", "frozen", "--from", first]) == 0
    assert "smallest difference that 50 prompts" in capsys.readouterr().out


def test_seeds_of_one_prompt_count_as_one(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    values = np.random.default_rng(2).normal(size=25)
    scores = tuple(ClipScore(f"c{i}-{s}", f"c{i}", float(v)) for i, v in enumerate(values) for s in range(2))
    found = plan(capsys, "--metric", "frozen", "--effect", "1", "--from",
                 report(tmp_path / "r.json", "m", "frozen@default", scores=scores))  # fmt: skip
    assert found["prompts"] == 25 and found["clips_needed"] == 2 * found["prompts_needed"]
    assert found["deviation"] == pytest.approx(np.sqrt(2) * values.std(ddof=1))


def test_columns_and_too_few_prompts(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    one, ten = (plan(capsys, "--metric", "frozen", "--effect", "0.1", "--columns", k) for k in ("1", "10"))
    expected = TTestPower().solve_power(0.1 / np.sqrt(0.5), power=0.8, alpha=0.005)
    assert ten["prompts_needed"] == np.ceil(expected) > one["prompts_needed"] and ten["fewest_prompts"] == 9
    scores = tuple(ClipScore(f"c{i}", f"c{i}", i / 5) for i in range(5))
    few = report(tmp_path / "few.json", "m", "frozen@default", scores=scores)
    assert main(["plan", "--metric", "frozen", "--from", few]) == 0
    assert "5 prompts show no difference, however large" in capsys.readouterr().out


def test_weights_and_categories_are_planned_with(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    values, groups = [0.1, 0.2, 0.8, 0.9, 0.7, 1.0], "aabbbb"
    scores = tuple(ClipScore(f"c{i}", f"c{i}", v, group=g) for i, (v, g) in enumerate(zip(values, groups, strict=True)))
    found = plan(capsys, "--metric", "frozen", "--from", report(tmp_path / "r.json", "m", "frozen@default", scores=scores))
    error = np.sqrt(np.var(values[:2], ddof=1) / 2 + np.var(values[2:], ddof=1) / 4) / 2
    assert found["deviation"] == pytest.approx(np.sqrt(2 * 6) * error)
    single = report(tmp_path / "s.json", "m", "frozen@default", scores=scores[1:])
    assert main(["plan", "--metric", "frozen", "--from", single]) == 2
    assert "single prompt" in capsys.readouterr().err


def test_sets_are_planned_from_their_replicates(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    x = np.random.default_rng(3).normal(size=50)
    names = [f"p{i}" for i in range(50)]
    groups = group_of(names)
    found = jackknife(lambda kept: float(x[list(kept)].mean()), [groups[n] for n in names])
    path = report(tmp_path / "r.json", "m", "fad_mel@default", kind="set", value=found.value, replicates=found.replicates)
    answer = plan(capsys, "--metric", "fad_mel", "--effect", "0.5", "--from", path)
    assert answer["deviation"] == pytest.approx(np.sqrt(2 * 50) * found.error[0])
    assert answer["deviation"] == pytest.approx(np.sqrt(2) * x.std(ddof=1), rel=0.6)
    assert Report.read(path).metrics[0].replicates == found.replicates


@pytest.mark.parametrize(
    ("arguments", "code", "words"),
    [
        (["--metric", "frozn", "--effect", "1"], 2, "did you mean frozen"),
        (["--metric", "fad_mel", "--effect", "1"], 2, "--from REPORT"),
        (["--metric", "frozen"], 2, "--effect E"),
        (["--metric", "frozen", "--effect", "1", "--against", "a.json"], 2, "--from"),
        (["--metric", "frozen", "--effect", "0"], 2, "difference of 0"),
        (["--metric", "frozen", "--effect", "2"], 2, "no two models differ by 2"),
        (["--metric", "frozen", "--effect", "0.1", "--columns", "0"], 2, "0 columns"),
        (["--metric", "frozen", "--effect", "0.1", "--power", "1"], 2, "power 1.0"),
        (["--metric", "frozen", "--from", "none.json"], 2, "none.json cannot be read"),
        (["--metric", "loudness", "--from", "a.json"], 2, "metric of this report"),
        (["--metric", "frozen", "--from", "a.json", "--against", "other.json"], 5, "differ in frozen@default"),
        (["--metric", "frozen", "--from", "bare.json"], 2, "tells no spread"),
    ],
)
def test_mistakes(
    arguments: list[str],
    code: int,
    words: str,
    pair: tuple[list[str], np.ndarray],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.chdir(tmp_path)
    whole = Report.read(pair[0][0])
    replace(whole, metrics=(replace(whole.metrics[0], identity="other"),)).save("other.json")
    replace(whole, metrics=(replace(whole.metrics[0], scores=(), n=Counts(0, 0, 0, 0), value=None),)).save("bare.json")
    assert main(["plan", *arguments]) == code
    assert words in capsys.readouterr().err
