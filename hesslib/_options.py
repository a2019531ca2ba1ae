"""What every public door asks of an option: a choice, a number, a count, a function; each refusal names the option."""

import math
import operator
from collections.abc import Collection, Iterable
from numbers import Real
from typing import Any

import numpy as np


def one_of(name: str, value: Any, choices: Collection[str], /) -> None:
    """Refuse what is none of the choices.

    >>> one_of("method", "obd", ("obd", "obs"))
    """
    if not isinstance(value, str) or value not in choices:
        raise ValueError(f"{name} is {value!r}; it must be one of {', '.join(choices)}")


def real_number(name: str, value: Any, /, *, positive: bool = False) -> float:
    """Return a finite number that is not negative, or that is positive; a 0-d array of any library is one.

    >>> real_number("decay", np.float32(0.5))
    0.5
    """
    wanted = "positive and finite" if positive else "finite and not negative"
    is_number = isinstance(value, Real | np.number) or getattr(value, "shape", None) == ()
    if not is_number or isinstance(value, bool | np.bool_):
        raise ValueError(f"{name} is {value!r}; it must be a number, {wanted}")
    number = float(value)
    if not 0 <= number < math.inf or (positive and number == 0):
        raise ValueError(f"{name} is {value!r}; it must be {wanted}")
    return number


def whole_number(name: str, value: Any, /, least: int) -> int:
    """Return an option that counts something as an integer, once it is one and at least `least`."""
    number = integer(value)
    if number is None:
        raise ValueError(f"{name} is {value!r}; it must be an integer")
    if number < least:
        raise ValueError(f"{name} is {value!r}; it must be at least {least}")
    return number


def integer(value: Any, /) -> int | None:
    """Return the value as an integer if it is one; True and False are none.

    >>> integer(np.int8(3)), integer(True), integer(2.0)
    (3, None, None)
    """
    if isinstance(value, bool | np.bool_) or "bool" in str(getattr(value, "dtype", "")):
        return None
    try:
        return operator.index(value)
    except TypeError:
        return None


def input_numbers(inputs: Any, count: int, /) -> tuple[int, ...]:
    """Return the numbers of the inputs by which to derive, of so many; all of them for None.

    >>> input_numbers(None, 3), input_numbers([2, 0], 3)
    ((0, 1, 2), (2, 0))
    """
    if inputs is None:
        return tuple(range(count))
    numbers = [integer(d) for d in inputs] if isinstance(inputs, Iterable) else [None]
    checked = tuple(d for d in numbers if d is not None)
    if len(checked) < len(numbers):
        raise ValueError(f"inputs is {inputs!r}; it must be a sequence of input numbers")
    if not checked or len(set(checked)) < len(checked) or not all(0 <= d < count for d in checked):
        raise ValueError(f"inputs is {checked}; it must hold different numbers from 0 to {count - 1}")
    return checked


def function(name: str, value: Any, /) -> None:
    """Refuse what cannot be called."""
    if not callable(value):
        raise ValueError(f"{name} is a {type(value).__name__}; it must be a function")  # noqa: TRY004
