"""CLAP scores and FD on CLAP: from files with stand-ins, and on embeddings made by hand."""

from __future__ import annotations

from collections.abc import Callable
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import pytest

import avbench
from avbench import testing, weights
from avbench.clip import Clip, Prompt
from avbench.errors import MissingCheckpoint, Unscorable
from avbench.feature import Array, Sample
from avbench.media import write_clip

torch = pytest.importorskip("torch")
if any(find_spec(name) is None for name in ("transformers", "torchaudio")):
    pytest.skip("transformers or torchaudio is not installed", allow_module_level=True)
from avbench_metrics._features import clap  # noqa: E402
from avbench_metrics._features.networks import clap_input  # noqa: E402
from avbench_metrics.alignment import clap_score  # noqa: E402
from avbench_metrics.audio import fd_clap  # noqa: E402

RECIPES: tuple[clap.Recipe, ...] = ("fixed", "javisbench", "av_benchmark", "verse_bench", "mova")
NAMES = [f"clap_score@{recipe}" for recipe in RECIPES]


@pytest.fixture
def sounding(tmp_path: Path) -> Callable[..., Clip]:
    """A function that writes a clip of so many seconds of noise and a rising tone."""

    def write(seconds: float, prompt: Prompt | None = None, loud: float = 0.3, rate: int = 48_000, name: str = "a") -> Clip:
        t = np.arange(round(seconds * rate)) / rate
        noise = np.random.default_rng(0).uniform(-0.1, 0.1, len(t))
        samples = (loud * (np.sin(2 * np.pi * (200 + 40 * t) * t) + noise)).astype(np.float32)
        path = tmp_path / f"{name}.mkv"
        write_clip(path, np.zeros((4, 16, 16, 3), np.uint8), 4 / seconds, samples, rate)
        return Clip(path, prompt or Prompt(name, "a scene", "a rising tone"))

    return write


def test_from_files(toybox_folder: Path) -> None:
    lengths = [name for name in NAMES if "av_benchmark" in name]
    names = [*(name for name in NAMES if name not in lengths), "fd_clap@fixed", "fd_clap@verse_bench", *lengths]
    report = avbench.run(
        toybox_folder, "toybox", metrics=names, reference=toybox_folder, stand_in=True, store=None, only_present=True
    )
    for result in report.metrics[6:]:  # clips of 2 s
        assert {m.kind for m in result.missing} == {"too_short"} and len(result.missing) == 4
    for result in report.metrics[:4]:
        assert result.n.scored == 4 and -1 <= result.value <= 1, result.missing  # type: ignore[operator]
        assert {w.status for w in result.weights} == {"stand-in"} and len(result.weights) == 2
    assert [result.value for result in report.metrics[4:6]] == pytest.approx([0, 0], abs=1e-6)
    assert len({result.identity for result in report.metrics}) == 7


@pytest.mark.parametrize("name", ["clap_score", "fd_clap"])
def test_contract(name: str) -> None:
    testing.check_metric(name)


def test_without_words_or_sound(toybox_folder: Path, tmp_path: Path) -> None:
    with pytest.raises(avbench.errors.UsageError, match="audio_text"):
        avbench.run(toybox_folder, metrics=["clap_score"], stand_in=True, store=None)
    verse = avbench.run(toybox_folder, metrics=["clap_score@verse_bench"], stand_in=True, store=None)["clap_score"]
    assert {m.kind for m in verse.missing} == {"not_applicable"} and verse.n.scored == 0
    write_clip(tmp_path / "toybox-test-0000.mp4", np.zeros((8, 64, 64, 3), np.uint8), 8)
    mute = avbench.run(tmp_path, "toybox", metrics=["clap_score"], stand_in=True, store=None, only_present=True)["clap_score"]
    assert [m.kind for m in mute.missing] == ["no_audio"]


