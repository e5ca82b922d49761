"""The Toybox's language as numbers: its words, and where a voice belongs in a sentence.

Something said stands between quotation marks and becomes <speech> <voice> word ... </speech>; the i-th voice of a clip is
written at the i-th <voice> (Timbre-in-Context Conditioning, arXiv 2605.30073, equations 7 to 9).
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import cache
from itertools import product

from avbench.errors import UsageError
from avbench.world.shapes import COLOURS
from avbench.world.sounds import FORMANTS
from avbench.world.toybox import COUNT_WORDS, MATERIALS, SHAPES, Scene, text_of

PAD, SPEECH, VOICE, END = range(4)
MARKERS = ("<pad>", "<speech>", "<voice>", "</speech>")
PIECE = re.compile(r'[a-z]+|"|[.,:]')


@cache
def vocabulary() -> tuple[str, ...]:
    """Every marker and every word that the world's sentences can hold, in the order of their numbers."""
    return (*MARKERS, *sorted({word for text in _sentences() for word in re.findall("[a-z]+", text.lower())}))


def _sentences() -> set[str]:
    """Sentences of every kind of scene that together hold every colour, shape, material, count and vowel."""
    things = list(product(COLOURS, SHAPES, MATERIALS, range(1, len(COUNT_WORDS))))
    scenes = [_scene(kind, *thing) for kind in ("bounce", "flash") for thing in things]
    scenes += [_scene("collide", *thing) for thing in things if thing[3] == 1]
    scenes += [_scene("speak", *thing, vowels=tuple(FORMANTS)) for thing in things]
    return {sentence for scene in scenes for sentence in text_of(scene)[:2]}


def _scene(kind: str, colour: str, shape: str, material: str, count: int, vowels: tuple[str, ...] = ()) -> Scene:
    events = () if vowels else tuple(0.3 * (i + 1) for i in range(count))
    return Scene("train", 0, 0, kind, colour, shape, material, (colour, shape), 0.5, events, vowels)


def numbers(text: str) -> tuple[list[int], list[int]]:
    """A sentence as word numbers, and the places of its <speech> markers.

    Raises:
        UsageError: words or signs that the world's language does not have (none is dropped: an answer to a sentence read in part
            would be judged as an answer to the whole), an unfinished quotation, or no word at all.
    """
    known = {word: i for i, word in enumerate(vocabulary())}
    pieces = PIECE.findall(text.lower())
    strange = sorted({piece for piece in pieces if piece.isalpha() and piece not in known})
    strange += sorted(set(re.sub(r'[a-z\s".,:]', "", text.lower())))
    if strange:
        raise UsageError(f"This model reads the Toybox's language alone and does not know {', '.join(map(repr, strange[:8]))}.")
    if pieces.count('"') % 2 or not any(piece.isalpha() for piece in pieces):
        raise UsageError(f"The prompt {text!r} is no whole sentence: it has no word, or opens a quotation and does not close it.")
    words: list[int] = []
    spans: list[int] = []
    speaking = False
    for piece in pieces:
        if piece == '"':
            speaking = not speaking
            if speaking:
                spans.append(len(words))
            words += [SPEECH, VOICE] if speaking else [END]
        elif piece.isalpha():
            words.append(known[piece])
    return words, spans


def padded(sentences: Sequence[str], speakers: int) -> tuple[list[list[int]], list[list[int]]]:
    """Sentences as rows of equal length: words with ``PAD`` behind, and ``speakers`` places of <speech> each with -1 behind.

    Raises:
        UsageError: see ``numbers``; or a sentence in which more than ``speakers`` speak.
    """
    read = [numbers(text) for text in sentences]
    if crowded := [text for text, (_, spans) in zip(sentences, read, strict=True) if len(spans) > speakers]:
        raise UsageError(f"{crowded[0]!r} lets more than {speakers} speak.")
    longest = max(len(words) for words, _ in read)
    return (
        [words + [PAD] * (longest - len(words)) for words, _ in read],
        [spans + [-1] * (speakers - len(spans)) for _, spans in read],
    )
