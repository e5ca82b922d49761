"""Score clips: features in, one outcome per clip and metric out; in this process or in several."""

from __future__ import annotations

import contextlib
import math
import multiprocessing
import os
import signal
import sys
from collections import deque
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass, field
from multiprocessing.synchronize import Event
from pathlib import Path
from typing import TYPE_CHECKING

from avbench import weights
from avbench.clip import Clip, Prompt
from avbench.errors import AvbenchError, MediaError, Unscorable, UsageError, out_of_memory
from avbench.extract import Counts, Extracted, Extractor, Values
from avbench.feature import Feature, Sample
from avbench.metric import ClipMetric, Metric, Score, SetMetric
from avbench.store import Store
from avbench.trace import Trace, failure_word

if TYPE_CHECKING:
    from threadpoolctl import threadpool_limits


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

    def crashed(self, clip: Clip) -> Outcome:
        """Of a clip whose judging ends the process that does it: every score that needs the clip says so; nothing is stored."""
        error = MediaError(f"{clip.path.name} ended two worker processes one after the other.", "crashed", lasting=False)
        word = failure_word(error)
        features = self.extractor.features
        trace = Trace({read: word for f in features for read in f.reads}, dict.fromkeys(features, word))
        return self._outcome(clip, Extracted(dict.fromkeys(features, error), trace))


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
    except AvbenchError:
        raise
    except MemoryError as error:
        raise out_of_memory(f"a metric was computed ({words})") from error
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
    with _Crew(judge, min(workers, len(chunks)) - 1, counts) as crew:
        for outcomes in _in_order(chunks, judge, crew):
            yield from outcomes
    counts.add(judge.extractor.counts)


Done = tuple[list[Outcome], Counts]


class _Crew:
    """Worker processes; where one dies, all are started anew with the next chunk."""

    def __init__(self, judge: Judge, size: int, counts: Counts) -> None:
        self.judge, self.size, self.counts = judge, size, counts
        self._context = multiprocessing.get_context("spawn")
        self._ready = self._context.Event()  # set by the first worker that is up
        self._pool = self._new(size)

    def _new(self, size: int) -> ProcessPoolExecutor:
        return ProcessPoolExecutor(size, self._context, _start_worker, (self.judge.plan, self._ready))

    def __enter__(self) -> _Crew:
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        self._pool.shutdown(cancel_futures=kind is not None)

    def submit(self, clips: Sequence[Clip]) -> Future[Done]:
        """A chunk for whoever is free."""
        with _interrupt_held():
            try:
                return self._pool.submit(_work, clips)
            except BrokenProcessPool as error:
                self._require_ready(error)
                self._pool = self._new(self.size)
                return self._pool.submit(_work, clips)

    def outcomes(self, future: Future[Done], clips: Sequence[Clip]) -> list[Outcome]:
        """What a finished future brought; the clips of dead workers are judged again, each in a process of its own.

        Raises:
            AvbenchError: no worker ever came up.
        """
        try:
            return self._add(future.result())
        except BrokenProcessPool as error:
            self._require_ready(error)
            return [self._alone(clip) for clip in clips]

    def _alone(self, clip: Clip) -> Outcome:
        for _ in range(2):
            with contextlib.suppress(BrokenProcessPool), self._new(1) as pool:
                with _interrupt_held():
                    future = pool.submit(_work, [clip])
                return self._add(future.result())[0]
        return self.judge.crashed(clip)

    def _add(self, done: Done) -> list[Outcome]:
        outcomes, delta = done
        self.counts.add(delta)
        return outcomes

    def _require_ready(self, error: BrokenProcessPool) -> None:
        if not self._ready.is_set():
            raise AvbenchError(
                "No worker process came up. A script must call avbench with workers under `if __name__ == '__main__':`, as every "
                "worker imports the script again; one without that line can only use workers=1."
            ) from error


def _in_order(chunks: Sequence[Sequence[Clip]], judge: Judge, crew: _Crew) -> Iterator[list[Outcome]]:
    """Chunks judged here and by the crew, given out in order.

    This process takes a chunk whenever the others have enough to do, so nobody waits for them to start.
    """
    todo = deque(range(len(chunks)))
    running: dict[Future[Done], int] = {}
    done: dict[int, list[Outcome]] = {}
    for number in range(len(chunks)):
        while number not in done:
            while todo and len(running) < 2 * crew.size:
                index = todo.popleft()
                running[crew.submit(chunks[index])] = index
            if todo:
                mine = todo.popleft()
                done[mine] = judge(chunks[mine])
            else:
                wait(running, return_when=FIRST_COMPLETED)
            for future in [f for f in running if f.done()]:
                index = running.pop(future)
                done[index] = crew.outcomes(future, chunks[index])
        yield done.pop(number)


@contextlib.contextmanager
def _interrupt_held() -> Iterator[None]:
    """A worker started within begins with Ctrl-C held back, where the system can: else it would print where its imports were."""
    if not hasattr(signal, "pthread_sigmask"):
        yield
        return
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


_judge: Judge | None = None


def _start_worker(plan: Plan, ready: Event) -> None:
    global _judge
    signal.signal(signal.SIGINT, signal.SIG_DFL)  # Ctrl-C ends a worker without a word: the main process says what is to be said
    if hasattr(signal, "pthread_sigmask"):
        signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGINT})
    _settle()
    weights.use_stand_ins(plan.stand_in)
    _judge = Judge(plan)
    ready.set()


def _work(clips: Sequence[Clip]) -> Done:
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
    if device.startswith(("cpu", "meta")):  # torch takes cpu:7, and computes nothing on meta
        raise UsageError(f"--device {device} is no device to compute on; leave it out for the CPU.")
    try:
        import torch

        torch.zeros(1, device=device)
    except ImportError as error:
        raise UsageError(f"--device {device} needs torch ({error}); install it, or leave --device out for the CPU.") from error
    except (RuntimeError, AssertionError) as error:
        reason = str(error).strip().splitlines()[0].partition(". ")[0].rstrip(".")  # torch goes on for a page
        raise UsageError(f"--device {device} cannot be used here ({reason}); leave it out for the CPU.") from error
