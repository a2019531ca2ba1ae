"""What chapters measure: times, slopes on logarithmic axes, and the table of what was compared with what.

A time is shown, never asserted: it is the machine's. What is asserted about speed is a count.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterable, Sequence
from typing import Any

from hesslib.agreement import Check, figure

__all__ = ["comparison", "matrix_products", "seconds", "slope", "table"]


def seconds(run: Callable[[], Any], /, *, repeat: int = 5, processor: bool = False) -> float:
    """The shortest time that `run` takes among `repeat` runs, after one that is not counted, in seconds.

    They are seconds of wall clock, or of the `processor`, all its threads together.

    Shapes: a number.
    Cost: as `repeat` + 1 runs of what is measured.
    Errors: ValueError for fewer than one run.

    >>> 0 < seconds(lambda: sum(range(100)), repeat=2) < 60
    True
    """
    if repeat < 1:
        raise ValueError(f"repeat is {repeat}; it must be at least 1")
    clock = time.process_time if processor else time.perf_counter
    run()
    spent = []
    for _ in range(repeat):
        start = clock()
        run()
        spent.append(clock() - start)
    return min(spent)


def matrix_products(function: Callable[..., Any], /, *arguments: Any) -> int:
    """How many products of matrices (or with vectors) are in the program that JAX makes of `function`: a count of work.

    Shapes: a number.
    Cost: none beyond one tracing; nothing is computed.
    Errors: those of `function` for JAX arrays.

    >>> import numpy as np
    >>> A = np.ones((2, 2))
    >>> matrix_products(lambda x: A @ (A @ x), A)
    2
    """
    import jax

    def count(program: Any) -> int:
        inner = (value for equation in program.eqns for value in equation.params.values())
        return sum(equation.primitive.name == "dot_general" for equation in program.eqns) + sum(
            count(getattr(one, "jaxpr", one)) for one in inner if hasattr(one, "jaxpr") or hasattr(one, "eqns")
        )

    return count(jax.make_jaxpr(function)(*arguments).jaxpr)


def slope(x: Sequence[Any], y: Sequence[Any], /) -> float:
    r"""The exponent $p$ of the power law $y\propto x^p$ that fits best: least squares of $\ln y$ on $\ln x$.

    Shapes: two sequences of one length, at least 2, of positive numbers.
    Cost: one pass over the numbers.
    Errors: ValueError if a number is not positive, or for sequences of two lengths.

    >>> round(slope([1, 2, 4], [3, 12, 48]), 12)
    2.0
    """
    if len(x) != len(y) or len(x) < 2 or min(*x, *y) <= 0:
        raise ValueError("x and y must be positive, of one length, and at least two")
    u, v = [math.log(float(one)) for one in x], [math.log(float(one)) for one in y]
    mean_u, mean_v = math.fsum(u) / len(u), math.fsum(v) / len(v)
    return math.fsum((a - mean_u) * (b - mean_v) for a, b in zip(u, v, strict=True)) / math.fsum(
        (a - mean_u) ** 2 for a in u
    )


def table(head: Sequence[str], rows: Iterable[Sequence[Any]], /) -> Any:
    """A table of Markdown that a notebook and the book show; every cell is what ``str`` makes of it.

    Shapes: rows as long as the head.
    Cost: none to speak of.
    Errors: ValueError if a row has another length than the head.

    >>> print(table(["n", "square"], [[2, 4], [3, 9]]).data)
    | n | square |
    |---|---|
    | 2 | 4 |
    | 3 | 9 |
    """
    from IPython.display import Markdown

    lines = [f"| {' | '.join(head)} |", "|" + "---|" * len(head)]
    for row in rows:
        if len(row) != len(head):
            raise ValueError(f"a row has {len(row)} cells; the head has {len(head)}")
        lines.append(f"| {' | '.join(map(str, row))} |")
    return Markdown("\n".join(lines))


def comparison(*checks: Check) -> Any:
    """The table of checks: what was compared, how far it is off, and what was allowed. A failed check raises.

    Shapes: a row for each check.
    Cost: none; the checks are made already.
    Errors: AssertionError with the check that failed.

    >>> print(comparison(Check("JAX", 1e-15, 1e-12)).data)
    | compared | largest relative difference | allowed |
    |---|---|---|
    | JAX | 1.0e-15 | 1.0e-12 |
    """
    for check in checks:
        assert check.passed, str(check)
    head = ["compared", "largest relative difference", "allowed"]
    return table(head, [[c.oracle, figure(c.agreement), figure(c.tolerance)] for c in checks])
