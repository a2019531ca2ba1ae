"""Time hesslib and its peers in turn, on the same work in the same process.

A task is a file beside this one with a ``TASK``; running the file prints one table. What is promised of every run:

- Results are compared before anything is timed; a contestant that disagrees is reported and leaves the race.
- All contestants of a case take turns, round after round, in an order that is drawn anew for each round, so that a busy
  machine slows all of them alike, and nobody always runs behind the same neighbour.
- The figure is the median over the rounds: of the CPU time of the process on one core, of the wall clock on several.
- All arithmetic is float64, everything is warm, and what JAX compiles is compiled before.

The number of cores comes from the environment, BENCH_CORES, 1 unless set: thread pools are as large when the libraries
load, so this module must be imported before they are. With BENCH_SHORT=1 a task has its first case and few rounds, and
the peers that are not installed are left out: a glance, not a measurement.
"""

import importlib.util
import json
import os
import random
import statistics
import sys
import time
import warnings
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

if {"numpy", "jax", "torch"} & sys.modules.keys():
    raise ImportError("import race before NumPy, JAX and PyTorch: it sizes their pools of threads")
CORES = int(os.environ.get("BENCH_CORES", "1"))
SHORT = os.environ.get("BENCH_SHORT") == "1"
if hasattr(os, "sched_setaffinity"):  # XLA's own flags do not hold it to one thread
    os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[-CORES:])
for pool in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ[pool] = str(CORES)
os.environ["JAX_PLATFORMS"] = "cpu"
os.environ["JAX_ENABLE_X64"] = "1"

import numpy as np  # noqa: E402

Call = Callable[[], Any]  # does the work once, to the end, and returns the result

ROUNDS = 3 if SHORT else 9  # turns of every contestant; fewer, but 3 at least, if they would take longer than
PATIENCE = 2.0 if SHORT else 20.0  # seconds for the rounds of a case
STRETCH = 0.02  # seconds that one turn takes at least: shorter work is repeated within it


@dataclass(frozen=True)
class Task:
    """One table: what is computed, by whom, in which cases, and how far ahead hesslib should be."""

    name: str
    cases: Sequence[Any]
    hesslib: Callable[[Any], Mapping[str, Call]]
    peers: Callable[[Any], Mapping[str, Call]]
    target: float  # the ratio of the best peer's time to hesslib's, geometric mean over the cases
    tolerance: float = 1e-9  # largest difference relative to the largest entry
    bounds: Callable[[Any], Mapping[str, Call]] = lambda case: {}  # for scale: they do other work


@dataclass
class Result:
    """What one contestant took in one case; `milliseconds` is None where it gave no answer or a wrong one."""

    contestant: str
    kind: str  # hesslib, peer or bound
    milliseconds: float | None = None
    spread: float | None = None  # half the distance of the quartiles, relative to the median
    difference: float | None = None  # from the first answer of hesslib, relative to its largest entry
    failure: str | None = None


@dataclass
class Outcome:
    """One case: every contestant's result, and the ratio."""

    task: str
    case: str
    cores: int
    target: float
    results: list[Result] = field(default_factory=list)

    def best(self, kind: str) -> Result | None:
        timed = [result for result in self.results if result.kind == kind and result.milliseconds is not None]
        return min(timed, key=lambda result: result.milliseconds or 0.0, default=None)

    @property
    def ratio(self) -> float | None:
        """Time of the best peer over that of the better hesslib; None without peers."""
        ours, theirs = self.best("hesslib"), self.best("peer")
        if ours is None or theirs is None or not ours.milliseconds or not theirs.milliseconds:
            return None
        return theirs.milliseconds / ours.milliseconds


def with_library(name: str, contestants: Callable[[], Mapping[str, Call]], /) -> Mapping[str, Call]:
    """What a library computes; nothing, in a short run, if it is not installed."""
    return {} if SHORT and importlib.util.find_spec(name) is None else contestants()


def to_numpy(result: Any) -> np.ndarray:
    """The numbers of an array of any library."""
    return np.asarray(result.detach() if hasattr(result, "detach") else result)