def test_the_tokenizer_is_asked_for_by_name(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("AVBENCH_WEIGHTS", str(tmp_path))
    with pytest.raises(MissingCheckpoint, match="roberta_base_tokenizer"):
        clap.ClapText().prepare(Clip(tmp_path / "none.mp4", Prompt("a", audio_text="rain")))


@pytest.mark.usefixtures("without_digests")
def test_from_a_checkpoint(sounding: Callable[..., Clip], monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """The official way in, but for the size: the file's indices are ignored, the text is read by the tokenizer's own file."""
    tokenizers = pytest.importorskip("tokenizers")
    from avbench_metrics._features.networks import clap as network

    monkeypatch.setenv("AVBENCH_WEIGHTS", str(tmp_path / "weights"))
    monkeypatch.setattr(network, "unfused", network.tiny)
    filled = testing.rule_fill(network.tiny())
    torch.save({**filled.state_dict(), "text_model.embeddings.position_ids": torch.zeros(1)}, tmp_path / "pytorch_model.bin")
    weights.add(clap.UNFUSED, tmp_path / "pytorch_model.bin")
    words = {"<s>": 0, "<pad>": 1, "</s>": 2, "rising": 3, **{f"w{i}": i for i in range(4, 50_265)}}
    made = tokenizers.Tokenizer(tokenizers.models.WordLevel(words, unk_token="<pad>"))
    made.pre_tokenizer = tokenizers.pre_tokenizers.Whitespace()
    made.post_processor = tokenizers.processors.TemplateProcessing(single="<s> $A </s>", special_tokens=[("<s>", 0), ("</s>", 2)])
    made.save(str(tmp_path / "tokenizer.json"))
    weights.add(clap.TOKENIZER, tmp_path / "tokenizer.json")
    clip = sounding(1.0, Prompt("a", audio_text="rising w7"))
    (ids,) = clap.ClapText().prepare(clip)
    assert ids.tolist() == [[0, 3, 7, 2]]
    (found,) = clap.ClapText().load("cpu")([[ids]])
    with torch.no_grad():
        expected = network.embed_text(filled, torch.from_numpy(ids)).numpy()
    assert np.array_equal(found, expected)
    made = tokenizers.Tokenizer(tokenizers.models.WordLevel({"<s>": 0, "<pad>": 1, "</s>": 2}, unk_token="<pad>"))
    made.save(str(tmp_path / "tokenizer.json"))
    weights.add(clap.TOKENIZER, tmp_path / "tokenizer.json")
    with pytest.raises(avbench.errors.UsageError, match="3 entries"):
        clap.ClapText().prepare(clip)


@pytest.mark.parametrize(
    ("recipe", "prompt", "expected"),
    [
        ("fixed", Prompt("a", "s", "rain"), ("rain",)),
        ("fixed", Prompt("a", "s", "rain wind", ("rain", "", "wind")), ("rain", "wind")),
        ("fixed", Prompt("a", "s", "x", ("No specific ambient sounds.", "there is no sound", "No one sings")), ("No one sings",)),
        ("fixed", Prompt("a", "s", "No ambient sound"), None),
        ("javisbench", Prompt("a", "s", "rain wind", ("rain", "wind")), ("rain wind",)),
        ("av_benchmark", Prompt("a", "s", "rain"), ("rain",)),
        ("verse_bench", Prompt("a", "s", "rain wind", ("rain", "wind")), ("rain",)),
        ("verse_bench", Prompt("a", "s", "", ("",)), ("",)),
        ("verse_bench", Prompt("a", "s", "No specific ambient sounds"), ("No specific ambient sounds",)),
        ("verse_bench", Prompt("a", "s"), None),
        ("mova", Prompt("a", "a scene", "rain"), ("a scene",)),
        ("mova", Prompt("a", "", "rain"), None),
    ],
)  # fmt: skip
def test_which_words(recipe: clap.Recipe, prompt: Prompt, expected: tuple[str, ...] | None) -> None:
    if expected is None:
        with pytest.raises(Unscorable) as caught:
            clap.texts(prompt, recipe)
        assert caught.value.kind == "not_applicable"
    else:
        assert clap.texts(prompt, recipe) == expected


def test_long_texts_are_cut_or_refused(tmp_path: Path) -> None:
    clip = Clip(tmp_path / "none.mp4", Prompt("a", "word " * 600, "word " * 600))
    with weights.stand_ins():
        for recipe in RECIPES:
            if recipe == "javisbench":
                with pytest.raises(Unscorable) as caught:
                    clap.ClapText(recipe).prepare(clip)
                assert caught.value.kind == "too_long"
            else:
                (ids,) = clap.ClapText(recipe).prepare(clip)
                assert ids.shape == (1, 77) and ids[0, -1] == 2
        (ids,) = clap.ClapText("javisbench").prepare(Clip(tmp_path / "none.mp4", Prompt("a", audio_text="word " * 510)))
        assert ids.shape == (1, 512)
        assert clap.ClapText("javisbench").load("cpu")([[ids]])[0].shape == (1, 512)


def sample(metric: object, texts: Array, sound: Array) -> Sample:
    """A clip with embeddings made by hand."""
    return Sample("x", Prompt("x"), dict(zip(metric.uses, (texts, sound), strict=True)))  # type: ignore[attr-defined]


def test_the_score_is_the_mean_cosine_over_texts() -> None:
    sound = np.array([0.0, 5.0, 0.0])
    for metric in clap_score.PROTOCOLS.values():
        assert metric.score(sample(metric, np.array([[0.0, 1.0, 0.0]]), sound)) == pytest.approx(1.0)
        assert metric.score(sample(metric, np.array([[1.0, 0.0, 0.0]]), sound)) == 0.0
    two = sample(clap_score.METRIC, np.array([[0.0, 1.0, 0.0], [0.6, 0.8, 0.0]]), sound)
    assert clap_score.METRIC.score(two) == pytest.approx(0.9)
    assert clap_score.METRIC.details(two) == pytest.approx({"texts": 2.0, "best": 1.0})


@pytest.mark.parametrize("recipe", RECIPES)
def test_no_feature_depends_on_its_batch(sounding: Callable[..., Clip], recipe: clap.Recipe) -> None:
    clips = [sounding(1.5, name="a"), sounding(16.5, Prompt("b", "a long tone rises", "a tone"), 0.2, name="b")]
    with weights.stand_ins():
        for feature in (clap.ClapSound(recipe, 1.5), clap.ClapText(recipe)):
            embed = feature.load("cpu")
            ready = [feature.prepare(clip) for clip in clips]
            together, alone = embed(ready), [embed([one])[0] for one in ready]
            for one, other in zip(together, alone, strict=True):
                assert one.shape == other.shape and abs(one - other).max() <= 1e-5 * abs(other).max()
            assert abs(together[0] - together[1]).max() > 1e-5


def test_draws_are_the_clips_own(sounding: Callable[..., Clip]) -> None:
    first, again, other = sounding(11.0), sounding(11.0), sounding(11.0, loud=0.29, name="b")
    feature = clap.ClapSound("javisbench")
    one, two, three = (feature.prepare(clip)[0] for clip in (first, again, other))
    assert np.array_equal(one, two)
    whole = clap_input.log_mel(other.waveform(avbench.feature.Waveform())[0], "slaney")
    place = int(np.random.default_rng(int(other.digest[:16], 16)).integers(0, 48_001))
    assert abs(three[0, 0, 5] - whole[place // 480 + 5 : place // 480 + 7]).min(axis=0).max() < 8  # between two steps of the whole
    assert not np.array_equal(one, three)


def test_recipes_hear_what_they_say(sounding: Callable[..., Clip]) -> None:
    clip = sounding(4.0)
    ready = {recipe: clap.ClapSound(recipe, 4.0).prepare(Clip(clip.path, clip.prompt)) for recipe in RECIPES}
    assert {recipe: spectra.shape[1] for recipe, (spectra, _) in ready.items()} == {
        "fixed": 1, "javisbench": 1, "av_benchmark": 1, "verse_bench": 4, "mova": 4
    }  # fmt: skip
    assert not any(longer for _, longer in ready.values())
    assert np.array_equal(ready["fixed"][0], ready["javisbench"][0])
    # at 32 kHz passed off as 48 kHz, 4 s are 2.67 s: three whole repetitions instead of two fit
    steps = {
        recipe: np.diff((ready[recipe][0][0, 0] == -100).all(axis=1).astype(int)).nonzero()[0] for recipe in ("verse_bench", "mova")
    }
    assert steps["verse_bench"][0] == pytest.approx(800, abs=2) and steps["mova"][0] == pytest.approx(800, abs=2)
    assert abs(ready["verse_bench"][0] - ready["mova"][0]).max() > 5
    # loudness is taken out where the peak is set, and only there
    soft = sounding(4.0, loud=0.03, name="soft")
    change = {
        recipe: abs(clap.ClapSound(recipe, 4.0).prepare(Clip(soft.path, soft.prompt))[0] - ready[recipe][0]).mean()
        for recipe in RECIPES
    }
    assert (
        max(change["verse_bench"], change["mova"]) < 2 and min(change["fixed"], change["javisbench"], change["av_benchmark"]) > 10
    )


def test_16_s_are_longer_sounds_for_both_but_12_s_for_one(sounding: Callable[..., Clip]) -> None:
    for seconds, expected in ((16.0, (True, True)), (12.0, (True, False))):
        clip = sounding(seconds)
        assert (
            tuple(clap.ClapSound(recipe).prepare(Clip(clip.path, clip.prompt))[1] for recipe in ("verse_bench", "mova")) == expected
        )


def test_av_benchmark_takes_the_mean_out(tmp_path: Path) -> None:
    """A constant is heard where it breaks off, after two whole repetitions of 4 s; without its mean it is nothing."""
    path = tmp_path / "a.mkv"
    write_clip(path, np.zeros((4, 16, 16, 3), np.uint8), 1, np.full(4 * 48_000, 0.25, np.float32), 48_000)
    features = (clap.ClapSound("av_benchmark", 4.0), clap.ClapSound("fixed"))
    (official, _), (fixed, _) = (feature.prepare(Clip(path, Prompt("a"))) for feature in features)
    assert (official == -100).all() and fixed[0, 0, 800].max() > -40


def test_av_benchmark_hears_the_length_it_is_told(sounding: Callable[..., Clip]) -> None:
    clip = sounding(6.0)
    heard = {seconds: clap.ClapSound("av_benchmark", seconds).prepare(Clip(clip.path, clip.prompt))[0] for seconds in (4.0, 5.0)}
    samples, rate = clip.waveform(avbench.feature.Waveform())
    for seconds, spectra in heard.items():
        cut = (samples - samples.mean())[: round(seconds * rate)]
        np.testing.assert_allclose(spectra, clap_input.one_piece(cut, np.random.default_rng(0)), rtol=0, atol=1e-4)
    assert abs(heard[4.0] - heard[5.0]).max() > 1
    with pytest.raises(Unscorable) as caught:
        clap.ClapSound("av_benchmark").prepare(clip)
    assert caught.value.kind == "too_short"


def test_silence_has_no_score_where_its_peak_is_raised(sounding: Callable[..., Clip]) -> None:
    clip = sounding(1.0, loud=0.0)
    for recipe in ("verse_bench", "mova"):
        with pytest.raises(Unscorable) as caught:
            clap.ClapSound(recipe).prepare(Clip(clip.path, clip.prompt))
        assert caught.value.kind == "silent"
    assert (clap.ClapSound("fixed").prepare(clip)[0] == -100).all()


def side(metric: object, rows: dict[str, Array]) -> list[Sample]:
    """A set with embeddings made by hand."""
    (feature,) = metric.uses  # type: ignore[attr-defined]
    return [Sample(name, Prompt(name), {feature: row}) for name, row in rows.items()]


def test_verse_benchs_fd_is_a_mean_over_pairs_by_id() -> None:
    metric = fd_clap.PROTOCOLS["verse_bench"]
    unit = np.random.default_rng(0).standard_normal((4, 512))
    unit /= np.linalg.norm(unit, axis=1, keepdims=True)
    ours = side(metric, {"a": unit[0], "b": unit[1], "only": unit[2]})
    theirs = side(metric, {"b": unit[3], "more": unit[2], "a": unit[0]})
    found = metric.score(ours, theirs)
    # the official code's statistics of one embedding: its own mean, and the variance of its entries
    g, r = unit[1], unit[3]
    official = ((g - r) ** 2).sum() + g.var(ddof=1) + r.var(ddof=1) - 2 * np.sqrt(g.var(ddof=1) * r.var(ddof=1))
    assert found == pytest.approx((0 + official) / 2, rel=1e-12) and found == pytest.approx(1 - g @ r, abs=1e-4)
    with pytest.raises(Unscorable) as caught:
        metric.score(side(metric, {"x": g}), theirs)
    assert caught.value.kind == "too_few"


def test_the_corpus_distance_sees_the_spread_that_pairs_do_not() -> None:
    fixed, pairs = fd_clap.PROTOCOLS["fixed"], fd_clap.PROTOCOLS["verse_bench"]
    draw = np.random.default_rng(1)
    spread = draw.standard_normal((60, 8))
    moved = {shift: fixed.score(*(side(fixed, {str(i): row for i, row in enumerate(x)}) for x in (spread + shift, spread)))
             for shift in (0.0, 0.5, 1.0)}  # fmt: skip
    assert [moved[s] for s in (0.0, 0.5, 1.0)] == pytest.approx([0, 2, 8], abs=1e-6)
    collapsed = {str(i): spread.mean(axis=0) for i in range(60)}
    collapsed["0"] = collapsed["0"] + 1e-6
    assert fixed.score(side(fixed, collapsed), side(fixed, {str(i): row for i, row in enumerate(spread)})) > 5
    assert pairs.score(side(pairs, {"a": spread[0]}), side(pairs, {"a": spread[0]})) == pytest.approx(0, abs=1e-9)
