"""Names and notes of others stay words in Markdown, LaTeX and XML."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from xml.etree import ElementTree

import pytest

from avbench.leaderboard.escapes import latex_comment, latex_text, markdown_text, xml_text
from avbench.leaderboard.formats import render
from avbench.leaderboard.rank import rank
from avbench.report import Report, Result

HOSTILE = "<img src=x onerror=alert(1)> *a* | `b` [l](http://e.com) _c_ ~~d~~ \\input{x} % β-VAE"
NOTE = "line one\n\\input{/etc/passwd}\n<script>alert(2)</script> **bold** | x\x00\x1b[31m"
SIGNS = "β-VAE Ωμ Λ café naïve ß ≥ ² 中文 😀 “q” <a|b> [x] * ~^\\"


@pytest.fixture
def tables(make_report: Callable[..., Report], make_result: Callable[..., Result]) -> dict[str, str]:
    """Every format of a table whose names and notes attack it."""
    values = [0.1 * (i % 7) for i in range(32)]
    result = make_result("m", values, title="β ≥ <i>t</i> `x` $a_b$\nnewline", unit="m/s²")
    report = replace(make_report(HOSTILE, m=result), notes=(NOTE,))
    table = rank([report, make_report("[*] " + SIGNS, m=result)])
    return {name: render(table, name) for name in ("text", "markdown", "latex", "html")}


def test_markdown_passes_no_html_code_or_emphasis(tables: dict[str, str]) -> None:
    text = tables["markdown"]
    assert "<img" not in text and "<script" not in text and "<i>" not in text and "\x00" not in text
    assert r"\*a\*" in text and r"\`b\`" in text and r"\[l\]" in text and r"\*\*bold\*\*" in text and r"\_c\_" in text
    assert text.count("\n- ") == len([line for line in text.splitlines() if line.startswith("- ")])
    assert markdown_text("# a") == r"\# a" and markdown_text("a_b@c") == "a_b@c" and markdown_text("a\\*b") == r"a\\\*b"


def test_no_line_of_a_note_leaves_its_latex_comment(tables: dict[str, str]) -> None:
    assert not any(line.lstrip().startswith("\\input") for line in tables["latex"].splitlines())
    assert latex_comment("a\r\u2028b\n\\input{x}") == r"% a b \input{x}"
    assert "\x1b" not in tables["text"] and not any(line.startswith("\\input") for line in tables["text"].splitlines())


def test_signs_beyond_ascii_become_latex_or_their_number() -> None:
    assert latex_text("β-VAE") == r"\ensuremath{\beta}-VAE" and latex_text("ΛΑ") == r"\ensuremath{\Lambda}(U+0391)"
    assert latex_text("é中") == r"\'{e}(U+4E2D)" and latex_text("e\u0301") == r"\'{e}"
    assert latex_text("[s]") == "{[}s]" and latex_text(SIGNS + HOSTILE + NOTE).isascii()


def test_hostile_names_compile(tables: dict[str, str], tmp_path: Path) -> None:
    found = shutil.which("pdflatex") and subprocess.run(["kpsewhich", "siunitx.sty"], capture_output=True).returncode == 0
    if not found:
        pytest.skip("pdflatex with siunitx is not installed")
    (tmp_path / "t.tex").write_text(tables["latex"])
    page = r"\documentclass{article}\usepackage{booktabs,siunitx}\begin{document}\input{t}\end{document}"
    (tmp_path / "page.tex").write_text(page)
    command = ["pdflatex", "-interaction=nonstopmode", "-halt-on-error", "page.tex"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout[-2000:]


def test_xml_and_html_hold_no_forbidden_character(tables: dict[str, str]) -> None:
    assert ElementTree.fromstring(f"<a>{xml_text(chr(0) + 'b' + chr(11) + chr(0xFFFF) + 'ü😀')}</a>").text == "bü😀"
    assert "\x00" not in tables["html"] and "\x1b" not in tables["html"] and "<script>" not in tables["html"]
