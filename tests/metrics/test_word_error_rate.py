"""Word error rates from clips: the protocols' own figures, real speech through a real Whisper, and reasons for no figure."""

from __future__ import annotations

import importlib.util
import json
from collections.abc import Sequence
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest
from avbench_metrics._features.transcript import SeedTtsWhisper, Whisper, as_array, text_of
from avbench_metrics._features.transcript_funasr import Paraformer, SenseVoice
from avbench_metrics._maths.script import language_of_script
from avbench_metrics.speech.cp_cer import SingleSpeakerCpCer
from avbench_metrics.speech.word_error_rate import PROTOCOLS

import avbench
from avbench import testing, weights
from avbench.clip import Clip, Prompt
from avbench.errors import AvbenchError, Unscorable
from avbench.feature import Array, Feature, Sample
from avbench.media import read_waveform, write_clip

RATE = 16_000
BLACK = np.zeros((8, 32, 32, 3), np.uint8)
LIBRIVOX = Path(__file__).parent / "librivox"
ENGINES: tuple[Feature, ...] = (Whisper(), SeedTtsWhisper(), SenseVoice(), Paraformer())


def _ct2() -> ModuleType:
    spec = importlib.util.spec_from_file_location("ct2_whisper", Path(__file__).with_name("ct2_whisper.py"))
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def _folder(folder: Path, clips: dict[str, tuple[Array | None, Sequence[str]]]) -> Path:
    """A manifest of black clips with these sounds at 16 kHz and these words to be spoken."""
    folder.mkdir(exist_ok=True)
    rows = []
    for name, (samples, speech) in clips.items():
        write_clip(folder / f"{name}.mp4", BLACK, 1, samples, RATE)
        rows.append({"id": name, "path": f"{name}.mp4", "speech": list(speech)})
    (folder / "manifest.jsonl").write_text("\n".join(map(json.dumps, rows)))
    return folder


def _score(protocol: str, reference: str | Sequence[str], heard: str) -> float:
    metric = PROTOCOLS[protocol]
    speech = (reference,) if isinstance(reference, str) else tuple(reference)
    return metric.score(Sample("a", Prompt("a", speech=speech), {metric.engine: as_array(heard)}))


@pytest.fixture(scope="module")
def voice() -> Array:
    return read_waveform(LIBRIVOX / "0880.ogg", RATE)


def test_metrics_keep_the_contract() -> None:
    for name in (*(f"word_error_rate@{protocol}" for protocol in PROTOCOLS), "word_error_rate", "cp_cer"):
        testing.check_metric(name)


@pytest.mark.parametrize("text", ["", "hello", "我要VIP间", "🎼You.😊"])
def test_a_text_survives_as_bytes(text: str) -> None:
    array = as_array(text)
    assert array.dtype == np.uint8 and array.ndim == 1 and text_of(array) == text


def test_the_script_tells_the_language() -> None:
    cases = {"zh": "我要VIP间", "ja": "私は東京へ", "ko": "안녕 漢字", "en": "It costs $25.", "": "Über den Wolken"}
    for language, text in cases.items():
        assert language_of_script(text) == language, text
    assert language_of_script("123 !") == ""


@pytest.mark.parametrize(
    ("protocol", "reference", "heard", "rate"),
    [
        ("verse_bench", "You make me happy when the clouds are gray", "🎼You make me happy when the clouds are gray.😊", 2 / 9),
        ("verse_bench", "It costs twenty five dollars", "It costs $25.", 0.6),
        ("verse_bench", "你好世界。", "你好世界", 1.0),
        ("verse_bench", "hello", "the quick brown fox jumps over the lazy dog", 9.0),
        ("verse_bench", "hello there", "", 1.0),
        ("seed_tts_en", "I don’t know", "I don't know", 1 / 3),
        ("seed_tts_en", "a well-known man", "a well known man", 2 / 3),
        ("seed_tts_zh", "我要VIP间", "我要vip间", 0.5),
        ("seed_tts_zh", "你好世界", "你好，世界。", 0.0),
        ("fixed", "It costs twenty five dollars", "It costs $25.", 0.0),
        ("fixed", "你好世界。", "你好，世界", 0.0),
        ("fixed", "你好世界。", "你好世姐", 0.25),
        ("fixed", "I don’t know", "I don't know", 0.0),
        ("fixed", "hello", "the quick brown fox jumps over the lazy dog", 1.0),
        ("fixed", ["Good morning.", "Hello to you!"], "good morning hello to you", 0.0),
        ("fixed", "hello there", "", 1.0),
    ],
)
def test_figures_of_each_protocol(protocol: str, reference: str | Sequence[str], heard: str, rate: float) -> None:
    assert _score(protocol, reference, heard) == pytest.approx(rate, abs=1e-12)


