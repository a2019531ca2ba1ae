"""What runs have in common: the bar of progress appears where somebody watches a long one, and nowhere else."""

import sys
from types import SimpleNamespace

import numpy as np
import pytest

from hesslib import _notebook
from hesslib._arrays import in_library_of
from hesslib._notebook import is_interactive
from hesslib.training import run as optimization
from hesslib.training.run import Run, Stop


def run(progress: bool | None, **options: object) -> Run:
    settings = {"tolerance": None, "target": None, "max_iterations": 5, "callback": None} | options
    return Run("method", np.zeros(2), progress=progress, **settings)


def iterate(one: Run) -> None:
    for number in range(6):
        one.step(np.full(2, float(number)), 10.0 - number, np.ones(2))


def test_no_bar_on_short_runs_nor_where_nobody_watches(capfd, monkeypatch) -> None:
    one = run(None)
    assert one.result(lambda: iterate(one)).status == "limit"
    monkeypatch.setattr(optimization, "LONG", 0.0)
    monkeypatch.setattr(optimization, "is_interactive", lambda: False)
    one = run(None)
    one.result(lambda: iterate(one))
    assert capfd.readouterr() == ("", "")
    assert one.bar.bar is None


def test_a_bar_where_somebody_watches_a_long_run(capfd, monkeypatch) -> None:
    monkeypatch.setattr(optimization, "LONG", 0.0)
    monkeypatch.setattr(optimization, "is_interactive", lambda: True)
    one = run(None)
    one.result(lambda: iterate(one))
    assert "method" in capfd.readouterr().err
    assert one.bar.bar.n == 5


def test_a_bar_on_demand_and_none_on_demand(capfd) -> None:
    one = run(True)
    one.result(lambda: iterate(one))
    assert "error 5" in one.bar.bar.postfix
    capfd.readouterr()
    one = run(False)
    one.result(lambda: iterate(one))
    assert capfd.readouterr() == ("", "")


def test_who_watches(monkeypatch) -> None:
    monkeypatch.setattr(sys, "stderr", SimpleNamespace(isatty=lambda: False))
    monkeypatch.setattr(_notebook, "shell", lambda: None)
    assert not is_interactive()
    for answers in (True, False):  # a front end that can be asked for input, or one that only executes
        kernel = SimpleNamespace(_allow_stdin=answers)
        monkeypatch.setattr(_notebook, "shell", lambda kernel=kernel: SimpleNamespace(kernel=kernel))
        assert is_interactive() is answers
    monkeypatch.setattr(sys, "stderr", SimpleNamespace(isatty=lambda: True))
    assert is_interactive()


def test_a_record_takes_as_little_after_a_thousand_iterations_as_after_ten() -> None:
    """Counted in calls of functions, which no load of the machine changes."""
    one = run(None, max_iterations=10_000)
    calls: list[int] = []

    def count(frame: object, event: str, argument: object) -> None:
        calls[-1] += event in ("call", "c_call")

    for _ in range(1000):
        calls.append(0)
        sys.setprofile(count)
        try:
            one.step(np.zeros(2), 1.0, np.ones(2))
        finally:
            sys.setprofile(None)
    assert calls[-1] <= calls[10] < 200


def test_a_run_that_ends_without_a_reason_is_a_mistake() -> None:
    one = run(None)
    with pytest.raises(AssertionError, match="method ended without a reason"):
        one.result(lambda: None)


def test_stops_carry_their_status() -> None:
    stop = Stop("target", "there")
    assert (stop.status, str(stop)) == ("target", "there")


def test_vectors_come_back_in_the_library_they_came_from() -> None:
    import jax.numpy as jnp

    torch = pytest.importorskip("torch")
    w = np.ones(2)
    assert in_library_of(np.zeros(2, np.float32), w).dtype == np.float32
    assert in_library_of(jnp.zeros(2, jnp.float32), w).dtype == jnp.float32
    assert in_library_of(torch.zeros(2, dtype=torch.float32), w).dtype == torch.float32
