"""Score clips: features in, one outcome per clip and metric out; in this process or in several."""

from __future__ import annotations

import contextlib
import math
import multiprocessing
import os
import sys
from collections import deque
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from avbench import weights
from avbench.clip import Clip, Prompt
from avbench.errors import AvbenchError, Unscorable, UsageError
from avbench.extract import Counts, Extracted, Extractor, Values
from avbench.feature import Feature, Sample
from avbench.media import single_threaded_decoder, use_decoder_threads
from avbench.metric import ClipMetric, Metric, Score, SetMetric
from avbench.store import Store

if TYPE_CHECKING:
    from threadpoolctl import threadpool_limits
from avbench.trace import Trace


@dataclass(frozen=True)
class Plan:
    """What to do with every clip.

    Args:
        metrics: name to metric; clip metrics are scored here, for set metrics the features are kept.
        store: folder of the feature store; None keeps nothing.
        device: where networks run.
        stand_in: networks are stand-ins (see ``avbench.weights``).
    """

    metrics: Mapping[str, Metric]
    store: Path | None
    device: str = "cpu"
    stand_in: bool = False

    def features(self, of: type[Metric] = Metric) -> tuple[Feature, ...]:
        """All features that metrics of a kind use, each once."""
        return tuple(dict.fromkeys(f for m in self.metrics.values() if isinstance(m, of) for f in m.uses))


@dataclass(frozen=True)
class Outcome:
    """One clip under all clip metrics, the features that set metrics want of it, and the digests of every stage."""

    clip: str
    digest: str
    scores: Mapping[str, Score]
    kept: Values = field(default_factory=dict)
    trace: Trace = field(default_factory=Trace)


class Judge:
    """A plan made ready to work: store opened, networks loaded when first needed."""

    def __init__(self, plan: Plan) -> None:
        self.plan = plan
        store = Store(plan.store) if plan.store else None
        self.extractor = Extractor(plan.features(), store, plan.device)
        self._keep = plan.features(SetMetric)

    def __call__(self, clips: Sequence[Clip]) -> list[Outcome]:
        """Outcomes in the order of the clips."""
        return [self._outcome(clip, extracted) for clip, extracted in zip(clips, self.extractor(clips), strict=True)]

    def _outcome(self, clip: Clip, extracted: Extracted) -> Outcome:
        sample = Sample(clip.id, clip.prompt, extracted.values)
        scores = {
            name: score_clip(name, metric, sample) for name, metric in self.plan.metrics.items() if isinstance(metric, ClipMetric)
        }
        try:
            digest = clip.digest
        except Unscorable:
            digest = ""  # unreadable bytes have none; every score above says so
        return Outcome(clip.id, digest, scores, {f: extracted.values[f] for f in self._keep}, extracted.trace)


def lacks(metric: Metric, prompt: Prompt) -> str:
    """Which of the prompt fields that a metric needs is empty; "" where none is."""
    words = {"speech": "words to speak", "speaker": "reference voice", "events": "event times"}
    for need in metric.card.needs:
        if not getattr(prompt, need):
            return f"The prompt has no {words.get(need, need)}."
    return ""


@contextlib.contextmanager
def blamed_on(words: str) -> Iterator[None]:
    """Whatever a metric raises beside ``Unscorable`` is a defect of the metric: an ``AvbenchError`` that says so."""
    try:
        yield
    except (AvbenchError, MemoryError):
        raise
    except Exception as error:
        raise AvbenchError(
            f"{words}: {type(error).__name__}: {error}. This is a defect of the metric, not of the clips; run without it to go on."
        ) from error


def score_clip(name: str, metric: ClipMetric, sample: Sample) -> Score:
    """Score one clip; what is wrong with the clip becomes a kind and a reason.

    Raises:
        AvbenchError: the metric broke, which is a defect of the metric.
    """
    lack = lacks(metric, sample.prompt)
    if lack:
        return Score(sample.id, None, "not_applicable", lack)
    try:
        with blamed_on(f"The metric {name} broke on clip {sample.id}"):
            value = float(metric.score(sample))
            details = {key: float(x) for key, x in metric.details(sample).items() if math.isfinite(x)}
    except Unscorable as error:
        return Score(sample.id, None, error.kind, error.reason)
    low, high = metric.card.range
    if not low <= value <= high:
        return Score(sample.id, None, "failed", f"{name} gave {value}, outside its declared range [{low}, {high}].")
    return Score(sample.id, value, details=details)


