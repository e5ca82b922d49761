"""av-benchmark: the audio and audio-video metrics of MMAudio's evaluation over any folder, against a reference set."""

from avbench.benchmark import Benchmark

COLUMNS = (
    ("FD_VGG", "fd_vgg@av_benchmark"),
    ("FD_PANNs", "fd_panns@av_benchmark"),
    ("FD_PaSST", "fd_passt@av_benchmark"),
    ("KL_PANNs", "kl_panns@av_benchmark"),
    ("KL_PaSST", "kl_passt@av_benchmark"),
    ("IS_PANNs", "inception_score@av_benchmark_panns"),
    ("IS_PaSST", "inception_score@av_benchmark_passt"),
    ("IB", "ib_audio_video@av_benchmark"),
    ("DeSync", "desync@av_benchmark"),
    ("LAION-CLAP", "clap_score@av_benchmark"),
    ("MS-CLAP", "ms_clap"),
)

BENCHMARK = Benchmark(
    title="av-benchmark",
    version=1,
    source="github.com/hkchengrex/av-benchmark",
    read_prompts=lambda path: (),
    metrics=tuple(metric for _, metric in COLUMNS),
    prompts_needed=False,
    open_set=True,
    columns=COLUMNS,
    notes="--reference is the folder of real clips; a manifest.jsonl gives the captions. Papers print IB times 100",
)
