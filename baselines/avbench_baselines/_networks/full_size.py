"""The published models' sizes, for counting on the device ``meta``.

Sources: NAVA's released configuration (ernie-research/NAVA, ``NAVA_6B.json``); LTX-2 (arXiv 2601.03233, Lightricks/LTX-2);
daVinci-MagiHuman (arXiv 2603.21986). What the sources do not fix is chosen and said in the note.
"""

from __future__ import annotations

from dataclasses import replace

from avbench_baselines._networks.configuration import AlignThenFuse, Clock, DualTower, Lengths, Preset, Sizes, Tower, Unified

NAVA_SIZES = Sizes(
    video_channels=48 * 2 * 2,
    audio_channels=128,
    clock=Clock(24 / 4, 25.0),
    grid=(22, 40),
    text_channels=4096,
    words=512,
    voice_channels=192,
    time_channels=256,
    audio_stem="gated",
    audio_stem_hidden=8192,
    binding="overwrite",
)
NAVA = AlignThenFuse(NAVA_SIZES, Tower(3072, 24, 14_336), separate=10, shared=20)

LTX2_SIZES = replace(
    NAVA_SIZES,
    video_channels=128,
    clock=Clock(24 / 8, 25.0, centred=True),
    text_channels=3840,
    words=1024,
    audio_stem="linear",
    audio_stem_hidden=0,
    binding="add",
)
LTX2 = DualTower(LTX2_SIZES, Tower(4096, 32, 16_384), Tower(2048, 32, 8192), depth=48, exchange="gated")

DAVINCI_SIZES = replace(
    NAVA_SIZES,
    audio_channels=64,
    clock=Clock(25 / 4, 44_100 / 2048),
    grid=(8, 14),
    text_channels=3584,
    audio_stem="linear",
    audio_stem_hidden=0,
    binding="add",
)
DAVINCI = Unified(DAVINCI_SIZES, Tower(5120, 40, 20_480), outer=4, inner=32, timed=False, head_gate=True, key_heads=8, swiglu=True)

NAVA_CLIP = Lengths(37 * 22 * 40, 152, 512)  # 145 frames of 1280 x 704 at 24 fps
FULL_SIZE = (
    Preset("NAVA", NAVA, NAVA_CLIP, "10 alignment and 20 fusion layers, one feed-forward layer for both modalities; paper 6.3 B"),
    Preset("NAVA, split feed-forward", replace(NAVA, split_feed_forward=True), NAVA_CLIP, "own feed-forward layers in alignment"),
    Preset("NAVA, alignment layers only", replace(NAVA, separate=30, shared=0), NAVA_CLIP, "paper 7.7 B"),
    Preset("NAVA, fusion layers only", replace(NAVA, separate=0, shared=30), NAVA_CLIP, "paper 5 B"),
    Preset("LTX-2-like", LTX2, Lengths(19 * 22 * 40, 152, 1024), "inner widths four times the width; paper 14 B and 5 B"),
    Preset("daVinci-like", DAVINCI, Lengths(37 * 8 * 14, 125, 512), "a context network in place of one linear map; paper 15 B"),
)
