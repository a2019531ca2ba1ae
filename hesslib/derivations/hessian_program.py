r"""The exact Hessian at any depth as one program: the two sweeps, every block, and the blocks of the biases.

Loops and base cases are all that is written here; every right-hand side is the result of a derivation of
:mod:`hesslib.derivations.deep_hessian`.
"""

from __future__ import annotations

from typing import Any

from hesslib.calculus.einsum_program import Program
from hesslib.calculus.index import Tensor
from hesslib.calculus.matrix import MatrixFormula, diag, matrix
from hesslib.calculus.steps import Steps

from .deep_hessian import (
    backpropagation,
    backward_response,
    block,
    forward_response,
    output_response,
    weight_weight,
    weight_weight_same_layer,
)
from .network import B, G, L, a, b, definitions, delta, hp, hpp, i, j, k, l, m, n, p, w, z


def forward_sweep_in_matrices() -> MatrixFormula:
    r"""$G^{(m,l)}=W^{(m)}\,\mathrm{diag}(h')\,G^{(m-1,l)}$: one product, and one scaling of rows."""
    slopes = diag(matrix(a, m - 1).map(type(hp(m - 1, i))))
    return MatrixFormula(
        matrix(G, m, l), matrix(w, m, latex="W") @ (slopes @ matrix(G, m - 1, l)), forward_response(), k, j
    )


def backward_sweep_in_matrices() -> MatrixFormula:
    r"""$B^{(m,l)}$ from $G^{(m,l)}$ and $B^{(m+1,l)}$."""
    W = matrix(w, m + 1, latex="W")
    bend = matrix(a, m).map(type(hpp(m, k))) * (W.T @ matrix(delta, m + 1))
    slopes = diag(matrix(a, m).map(type(hp(m, k))))
    carried = slopes @ (W.T @ matrix(B, m + 1, l))
    return MatrixFormula(matrix(B, m, l), diag(bend) @ matrix(G, m, l) + carried, backward_response(), k, j)


def bias_blocks_above() -> tuple[Steps, Steps, Steps]:
    """Weight and bias, bias and weight, bias and bias, of layers m > l."""
    return block(w[m, k, p], b[l, j]), block(b[m, k], w[l, j, i]), block(b[m, k], b[l, j])


def bias_blocks_within() -> tuple[Steps, Steps]:
    """Weight and bias, bias and bias, of one layer."""
    return block(w[l, k, p], b[l, j]), block(b[l, k], b[l, j])


def _target(kinds: str) -> Tensor:
    """The array of the blocks of two kinds of parameters, each w or b."""

    def shape(y: Any, x: Any) -> tuple:
        first = (n[y], n[y - 1]) if kinds[0] == "w" else (n[y],)
        return (*first, n[x], n[x - 1]) if kinds[1] == "w" else (*first, n[x])

    return Tensor(f"H_{kinds}", layers=2, shape=shape)


def program() -> Program:
    """All blocks with m >= l, of a batch; the curvature and the signals of the loss are given as functions."""
    made = Program("deep_hessian", "L, n, x, w, b, delta_L, M_L, h0, h1, h2")
    made.line("layers = range(1, L + 1)")
    made.line("a, z, delta = {}, {0: x}, {}")
    made.line("G, B = ({y: {} for y in layers} for _ in 'GB')")
    made.line("H_ww, H_wb, H_bw, H_bb = ({y: {} for y in layers} for _ in 'HHHH')")
    with made.loop(l, 1, L):
        made.assign(a[l, j], definitions[a](l, j))
        made.assign(z[l, j], definitions[z](l, j))
    made.line("delta[L], M = delta_L(a[L]), M_L(a[L])")
    with made.loop(l, L - 1, 1, down=True):
        made.assign(delta[l, j], backpropagation().result)
    with made.loop(l, 1, L):
        made.line("# forward sweep; the identity is the same for every pattern")
        made.line("G[l][l] = eye(n[l])[None]")
        with made.loop(m, l + 1, L):
            made.assign(G[m, l, k, j], forward_response().result)
        made.line("# backward sweep")
        made.assign(B[L, l, k, j], output_response().result)
        with made.loop(m, L - 1, l, down=True):
            made.assign(B[m, l, k, j], backward_response().result)
        made.line("# the blocks")
        with made.loop(m, l + 1, L):
            above = (weight_weight(), *bias_blocks_above())
            for kinds, steps in zip(("ww", "wb", "bw", "bb"), above, strict=True):
                first, second = ((k, p) if kinds[0] == "w" else (k,)), ((j, i) if kinds[1] == "w" else (j,))
                made.assign(_target(kinds)[(m, l, *first, *second)], steps.result)
        weight_bias, bias_bias = bias_blocks_within()
        made.assign(_target("ww")[l, l, k, p, j, i], weight_weight_same_layer().result)
        made.assign(_target("wb")[l, l, k, p, j], weight_bias.result)
        made.assign(_target("bb")[l, l, k, j], bias_bias.result)
    made.line("return H_ww, H_wb, H_bw, H_bb")
    return made


def run(function: Any, net: Any, weights: Any, x: Any, t: Any, /) -> Any:
    """The whole matrix by the compiled program, for a network whose hidden layers have one activation."""
    import numpy as np

    (W, bias), layers = net.layers(weights), range(1, net.L + 1)
    h = net.activation[0] if net.activation else None
    slopes = (h, h.first, h.second) if h else (lambda a: a,) * 3  # without hidden layers nothing depends on them
    ww, wb, bw, bb = function(
        net.L,
        net.widths,
        x,
        W,
        bias,
        lambda a: net.loss.delta(a, net.loss.targets(t, a)),
        net.loss.M,
        *slopes,
    )
    H = np.zeros((net.num_parameters,) * 2)
    for low in layers:
        for high in layers[low - 1 :]:
            rows, columns = net.layer_slice(high), net.layer_slice(low)
            count = [net.widths[y] * net.widths[y - 1] for y in (high, low)]
            right = wb[high][low].reshape(count[0], -1)
            below = bw[high][low].reshape(-1, count[1]) if high > low else right.T
            H[rows, columns] = np.block([[ww[high][low].reshape(count), right], [below, bb[high][low]]])
            H[columns, rows] = H[rows, columns].T
    return H
