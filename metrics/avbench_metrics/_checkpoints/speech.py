"""Checkpoints of speech metrics."""

from __future__ import annotations

from avbench.weights import Checkpoint, File, on_hub

# Revisions and digests are those that several users recorded, alike. What holds no digest here was recorded by nobody.
_SHARED = {  # digests of files that several sizes share
    "v3 front": "7ccc62c6f2765af1f3b46c00c9b5894426835a05021c8b9c01eecb6dfb542711",
    "v3 words": "844b642c73a91359722f47b35705f7174686df33d252695d8572cf9ac03a6389",
    "tokenizer": "27fc476bfe7f17299480be2273fc0608e4d5a99aba2ab5dec5374b4482d1a566",
}
_WHISPER: dict[str, tuple[str, tuple[File, ...]]] = {
    "large-v3": ("06f233fe06e710322aca913c1bc4249a0d71fce1", (
        File("config.json", bytes=1272, sha256="ad0e8d1e46f4d01f7861a21509e5d0f977d6cc1f367a370603c92541d819807b"),
        File("generation_config.json", bytes=3903, sha256="fbdfa70135de9b1d31553393f14e80aaeb1936ea36576b2ba864055943c09d23"),
        File("preprocessor_config.json", bytes=340, sha256=_SHARED["v3 front"]),
        File("tokenizer.json", bytes=2_480_617, sha256="6d8cbd7cd0d8d5815e478dac67b85a26bbe77c1f5e0c6d76d1ce2abc0e5f21ca"),
        File("tokenizer_config.json", bytes=282_843, sha256=_SHARED["v3 words"]),
        File("model.safetensors", bytes=3_087_130_976,
             sha256="a8e94b85976e5864ba3e9525c7e6c83b2a1eca42d4b797a0c7c24d778e40fd95"),
    )),
    "large-v3-turbo": ("41f01f3fe87f28c78e2fbf8b568835947dd65ed9", (
        File("config.json", bytes=1256, sha256="c5b526b3e3cd64cd8940dabb45e8ba726629e22d8ed389c29b552f9140daf04a"),
        File("generation_config.json", bytes=3772, sha256="cce11bfe3aaa6ae9e072ea2637caaec8795e68d9b67e655a5af16ee509681a4c"),
        File("preprocessor_config.json", bytes=340, sha256=_SHARED["v3 front"]),
        File("tokenizer.json", bytes=2_710_337, sha256="297b13372ac43916285644fb9687add3cc62ee2a1adb60da3dc25cc94c1871fd"),
        File("tokenizer_config.json", bytes=282_843, sha256=_SHARED["v3 words"]),
        File("model.safetensors", bytes=1_617_824_864,
             sha256="542566a422ae4f3fd23f1ba11add198fca01bbf82e66e6a2857b3f608b1eb9d1"),
    )),
    "small": ("973afd24965f72e36ca33b3055d56a652f456b4d", (
        File("config.json", bytes=1967, sha256="e6a2b489da1b5aed65a8eb8d1e7466fa867ad5643a8bc138ba708bd56b2875c4"),
        File("generation_config.json", bytes=3868, sha256="71565b8ef50d0bf7a1193ed4bbed195b94e70c18894d81bba2f1233dcec3ab53"),
        File("preprocessor_config.json"),
        File("tokenizer.json", bytes=2_480_466, sha256=_SHARED["tokenizer"]),
        File("tokenizer_config.json"),
        File("model.safetensors", bytes=966_995_080,
             sha256="1d7734884874f1a1513ed9aa760a4f8e97aaa02fd6d93a3a85d27b2ae9ca596b"),
    )),
    "base": ("e37978b90ca9030d5170a5c07aadb050351a65bb", (
        File("config.json", bytes=1983, sha256="a153c53883a6799b6f056b4a8d1a515c9926d03994682ba88a7616618d7da0c1"),
        File("generation_config.json", bytes=3807, git_blob="38eda87a0b22fdb85af5dfa14cf065147337137a"),
        File("preprocessor_config.json"),
        File("tokenizer.json", bytes=2_480_466, sha256=_SHARED["tokenizer"]),
        File("tokenizer_config.json"),
        File("model.safetensors", bytes=290_403_936,
             sha256="07cadb9f25677c8d50df603e66a98fbd842cce45047139baeb16e6219a1e807b"),
    )),
    "tiny.en": ("87c7102498dcde7456f24cfd30239ca606ed9063", (
        File("config.json", bytes=1937, git_blob="31c9f364d610705cd391e465d49df5f8e77fd868"),
        File("generation_config.json", bytes=1621, git_blob="974cd4239d99b2a5e21151e9d5023f073bbfc4d6"),
        File("preprocessor_config.json"),
        File("tokenizer.json"),
        File("tokenizer_config.json"),
        File("model.safetensors", bytes=151_060_136,
             sha256="db59695928ded6043adaef491a53ef4e12da9611184d77c53baa691a60b958ad"),
    )),
}  # fmt: skip


