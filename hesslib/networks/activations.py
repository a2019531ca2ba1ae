r"""Elementwise activations $h$ with $h'$, $h''$, $h'''$: a table of the usual ones, any other from SymPy.

The table is typed in the form that keeps its digits at every argument: $\sigma(a)=e^{-\operatorname{softplus}(-a)}$ for
the logistic function, and for the slope of the tanh $1-h^2$ only where that is not small, else $4e/(1+e)^2$ with
$e=e^{-2|a|}$. A relative error is a few roundings, and what the rounding of $a$ itself makes of it. That each entry is
the derivative of the one before is not taken on trust: the tests run these functions on a SymPy symbol and compare with
SymPy's own derivative. What the derivatives of an activation have in common, such as the tanh itself, is computed once
where several are asked for: that is what `Activation.derivatives` is for.

Longer than one sitting: a table, one row for each activation.
"""

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from itertools import islice
from typing import TYPE_CHECKING

import array_api_compat
from jaxtyping import Float

from hesslib._arrays import Array, Namespace
from hesslib.networks._normal import cdf, density

if TYPE_CHECKING:
    import sympy

__all__ = ["ACTIVATIONS", "Activation"]

Elementwise = Callable[[Namespace, Array], Array]  # (namespace, a) -> array of a's shape
InTurn = Callable[[Namespace, Array], Iterator[Array]]  # yields h, h', h'', h''' from what they share


@dataclass(frozen=True)
class Activation:
    """What a hidden unit does to its input: a function of one number, with its first three derivatives.

    An elementwise function $h$ with its first three derivatives.

    Calling it gives $h(a)$; `first` gives $h'(a)$, `second` $h''(a)$, `third` $h'''(a)$; `derivatives` gives all of
    them up to an order for little more than the price of one. Two activations are equal if their names and functions
    are: they serve as static arguments under ``jit``.

    Equation: activation.
    Shapes: each of the shape and dtype of `a`.
    Cost: a few operations for each entry; memory that of the result and of what the formula needs on the way.
    Errors: ValueError from `from_expression` alone.

    >>> import numpy as np
    >>> ACTIVATIONS["tanh"].first(np.array([0.0]))
    array([1.])
    """

    name: str  # what it is called in messages
    functions: tuple[Elementwise, Elementwise, Elementwise, Elementwise] = field(repr=False)  # h, h', h'', h'''
    in_turn: InTurn | None = field(default=None, repr=False)  # yields the four from what they have in common

    def __call__(self, a: Float[Array, "*shape"], /) -> Float[Array, "*shape"]:
        """Return $h(a)$."""
        return self.functions[0](array_api_compat.array_namespace(a), a)

    def first(self, a: Float[Array, "*shape"], /) -> Float[Array, "*shape"]:
        """Return $h'(a)$."""
        return self.functions[1](array_api_compat.array_namespace(a), a)

    def second(self, a: Float[Array, "*shape"], /) -> Float[Array, "*shape"]:
        """Return $h''(a)$."""
        return self.functions[2](array_api_compat.array_namespace(a), a)

    def third(self, a: Float[Array, "*shape"], /) -> Float[Array, "*shape"]:
        """Return $h'''(a)$."""
        return self.functions[3](array_api_compat.array_namespace(a), a)

    def derivatives(self, a: Float[Array, "*shape"], order: int, /) -> tuple[Array, ...]:
        r"""Return $h(a),h'(a),\dots$ up to the derivative of the given order, at most the third.

        >>> import numpy as np
        >>> ACTIVATIONS["tanh"].derivatives(np.array([0.0]), 3)
        (array([0.]), array([1.]), array([-0.]), array([-2.]))
        """
        xp = array_api_compat.array_namespace(a)
        if self.in_turn is not None:
            return tuple(islice(self.in_turn(xp, a), order + 1))
        return tuple(function(xp, a) for function in self.functions[: order + 1])

    @staticmethod
    def from_expression(name: str, expression: "sympy.Expr", symbol: "sympy.Symbol", /) -> "Activation":
        """Return the activation $h(a)$ that a SymPy expression in one symbol stands for.

        SymPy derives $h'$, $h''$ and $h'''$. Where $h$ has a kink or a jump they are the derivatives on either side of
        it (almost everywhere). The expression is evaluated as it is written: one that overflows, such as ``log(1 +
        exp(a))``, overflows here as well.

        Cost: three symbolic derivatives, once.
        Errors: ValueError if the expression contains another symbol, is not real, or contains a function that has no
        counterpart in the array API.

        >>> import numpy as np, sympy
        >>> a = sympy.Symbol("a")
        >>> cube = Activation.from_expression("cube", a**3, a)
        >>> cube.second(np.array([2.0]))
        array([12.])
        """
        from hesslib.networks._sympy_activation import compile_derivatives

        return Activation(name, compile_derivatives(expression, symbol))


