"""Any folder of clips, without prompts: every media file is judged under its own name."""

from avbench.benchmark import Benchmark

BENCHMARK = Benchmark(
    title="Folder",
    version=1,
    source="avbench",
    read_prompts=lambda path: (),
    metrics=("av_offset", "av_align", "loudness", "silence", "clipping", "temporal_flickering", "frozen", "motion", "sharpness"),
    prompts_needed=False,
    open_set=True,
    notes="A manifest.jsonl in the folder may give prompts: id, path, text, audio_text, speech, speaker, events.",
)
