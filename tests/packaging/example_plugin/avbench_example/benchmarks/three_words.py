"""Three one-word prompts."""

from avbench.benchmark import Benchmark
from avbench.clip import Prompt

BENCHMARK = Benchmark(
    title="Three words",
    version=1,
    source="an example",
    read_prompts=lambda path: [Prompt(word, word) for word in ("red", "green", "blue")],
    metrics=("redness", "loudness"),
    prompts_needed=False,
)
