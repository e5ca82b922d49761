"""Whisper (Radford et al., arXiv 2212.04356) as transformers runs it: sound to text, one clip at a time."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch

from avbench.compat import mend_torch
from avbench.errors import AvbenchError
from avbench.feature import Array

RATE = 16_000
WINDOW = 30 * RATE  # what the encoder hears at once
FILES = (
    "config.json", "generation_config.json", "preprocessor_config.json", "tokenizer.json", "tokenizer_config.json",
    "model.safetensors",
)  # fmt: skip
MARKS = range(27, 64)  # of the stand-in: end, start, languages, task, no time stamps
VOCABULARY = 50_000  # every published tokenizer has more; a smaller one is a library's silent makeshift


@dataclass(frozen=True, eq=False)
class Recogniser:
    """A network with what stands before and behind it.

    Args:
        network: transformers' ``WhisperForConditionalGeneration``.
        front: sound to log-mel spectrum. tokenizer: ``decode(ids, skip_special_tokens=True)``.
    """

    network: Any
    front: Any
    tokenizer: Any

    def transcribe(self, samples: Array, language: str = "", whole: bool = True) -> str:
        """What is said, greedily decoded.

        Args:
            samples: float32 (samples,) at 16 kHz.
            language: ``en``, ``zh`` ..., forced; empty lets the network decide. An English-only network ignores it.
            whole: hear sound of more than 30 s window by window, by the network's own time stamps; else the first 30 s alone.
        """
        many = whole and len(samples) > WINDOW
        shape = {"truncation": False, "padding": "longest", "return_attention_mask": True} if many else {}
        heard = self.front(samples, sampling_rate=RATE, return_tensors="pt", **shape)
        options: dict[str, Any] = {"do_sample": False, "num_beams": 1}
        if self.network.generation_config.is_multilingual:
            options |= {"task": "transcribe", "language": language or None}
        if many:
            options |= {"return_timestamps": True, "condition_on_prev_tokens": False}
            options["attention_mask"] = heard.attention_mask.to(self.network.device)
        with torch.no_grad():
            ids = self.network.generate(heard.input_features.to(self.network.device), **options)
        return str(self.tokenizer.decode(ids[0].tolist(), skip_special_tokens=True)).strip()


def load(folder: Path) -> Recogniser:
    """A published Whisper of any size from its folder on the hub (``FILES``), in single precision.

    Raises:
        AvbenchError: the weights do not fit the configuration, or the tokenizer is not whole.
    """
    mend_torch()
    from transformers import WhisperFeatureExtractor, WhisperForConditionalGeneration, WhisperTokenizerFast

    _hush()
    network, report = WhisperForConditionalGeneration.from_pretrained(
        folder, local_files_only=True, dtype=torch.float32, output_loading_info=True
    )
    wrong = [f"{kind}: {', '.join(map(str, list(names)[:3]))}" for kind, names in report.items() if names]
    if wrong:
        raise AvbenchError(f"The weights in {folder} do not fit its config.json ({'; '.join(wrong)}).")
    tokenizer = WhisperTokenizerFast.from_pretrained(folder, local_files_only=True)
    if len(tokenizer) < VOCABULARY:
        raise AvbenchError(f"The tokenizer in {folder} has {len(tokenizer)} words, a whole one has over {VOCABULARY}.")
    return Recogniser(_settled(network), WhisperFeatureExtractor.from_pretrained(folder, local_files_only=True), tokenizer)


class Letters:
    """The stand-in's tokenizer, which needs no file: each id but those of marks is a letter or a space."""

    def decode(self, ids: list[int], skip_special_tokens: bool = True) -> str:
        """Letters of the ids."""
        return "".join(" abcdefghijklmnopqrstuvwxyz"[i % 27] for i in ids if i not in MARKS)


def tiny() -> Recogniser:
    """The same interface with two layers of width 32 filled by a rule and ``Letters``: what it hears has no meaning."""
    mend_torch()
    from transformers import GenerationConfig, WhisperConfig, WhisperFeatureExtractor, WhisperForConditionalGeneration

    from avbench.rule import rule_fill

    _hush()
    marks = {"bos_token_id": 27, "eos_token_id": 27, "pad_token_id": 27, "decoder_start_token_id": 28}
    spans = 64 + 1501  # ids of the time stamps, 20 ms apart
    size = WhisperConfig(
        vocab_size=spans, d_model=32, encoder_layers=1, decoder_layers=1, encoder_attention_heads=2, decoder_attention_heads=2,
        encoder_ffn_dim=48, decoder_ffn_dim=48, num_mel_bins=80, max_target_positions=32, **marks,
    )  # fmt: skip
    network = rule_fill(WhisperForConditionalGeneration(size))
    network.generation_config = GenerationConfig(
        **marks, is_multilingual=True, no_timestamps_token_id=63, max_length=24, max_initial_timestamp_index=50,
        lang_to_id={"<|en|>": 29, "<|zh|>": 30, "<|ja|>": 31, "<|ko|>": 32}, task_to_id={"transcribe": 33, "translate": 34},
    )  # fmt: skip
    return Recogniser(_settled(network), WhisperFeatureExtractor(feature_size=80), Letters())


def _hush() -> None:
    """Bars and advice to developers are not for who waits for a report."""
    from transformers.utils import logging

    logging.disable_progress_bar()
    logging.set_verbosity_error()


def _settled(network: Any) -> Any:
    return network.eval().requires_grad_(False)