def enter(contestants: Mapping[str, Call], kind: str, reference: Any, tolerance: float) -> list[tuple[Result, Call]]:
    """Run every contestant once, compare, and say who may race."""
    entered = []
    for name, call in contestants.items():
        result = Result(name, kind)
        try:
            value = to_numpy(call())
        except Exception as failure:  # noqa: BLE001 a library that cannot do the job is a result too
            result.failure = f"{type(failure).__name__}: {str(failure).splitlines()[0][:120]}"
        else:
            if reference is not None and kind != "bound":
                result.difference = float(np.max(np.abs(value - reference)) / np.max(np.abs(reference)))
                if not result.difference <= tolerance:
                    result.failure = f"differs by {result.difference:.1e}"
        entered.append((result, call))
    return entered


def clock() -> float:
    """Seconds: of CPU on one core, which others on the machine do not prolong; of the wall on several."""
    return time.process_time() if CORES == 1 else time.perf_counter()


def take_turns(racers: list[tuple[Result, Call]]) -> None:
    """Fill in the times."""
    repeats, cost = {}, 0.0
    for result, call in racers:
        quick = []
        for _ in range(3):  # the first call may pay for the memory of the contestant before
            start = time.perf_counter()
            call()
            quick.append(time.perf_counter() - start)
            if quick[-1] > 0.5:
                break
        repeats[result.contestant] = max(1, min(200, int(STRETCH / min(quick))))
        cost += min(quick) * (repeats[result.contestant] + 2)
    rounds = max(3, min(ROUNDS, int(PATIENCE / cost)))
    seconds: dict[str, list[float]] = {result.contestant: [] for result, _ in racers}
    order = random.Random(0)
    for _ in range(rounds):
        for result, call in order.sample(racers, len(racers)):
            k = repeats[result.contestant]
            if k > 1:  # refill the caches after the contestant before
                call(), call()
            start = clock()
            for _ in range(k):
                call()
            seconds[result.contestant].append((clock() - start) / k)
    for result, _ in racers:
        times = seconds[result.contestant]
        low, middle, high = statistics.quantiles(times, n=4)
        result.milliseconds = statistics.median(times) * 1e3
        result.spread = (high - low) / 2 / middle if middle else None


def run_case(task: Task, case: Any) -> Outcome:
    """All contestants of one case."""
    outcome = Outcome(task.name, str(case), CORES, task.target)
    ours = task.hesslib(case)
    reference = to_numpy(next(iter(ours.values()))())
    entered = enter(ours, "hesslib", reference, task.tolerance)
    entered += enter(task.peers(case), "peer", reference, task.tolerance)
    entered += enter(task.bounds(case), "bound", None, task.tolerance)
    take_turns([(result, call) for result, call in entered if result.failure is None])
    outcome.results = [result for result, _ in entered]
    return outcome


def show(outcome: Outcome) -> None:
    print(f"\n{outcome.task}: {outcome.case}; {outcome.cores} core{'s' * (outcome.cores > 1)}")
    for result in outcome.results:
        time_taken = result.failure or f"{result.milliseconds:10.3f} ms  ±{100 * (result.spread or 0):3.0f} %"
        agreement = "" if result.difference is None else f"  differs by {result.difference:.0e}"
        print(f"  {result.kind:8}{result.contestant:44}{time_taken}{agreement}")
    if outcome.ratio is not None:
        print(f"  best peer / hesslib: {outcome.ratio:.2f}  (wanted: {outcome.target:g} over the cases)")
    sys.stdout.flush()


def run(*tasks: Task) -> None:
    """Every case of the tasks; prints tables, and writes JSON if the program was called with ``--json FILE``."""
    warnings.filterwarnings("ignore")  # of peers, about themselves
    tables = []
    for task in tasks:
        outcomes = []
        for case in task.cases[:1] if SHORT else task.cases:
            outcomes.append(run_case(task, case))
            show(outcomes[-1])
        ratios = [outcome.ratio for outcome in outcomes if outcome.ratio is not None]
        mean = statistics.geometric_mean(ratios) if ratios else None
        if mean is not None:
            print(f"\n{task.name}: {mean:.2f} on average, {min(ratios):.2f} at least; wanted {task.target:g} and 1")
        rows = [{**asdict(outcome), "ratio": outcome.ratio} for outcome in outcomes]
        tables.append({"task": task.name, "target": task.target, "mean": mean, "outcomes": rows})
    if "--json" in sys.argv:
        Path(sys.argv[sys.argv.index("--json") + 1]).write_text(json.dumps(tables, indent=1), encoding="utf-8")
