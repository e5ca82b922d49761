"""Clips that tests share."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, settings

from avbench import weights
from avbench.feature import Array
from avbench.media import write_clip

pytest_plugins = ["pytester"]
settings.register_profile("suite", deadline=None, suppress_health_check=[HealthCheck.too_slow])  # busy machines are no defects
settings.load_profile("suite")


@pytest.fixture(autouse=True)
def _own_cache(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> None:
    """No test reads or fills the user's store."""
    monkeypatch.setenv("AVBENCH_CACHE", str(tmp_path_factory.getbasetemp() / "cache"))


@pytest.fixture
def without_digests(monkeypatch: pytest.MonkeyPatch) -> None:
    """Files made by a test may stand for official ones: no digest is known of any."""
    bare = {"sha256": "", "sha256_start": "", "git_blob": "", "bytes": None}
    known = {n: replace(c, files=tuple(replace(f, **bare) for f in c.files)) for n, c in weights.checkpoints().items()}
    monkeypatch.setattr(weights, "checkpoints", lambda: known)


@pytest.fixture(scope="session")
def real_data() -> Path:
    """The folder of real clips, voices and prompt files."""
    root = os.environ.get("AVBENCH_REAL_DATA")
    if not root:
        pytest.skip("AVBENCH_REAL_DATA is not set: real clips are not at hand")
    return Path(root).resolve()


def flash_and_click(at: float = 1.0, seconds: float = 2.0, fps: float = 25.0, rate: int = 48_000) -> tuple[Array, Array]:
    """A grey picture that turns white at ``at`` and a click of 1 ms starting then."""
    frames = np.full((round(seconds * fps), 64, 64, 3), 40, np.uint8)
    frames[round(at * fps) :] = 240
    samples = np.zeros(round(seconds * rate), np.float32)
    start = round(at * rate)
    samples[start : start + rate // 1000] = 0.9
    return frames, samples


@pytest.fixture
def write_flash(tmp_path: Path) -> Callable[..., Path]:
    """A function that writes ``flash_and_click`` to a named file."""

    def write(name: str = "clip.mp4", **options: float) -> Path:
        frames, samples = flash_and_click(**options)
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        write_clip(path, frames, options.get("fps", 25.0), samples, 48_000)
        return path

    return write


@pytest.fixture(scope="session")
def flip_bits() -> Callable[..., Path]:
    """A function that turns bits of an mp4's ``mdat`` over, its index left whole: the packets of one stream, or of any."""

    def flip(path: Path, seed: int, kind: str | None = None, bits: int = 20) -> Path:
        import av

        with av.open(str(path)) as container:
            packets = [(p.pos, p.size) for p in container.demux() if p.size and kind in (None, p.stream.type)]
        data, rng = bytearray(path.read_bytes()), np.random.default_rng(seed)
        for _ in range(bits):
            start, size = packets[int(rng.integers(len(packets)))]
            data[start + int(rng.integers(size))] ^= 1 << int(rng.integers(8))
        path.write_bytes(data)
        return path

    return flip


@pytest.fixture(scope="session")
def toybox_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Four Toybox clips: a bounce, a flash, a speaker and a bounce."""
    from avbench.world.toybox import draw_scene, render

    folder = tmp_path_factory.mktemp("toybox")
    for index in range(4):
        frames, samples = render(draw_scene("test", index))
        write_clip(folder / f"toybox-test-{index:04d}.mp4", frames, 16, samples, 16_000)
    return folder
