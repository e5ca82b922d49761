"""Word and character error rates of a transcript, under each benchmark's own rules and under one repaired set of rules."""

from __future__ import annotations

import re
import string
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np

from avbench.errors import MissingExtra, Unscorable
from avbench_metrics._maths.spoken_numbers import SMALL, TENS, spell_chinese, spell_english

Language = Literal["en", "zh", ""]

# The 82 characters of zhon 2.1.1's zhon.hanzi.punctuation, fixed here as they are part of the protocol.
CHINESE_PUNCTUATION = (
    "＂＃＄％＆＇（）＊＋，－／：；＜＝＞＠［＼］＾＿｀｛｜｝～｟｠｢｣､\u3000、〃〈〉《》「」『』【】〔〕〖〗〘〙〚〛〜〝〞〟〰〾〿"
    "–—‘’‛“”„‟…‧﹏﹑﹔·．！？｡。"
)
SEED_TTS_DELETED = "".join(c for c in CHINESE_PUNCTUATION + string.punctuation if c != "'")  # 113 characters

_EMOJI_STYLE = re.compile(r".\uFE0F\u20E3?", re.DOTALL)  # a letter, digit or sign shown as a picture
_SYMBOLS = ("So", "Sk", "Cs", "Co", "Cn")
_EACH_ALONE = re.compile(r"([\u3005-\u3007\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uac00-\ud7a3\uf900-\ufaff\U00020000-\U0003134f])")
_NUMBER_WORDS = "|".join([*SMALL, *TENS])
_AND = re.compile(rf"\b(hundred|thousand|million|billion|trillion) and (?=(?:{_NUMBER_WORDS})\b)")
_TITLES = {"mr": "mister", "mrs": "missus", "dr": "doctor"}


@dataclass(frozen=True)
class Errors:
    """Counts of one alignment with the fewest errors; sums of such counts make a corpus."""

    hits: int
    substitutions: int
    deletions: int
    insertions: int

    @property
    def count(self) -> int:
        """All errors."""
        return self.substitutions + self.deletions + self.insertions

    @property
    def words(self) -> int:
        """Words of the reference."""
        return self.hits + self.substitutions + self.deletions

    @property
    def rate(self) -> float:
        """Errors per word of the reference: 0 is perfect, and insertions have no upper bound."""
        return self.count / self.words

    @property
    def clipped_rate(self) -> float:
        """``rate``, at most 1: babbling is not worse than silence."""
        return min(1.0, self.rate)


def aligned(reference: str, hypothesis: str) -> Errors:
    """Errors of words between spaces, by jiwer (3.1 to 4: of two spaces or more it makes one).

    Raises:
        Unscorable: the reference has no word (jiwer 3 and 4 would differ there).
        MissingExtra: jiwer is not installed.
    """
    if not reference.strip():
        raise Unscorable("The reference has no word to be recognised.")
    try:
        from jiwer import process_words
    except ModuleNotFoundError as error:
        raise MissingExtra("jiwer", "speech") from error
    found = process_words(reference, hypothesis)
    return Errors(found.hits, found.substitutions, found.deletions, found.insertions)


def verse_bench_errors(reference: str, hypothesis: str) -> Errors:
    """Official Verse-Bench (repository Dorniwang/Verse-Bench, 5645a09): outer blanks and case go, nothing else.

    Punctuation and emoji stay, a Chinese sentence is one word. A hypothesis of ASCII punctuation alone counts as silence.
    Its figure is the plain mean of ``rate``, unbounded, over the items. Raises as ``aligned``.
    """
    said = hypothesis.strip().lower()
    if all(character in string.punctuation for character in said):
        said = ""
    return aligned(reference.strip().lower(), said)


def seed_tts_text(text: str, language: Literal["en", "zh"]) -> str:
    """What Seed-TTS-eval (repository BytedanceSpeech/seed-tts-eval, 752f429) compares.

    113 characters are deleted (not replaced by a space, so "well-known" is one word), each pair of spaces becomes one space once,
    from the left; then English is lower-cased and Chinese is split into characters, case kept.
    """
    text = text.translate(dict.fromkeys(map(ord, SEED_TTS_DELETED))).replace("  ", " ")
    return text.lower() if language == "en" else " ".join(text)


