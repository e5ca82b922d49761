"""Checkpoints of speech metrics."""

from __future__ import annotations

from avbench.weights import Checkpoint, File, on_hub

_WHISPER_FILES = (
    "config.json", "generation_config.json", "preprocessor_config.json", "tokenizer.json", "tokenizer_config.json",
    "model.safetensors",
)  # fmt: skip


def _whisper(size: str, speaks: str) -> Checkpoint:
    repository = f"openai/whisper-{size}"
    name = "whisper_" + size.replace("-", "_").replace(".", "_")
    what = f"Whisper {size}, {speaks}: sound to text (arXiv 2212.04356)"
    return Checkpoint(name, what, f"huggingface.co/{repository}", "Apache-2.0", on_hub(repository, *_WHISPER_FILES))


SPEECH: tuple[Checkpoint, ...] = (
    _whisper("large-v3", "99 languages"),
    _whisper("large-v3-turbo", "99 languages"),
    _whisper("small", "99 languages"),
    _whisper("base", "99 languages"),
    _whisper("tiny.en", "English"),
    Checkpoint(
        "sense_voice_small",
        "SenseVoiceSmall: speech to text with language, emotion and events (arXiv 2407.04051)",
        "huggingface.co/FunAudioLLM/SenseVoiceSmall",
        "FunASR Model 1.1",
        on_hub("FunAudioLLM/SenseVoiceSmall", "model.pt", "config.yaml", "configuration.json", "am.mvn",
               "chn_jpn_yue_eng_ko_spectok.bpe.model"),
    ),
    Checkpoint(
        "fsmn_vad",
        "fsmn-vad: where a recording holds speech (arXiv 1803.05030)",
        "huggingface.co/funasr/fsmn-vad",
        "unknown",
        on_hub("funasr/fsmn-vad", "model.pt", "config.yaml", "configuration.json", "am.mvn"),
    ),
    Checkpoint(
        "paraformer_zh",
        "paraformer-zh: Chinese speech to text (arXiv 2206.08317)",
        "huggingface.co/funasr/paraformer-zh",
        "FunASR Model 1.1",
        on_hub("funasr/paraformer-zh", "model.pt", "config.yaml", "configuration.json", "am.mvn", "tokens.json", "seg_dict"),
    ),
    Checkpoint(
        "wavlm_large_sv",
        "WavLM-Large with an ECAPA-TDNN head, trained on VoxCeleb to tell speakers apart (arXiv 2110.13900)",
        "wavlm_large_finetune.pth, linked from github.com/BytedanceSpeech/seed-tts-eval and github.com/microsoft/UniSpeech",
        "unknown",
        (File("wavlm_large_finetune.pth"),),
    ),
    Checkpoint(
        "dnsmos_p808",
        "DNSMOS P.808: opinion score of noisy speech (arXiv 2010.15258)",
        "pypi.org/project/speechmos 0.0.1.1; github.com/microsoft/DNS-Challenge",
        "MIT",
        (File("dnsmos_models/model_v8.onnx", bytes=224_860,
              sha256="9246480c58567bc6affd4200938e77eef49468c8bc7ed3776d109c07456f6e91"),),
        package="speechmos",
    ),
)  # fmt: skip
