"""Toybox: short audio-video clips whose events, objects, sounds and voices are known exactly.

Every event whitens its shape, and the white fades as exp(-(t - event) / 0.16 s): the brightness of the first frame after
an event tells its time between frames, so synchrony can be measured far below one frame.
"""

from __future__ import annotations

import hashlib
import itertools
import os
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np

from avbench.clip import Prompt
from avbench.errors import UsageError
from avbench.feature import Array
from avbench.world import shapes
from avbench.world.sounds import FORMANTS, Voice, hits, speak

FADE_SECONDS = 0.16
GAP_SECONDS = 0.25
KINDS = ("bounce", "flash", "speak", "bounce", "collide", "flash", "bounce", "speak")  # of every eight scenes
MATERIALS = ("metal", "wood", "noise")
SHAPES = ("circle", "square", "triangle")
SOUND_WORDS = {"metal": "a ringing metallic strike", "wood": "a short wooden knock", "noise": "a burst of noise"}
COUNT_WORDS = ("", "once", "twice", "three times", "four times")
TEST_FOLD, FOLDS = 0, 6  # of every six combinations of colour, shape and material one is held out for the test split
VOICES = {"train": (0, 64), "test": (64, 88)}
FLOOR, RADIUS = 0.88, 0.13


@dataclass(frozen=True)
class Settings:
    """Size of the picture in pixels, frames per second, length in seconds and samples per second."""

    size: int = 64
    fps: int = 16
    seconds: float = 2.0
    rate: int = 16_000


@dataclass(frozen=True)
class Scene:
    """One clip's ground truth. ``events`` are seconds of contact or flash; speakers have vowels with spans instead."""

    split: str
    index: int
    seed: int
    kind: str
    colour: str
    shape: str
    material: str
    partner: tuple[str, str]
    place: float
    events: tuple[float, ...] = ()
    vowels: tuple[str, ...] = ()
    spans: tuple[tuple[float, float], ...] = ()
    voice: Voice | None = None
    reference_vowels: tuple[str, ...] = ()


def _rng(*key: object) -> np.random.Generator:
    digest = hashlib.sha256("/".join(map(str, key)).encode()).digest()
    return np.random.default_rng(int.from_bytes(digest[:8], "big"))


def combinations(split: str) -> list[tuple[str, str, str]]:
    """The (colour, shape, material) triples of a split; train and test share none."""
    triples = []
    for c, colour in enumerate(shapes.COLOURS):
        for s, shape in enumerate(SHAPES):
            for m, material in enumerate(MATERIALS):
                held_out = (c + 2 * s + 3 * m) % FOLDS == TEST_FOLD
                if held_out == (split == "test"):
                    triples.append((colour, shape, material))
    return triples


def voice(number: int) -> Voice:
    """The voice of a number; train uses 0 to 63, test 64 to 87."""
    rng = _rng("voice", number)
    return Voice(float(rng.uniform(100, 280)), float(rng.uniform(0.82, 1.22)), float(rng.uniform(0.02, 0.2)))


def draw_scene(split: str, index: int, seed: int = 0, settings: Settings = Settings()) -> Scene:
    """The scene of (split, index, seed): facts that the text names depend on split and index, timing also on the seed.

    Raises:
        UsageError: an unknown split, or settings too short for one event.
    """
    if split not in VOICES:
        raise UsageError(f"The Toybox has the splits train and test, not {split!r}.")
    if settings.seconds < 0.75:
        raise UsageError(f"A Toybox clip of {settings.seconds} s has no room for an event; give 0.75 s or more.")
    facts, timing = _rng(split, index), _rng(split, index, seed)
    kind = KINDS[index % len(KINDS)]
    triples = combinations(split)
    colour, shape, material = triples[int(facts.integers(len(triples)))]
    others = [c for c in shapes.COLOURS if c != colour]
    partner = (others[int(facts.integers(len(others)))], SHAPES[int(facts.integers(len(SHAPES)))])
    count = int(facts.integers(1, 5)) if kind in ("bounce", "flash") else 1
    letters = list(FORMANTS)
    vowels = tuple(facts.permutation(letters)[: int(facts.integers(3, 5))].tolist())
    number = int(facts.integers(*VOICES[split]))
    common = (split, index, seed, kind, colour, shape, material, partner, float(timing.uniform(0.3, 0.7)))
    if kind != "speak":
        return Scene(*common, events=_event_times(count, settings.seconds, timing))
    spans = _spans(len(vowels), settings.seconds, timing)
    reference = tuple(v for v in letters if v not in vowels) + tuple(reversed(vowels))
    return Scene(*common, vowels=vowels, spans=spans, voice=voice(number), reference_vowels=reference)


