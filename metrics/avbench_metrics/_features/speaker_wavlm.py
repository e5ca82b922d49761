"""Speaker embeddings by WavLM-Large and ECAPA-TDNN, of a clip and of its reference voice."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from avbench import weights
from avbench.clip import Clip
from avbench.errors import MediaError, Unscorable
from avbench.feature import Array, Feature, Read, SpeakerReference, Waveform
from avbench.media import decode
from avbench_metrics._features.speech_activity import detector_digest, speech_of

RATE, SHORTEST = 16_000, 720  # two frames of the network
AS_FILED = Waveform(first_channel=True)


@dataclass(frozen=True)
class WavlmVoice(Feature):
    """Embedding of the clip's voice: float32 (256,), not normalised.

    Args:
        official: the whole first channel, resampled as torchaudio does, as Seed-TTS-eval hears it; else the speech that Silero VAD
            finds in the mean of all channels.
    """

    official: bool = False

    @property
    def reads(self) -> tuple[Read, ...]:
        """Sound: the first channel at its own rate, or the mono mix at 16 kHz."""
        return (AS_FILED if self.official else Waveform(RATE),)

    @property
    def weights(self) -> tuple[str, ...]:
        """The speaker model."""
        return ("wavlm_large_sv",)

    @property
    def checkpoint(self) -> str:
        """Digest of the speaker model, and of the speech detector where it is used."""
        return super().checkpoint + ("" if self.official else detector_digest())

    def prepare(self, clip: Clip) -> Array:
        """Sound at 16 kHz; raises ``Unscorable`` where it is too short or holds no speech."""
        return _resampled(*clip.waveform(AS_FILED)) if self.official else speech_of(clip.waveform(Waveform(RATE))[0])

    def load(self, device: str) -> Callable[[Sequence[Array]], Sequence[Array]]:
        """The network, clip by clip: it pools over all frames, so that padding would be heard."""
        import torch

        from avbench_metrics._features.networks import ecapa

        network = weights.network(
            "wavlm_large_sv", ecapa.build, ecapa.tiny, device, lambda content: ecapa.without_training_part(content["model"])
        )

        def embed(batch: Sequence[Array]) -> Sequence[Array]:
            with torch.no_grad():
                return [network(torch.from_numpy(samples)[None].to(device))[0].cpu().numpy() for samples in batch]

        return embed


@dataclass(frozen=True)
class WavlmReference(WavlmVoice):
    """The same of the prompt's reference recording."""

    @property
    def reads(self) -> tuple[Read, ...]:
        """The reference voice."""
        return (SpeakerReference(),)

    def prepare(self, clip: Clip) -> Array:
        """Sound at 16 kHz; raises ``Unscorable`` where there is no reference, or as above."""
        if not self.official:
            return speech_of(clip.speaker(RATE))
        if clip.prompt.speaker is None:
            raise MediaError("The prompt names no reference voice.", kind="not_applicable")
        return _resampled(*decode(clip.prompt.speaker, (AS_FILED,)).waveform(AS_FILED))


def _resampled(samples: Array, rate: int) -> Array:
    """To 16 kHz by torchaudio's default (windowed sinc, Hann, six zero crossings); raises ``Unscorable`` under 45 ms."""
    if rate != RATE:
        from avbench.compat import mend_torch

        mend_torch()
        import torch
        from torchaudio.transforms import Resample

        samples = Resample(rate, RATE)(torch.from_numpy(samples)).numpy()
    if len(samples) < SHORTEST:
        raise Unscorable(f"The sound has {len(samples)} samples at 16 kHz; the speaker model needs {SHORTEST}.", "too_short")
    return np.asarray(samples, dtype=np.float32)
