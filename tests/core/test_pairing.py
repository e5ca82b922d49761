"""Clips are found by id, never by position."""

from __future__ import annotations

import json
import unicodedata
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from avbench import catalog, doctor
from avbench.benchmark import Benchmark
from avbench.clip import Prompt
from avbench.errors import UsageError
from avbench.pairing import Pairing, pair

FOLDER: Benchmark = catalog.load("benchmark", "folder")
PLAIN = Benchmark("Plain", 1, "test", lambda path: (), ("frozen",))


def touch(folder: Path, *names: str) -> Path:
    """Empty files: pairing never opens one."""
    folder.mkdir(parents=True, exist_ok=True)
    for name in names:
        (folder / name).write_bytes(b"")
    return folder


def found(pairing: Pairing) -> dict[str, str]:
    """id -> file name."""
    return {clip.id: clip.path.name for clip in pairing.clips}


@given(st.sets(st.integers(0, 30), min_size=2, max_size=12), st.data())
def test_a_missing_clip_shifts_nobody(tmp_path_factory: pytest.TempPathFactory, ids: set[int], data: st.DataObject) -> None:
    folder = touch(tmp_path_factory.mktemp("clips"), *(f"{i:02d}.mp4" for i in ids))
    prompts = [Prompt(f"{i:02d}") for i in data.draw(st.permutations(sorted(ids)))]
    whole = found(pair(prompts, folder, PLAIN))
    lost = data.draw(st.sampled_from(sorted(whole)))
    (folder / whole.pop(lost)).unlink()
    pairing = pair(prompts, folder, PLAIN)
    assert found(pairing) == whole == {i: f"{i}.mp4" for i in whole}
    assert [(i, kind) for i, kind, _ in pairing.missing] == [(lost, "missing")]


def test_two_files_for_one_prompt_are_neither_chosen(tmp_path: Path) -> None:
    pairing = pair([Prompt("a"), Prompt("b")], touch(tmp_path, "a.mp4", "a.mkv", "b.mp4"), PLAIN)
    assert found(pairing) == {"b": "b.mp4"}
    assert pairing.missing[0][1] == "duplicate" and "a.mkv and a.mp4" in pairing.missing[0][2]


def test_unicode_forms_of_one_name_are_one_name(tmp_path: Path) -> None:
    folder = touch(tmp_path, unicodedata.normalize("NFD", "Café – ü 1.mp4"))
    assert list(found(pair([Prompt(unicodedata.normalize("NFC", "Café – ü 1"))], folder, PLAIN))) == ["Café – ü 1"]


def test_extra_hidden_and_nested_files(tmp_path: Path) -> None:
    folder = touch(tmp_path, "a.mp4", "zzz.mp4", ".a.partial.mp4", "notes.txt")
    touch(tmp_path / "sub", "b.mp4")
    (tmp_path / "loop").symlink_to(tmp_path)
    pairing = pair([Prompt("a"), Prompt("b")], folder, PLAIN)
    assert found(pairing) == {"a": "a.mp4"}
    assert dict(pairing.extra) == {"zzz.mp4": "answers no prompt", "sub/b.mp4": "in a subfolder, which is not searched"}


def test_nothing_to_judge_says_what_was_expected(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="no folder"):
        pair([Prompt("a")], tmp_path / "absent", PLAIN)
    with pytest.raises(UsageError, match="holds no clip"):
        pair([Prompt("a")], tmp_path, PLAIN)
    with pytest.raises(UsageError, match=r"expected names such as a\.mp4; found b\.mp4"):
        pair([Prompt("a")], touch(tmp_path, "b.mp4"), PLAIN)


def test_side_car_sound_only_where_the_benchmark_says_so(tmp_path: Path) -> None:
    folder = touch(tmp_path, "a.mp4", "a.wav")
    assert pair([Prompt("a")], folder, PLAIN).clips[0].audio_path is None
    benchmark = Benchmark("B", 1, "test", lambda path: (), ("frozen",), sidecar_audio=True)
    assert pair([Prompt("a")], folder, benchmark).clips[0].audio_path == tmp_path / "a.wav"


