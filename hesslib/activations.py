r"""Elementwise activations $h$ with $h'$ and $h''$: a table of the usual ones, and any other from a SymPy expression.

The table is typed in the form that is stable for every argument: $1-h^2$ for the tanh, and for the logistic function
$\sigma(a)=e^{-\operatorname{softplus}(-a)}$, which neither overflows nor loses the digits of its small values. That
each entry is the derivative of the one before is not taken on trust: the tests run these functions on a SymPy symbol
and compare with SymPy's own derivative.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import array_api_compat
from jaxtyping import Float

from hesslib._arrays import Array, Namespace
from hesslib._normal import cdf, density

if TYPE_CHECKING:
    import sympy

Elementwise = Callable[[Namespace, Array], Array]  # (namespace, a) -> array of a's shape


@dataclass(frozen=True)
class Activation:
    r"""An elementwise function $h$ with its first two derivatives.

    Calling it gives $h(a)$; `first` gives $h'(a)$ and `second` gives $h''(a)$, each of the shape and dtype of `a`.
    Two activations are equal if their names and functions are: they serve as static arguments under ``jit``.

    >>> import numpy as np
    >>> ACTIVATIONS["tanh"].first(np.array([0.0]))
    array([1.])
    """

    name: str
    functions: tuple[Elementwise, Elementwise, Elementwise] = field(repr=False)

    def __call__(self, a: Float[Array, "*shape"], /) -> Float[Array, "*shape"]:
        return self.functions[0](array_api_compat.array_namespace(a), a)

    def first(self, a: Float[Array, "*shape"], /) -> Float[Array, "*shape"]:
        return self.functions[1](array_api_compat.array_namespace(a), a)

    def second(self, a: Float[Array, "*shape"], /) -> Float[Array, "*shape"]:
        return self.functions[2](array_api_compat.array_namespace(a), a)

    @staticmethod
    def from_expression(name: str, expression: "sympy.Expr", symbol: "sympy.Symbol", /) -> "Activation":
        r"""Return the activation $h(a)$ that a SymPy expression in one symbol stands for.

        SymPy derives $h'$ and $h''$. Where $h$ has a kink or a jump they are the derivatives on either side of it
        (almost everywhere). The expression is evaluated as it is written: one that overflows, such as
        ``log(1 + exp(a))``, overflows here as well.

        Raises ValueError if the expression contains another symbol, is not real, or contains a function that has no
        counterpart in the array API.

        >>> import numpy as np, sympy
        >>> a = sympy.Symbol("a")
        >>> cube = Activation.from_expression("cube", a**3, a)
        >>> cube.second(np.array([2.0]))
        array([12.])
        """
        from hesslib._sympy_activation import compiled_derivatives

        return Activation(name, compiled_derivatives(expression, symbol))


def resolve(activation: str | Activation, /) -> Activation:
    """Return the activation that a name stands for, or the activation itself."""
    if isinstance(activation, Activation):
        return activation
    if activation not in ACTIVATIONS:
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


def tanh(xp: Namespace, a: Array) -> Array:
    return xp.tanh(a)


def tanh_1(xp: Namespace, a: Array) -> Array:
    return 1 - xp.tanh(a) ** 2


def tanh_2(xp: Namespace, a: Array) -> Array:
    z = xp.tanh(a)
    return -2 * z * (1 - z**2)


def sin(xp: Namespace, a: Array) -> Array:
    return xp.sin(a)


def sin_1(xp: Namespace, a: Array) -> Array:
    return xp.cos(a)


def sin_2(xp: Namespace, a: Array) -> Array:
    return -xp.sin(a)


def gelu(xp: Namespace, a: Array) -> Array:
    return a * cdf(xp, a)


def gelu_1(xp: Namespace, a: Array) -> Array:
    return cdf(xp, a) + a * density(xp, a)


def gelu_2(xp: Namespace, a: Array) -> Array:
    return (2 - a**2) * density(xp, a)


def silu(xp: Namespace, a: Array) -> Array:
    return a * logistic(xp, a)


def silu_1(xp: Namespace, a: Array) -> Array:
    return logistic(xp, a) + a * logistic_1(xp, a)


def silu_2(xp: Namespace, a: Array) -> Array:
    return logistic_1(xp, a) * (2 - a * xp.tanh(a / 2))


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
        Activation("tanh", (tanh, tanh_1, tanh_2)),
        Activation("logistic", (logistic, logistic_1, logistic_2)),
        Activation("softplus", (softplus, logistic, logistic_1)),
        Activation("sin", (sin, sin_1, sin_2)),
        Activation("gelu", (gelu, gelu_1, gelu_2)),  # a times the normal distribution function, not the tanh fit to it
        Activation("silu", (silu, silu_1, silu_2)),
        Activation("relu", (relu, relu_1, zero)),  # h'(0) = 0 by choice; h'' leaves out the impulse at 0
        Activation("identity", (identity, one, zero)),
    )
}
