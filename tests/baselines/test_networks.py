"""What every paradigm must do alike: masks, padding, the clock, missing modalities; and what sets them apart."""

from __future__ import annotations

import copy
from dataclasses import replace

import pytest
import torch
from avbench_baselines._networks import build, touched
from avbench_baselines._networks.align_then_fuse import AlignThenFuseNetwork
from avbench_baselines._networks.attention import audio_positions, rotate, rotation, video_positions
from avbench_baselines._networks.context import Context, ContextEmbedding
from avbench_baselines._networks.full_size import NAVA_SIZES
from avbench_baselines._networks.masks import UNMASKED, Masks
from avbench_baselines._networks.vocabulary import PAD

CPU = torch.device("cpu")
JOINT_TEXT = ("unified", "unified_untimed")  # text lies in the sequence and carries something across


def reach(outputs, inputs):
    """Largest gradient of the summed outputs (weighted, so that norms do not hide them) by the inputs; 0 where no path is."""
    total = sum((x * torch.linspace(-1, 1, x.numel(), dtype=x.dtype).reshape(x.shape)).sum() for x in outputs)
    if not total.requires_grad:
        return 0.0
    (gradient,) = torch.autograd.grad(total, inputs, retain_graph=True, allow_unused=True)
    return 0.0 if gradient is None else float(gradient.abs().max())


def states_by_block(world, network, video, audio, t, masks):
    """Predictions, and for every block the streams that leave it."""
    states = []
    hooks = [block.register_forward_hook(lambda _, __, out: states.append(out)) for block in network.blocks]
    predicted = world.run(network, video, audio, t, world.context(), masks)
    for hook in hooks:
        hook.remove()
    return predicted, states


@pytest.mark.parametrize("blocked", [False, True])
def test_blocked_alignment_leaves_no_gradient_across(world, name, blocked):
    """Between the modalities, in every block and at the end; and there is one where nothing is blocked."""
    network, (video, audio, t) = world.network(name), world.latents()
    video.requires_grad_(), audio.requires_grad_()
    masks = Masks(alignment=torch.full((2,), blocked))
    (out_video, out_audio), states = states_by_block(world, network, video, audio, t, masks)
    if name == "cascade":
        assert reach([out_video], audio) == 0
        assert (reach([out_audio], video) > 0) != blocked
        return
    seen = states[:1] if name in JOINT_TEXT else [*states, (out_video, out_audio)]
    for streams in seen:
        assert (reach(streams[:1], audio) > 0) != blocked
        assert (reach(streams[1:2], video) > 0) != blocked


def test_every_block_alone_respects_the_mask_where_text_is_in_the_sequence(world):
    """The unified network leaks through text from the second block on, as its docstring says, but not within a block."""
    for name in JOINT_TEXT:
        network, (video, audio, t) = world.network(name), world.latents()
        calls = []
        note = lambda module, given, calls=calls: calls.append((module, given))  # noqa: E731
        hooks = [block.register_forward_pre_hook(note) for block in network.blocks]
        masks = Masks(alignment=torch.tensor([True, True]))
        video.requires_grad_()
        leaked = reach(world.run(network, video, audio, t, world.context(), masks)[1:], video)
        assert leaked > 0
        for hook in hooks:
            hook.remove()
        assert len(calls) == 3
        for block, (streams, setting) in calls:
            leaves = tuple(x.detach().requires_grad_() for x in streams)
            out = block(leaves, setting)
            assert reach(out[:1], leaves[1]) == reach(out[1:2], leaves[0]) == 0
            assert min(reach(out[:1], leaves[2]), reach(out[2:], leaves[0]), reach(out[2:], leaves[1])) > 0


