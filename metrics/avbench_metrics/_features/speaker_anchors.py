"""Measure what GE2E cosines of one speaker and of two come out as: the anchors of ``voice_match``.

    python -m avbench_metrics._features.speaker_anchors FOLDER

FOLDER holds one folder per speaker with that speaker's recordings (.flac, .wav, .mp3, .ogg or .mp4).
"""

from __future__ import annotations

import argparse
from collections.abc import Mapping, Sequence
from itertools import combinations
from pathlib import Path

import numpy as np

from avbench.errors import UsageError
from avbench.feature import Array
from avbench.media import read_waveform
from avbench_metrics._features.speech_activity import RATE
from avbench_metrics._features.voice import Voice, levelled_speech
from avbench_metrics._maths.anchored_cosine import equal_error_rate

SUFFIXES = (".flac", ".wav", ".mp3", ".ogg", ".mp4")


def voices(folder: Path, device: str = "cpu") -> dict[str, list[Array]]:
    """GE2E embeddings (256,) of every recording by speaker, heard exactly as the metric hears a clip.

    Raises:
        UsageError: fewer than two speakers, or one with fewer than two recordings.
        Unscorable: a recording cannot be read or holds less than half a second of speech.
    """
    folders = sorted(one for one in folder.iterdir() if one.is_dir())
    files = {one.name: sorted(file for file in one.iterdir() if file.suffix in SUFFIXES) for one in folders}
    if len(files) < 2 or min(map(len, files.values())) < 2:
        raise UsageError(f"{folder} must hold folders of two speakers or more with two recordings each or more.")
    embed = Voice().load(device)
    return {name: [embed([levelled_speech(read_waveform(path, RATE))])[0][0] for path in paths] for name, paths in files.items()}


def cosines(speakers: Mapping[str, Sequence[Array]]) -> tuple[Array, Array]:
    """Cosines of all pairs of recordings: of one speaker (N,), and of two (M,)."""
    rows = [(name, voice / np.linalg.norm(voice)) for name, found in speakers.items() for voice in found]
    pairs = [(a == b, float(u @ v)) for (a, u), (b, v) in combinations(rows, 2)]
    return np.array([c for alike, c in pairs if alike]), np.array([c for alike, c in pairs if not alike])


def main(arguments: Sequence[str] | None = None) -> None:
    """Print the anchors, their spread and how well the two kinds of pairs part."""
    parser = argparse.ArgumentParser(description="Anchors of voice_match from a folder of <speaker>/<recording>.")
    parser.add_argument("folder", type=Path)
    speakers = voices(parser.parse_args(arguments).folder)
    same, different = cosines(speakers)
    print(f"{len(speakers)} speakers, {sum(map(len, speakers.values()))} recordings")
    for name, found in (("same", same), ("different", different)):
        spread = f"sd {found.std(ddof=1):.4f}, {found.min():.3f} to {found.max():.3f}"
        print(f"{name}: {found.mean():.4f} ({spread}, {len(found)} pairs)")
    print(f"equal error rate: {equal_error_rate(same, different)[0]:.4f}")


if __name__ == "__main__":
    main()
