r"""How random weights scale what passes through a layer: independent, of mean 0 and variance $\sigma^2$.

Forward go activations $z_i$, to $a_j=\sum_iw_{ji}z_i$; backward go signals $\delta_j$, to $r_i=\sum_jw_{ji}\delta_j$.
"""

from __future__ import annotations

import sympy as sp
from sympy import Expr

from hesslib.calculus.index import KroneckerDelta, S, Tensor, index
from hesslib.calculus.steps import Formula, Steps

__all__ = ["backward", "forward", "independent"]

n, m = (sp.Symbol(name, integer=True, positive=True) for name in "nm")
"""Units before the layer, and in it."""
sigma = sp.Symbol("sigma", positive=True)
j, j_, i, i_ = index("j j' i i'")
z = Tensor("z", shape=(n,))
delta = Tensor("delta", latex=r"\delta", shape=(m,))
pair = Tensor("Meanww", latex=r"\langle ww\rangle", shape=(m, n, m, n))
r"""$\langle w_{ji}w_{j'i'}\rangle$."""
a_squared = Tensor("Meana2", latex=r"\langle a^2\rangle", shape=(m,))
r_squared = Tensor("Meanr2", latex=r"\langle r^2\rangle", shape=(n,))


def _pair(j: Expr, i: Expr, j_: Expr, i_: Expr) -> Expr:
    return sigma**2 * KroneckerDelta(j, j_) * KroneckerDelta(i, i_)


def independent() -> Formula:
    """What is known of the weights, an assumption."""
    return Formula(pair[j, i, j_, i_], _pair(j, i, j_, i_), established="assumption")


def forward() -> Steps:
    r"""The mean square of a pre-activation is $\sigma^2\sum_iz_i^2$."""

    def square(j: Expr) -> Expr:
        return S("i", n, lambda i: S("i'", n, lambda i_: pair[j, i, j, i_] * z[i] * z[i_]))

    chain = Steps(a_squared[j])
    chain.then(square(j), "a sum, squared", using={a_squared: square})
    return chain.then(sigma**2 * S("i", n, lambda i: z[i] ** 2), "independent weights", using={pair: _pair})


def backward() -> Steps:
    r"""The mean square of what a unit receives from above is $\sigma^2\sum_j\delta_j^2$."""

    def square(i: Expr) -> Expr:
        return S("j", m, lambda j: S("j'", m, lambda j_: pair[j, i, j_, i] * delta[j] * delta[j_]))

    chain = Steps(r_squared[i])
    chain.then(square(i), "a sum, squared", using={r_squared: square})
    return chain.then(sigma**2 * S("j", m, lambda j: delta[j] ** 2), "independent weights", using={pair: _pair})