def resolve(activation: str | Activation, /) -> Activation:
    """Return the activation that a name stands for, or the activation itself."""
    if isinstance(activation, Activation):
        return activation
    if not isinstance(activation, str) or activation not in ACTIVATIONS:
        known = ", ".join(ACTIVATIONS)
        raise ValueError(f"activation is {activation!r}; it must be an Activation or one of {known}")
    return ACTIVATIONS[activation]


# Each function takes the namespace xp and the argument a; the suffix counts the primes.


def softplus(xp: Namespace, a: Array) -> Array:
    return xp.logaddexp(xp.zeros_like(a), a)


def logistic(xp: Namespace, a: Array) -> Array:
    return xp.exp(-softplus(xp, -a))


def logistic_1(xp: Namespace, a: Array) -> Array:
    return logistic(xp, a) * logistic(xp, -a)


def logistic_2(xp: Namespace, a: Array) -> Array:
    return -logistic_1(xp, a) * xp.tanh(a / 2)


def logistic_3(xp: Namespace, a: Array) -> Array:
    slope = logistic_1(xp, a)
    return slope * (1 - 6 * slope)


def logistic_in_turn(xp: Namespace, a: Array) -> Iterator[Array]:
    s = softplus(xp, -a)
    z, rest = xp.exp(-s), xp.exp(-s - a)  # rest = 1 - z without cancellation
    yield z
    slope = z * rest
    yield slope
    yield -slope * xp.tanh(a / 2)  # rest - z would cancel near 0
    yield slope * (1 - 6 * slope)


def softplus_in_turn(xp: Namespace, a: Array) -> Iterator[Array]:
    yield softplus(xp, a)
    yield from logistic_in_turn(xp, a)


def tanh(xp: Namespace, a: Array) -> Array:
    return xp.tanh(a)


def tanh_1(xp: Namespace, a: Array) -> Array:
    return _square_of_sech(xp, a, xp.tanh(a))


def tanh_2(xp: Namespace, a: Array) -> Array:
    z = xp.tanh(a)
    return -2 * z * _square_of_sech(xp, a, z)


def tanh_3(xp: Namespace, a: Array) -> Array:
    slope = tanh_1(xp, a)
    return slope * (4 - 6 * slope)


def tanh_in_turn(xp: Namespace, a: Array) -> Iterator[Array]:
    z = xp.tanh(a)
    yield z
    slope = _square_of_sech(xp, a, z)
    yield slope
    yield -2 * z * slope
    yield slope * (4 - 6 * slope)


def _square_of_sech(xp: Namespace, a: Array, z: Array) -> Array:
    """1 - z^2 where z = tanh(a) is small; elsewhere from e^(-2|a|), which 1 - z^2 would lose to rounding."""
    e = xp.exp(-2 * xp.abs(a))
    return xp.where(xp.abs(z) < 0.5, 1 - z * z, 4 * e / (1 + e) ** 2)


def sin(xp: Namespace, a: Array) -> Array:
    return xp.sin(a)


def sin_1(xp: Namespace, a: Array) -> Array:
    return xp.cos(a)


def sin_2(xp: Namespace, a: Array) -> Array:
    return -xp.sin(a)


def sin_3(xp: Namespace, a: Array) -> Array:
    return -xp.cos(a)


def sin_in_turn(xp: Namespace, a: Array) -> Iterator[Array]:
    z = xp.sin(a)
    yield z
    slope = xp.cos(a)
    yield slope
    yield -z
    yield -slope


def gelu(xp: Namespace, a: Array) -> Array:
    return a * cdf(xp, a)


def gelu_1(xp: Namespace, a: Array) -> Array:
    return cdf(xp, a) + a * density(xp, a)


def gelu_2(xp: Namespace, a: Array) -> Array:
    return (2 - a**2) * density(xp, a)


def gelu_3(xp: Namespace, a: Array) -> Array:
    return a * (a**2 - 4) * density(xp, a)


def gelu_in_turn(xp: Namespace, a: Array) -> Iterator[Array]:
    share, weight = cdf(xp, a), density(xp, a)
    yield a * share
    yield share + a * weight
    yield (2 - a**2) * weight
    yield a * (a**2 - 4) * weight


