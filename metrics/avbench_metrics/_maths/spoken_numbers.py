"""Numbers as they are spoken: digits to words, so that "$25" and "twenty five dollars" count as the same answer."""

from __future__ import annotations

import re

SMALL = (
    "zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven", "twelve", "thirteen",
    "fourteen", "fifteen", "sixteen", "seventeen", "eighteen", "nineteen",
)  # fmt: skip
TENS = ("twenty", "thirty", "forty", "fifty", "sixty", "seventy", "eighty", "ninety")
SCALES = ((10**12, "trillion"), (10**9, "billion"), (10**6, "million"), (1000, "thousand"), (100, "hundred"))
ORDINALS = {
    "one": "first", "two": "second", "three": "third", "five": "fifth", "eight": "eighth", "nine": "ninth", "twelve": "twelfth",
}  # fmt: skip
CURRENCIES = {
    "$": ("dollar", "dollars", "美元"),
    "£": ("pound", "pounds", "英镑"),
    "€": ("euro", "euros", "欧元"),
    "¥": ("yen", "yen", "元"),
}
DIGITS = "零一二三四五六七八九"
LONGEST = 15  # digits; longer ones, and those that start with 0, are read one by one

_NUMBER = r"(?P<currency>[$£€¥])?(?P<whole>[0-9]{1,3}(?:,[0-9]{3})+(?![0-9])|[0-9]+)(?:\.(?P<fraction>[0-9]+))?"
_ENGLISH = re.compile(
    _NUMBER + r"(?P<suffix>%|(?:st|nd|rd|th)\b)?(?:\s+(?P<scale>hundred|thousand|million|billion|trillion)\b)?", re.IGNORECASE
)
_CHINESE = re.compile(_NUMBER + r"(?P<suffix>%|(?=年))?")


def english_cardinal(number: int) -> str:
    """0 <= number < 10^15 in words, without "and": 105 is "one hundred five"."""
    for size, name in SCALES:
        if number >= size:
            rest = number % size
            return f"{english_cardinal(number // size)} {name}" + (f" {english_cardinal(rest)}" if rest else "")
    if number < 20:
        return SMALL[number]
    return TENS[number // 10 - 2] + (f" {SMALL[number % 10]}" if number % 10 else "")


def chinese_cardinal(number: int) -> str:
    """0 <= number < 10^15 in characters: 105 is 一百零五, 15 is 十五."""
    text = _chinese(number) or DIGITS[0]
    return text.removeprefix("一") if text.startswith("一十") else text


def spell_english(text: str) -> str:
    """Replace every number in ``text``.

    Four digits from 1100 to 1999 and from 2010 to 2099 are read as years, in pairs, unless a sign, a comma or a scale says
    otherwise: a guess that is wrong for "1500 people" read as "one thousand five hundred".
    """
    return _ENGLISH.sub(_english_reading, text)


def spell_chinese(text: str) -> str:
    """Replace every number in ``text``; before 年 (year) it is read digit by digit.

    两 and 〇 become 二 and 零, as recognisers mix them.
    """
    return _CHINESE.sub(_chinese_reading, text).replace("两", "二").replace("〇", "零")


def _english_reading(found: re.Match[str]) -> str:
    digits, currency, fraction, suffix, scale = found.group("whole", "currency", "fraction", "suffix", "scale")
    plain = digits.replace(",", "")
    if _one_by_one(plain):
        words = " ".join(SMALL[int(digit)] for digit in plain)
    elif _is_year(digits) and not (currency or fraction or scale or suffix):
        words = _english_year(int(digits))
    else:
        words = english_cardinal(int(plain))
    if fraction:
        words += " point " + " ".join(SMALL[int(digit)] for digit in fraction)
    if suffix == "%":
        words += " percent"
    elif suffix:
        words = _ordinal(words)
    if scale:
        words += f" {scale}"
    if currency:
        words += " " + CURRENCIES[currency][0 if words == "one" else 1]
    return f" {words} "


def _chinese_reading(found: re.Match[str]) -> str:
    digits, currency, fraction, suffix = found.group("whole", "currency", "fraction", "suffix")
    plain = digits.replace(",", "")
    by_digit = _one_by_one(plain) or suffix == ""  # the empty suffix is what stands before 年
    words = "".join(DIGITS[int(digit)] for digit in plain) if by_digit else chinese_cardinal(int(plain))
    if fraction:
        words += "点" + "".join(DIGITS[int(digit)] for digit in fraction)
    if suffix == "%":
        words = "百分之" + words
    return words + (CURRENCIES[currency][2] if currency else "")


def _one_by_one(digits: str) -> bool:
    return len(digits) > LONGEST or (len(digits) > 1 and digits.startswith("0"))


def _is_year(digits: str) -> bool:
    return len(digits) == 4 and (1100 <= int(digits) <= 1999 or 2010 <= int(digits) <= 2099)


def _english_year(year: int) -> str:
    first, last = english_cardinal(year // 100), year % 100
    if not last:
        return f"{first} hundred"
    return f"{first} {'oh ' if last < 10 else ''}{english_cardinal(last)}"


def _ordinal(words: str) -> str:
    *front, last = words.split(" ")
    ending = ORDINALS.get(last) or (last.removesuffix("y") + "ieth" if last.endswith("y") else last + "th")
    return " ".join([*front, ending])


def _chinese(number: int) -> str:
    """Without the special cases of 0 and of a leading 一十; a gap in the digits is one 零."""
    for size, name in ((10**12, "万亿"), (10**8, "亿"), (10**4, "万"), (1000, "千"), (100, "百"), (10, "十")):
        if number >= size:
            rest = number % size
            gap = DIGITS[0] if rest and rest < size // 10 else ""
            return _chinese(number // size) + name + gap + _chinese(rest)
    return DIGITS[number] if number else ""
