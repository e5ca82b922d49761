"""av-benchmark over 5 s of each clip."""

from avbench.benchmarks.av_benchmark import of_length

BENCHMARK = of_length(5, "av_benchmark_5s")
