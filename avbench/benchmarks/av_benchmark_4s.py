"""av-benchmark over 4 s of each clip, without DeSync, for which the official code needs 4.8 s."""

from avbench.benchmarks.av_benchmark import of_length

BENCHMARK = of_length(4, "av_benchmark_4s", ("desync",), "DeSync needs 4.8 s: the official code stops. ")
