"""Clips of two origins are never taken for one, and a torn clip is no answer."""

from __future__ import annotations

import json
import shlex
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

import avbench
from avbench.cli import main
from avbench.clip import Prompt
from avbench.errors import UsageError
from avbench.generate import generate
from avbench.origin import ORIGIN, read_origins


def seeds(folder: Path) -> dict[str, int]:
    """Clip -> seed, by the line that holds for its bytes."""
    from avbench.clip import file_digest

    known = read_origins(folder)
    return {p.stem: known[p.name, file_digest(p)]["seed"] for p in folder.glob("*.mp4")}


def settings(path: Path, **fields: object) -> str:
    """A prompt file of the Toybox."""
    path.write_text(json.dumps(fields))
    return str(path)


@pytest.mark.parametrize("after", [1, 2], ids=["before its line", "between line and clip"])
def test_an_overwriting_run_that_was_killed_does_not_pass_for_finished(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, after: int
) -> None:
    generate("shuffled_audio", tmp_path, limit=3)
    real, names = Path.replace, []

    def killed(path: Path, target: Path) -> Path:
        names.append(path.name)  # each clip is renamed when written and again when it takes its place
        if len(names) == 2 + after:
            raise KeyboardInterrupt
        return real(path, target)

    monkeypatch.setattr(Path, "replace", killed)
    with pytest.raises(KeyboardInterrupt):
        generate("shuffled_audio", tmp_path, seed=1, limit=3, overwrite=True)
    monkeypatch.undo()
    assert seeds(tmp_path) == {"toybox-test-0000": 1, "toybox-test-0001": 0, "toybox-test-0002": 0}
    with pytest.raises(UsageError, match=r"2 clips of another origin.*toybox-test-0002\.mp4: seed 0"):
        generate("shuffled_audio", tmp_path, seed=1, limit=3)
    assert generate("shuffled_audio", tmp_path, seed=1, limit=3, overwrite=True) == (3, 0)
    assert set(seeds(tmp_path).values()) == {1} and not list(tmp_path.glob(".avbench-*/*"))


def test_clips_of_other_prompts_are_not_kept(tmp_path: Path) -> None:
    clips, other = tmp_path / "clips", settings(tmp_path / "other.json", seed=7, size=32, count=1)
    assert generate("silence", clips, limit=1) == (1, 0)
    with pytest.raises(UsageError, match="another prompt of that id"):
        generate("silence", clips, prompts=other)
    assert generate("silence", clips, prompts=other, overwrite=True) == (1, 0)
    assert generate("silence", clips, prompts=other) == (0, 1)


def test_a_clip_without_a_line_is_the_users_own(tmp_path: Path, write_flash: Callable[..., Path]) -> None:
    own = write_flash("clips/toybox-test-0000.mp4").read_bytes()
    clips = tmp_path / "clips"
    assert generate("silence", clips, limit=2) == (1, 1)
    assert (clips / "toybox-test-0000.mp4").read_bytes() == own
    made_by = avbench.run(clips, metrics=["frozen"], store=None).provenance["made_by"]
    assert made_by == {}, "one clip is nobody's floor"
    (clips / "toybox-test-0000.mp4").unlink()
    assert generate("silence", clips, limit=2) == (1, 1)
    report = avbench.run(clips, metrics=["frozen"], store=None)
    assert report.role == "floor" and report.provenance["made_by"]["benchmark"].startswith("toybox v")
    (clips / ORIGIN).write_text('[]\nnull\n{"clip": 5}\n{"cl')
    assert avbench.run(clips, metrics=["frozen"], store=None).role == "model"


TORN = """
import json, pathlib, shutil, sys, time
prompts, clips, source = sys.argv[1:]
first, second = [json.loads(line)["id"] for line in open(prompts)]
shutil.copy(source, f"{clips}/{first}.mp4")
pathlib.Path(clips, f"{second}.mp4").write_bytes(pathlib.Path(source).read_bytes()[:500])
time.sleep(60)
"""


def test_a_torn_clip_of_a_program_is_no_answer_and_a_finished_one_is(tmp_path: Path, write_flash: Callable[..., Path]) -> None:
    (tmp_path / "program.py").write_text(TORN)
    program = shlex.join([sys.executable, str(tmp_path / "program.py"), "{prompts}", "{clips}", str(write_flash())])
    clips = tmp_path / "clips"
    command = ["generate", "command", "--clips", str(clips), "--limit", "2", "--timeout", "1", "--program", program]
    assert main(command) == 1
    assert [p.name for p in clips.iterdir() if p.suffix != ".jsonl"] == ["toybox-test-0000.mp4"]
    assert main([*command[:-1], f"cp {write_flash('again.mp4')} {{clips}}/toybox-test-0001.mp4"]) == 2, "another program"
    (clips / "toybox-test-0000.mp4").unlink()
    assert main(command) == 1, "the torn clip must be asked for again"


def test_nothing_of_a_program_outlives_its_time(tmp_path: Path) -> None:
    mark = tmp_path / "mark"
    program = f"sh -c '(sleep 1.5; touch {mark}) & wait'"
    assert (
        main(["generate", "command", "--clips", str(tmp_path / "c"), "--limit", "1", "--timeout", "0.2", "--program", program]) == 1
    )
    time.sleep(1.8)
    assert not mark.exists()


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (["silence", "--device", "bogus"], "--device bogus"),
        (["silence", "--timeout=-5"], "--timeout -5"),
        (["command", "--program", "true", "--timeout", "nan"], "--timeout nan"),
        (["command", "--program", "echo 'x"], "no command line"),
    ],
)
def test_mistakes(tmp_path: Path, options: list[str], words: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["generate", *options, "--clips", str(tmp_path / "c"), "--limit", "1"]) == 2
    assert words in capsys.readouterr().err and not (tmp_path / "c").exists()


def test_generate_prints_json(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["generate", "silence", "--clips", str(tmp_path), "--limit", "1", "--json"]) == 0
    assert json.loads(capsys.readouterr().out) == {"clips": str(tmp_path), "made": 1, "kept": 0}


def test_two_writers_of_one_clip_do_not_meet(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import av
    import numpy as np

    from avbench.media import write_clip

    real, seen = av.open, []

    def spy(file: str, *rest: object) -> object:
        seen.append(file)
        return real(file, *rest)

    monkeypatch.setattr(av, "open", spy)
    for _ in range(2):
        write_clip(tmp_path / "a.mp4", np.zeros((2, 16, 16, 3), np.uint8), 10)
    assert len(set(seen)) == 2


def test_the_prompts_of_a_program_are_one_line_each(tmp_path: Path) -> None:
    from avbench_baselines.command import Command

    script, out = tmp_path / "p.py", tmp_path / "lines"
    script.write_text(f"import sys; t = open(sys.argv[1]).read(); open({str(out)!r}, 'w').write(str(len(t.splitlines())))")
    command = Command((sys.executable, str(script), "{prompts}", "{clips}"))
    (tmp_path / "a.mp4").write_bytes(b"")
    command.generate_all([Prompt("a", "one\u2028two")], 0, tmp_path)
    assert out.read_text() == "1"
