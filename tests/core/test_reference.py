"""Reference files, scopes, totals, the paper's row, and what may enter a leaderboard."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import avbench
from avbench import catalog, reference
from avbench.benchmark import Benchmark
from avbench.benchmarks.verse_bench import read_prompts
from avbench.cli import main
from avbench.clip import Prompt
from avbench.errors import AvbenchError, NotComparable, UsageError
from avbench.leaderboard.entry import admit, refusals
from avbench.leaderboard.rank import rank
from avbench.leaderboard.tables import as_paper
from avbench.report import Counts, Report
from avbench.runner import export_reference, import_reference


def test_a_reference_file_answers_like_its_folder(toybox_folder: Path, tmp_path: Path) -> None:
    file = tmp_path / "real.npz"
    made = export_reference(toybox_folder, file, ["fad_mel", "kad_mel"], store=None)
    folder = avbench.run(toybox_folder, metrics=["fad_mel", "kad_mel"], reference=toybox_folder, store=None)
    shared = avbench.run(toybox_folder, metrics=["fad_mel", "kad_mel"], reference=file, store=None)
    assert [r.value for r in folder.metrics] == [r.value for r in shared.metrics]
    assert [r.identity for r in folder.metrics] == [r.identity for r in shared.metrics]  # they may share a column
    assert made.digest == folder["fad_mel"].reference
    assert reference.header(file) == made


def test_a_reference_of_another_protocol_is_refused(toybox_folder: Path, tmp_path: Path) -> None:
    file = tmp_path / "real.npz"
    export_reference(toybox_folder, file, ["fad_mel"], store=None)
    with pytest.raises(NotComparable, match="export it again"):
        avbench.run(toybox_folder, metrics=["fd_vgg"], reference=file, stand_in=True, store=None)
    assert main(["run", "--clips", str(toybox_folder), "--metrics", "fd_vgg", "--reference", str(file), "--stand-in"]) == 5


@pytest.mark.parametrize("content", [b"", b"no zip at all", b"PK\x03\x04 half"])
def test_what_is_no_reference_file_is_said(toybox_folder: Path, tmp_path: Path, content: bytes) -> None:
    file = tmp_path / "broken.npz"
    file.write_bytes(content)
    with pytest.raises(UsageError, match="no reference file"):
        avbench.run(toybox_folder, metrics=["fad_mel"], reference=file, store=None)
    np.savez(tmp_path / "other.npz", a=np.zeros(3))
    with pytest.raises(UsageError, match="no reference file"):
        reference.header(tmp_path / "other.npz")


def _rewritten(file: Path, place: Path, change: Callable[[dict[str, Any], dict[str, Any]], Any]) -> Path:
    """A copy whose arrays and header were changed, the digest of its content left as it was."""
    with np.load(file) as data:
        arrays = {name: data[name] for name in data.files}
    header = json.loads(str(arrays.pop("header")))
    change(arrays, header)
    np.savez(place, header=np.asarray(json.dumps(header)), **arrays)
    return place


DAMAGES: dict[str, tuple[Callable[[dict[str, Any], dict[str, Any]], Any], str]] = {
    "no values": (lambda arrays, header: arrays.pop("0.values"), "lacks or has too much: 0.values"),
    "too much": (lambda arrays, header: arrays.update(more=np.ones(2)), "lacks or has too much: more"),
    "clips": (lambda arrays, header: arrays.update({"0.clips": arrays["0.clips"] + 100}), "names other clips than the 4"),
    "twice": (lambda arrays, header: arrays.update({"0.clips": arrays["0.clips"] * 0}), "names other clips than the 4"),
    "ids": (lambda arrays, header: header.update(ids=header["ids"][:3]), "are no pairs"),
    "lengths": (lambda arrays, header: arrays.update({"0.lengths": arrays["0.lengths"] * 0 + 1}), "do not add up"),
    "fewer lengths": (lambda arrays, header: arrays.update({"0.lengths": arrays["0.lengths"][:2]}), "no two lists"),
    "width": (lambda arrays, header: arrays.update({"0.values": arrays["0.values"][:, :5]}), "its content is not"),
    "values": (lambda arrays, header: arrays.update({"0.values": arrays["0.values"] * 3}), "its content is not"),
    "not a number": (lambda arrays, header: arrays.update({"0.values": arrays["0.values"] * np.nan}), "its content is not"),
    "digest": (lambda arrays, header: header.update(digest="0" * 64), "its content is not"),
    "older": (lambda arrays, header: header.update(format="avbench reference 1"), "written by another avbench"),
}


@pytest.fixture(scope="module")
def exported(toybox_folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    file = tmp_path_factory.mktemp("reference") / "real.npz"
    export_reference(toybox_folder, file, ["fad_mel"], store=None)
    return file


@pytest.mark.parametrize("case", DAMAGES)
def test_a_changed_reference_is_refused_before_the_run(exported: Path, toybox_folder: Path, tmp_path: Path, case: str) -> None:
    change, words = DAMAGES[case]
    file = _rewritten(exported, tmp_path / "changed.npz", change)
    told: list[tuple[str, int, int]] = []
    with pytest.raises(UsageError, match=words):
        avbench.run(toybox_folder, metrics=["fad_mel"], reference=file, store=None, progress=lambda *w: told.append(w))
    assert told == [] and reference.header(_rewritten(exported, file, lambda *same: None)).digest


def test_published_features_become_a_reference(
    toybox_folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    torch = pytest.importorskip("torch")
    from avbench_metrics._maths.frechet_official import javisbench_frechet

    rng = np.random.default_rng(0)
    made = {"video": rng.standard_normal((6, 400), np.float32), "audio": rng.standard_normal((6, 1024), np.float32)}
    source, file = tmp_path / "mini-vanilla-max4s.pt", tmp_path / "real.npz"
    torch.save({name: torch.from_numpy(array) for name, array in made.items()}, source)
    names = "fvd@javisbench,kvd@javisbench,fad@javisbench"
    assert main(["reference", "import", str(file), "--from", str(source), "--metrics", names]) == 0
    assert f"imported from {source.name}" in capsys.readouterr().out
    found = reference.header(file)
    assert len(found.ids) == len(set(found.digests)) == 6 and "neither its clips nor the weights" in found.origin
    video = catalog.load("metric", "fvd@javisbench").uses[0]
    outcomes, _ = reference.read(file, [video])
    assert np.array_equal(np.concatenate([outcome.kept[video] for outcome in outcomes]), made["video"])

    clip_vectors = rng.standard_normal((4, 400)).astype(np.float32)
    left = iter(clip_vectors)
    monkeypatch.setattr(type(video), "load", lambda self, device: lambda batch: [next(left)[None] for _ in batch])
    report = avbench.run(toybox_folder, metrics=["fvd@javisbench"], reference=file, stand_in=True, store=None)
    assert report["fvd"].value == pytest.approx(javisbench_frechet(clip_vectors, made["video"]), rel=1e-6)
    assert report["fvd"].reference == found.digest
    (note,) = (note for note in report.notes if "imported" in note)
    assert source.name in note and "cannot be told" in note

    with pytest.raises(UsageError, match="avbench reference import"):
        avbench.run(toybox_folder, metrics=["fvd@javisbench"], reference=source, stand_in=True, store=None)
    assert main(["reference", "import", str(file), "--from", str(source), "--metrics", "fad_mel"]) == 2
    assert "Nobody is known to publish" in capsys.readouterr().err
    for spoilt, words in (({"video": made["video"][:, :5]}, r"\[6, 5\], not \(clips, 400\)"),
                          ({"audio": made["audio"]}, "no 'video'"),
                          ({"video": made["video"] * np.nan}, "of finite numbers"),
                          ({**made, "audio": made["audio"][:5]}, "different numbers of clips: 5, 6")):  # fmt: skip
        torch.save({name: torch.from_numpy(array) for name, array in spoilt.items()}, source)
        wanted = ["fvd@javisbench", *(["fad@javisbench"] if len(spoilt) > 1 else [])]
        with pytest.raises(UsageError, match=words):
            import_reference(source, file, wanted)
    assert reference.header(file) == found  # nothing was written


def test_an_import_runs_no_code(tmp_path: Path) -> None:
    torch = pytest.importorskip("torch")
    torch.save({"video": Path("x")}, tmp_path / "evil.pt")
    with pytest.raises(AvbenchError, match="cannot be read as weights"):
        import_reference(tmp_path / "evil.pt", tmp_path / "real.npz", ["fvd@javisbench"])


def test_export_refuses_what_compares_with_nothing(toybox_folder: Path, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="no reference set"):
        export_reference(toybox_folder, tmp_path / "x.npz", ["loudness"])
    with pytest.raises(UsageError, match=r"\.npz"):
        export_reference(toybox_folder, tmp_path / "x.zip", ["fad_mel"], store=None)


def test_command(toybox_folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = str(tmp_path / "real.npz")
    assert main(["reference", "export", file, "--clips", str(toybox_folder), "--metrics", "fad_mel"]) == 0
    capsys.readouterr()
    assert main(["reference", "show", file, "--json"]) == 0
    assert len(json.loads(capsys.readouterr().out)["ids"]) == 4
    assert main(["reference", "export", file]) == 2


def test_reference_sounds_pair_by_the_benchmarks_names(toybox_folder: Path, tmp_path: Path) -> None:
    import soundfile

    rng = np.random.default_rng(0)
    for name in ("300", "extra"):
        soundfile.write(tmp_path / f"{name}.wav", rng.standard_normal(32_000) * 0.1, 16_000)
    benchmark: Benchmark = catalog.load("benchmark", "verse_bench")
    from avbench.pairing import pair_reference

    found = pair_reference([Prompt("00000300")], tmp_path, benchmark)
    assert sorted(clip.id for clip in found.clips) == ["00000300", "extra"]


@pytest.fixture
def verse_bench(tmp_path: Path) -> Path:
    """Three items of the official layout."""
    for name, key, sounds, words in (("set1", "00001", [""], ""), ("set2", "300", ["a dog"], ""), ("set3", "01000", [], "hello")):
        (tmp_path / "prompts" / name).mkdir(parents=True)
        row = {"video_prompt": "a scene", "audio_prompt": sounds, "speech_prompt": {"speaker": "Man", "text": words}}
        (tmp_path / "prompts" / name / f"{key}.json").write_text(json.dumps(row))
    return tmp_path / "prompts"


def test_verse_bench_reads_its_own_folder(verse_bench: Path, tmp_path: Path) -> None:
    prompts = {prompt.id: prompt for prompt in read_prompts(verse_bench)}
    assert prompts["00001"].audio_texts == ("",) and "set1 with sound" in prompts["00001"].categories
    assert prompts["01000"].speech == ("hello",) and prompts["01000"].categories == ("set3", "speech")
    with pytest.raises(UsageError, match="set1"):
        read_prompts(tmp_path)


def test_a_metric_is_asked_of_its_prompts_alone(verse_bench: Path, toybox_folder: Path, tmp_path: Path) -> None:
    clips = tmp_path / "clips"
    clips.mkdir()
    for index, name in enumerate(("00001", "300", "01000")):
        shutil.copy(toybox_folder / f"toybox-test-{index:04d}.mp4", clips / f"{name}.mp4")
    metrics = ["content_enjoyment", "loudness"]
    report = avbench.run(clips, "verse_bench", prompts=verse_bench, metrics=metrics, stand_in=True, store=None)
    assert report["content_enjoyment"].n == Counts(expected=3, scored=2, failed=0, not_applicable=1)
    assert "set1, set2 alone" in report["content_enjoyment"].missing[0].reason
    assert report["loudness"].n.scored == 3


def _stand_in_report(folder: Path) -> Report:
    return avbench.run(folder, metrics=["content_enjoyment", "loudness"], model="tiny", stand_in=True, store=None)


def test_stand_ins_say_so_everywhere_and_enter_no_leaderboard(
    toybox_folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    report = _stand_in_report(toybox_folder)
    assert not report["content_enjoyment"].official and report["loudness"].official
    (reason,) = refusals(report)
    assert "stand-in" in reason
    with pytest.raises(NotComparable, match="stand-in"):
        admit(report)
    table = rank([report])
    assert all(cell.ranks is None for cell in table.rows[0][1])
    path = tmp_path / "r.json"
    report.save(path)
    assert Report.read(path) == report
    assert main(["submit", "--check", str(path)]) == 5
    assert "may not enter" in capsys.readouterr().out
    real = avbench.run(toybox_folder, metrics=["loudness"], store=None)
    admit(real)
    admit_not = replace(real, benchmark=replace(real.benchmark, limited_to_present=True))
    with pytest.raises(NotComparable, match="clips exist"):
        admit(admit_not)


def test_stand_ins_and_real_numbers_share_no_column(toybox_folder: Path) -> None:
    report = _stand_in_report(toybox_folder)
    other = replace(report["content_enjoyment"], identity="another", weights=())
    table = rank([report, replace(report, model="b", metrics=(other,))], ["content_enjoyment"])
    assert [[cell.result is None for cell in cells] for _, cells in table.rows] == [[False, True], [True, False]]
    assert [row[0].ranks for _, row in table.rows] == [None, None]


def test_the_papers_row_has_the_papers_columns(toybox_folder: Path, tmp_path: Path) -> None:
    clips = tmp_path / "clips"
    clips.mkdir()
    for index in range(2):
        shutil.copy(toybox_folder / f"toybox-test-{index:04d}.mp4", clips / f"sample_{index:04d}.mp4")
    csv = tmp_path / "prompts.csv"
    csv.write_text("text,audio_text\na ball,a strike\na flash,a noise\n")
    report = avbench.run(clips, "javisbench", prompts=csv, metrics=["audio_quality@javisbench", "av_align@official"],
                         stand_in=True, store=None)  # fmt: skip
    text = as_paper(rank([report]))
    head, row = (line.split(" | ") for line in (text.splitlines()[2], text.splitlines()[4]))
    assert head[1].startswith("FVD") and row[1] == "–"
    quality = next(i for i, word in enumerate(head) if word.startswith("AQ"))
    assert "not the official checkpoint" in head[quality] and "(N=2)" in row[quality]
    with pytest.raises(UsageError, match="no official table"):
        as_paper(replace(rank([report]), benchmark="toybox"))


def test_a_total_waits_for_its_parts_and_takes_their_n(toybox_folder: Path, tmp_path: Path) -> None:
    rows = [{"id": str(i), "path": str(path), "text": "a ball"} for i, path in enumerate(sorted(toybox_folder.glob("*.mp4")))]
    manifest = tmp_path / "clips.jsonl"
    manifest.write_text("\n".join(map(json.dumps, rows)))
    report = avbench.run(manifest, metrics=["vbench_semantic@official"], stand_in=True, store=None)
    names = [result.name for result in report.metrics]
    assert names[-1] == "vbench_semantic@official" and len(names) > 1
    total = report["vbench_semantic@official"]
    assert total.kind == "total" and total.n.scored == min(r.n.scored for r in report.metrics[:-1]) and not total.official
