r"""Two number systems for the second decider: a prime field that imitates the real numbers, and the real numbers.

The field has $p_0=2p_1+1$ elements, where $p_1=2p_2+1$ and $p_2$ are primes too. Its squares, other than 0, play the
positive numbers: -1 is no square, and they form a group of prime order $p_1$ under multiplication, so that $x^y$ has a
meaning for every square $x$ and every $y$ modulo $p_1$. Exponents are therefore numbers of the second field, with

    x^(y+z) = x^y x^z,    (x^y)^z = x^(yz),    (xy)^z = x^z y^z,    sqrt(x^2) = |x|

exactly, and so for $e^x$, where e is some square. Every quantity has independent values in the three fields. Whatever
else is not rational (logarithms, elementwise functions) has arbitrary values, which depend on its arguments only.

Longer than one sitting: the two number systems answer the same questions, one beside the other.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from fractions import Fraction
from typing import Any

import mpmath

PRIMES = (2305843009213603799, 1152921504606801899, 576460752303400949)
"""A Cunningham chain: each is one more than twice the next."""


class NoValueError(ArithmeticError):
    """The formula has no value at these numbers: something is divided by zero, or an index leaves its range."""


class NoRootError(NoValueError):
    """The root or the logarithm of a number that is not positive; at other numbers there may be one."""


class UndecidableError(ValueError):
    """The formula contains something that this module gives no value to."""


def digest(*key: Any) -> int:
    """A number of 128 bits that depends on the key only, the same in every run."""
    return int.from_bytes(hashlib.blake2b(repr(key).encode(), digest_size=16).digest(), "big")


class Residues:
    """The field of ``PRIMES[level]`` elements, with random values drawn by key.

    >>> field = Residues("seed")
    >>> x, y, z = field.draw("x", positive=True), field.exponents.draw("y"), field.exponents.draw("z")
    >>> field.product([field.power(x, y), field.power(x, z)]) == field.power(x, (y + z) % PRIMES[1])
    True
    """

    def __init__(self, seed: str, level: int = 0) -> None:
        self.seed, self.level, self.p = seed, level, PRIMES[level]
        self._drawn: dict[Any, int] = {}

    @property
    def exponents(self) -> Residues:
        """The field of the exponents of this one."""
        if self.level + 1 == len(PRIMES):
            raise UndecidableError(f"an exponential of an exponential, more than {len(PRIMES) - 1} deep")
        if not hasattr(self, "_exponents"):
            self._exponents = Residues(self.seed, self.level + 1)
        return self._exponents

    def draw(self, key: Any, *, positive: bool = False) -> int:
        """The value of a quantity: any number, or any square."""
        if key not in self._drawn:
            x = 1 + digest(self.seed, self.level, key) % (self.p - 1)
            self._drawn[key] = x * x % self.p if positive else x
        return self._drawn[key]

    def number(self, top: int, bottom: int = 1) -> int:
        return top % self.p if bottom == 1 else top * self.inverse(bottom % self.p) % self.p

    def sum(self, xs: Sequence[int]) -> int:
        return sum(xs) % self.p

    def product(self, xs: Sequence[int]) -> int:
        out = 1
        for x in xs:
            out = out * x % self.p
        return out

    def inverse(self, x: int) -> int:
        if x == 0:
            raise NoValueError("it divides by zero")
        return pow(x, -1, self.p)

    def integer_power(self, x: int, n: int) -> int:
        return pow(x, n, self.p) if n >= 0 else pow(self.inverse(x), -n, self.p)

    def power(self, x: int, y: int) -> int:
        """$x^y$ for a square x, with y from the field of exponents."""
        if not self.is_positive(x):
            raise NoRootError("a root, or a power, of what is not positive")
        return pow(x, y, self.p)

    def is_positive(self, x: int) -> bool:
        """Whether x is a square other than 0."""
        return pow(x, (self.p - 1) // 2, self.p) == 1

    def constant(self, name: str) -> int:
        """Pi, e and their kind: positive, and otherwise arbitrary."""
        return self.draw(("constant", name), positive=True)

    def unknown(self, name: str, order: int, args: Sequence[int]) -> int:
        """The value of a function of which nothing is known, or of one of its derivatives."""
        return self.draw(("function", name, order, *args))

    def function(self, name: str, args: Sequence[int]) -> int:
        """The value of one of SymPy's functions: of most of them nothing is known here either."""
        if name in ("Abs", "sign"):
            (x,) = args
            sign = 0 if x == 0 else 1 if self.is_positive(x) else -1
            return sign % self.p if name == "sign" else sign * x % self.p
        return self.unknown(name, 0, args)

    def step(self) -> int:
        """The step of a difference quotient."""
        return self.draw("step")


