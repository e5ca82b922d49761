"""The command line as a user meets it."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from pathlib import Path

import pytest

from avbench import catalog, testing
from avbench.cli import main
from avbench.errors import DuplicateName


def test_list_imports_no_torch_and_nothing_heavy() -> None:
    code = (
        "import sys; from avbench.cli import main; main(['list']); "
        "print([m for m in ('torch', 'cv2', 'av', 'scipy', 'pandas', 'librosa') if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.rstrip().endswith("[]") and "av_offset" in done.stdout


def test_run_rank_card_cache_and_doctor(toybox_folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    report, store = str(tmp_path / "new" / "r.json"), str(tmp_path / "store")
    run = ["run", "--clips", str(toybox_folder), "--metrics", "frozen,loudness", "--store", store, "--report", report]
    assert main([*run, "--model", "ünï"]) == 0
    assert "frozen" in capsys.readouterr().out
    assert main(["rank", report, "--format", "csv"]) == 0
    assert capsys.readouterr().out.startswith("model,metric")
    assert main(["run", "--clips", str(toybox_folder), "--metrics", "frozen", "--no-store", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["schema"] == 1
    assert main(["cache", "--store", store, "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["entries"] == 8
    assert main(["cache", "--store", store, "--prune"]) == 0
    assert "0 entries" in capsys.readouterr().out
    for metric in catalog.entries("metric"):
        assert main(["card", metric]) == 0
        assert "formula" in capsys.readouterr().out
        assert main(["card", metric, "--json"]) == 0
        assert json.loads(capsys.readouterr().out)["name"] == metric
    assert main(["doctor"]) == 0
    assert main(["doctor", "--clips", str(toybox_folder), "--benchmark", "toybox"]) == 3


@pytest.mark.parametrize(
    ("arguments", "code", "words"),
    [
        (["run", "--clips", "absent"], 2, "no folder"),
        (["run", "--clips", ".", "--benchmark", "toybx"], 2, "did you mean toybox"),
        (["run", "--clips", ".", "--benchmark", "vbench"], 2, "--prompts FILE"),
        (["run", "--clips", ".", "--limit", "0", "--benchmark", "toybox"], 2, "1 or more"),
        (["run", "--clips", ".", "--workers", "0"], 2, "1 or more"),
        (["run", "--clips", ".", "--metrics", ""], 2, "No metric is named"),
        (["run", "--clips", ".", "--device", "cdua"], 2, "--device cdua"),
        (["run", "--clips", ".", "--device", "meta"], 2, "--device meta"),
        (["run", "--clips", ".", "--device", "cpu:7"], 2, "--device cpu:7"),
        (["run", "--clips", ".", "--report", "/proc/r.json"], 2, "--report"),
        (["rank", "absent.json", "--metrics", ","], 2, "names no column"),
        (["cache", "--max-gb", "1"], 2, "--prune"),
        (["doctor", "--benchmark", "toybx"], 2, "did you mean toybox"),
        (["doctor", "--limit", "3"], 2, "--clips"),
        (["generate", "silence", "--clips", "x", "--limit", "0"], 2, "1 or more"),
        (["weights", "export", "/proc/weights"], 2, "cannot be written"),
        (["run", "--clips", ".", "--report", "/dev/null/r.json"], 2, "--report"),
        (["rank", "absent.json"], 2, "avbench run"),
        (["card", "frozn"], 2, "did you mean frozen"),
        (["generate", "ground_truth", "--benchmark", "folder", "--clips", "x"], 2, "no prompts"),
        (["generate", "command", "--clips", "x"], 2, "--program"),
    ],
)
def test_mistakes(
    arguments: list[str], code: int, words: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    assert main(arguments) == code
    assert words in capsys.readouterr().err


def test_a_report_whose_parquet_is_a_folder_is_known_at_once(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "q.parquet").mkdir()
    assert main(["run", "--clips", "absent", "--report", str(tmp_path / "q.json")]) == 2
    assert "q.parquet is a folder" in capsys.readouterr().err


def test_torchs_page_about_a_device_is_one_sentence(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["run", "--clips", ".", "--device", "mps"]) == 2
    assert len(capsys.readouterr().err) < 250


@pytest.mark.parametrize("content", ["", "[]", '{"schema": 7}', '{"schema": 1}', "\x00"])
def test_a_broken_report_is_a_clear_mistake(tmp_path: Path, content: str, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "r.json").write_text(content)
    assert main(["rank", str(tmp_path / "r.json")]) == 2
    assert "r.json" in capsys.readouterr().err


def test_generate_keeps_what_exists(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    command = ["generate", "silence", "--clips", str(tmp_path / "out"), "--limit", "2"]
    assert main(command) == 0 and "2 clips made, 0 kept" in capsys.readouterr().out
    assert main(command) == 0 and "0 clips made, 2 kept" in capsys.readouterr().out


def test_generate_mixes_no_clips_of_two_origins(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    command = ["generate", "silence", "--clips", str(tmp_path / "out"), "--limit", "2"]
    assert main(command) == 0
    assert main([*command, "--seed", "1"]) == 2 and "seed 0" in capsys.readouterr().err
    assert main(["generate", "frozen_frame", *command[2:]]) == 2
    assert main([*command[:-1], "1", "--seed", "1", "--overwrite"]) == 2  # the second clip would be kept
    assert main([*command, "--seed", "1", "--overwrite"]) == 0 and "2 clips made" in capsys.readouterr().out


@pytest.mark.parametrize("amount", ["nan", "-1", "inf", "x"])
def test_amounts_are_numbers(amount: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as error:
        main(["cache", "--prune", f"--max-gb={amount}"])
    assert error.value.code == 2 and "is no amount" in capsys.readouterr().err


def test_totals_say_which_parts_are_absent(capsys: pytest.CaptureFixture[str]) -> None:
    metric = catalog.load("metric", "verse_bench_overall@official")
    absent = catalog.absent_parts(metric)
    assert set(absent) <= set(metric.parts)
    assert main(["list", "metrics", "--json"]) == 0
    listed = {row["name"]: row for row in json.loads(capsys.readouterr().out)["metrics"]}["verse_bench_overall"]
    facts = next(p for p in listed["protocols"] if p["protocol"] == "official")
    assert facts["absent_parts"] == absent and facts["runs_here"] == (len(absent) < len(metric.parts))
    assert main(["doctor", "--benchmark", "vbench"]) == 0
    assert len(catalog.load("benchmark", "vbench").metrics) == capsys.readouterr().out.count("\n  ")


def test_every_name_a_benchmark_uses_is_a_metric() -> None:
    for name in catalog.entries("benchmark"):
        benchmark = catalog.load("benchmark", name)
        for metric in (*benchmark.metrics, *dict(benchmark.columns).values(), *dict(benchmark.scopes)):
            catalog.load("metric", metric)
        full = {catalog.full_name(metric) for metric in benchmark.metrics}
        assert {catalog.full_name(metric) for metric in dict(benchmark.columns).values()} <= full, name
        assert set(dict(benchmark.scopes)) <= full, name
    for name in catalog.entries("metric"):
        for protocol in catalog.protocols(name):
            metric = catalog.load("metric", name if protocol == "default" else f"{name}@{protocol}")
            for part in getattr(metric, "parts", ()):
                assert catalog.full_name(part) == part
                catalog.load("metric", part)


PROGRAM = """
import json, shutil, sys
prompts, clips, source = sys.argv[1:]
for line in open(prompts, encoding="utf-8"):
    shutil.copy(source, f"{clips}/{json.loads(line)['id']}.mp4")
