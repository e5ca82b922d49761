"""Which language a text can be in, as far as its letters tell."""

from __future__ import annotations

import re

from avbench_metrics._maths.word_errors import Language

_KANA = re.compile(r"[\u3041-\u30ff\uff66-\uff9d]")
_HANGUL = re.compile(r"[\u1100-\u11ff\u3130-\u318f\uac00-\ud7a3]")
_HAN = re.compile(r"[\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\U00020000-\U0003134f]")


def language_of_script(text: str) -> str:
    """``ja`` where there is kana, else ``ko`` where there is Hangul, else ``zh`` where there is a Han character.

    ``en`` where all letters are ASCII, which other languages' short sentences may be too; otherwise, and without any letter, "".
    """
    for language, pattern in (("ja", _KANA), ("ko", _HANGUL), ("zh", _HAN)):
        if pattern.search(text):
            return language
    letters = [character for character in text if character.isalpha()]
    return "en" if letters and all(character.isascii() for character in letters) else ""


def normalised_as(text: str) -> Language:
    """The language whose numbers are spelt out in a text and in what was heard of it; English and Chinese alone have rules."""
    found = language_of_script(text)
    return "en" if found == "en" else "zh" if found == "zh" else ""
