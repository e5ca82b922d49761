"""Word errors: the official answers of each protocol, and what the repaired one forgives and does not."""

from __future__ import annotations

import itertools
import string
import sys

import pytest
from avbench_metrics._maths import word_errors
from avbench_metrics._maths.spoken_numbers import chinese_cardinal, english_cardinal, spell_chinese, spell_english
from avbench_metrics._maths.word_errors import Errors
from hypothesis import given, settings
from hypothesis import strategies as st
from zhon import hanzi

from avbench.errors import MissingExtra, Unscorable

FOX = "the quick brown fox jumps over the lazy dog"


@pytest.mark.parametrize(
    ("reference", "hypothesis", "rate"),
    [
        ("You make me happy when the clouds are gray", "🎼You make me happy when the clouds are gray.😊", 2 / 9),
        ("It costs twenty five dollars", "It costs $25.", 0.6),
        ("你好世界。", "你好世界", 1.0),
        ("hello", FOX, 9.0),
        ("  Hello  There ", "hello there", 0.0),
        ("hello", "...", 1.0),
        ("hello", "", 1.0),
        ("hello", ". .", 2.0),  # a space is no punctuation, so this is not taken for silence
    ],
)
def test_official_verse_bench(reference: str, hypothesis: str, rate: float) -> None:
    assert word_errors.verse_bench_errors(reference, hypothesis).rate == pytest.approx(rate, abs=1e-12)


@pytest.mark.parametrize(
    ("reference", "hypothesis", "rate"),
    [
        ("I don’t know", "I don't know", 1 / 3),
        ("a well-known man", "a well known man", 2 / 3),
        ("Mr. Smith paid 20 dollars", "Mister Smith paid twenty dollars", 0.4),
        ("Hello, World!", "hello world", 0.0),
    ],
)
def test_seed_tts_english(reference: str, hypothesis: str, rate: float) -> None:
    assert word_errors.seed_tts_errors(reference, hypothesis, "en").rate == pytest.approx(rate, abs=1e-12)


@pytest.mark.parametrize(
    ("reference", "hypothesis", "rate"),
    [("我要VIP间", "我要vip间", 0.5), ("你好世界", "你好，世界。", 0.0), ("你好世界", "您好世界", 0.25), ("我们", "我們", 0.5)],
)
def test_seed_tts_chinese(reference: str, hypothesis: str, rate: float) -> None:
    assert word_errors.seed_tts_errors(reference, hypothesis, "zh").rate == pytest.approx(rate, abs=1e-12)


def test_seed_tts_deletes_113_characters() -> None:
    assert hanzi.punctuation == word_errors.CHINESE_PUNCTUATION
    deleted = set(word_errors.SEED_TTS_DELETED)
    assert len(word_errors.SEED_TTS_DELETED) == len(deleted) == 113
    assert deleted == (set(hanzi.punctuation) | set(string.punctuation)) - {"'"}


def test_seed_tts_halves_spaces_once() -> None:
    assert word_errors.seed_tts_text("A    b c", "en") == "a  b c"
    assert word_errors.seed_tts_text("A   b", "en") == "a  b"
    assert word_errors.seed_tts_text("你 好A", "zh") == "你   好 A"


def test_seed_tts_shares_count_empty_parts() -> None:
    reference = "one    two"  # becomes "one  two": three parts, one of them empty
    errors = word_errors.seed_tts_errors(reference, "one too two", "en")
    assert errors == Errors(hits=2, substitutions=0, deletions=0, insertions=1)
    assert errors.rate == 0.5
    assert word_errors.seed_tts_shares(errors, reference, "en") == (0.0, 0.0, pytest.approx(1 / 3))


def test_simplifying_needs_a_package_that_is_never_installed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "zhconv", None)
    with pytest.raises(MissingExtra, match="zhconv"):
        word_errors.seed_tts_errors("我们", "我們", "zh", simplify=True)


@pytest.mark.parametrize(
    ("reference", "hypothesis", "language"),
    [
        ("You make me happy when the clouds are gray", "🎼You make me happy when the clouds are gray.😊", "en"),
        ("It costs twenty five dollars", "It costs $25.", "en"),
        ("你好世界。", "你好世界", "zh"),
        ("I don’t know", "I don't know", "en"),
        ("a well-known man", "a well known man", "en"),
        ("Mr. Smith paid 20 dollars", "Mister Smith paid twenty dollars", "en"),
        ("我要VIP间", "我要vip间", "zh"),
        ("Ｈｅｌｌｏ　ｗｏｒｌｄ", "hello world 1️⃣ ❤️ ㊗ 👍🏽 👩‍👩‍👧 ™", "en"),
        ("one hundred and five per cent", "105 per cent", "en"),
        ("in nineteen ninety-nine", "in 1999", "en"),
        ("他有两百块", "他有200块。", "zh"),
        ("ボールが 跳ねる", "ボールが跳ねる", ""),
    ],
)
def test_fixed_forgives_style(reference: str, hypothesis: str, language: word_errors.Language) -> None:
    assert word_errors.fixed_errors(reference, hypothesis, language).count == 0