def test_the_mask_is_each_samples_own(world, name):
    network, (video, audio, t) = world.network(name), world.latents()
    mixed = world.run(network, video, audio, t, world.context(), Masks(alignment=torch.tensor([True, False])))
    for row, blocked in enumerate((True, False)):
        alone = world.run(network, video, audio, t, world.context(), Masks(alignment=torch.tensor([blocked] * 2)))
        other = world.run(network, video, audio, t, world.context(), Masks(alignment=torch.tensor([not blocked] * 2)))
        torch.testing.assert_close(mixed[1][row], alone[1][row], rtol=1e-9, atol=1e-10)
        assert (mixed[1][row] - other[1][row]).abs().max() > 1e-6


def test_alignment_layers_with_tied_weights_are_fusion_layers_bit_for_bit(world):
    for precision in (torch.float32, torch.float64):
        fused = world.network("fusion_only").to(precision)
        configuration = replace(fused.configuration, separate=2, shared=0)
        aligned = build(configuration).to(precision)
        weights = fused.state_dict()
        tied = {key: weights[tied_name(key)] for key in aligned.state_dict()}
        aligned.load_state_dict(tied, strict=True)
        inputs = [x.to(precision) for x in world.latents()]
        context = world.context()
        context = Context(context.words, context.spans, context.voices.to(precision))
        for masks in (UNMASKED, Masks(alignment=torch.tensor([True, False]))):
            for one, other in zip(aligned(*inputs, context, masks), fused(*inputs, context, masks), strict=True):
                assert torch.equal(one, other)
        aligned.blocks[0].joint[1].query.weight.data.mul_(1.5)
        assert not torch.equal(aligned(*inputs, context)[0], fused(*inputs, context)[0])


def tied_name(key: str) -> str:
    """The name in a fusion layer of a weight of an alignment layer's second set."""
    for part in ("joint", "reading", "tables"):
        key = key.replace(f".{part}.1", f".{part}.0")
    return key


def test_padding_and_company_change_nothing(world, name):
    """A clip alone, and the same clip padded in a batch with a longer one of other words."""
    network, (video, audio, t), context = world.network(name), world.latents(), world.context()
    short = Context(context.words[:1, :4], context.spans[:1, :1], context.voices[:1, :1])
    alone = world.run(network, video[:1, :2], audio[:1, :3], t[:1], short)
    padded = Context(context.words.clone(), context.spans.clone(), context.voices)
    padded.words[0, 4:] = PAD
    padded.spans[0, 1] = -1
    masks = Masks(
        video_valid=torch.tensor([[True, True, False, False], [True] * 4]),
        audio_valid=torch.tensor([[True, True, True, False, False], [True] * 5]),
    )
    together = world.run(network, video, audio, t, padded, masks)
    torch.testing.assert_close(together[0][:1, :2], alone[0], rtol=1e-9, atol=1e-10)
    torch.testing.assert_close(together[1][:1, :3], alone[1], rtol=1e-9, atol=1e-10)
    loud = video.clone()
    loud[0, 2:] = 1e3
    again = world.run(network, loud, audio, t, padded, masks)
    torch.testing.assert_close(again[1], together[1], rtol=1e-9, atol=1e-10)
    unmasked = world.run(network, loud, audio, t, padded)
    assert (unmasked[1][0, :3] - together[1][0, :3]).abs().max() > 1e-6  # the masks matter


def test_a_sample_without_video_is_a_batch_of_sound_alone(world, name):
    network, (video, audio, t), context = world.network(name), world.latents(), world.context()
    masks = Masks(video_valid=torch.tensor([[False] * 4, [True] * 4]))
    mixed = world.run(network, video, audio, t, context, masks)
    alone = world.run(network, video[:, :0], audio, t, context)
    assert alone[0].shape == (2, 0, 6)
    torch.testing.assert_close(mixed[1][0], alone[1][0], rtol=1e-9, atol=1e-10)
    assert (mixed[1][1] - alone[1][1]).abs().max() > 1e-6


