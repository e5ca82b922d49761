"""Words of others (model names, notes, reasons) so that Markdown, LaTeX and XML take them for words."""

from __future__ import annotations

import re
import unicodedata

from avbench.errors import printable

_MARKDOWN = (("\\", "\\\\"), ("&", "&amp;"), ("<", "&lt;"), (">", "&gt;"), *((c, f"\\{c}") for c in "|*`[]~"))
_LATEX = {
    "\\": r"\textbackslash{}", "~": r"\textasciitilde{}", "^": r"\textasciicircum{}", "<": r"\textless{}", ">": r"\textgreater{}",
    "|": r"\textbar{}", **{c: "\\" + c for c in "&%$#_{}"},
    "±": r"$\pm$", "↑": r"$\uparrow$", "↓": r"$\downarrow$", "→": r"$\to$", "·": r"$\cdot$", "×": r"$\times$", "≤": r"$\leq$",
    "≥": r"$\geq$", "≈": r"$\approx$", "≠": r"$\neq$", "−": "$-$", "∞": r"$\infty$", "°": r"$^{\circ}$", "µ": r"\ensuremath{\mu}",
    "–": "--", "—": "---", "‘": "`", "’": "'", "“": "``", "”": "''", "…": r"\dots{}", "†": r"\dag{}", "‡": r"\ddag{}",
    "§": r"\S{}", "©": r"\copyright{}", "ß": r"\ss{}", "ø": r"\o{}", "Ø": r"\O{}", "æ": r"\ae{}", "Æ": r"\AE{}", "œ": r"\oe{}",
    "Œ": r"\OE{}", "å": r"\aa{}", "Å": r"\AA{}", "ł": r"\l{}", "Ł": r"\L{}", "ı": r"\i{}",
    **{sign: f"$^{digit}$" for digit, sign in enumerate("⁰¹²³⁴⁵⁶⁷⁸⁹")},
    **{sign: f"$_{digit}$" for digit, sign in enumerate("₀₁₂₃₄₅₆₇₈₉")},
}  # fmt: skip
_ACCENTS = {"\u0300": "`", "\u0301": "'", "\u0302": "^", "\u0303": "~", "\u0308": '"', "\u0304": "=", "\u0307": ".", "\u030c": "v",
            "\u0306": "u", "\u030b": "H", "\u0327": "c"}  # fmt: skip
_CAPITALS = {"Gamma", "Delta", "Theta", "Lambda", "Xi", "Pi", "Sigma", "Upsilon", "Phi", "Psi", "Omega"}
_SMALL = {"alpha", "beta", "gamma", "delta", "epsilon", "zeta", "eta", "theta", "iota", "kappa", "lambda", "mu", "nu", "xi", "pi",
          "rho", "sigma", "tau", "upsilon", "phi", "chi", "psi", "omega"}  # fmt: skip


def one_line(text: str) -> str:
    """The text without line breaks; other control characters, which a terminal would obey, as escapes."""
    return printable(" ".join(text.split()))


def markdown_text(text: str) -> str:
    """One line of GitHub Markdown that shows the text: no HTML, emphasis, code, link, table bar or heading of its own."""
    text = one_line(text)
    for sign, instead in _MARKDOWN:
        text = text.replace(sign, instead)
    text = re.sub(r"(?<![^\W_])_|_(?![^\W_])", r"\\_", text)  # one within a word is no emphasis
    return re.sub(r"^(?=(#|[-+] ))", r"\\", text)


def latex_text(text: str) -> str:
    """One line of LaTeX that shows the text with pdflatex: commands escaped, signs beyond ASCII in LaTeX's own.

    A sign that LaTeX has no command for stands as its number, ``(U+4E2D)``.
    """
    shown = "".join(map(_latex_sign, unicodedata.normalize("NFC", one_line(text))))
    return f"{{{shown[0]}}}{shown[1:]}" if shown[:1] in ("[", "*") else shown  # after a line's end these are arguments


def latex_comment(text: str) -> str:
    """The text as one line that LaTeX leaves out."""
    return f"% {one_line(text)}"


def xml_text(text: str) -> str:
    """The text without the characters that no XML document may hold, escaped or not. Source: XML 1.0, production 2."""
    return re.sub("[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]", "", text)


def _latex_sign(sign: str) -> str:
    if sign in _LATEX or sign.isascii():
        return _LATEX.get(sign, sign)
    return _accented(sign) or _greek(sign) or f"(U+{ord(sign):04X})"


def _accented(sign: str) -> str:
    parts = unicodedata.normalize("NFD", sign)
    if len(parts) != 2 or not (parts[0].isascii() and parts[0].isalpha()) or parts[1] not in _ACCENTS:
        return ""
    base = rf"\{parts[0]}" if parts[0] in "ij" else parts[0]
    return rf"\{_ACCENTS[parts[1]]}{{{base}}}"


def _greek(sign: str) -> str:
    words = unicodedata.name(sign, "").replace("LAMDA", "LAMBDA").split()
    if words[:1] != ["GREEK"] or words[2:3] != ["LETTER"] or len(words) != 4:
        return ""
    letter = words[3].lower()
    if words[1] == "SMALL" and letter in _SMALL:
        return rf"\ensuremath{{\{letter}}}"
    return rf"\ensuremath{{\{letter.title()}}}" if words[1] == "CAPITAL" and letter.title() in _CAPITALS else ""