@pytest.mark.parametrize(
    ("reference", "hypothesis", "language", "rate"),
    [
        ("hello", FOX, "en", 9.0),
        ("hello world", "", "en", 1.0),
        ("你好世界", "你号世界", "zh", 0.25),
        ("twenty five", "20", "", 1.0),
        ("it is 25", "it is 26", "en", 0.25),
        ("and I", "I", "en", 0.5),
        ("café", "cafe", "en", 1.0),
    ],
)
def test_fixed_counts_words(reference: str, hypothesis: str, language: word_errors.Language, rate: float) -> None:
    assert word_errors.fixed_errors(reference, hypothesis, language).rate == pytest.approx(rate)


def test_rates_of_an_utterance_and_of_a_corpus() -> None:
    babble, right = word_errors.fixed_errors("hello", FOX, "en"), word_errors.fixed_errors("a b c", "a b c", "en")
    assert (babble.rate, babble.clipped_rate, right.clipped_rate) == (9.0, 1.0, 0.0)
    assert word_errors.corpus_rate([babble, right]) == 9 / 4
    with pytest.raises(Unscorable):
        word_errors.corpus_rate([])


def test_no_rate_without_a_word() -> None:
    for call in (
        lambda: word_errors.aligned("", "a"),
        lambda: word_errors.verse_bench_errors("  ", "a"),
        lambda: word_errors.seed_tts_errors("，。", "a", "zh"),
        lambda: word_errors.fixed_errors("😊 ...", "a", "en"),
        lambda: word_errors.speaker_matched_rate(["…"], ["a"]),
        lambda: word_errors.speaker_matched_rate([], ["a"]),
    ):
        with pytest.raises(Unscorable):
            call()


def edit_distance(one: str, other: str) -> int:
    """The textbook recurrence."""
    row = list(range(len(other) + 1))
    for i, a in enumerate(one, 1):
        previous, row[0] = row[0], i
        for j, b in enumerate(other, 1):
            previous, row[j] = row[j], min(row[j] + 1, row[j - 1] + 1, previous + (a != b))
    return row[-1]


words = st.text("abc", min_size=1, max_size=6)


@settings(max_examples=60, deadline=None)
@given(words, st.text("abc", max_size=6))
def test_errors_are_the_edit_distance(reference: str, hypothesis: str) -> None:
    errors = word_errors.aligned(" ".join(reference), " ".join(hypothesis))
    assert errors.count == edit_distance(reference, hypothesis)
    assert errors.words == len(reference)
    assert errors.hits + errors.substitutions + errors.insertions == len(hypothesis)


@settings(max_examples=40, deadline=None)
@given(st.lists(words, min_size=1, max_size=3), st.lists(words, max_size=4))
def test_speakers_are_matched_as_by_trying_all(reference: list[str], hypothesis: list[str]) -> None:
    size = max(len(reference), len(hypothesis))
    wanted, said = (side + [""] * (size - len(side)) for side in (reference, hypothesis))
    least = min(sum(map(edit_distance, wanted, order)) for order in itertools.permutations(said))
    assert word_errors.speaker_matched_rate(reference, hypothesis) == pytest.approx(least / sum(map(len, reference)))


def test_speaker_order_does_not_matter_but_a_lost_speaker_does() -> None:
    assert word_errors.speaker_matched_rate(["你好吗", "我很好。"], ["我很好", "你好吗？"], "zh") == 0
    assert word_errors.speaker_matched_rate(["你好吗", "我很好"], ["你好吗"], "zh") == 0.5
    assert word_errors.speaker_matched_rate(["你好吗"], ["你好吗", "我很好"], "zh") == 1.0


@pytest.mark.parametrize(
    ("number", "english", "chinese"),
    [
        (0, "zero", "零"),
        (10, "ten", "十"),
        (15, "fifteen", "十五"),
        (42, "forty two", "四十二"),
        (105, "one hundred five", "一百零五"),
        (110, "one hundred ten", "一百一十"),
        (1005, "one thousand five", "一千零五"),
        (10_010, "ten thousand ten", "一万零一十"),
        (110_000, "one hundred ten thousand", "十一万"),
        (100_010_000, "one hundred million ten thousand", "一亿零一万"),
        (123_456_789, "one hundred twenty three million four hundred fifty six thousand seven hundred eighty nine",
         "一亿二千三百四十五万六千七百八十九"),
    ],
)  # fmt: skip
def test_cardinals(number: int, english: str, chinese: str) -> None:
    assert (english_cardinal(number), chinese_cardinal(number)) == (english, chinese)


@pytest.mark.parametrize(
    ("digits", "spoken"),
    [
        ("$1", "one dollar"),
        ("$1.5 million", "one point five million dollars"),
        ("£1,200", "one thousand two hundred pounds"),
        ("50%", "fifty percent"),
        ("3rd 21st 20th 12th", "third twenty first twentieth twelfth"),
        ("1905 1900 2024 2005", "nineteen oh five nineteen hundred twenty twenty four two thousand five"),
        ("007", "zero zero seven"),
        ("12345678901234567", " ".join(english_cardinal(int(c)) for c in "12345678901234567")),
    ],
)
def test_english_readings(digits: str, spoken: str) -> None:
    assert " ".join(spell_english(digits).split()) == spoken


@pytest.mark.parametrize(
    ("digits", "spoken"),
    [
        ("2024年", "二零二四年"),
        ("25%", "百分之二十五"),
        ("3.5", "三点五"),
        ("$25", "二十五美元"),
        ("007", "零零七"),
        ("两个", "二个"),
        ("1,000米", "一千米"),
    ],
)
def test_chinese_readings(digits: str, spoken: str) -> None:
    assert spell_chinese(digits) == spoken