def seed_tts_errors(reference: str, hypothesis: str, language: Literal["en", "zh"], simplify: bool = False) -> Errors:
    """Seed-TTS WER (``en``) or CER (``zh``); its figure is the mean of ``rate`` over the utterances, times 100.

    Args:
        simplify: turn the hypothesis' traditional characters into simplified ones first, as the official code does for ``zh``.
            Off by default, as zhconv is under the GPL; without it a traditional character counts as an error, which changes
            nothing where the recogniser writes simplified ones, as paraformer-zh does.

    Raises:
        Unscorable, MissingExtra: as ``aligned``; the latter also where zhconv is asked for and absent.
    """
    if simplify:
        hypothesis = simplified(hypothesis)
    return aligned(seed_tts_text(reference, language), seed_tts_text(hypothesis, language))


def seed_tts_shares(errors: Errors, reference: str, language: Literal["en", "zh"]) -> tuple[float, float, float]:
    """Seed-TTS's rates of substitutions, deletions and insertions: per part between single spaces, empty parts counted."""
    parts = len(seed_tts_text(reference, language).split(" "))
    return errors.substitutions / parts, errors.deletions / parts, errors.insertions / parts


def simplified(text: str) -> str:
    """Mainland simplified characters by zhconv (GPL, never installed by avbench); raises ``MissingExtra`` without it."""
    try:
        from zhconv import convert
    except ModuleNotFoundError as error:
        raise MissingExtra("zhconv", "speech", "pip install zhconv  # GPL-2.0-or-later") from error
    return str(convert(text, "zh-cn"))


def fixed_text(text: str, language: Language = "") -> str:
    """Words between single spaces, without what a recogniser's style decides.

    Emoji and symbols go, then NFKC and case folding, numbers as spoken (see ``spoken_numbers``; none where ``language`` is empty),
    apostrophes deleted, all other punctuation a space, "mr mrs dr" written out and "and" inside a number dropped in English,
    each Han character, kana and Hangul syllable a word of its own. Traditional characters, contractions ("do not") and British
    spelling stay as they are.
    """
    text = "".join(" " if unicodedata.category(c) in _SYMBOLS else c for c in _EMOJI_STYLE.sub(" ", text))
    text = unicodedata.normalize("NFKC", text).casefold()
    if language == "en":
        text = spell_english(text)
    elif language == "zh":
        text = spell_chinese(text)
    text = re.sub(r"['‘’‛`´ʼ]", "", text)
    words = "".join(c if unicodedata.category(c)[0] in "LN" or unicodedata.category(c) in ("Mn", "Mc") else " " for c in text)
    words = " ".join(_EACH_ALONE.sub(r" \1 ", words).split())
    if language == "en":
        words = _AND.sub(r"\1 ", " ".join(_TITLES.get(word, word) for word in words.split()))
    return words


def fixed_errors(reference: str, hypothesis: str, language: Language = "") -> Errors:
    """Errors between the two ``fixed_text``; take ``clipped_rate`` of an utterance and ``corpus_rate`` of many.

    Raises:
        Unscorable: nothing of the reference is a word. MissingExtra: see ``aligned``.
    """
    return aligned(fixed_text(reference, language), fixed_text(hypothesis, language))


def corpus_rate(utterances: Sequence[Errors]) -> float:
    """All errors over all words of the references: long utterances weigh more, one run of babble cannot hide behind short ones.

    Raises:
        Unscorable: no utterance.
    """
    if not utterances:
        raise Unscorable("There is no utterance to take a rate of.", "too_few")
    return sum(e.count for e in utterances) / sum(e.words for e in utterances)


def speaker_matched_rate(reference: Sequence[str], hypothesis: Sequence[str], language: Language = "") -> float:
    """cpCER: character errors over the reference's characters, speakers matched so that the errors are fewest.

    Each text is all that one speaker said, in order; a speaker without partner is all deletions or all insertions. The texts
    pass through ``fixed_text`` and lose their spaces. Source: concatenated minimum-permutation WER, Watanabe et al.,
    arXiv 2004.09249; Hungarian matching as in MOVA, whose own normalisation is not published.

    Raises:
        Unscorable: no character in the reference.
    """
    from scipy.optimize import linear_sum_assignment

    wanted, said = ([fixed_text(text, language).replace(" ", "") for text in side] for side in (reference, hypothesis))
    total = sum(len(text) for text in wanted)
    if not total:
        raise Unscorable("The reference has no character to be recognised.")
    size = max(len(wanted), len(said))
    wanted, said = wanted + [""] * (size - len(wanted)), said + [""] * (size - len(said))
    costs = np.array([[_character_errors(one, other) for other in said] for one in wanted])
    rows, columns = linear_sum_assignment(costs)
    return float(costs[rows, columns].sum() / total)


def _character_errors(reference: str, hypothesis: str) -> int:
    return aligned(" ".join(reference), " ".join(hypothesis)).count if reference else len(hypothesis)
