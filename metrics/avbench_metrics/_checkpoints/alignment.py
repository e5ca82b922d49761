"""Checkpoints of alignment metrics."""

from __future__ import annotations

from avbench.weights import Checkpoint, File, on_hub

ALIGNMENT: tuple[Checkpoint, ...] = (
    Checkpoint(
        "imagebind_huge",
        "ImageBind, one space for pictures, text, sound, depth, heat and motion",
        "github.com/facebookresearch/ImageBind",
        "CC BY-NC-SA 4.0",
        (File("imagebind_huge.pth", "https://dl.fbaipublicfiles.com/imagebind/imagebind_huge.pth"),),
    ),
    Checkpoint(
        "clap_htsat_unfused",
        "LAION CLAP for sound (HTS-AT tiny, no fusion) and text, as transformers names it",
        "huggingface.co/laion/clap-htsat-unfused",
        "Apache-2.0",
        on_hub("laion/clap-htsat-unfused", "pytorch_model.bin", revision="8fa0f1c6d0433df6e97c127f64b2a1d6c0dcda8a"),
    ),
    Checkpoint(
        "clap_630k_audioset_fusion",
        "LAION CLAP for sound (HTS-AT tiny with fusion of long sounds) and text, trained on LAION-Audio-630K and AudioSet",
        "huggingface.co/lukewys/laion_clap",
        "unknown (the code: CC0-1.0)",
        on_hub("lukewys/laion_clap", "630k-audioset-fusion-best.pt"),
    ),
    Checkpoint(
        "clap_music_speech_audioset",
        "LAION CLAP for sound (HTS-AT base, no fusion) and text, trained on music, speech and AudioSet",
        "huggingface.co/lukewys/laion_clap",
        "unknown (the code: CC0-1.0)",
        on_hub("lukewys/laion_clap", "music_speech_audioset_epoch_15_esc_89.98.pt"),
    ),
    Checkpoint(
        "roberta_base_tokenizer",
        "RoBERTa's byte pairs (50,265 entries), which every LAION CLAP reads text by",
        "huggingface.co/FacebookAI/roberta-base",
        "MIT",
        on_hub("FacebookAI/roberta-base", "tokenizer.json"),
    ),
    Checkpoint(
        "ms_clap_2023",
        "Microsoft CLAP of 2023 for sound (HTS-AT) and text (GPT-2)",
        "huggingface.co/microsoft/msclap",
        "unknown (the code: MIT)",
        on_hub("microsoft/msclap", "CLAP_weights_2023.pth"),
    ),
    Checkpoint(
        "gpt2_tokenizer",
        "GPT-2's byte pairs (50,257 entries), which Microsoft CLAP reads text by",
        "huggingface.co/openai-community/gpt2",
        "MIT",
        on_hub("openai-community/gpt2", "tokenizer.json"),
    ),
)