def test_manifest(tmp_path: Path) -> None:
    touch(tmp_path / "deep" / "er", "x.mp4")
    rows = [{"id": "a", "path": "deep/er/x.mp4", "text": "hello", "speech": "hi"}, {"id": "b", "path": "gone.mp4"}]
    manifest = tmp_path / "manifest.jsonl"
    manifest.write_text("\n".join(map(json.dumps, rows)) + "\n\n")
    for target in (tmp_path, manifest):
        pairing = pair([], target, FOLDER)
        assert found(pairing) == {"a": "x.mp4"} and pairing.clips[0].prompt.speech == ("hi",)
        assert [(i, kind) for i, kind, _ in pairing.missing] == [("b", "missing")]
    manifest.write_text(manifest.read_text() + json.dumps({"id": "a", "path": "y"}))
    with pytest.raises(UsageError, match="lines 1 and 4"):
        pair([], tmp_path, FOLDER)
    manifest.write_text('{"id": "a"}\n')
    with pytest.raises(UsageError, match="line 1"):
        pair([], tmp_path, FOLDER)


@pytest.mark.parametrize("name", ["00000419.mp4", "00419.mp4", "419.mp4"])
def test_verse_bench_ids_with_and_without_padding(tmp_path: Path, name: str) -> None:
    bench: Benchmark = catalog.load("benchmark", "verse_bench")
    assert found(pair([Prompt("00000419"), Prompt("00000041")], touch(tmp_path, name), bench)) == {"00000419": name}


def test_prompt_files(tmp_path: Path) -> None:
    vbench: Benchmark = catalog.load("benchmark", "vbench")
    file = tmp_path / "info.json"
    file.write_text(json.dumps([{"prompt_en": "a cat", "dimension": ["x"]}, {"prompt_en": "a cat", "dimension": ["y", "x"]}]))
    prompts = vbench.prompts(file)
    assert [p.id for p in prompts] == [f"a cat-{k}" for k in range(5)]
    assert prompts[0].categories == ("x", "y") and {p.cluster for p in prompts} == {"a cat"}
    tts: Benchmark = catalog.load("benchmark", "seed_tts")
    (tmp_path / "meta.lst").write_text("u1|ref words|wavs/r.wav|say this\n")
    assert tts.prompts(tmp_path / "meta.lst")[0].speaker == tmp_path / "wavs/r.wav"
    compass: Benchmark = catalog.load("benchmark", "t2av_compass")
    (tmp_path / "c.json").write_text(json.dumps([{"index": 1, "prompt": "p"}]))
    prompts = compass.prompts(tmp_path / "c.json")
    for name in ("sample_0001.mp4", "0001.mp4", "1.mp4", "video_0001.mp4"):
        folder = touch(tmp_path / name.replace(".", "_"), name)
        assert found(pair(prompts, folder, compass)) == {"1": name}


@pytest.mark.parametrize("key", ["../../esc", "a/b", "", ".", ".hidden", "a\0b"])
def test_an_id_that_can_name_no_clip_is_refused(tmp_path: Path, key: str) -> None:
    (tmp_path / "meta.lst").write_text(f"{key}|ref words|r.wav|say this\n")
    with pytest.raises(UsageError, match=r"meta\.lst can name no clip"):
        catalog.load("benchmark", "seed_tts").prompts(tmp_path / "meta.lst")


def test_line_separators_and_a_byte_order_mark_break_no_line(tmp_path: Path) -> None:
    words, folder = "one\u2028two\u0085three", touch(tmp_path / "clips", "x.mp4")
    (folder / "manifest.jsonl").write_text("\ufeff" + json.dumps({"id": "a", "path": "x.mp4", "text": words}, ensure_ascii=False))
    assert pair([], folder, FOLDER).clips[0].prompt.text == words
    (tmp_path / "c.jsonl").write_text("\ufeff" + json.dumps({"index": 1, "prompt": words}, ensure_ascii=False))
    assert catalog.load("benchmark", "t2av_compass").prompts(tmp_path / "c.jsonl")[0].text == words
    (tmp_path / "meta.lst").write_text(f"\ufeffu1|ref|r.wav|{words}\n")
    (prompt,) = catalog.load("benchmark", "seed_tts").prompts(tmp_path / "meta.lst")
    assert prompt.id == "u1" and prompt.speech == (words,)
    (tmp_path / "v.json").write_text("\ufeff" + json.dumps([{"prompt_en": "a cat", "dimension": ["x"]}]))
    assert len(catalog.load("benchmark", "vbench").prompts(tmp_path / "v.json")) == 5


