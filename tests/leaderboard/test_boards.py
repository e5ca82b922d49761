"""Leaderboard folders: committed bytes are current, nothing that differs shares a column, and who may not enter."""

from __future__ import annotations

import csv
import json
from collections.abc import Callable
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path

import pytest

import avbench
from avbench import catalog, libraries, weights
from avbench.benchmark import prompt_digest
from avbench.cli import main
from avbench.errors import NotComparable, UsageError
from avbench.leaderboard import declared
from avbench.leaderboard.board import Board, measured, measured_tables, read_board, reported
from avbench.leaderboard.board_pages import PAGES
from avbench.leaderboard.entry import refusals
from avbench.leaderboard.published import FIELDS, Published, read_published
from avbench.leaderboard.rank import rank
from avbench.leaderboard.reported import NOT_STATED, reported_tables, sheets
from avbench.leaderboard.tables import heading
from avbench.metric import ClipMetric
from avbench.report import Counts, Missing, Report, Weights
from avbench.runner import identity, score_bounds
from avbench.statistics import Interval

ROOT = Path(__file__).resolve().parents[2] / "leaderboards"
FOLDERS = sorted(path.parent for path in ROOT.glob("*/board.json"))
every_board = pytest.mark.parametrize("folder", FOLDERS, ids=lambda folder: folder.name)


