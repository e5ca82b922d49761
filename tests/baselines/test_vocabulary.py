"""The Toybox's language: every sentence of the world is read whole, and anything else is refused."""

from __future__ import annotations

import pytest
from avbench_baselines._networks.vocabulary import END, PAD, SPEECH, VOICE, numbers, padded, vocabulary

from avbench.errors import UsageError
from avbench.world.toybox import draw_scene, text_of


def test_every_sentence_of_the_world_is_read_whole():
    words = vocabulary()
    assert len(set(words)) == len(words)
    for split in ("train", "test"):
        for index in range(400):
            scene = draw_scene(split, index)
            for text in text_of(scene)[:2]:
                read, spans = numbers(text)
                told = " ".join(words[i] for i in read if i > END)
                assert told == "".join(c for c in text.lower() if c.isalpha() or c == " ").strip()
                assert len(spans) == ('"' in text) and len(read) <= 40


def test_quotations_become_spans_with_a_place_for_the_voice():
    read, spans = numbers('A person says: "sa so". A voice says: "su".')
    assert spans == [3, 11]
    assert [read[i] for i in (3, 4, 7, 11, 12, 14)] == [SPEECH, VOICE, END, SPEECH, VOICE, END]
    assert vocabulary()[read[5]] == "sa"


def test_sentences_are_padded_behind():
    words, spans = padded(['A voice says: "sa".', "A red circle"], speakers=2)
    assert spans == [[3, -1], [-1, -1]]
    assert len(words[0]) == len(words[1]) == 7 and words[1][3:] == [PAD] * 4


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("A pink circle flashes white once", "'pink'"),
        ("A red circle flashes white 3 times", "'3'"),
        ('A voice says: "sa', "quotation"),
        (" . ", "no word"),
        ("Ein rötlicher Kreis", "'ein'.*'ö'"),
    ],
)
def test_what_the_world_does_not_say_is_refused(text, why):
    with pytest.raises(UsageError, match=why):
        numbers(text)


def test_too_many_speakers_are_refused():
    with pytest.raises(UsageError, match="more than 1"):
        padded(['A voice says: "sa". A voice says: "so".'], speakers=1)
