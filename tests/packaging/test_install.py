"""What a user installs: the wheel, and somebody else's plugins."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
EXAMPLE = Path(__file__).parent / "example_plugin"


def install(source: Path, target: Path) -> None:
    """Build and install without network into a folder of its own."""
    command = [sys.executable, "-m", "pip", "install", "-q", "--no-deps", "--no-build-isolation", "--no-index"]
    subprocess.run([*command, "--target", str(target), str(source)], check=True, capture_output=True)


def call(target: Path, cwd: Path, *arguments: str) -> str:
    """Run avbench with ``target`` before everything else on the path."""
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join([str(target), *filter(None, sys.path)])}
    command = [sys.executable, "-m", "avbench.cli", *arguments]
    done = subprocess.run(command, env=environment, cwd=cwd, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_a_wheel_installed_elsewhere_judges_clips(tmp_path: Path, toybox_folder: Path) -> None:
    wheels, target = tmp_path / "wheels", tmp_path / "site"
    build = [sys.executable, "-m", "pip", "wheel", "-q", "--no-deps", "--no-build-isolation", "--no-index", "-w", str(wheels)]
    subprocess.run([*build, str(ROOT)], check=True, capture_output=True)
    (wheel,) = wheels.glob("*.whl")
    install(wheel, target)
    where = subprocess.run(
        [sys.executable, "-c", "import avbench, avbench_metrics, avbench_baselines as b; print(avbench.__file__, b.__file__)"],
        env={**os.environ, "PYTHONPATH": str(target)},
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=True,
    )
    assert all(path.startswith(str(target)) for path in where.stdout.split())
    out = call(target, tmp_path, "run", "--clips", str(toybox_folder), "--no-store", "--json")
    assert all(metric["n"]["expected"] == 4 for metric in json.loads(out)["metrics"])
    assert not [p for p in target.rglob("*") if p.name in ("tests", "docs", "Makefile")]


def recipes() -> dict[str, str]:
    """The whole files of CONTRIBUTING.md by path."""
    text = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")
    return dict(re.findall(r"^`(\S+\.py)`:\n\n```python\n(.*?)^```$", text, re.DOTALL | re.MULTILINE))


def test_the_recipes_of_contributing_make_a_package_of_metric_model_and_benchmark(tmp_path: Path) -> None:
    source, target = tmp_path / "source", tmp_path / "site"
    shutil.copytree(EXAMPLE, source)
    assert len(recipes()) == 3
    for path, code in recipes().items():
        (source / path).write_text(code, encoding="utf-8")
    subprocess.run([sys.executable, "-m", "ruff", "check", "--isolated", "--line-length=132", str(source)], check=True)
    install(source, target)
    listed = json.loads(call(target, tmp_path, "list", "--json"))
    for kind, name in (("metrics", "redness"), ("models", "plain_red"), ("benchmarks", "three_words")):
        assert {"name": name, "from": "avbench-example"}.items() <= next(e for e in listed[kind] if e["name"] == name).items()
    call(target, tmp_path, "generate", "plain_red", "--benchmark", "three_words", "--clips", "out")
    report = json.loads(call(target, tmp_path, "run", "--benchmark", "three_words", "--clips", "out", "--json"))
    (tmp_path / "p.txt").write_text("one\ntwo\n")
    asked = ("--benchmark", "three_words", "--prompts", "p.txt", "--clips", "two")
    assert json.loads(call(target, tmp_path, "generate", "plain_red", *asked, "--json"))["made"] == 2
    redness = next(m for m in report["metrics"] if m["metric"] == "redness")
    assert redness["n"]["scored"] == 3 and redness["value"] == pytest.approx(1.0, abs=0.05)
    contract = (
        "from avbench import testing as t; t.check_metric('redness'); t.check_model('plain_red'); t.check_benchmark('three_words')"
    )
    path = os.pathsep.join([str(target), *filter(None, sys.path)])
    subprocess.run([sys.executable, "-c", contract], env={**os.environ, "PYTHONPATH": path}, check=True)


def test_the_readme_tree_is_true() -> None:
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    block = readme.split("<!-- tree -->")[1].split("<!-- /tree -->")[0]
    named: list[str] = []
    folders: list[str] = []
    for line in block.splitlines():
        if not line.strip() or line.startswith("```"):
            continue
        depth, name = (len(line) - len(line.lstrip())) // 2, line.split()[0]
        folders[depth:] = [name.rstrip("/")]
        named.append("/".join(folders))
        assert (ROOT / named[-1]).exists(), f"the README's tree names {named[-1]}, which does not exist"
    for folder in ("avbench", "avbench/leaderboard", "avbench/world", "avbench/benchmarks"):
        for path in (ROOT / folder).glob("*.py"):
            if not path.name.startswith("__"):
                assert path.relative_to(ROOT).as_posix() in named, f"the README's tree does not name {path.name}"
