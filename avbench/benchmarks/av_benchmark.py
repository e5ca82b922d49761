"""av-benchmark: the audio and audio-video metrics of MMAudio's evaluation over any folder, against a reference set; 8 s of each."""

from avbench.benchmark import Benchmark

NAMES = (
    ("FD_VGG", "fd_vgg", ""),
    ("FD_PANNs", "fd_panns", ""),
    ("FD_PaSST", "fd_passt", ""),
    ("KL_PANNs", "kl_panns", ""),
    ("KL_PaSST", "kl_passt", ""),
    ("IS_PANNs", "inception_score", "_panns"),
    ("IS_PaSST", "inception_score", "_passt"),
    ("IB", "ib_audio_video", ""),
    ("DeSync", "desync", ""),
    ("LAION-CLAP", "clap_score", ""),
)
FIXED = (*dict.fromkeys(f"{name}@fixed" for _, name, _ in NAMES), "ms_clap@fixed")


def of_length(seconds: int, protocol: str, leave_out: tuple[str, ...] = (), notes: str = "") -> Benchmark:
    """av-benchmark told ``--audio_length`` seconds, whose metrics have this protocol; MS-CLAP, which it never cuts, has but one."""
    columns = (
        *((title, f"{name}@{protocol}{network}") for title, name, network in NAMES if name not in leave_out),
        ("MS-CLAP", "ms_clap@av_benchmark"),
    )
    return Benchmark(
        title=f"av-benchmark ({seconds} s)",
        version=2,
        source="github.com/hkchengrex/av-benchmark",
        read_prompts=lambda path: (),
        metrics=(*(metric for _, metric in columns), *FIXED),
        prompts_needed=False,
        open_set=True,
        columns=columns,
        notes=f"--reference is the folder of real clips; a manifest.jsonl gives the captions. {seconds} s of each clip are judged, "
        f"shorter ones refused; av_benchmark takes 8 s, av_benchmark_5s 5, av_benchmark_4s 4. {notes}Papers print IB times 100",
    )


BENCHMARK = of_length(8, "av_benchmark")