def test_the_corpus_rate_weighs_words_not_clips() -> None:
    metric = PROTOCOLS["fixed"]
    pairs = [("one", "two"), ("a b c d e f g h i", "a b c d e f g h i")]
    samples = [Sample("x", Prompt("x", speech=(said,)), {metric.engine: as_array(heard)}) for said, heard in pairs]
    details = [metric.details(sample) for sample in samples]
    assert details == [{"errors": 1, "words": 1}, {"errors": 0, "words": 9}]
    assert metric.summaries([metric.score(sample) for sample in samples], details) == {"corpus_rate": 0.1}
    assert metric.summaries([], []) == {}


def test_a_prompt_without_any_word_has_no_rate() -> None:
    for protocol in PROTOCOLS:
        with pytest.raises(Unscorable):
            _score(protocol, " ", "hello")


def test_one_speaker_by_characters_and_two_not_at_all() -> None:
    metric = SingleSpeakerCpCer()
    scores = {heard: metric.score(Sample("a", Prompt("a", speech=("你好世界",)), {metric.engine: as_array(heard)}))
              for heard in ("你好世界", "你好世姐", "")}  # fmt: skip
    assert list(scores.values()) == [0.0, 0.25, 1.0]
    with pytest.raises(Unscorable, match="2 speakers"):
        metric.score(Sample("a", Prompt("a", speech=("你好", "世界")), {metric.engine: as_array("你好世界")}))


def test_stand_ins_run_from_the_clip_to_the_figure(tmp_path: Path, voice: Array) -> None:
    folder = _folder(tmp_path / "clips", {
        "spoken": (voice, ["He was not an ill-disposed young man."]), "still": (np.zeros(RATE, np.float32), ["Hello there."]),
        "brief": (voice[:700], ["Hello there."]), "mute": (None, ["Hello there."]), "wordless": (voice, []),
    })  # fmt: skip
    names = [f"word_error_rate@{name}" for name in ("fixed", "verse_bench", "seed_tts_en", "seed_tts_zh")]
    report = avbench.run(folder, metrics=[*names, "cp_cer"], stand_in=True, store=None)
    for result in report.metrics:
        scores = {s.clip: s.value for s in result.scores}
        assert set(scores) == {"spoken", "still", "brief"} and all(np.isfinite(v) for v in scores.values())
        assert {m.clip: m.kind for m in result.missing} == {"mute": "no_audio", "wordless": "not_applicable"}
        if result.metric == "cp_cer" or result.protocol == "fixed":
            assert scores["still"] == 1.0


