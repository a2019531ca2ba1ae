r"""What `any_layer` derives, as two programs: every block of the Hessian, and its product with a vector.

Each layer hands over its arrays $J$, $K$, $\Phi$, $\Psi$, $\Omega$, with a batch axis in front. Loops and base cases
are all that is written here; every right-hand side is the result of a derivation.
"""

from __future__ import annotations

from hesslib.calculus.einsum_program import Program
from hesslib.calculus.index import Diff, Operator, Tensor

from . import any_layer as of
from .any_layer import B, G, P, delta, i, j, k, l, m, r, s, z
from .network import L

__all__ = ["gauss_newton_program", "gradient_program", "hessian_program", "product_program"]

H = Tensor("H", layers=2, shape=lambda y, x: (P[y], P[x]))
g = Tensor("g", layers=1, shape=lambda y: (P[y],))
Hv = Tensor("Hv", layers=1, shape=lambda y: (P[y],))
ARRAYS = "J, K, Phi, Psi, Omega, M, delta"


def gradient_program() -> Program:
    """The signals of all layers, from that of the last one, and the gradient; the signals are kept in ``delta``."""
    made = Program("gradient", "L, J, K, delta")
    made.line("g = {}")
    with made.loop(l, L, 1, down=True):
        made.assign(g[l, r], of.gradient().result)
        made.assign(delta[l - 1, i], of.signal().result)
    made.line("return g")
    return made


def _sweeps(made: Program) -> None:
    made.line("G[l][l] = eye(n[l])[None]  # the same for every pattern")
    with made.loop(m, l + 1, L):
        made.assign(G[m, l, k, j], of.forward_sweep().result)
    made.assign(B[L, l, k, j], of.backward_base().result)
    with made.loop(m, L, l + 1, down=True):
        made.assign(B[m - 1, l, i, j], of.backward_sweep().result)


def hessian_program() -> Program:
    """All blocks with m >= l, summed over the patterns."""
    made = Program("hessian", f"L, n, {ARRAYS}")
    made.line("G, B, H = ({y: {} for y in range(1, L + 1)} for _ in 'GBH')")
    with made.loop(l, 1, L):
        _sweeps(made)
        with made.loop(m, l + 1, L):
            made.assign(H[m, l, r, s], of.block().result)
        made.assign(H[l, l, r, s], of.block_same_layer().result)
    made.line("return H")
    return made


def gauss_newton_program() -> Program:
    """The Gauss-Newton blocks: the forward sweep is all that is needed."""
    made = Program("gauss_newton", "L, n, J, K, M")
    made.line("G, H = ({y: {} for y in range(1, L + 1)} for _ in 'GH')")
    with made.loop(l, 1, L):
        made.line("G[l][l] = eye(n[l])[None]")
        with made.loop(m, l + 1, L):
            made.assign(G[m, l, k, j], of.forward_sweep().result)
    with made.loop(l, 1, L), made.loop(m, l, L):
        made.assign(H[m, l, r, s], of.gauss_newton().result)
    made.line("return H")
    return made


def product_program() -> Program:
    """The Hessian times a vector, by one pass forward and one backward."""
    R = Operator("R")
    made = Program("product", f"L, {ARRAYS}, v, Rz")
    made.line("Rdelta, Hv = {}, {}")
    with made.loop(l, 1, L):
        made.assign(Diff(R, z[l, k]), of.R_forward().result)
    output, hidden = of.R_backward()
    made.assign(Diff(R, delta[L, k]), output.result)
    with made.loop(l, L, 1, down=True):
        made.assign(Hv[l, r], of.R_gradient().result)
        made.assign(Diff(R, delta[l - 1, i]), hidden.result)
    made.line("return Hv")
    return made
