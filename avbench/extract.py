"""One decode pass fills every feature."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, fields
from typing import Any

from avbench.clip import Clip
from avbench.errors import AvbenchError, Unscorable, out_of_memory
from avbench.feature import Array, Feature, Frames, Read, Waveform
from avbench.store import Store, key_of
from avbench.trace import Trace, failure_word, input_digest, value_digest

Values = dict[Feature, Array | Exception]
BatchFunction = Callable[[Sequence[Array]], Sequence[Array]]


@dataclass
class Counts:
    """What one extraction did: files opened by the decoder, clips decoded, features computed, found and damaged."""

    opens: int = 0
    decodes: int = 0
    computed: int = 0
    found: int = 0
    corrupted: int = 0

    def add(self, other: Counts) -> None:
        """Add the counts of another worker."""
        for item in fields(self):
            setattr(self, item.name, getattr(self, item.name) + getattr(other, item.name))


@dataclass
class Extracted:
    """One clip's features, a typed failure in the place of an array that cannot be; and the digests of all it took."""

    values: Values = field(default_factory=dict)
    trace: Trace = field(default_factory=Trace)


class Extractor:
    """Computes features of clips, a store in between.

    Args:
        features: what is wanted of every clip.
        store: where results are kept; None computes afresh.
        device: ``cpu`` or a torch device for the networks, which are loaded when first needed.
    """

    def __init__(self, features: Sequence[Feature], store: Store | None, device: str = "cpu") -> None:
        self.features = tuple(dict.fromkeys(features))
        self.store, self.device = store, device
        self.counts = Counts()
        self._functions: dict[Feature, BatchFunction] = {}

    @property
    def chunk(self) -> int:
        """Clips per call that keep the networks' batches full; 1 where no feature has a network."""
        return max((f.batch_size for f in self.features if has_network(f)), default=1)

    def __call__(self, clips: Sequence[Clip]) -> list[Extracted]:
        """Features of each clip in order.

        Raises:
            AvbenchError: a feature failed in a way that is not about the clip, which is a defect of the feature.
        """
        results = [Extracted() for _ in clips]
        waiting: dict[Feature, list[tuple[Extracted, str, Array]]] = {}
        damaged = self.store.corrupted if self.store else 0
        for clip, result in zip(clips, results, strict=True):
            missing = self._look_up(clip, result)
            for feature, (key, value) in self._prepare(clip, missing, result.trace).items():
                if isinstance(value, Unscorable) or not has_network(feature):
                    self._keep(result, feature, key, value)
                else:
                    waiting.setdefault(feature, []).append((result, key, value))
        for feature, rows in waiting.items():
            for start in range(0, len(rows), feature.batch_size):
                batch = rows[start : start + feature.batch_size]
                with _blamed(feature, "on a batch of clips"):
                    outputs = self._function(feature)([array for _, _, array in batch])
                    pairs = list(zip(batch, outputs, strict=True))
                for (result, key, _), output in pairs:
                    self._keep(result, feature, key, output)
        self.counts.corrupted += (self.store.corrupted if self.store else 0) - damaged
        return results

    def _look_up(self, clip: Clip, result: Extracted) -> dict[Feature, str]:
        """Fill the result from the store; return the keys of what must be computed."""
        missing: dict[Feature, str] = {}
        for feature in self.features:
            try:
                key = key_of(feature, clip)
            except Unscorable as error:  # the bytes cannot be read, so there is no key
                result.values[feature] = error
                result.trace.features[feature] = failure_word(error)
                for read in feature.reads:
                    result.trace.inputs.setdefault(read, failure_word(error))
                continue
            found = self.store.find(key) if self.store else None
            if found is None:
                missing[feature] = key
            else:
                result.values[feature] = found.value
                result.trace.features[feature] = found.notes["digest"]
                result.trace.inputs.update({read: found.notes["inputs"][repr(read)] for read in feature.reads})
                self.counts.found += 1
        return missing

    def _prepare(self, clip: Clip, missing: dict[Feature, str], trace: Trace) -> dict[Feature, tuple[str, Any]]:
        reads: tuple[Read, ...] = tuple(dict.fromkeys(r for f in missing for r in f.reads))
        unreadable: Unscorable | None = None
        if any(map(_of_media, reads)):
            self.counts.decodes += 1
            try:
                self.counts.opens += clip.decode(reads).opens
            except Unscorable as error:
                self.counts.opens += 1
                unreadable = error
        for read in reads:
            trace.inputs[read] = failure_word(unreadable) if unreadable and _of_media(read) else input_digest(clip, read)
        prepared: dict[Feature, tuple[str, Any]] = {}
        for feature, key in missing.items():
            of_media = any(map(_of_media, feature.reads))
            prepared[feature] = (key, unreadable if unreadable and of_media else _prepare_one(feature, clip))
        clip.release()
        return prepared

    def _keep(self, result: Extracted, feature: Feature, key: str, value: Any) -> None:
        self.counts.computed += 1
        result.values[feature] = value
        result.trace.features[feature] = digest = value_digest(value)
        if self.store and getattr(value, "lasting", True):
            inputs = {repr(read): result.trace.inputs[read] for read in feature.reads}
            self.store.put(key, value, {"digest": digest, "inputs": inputs})

    def _function(self, feature: Feature) -> BatchFunction:
        if feature not in self._functions:
            self._functions[feature] = feature.load(self.device)
        return self._functions[feature]


def _of_media(read: Read) -> bool:
    return isinstance(read, Frames | Waveform)


def has_network(feature: Feature) -> bool:
    """Whether the feature has a batch function of its own."""
    return type(feature).load is not Feature.load


def _prepare_one(feature: Feature, clip: Clip) -> Any:
    """What the feature prepared, or the typed failure in its place."""
    try:
        with _blamed(feature, f"on clip {clip.id} ({clip.path})"):
            return feature.prepare(clip)
    except Unscorable as error:
        return error


@contextlib.contextmanager
def _blamed(feature: Feature, where: str) -> Iterator[None]:
    """Whatever is raised beside avbench's own errors is a defect of the feature: an ``AvbenchError`` that says so."""
    try:
        yield
    except AvbenchError:
        raise
    except MemoryError as error:
        raise out_of_memory(f"{feature!r} was computed {where}") from error
    except Exception as error:
        raise AvbenchError(
            f"{feature!r} broke {where}: {type(error).__name__}: {error}. This is a defect of the "
            "feature, not of the clip; finished clips are kept, and a run without the metrics that use it goes on."
        ) from error