@pytest.mark.parametrize("engine", ENGINES, ids=lambda engine: type(engine).__name__)
def test_a_transcript_does_not_depend_on_its_batch(engine: Feature, tmp_path: Path, voice: Array) -> None:
    other = read_waveform(LIBRIVOX / "0930.ogg", RATE)
    sounds = {"a": (voice, ["hello"]), "b": (np.tile(other, 2), ["你好"]), "c": (voice[: RATE // 20], ["hello"])}
    _folder(tmp_path, sounds)
    clips = [Clip(tmp_path / f"{name}.mp4", Prompt(name, speech=tuple(words))) for name, (_, words) in sounds.items()]
    with weights.stand_ins():
        prepared = [engine.prepare(clip) for clip in clips]
        hear = engine.load("cpu")
        together = [text_of(array) for array in hear(prepared)]
        alone = [text_of(hear([one])[0]) for one in reversed(prepared)][::-1]
    assert together == alone
    assert together[0] and together[1] and together[0] != together[1]


def test_seed_tts_hears_thirty_seconds_and_the_default_all(tmp_path: Path, voice: Array) -> None:
    sound = np.tile(voice, 12)
    _folder(tmp_path, {"long": (sound, ["hello"]), "first": (sound[: 30 * RATE], ["hello"])})
    heard: dict[tuple[str, str], str] = {}
    with weights.stand_ins():
        for engine in (Whisper(), SeedTtsWhisper()):
            hear = engine.load("cpu")
            for name in ("long", "first"):
                clip = Clip(tmp_path / f"{name}.mp4", Prompt(name, speech=("hello",)))
                heard[type(engine).__name__, name] = text_of(hear([engine.prepare(clip)])[0])
    assert heard["SeedTtsWhisper", "long"] == heard["SeedTtsWhisper", "first"]
    assert heard["Whisper", "long"] != heard["Whisper", "first"]


def test_seed_tts_resamples_by_fourier_transform(tmp_path: Path) -> None:
    time = np.arange(24_000) / 24_000
    write_clip(tmp_path / "a.mkv", BLACK, 8, (0.3 * np.sin(2 * np.pi * 440 * time)).astype(np.float32), 24_000)
    found = SeedTtsWhisper().prepare(Clip(tmp_path / "a.mkv", Prompt("a", speech=("la",))))
    assert found.shape == (RATE,) and found.dtype == np.float32
    assert np.abs(found - 0.3 * np.sin(2 * np.pi * 440 * np.arange(RATE) / RATE)).max() < 1e-4  # whole periods: no edge


# ---- a real network


@pytest.fixture(scope="module")
def tiny_en(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Root of checkpoints that holds OpenAI's tiny.en."""
    root = tmp_path_factory.mktemp("weights")
    _ct2().write_checkpoint(root / "whisper_tiny_en")
    return root


@pytest.mark.usefixtures("without_digests")
def test_real_speech_is_understood(tiny_en: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AVBENCH_WEIGHTS", str(tiny_en))
    texts: dict[str, str] = json.loads((LIBRIVOX / "texts.json").read_text())
    sounds = {key: read_waveform(LIBRIVOX / f"{key}.ogg", RATE) for key in texts}
    noise = np.random.default_rng(0).standard_normal(10 * RATE).astype(np.float32)
    drowned = {key: sound + np.sqrt(np.mean(sound**2)) * 10 ** (-3 / 20) * noise[: len(sound)] for key, sound in sounds.items()}
    rates = {}
    for kind, said in (("clear", sounds), ("drowned", drowned)):
        folder = _folder(tmp_path / kind, {key: (said[key], [texts[key]]) for key in texts})
        result = avbench.run(folder, metrics=["word_error_rate@fixed_tiny_en"], store=None)["word_error_rate"]
        assert result.n.scored == 5 and [w.name for w in result.weights] == ["whisper_tiny_en"]
        rates[kind] = result.summaries["corpus_rate"]
    assert rates["clear"] < 0.10
    assert rates["drowned"] > rates["clear"] + 0.05


@pytest.mark.usefixtures("without_digests")
def test_real_speech_of_more_than_a_window(tiny_en: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AVBENCH_WEIGHTS", str(tiny_en))
    texts: dict[str, str] = json.loads((LIBRIVOX / "texts.json").read_text())
    order = ["0870", "0890", "0920", "0930", "0870", "0880", "0930"]  # 37 s with pauses
    pause = np.zeros(RATE // 4, np.float32)
    sound = np.concatenate([part for key in order for part in (read_waveform(LIBRIVOX / f"{key}.ogg", RATE), pause)])
    folder = _folder(tmp_path / "clips", {"long": (sound, [texts[key] for key in order])})
    result = avbench.run(folder, metrics=["word_error_rate@fixed_tiny_en"], store=None)["word_error_rate"]
    assert len(sound) > 35 * RATE and result.value is not None and result.value < 0.15


def test_a_broken_checkpoint_is_refused(tiny_en: Path, tmp_path: Path) -> None:
    from avbench_metrics._features.networks import whisper
    from safetensors.numpy import load_file, save_file

    for file in (tiny_en / "whisper_tiny_en").iterdir():
        (tmp_path / file.name).write_bytes(file.read_bytes())
    arrays = load_file(tmp_path / "model.safetensors")
    dropped = {name: array for name, array in arrays.items() if name != "model.encoder.conv1.bias"}
    save_file(dropped, tmp_path / "model.safetensors", {"format": "pt"})
    with pytest.raises(AvbenchError, match=r"do not fit its config.json \(missing_keys: model.encoder.conv1.bias"):
        whisper.load(tmp_path)
    save_file(arrays, tmp_path / "model.safetensors", {"format": "pt"})
    words = json.loads((tmp_path / "tokenizer.json").read_text())
    words["model"]["vocab"] = {word: i for word, i in words["model"]["vocab"].items() if i < 256}
    words["model"]["merges"] = []
    (tmp_path / "tokenizer.json").write_text(json.dumps(words))
    with pytest.raises(AvbenchError, match="words, a whole one has over 50000"):
        whisper.load(tmp_path)


# ---- FunASR's folders, as its hub lays them out, with small networks in them


def _funasr_folder(folder: Path, model: Any, options: dict[str, Any]) -> Path:
    import torch
    from omegaconf import OmegaConf

    folder.mkdir()
    options = {**options, "tokenizer_conf": {"unk_symbol": "<unk>"}}
    OmegaConf.save(OmegaConf.create(options), folder / "config.yaml")
    metas = {"init_param": "model.pt", "config": "config.yaml", "tokenizer_conf": {"token_list": "tokens.json"}}
    (folder / "configuration.json").write_text(json.dumps({"file_path_metas": metas}))
    torch.save(model.model.state_dict(), folder / "model.pt")
    return folder


def test_funasr_reads_a_folder_and_refuses_one_that_lacks_a_weight(tmp_path: Path, voice: Array) -> None:
    import torch
    from avbench_metrics._features.networks import funasr_models as networks

    tiny = networks.tiny_paraformer("cpu")
    options = {key: tiny.kwargs[key] for key in ("model", "model_conf", "encoder", "encoder_conf", "decoder", "decoder_conf",
                                                 "predictor", "predictor_conf", "frontend_conf")}  # fmt: skip
    options |= {"model": "Paraformer", "frontend": "WavFrontend", "tokenizer": "CharTokenizer"}
    options["frontend_conf"] = {**options["frontend_conf"], "dither": 1.0}
    folder = _funasr_folder(tmp_path / "paraformer", tiny, options)
    (folder / "tokens.json").write_text(json.dumps(tiny.kwargs["token_list"]))
    loaded = networks.paraformer(folder, "cpu")
    heard = [model.generate(input=voice, batch_size_s=300)[0]["text"] for model in (tiny, loaded, loaded)]
    assert heard[0] and heard[0] == heard[1] == heard[2]
    state = torch.load(folder / "model.pt")
    state.pop("decoder.output_layer.bias")
    torch.save(state, folder / "model.pt")
    with pytest.raises(AvbenchError, match=r"tensors 1 absent \(decoder\.output_layer\.bias\)"):
        networks.paraformer(folder, "cpu")
    weight = "encoder.encoders0.0.feed_forward.w_1.weight"
    torch.save({**tiny.model.state_dict(), weight: torch.zeros(3, 3)}, folder / "model.pt")
    with pytest.raises(AvbenchError, match=rf"tensors 1 of another shape \({weight} \[3, 3\] for"):
        networks.paraformer(folder, "cpu")
    torch.save(tiny.model.state_dict(), folder / "model.pt")
    loaded.model.state_dict()[weight].zero_()
    with pytest.raises(AvbenchError, match=f"did not load 1 tensors of .*, among them {weight}"):
        networks._checked(loaded, folder)
