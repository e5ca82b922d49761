"""Checkpoints of alignment metrics."""

from __future__ import annotations

from avbench.weights import Checkpoint, File, on_hub

# Revisions and digests are those that several users recorded, alike.
_UNFUSED = "8fa0f1c6d0433df6e97c127f64b2a1d6c0dcda8a"
_LAION = "b3708341862f581175dba5c356a4ebf74a9b6651"
_ROBERTA = "e2da8e2f811d1448a5b465c236feacd80ffbac7b"
_MS_CLAP = "c47d441165daa21986ead0850660917636a81775"
_GPT2 = "607a30d783dfa663caf39e06633721c8d4cfcd7e"

ALIGNMENT: tuple[Checkpoint, ...] = (
    Checkpoint(
        "imagebind_huge",
        "ImageBind, one space for pictures, text, sound, depth, heat and motion",
        "github.com/facebookresearch/ImageBind",
        "CC BY-NC-SA 4.0",
        (
            File(
                "imagebind_huge.pth",
                "https://dl.fbaipublicfiles.com/imagebind/imagebind_huge.pth",
                4_803_584_173,
                "d6f6c22bedcc90708448d5d2fbb7b2db9c73f505dc89bd0b2e09b23af1b62157",
            ),
        ),
    ),
    Checkpoint(
        "clap_htsat_unfused",
        "LAION CLAP for sound (HTS-AT tiny, no fusion) and text, as transformers names it",
        f"huggingface.co/laion/clap-htsat-unfused, revision {_UNFUSED}",
        "Apache-2.0",
        on_hub("laion/clap-htsat-unfused", "pytorch_model.bin", revision=_UNFUSED),
    ),
    Checkpoint(
        "clap_630k_audioset_fusion",
        "LAION CLAP for sound (HTS-AT tiny with fusion of long sounds) and text, trained on LAION-Audio-630K and AudioSet",
        f"huggingface.co/lukewys/laion_clap, revision {_LAION}",
        "unknown (the code: CC0-1.0)",
        on_hub("lukewys/laion_clap", "630k-audioset-fusion-best.pt", revision=_LAION),
    ),
    Checkpoint(
        "clap_music_speech_audioset",
        "LAION CLAP for sound (HTS-AT base, no fusion) and text, trained on music, speech and AudioSet",
        f"huggingface.co/lukewys/laion_clap, revision {_LAION}",
        "unknown (the code: CC0-1.0)",
        on_hub(
            "lukewys/laion_clap",
            File(
                "music_speech_audioset_epoch_15_esc_89.98.pt",
                bytes=2_352_471_003,
                sha256="51c68f12f9d7ea25fdaaccf741ec7f81e93ee594455410f3bca4f47f88d8e006",
            ),
            revision=_LAION,
        ),
    ),
    Checkpoint(
        "roberta_base_tokenizer",
        "RoBERTa's byte pairs (50,265 entries), which every LAION CLAP reads text by",
        f"huggingface.co/FacebookAI/roberta-base, revision {_ROBERTA}",
        "MIT",
        on_hub(
            "FacebookAI/roberta-base",
            File("tokenizer.json", bytes=1_355_863, sha256="847bbeab6174d66a88898f729d52fa8d355fafe1bea101cf960dd404581df70e"),
            revision=_ROBERTA,
        ),
    ),
    Checkpoint(
        "ms_clap_2023",
        "Microsoft CLAP of 2023 for sound (HTS-AT) and text (GPT-2)",
        f"huggingface.co/microsoft/msclap, revision {_MS_CLAP}",
        "unknown (the code: MIT)",
        on_hub(
            "microsoft/msclap",
            File(
                "CLAP_weights_2023.pth",
                bytes=689_950_036,
                sha256="2cef4016d47d00eb28d153d522f397222057f95000e9bad6b9583c631284a1e6",
            ),
            revision=_MS_CLAP,
        ),
    ),
    Checkpoint(
        "gpt2_tokenizer",
        "GPT-2's byte pairs (50,257 entries), which Microsoft CLAP reads text by",
        f"huggingface.co/openai-community/gpt2, revision {_GPT2}",
        "MIT",
        on_hub("openai-community/gpt2", "tokenizer.json", revision=_GPT2),
    ),
)
