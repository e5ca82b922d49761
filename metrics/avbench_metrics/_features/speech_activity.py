"""Where a recording holds speech: Silero VAD, run from the package's ONNX file."""

from __future__ import annotations

import hashlib
import importlib.util
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np

from avbench.errors import AvbenchError, Unscorable
from avbench.feature import Array

RATE, CHUNK, CONTEXT = 16_000, 512, 64  # the network hears 32 ms at a time, after the last 4 ms of the chunk before
THRESHOLD, EXIT = 0.5, 0.35
MIN_SPEECH, MIN_SILENCE, PAD = 0.25 * RATE, 0.1 * RATE, round(0.03 * RATE)
NEEDED_SECONDS = 0.5


def _file() -> Path | None:
    """The network inside the silero-vad package, which is not imported: its import would bring in torchaudio."""
    spec = importlib.util.find_spec("silero_vad")
    return None if spec is None or spec.origin is None else Path(spec.origin).parent / "data" / "silero_vad.onnx"


@cache
def detector_digest() -> str:
    """sha256 of the weights, for the cache key of what listens through them; empty where silero-vad is not installed."""
    file = _file()
    return hashlib.sha256(file.read_bytes()).hexdigest() if file is not None else ""


@cache
def _session() -> Any:
    import onnxruntime

    file = _file()
    if file is None:
        raise AvbenchError("silero-vad is not installed; run: pip install --no-deps silero-vad")
    options = onnxruntime.SessionOptions()
    options.inter_op_num_threads = options.intra_op_num_threads = 1  # the same digits whatever the machine does beside
    return onnxruntime.InferenceSession(str(file), options, providers=["CPUExecutionProvider"])


def speech_probabilities(samples: Array) -> Array:
    """Probability of speech in each chunk of 512 samples, the last one filled up with zeros.

    Source: Silero Team, Silero VAD 6.2 (github.com/snakers4/silero-vad).

    Args:
        samples: float (samples,) in [-1, 1] at 16 kHz.

    Returns:
        float32 (ceil(samples / 512),) in [0, 1].
    """
    session, rate = _session(), np.asarray(RATE, dtype=np.int64)
    padded = np.pad(np.asarray(samples, dtype=np.float32), (CONTEXT, -len(samples) % CHUNK))
    state = np.zeros((2, 1, 128), dtype=np.float32)
    found = []
    for start in range(0, len(padded) - CONTEXT, CHUNK):
        heard = {"input": padded[None, start : start + CONTEXT + CHUNK], "state": state, "sr": rate}
        probability, state = session.run(None, heard)
        found.append(probability[0, 0])
    return np.asarray(found, dtype=np.float32)


def speech_spans(samples: Array) -> list[tuple[int, int]]:
    """First and last-plus-one sample of each stretch of speech, in order and apart, by the package's default rules.

    A stretch opens at a chunk of probability 0.5 and closes where the probability fell below 0.35 and did not return to 0.5
    for 100 ms. Stretches of 250 ms or less are dropped, the others widened by 30 ms on either side.

    Args:
        samples: float (samples,) in [-1, 1] at 16 kHz.
    """
    spans: list[tuple[int, int]] = []
    start = quiet = -1
    for index, probability in enumerate(speech_probabilities(samples)):
        here = index * CHUNK
        if probability >= THRESHOLD:
            start, quiet = here if start < 0 else start, -1
        elif start >= 0 and probability < EXIT:
            quiet = here if quiet < 0 else quiet
            if here - quiet >= MIN_SILENCE:
                spans.append((start, quiet))
                start = quiet = -1
    if start >= 0:
        spans.append((start, len(samples)))
    return [(max(0, a - PAD), min(len(samples), b + PAD)) for a, b in spans if b - a > MIN_SPEECH]


def speech_of(samples: Array) -> Array:
    """The stretches of speech, joined: float (samples,) at 16 kHz.

    Raises:
        Unscorable: less than half a second of speech.
    """
    spans = speech_spans(samples)
    seconds = sum(b - a for a, b in spans) / RATE
    if seconds < NEEDED_SECONDS:
        raise Unscorable(f"Voice activity found {seconds:.2f} s of speech; {NEEDED_SECONDS} s are needed.")
    return np.concatenate([samples[a:b] for a, b in spans])
