r"""The product $Hv$ as one program, compiled from the six formulas of the R-operator at any depth.

Loops and base cases are all that is written here; every right-hand side is the result of a derivation. A formula may be
exchanged for another, so that what a slip does can be measured.
"""

from __future__ import annotations

from typing import Any

from sympy import Expr

from hesslib.calculus.einsum_program import Program
from hesslib.calculus.index import Tensor

from .deep_hessian import R_backward, R_forward, R_gradient, backpropagation
from .network import L, R, a, definitions, delta, i, j, k, l, n, z

Rgw = Tensor("Rgw", layers=1, shape=lambda y: (n[y], n[y - 1]))
Rgb = Tensor("Rgb", layers=1, shape=lambda y: (n[y],))


def formulas() -> dict[str, Expr]:
    """The right-hand sides, by the names that they have in the program."""
    (pre, post), (output, hidden), (weight, bias) = R_forward(), R_backward(), R_gradient()
    return {
        "Ra": pre.result,
        "Rz": post.result,
        "Rdelta at the top": output.result,
        "Rdelta": hidden.result,
        "Rgw": weight.result,
        "Rgb": bias.result,
    }


def program(changed: dict[str, Expr] | None = None, /) -> Program:
    r"""The program of :func:`formulas`, or of these with some `changed`."""
    line = formulas() | (changed or {})
    made = Program("derived_Hv", "L, w, b, v, u, x, delta_L, M_L, h0, h1, h2")
    made.line("a, z, delta = {}, {0: x}, {}")
    made.line("Ra, Rz, Rdelta, Rgw, Rgb = {}, {0: 0 * x}, {}, {}, {}")
    with made.loop(l, 1, L):
        made.assign(a[l, j], definitions[a](l, j))
        made.assign(R.named(a[l, j]), line["Ra"])
        made.assign(z[l, j], definitions[z](l, j))
        made.assign(R.named(z[l, j]), line["Rz"])
    made.line("delta[L], M = delta_L(a[L]), M_L(a[L])")
    made.assign(R.named(delta[L, k]), line["Rdelta at the top"])
    with made.loop(l, L - 1, 1, down=True):
        made.assign(delta[l, j], backpropagation().result)
        made.assign(R.named(delta[l, j]), line["Rdelta"])
    with made.loop(l, 1, L):
        made.assign(Rgw[l, j, i], line["Rgw"])
        made.assign(Rgb[l, j], line["Rgb"])
    made.line("return Rgw, Rgb")
    return made


def run(function: Any, net: Any, weights: Any, x: Any, t: Any, direction: Any, /) -> Any:
    """The product by a compiled program, for a network with hidden layers of one activation, as a flat vector."""
    (W, b), (V, U), h = net.layers(weights), net.layers(direction), net.activation[0]
    gw, gb = function(net.L, W, b, V, U, x, lambda a: net.loss.delta(a, t), net.loss.M, h, h.first, h.second)
    layers = range(1, net.L + 1)
    return net.ravel([gw[layer] for layer in layers], [gb[layer] for layer in layers])
