"""One channel of sound as the networks want it: read, refused where there is nothing to judge, resampled."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from avbench.clip import Clip
from avbench.errors import Unscorable
from avbench.feature import Array, Waveform

# the length [s] that av-benchmark is told (--audio_length) under each of its protocols
AV_BENCHMARK_SECONDS = {"av_benchmark": 8.0, "av_benchmark_5s": 5.0, "av_benchmark_4s": 4.0}
CUT = "cut to the length in the protocol's name (av_benchmark: 8 s)"
SILENT = 1e-4  # peak of full scale, -80 dBFS: a 16-bit file's dither stays below
KAISER_BEST = {
    "resampling_method": "sinc_interp_kaiser",
    "lowpass_filter_width": 64,
    "rolloff": 0.9475937167399596,
    "beta": 14.769656459379492,
}


def whole(clip: Clip, ask: Waveform) -> tuple[Array, int]:
    """All of the sound, float32 (samples,), and its rate; raises ``Unscorable`` (``no_audio``) for an empty stream."""
    samples, rate = clip.waveform(ask)
    if not len(samples):
        raise Unscorable("The audio stream is empty.", "no_audio")
    return samples, rate


def audible(clip: Clip, rate: int, fewest: int) -> Array:
    """All of the sound at ``rate`` Hz (soxr), float32 (samples,).

    Raises:
        Unscorable: ``no_audio``, ``silent`` (no sample above -80 dBFS) or ``too_short`` (fewer than ``fewest`` samples).
    """
    samples, _ = whole(clip, Waveform(rate))
    if float(np.abs(samples).max()) < SILENT:
        raise Unscorable("The sound is silent: no sample exceeds -80 dBFS.", "silent")
    return long_enough(samples, rate, fewest)


def long_enough(samples: Array, rate: int, fewest: int) -> Array:
    """The same samples; raises ``Unscorable`` (``too_short``) where there are fewer than ``fewest``."""
    if len(samples) < fewest:
        raise Unscorable(f"The sound lasts {len(samples) / rate:.2f} s; {fewest / rate:.3g} s are needed.", "too_short")
    return samples


def sinc(samples: Array, rate: int, target: int, options: Mapping[str, object] | None = None) -> Array:
    """torchaudio's resampling of float32 (..., samples), by its defaults (Hann, width 6) unless ``options`` say else."""
    if rate == target:
        return samples
    from avbench.compat import mend_torch

    mend_torch()
    import torch
    from torchaudio import functional

    return np.asarray(functional.resample(torch.from_numpy(samples), rate, target, **(options or {})).numpy())


def av_benchmark_sound(clip: Clip, target: int, seconds: float) -> Array:
    """av-benchmark's loader: mean of the channels less the file's mean, torchaudio's sinc, cut to ``seconds``, never padded.

    Source: repository hkchengrex/av-benchmark, 050a5cd. A shorter sound is an error there, for which the next file steps in.

    Raises:
        Unscorable: ``no_audio`` or ``too_short``.
    """
    samples, rate = whole(clip, Waveform())
    count = int(target * seconds)
    return long_enough(sinc(samples - samples.mean(), rate, target), target, count)[:count]
