"""SenseVoiceSmall (arXiv 2407.04051) and Paraformer (arXiv 2206.08317) as FunASR runs them, and small ones of the same classes."""

from __future__ import annotations

import contextlib
import io
from pathlib import Path
from typing import Any

from avbench.compat import mend_torch
from avbench.errors import AvbenchError
from avbench.rule import rule_fill
from avbench.tensors import misfit, read_tensors

QUIET = {"ncpu": 1, "disable_update": True, "disable_pbar": True, "disable_log": True, "log_level": "ERROR"}
LONGEST_MS = 30_000  # of a segment that the speech detector cuts

STILL = {"dither": 0.0}  # FunASR's own 1.0 adds other noise, one step of 16 bits, at each call

_FRONT = {"fs": 16_000, "window": "hamming", "n_mels": 80, "frame_length": 25, "frame_shift": 10, **STILL}
_LFR = {**_FRONT, "lfr_m": 7, "lfr_n": 6}  # seven frames side by side, every sixth time
_TOKENS = {"token_list": ["<blank>", "<s>", "</s>", *"abcdefghijklmnopqrstuvwxyz", "<unk>"]}
_NO_DROPOUT = dict.fromkeys(("dropout_rate", "positional_dropout_rate"), 0.0)
_ENCODER = {
    "output_size": 32, "attention_heads": 2, "linear_units": 48, "num_blocks": 2, "attention_dropout_rate": 0.0,
    "input_layer": "pe", "normalize_before": True, "kernel_size": 11, "sanm_shfit": 0, "selfattention_layer_type": "sanm",
    **_NO_DROPOUT,
}  # fmt: skip
_DECODER = {
    "attention_heads": 2, "linear_units": 48, "num_blocks": 2, "att_layer_num": 2, "kernel_size": 11, "sanm_shfit": 0,
    "self_attention_dropout_rate": 0.0, "src_attention_dropout_rate": 0.0, **_NO_DROPOUT,
}  # fmt: skip
_VAD = {
    "model_conf": {}, "encoder": "FSMN", "frontend": "WavFrontendOnline", "frontend_conf": {**_FRONT, "lfr_m": 5, "lfr_n": 1},
    "encoder_conf": {"input_dim": 400, "input_affine_dim": 16, "fsmn_layers": 2, "linear_dim": 16, "proj_dim": 16, "lorder": 20,
                     "rorder": 0, "lstride": 1, "rstride": 0, "output_affine_dim": 16, "output_dim": 248},
}  # fmt: skip


def sense_voice(folder: Path, detector: Path, device: str) -> Any:
    """FunASR's ``AutoModel`` of SenseVoiceSmall with fsmn-vad before it, from their folders on the hub.

    Raises:
        AvbenchError: a weight of either network is not in its file, or not of its shape.
    """
    cut = {"max_single_segment_time": LONGEST_MS, "frontend_conf": STILL}
    model = _auto_model(model=str(folder), frontend_conf=STILL, vad_model=str(detector), vad_kwargs=cut, device=device)
    return _checked(model, folder, detector)


def paraformer(folder: Path, device: str) -> Any:
    """FunASR's ``AutoModel`` of paraformer-zh from its folder on the hub; raises as ``sense_voice``."""
    return _checked(_auto_model(model=str(folder), frontend_conf=STILL, device=device), folder)


def tiny_sense_voice(device: str) -> Any:
    """The same two classes with small layers filled by a rule, and letters for tokens: what it hears has no meaning."""
    return _filled(_auto_model(
        model="SenseVoiceSmall", model_conf={}, encoder="SenseVoiceEncoderSmall", encoder_conf={**_ENCODER, "tp_blocks": 1},
        frontend="WavFrontend", frontend_conf=_LFR, tokenizer="CharTokenizer", tokenizer_conf=_TOKENS, device=device,
        vad_model="FsmnVADStreaming", vad_kwargs={**_VAD, "max_single_segment_time": LONGEST_MS},
    ))  # fmt: skip


def tiny_paraformer(device: str) -> Any:
    """A small Paraformer without the branch for hot words that paraformer-zh has and nobody asks here."""
    return _filled(_auto_model(
        model="Paraformer", model_conf={"ctc_weight": 0.0, "predictor_bias": 1}, encoder="SANMEncoder", encoder_conf=_ENCODER,
        decoder="ParaformerSANMDecoder", decoder_conf=_DECODER, predictor="CifPredictorV2",
        predictor_conf={"idim": 32, "threshold": 1.0, "l_order": 1, "r_order": 1, "tail_threshold": 0.45},
        frontend="WavFrontend", frontend_conf=_LFR, tokenizer="CharTokenizer", tokenizer_conf=_TOKENS, device=device,
    ))  # fmt: skip


def _auto_model(**options: Any) -> Any:
    mend_torch()  # FunASR takes torchaudio's filter bank where it finds one
    with contextlib.redirect_stdout(io.StringIO()):  # it greets on standard output, where reports go
        from funasr import AutoModel

        return AutoModel(**options, **QUIET)


def _filled(model: Any) -> Any:
    for network in (model.model, model.vad_model):
        if network is not None:
            rule_fill(network)
    return model


def _checked(model: Any, *folders: Path) -> Any:
    """FunASR leaves a weight that its file lacks, or has in another shape, at its random start; that must not pass."""
    import torch

    for network, folder in zip((model.model, model.vad_model), folders, strict=False):
        path = folder / "model.pt"
        held: Any = read_tensors(path)
        for key in ("state_dict", "model_state_dict", "model"):
            held = held.get(key, held)
        held = {str(name).removeprefix("module."): value for name, value in held.items()}
        learnt, loaded = dict(network.named_parameters()), network.state_dict()
        wanted = {name: tensor for name, tensor in loaded.items() if name in learnt or name in held}
        wrong = misfit(wanted, {name: held[name] for name in wanted if name in held})
        if wrong:
            raise AvbenchError(f"{path} does not fit its network: tensors {wrong}.")
        other = [name for name, tensor in wanted.items() if not torch.equal(tensor.cpu(), held[name].to(tensor.dtype))]
        if other:
            raise AvbenchError(f"FunASR did not load {len(other)} tensors of {path}, among them {other[0]}.")
    return model
