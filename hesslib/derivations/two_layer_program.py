r"""The Hessian of a network with two layers of weights as one program, compiled from its ten formulas."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from hesslib.calculus.einsum_program import Program
from hesslib.calculus.index import Tensor
from hesslib.calculus.steps import Steps

from .network import i, i_, j, j_, k, k_, n
from .two_layer_hessian import entries

SLOTS = {"W1": (j, i, (n[1], n[0])), "b1": (j, (n[1],)), "W2": (k, j, (n[2], n[1])), "b2": (k, (n[2],))}


def program(found: Mapping[tuple[str, str], Steps] | None = None, /) -> Program:
    """All ten kinds of blocks, of a batch; each target has the slots of its two parameters.

    ``found`` are the entries, where they were derived before.
    """
    prime = {i: i_, j: j_, k: k_}
    made = Program("two_layer_hessian", "n, x, z, w, delta, M, a, h1, h2")
    made.line("H = {}")
    for (one, other), steps in (found or entries()).items():
        (*first, rows), (*second, columns) = SLOTS[one], SLOTS[other]
        target = Tensor(f"{one}_{other}", shape=(*rows, *columns))
        made.assign(target[(*first, *[prime[s] for s in second])], steps.result)
        made.line(f'H["{one}", "{other}"] = {one}_{other}')
    made.line("return H")
    return made


def run(
    function: Any, net: Any, weights: Any, trace: Any, t: Any, /, *, slope: bool = True, curvature: bool = True
) -> Any:
    r"""The whole matrix by the compiled program, from a forward pass; on demand without a kind of terms."""
    import numpy as np

    h, loss = net.activation[0], net.loss
    signals = loss.delta(trace.a[2], loss.targets(t, trace.a[2]))
    blocks = function(
        net.widths,
        trace.z[0],
        trace.z,
        net.layers(weights)[0],
        {2: signals * slope},
        loss.M(trace.a[2]) * curvature,
        trace.a,
        h.first,
        h.second,
    )
    at = {"W1": net.weight_slice(1), "b1": net.bias_slice(1), "W2": net.weight_slice(2), "b2": net.bias_slice(2)}
    H = np.zeros((net.num_parameters,) * 2)
    for (one, other), block in blocks.items():
        H[at[one], at[other]] = block.reshape(at[one].stop - at[one].start, -1)
        H[at[other], at[one]] = H[at[one], at[other]].T
    return H
