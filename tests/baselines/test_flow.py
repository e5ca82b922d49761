"""Rectified flow: levels, the objective's two predictions, guidance and samplers."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch
from avbench_baselines._flow.guidance import UNGUIDED, Guidance, Guided, Scale
from avbench_baselines._flow.objective import NAVA_OBJECTIVE, Objective, losses, noised, velocity
from avbench_baselines._flow.sampler import Sampler, noise, sample
from avbench_baselines._flow.schedule import Levels, bell_weight, shifted
from avbench_baselines._networks.masks import UNMASKED, Masks
from torch import nn

VELOCITY = Objective("velocity")


def generator(seed=0):
    return torch.Generator().manual_seed(seed)


def test_the_shift_moves_levels_as_published():
    assert float(shifted(torch.tensor(0.5), 5.0)) == pytest.approx(5 * 0.5 / (1 + 4 * 0.5))
    grid = Levels("uniform", 5.0).grid(4)
    assert grid.tolist() == pytest.approx([1, 0.9375, 0.8333333, 0.625, 0])
    with pytest.raises(ValueError, match="1 step"):
        Levels().grid(0)


@pytest.mark.parametrize(("levels", "median"), [(Levels("uniform", 1.0), 0.5), (Levels("uniform", 5.0), 5 / 6), (Levels(), 0.4502)])
def test_drawn_levels_have_the_median_of_their_law(levels, median):
    drawn = levels.draw(20_000, generator())
    assert float(drawn.median()) == pytest.approx(median, abs=0.01)
    assert float(drawn.min()) > 0 and float(drawn.max()) < 1
    assert torch.equal(drawn, levels.draw(20_000, generator()))


def test_the_bell_weighs_middle_levels_most_and_one_on_average():
    levels = shifted(torch.linspace(1, 0.003, 1000, dtype=torch.float64), 5.0)
    weights = bell_weight(levels, 5.0)
    assert float(weights.mean()) == pytest.approx(1.0, abs=1e-9)
    assert abs(float(levels[weights.argmax()]) - 0.5) < 0.01 and float(weights.min()) >= 0


def test_noise_is_independent_and_the_level_common():
    video, audio = torch.zeros(3000, 1, 2), torch.ones(3000, 1, 2)
    noisy = noised(VELOCITY, video, audio, generator())
    t = noisy.t[:, None, None]
    dirt_video, dirt_audio = noisy.video / t, (noisy.audio - (1 - t)) / t
    assert abs(float(torch.corrcoef(torch.stack([dirt_video.flatten(), dirt_audio.flatten()]))[0, 1])) < 0.03
    torch.testing.assert_close(noisy.video_velocity, dirt_video, rtol=1e-4, atol=1e-3)
    torch.testing.assert_close(noisy.audio - t * noisy.audio_velocity, audio, rtol=1e-4, atol=1e-4)
    assert float(noisy.condition.abs().max()) < 0.2 * 6 and float(noisy.condition.std()) > 0.05


def test_both_predictions_stand_for_the_same_velocity():
    clip, dirt, t = torch.randn(2, 3, 4), torch.randn(2, 3, 4), torch.tensor([0.3, 0.9])
    noisy = clip + t[:, None, None] * (dirt - clip)
    torch.testing.assert_close(velocity(Objective("clip"), clip, noisy, t), dirt - clip, rtol=1e-4, atol=1e-5)
    torch.testing.assert_close(velocity(VELOCITY, dirt - clip, noisy, t), dirt - clip)


class Oracle(nn.Module):
    """Answers with fixed tensors."""

    cascaded = False

    def __init__(self, *answers):
        super().__init__()
        self.answers = answers

    def forward(self, video, audio, t, context, masks=UNMASKED):
        return self.answers


@pytest.mark.parametrize("objective", [Objective("clip"), VELOCITY, NAVA_OBJECTIVE])
def test_the_right_answer_costs_nothing_and_a_wrong_one_its_square(world, objective):
    video, audio = torch.randn(4, 3, 6), torch.randn(4, 5, 5)
    noisy = noised(objective, video, audio, generator())
    right = (video, audio) if objective.predicts == "clip" else (noisy.video_velocity, noisy.audio_velocity)
    found = losses(objective, Oracle(*right), noisy, world.context(4), UNMASKED)
    assert float(found.total) < 1e-8
    found = losses(objective, Oracle(right[0], right[1] + 0.5), noisy, world.context(4), UNMASKED)
    scale = 1 / noisy.t.clamp(min=objective.floor) ** 2 if objective.predicts == "clip" else torch.ones(4)
    assert float(found.audio) == pytest.approx(float(0.25 * scale.mean()), rel=1e-4) and float(found.video) < 1e-8
    weight = bell_weight(noisy.t, 5.0) if objective.bell else torch.ones(4)
    assert float(found.total) == pytest.approx(objective.audio_weight * float((0.25 * scale * weight).mean()), rel=1e-4)


def test_padding_and_missing_video_do_not_count(world):
    video, audio = torch.randn(3, 4, 6), torch.randn(3, 5, 5)
    noisy = noised(VELOCITY, video, audio, generator())
    valid = torch.tensor([[True, True, False, False], [False] * 4, [True] * 4])
    wrong = noisy.video_velocity + torch.where(valid, 1.0, 100.0)[..., None]
    found = losses(VELOCITY, Oracle(wrong, noisy.audio_velocity), noisy, world.context(3), Masks(video_valid=valid))
    assert float(found.video) == pytest.approx(1.0, rel=1e-4)


@pytest.mark.parametrize("name", ["align_then_fuse", "dual_tower", "unified", "cascade"])
def test_every_paradigm_learns_a_constant(world, name):
    """A few steps of the whole path, a cascade's view of the video included, lower the loss of both modalities."""
    torch.manual_seed(0)
    network = world.network(name).float()
    optimiser = torch.optim.AdamW(network.parameters(), lr=2e-2)
    video, audio = torch.full((8, 4, 6), 0.5), torch.full((8, 5, 5), -0.5)
    context = world.context(8)
    context = replace(context, voices=context.voices.float())
    seen = []
    for step in range(12):
        masks = Masks(alignment=torch.arange(8) == step % 8, drop_text=torch.arange(8) == 3, drop_timbre=torch.arange(8) == 5)
        found = losses(VELOCITY, network, noised(VELOCITY, video, audio, generator(step)), context, masks)
        optimiser.zero_grad()
        found.total.backward()
        optimiser.step()
        seen.append((float(found.video.detach()), float(found.audio.detach())))
    early, late = (torch.tensor(part).mean(0) for part in (seen[:3], seen[-3:]))
    assert (late < 0.8 * early).all(), (early, late)