def judge_all(clips: Sequence[Clip], plan: Plan, workers: int, counts: Counts) -> Iterator[Outcome]:
    """Outcomes in the order of the clips, one by one; ``counts`` is added to.

    Args:
        workers: processes; 1 works in this one, more work in this one and others beside it. Results do not depend on it.
    """
    judge = Judge(plan)
    step = judge.extractor.chunk
    chunks = [clips[i : i + step] for i in range(0, len(clips), step)]
    if workers <= 1 or len(chunks) <= 1:
        for chunk in chunks:
            yield from judge(chunk)
        counts.add(judge.extractor.counts)
        return
    context = multiprocessing.get_context("spawn")
    others = min(workers, len(chunks)) - 1
    with single_threaded_decoder(), ProcessPoolExecutor(others, context, _start_worker, (plan,)) as pool:
        try:
            for outcomes in _in_order(chunks, judge, pool, others, counts):
                yield from outcomes
        except BaseException:
            pool.shutdown(wait=False, cancel_futures=True)
            raise
    counts.add(judge.extractor.counts)


def _in_order(
    chunks: Sequence[Sequence[Clip]], judge: Judge, pool: ProcessPoolExecutor, others: int, counts: Counts
) -> Iterator[list[Outcome]]:
    """Chunks judged here and in the pool, given out in order.

    This process takes a chunk whenever the others have enough to do, so nobody waits for them to start.
    """
    todo = deque(range(len(chunks)))
    running: dict[Future[tuple[list[Outcome], Counts]], int] = {}
    done: dict[int, list[Outcome]] = {}
    for number in range(len(chunks)):
        while number not in done:
            while todo and len(running) < 2 * others:
                index = todo.popleft()
                running[pool.submit(_work, chunks[index])] = index
            if todo:
                mine = todo.popleft()
                done[mine] = judge(chunks[mine])
            else:
                wait(running, return_when=FIRST_COMPLETED)
            for future in [f for f in running if f.done()]:
                outcomes, delta = future.result()
                done[running.pop(future)] = outcomes
                counts.add(delta)
        yield done.pop(number)


_judge: Judge | None = None


def _start_worker(plan: Plan) -> None:
    global _judge
    _settle()
    weights.use_stand_ins(plan.stand_in)
    use_decoder_threads(1)
    _judge = Judge(plan)


def _work(clips: Sequence[Clip]) -> tuple[list[Outcome], Counts]:
    assert _judge is not None
    _judge.extractor.counts = Counts()
    return _judge(clips), _judge.extractor.counts


_OFFLINE = ("HF_HUB_OFFLINE", "TRANSFORMERS_OFFLINE")


@contextlib.contextmanager
def settled() -> Iterator[None]:
    """One thread, no network; what the caller had set is there again afterwards.

    Results and speed must not depend on how many cores there are and how many are idle: a product of matrices on two threads has
    other last digits. Checkpoints are fetched before a run, never in its middle, whatever a library would do.
    """
    import cv2

    threads, variables = cv2.getNumThreads(), {name: os.environ.get(name) for name in _OFFLINE}
    torch_threads = _torch_threads()
    limits = _settle()
    try:
        yield
    finally:
        limits.restore_original_limits()
        cv2.setNumThreads(threads)
        if torch_threads is not None:
            sys.modules["torch"].set_num_threads(torch_threads)
        for name, value in variables.items():
            if value is None:
                os.environ.pop(name, None)
            else:
                os.environ[name] = value


def _torch_threads() -> int | None:
    """Threads of torch, where the caller has loaded it; loading it here would cost runs that need no network a second."""
    torch = sys.modules.get("torch")
    return int(torch.get_num_threads()) if torch is not None else None


def _settle() -> threadpool_limits:
    import cv2
    import scipy.linalg  # noqa: F401  brings matrix products of its own, which can only be limited once they are here
    from threadpoolctl import threadpool_limits

    cv2.setNumThreads(1)
    os.environ.update(dict.fromkeys(_OFFLINE, "1"))
    return threadpool_limits(1)


def check_device(device: str) -> None:
    """Raises ``UsageError`` where torch knows no such device, or this machine has none."""
    if device == "cpu":
        return
    try:
        import torch

        torch.zeros(1, device=device)
    except ImportError as error:
        raise UsageError(f"--device {device} needs torch ({error}); install it, or leave --device out for the CPU.") from error
    except (RuntimeError, AssertionError, NotImplementedError) as error:
        reason = str(error).strip().splitlines()[0].rstrip(".")
        raise UsageError(f"--device {device} cannot be used here ({reason}); leave it out for the CPU.") from error
