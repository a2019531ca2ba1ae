"""Names for the constants by which a derivative is off: 2, 1/N, 1/(N K), ..."""

from __future__ import annotations

from collections.abc import Mapping

PLAIN = {1.0: "", 2.0: "2", 0.5: "1/2", 4.0: "4", 0.25: "1/4", 3.0: "3", 1 / 3: "1/3"}
LIKELY = {1.0: ("", "1"), 2.0: ("2 ", "2"), 0.5: ("1/2 ", "1")}  # numbers that stand beside a size, and how


def names(c: float, sizes: Mapping[str, float], precision: float) -> list[str]:
    """What a positive constant may be: a plain number, a size or its inverse; if none of these, twice or half of one.

    >>> names(0.025, {"N": 10.0, "N K": 40.0}, 1e-9), names(0.05, {"N": 10.0, "N K": 40.0}, 1e-9)
    (['1/(N K) (N K = 40)'], ['2/(N K) (N K = 40)', '1/(2 N) (N = 10)'])
    """
    plain = [name for number, name in PLAIN.items() if name and _equal(c, number, precision)]
    sized: dict[float, list[str]] = {number: [] for number in LIKELY}
    for size, value in sizes.items():
        if value in (0.0, 1.0):
            continue
        bracketed = f"({size})" if " " in size else size
        for number, (times, over) in LIKELY.items():
            if _equal(c, number * value, precision):
                sized[number].append(f"{times}{size} ({size} = {value:g})")
            if _equal(c, number / value, precision):
                divisor = f"(2 {size})" if number == 0.5 else bracketed
                sized[number].append(f"{over}/{divisor} ({size} = {value:g})")
    return plain + sized[1.0] or sized[2.0] + sized[0.5]


def _equal(c: float, number: float, precision: float) -> bool:
    return abs(c - number) <= precision * number
