"""Digests of what one clip was decoded to and of the features that came of it: where two runs first part ways can be named."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field

import numpy as np

from avbench.clip import Clip
from avbench.errors import Unscorable
from avbench.feature import Array, Feature, Frames, Read, Waveform

DIGITS = 16
FAILED = "!"


@dataclass
class Trace:
    """One clip's digests, 16 hex digits each; ``!kind`` stands for a typed failure."""

    inputs: dict[Read, str] = field(default_factory=dict)
    features: dict[Feature, str] = field(default_factory=dict)


def array_digest(*arrays: Array) -> str:
    """The first 16 hex digits of the sha256 over number kind, shape and values of arrays, in this order."""
    digest = hashlib.sha256()
    for array in arrays:
        whole = np.asarray(array, order="C")
        digest.update(f"{whole.dtype.str}{whole.shape}".encode())
        digest.update(whole.reshape(-1).view(np.uint8).data)
    return digest.hexdigest()[:DIGITS]


def failure_word(error: Unscorable) -> str:
    """A typed failure in the place of a digest: its kind alone, as the reason may name the file."""
    return FAILED + "_".join(error.kind.split())


def value_digest(value: Array | Unscorable) -> str:
    """Of a feature's array, or of the failure in its place."""
    return failure_word(value) if isinstance(value, Unscorable) else array_digest(np.asarray(value))


def input_digest(clip: Clip, read: Read) -> str:
    """Of what a clip gives for one read: pictures with their times, sound with its rate, words, voice or picture file."""
    try:
        if isinstance(read, Frames):
            return array_digest(*clip.frames(read))
        if isinstance(read, Waveform):
            samples, rate = clip.waveform(read)
            return array_digest(samples, np.asarray(rate, dtype=np.float64))
        return clip.read_digest((read,))[:DIGITS]
    except Unscorable as error:
        return failure_word(error)
