"""What metrics read: arrays computed from one clip, addressed by content."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from avbench import libraries, weights

if TYPE_CHECKING:
    from avbench.clip import Clip, Prompt

Array = NDArray[Any]


@dataclass(frozen=True)
class Frames:
    """Ask for the picture.

    Args:
        fps: frames per second sampled by presentation time; None keeps every frame the file shows.
        height: rows after anti-aliased resize, width follows the aspect ratio; None keeps the file's size. A clip
            that is smaller already is not enlarged.
        gray: one luma plane instead of RGB.
    """

    fps: float | None = None
    height: int | None = None
    gray: bool = False


@dataclass(frozen=True)
class Waveform:
    """Ask for the sound.

    Args:
        rate: Hz after resampling by soxr; None keeps the file's rate.
        first_channel: the first channel alone instead of the mean of all channels.
    """

    rate: int | None = None
    first_channel: bool = False


@dataclass(frozen=True)
class OwnWaveform(Waveform):
    """Ask for the sound in the clip's own file, even where a file beside it is the sound to judge."""


@dataclass(frozen=True)
class PromptText:
    """Ask for the prompt's words; they become part of the cache key."""


@dataclass(frozen=True)
class SpeakerReference:
    """Ask for the prompt's reference voice; the file's bytes become part of the cache key."""


@dataclass(frozen=True)
class ImageReference:
    """Ask for the prompt's reference picture; the file's bytes become part of the cache key."""


Read = Frames | Waveform | PromptText | SpeakerReference | ImageReference


class Feature(ABC):
    """An array computed from one clip. Subclasses are frozen dataclasses: fields are parameters, the repr is the identity.

    ``reads`` declares everything that ``prepare`` may ask of the clip, so that one decode serves all features.
    ``version`` rises when the same parameters give another array. ``batch_size`` is how many clips go into one batch.
    ``libraries`` are the distributions whose code is the network (or asks it): another version of one is another feature.
    ``width`` is how many numbers a row of the array has, where features that others computed may stand in for it.
    """

    version: ClassVar[int] = 1
    batch_size: ClassVar[int] = 8
    libraries: ClassVar[tuple[str, ...]] = ()
    width: ClassVar[int | None] = None

    @property
    @abstractmethod
    def reads(self) -> tuple[Read, ...]:
        """What ``prepare`` asks of a clip."""

    @property
    def weights(self) -> tuple[str, ...]:
        """Names of the checkpoints its networks need; see ``avbench weights list``."""
        return ()

    @property
    def checkpoint(self) -> str:
        """Digest of the weights this feature depends on; empty where there are none."""
        return " ".join(weights.identity(name) for name in self.weights)

    @abstractmethod
    def prepare(self, clip: Clip) -> Any:
        """Turn the decoded clip into one array on the CPU; with a network, into what its batch function takes of a clip.

        Raises ``Unscorable`` where the clip does not allow it.
        """

    def load(self, device: str) -> Callable[[Sequence[Any]], Sequence[Array]]:
        """Return the batch function, from prepared clips to one array each; without a network it is the identity.

        An array may not depend on the other clips of its batch.
        """
        return lambda batch: batch

    def computation(self) -> str:
        """Module, class, parameters and version: what is computed, whatever the weights."""
        return f"{type(self).__module__}.{self!r}#v{self.version}"

    def identity(self) -> str:
        """Computation, checkpoint and the libraries' versions: the feature's half of its cache key."""
        behind = "".join(f" {name} {libraries.version_of(name)}" for name in self.libraries)
        return f"{self.computation()}:{self.checkpoint}{behind}"


@dataclass(frozen=True)
class Sample:
    """A clip with the features that a metric asked for: ``sample[FEATURE]`` is its array.

    Raises ``Unscorable`` on access where the feature could not be computed, with the reason of that failure.
    """

    id: str
    prompt: Prompt
    features: Mapping[Feature, Array | Exception]

    def __getitem__(self, feature: Feature) -> Array:
        value = self.features[feature]
        if isinstance(value, Exception):
            raise value
        return np.asarray(value)