@pytest.fixture(scope="module")
def report(toybox_folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Report:
    """Four Toybox clips under two metrics without a network."""
    prompts = tmp_path_factory.mktemp("prompts") / "four.json"
    prompts.write_text('{"count": 4}')
    metrics = ["loudness", "sharpness"]
    return avbench.run(toybox_folder, "toybox", prompts=prompts, metrics=metrics, model="mine", store=None)


@pytest.fixture
def folder(tmp_path: Path, report: Report) -> Path:
    """A board of that report."""
    (tmp_path / "board.json").write_text(
        json.dumps({"benchmark": "toybox", "title": "Toybox", "prompts": {report.benchmark.prompts_sha256: "four"}})
    )
    report.save(tmp_path / "reports" / "mine.json")
    return tmp_path


def row(**changes: str) -> Published:
    """A valid published row."""
    words = dict.fromkeys(FIELDS, "")
    words |= {"benchmark": "b", "subset": "all", "protocol": "official", "model": "A", "variant": "default", "metric": "fvd"}
    words |= {"metric_as_printed": "FVD", "value": "1.50", "direction": "lower", "source": "S", "source_kind": "paper"}
    return Published(**{**words, "reliability": "high", **changes})


def write_rows(path: Path, *rows: Published) -> Path:
    """A CSV of published rows."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w", encoding="utf-8", newline="") as stream:
        writer = csv.DictWriter(stream, FIELDS)
        writer.writeheader()
        writer.writerows(vars(item) for item in rows)
    return path


# ---- the committed folders


def test_the_folders_are_there() -> None:
    assert {"javisbench", "verse_bench", "seed_tts", "vbench", "toybox"} <= {folder.name for folder in FOLDERS}
    assert all((folder / "README.md").is_file() for folder in FOLDERS)


@every_board
def test_committed_bytes_are_current(folder: Path) -> None:
    board = read_board(folder)
    for name, render in PAGES.items():
        assert (folder / name).read_bytes() == render(board).encode(), f"{folder / name} is stale; run: make leaderboards"


@every_board
def test_no_reported_column_mixes_prompts_protocols_or_sources(folder: Path) -> None:
    board = read_board(folder)
    tables = reported_tables(board.published)
    for table in tables:
        assert len({(r.benchmark, r.subset, r.n, r.protocol, r.source) for r in table.rows}) == 1
        assert len({(r.model, r.variant, r.metric) for r in table.rows}) == len(table.rows)
    assert sorted(map(str, (r for table in tables for r in table.rows))) == sorted(map(str, board.published))


@every_board
def test_every_reported_number_is_shown_once_with_source_and_protocol_and_no_rank(folder: Path) -> None:
    board = read_board(folder)
    shown = 0
    for table in reported_tables(board.published):
        number = board.sources.index(table.rows[0].source) + 1
        for sheet in sheets(table, board.protocols, board.sources):
            assert table.rows[0].source in sheet.title
            for words in sheet.body:
                *_, protocol, source, reliability = (word.text for word in words)
                assert (protocol, source) == (table.rows[0].protocol or NOT_STATED, f"[{number}]") and reliability
                assert not any(word.best or "#" in word.text for word in words)
                shown += sum(word.text != "–" for word in words[1:-3])
            if any(word.doubtful for words in sheet.body for word in words):
                assert sheet.notes
    assert shown == len(board.published)


@every_board
def test_the_csv_holds_every_number_and_ranks_measured_ones_alone(folder: Path) -> None:
    board = read_board(folder)
    rows = list(csv.DictReader(PAGES["leaderboard.csv"](board).splitlines()))
    ours = [r for r in rows if r["kind"] == "reported"]
    assert [(r["model"], r["metric"], r["value"], r["source"]) for r in ours] == [
        (r.model, r.metric, r.value, r.source) for r in board.published
    ]
    assert all(r["rank_low"] == r["rank_high"] == "" and r["source"] and r["reliability"] for r in ours)
    assert len(rows) - len(ours) == sum(len(report.metrics) for report in board.reports)


@every_board
def test_pages_are_whole_and_self_contained(folder: Path) -> None:
    board = read_board(folder)
    page = PAGES["leaderboard.html"](board)
    assert "<script" not in page and "src=" not in page and "@import" not in page
    open_tags: list[str] = []

    class Check(HTMLParser):
        def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
            if tag != "meta":
                open_tags.append(tag)

        def handle_endtag(self, tag: str) -> None:
            assert open_tags.pop() == tag

    Check().feed(page)
    assert not open_tags
    latex = PAGES["leaderboard.tex"](board)
    assert latex.count(r"\begin{table}") == latex.count(r"\end{table}") == page.count("<table>")
    lines = [line for line in PAGES["leaderboard.md"](board).splitlines() if line.startswith("|")]
    assert max((line.replace("\\|", "").count("|") for line in lines), default=0) <= 14  # wider is not read


def test_prompt_digests_of_boards_are_those_of_the_real_prompts(real_data: Path) -> None:
    for name, file in (("javisbench", "javisbench_mini.csv"), ("vbench", "vbench_full_info.json")):
        asked = catalog.load("benchmark", name).prompts(real_data / "benchmarks" / file)
        assert set(json.loads((ROOT / name / "board.json").read_text())["prompts"]) == {prompt_digest(asked)}


def test_the_toybox_board_accepts_its_prompt_file() -> None:
    asked = catalog.load("benchmark", "toybox").prompts(ROOT / "toybox" / "prompts.json")
    assert set(json.loads((ROOT / "toybox" / "board.json").read_text())["prompts"]) == {prompt_digest(asked)}


# ---- published rows


def test_different_protocols_sources_and_prompts_make_tables_of_their_own() -> None:
    first = row()
    others = [row(protocol="mova"), row(source="T"), row(subset="mini"), row(benchmark="c"), row(n="7"), row(protocol="")]
    tables = reported_tables([first, row(model="B"), *others])
    assert [len(table.rows) for table in tables] == [2, 1, 1, 1, 1, 1, 1]
    (unknown,) = sheets(tables[-1], {"official": "the released code"}, ["S", "T"])
    assert unknown.title.startswith(NOT_STATED) and unknown.body[0][-3].text == NOT_STATED
    (known,) = sheets(tables[0], {"official": "the released code"}, ["S", "T"])
    assert "the released code" in known.title and NOT_STATED not in known.title


def test_contradicting_sources_are_both_shown_and_named() -> None:
    board = Board("b", "B", published=(row(value="1.50"), row(value="2.5", source="T", reliability="low", note="a copy")))
    page = PAGES["leaderboard.md"](board)
    assert "*1.50*" in page and "*2.5†*" in page and "A, FVD (all, official): 1.50 \\[1\\]; 2.5 \\[2\\]." in page
    assert "contradict" not in PAGES["leaderboard.md"](replace(board, published=(row(), row(source="T", value="1.5"))))


def test_many_metrics_of_few_models_become_rows_and_of_many_models_parts() -> None:
    few = [row(metric=f"m{i}", metric_as_printed=f"M{i}") for i in range(9)]
    (sheet,) = sheets(reported_tables(few)[0], {}, ["S"])
    assert sheet.head[0] == "metric" and len(sheet.body) == 9
    many = [replace(item, model=model) for model in "ABCDE" for item in few]
    parts = sheets(reported_tables(many)[0], {}, ["S"])
    assert [len(part.head) - 4 for part in parts] == [5, 4] and all(len(part.body) == 5 for part in parts)


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"source": ""}, "source is empty"),
        ({"value": "1,5"}, "no number"),
        ({"value": "nan"}, "no number"),
        ({"direction": "up"}, "direction is 'up'"),
        ({"reliability": ""}, "reliability is ''"),
        ({"reliability": "low"}, "note must say why"),
        ({"source_kind": "blog"}, "source_kind"),
        ({"uncertainty": "±3"}, "uncertainty"),
        ({"n": "many"}, "no whole number"),
        ({}, "line 2 has A, fvd of this source already"),
    ],
)
def test_a_wrong_row_is_named_with_its_line(changes: dict[str, str], words: str, tmp_path: Path) -> None:
    path = write_rows(tmp_path / "p.csv", row(), row(**({"model": "B", **changes} if changes else {})))
    with pytest.raises(UsageError, match="line 3") as error:
        read_published(path)
    assert words in str(error.value)


def test_a_wrong_header_or_number_of_fields_is_named(tmp_path: Path) -> None:
    path = write_rows(tmp_path / "p.csv", row())
    path.write_text(path.read_text() + "b,all\n")
    with pytest.raises(UsageError, match="line 3: it has not 15 fields"):
        read_published(path)
    path.write_text("model,value\n")
    with pytest.raises(UsageError, match="line 1: the columns must be"):
        read_published(path)


# ---- measured rows


def test_a_board_is_rendered_checked_and_stale_when_touched(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    write_rows(folder / "published" / "p.csv", row(model="<b>_&"))
    assert main(["board", "--check", str(folder)]) == 1 and not (folder / "leaderboard.md").exists()
    assert main(["board", str(folder)]) == 0 and main(["board", "--check", str(folder)]) == 0
    before = {name: (folder / name).read_bytes() for name in PAGES}
    (folder / "leaderboard.md").write_text("edited")
    capsys.readouterr()
    assert main(["board", "--check", str(folder)]) == 1 and "leaderboard.md: not current" in capsys.readouterr().out
    assert main(["board", str(folder)]) == 0 and {name: (folder / name).read_bytes() for name in PAGES} == before
    assert b"<b>" not in before["leaderboard.html"] and b"\\_" in before["leaderboard.tex"]
    assert b"#1**" in before["leaderboard.md"] and b"\\textbf" in before["leaderboard.tex"]


def test_other_references_and_checkpoints_have_columns_of_their_own(report: Report) -> None:
    sharpness = report["sharpness"]
    real = replace(report, metrics=(replace(sharpness, reference="r1", identity="i1"),))
    other = replace(real, model="b", metrics=(replace(sharpness, reference="r2", identity="i2"),))
    third = replace(real, model="c", metrics=(replace(real.metrics[0], weights=(Weights("w", "5" * 64, "unverified"),)),))
    (table,) = measured_tables([real, other, third])
    assert [column.variant for column in table.columns] == ["reference r1", "reference r2", "reference r1, w 555555"]
    for index, (_, cells) in enumerate(table.rows):
        assert [cell.result is not None for cell in cells] == [place == index for place in range(3)]
    (sheet,) = measured(Board("toybox", "Toybox", reports=(real, other, third)))
    assert any("reference set r2" in note for note in sheet.notes) and any("w 555555555555" in note for note in sheet.notes)


def test_other_prompts_have_a_table_of_their_own(report: Report) -> None:
    other = replace(report, model="b", benchmark=replace(report.benchmark, prompts_sha256="f" * 64))
    assert [[model for model, _ in table.rows] for table in measured_tables([report, other])] == [["mine"], ["b"]]


def test_many_models_are_shown_in_parts_with_ranks_over_all(report: Report) -> None:
    models = [replace(report, model=f"m{i}") for i in range(8)]
    sharpness = models[7]["sharpness"]
    scores = tuple(
        replace(score, cluster=f"{score.clip}{k}", clip=f"{score.clip}{k}") for k in range(8) for score in sharpness.scores
    )
    models = [replace(m, metrics=(m["loudness"], replace(sharpness, scores=scores))) for m in models]
    worse = replace(sharpness, value=-1.0, scores=tuple(replace(score, value=score.value - 9) for score in scores))
    models[7] = replace(models[7], metrics=(models[7]["loudness"], worse))
    first, second = measured(Board("toybox", "Toybox", reports=tuple(models)))
    assert len(first.head) == 7 and len(second.head) == 5 and second.body[1][-1].text.endswith("#8")
    assert first.body[1][-1].text.endswith("#1-7")
    assert not first.notes and reported(Board("toybox", "Toybox")) == {}


# ---- who may not enter


def _result(report: Report, **changes: object) -> Report:
    return replace(report, metrics=(replace(report.metrics[-1], **changes),))  # type: ignore[arg-type]


def _facts(report: Report, **changes: object) -> Report:
    return replace(report, benchmark=replace(report.benchmark, **changes))  # type: ignore[arg-type]


def _without(report: Report, count: int, kind: str) -> Report:
    """The last metric without its last scores, which are ``kind`` now ("" forgets them)."""
    old = report.metrics[-1]
    kept, gone = old.scores[:-count], old.scores[-count:]
    missing = tuple(Missing(s.clip, kind, "No motion.", s.cluster) for s in gone) if kind else ()
    skipped = count if kind == "not_applicable" else 0
    n = Counts(len(kept) + len(missing), len(kept), len(missing) - skipped, skipped)
    return _result(report, scores=kept, missing=missing, n=n, value=old.mean(kept), interval=None)


REFUSED: dict[str, tuple[Callable[[Report], Report], str]] = {
    "another benchmark": (lambda r: _facts(r, name="vbench"), "report on vbench"),
    "another version": (lambda r: _facts(r, version=0), "version 0 of toybox"),
    "other prompts": (lambda r: _facts(r, prompts_sha256="f" * 64), "ffffffffffff\\) are none of the board's"),
    "limited to present": (lambda r: _facts(r, limited_to_present=True), "whose clips exist alone"),
    "failed clips": (lambda r: _without(r, 1, "missing"), "1 of 4 clips are missing or failed"),
    "too few clips asked": (lambda r: _without(r, 1, ""), "speaks of 3 of 4 prompts"),
    "a value of its own": (lambda r: _result(r, value=999.0, interval=None), "its value is 999, its scores give"),
    "outside its interval": (lambda r: _result(r, interval=Interval(0.0, 0.1, 0.95, "x")), "outside its own interval"),
    "another level": (lambda r: _result(r, interval=Interval(0.0, 99.0, 0.5, "x")), "its interval is of 50%"),
    "another direction": (lambda r: _result(r, better="lower"), "its better is 'lower', the metric's is 'higher'"),
    "another unit": (lambda r: _result(r, unit="bananas"), "its unit is 'bananas'"),
    "another title": (lambda r: _result(r, title="Fake"), "its title is 'Fake'"),
    "other bounds": (lambda r: _result(r, bounds=(-1e9, 1e9)), "its bounds is"),
    "another mean": (lambda r: _result(r, averaged="categories"), "its averaged is 'categories'"),
    "a digest that is none": (lambda r: replace(r, clips={c: {**f, "sha256": "zz"} for c, f in r.clips.items()}), "are no sha256"),
    "clips that are not listed": (
        lambda r: _result(r, scores=tuple(replace(s, clip=f"x{s.clip}") for s in r.metrics[-1].scores)),
        "does not list: x",
    ),
    "silence": (lambda r: _without(r, 2, "not_applicable"), "2 of 4 clips are declared not applicable"),
    "no metric": (lambda r: replace(r, metrics=()), "no metric"),
    "no digest": (lambda r: replace(r, clips={**r.clips, next(iter(r.clips)): {"path": "x", "sha256": ""}}), "have no digest"),
    "clips left out": (lambda r: replace(r, clips={}), "lists 0 clips for 4 prompts"),
    "stand-in": (lambda r: _result(r, weights=(Weights("raft_things", "stand-in", "stand-in"),)), "stand-in networks"),
    "unknown metric": (lambda r: _result(r, metric="beauty"), "beauty@default is not known here"),
    "unknown protocol": (lambda r: _result(r, protocol="mine"), "sharpness@mine is not known here"),
    "another identity": (lambda r: _result(r, identity="0" * 64), "another version of the metric"),
}


@pytest.mark.parametrize("case", REFUSED)
def test_a_refused_report_is_named_and_never_rendered(
    case: str, report: Report, folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    prompts = {report.benchmark.prompts_sha256}
    assert refusals(report, "toybox", prompts=prompts) == []
    change, words = REFUSED[case]
    with pytest.raises(NotComparable, match=words):
        change(report).save(folder / "reports" / "mine.json")
        read_board(folder)
    path = str(folder / "reports" / "mine.json")
    assert main(["board", str(folder)]) == 5 and path in capsys.readouterr().err and not (folder / "leaderboard.md").exists()
    assert main(["submit", "--check", "--board", str(folder), path]) == 5 and "may not enter" in capsys.readouterr().out


def test_what_no_other_report_answers_may_be_silent(report: Report) -> None:
    prompts = {report.benchmark.prompts_sha256}
    quiet = _without(report, 2, "not_applicable")
    assert refusals(quiet, others=[replace(quiet, model="b")], prompts=prompts) == []
    assert "2 of 4 clips" in " ".join(refusals(quiet, others=[replace(report, model="b")], prompts=prompts))
    assert refusals(_without(report, 1, "not_applicable"), prompts=prompts) == []
    floor = replace(quiet, model="silence", provenance={**quiet.provenance, "made_by": {"role": "floor"}})
    assert refusals(floor, prompts=prompts) == []
    speech = replace(
        quiet.metrics[0], missing=tuple(replace(m, reason="The prompt has no speech.") for m in quiet.metrics[0].missing)
    )
    assert "2 of 4 clips" in " ".join(refusals(replace(quiet, metrics=(speech,)), prompts=prompts))  # sharpness asks for none


def test_a_distance_must_be_one_that_its_metric_can_give(report: Report) -> None:
    metric = catalog.load("metric", "fad_mel")
    distance = replace(report.metrics[-1], metric="fad_mel", protocol="default", title=metric.card.title, unit=metric.card.unit,
                       better="lower", kind="set", scores=(), bounds=None, value=-1.0, interval=None)  # fmt: skip
    assert "outside the metric's range 0" in " ".join(declared.doubts(distance, report))
    assert list(declared.doubts(replace(distance, value=1.0), report)) == []
    assert "outside its own interval" in " ".join(
        declared.doubts(replace(distance, value=1.0, interval=Interval(2.0, 3.0, 0.95, "x")), report)
    )
    assert "its kind is 'total'" in " ".join(declared.doubts(replace(distance, value=1.0, kind="total"), report))


def test_a_taken_name_and_other_prompts_than_the_others(report: Report) -> None:
    (reason,) = refusals(report, others=[report], prompts={report.benchmark.prompts_sha256})
    assert "The model name mine is taken" in reason
    (reason,) = refusals(report)
    assert "are none of the board's" in reason  # the Toybox has 32 prompts of its own, the report answers four
    folder = replace(_facts(report, name="folder", version=catalog.load("benchmark", "folder").version))
    other = replace(_facts(folder, prompts_sha256="f" * 64), model="b")
    assert refusals(folder) == [] and "are none of the board's" in refusals(folder, others=[other])[0]


def test_another_schema_is_no_report(folder: Path) -> None:
    path = folder / "reports" / "mine.json"
    path.write_text(path.read_text().replace('"schema": 1', '"schema": 0'))
    assert main(["submit", "--check", "--board", str(folder), str(path)]) == 2
    with pytest.raises(UsageError, match="schema"):
        read_board(folder)


def _with_network(report: Report, name: str, digest: str, status: str) -> Report:
    """A result under a metric with one checkpoint, as the machine that holds the file would write it."""
    metric = catalog.load("metric", name)
    (checkpoint,) = metric.checkpoints
    behind = {library: "1.2.3" for feature in metric.uses for library in feature.libraries}
    with weights.recorded({checkpoint: digest}), libraries.recorded(behind):
        key = identity(metric)
    base, protocol = catalog.full_name(name).split("@")
    files = (Weights(checkpoint, digest, status),)
    low, high = metric.card.range
    middle = 0.0 if low <= 0 <= high else low
    scores = tuple(replace(s, value=middle, weight=1.0) for s in report.metrics[-1].scores)
    clip = isinstance(metric, ClipMetric)
    words = {"title": metric.card.title, "unit": metric.card.unit, "better": metric.card.better, "value": middle, "interval": None,
             "kind": "clip" if clip else "set", "scores": scores if clip else ()}  # fmt: skip
    own = {"bounds": score_bounds(metric), "averaged": metric.averaged} if isinstance(metric, ClipMetric) else {"bounds": None}
    changes = {"metric": base, "protocol": protocol, "identity": key, "weights": files, "libraries": behind}
    return _result(report, **changes, **words, **own)


def _one_checkpoint(published: bool) -> tuple[str, str]:
    """A metric of one file whose digest is published (or not), and the digest."""
    for name in catalog.entries("metric"):
        metric = catalog.load("metric", name)
        if not hasattr(metric, "parts") and len(metric.checkpoints) == 1 and not getattr(metric, "needs_reference", False):
            files = weights.checkpoint(metric.checkpoints[0]).files
            if len(files) == 1 and (bool(files[0].sha256) if published else not files[0].published):
                return name, files[0].sha256
    raise AssertionError("no such metric")


def test_checkpoints_must_be_the_published_files_or_declared_unverified(report: Report) -> None:
    prompts = {report.benchmark.prompts_sha256}

    def reasons(name: str, digest: str, status: str) -> str:
        return " ".join(refusals(_with_network(report, name, digest, status), prompts=prompts))

    name, digest = _one_checkpoint(published=True)
    assert reasons(name, digest, "verified") == ""
    assert "is not the published file" in reasons(name, "5" * 64, "verified")
    assert "must be verified" in reasons(name, "5" * 64, "unverified")
    assert "is absent" in reasons(name, digest, "absent")
    assert "must be verified" in reasons("imaging_quality", "358bb6af" + "5" * 56, "unverified")
    assert "is not the published file" in reasons("imaging_quality", "5" * 64, "verified")
    assert reasons("imaging_quality", "358bb6af" + "5" * 56, "verified") == ""  # all that is published of it
    name, _ = _one_checkpoint(published=False)
    (checkpoint,) = catalog.load("metric", name).checkpoints
    stranger = _with_network(report, name, "5" * 64, "unverified")
    (reason,) = refusals(stranger, prompts=prompts)
    assert f'lists it in its board.json: "checkpoints": {{"{checkpoint}": "{"5" * 64}"}}' in reason
    assert refusals(stranger, prompts=prompts, accepted={checkpoint: "5" * 64}) == []
    assert refusals(stranger, prompts=prompts, accepted={checkpoint: "6" * 64}) != []
    assert stranger.metrics[0].unverified == (checkpoint,)
    table = rank([stranger])
    assert "(unverified checkpoint)" in heading(table.columns[0])
    assert any(f"no published digest vouches for {checkpoint}" in note for note in table.footnotes)
    assert "is not the published file" in reasons(name, "5" * 64, "verified")
    assert "is unverified" in reasons(name, "", "unverified")
    honest = _with_network(report, name, "5" * 64, "unverified")
    swapped = _result(honest, weights=(replace(honest.metrics[0].weights[0], sha256="6" * 64),))
    assert "another version" in " ".join(refusals(swapped, prompts=prompts, accepted={checkpoint: "6" * 64}))
    without = _result(honest, weights=())
    assert "names no digest of" in " ".join(refusals(without, prompts=prompts))


def test_a_board_tells_versions_of_a_library_apart(report: Report) -> None:
    prompts = {report.benchmark.prompts_sha256}
    digest = weights.checkpoint("audiobox_aesthetics").files[0].sha256
    one = _with_network(report, "content_enjoyment", digest, "verified")
    assert one.metrics[0].libraries == {"audiobox-aesthetics": "1.2.3"} and refusals(one, prompts=prompts) == []
    lying = _result(one, libraries={"audiobox-aesthetics": "1.2.4"})
    assert "another version" in " ".join(refusals(lying, prompts=prompts))
    with weights.recorded({"audiobox_aesthetics": digest}), libraries.recorded(lying.metrics[0].libraries):
        key = identity(catalog.load("metric", "content_enjoyment"))
    table = rank([one, replace(_result(lying, identity=key), model="b")], ["content_enjoyment"])
    assert [c.variant for c in table.columns] == ["audiobox-aesthetics 1.2.3", "audiobox-aesthetics 1.2.4"]


@pytest.mark.parametrize("text", ["{", "[]", '{"benchmark": "toybox"}', '{"benchmark": "toybox", "title": "T", "more": 1}'])
def test_a_wrong_board_file_is_named(text: str, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"board\.json"):
        read_board(tmp_path)
    (tmp_path / "board.json").write_text(text)
    with pytest.raises(UsageError, match=r"board\.json"):
        read_board(tmp_path)
