"""What is said in a clip, as text that FunASR's recognisers heard; arrays as in ``transcript``."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

from avbench import weights
from avbench.clip import Clip
from avbench.feature import Array, Feature, Read, Waveform
from avbench_metrics._features.transcript import RATE, as_array

SENSE_VOICE = {"language": "auto", "use_itn": True, "batch_size_s": 60, "merge_vad": True, "merge_length_s": 15}
SHORTEST = RATE // 10  # FunASR divides by zero below one frame; nobody says a word in a tenth of a second


@dataclass(frozen=True)
class _Heard(Feature):
    """A recogniser that hears mono sound at 16 kHz."""

    libraries: ClassVar[tuple[str, ...]] = ("funasr",)

    @property
    def reads(self) -> tuple[Read, ...]:
        """Mono sound at 16 kHz."""
        return (Waveform(RATE),)

    def prepare(self, clip: Clip) -> Array:
        """The whole sound."""
        return clip.waveform(Waveform(RATE))[0]


@dataclass(frozen=True)
class SenseVoice(_Heard):
    """Words by SenseVoiceSmall as Verse-Bench asks it, with punctuation, digits and emoji: uint8 (bytes,).

    fsmn-vad cuts segments of at most 30 s, those up to 15 s together are joined; the language is the network's guess. FunASR's own
    ``rich_transcription_postprocess`` turns the tags into emoji. Source: repository Dorniwang/Verse-Bench, 5645a09.
    """

    @property
    def weights(self) -> tuple[str, ...]:
        """The recogniser and the speech detector before it."""
        return ("sense_voice_small", "fsmn_vad")

    def load(self, device: str) -> Callable[[Sequence[Array]], Sequence[Array]]:
        """FunASR, clip by clip."""
        model = _shared("sense_voice", self.weights, device)
        from funasr.utils.postprocess_utils import rich_transcription_postprocess

        def hear(samples: Array) -> Array:
            return as_array(str(rich_transcription_postprocess(_generate(model, samples, cache={}, **SENSE_VOICE))))

        return lambda batch: [hear(samples) for samples in batch]


@dataclass(frozen=True)
class Paraformer(_Heard):
    """Words by paraformer-zh as Seed-TTS-eval asks it: uint8 (bytes,).

    Source: repository BytedanceSpeech/seed-tts-eval, 752f429.
    """

    @property
    def weights(self) -> tuple[str, ...]:
        """The recogniser."""
        return ("paraformer_zh",)

    def load(self, device: str) -> Callable[[Sequence[Array]], Sequence[Array]]:
        """FunASR, clip by clip."""
        model = _shared("paraformer", self.weights, device)
        return lambda batch: [as_array(_generate(model, samples, batch_size_s=300)) for samples in batch]


def _generate(model: Any, samples: Array, **options: Any) -> str:
    """The recogniser's text; "" where it gives none."""
    if len(samples) < SHORTEST:
        return ""
    found = model.generate(input=samples, **options)
    return str(found[0]["text"]) if found else ""


def _shared(kind: str, names: tuple[str, ...], device: str) -> Any:
    def make() -> Any:
        from avbench_metrics._features.networks import funasr_models as networks

        sense_voice = kind == "sense_voice"
        if weights.stands_in(names[0]):
            return networks.tiny_sense_voice(device) if sense_voice else networks.tiny_paraformer(device)
        folders = [next(iter(weights.paths(name).values())).parent for name in names]
        return networks.sense_voice(folders[0], folders[1], device) if sense_voice else networks.paraformer(folders[0], device)

    return weights.shared((kind, device, *map(weights.identity, names)), names[0], make)
