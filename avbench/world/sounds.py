"""The Toybox's sounds: hits of a material, and voices built from hisses, harmonics and formants."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from avbench.feature import Array

PITCH = {"circle": 420.0, "square": 850.0, "triangle": 1600.0}  # Hz
PARTIALS = {"metal": (1.0, 2.76, 5.40), "wood": (1.0, 2.02, 3.94)}
DECAY_SECONDS = {"metal": 0.22, "wood": 0.05, "noise": 0.07}
ATTACK_SECONDS = 0.001
FORMANTS = {  # Hz of the first three, from Peterson and Barney, JASA 24 (1952), adult male means
    "a": (730.0, 1090.0, 2440.0),
    "e": (530.0, 1840.0, 2480.0),
    "i": (270.0, 2290.0, 3010.0),
    "o": (570.0, 840.0, 2410.0),
    "u": (300.0, 870.0, 2240.0),
}
# Without consonants a speech detector takes one vowel in three for music.
HISS_SECONDS, HISS_HERTZ, HISS_LEVEL = 0.06, 3500.0, 0.03


@dataclass(frozen=True)
class Voice:
    """A speaker: pitch in Hz, vocal tract scale (1 = adult male), and the share of breath noise (0 to 1)."""

    f0: float
    formant: float
    breath: float


def hit(shape: str, material: str, rate: int, rng: np.random.Generator) -> Array:
    """One strike, float64 (samples,), peak 0.6: the shape gives the pitch, the material spectrum and decay."""
    decay = DECAY_SECONDS[material]
    time = np.arange(round(6 * decay * rate)) / rate
    if material == "noise":
        carrier = rng.standard_normal(len(time)) * (0.5 + 0.5 * np.cos(2 * np.pi * PITCH[shape] * time))
    else:
        tones = [np.sin(2 * np.pi * PITCH[shape] * p * time) / (k + 1) for k, p in enumerate(PARTIALS[material])
                 if PITCH[shape] * p < rate / 2]  # fmt: skip
        carrier = np.sum(tones, axis=0)
    wave = carrier * np.exp(-time / decay) * np.minimum(1.0, time / ATTACK_SECONDS)
    return np.asarray(0.6 * wave / np.abs(wave).max())


def hits(events: Sequence[float], shape: str, material: str, seconds: float, rate: int, rng: np.random.Generator) -> Array:
    """A strike at every event time, float32 (samples,)."""
    samples = np.zeros(round(seconds * rate))
    strike = hit(shape, material, rate, rng)
    for event in events:
        start = round(event * rate)
        part = strike[: len(samples) - start]
        samples[start : start + len(part)] += part
    return np.clip(samples, -1.0, 1.0).astype(np.float32)


def speak(
    vowels: Sequence[str], spans: Sequence[tuple[float, float]], voice: Voice, seconds: float, rate: int, rng: np.random.Generator
) -> Array:
    """Syllables, float32 (samples,): vowels by additive synthesis under a formant envelope, an s across the start of each.

    Args:
        vowels: letters of ``FORMANTS``.
        spans: start and end of each in seconds; the s begins 30 ms earlier.
    """
    samples = np.zeros(round(seconds * rate))
    for vowel, (start, end) in zip(vowels, spans, strict=True):
        first, last = round(start * rate), min(len(samples), round(end * rate))
        count = last - first
        time = np.arange(count) / rate
        glide = voice.f0 * (1.03 - 0.06 * np.linspace(0, 1, count)) * (1 + 0.01 * np.sin(2 * np.pi * 5.5 * time))
        phase = 2 * np.pi * np.cumsum(glide) / rate
        numbers = np.arange(1, int(0.45 * rate / voice.f0))
        gains = _envelope(numbers * voice.f0, vowel, voice.formant)
        tone = (gains[:, None] * np.sin(numbers[:, None] * phase[None])).sum(0)
        noise = _shaped_noise(count, rate, vowel, voice.formant, rng)
        wave = (1 - voice.breath) * tone / tone.std() + voice.breath * noise / noise.std()
        samples[first:last] += 0.12 * wave * np.sin(np.pi * np.linspace(0, 1, count)) ** 0.5
        lead = max(0, first - round(HISS_SECONDS / 2 * rate))
        hiss = _hiss(rate, voice.formant, rng)[: len(samples) - lead]
        samples[lead : lead + len(hiss)] += hiss
    return np.clip(samples, -1.0, 1.0).astype(np.float32)


def _hiss(rate: int, scale: float, rng: np.random.Generator) -> Array:
    """An s: noise above 3.5 kHz (scaled with the vocal tract), swelling and falling."""
    count = round(HISS_SECONDS * rate)
    spectrum = np.fft.rfft(rng.standard_normal(count))
    steep = (np.fft.rfftfreq(count, 1 / rate) / (HISS_HERTZ * scale)) ** 4
    noise = np.fft.irfft(spectrum * steep / np.hypot(1, steep), count)
    return np.asarray(HISS_LEVEL * noise / noise.std() * np.sin(np.pi * np.linspace(0, 1, count)) ** 0.5)


def _envelope(hertz: Array, vowel: str, scale: float) -> Array:
    """Gain of three resonances over a source that falls by 12 dB per octave above 500 Hz."""
    gain = np.zeros_like(hertz, dtype=np.float64)
    for order, formant in enumerate(FORMANTS[vowel]):
        width = 60.0 + 0.05 * formant
        gain += (0.7**order) / (1 + ((hertz - formant * scale) / width) ** 2)
    return np.asarray((gain + 0.01) / (1 + (hertz / 500.0) ** 2) ** 0.5)


def _shaped_noise(count: int, rate: int, vowel: str, scale: float, rng: np.random.Generator) -> Array:
    spectrum = np.fft.rfft(rng.standard_normal(count))
    return np.fft.irfft(spectrum * _envelope(np.fft.rfftfreq(count, 1 / rate), vowel, scale), count)
