"""One form of the picture, collected while decoded frames pass by."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

from avbench.errors import MediaError
from avbench.feature import Array, Frames

HALF_TICK = 5e-4  # a frame due at t is shown at t even where its timestamp was rounded up
MAX_BYTES = 4 << 30


class Shown:
    """One decoded frame; each form is converted once, and only if somebody keeps it."""

    def __init__(self, frame: Any) -> None:
        self._frame = frame
        self.seconds = float(frame.duration * frame.time_base) if frame.duration else 0.0
        self._upright: dict[bool, NDArray[np.uint8]] = {}

    def picture(self, ask: Frames) -> NDArray[np.uint8]:
        """The frame turned upright, anti-aliased to the asked height (never enlarged), as RGB or luma.

        Area averaging is used for shrinking: the mean over each target pixel's footprint, hence free of aliasing.
        """
        if ask.gray not in self._upright:
            image = self._frame.to_ndarray(format="gray" if ask.gray else "rgb24")
            turns = round((getattr(self._frame, "rotation", 0) or 0) / 90) % 4
            self._upright[ask.gray] = np.ascontiguousarray(np.rot90(image, turns)) if turns else image
        image = self._upright[ask.gray]
        if ask.height is not None and image.shape[0] > ask.height:
            import cv2

            width = max(1, round(image.shape[1] * ask.height / image.shape[0]))
            image = np.asarray(cv2.resize(image, (width, ask.height), interpolation=cv2.INTER_AREA), dtype=np.uint8)
        return np.asarray(image, dtype=np.uint8)


class PictureGatherer:
    """Collect one form of the picture while frames pass by in presentation order.

    What is wrong with one form (too large, of changing size) is ``failure`` and concerns no other.
    """

    def __init__(self, ask: Frames) -> None:
        self.ask = ask
        self.images: list[NDArray[np.uint8]] = []
        self.times: list[float] = []
        self.previous: tuple[float, Shown] | None = None
        self.end = 0.0
        self.bytes = 0
        self.seen = False
        self.failure: MediaError | None = None

    def add(self, shown: Shown, seconds: float) -> None:
        """Take a frame shown at ``seconds``; a form that cannot be made keeps the reason and lets go of its frames."""
        if self.failure is None:
            try:
                self._add(shown, self.end if math.isnan(seconds) else seconds)
            except MediaError as error:
                self.failure = error
                self.images.clear()

    def _add(self, shown: Shown, seconds: float) -> None:
        self.seen = True
        if self.ask.fps is None:
            self._keep(seconds, shown.picture(self.ask))
        else:
            self._emit_until(seconds)
            self.previous = (seconds, shown)
        self.end = max(self.end, seconds + shown.seconds)

    def _emit_until(self, seconds: float) -> None:
        """Give every tick before ``seconds`` the frame on show then."""
        assert self.ask.fps is not None
        if self.previous is None or len(self.images) / self.ask.fps >= seconds - HALF_TICK:
            return
        image = self.previous[1].picture(self.ask)
        while (tick := len(self.images) / self.ask.fps) < seconds - HALF_TICK:
            self._keep(tick, image)

    def _keep(self, seconds: float, image: NDArray[np.uint8]) -> None:
        self.bytes += image.nbytes
        if self.bytes > MAX_BYTES:
            raise MediaError(f"The picture needs more than {MAX_BYTES / 2**30:.3g} GiB as {self.ask}.", kind="too_large")
        if self.images and image.shape != self.images[0].shape:
            before, now = self.images[0].shape[:2], image.shape[:2]
            raise MediaError(f"The picture changes its size from {before} to {now} rows and columns.", kind="size_changes")
        self.images.append(image)
        self.times.append(seconds)

    def finish(self) -> tuple[Array, Array]:
        """Pictures and their times, see ``Clip.frames``; raises ``MediaError`` where the form cannot be made."""
        if self.failure is None and self.ask.fps is not None and self.previous is not None:
            self._emit_until(max(self.end, self.previous[0] + 2 * HALF_TICK))
        if self.failure is not None:
            raise self.failure
        whole = np.empty((len(self.images), *self.images[0].shape), dtype=np.uint8)
        for index, image in enumerate(self.images):
            whole[index] = image
            self.images[index] = whole[index]  # lets go of the copy: a clip never lies in memory twice
        return whole, np.asarray(self.times, dtype=np.float64)