"""


def test_an_external_program_answers(toybox_folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    script, out = tmp_path / "program.py", tmp_path / "out"
    script.write_text(PROGRAM)
    source = next(toybox_folder.glob("*.mp4"))
    good = f"{sys.executable} {script} {{prompts}} {{clips}} {source}"
    command = ["generate", "command", "--clips", str(out), "--limit", "3", "--program"]
    assert main([*command, good]) == 0
    assert len(list(out.glob("*.mp4"))) == 3
    out = tmp_path / "other"
    command[3] = str(out)
    capsys.readouterr()
    assert main([*command, f"{sys.executable} -c 'import sys; sys.exit(\"out of memory\")'"]) == 1
    assert "exit code 1" in (text := capsys.readouterr().err) and "out of memory" in text
    assert main([*command, "no-such-program {prompts}"]) == 2
    assert main([*command, "true"]) == 1
    assert "3 of 3 prompts" in capsys.readouterr().err
    started = time.monotonic()
    assert main([*command, "sleep 30", "--timeout", "0.3"]) == 1
    assert time.monotonic() - started < 20 and "--timeout" in capsys.readouterr().err


def test_interrupt_is_130(toybox_folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    def interrupt(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("avbench.runner.run", interrupt)
    assert main(["run", "--clips", str(toybox_folder)]) == 130
    assert "goes on" in capsys.readouterr().err


@pytest.mark.parametrize("kind", ["metric", "model", "benchmark"])
def test_every_bundled_plugin_keeps_the_contract(kind: catalog.Kind) -> None:
    for name in catalog.entries(kind):
        getattr(testing, f"check_{kind}")(name)


def test_two_plugins_of_one_name_are_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    package = tmp_path / "other_metrics"
    package.mkdir()
    (package / "__init__.py").write_text("")
    (package / "loudness.py").write_text("")
    info = tmp_path / "other-1.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: other\nVersion: 1\n")
    (info / "entry_points.txt").write_text("[avbench.metrics]\nother = other_metrics\n")
    monkeypatch.syspath_prepend(str(tmp_path))
    catalog.entries.cache_clear()
    try:
        with pytest.raises(DuplicateName, match=r"loudness.*other"):
            catalog.entries("metric")
    finally:
        monkeypatch.undo()
        catalog.entries.cache_clear()