class Reals:
    """Numbers with 100 digits; quantities are small integers, unknown functions polynomials, known ones themselves.

    >>> Reals("seed").function("cos", [mpmath.mpf(0)])
    mpf('1.0')
    """

    DIGITS = 100
    DEGREE = 4

    def __init__(self, seed: str, *, positive: bool = False) -> None:
        self.seed, self.positive = seed, positive
        self.drawn: dict[Any, int] = {}
        self.level = 0

    @property
    def exponents(self) -> Reals:
        return self

    def draw(self, key: Any, *, positive: bool = False) -> Any:
        if key not in self.drawn:
            choices = [1, 2, 3, 4, 5, 7] if positive or self.positive else [1, 2, 3, -1, -2, 5, -3, 4]
            self.drawn[key] = choices[digest(self.seed, key) % len(choices)]
        return mpmath.mpf(self.drawn[key])

    def number(self, top: int, bottom: int = 1) -> Any:
        return mpmath.mpf(top) / bottom

    def sum(self, xs: Sequence[Any]) -> Any:
        return mpmath.fsum(xs)

    def product(self, xs: Sequence[Any]) -> Any:
        return mpmath.fprod(xs)

    def integer_power(self, x: Any, n: int) -> Any:
        if x == 0 and n < 0:
            raise NoValueError("it divides by zero")
        return x**n

    def inverse(self, x: Any) -> Any:
        return self.integer_power(x, -1)

    def power(self, x: Any, y: Any) -> Any:
        if x <= 0:
            raise NoRootError("a root, or a power, of what is not positive")
        return mpmath.power(x, y)

    def is_positive(self, x: Any) -> bool:
        return x > 0

    def constant(self, name: str) -> Any:
        known = {"pi": mpmath.pi, "E": mpmath.e, "EulerGamma": mpmath.euler, "GoldenRatio": mpmath.phi}
        if name not in known:
            raise UndecidableError(f"the number {name}")
        return +known[name]

    def unknown(self, name: str, order: int, args: Sequence[Any]) -> Any:
        """A polynomial does for an unknown function: its derivatives are at hand."""
        mix = [1] if len(args) == 1 else [self.draw(("coefficient", name, "of", k)) for k in range(len(args))]
        x = mpmath.fdot(mix, args)
        powers = range(order, self.DEGREE + 1)
        return mpmath.fsum(self.draw(("coefficient", name, k)) * mpmath.ff(k, order) * x ** (k - order) for k in powers)

    def function(self, name: str, args: Sequence[Any]) -> Any:
        """One of SymPy's functions, as mpmath knows it."""
        known = getattr(mpmath, {"Abs": "fabs", "ceiling": "ceil"}.get(name, name), None)
        if known is None:
            raise UndecidableError(f"the function {name}")
        try:
            out = known(*args)
        except (ValueError, ZeroDivisionError, TypeError) as why:
            raise NoRootError(f"{name} has no value there: {why}") from None
        if isinstance(out, mpmath.mpc) or not mpmath.isfinite(out):
            raise NoRootError(f"{name} outside its domain")
        return out

    def step(self) -> Any:
        return mpmath.mpf(10) ** -16


def as_text(x: Any) -> str:
    """A real number in words: a fraction if it is a simple one, else its first digits."""
    simple = Fraction(mpmath.nstr(x, 60)).limit_denominator(1000)
    if abs(x - mpmath.mpf(simple.numerator) / simple.denominator) < mpmath.mpf(10) ** -12:
        return str(simple)
    return mpmath.nstr(x, 7)