def guided_by(world, name, guidance):
    network = world.network(name)
    condition = world.latents()[0] if network.cascaded else None
    return Guided(network, VELOCITY, world.context(), guidance, condition=condition)


def test_no_guidance_is_the_networks_own_velocity_from_one_forward(world, name):
    guided, (video, audio, t) = guided_by(world, name, UNGUIDED), world.latents()
    calls = []
    guided.network.register_forward_hook(lambda module, given, out: calls.append(given[0].shape[0]))
    found = guided.velocity(video, audio, t)
    expected = world.run(guided.network, video, audio, t, world.context())
    assert calls == [2, 2]
    assert all(torch.equal(a, b) for a, b in zip(found, expected, strict=True))


def test_guidance_is_the_published_sum_in_one_forward(world, name):
    guidance = Guidance(Scale(3.0, 2.0), Scale(1.5, 2.5), Scale(0.0, 3.0))
    guided, (video, audio, t), context = guided_by(world, name, guidance), world.latents(), world.context()
    calls = []
    hook = guided.network.register_forward_hook(lambda module, given, out: calls.append(given[0].shape[0]))
    found = guided.velocity(video, audio, t)
    hook.remove()
    on = torch.tensor([True, True])
    full, no_text, apart, no_voice = (
        world.run(guided.network, video, audio, t, context, masks)
        for masks in (UNMASKED, Masks(drop_text=on), Masks(alignment=on), Masks(drop_timbre=on))
    )
    for i, (text, alignment, timbre) in enumerate(((3.0, 1.5, 0.0), (2.0, 2.5, 3.0))):
        v = full[i]
        expected = v + text * (v - no_text[i]) + alignment * (v - apart[i]) + timbre * (v - no_voice[i])
        torch.testing.assert_close(found[i], expected, rtol=1e-9, atol=1e-9)
    assert calls == [8]


def test_a_scale_alone_costs_one_more_and_moves_its_modality_alone(world):
    video, audio, t = world.latents()
    plain = guided_by(world, "align_then_fuse", UNGUIDED).velocity(video, audio, t)
    for condition in ("text", "alignment", "timbre"):
        guided = guided_by(world, "align_then_fuse", Guidance(**{condition: Scale(audio=2.0)}))
        found = guided.velocity(video, audio, t)
        torch.testing.assert_close(found[0], plain[0], rtol=1e-9, atol=1e-10)
        assert (found[1] - plain[1]).abs().max() > 1e-6
        assert list(guided.terms(video, audio)) == [condition]