def gelu_tanh(xp: Namespace, a: Array) -> Array:
    return next(gelu_tanh_in_turn(xp, a))


def gelu_tanh_1(xp: Namespace, a: Array) -> Array:
    return _last_of(gelu_tanh_in_turn, xp, a, 1)


def gelu_tanh_2(xp: Namespace, a: Array) -> Array:
    return _last_of(gelu_tanh_in_turn, xp, a, 2)


def gelu_tanh_3(xp: Namespace, a: Array) -> Array:
    return _last_of(gelu_tanh_in_turn, xp, a, 3)


def gelu_tanh_in_turn(xp: Namespace, a: Array) -> Iterator[Array]:
    end = END_OF_FIT * xp.ones_like(a)  # beyond it the gate is 0 or 1 to the last digit, and its slope 0
    c = xp.where(a > end, end, xp.where(a < -end, -end, a))
    v = 2 * FIT * c * (1 + CUBE * c**2)  # the gate is the logistic function of v, which is (1 + tanh(v/2)) / 2
    v_1, v_2, v_3 = 2 * FIT * (1 + 3 * CUBE * c**2), 12 * FIT * CUBE * c, 12 * FIT * CUBE
    gate, slope, _, third = logistic_in_turn(xp, v)
    yield a * gate
    yield gate + c * slope * v_1
    t = xp.tanh(v / 2)
    yield slope * (2 * v_1 + c * v_2 - c * v_1**2 * t)
    yield slope * (3 * v_2 + c * v_3 - 3 * v_1 * t * (v_1 + c * v_2)) + third * c * v_1**3


FIT, CUBE = math.sqrt(2 / math.pi), 0.044715  # the normal distribution function is fitted by (1 + tanh(FIT ...)) / 2
END_OF_FIT = 32.0


def _last_of(in_turn: InTurn, xp: Namespace, a: Array, order: int) -> Array:
    """The derivative of this order alone."""
    return next(islice(in_turn(xp, a), order, None))


def silu(xp: Namespace, a: Array) -> Array:
    return a * logistic(xp, a)


def silu_1(xp: Namespace, a: Array) -> Array:
    return logistic(xp, a) + a * logistic_1(xp, a)


def silu_2(xp: Namespace, a: Array) -> Array:
    return logistic_1(xp, a) * (2 - a * xp.tanh(a / 2))


def silu_3(xp: Namespace, a: Array) -> Array:
    slope = logistic_1(xp, a)
    return slope * (a * (1 - 6 * slope) - 3 * xp.tanh(a / 2))


def silu_in_turn(xp: Namespace, a: Array) -> Iterator[Array]:
    gate, slope, _, _ = logistic_in_turn(xp, a)
    half = xp.tanh(a / 2)
    yield a * gate
    yield gate + a * slope
    yield slope * (2 - a * half)
    yield slope * (a * (1 - 6 * slope) - 3 * half)


def relu(xp: Namespace, a: Array) -> Array:
    return xp.where(a > 0, a, xp.zeros_like(a))


def relu_1(xp: Namespace, a: Array) -> Array:
    return xp.where(a > 0, xp.ones_like(a), xp.zeros_like(a))


def identity(_: Namespace, a: Array) -> Array:
    return a


def one(xp: Namespace, a: Array) -> Array:
    return xp.ones_like(a)


def zero(xp: Namespace, a: Array) -> Array:
    return xp.zeros_like(a)


ACTIVATIONS: dict[str, Activation] = {
    activation.name: activation
    for activation in (
        Activation("tanh", (tanh, tanh_1, tanh_2, tanh_3), tanh_in_turn),
        Activation("logistic", (logistic, logistic_1, logistic_2, logistic_3), logistic_in_turn),
        Activation("softplus", (softplus, logistic, logistic_1, logistic_2), softplus_in_turn),
        Activation("sin", (sin, sin_1, sin_2, sin_3), sin_in_turn),
        # a times the normal distribution function, not the tanh fit to it
        Activation("gelu", (gelu, gelu_1, gelu_2, gelu_3), gelu_in_turn),
        Activation("gelu_tanh", (gelu_tanh, gelu_tanh_1, gelu_tanh_2, gelu_tanh_3), gelu_tanh_in_turn),  # that fit
        Activation("silu", (silu, silu_1, silu_2, silu_3), silu_in_turn),
        Activation("relu", (relu, relu_1, zero, zero)),  # h'(0) = 0 by choice; h'' leaves out the impulse at 0
        Activation("identity", (identity, one, zero, zero)),
    )
}
"""The activations that have a name, by it."""