def test_a_manifest_path_that_is_a_folder_exists(tmp_path: Path) -> None:
    folder = touch(tmp_path, "x.mp4")
    (tmp_path / "deep").mkdir()
    rows = [{"id": "a", "path": "x.mp4"}, {"id": "b", "path": "deep"}]
    (folder / "manifest.jsonl").write_text("\n".join(map(json.dumps, rows)))
    assert pair([], folder, FOLDER).missing == (("b", "missing", "The manifest names deep, which is no file."),)


def test_a_limit_counts_and_what_lies_beyond_it_is_not_extra(tmp_path: Path) -> None:
    folder = touch(tmp_path, "a.mp4", "b.mp4", "c.mp4", "z.mp4")
    pairing = pair([Prompt(i) for i in "abcd"], folder, PLAIN, limit=2)
    assert found(pairing) == {"a": "a.mp4", "b": "b.mp4"} and pairing.whole == 4 and [p.id for p in pairing.prompts] == ["a", "b"]
    assert pairing.extra == (("z.mp4", "answers no prompt"),)
    open_set = pair([], folder, FOLDER, limit=3)
    assert list(found(open_set)) == ["a", "b", "c"] and open_set.whole == 4 and not open_set.extra


@pytest.mark.parametrize("name", ["verse_bench", "javisbench", "vbench", "seed_tts", "t2av_compass", "toybox"])
def test_a_wrong_prompt_file_is_a_clear_mistake(tmp_path: Path, name: str) -> None:
    bench: Benchmark = catalog.load("benchmark", name)
    for content in ("{not json", "[1, 2]"):
        (tmp_path / "p").write_text(content)
        with pytest.raises(UsageError):
            bench.prompts(tmp_path / "p")
    with pytest.raises(UsageError):
        bench.prompts(tmp_path / "absent")


def test_real_prompt_files(real_data: Path) -> None:
    counts = {"verse_bench": ("verse_bench_mova_prompts.json", 600), "javisbench": ("javisbench_mini.csv", 1000)}
    counts["vbench"] = ("vbench_full_info.json", 944 * 5 + 75 * 20)
    for name, (file, count) in counts.items():
        bench: Benchmark = catalog.load("benchmark", name)
        assert len(bench.prompts(real_data / "benchmarks" / file)) == count
    verse: Benchmark = catalog.load("benchmark", "verse_bench")
    prompts = verse.prompts(real_data / "benchmarks" / "verse_bench_mova_prompts.json")
    pairing = pair(prompts, real_data / "clips" / "verse_bench_mini", verse, only_present=True)
    assert found(pairing)["00001083"] == "01083.mp4" and len(pairing.clips) == 7 and not pairing.extra


def test_doctor_shows_matched_missing_and_extra(toybox_folder: Path) -> None:
    rows, complete = doctor.clips(str(toybox_folder), "toybox", None, 6)
    assert not complete
    assert [r["status"] for r in rows] == ["matched"] * 4 + ["missing"] * 2
    assert "4 matched, 2 missing" in doctor.clips_text(rows)
    assert "runs here" in doctor.machine_text(doctor.machine())


def test_every_container_is_a_clip_and_what_is_left_out_is_named(tmp_path: Path) -> None:
    clips = [
        f"{i}{suffix}" for i, suffix in enumerate((".mp4", ".m4v", ".ts", ".m2ts", ".mpg", ".mpeg", ".flv", ".wmv", ".ogv", ".3gp"))
    ]
    folder = touch(tmp_path, *clips, "a.rm", "b", ".hidden", "0.wav", "0.json", "list.csv", "0.srt", "facts.parquet", "notes.txt")
    pairing = pair([], folder, FOLDER)
    assert sorted(found(pairing).values()) == clips
    assert [name for name, _ in pairing.extra] == ["a.rm", "b"] and "suffix" in pairing.extra[0][1]