@pytest.mark.parametrize("given", ["both", "audio", "video"])
def test_every_parameter_gets_a_finite_gradient_whatever_is_there(world, name, given):
    """Parameters of an absent modality get zeros, so that all ranks exchange the same gradients; the others get something."""
    network, (video, audio, t), context = world.network(name), world.latents(), world.context()
    context = Context(context.words, context.spans, context.voices * torch.tensor([[[1.0], [0.0]]]))  # one voice unknown
    masks = Masks(drop_text=torch.tensor([False, True]))
    video, audio = video[:, : 0 if given == "audio" else None], audio[:, : 0 if given == "video" else None]
    outputs = world.run(network, video, audio, t, context, masks)
    sum(x.square().sum() for x in outputs).backward()
    last = f"blocks.{len(network.blocks) - 1}."
    # the unified network throws the last layer's text away, on every rank alike
    trained = {k: p for k, p in network.named_parameters() if not (name in JOINT_TEXT and k.startswith(last) and ".2." in k)}
    assert all(p.grad is not None and p.grad.isfinite().all() for p in trained.values())
    idle = {key for key, p in trained.items() if not p.grad.any()}
    sides = ("video", "audio") if given == "both" else (given,)
    for side in ("video", "audio"):
        own = {key for key in trained if key.startswith(f"ends.{side}_")}
        assert (own <= idle) != (side in sides)
    if given == "both":
        assert not idle


def test_touched_reaches_every_parameter_and_is_zero(world):
    network = world.network("dual_tower")
    zero = touched(network)
    zero.backward()
    assert zero.item() == 0 and all(p.grad is not None and not p.grad.any() for p in network.parameters())


def test_audio_turns_as_video_does_at_its_time():
    """Token j of NAVA's audio at 25 Hz is turned as a video token at (0.24 j, 0, 0)."""
    clock = NAVA_SIZES.clock
    assert clock.ratio == pytest.approx(0.24)
    heard = rotation(audio_positions(50, clock, CPU), 128, clock.theta, time_only=False)
    places = torch.tensor([[0.24 * j, 0.0, 0.0] for j in range(50)])
    seen = rotation(places, 128, clock.theta, time_only=False)
    torch.testing.assert_close(heard.cosines, seen.cosines, rtol=0, atol=1e-5)
    torch.testing.assert_close(heard.sines, seen.sines, rtol=0, atol=1e-5)
    assert (heard.cosines[:, 22:] == 1).all() and heard.cosines.shape == (50, 64)  # 22 pairs of time, 21 and 21 of space unturned


def test_equal_features_meet_where_their_times_do():
    clock = NAVA_SIZES.clock
    video = rotation(video_positions(12, (1, 1), CPU), 128, clock.theta, time_only=False)
    audio = rotation(audio_positions(50, clock, CPU), 128, clock.theta, time_only=False)
    feature = torch.ones(128)
    scores = rotate(feature.expand(50, 128), audio) @ rotate(feature.expand(12, 128), video).T
    peaks = scores[:46].argmax(1)
    expected = torch.tensor([round(0.24 * j) for j in range(46)])
    assert torch.equal(peaks, expected)


def test_a_centred_clock_puts_tokens_in_the_middle_of_their_spans(world):
    clock = world.network("fusion_only").configuration.sizes.clock
    seconds = [(clock.audio_time(j) + 0.5) / 16 for j in range(3)]
    assert seconds == pytest.approx([0.025, 0.075, 0.125])


def test_video_positions_count_time_row_and_column():
    assert video_positions(7 * 2 * 3, (2, 3), CPU)[[0, 1, 3, 6]].tolist() == [[0, 0, 0], [0, 0, 1], [0, 1, 0], [1, 0, 0]]
    with pytest.raises(ValueError, match="whole number of latent frames"):
        video_positions(7, (2, 3), CPU)


