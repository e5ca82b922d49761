"""Checkpoints of audio metrics."""

from __future__ import annotations

from avbench.weights import Checkpoint, File, on_hub

_ZENODO = "https://zenodo.org/records/3987831/files"
_AUDIOBOX = "9b1dd8e5df9af7216e836a98974fe3b82c56ded6"

AUDIO: tuple[Checkpoint, ...] = (
    Checkpoint(
        name="audiobox_aesthetics",
        what="Audiobox Aesthetics: four ratings of speech, music and sound, on WavLM base",
        source=f"facebook/audiobox-aesthetics, revision {_AUDIOBOX}",
        licence="CC-BY-4.0",
        files=on_hub(
            "facebook/audiobox-aesthetics",
            File("model.safetensors", sha256="a5a3c2412649cc2384ec525ffd5180ce6c4778f43bed6108e0a1303de04d014e"),
            revision=_AUDIOBOX,
        ),
    ),
    Checkpoint(
        name="audioclip_full",
        what="AudioCLIP, full training on AudioSet: its audio head ESResNeXt-fbsp",
        source="github.com/AndreyGuzhov/AudioCLIP, release v0.1",
        licence="MIT (repository; none is stated for the weights)",
        files=(
            File(
                "AudioCLIP-Full-Training.pt",
                "https://github.com/AndreyGuzhov/AudioCLIP/releases/download/v0.1/AudioCLIP-Full-Training.pt",
                537_302_068, "2441d35b353352c8b1bbfb8f7c687f46314c3d2909e940eaf763b8c17f632c44",
            ),
        ),
    ),
    Checkpoint(
        name="panns_cnn14_16k",
        what="PANNs Cnn14 at 16 kHz on AudioSet, mAP 0.438",
        source="zenodo.org/records/3987831",
        licence="CC-BY-4.0",
        files=(
            File(
                "Cnn14_16k_mAP=0.438.pth", f"{_ZENODO}/Cnn14_16k_mAP%3D0.438.pth?download=1",
                sha256="e2ee543a27919542c2ea03eabaa70b24dcd4e6c8e05621de6b67a94e4c5058e6",
            ),
        ),
    ),
    Checkpoint(
        name="panns_cnn14_32k",
        what="PANNs Cnn14 at 32 kHz on AudioSet, mAP 0.431",
        source="zenodo.org/records/3987831",
        licence="CC-BY-4.0",
        files=(
            File(
                "Cnn14_mAP=0.431.pth", f"{_ZENODO}/Cnn14_mAP%3D0.431.pth?download=1",
                sha256="0dc499e40e9761ef5ea061ffc77697697f277f6a960894903df3ada000e34b31",
            ),
        ),
    ),
    Checkpoint(
        name="passt_audioset",
        what="PaSST passt_s_swa_p16_128_ap476 on AudioSet",
        source="github.com/kkoutini/PaSST, release v0.0.1-audioset",
        licence="Apache-2.0 (repository; none is stated for the weights)",
        files=(
            File(
                "passt-s-f128-p16-s10-ap.476-swa.pt",
                "https://github.com/kkoutini/PaSST/releases/download/v0.0.1-audioset/passt-s-f128-p16-s10-ap.476-swa.pt",
                sha256="302903fa8c4aee817b11dc982da0b29aaf8d11a3e722420476d0a12c9db70c2c",
            ),
        ),
    ),
    Checkpoint(
        name="vggish",
        what="VGGish on a preliminary YouTube-8M, converted from TensorFlow",
        source="github.com/harritaylor/torchvggish, release v0.1",
        licence="Apache-2.0 (repository; none is stated for the weights)",
        files=(
            File(
                "vggish-10086976.pth",
                "https://github.com/harritaylor/torchvggish/releases/download/v0.1/vggish-10086976.pth",
                288_567_937, sha256_start="10086976",
            ),
        ),
    ),
)  # fmt: skip