def test_guidance_by_what_is_withheld_already_is_none(world, name):
    """The branch without a condition equals the full one where the condition is off."""
    video, audio, t = world.latents()
    off = Masks(*(torch.tensor([True, True]) for _ in range(3)))
    every = Guidance(Scale(3.0, 3.0), Scale(3.0, 3.0), Scale(3.0, 3.0))
    strong, plain = (replace(guided_by(world, name, g), masks=off).velocity(video, audio, t) for g in (every, UNGUIDED))
    for one, other in zip(strong, plain, strict=True):
        torch.testing.assert_close(one, other, rtol=1e-9, atol=1e-9)


def test_alignment_costs_nothing_where_one_modality_is_missing(world):
    guided = guided_by(world, "dual_tower", Guidance(text=Scale(1.0, 0.0), alignment=Scale(1.0, 1.0), timbre=Scale(0.0, 1.0)))
    video, audio, _ = world.latents()
    assert list(guided.terms(video, audio)) == ["text", "alignment", "timbre"]
    assert list(guided.terms(video[:, :0], audio)) == ["timbre"]
    assert list(guided.terms(video, audio[:, :0])) == ["text"]


def gaussian(deviation):
    """The exact velocity where clips are normal of this deviation; the path scales with the deviation of the noisy clip."""

    def velocity_of(video, audio, t):
        level = t[:, None, None]
        slope = (level - (1 - level) * deviation**2) / ((1 - level) ** 2 * deviation**2 + level**2)
        return slope * video, slope * audio

    return velocity_of


@pytest.mark.parametrize(("method", "order"), [("euler", 1.0), ("heun", 2.0)])
def test_samplers_have_their_order(method, order):
    start = torch.ones(1, 1, 1, dtype=torch.float64)
    errors = []
    for steps in (64, 128):
        sampler = Sampler(method, steps, Levels(shift=1.0))
        end, _ = sampler.integrate(gaussian(0.5), start, start)
        errors.append(abs(end.item() - 0.5))
    assert errors[0] / errors[1] == pytest.approx(2**order, rel=0.12)


def test_heun_evaluates_twice_but_at_the_end():
    for method, steps in (("euler", 5), ("heun", 5)):
        levels = []

        def slope(video, audio, t, levels=levels):
            levels.append(t[0].item())
            return video, audio

        sampler = Sampler(method, steps)
        sampler.integrate(slope, torch.ones(1, 1, 1), torch.ones(1, 1, 1))
        assert len(levels) == sampler.evaluations()
        assert min(levels) > 0 and sorted(set(levels), reverse=True) == pytest.approx(sampler.levels.grid(5)[:-1].tolist())


def test_a_predicted_clip_is_reached_exactly(world):
    """With one answer at every level both methods end on it."""
    video, audio = torch.randn(1, 2, 6, dtype=torch.float64), torch.randn(1, 3, 5, dtype=torch.float64)
    guided = Guided(Oracle(video, audio), Objective("clip"), world.context(1))
    for method in ("euler", "heun"):
        found = sample(guided, Sampler(method, 6), torch.randn_like(video), torch.randn_like(audio))
        torch.testing.assert_close(found[0], video)
        torch.testing.assert_close(found[1], audio)


def test_a_cascade_finishes_the_video_before_the_audio_sees_it(world):
    guided = replace(guided_by(world, "cascade", UNGUIDED), condition=None)
    video, audio, _ = world.latents()
    seen = []

    def note(module, given, options, out):
        condition = options.get("condition")
        seen.append((given[0].shape[1], given[1].shape[1], None if condition is None else condition.clone()))

    guided.network.register_forward_hook(note, with_kwargs=True)
    found = sample(guided, Sampler(steps=2), video, audio)
    assert [entry[:2] for entry in seen] == [(4, 0)] * 2 + [(0, 5)] * 2
    assert seen[0][2] is None and all(torch.equal(entry[2], found[0]) for entry in seen[2:])
    assert found[0].shape == video.shape and found[1].shape == audio.shape


def test_a_clips_noise_does_not_depend_on_its_batch():
    shapes, cpu = ((2, 6), (3, 5)), torch.device("cpu")
    together, alone = noise(shapes, [3, 4], cpu), noise(shapes, [4], cpu)
    assert torch.equal(together[0][1:], alone[0]) and torch.equal(together[1][1:], alone[1])
    assert together[0].shape == (2, 2, 6) and not torch.equal(together[0][0], together[0][1])


def test_sampling_is_repeatable_for_every_paradigm(world, name):
    guided = replace(guided_by(world, name, Guidance(text=Scale(1.0, 1.0), alignment=Scale(1.0, 1.0))), condition=None)
    video, audio, _ = world.latents()
    one, two = (sample(guided, Sampler("heun", 2), video, audio) for _ in range(2))
    assert all(torch.equal(a, b) and a.isfinite().all() for a, b in zip(one, two, strict=True))