def _event_times(count: int, seconds: float, rng: np.random.Generator) -> tuple[float, ...]:
    first, last = 0.2, seconds - 0.25
    count = max(1, min(count, 1 + int((last - first) / GAP_SECONDS)))
    slack = last - first - GAP_SECONDS * (count - 1)
    offsets = np.sort(rng.uniform(0, max(slack, 0.0), count))
    return tuple(round(float(first + o + GAP_SECONDS * i), 4) for i, o in enumerate(offsets))


def _spans(count: int, seconds: float, rng: np.random.Generator) -> tuple[tuple[float, float], ...]:
    start, end = float(rng.uniform(0.08, 0.2)), seconds - float(rng.uniform(0.05, 0.15))
    edges = np.linspace(start, end, count + 1)
    edges[1:-1] += rng.uniform(-0.06, 0.06, count - 1) * (end - start) / count
    return tuple((round(float(a), 4), round(float(b) - 0.03, 4)) for a, b in itertools.pairwise(edges))


def render(scene: Scene, settings: Settings = Settings()) -> tuple[Array, Array]:
    """Picture and sound of a scene.

    Returns:
        uint8 frames (seconds * fps, size, size, 3) and float32 mono samples (seconds * rate,).
    """
    times = np.arange(round(settings.seconds * settings.fps)) / settings.fps
    draw = {"bounce": _bounce, "flash": _flash, "collide": _collide, "speak": _face}[scene.kind]
    frames = np.stack([draw(scene, float(t), settings.size) for t in times])
    rng = _rng("sound", scene.split, scene.index, scene.seed)
    if scene.voice is not None:
        samples = speak(scene.vowels, scene.spans, scene.voice, settings.seconds, settings.rate, rng)
    else:
        samples = hits(scene.events, scene.shape, scene.material, settings.seconds, settings.rate, rng)
    return np.clip(np.rint(frames), 0, 255).astype(np.uint8), samples


def reference_voice(scene: Scene, rate: int) -> Array:
    """The scene's voice saying other things twice, for about 4 s, float32 (samples,)."""
    assert scene.voice is not None
    vowels = 2 * scene.reference_vowels
    count = len(vowels)
    spans = [(0.05 + 0.4 * i, 0.42 + 0.4 * i) for i in range(count)]
    rng = _rng("reference", scene.split, scene.index)
    return speak(vowels, spans, scene.voice, 0.1 + 0.4 * count, rate, rng)


def whiteness(scene: Scene, time: float) -> float:
    """How far the shape is whitened at ``time``: 1 at an event, fading."""
    past = [time - event for event in scene.events if time >= event]
    return float(np.exp(-min(past) / FADE_SECONDS)) if past else 0.0


def _bounce(scene: Scene, time: float, size: int) -> Array:
    image = shapes.canvas(size, floor=True)
    if time < scene.events[0]:  # held high, then dropped
        flight = 0.7
        u = 1.0 - min((scene.events[0] - time) / flight, 0.5)
    else:
        contacts = (*scene.events, scene.events[-1] + 0.7)
        k = min(int(np.searchsorted(contacts, time, side="right")) - 1, len(contacts) - 2)
        flight = contacts[k + 1] - contacts[k]
        u = min((time - contacts[k]) / flight, 1.0)
    height = 4 * min(0.6, 1.1 * flight**2 + 0.08) * u * (1 - u)
    y = FLOOR - RADIUS * (0.62 if scene.shape == "triangle" else 0.86 if scene.shape == "square" else 1.0) - height
    x = scene.place + 0.1 * np.sin(1.7 * time)
    mask = shapes.coverage(scene.shape, x, y, RADIUS, size)
    shapes.paint(image, mask, shapes.whitened(shapes.COLOURS[scene.colour], whiteness(scene, time)))
    return image


def _flash(scene: Scene, time: float, size: int) -> Array:
    image = shapes.canvas(size)
    mask = shapes.coverage(scene.shape, scene.place, 0.5, 1.7 * RADIUS, size)
    shapes.paint(image, mask, shapes.whitened(shapes.COLOURS[scene.colour], whiteness(scene, time)))
    return image


def _collide(scene: Scene, time: float, size: int) -> Array:
    image = shapes.canvas(size)
    gap = RADIUS + 0.28 * abs(time - scene.events[0])
    white = whiteness(scene, time)
    pairs = ((scene.colour, scene.shape, -gap), (*scene.partner, gap))
    for colour, shape, offset in pairs:
        mask = shapes.coverage(shape, scene.place + offset, 0.5, RADIUS, size)
        shapes.paint(image, mask, shapes.whitened(shapes.COLOURS[colour], white))
    return image


MOUTHS = {"a": (0.085, 0.11), "e": (0.11, 0.06), "i": (0.125, 0.03), "o": (0.07, 0.085), "u": (0.045, 0.05)}