def test_text_never_enters_the_self_attention(world, monkeypatch):
    """Another context leaves what the first block's self-attention sees as it was; in the unified network it does not."""
    from avbench_baselines._networks import attention

    seen = []
    real = attention.attend
    monkeypatch.setattr(attention, "attend", lambda q, k, v, bias: seen.append((q, k, v)) or real(q, k, v, bias))
    words = world.context()
    others = Context(words.words.flip(1), words.spans, words.voices + 1)
    for name, alike in (("align_then_fuse", True), ("unified", False)):
        network = world.network(name)
        seen.clear()
        outputs = [world.run(network, *world.latents(), context) for context in (words, others)]
        first, second = seen[0], seen[len(seen) // 2]
        assert first[1].shape[2] == (9 if alike else 16)
        assert all(torch.equal(a, b) for a, b in zip(first, second, strict=True)) == alike
        assert not torch.equal(outputs[0][0], outputs[1][0])


@pytest.mark.parametrize("binding", ["add", "overwrite"])
@pytest.mark.parametrize("speakers", [0, 1, 2])
def test_voices_are_written_at_their_spans(world, speakers, binding):
    embed = bound_by(world, binding)
    given = world.context()
    spans = given.spans.clone()
    spans[:, speakers:] = -1
    tokens, valid = embed(replace(given, spans=spans), UNMASKED)
    written, text = embed.timbre(given.voices), embed.text(embed._read(given.words, valid))
    for speaker, place in enumerate((1, 5)):
        voice = written[:, speaker] if speaker < speakers else embed.null_voice.expand(2, -1)
        torch.testing.assert_close(tokens[:, place], voice + text[:, place] if binding == "add" else voice, rtol=0, atol=1e-12)
    assert valid.all()
    louder, _ = embed(replace(given, spans=spans, voices=given.voices + torch.randn(2, 2, 4).double()), UNMASKED)
    moved = (louder - tokens).abs().amax((0, 2)) > 0
    assert moved.tolist() == [False, speakers > 0, False, False, False, speakers > 1, False]


def bound_by(world, binding) -> ContextEmbedding:
    """A context network that adds voices to, or overwrites, the tokens in their places."""
    embed: ContextEmbedding = world.network("align_then_fuse").context
    embed.binding = binding
    return embed


def test_an_unknown_or_dropped_voice_is_the_null_voice(world):
    embed = bound_by(world, "overwrite")
    given = world.context()
    voices = given.voices.clone()
    voices[0, 1] = 0
    tokens, _ = embed(replace(given, voices=voices), Masks(drop_timbre=torch.tensor([False, True])))
    null = embed.null_voice.expand(3, -1)
    torch.testing.assert_close(torch.stack([tokens[0, 5], tokens[1, 1], tokens[1, 5]]), null)
    assert not torch.equal(tokens[0, 1], null[0])
    single, _ = embed(given, Masks(drop_timbre=torch.tensor([[True, False], [False, False]])))
    torch.testing.assert_close(single[0, 1], null[0])
    assert not torch.equal(single[0, 5], null[0])


def test_dropped_text_takes_the_voices_with_it(world, name):
    network, (video, audio, t), context = world.network(name), world.latents(), world.context()
    dropped = Masks(drop_text=torch.tensor([True, True]))
    one = world.run(network, video, audio, t, context, dropped)
    two = world.run(network, video, audio, t, Context(context.words.flip(1), context.spans, context.voices + 1), dropped)
    empty = world.run(network, video, audio, t, Context(context.words * 0, context.spans * 0 - 1, context.voices * 0))
    for other in (two, empty):
        torch.testing.assert_close(one[1], other[1], rtol=1e-9, atol=1e-10)
    assert (one[1] - world.run(network, video, audio, t, context)[1]).abs().max() > 1e-6


@pytest.mark.parametrize("binding", ["add", "overwrite"])
def test_swapped_voices_are_another_request(world, name, binding):
    """Overwriting, as in NAVA's release, loses which words a voice is for, except where the context has places in a sequence."""
    network, (video, audio, t), context = world.network(name), world.latents(), world.context()
    for module in network.modules():
        if isinstance(module, ContextEmbedding):
            module.binding = binding
    swapped = replace(context, voices=context.voices.flip(1))
    change = world.run(network, video, audio, t, context)[1] - world.run(network, video, audio, t, swapped)[1]
    told_apart = binding == "add" or name in JOINT_TEXT
    assert (change.abs().max() > 1e-6) == told_apart


def test_too_many_words_are_refused(world):
    embed: ContextEmbedding = world.network("align_then_fuse").context
    with pytest.raises(ValueError, match="takes 1 to 9"):
        embed(Context(torch.ones(1, 10, dtype=torch.int64), torch.tensor([[-1]]), torch.zeros(1, 1, 4)), UNMASKED)


def test_features_of_a_text_encoder_serve_as_words(world):
    sizes = replace(world.network("align_then_fuse").configuration.sizes, vocabulary=0)
    embed = ContextEmbedding(sizes, 16)
    features = torch.randn(1, 6, 8, generator=torch.Generator().manual_seed(0))
    features[:, 4:] = 0
    tokens, valid = embed(Context(features, torch.tensor([[1]]), torch.ones(1, 1, 4)), UNMASKED)
    assert valid.tolist() == [[True] * 4 + [False] * 2]
    torch.testing.assert_close(tokens[:, 2], embed.timbre(torch.ones(1, 4)) + embed.text(features[:, 2]))
    torch.testing.assert_close(tokens[:, 1], embed.text(features[:, 1]))


def test_the_level_matters_unless_the_network_is_untimed(world, name):
    network, (video, audio, t), context = world.network(name), world.latents(), world.context()
    moved = (world.run(network, video, audio, t, context)[0] - world.run(network, video, audio, t + 0.1, context)[0]).abs().max()
    assert (moved.item() > 1e-6) == (name != "unified_untimed")


def test_a_cascades_video_ignores_sound_and_its_audio_the_noisy_video(world):
    network, (video, audio, t), context = world.network("cascade"), world.latents(), world.context()
    both = network(video, audio, t, context, condition=video)
    assert torch.equal(network(video, audio + 1, t, context, condition=video)[0], both[0])
    assert torch.equal(network(video + 1, audio, t, context, condition=video)[1], both[1])
    assert not torch.equal(network(video, audio, t, context, condition=video + 1)[1], both[1])
    blind = network(video, audio, t, context)
    blocked = network(video, audio, t, context, Masks(alignment=torch.tensor([True, True])), condition=video)
    torch.testing.assert_close(blind[1], blocked[1], rtol=0, atol=0)


def test_the_same_seed_gives_the_same_network_and_leaves_the_generator_alone(world):
    configuration = world.network("dual_tower").configuration
    torch.manual_seed(5)
    expected = torch.rand(1)
    torch.manual_seed(5)
    one, two, other = build(configuration, 0), build(configuration, 0), build(configuration, 1)
    assert torch.equal(torch.rand(1), expected)
    assert all(torch.equal(a, b) for a, b in zip(one.state_dict().values(), two.state_dict().values(), strict=True))
    assert any(not torch.equal(a, b) for a, b in zip(one.state_dict().values(), other.state_dict().values(), strict=True))
    assert not one(*[x.float() for x in world.latents()], copy_float(world.context()))[0].any()  # heads start at zero


def copy_float(context: Context) -> Context:
    """The context in single precision."""
    return Context(context.words, context.spans, copy.deepcopy(context.voices).float())


def test_alignment_layers_come_first(world):
    network: AlignThenFuseNetwork = world.network("align_then_fuse")
    assert [len(block.joint) for block in network.blocks] == [2, 1, 1]
    assert [len(block.feed_forward) for block in network.blocks] == [1, 1, 1]
    assert [len(block.feed_forward) for block in world.network("split_feed_forward").blocks] == [2, 1]