def _whisper(size: str, speaks: str) -> Checkpoint:
    repository, (revision, files) = f"openai/whisper-{size}", _WHISPER[size]
    name = "whisper_" + size.replace("-", "_").replace(".", "_")
    what = f"Whisper {size}, {speaks}: sound to text (arXiv 2212.04356)"
    source = f"huggingface.co/{repository}, revision {revision}"
    return Checkpoint(name, what, source, "Apache-2.0", on_hub(repository, *files, revision=revision))


_SENSE_VOICE, _FSMN = "3847d57b6bdf2dd8875cb1508d2af43d80a16bf7", "df20e6b30c653645fa4ff125cacfcabd1020a669"

SPEECH: tuple[Checkpoint, ...] = (
    _whisper("large-v3", "99 languages"),
    _whisper("large-v3-turbo", "99 languages"),
    _whisper("small", "99 languages"),
    _whisper("base", "99 languages"),
    _whisper("tiny.en", "English"),
    Checkpoint(
        "sense_voice_small",
        "SenseVoiceSmall: speech to text with language, emotion and events (arXiv 2407.04051)",
        f"huggingface.co/FunAudioLLM/SenseVoiceSmall, revision {_SENSE_VOICE}",
        "FunASR Model 1.1",
        on_hub(
            "FunAudioLLM/SenseVoiceSmall",
            File("model.pt", bytes=936_291_369, sha256="833ca2dcfdf8ec91bd4f31cfac36d6124e0c459074d5e909aec9cabe6204a3ea"),
            File("config.yaml", bytes=1855, sha256="f71e239ba36705564b5bf2d2ffd07eece07b8e3f2bbf6d2c99d8df856339ac19"),
            File("configuration.json", bytes=396, sha256="02810a7f8e9e8aee10370a265f7e799728ce25b4c00cdbf4602b303ee395a38e"),
            File("am.mvn", bytes=11_203, sha256="29b3c740a2c0cfc6b308126d31d7f265fa2be74f3bb095cd2f143ea970896ae5"),
            File("chn_jpn_yue_eng_ko_spectok.bpe.model", bytes=377_341,
                 sha256="aa87f86064c3730d799ddf7af3c04659151102cba548bce325cf06ba4da4e6a8"),
            revision=_SENSE_VOICE,
        ),
    ),
    Checkpoint(
        "fsmn_vad",
        "fsmn-vad: where a recording holds speech (arXiv 1803.05030)",
        f"huggingface.co/funasr/fsmn-vad, revision {_FSMN}",
        "unknown",
        on_hub(
            "funasr/fsmn-vad",
            File("model.pt", bytes=1_721_366, sha256="b3be75be477f0780277f3bae0fe489f48718f585f3a6e45d7dd1fbb1a4255fc5"),
            File("config.yaml", bytes=1215, sha256="486861ca26ddb79081663b6179cb204c6bfae71c52f04aafc48a9e9d8dde1e93"),
            File("configuration.json", sha256="7bce8867e37d55c3dd8f672695ced18077a2be199ea529a5d432d5350fc0acba"),
            File("am.mvn", sha256="df189fd5f4352df84a0fd464eeab4e450a5e645665d6b38f13c832492261a739"),
            revision=_FSMN,
        ),
    ),
    Checkpoint(
        "paraformer_zh",
        "paraformer-zh: Chinese speech to text (arXiv 2206.08317)",
        "huggingface.co/funasr/paraformer-zh, branch main (no revision is known)",
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