def _face(scene: Scene, time: float, size: int) -> Array:
    image = shapes.canvas(size)
    skin, dark = np.array([224.0, 182.0, 150.0]), np.array([30.0, 24.0, 24.0])
    shapes.paint(image, shapes.ellipse(0.5, 0.88, 0.34, 0.2, size), np.asarray(shapes.COLOURS[scene.colour], np.float64))
    shapes.paint(image, shapes.ellipse(0.5, 0.46, 0.25, 0.32, size), skin)
    for x in (0.41, 0.59):
        shapes.paint(image, shapes.ellipse(x, 0.38, 0.03, 0.035, size), dark)
    width, opening = 0.08, 0.008
    for vowel, (start, end) in zip(scene.vowels, scene.spans, strict=True):
        if start <= time < end:
            amount = float(np.sin(np.pi * (time - start) / (end - start)) ** 0.5)
            width, full = MOUTHS[vowel]
            opening = 0.008 + amount * (full - 0.008)
    shapes.paint(image, shapes.ellipse(0.5, 0.62, width, opening, size), dark)
    return image


def _article(word: str) -> str:
    return f"{'an' if word[0] in 'aeiou' else 'a'} {word}"


def text_of(scene: Scene) -> tuple[str, str, tuple[str, ...]]:
    """The prompt's words: the whole scene, its sound, and what is said."""
    times = COUNT_WORDS[len(scene.events)] if scene.events else ""
    thing, sound = f"{_article(scene.colour)} {scene.shape}", SOUND_WORDS[scene.material]
    if scene.kind == "speak":
        said = " ".join(f"s{vowel}" for vowel in scene.vowels)
        audio = f'A voice says: "{said}".'
        return f'A person in {_article(scene.colour)} shirt looks at the camera and says: "{said}".', audio, (said,)
    audio = f"{sound} heard {times}.".capitalize()
    if scene.kind == "collide":
        return f"{thing} and {_article(scene.partner[0])} {scene.partner[1]} collide with {sound}.".capitalize(), audio, ()
    verb = "bounces on the floor" if scene.kind == "bounce" else "flashes white"
    return f"{thing} {verb} {times}, each time with {sound}.".capitalize(), audio, ()


def prompts(split: str, count: int, voices: Path, seed: int = 0, settings: Settings = Settings()) -> list[Prompt]:
    """The first ``count`` prompts of a split; reference voices are written into ``voices`` where they are not yet.

    Raises ``UsageError`` where they cannot be.

    Ids are ``toybox-test-0003``; ``events`` are the ground truth of ``seed``; ``expected`` holds all that rebuilds the scene.
    """
    return [_prompt(draw_scene(split, i, seed, settings), settings, voices) for i in range(count)]


def _prompt(scene: Scene, settings: Settings, voices: Path) -> Prompt:
    text, audio_text, speech = text_of(scene)
    facts = {"split": scene.split, "index": scene.index, "seed": scene.seed, **asdict(settings)}
    return Prompt(
        id=f"toybox-{scene.split}-{scene.index:04d}",
        text=text,
        audio_text=audio_text,
        speech=speech,
        speaker=_voice_file(scene, settings.rate, voices) if scene.voice else None,
        categories=(scene.kind,),
        events=scene.events,
        expected=tuple((key, str(value)) for key, value in facts.items()),
    )


def _voice_file(scene: Scene, rate: int, voices: Path) -> Path:
    import soundfile

    voice = reference_voice(scene, rate)
    # named by its content: a file that an earlier version wrote must not answer for this one
    path = voices / f"{hashlib.sha256(voice.tobytes()).hexdigest()[:16]}-{rate}.wav"
    if not path.exists():
        partial = path.with_name(f".{path.stem}.{os.getpid()}.wav")
        try:
            voices.mkdir(parents=True, exist_ok=True)
            soundfile.write(partial, voice, rate, subtype="PCM_16")
            partial.replace(path)
        except (OSError, soundfile.LibsndfileError) as error:
            raise UsageError(
                f"The Toybox's reference voices cannot be written to {voices} ({error}); set AVBENCH_CACHE to a folder."
            ) from error
    return path


def scene_of(prompt: Prompt) -> tuple[Scene, Settings]:
    """Rebuild the scene that a Toybox prompt was made from; raises ``UsageError`` for any other prompt."""
    facts = dict(prompt.expected)
    if not {"split", "index", "seed", "size", "fps", "seconds", "rate"} <= set(facts):
        raise UsageError(f"The prompt {prompt.id!r} is none of the Toybox's; this model answers --benchmark toybox alone.")
    settings = Settings(int(facts["size"]), int(facts["fps"]), float(facts["seconds"]), int(facts["rate"]))
    return draw_scene(facts["split"], int(facts["index"]), int(facts["seed"]), settings), settings
