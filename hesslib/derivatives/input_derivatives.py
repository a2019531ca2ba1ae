r"""Derivatives of the outputs $y$ by the inputs: Jacobian, Hessian, diagonal of the Hessian, Laplacian.

One sweep forward carries $\dot z=\partial z/\partial x_d$ and $\ddot z$ along with $z$ (the recursions are in
`hesslib.derivatives._jets`). Where there are fewer outputs than second derivatives, $\ddot z$ is not carried: with
$R_{qj}=\sum_kG_{qk}w_{kj}$, the sensitivity of output q to $z_j$, each hidden layer adds its curvature

$$\frac{\partial^2y_q}{\partial x_d\,\partial x_e}=\sum_l\sum_jR^{(l)}_{qj}\,h''(a^{(l)}_j)\,\dot a_{jd}\dot a_{je},$$

plus that of the output function: one sweep back for each output in place of one forward for each second derivative.

Index letters: n pattern; q output; k unit of layer l + 1; j unit of layer l; d, e inputs.

Longer than one sitting: four quantities from one sweep, mostly docstring.
"""

from collections.abc import Callable, Iterator, Sequence

import numpy as np
from array_api_compat import array_namespace
from jaxtyping import Float

from hesslib._arrays import Array, contract, eye_like, integers_like
from hesslib._chunks import map_over_patterns, refuse_what_cannot_fit
from hesslib.derivatives._jets import (
    CACHE,
    DIAGONAL,
    LAPLACIAN,
    Jets,
    check_inputs_of,
    coordinate_directions,
    forward_jets,
    output_rates,
    output_second_rates,
    pair_numbers,
    upper_triangle,
)
from hesslib.layers import Chain
from hesslib.layers import inputs as of_chains
from hesslib.networks.network import Inputs, Network, check_inputs

# contractions
BACK = "qnk,kj->qnj"  # sum_k G_qnk w_kj
CURVATURE_HESSIAN = "qdnj,enj->nqde"  # sum_j C_qnj da_dnj da_enj
FIRST_LAYER_DIAGONAL = "qnj,dj->qdn"  # sum_j C_qnj (da_dj)^2: in layer 1, da does not depend on the pattern
FIRST_LAYER_HESSIAN = "qnj,dej->nqde"


def input_jacobian(
    net: Network | Chain, w: Float[Array, " P"], x: Inputs, /, *, inputs: Sequence[int] | None = None
) -> Float[Array, "N *K d"]:
    r"""The derivatives of the outputs of a network by its inputs.

    Return $\partial y_{nk}/\partial x_{nd}$, for all inputs or those numbered in `inputs`.

    $\dot z^{(0)}_i=I_{id}$, $\dot a_j=\sum_iw_{ji}\dot z_i$, $\dot z_j=h'(a_j)\dot a_j$. It is that of $y$, not of
    $a^{(L)}$: where the loss has an output function, its derivative is applied.

    Parameters
    ----------
    net, w : the network or chain of layers, and all its weights and biases in one vector (P,).
    x : the inputs (N, D), a row for each pattern.
    inputs : the numbers of the inputs to derive by; None for all.

    Equation: input-start, input-first, input-output.
    Shapes: (N, K, D), D the number of inputs asked for.
    Cost: a forward pass and one more for each input; memory is that of a chunk of patterns, linear in the widths, and
    of the result.
    Errors: ValueError as `forward` does, and if `inputs` is not a sequence of different input numbers, counted from 0;
    MemoryError if the result is more than the memory of this machine.

    >>> import numpy as np
    >>> net, w = Network((2, 1, 1), activation="sin"), np.array([2.0, 3.0, 0.0, 5.0, 0.0])
    >>> input_jacobian(net, w, np.zeros((1, 2)))
    array([[[10., 15.]]])
    """
    if isinstance(net, Chain):
        return of_chains.input_jacobian(net, w, x, inputs)

    def rows(x: Array, directions: Array) -> Array:
        dy = output_rates(net, forward_jets(net, w, x, directions, order=1))
        return array_namespace(dy).permute_dims(dy, (1, 2, 0))

    return _by_chunks("input_jacobian", net, w, x, inputs, rows, axes=1)


def input_hessian(
    net: Network | Chain, w: Float[Array, " P"], x: Inputs, /, *, inputs: Sequence[int] | None = None
) -> Float[Array, "N *K d d"]:
    r"""The second derivatives of the outputs of a network by its inputs.

    Return $\partial^2y_{nk}/\partial x_{nd}\,\partial x_{ne}$, exactly symmetric in d and e.

    $\ddot a_j=\sum_iw_{ji}\ddot z_i$ and $\ddot z_j=h''(a_j)\dot a_{jd}\dot a_{je}+h'\ddot a_j$ from $\ddot z^{(0)}=0$,
    with the $\dot a$ of `input_jacobian`. Where there are fewer outputs than second derivatives $\ddot z$ is not
    carried: with $R_{qj}=\sum_kG_{qk}w_{kj}$, the sensitivity of output q to $z_j$, each hidden layer adds
    $\sum_jR_{qj}h''(a_j)\dot a_{jd}\dot a_{je}$, and the output function its own curvature. For relu $h''=0$: what is
    returned holds almost everywhere.

    Parameters
    ----------
    net, w : the network or chain of layers, and all its weights and biases in one vector (P,).
    x : the inputs (N, D), a row for each pattern.
    inputs : the numbers of the inputs to derive by; None for all.

    Equation: input-second, input-output, input-telescope.
    Shapes: (N, K, D, D), D the number of inputs asked for.
    Cost: 1 + D + min(K, D(D + 1)/2) forward passes; memory as for `input_jacobian`.
    Errors: as for `input_jacobian`.

    >>> import numpy as np
    >>> net, w = Network((2, 1, 1), activation="sin"), np.array([1.0, 2.0, np.pi / 2, 1.0, 0.0])
    >>> input_hessian(net, w, np.zeros((1, 2)))
    array([[[[-1., -2.],
             [-2., -4.]]]])
    """
    if isinstance(net, Chain):
        return of_chains.input_hessian(net, w, x, inputs)
    inputs = check_inputs_of(net, inputs)
    D, K = len(inputs), net.widths[-1]
    entries = upper_triangle(D)

    def rows(x: Array, directions: Array) -> Array:
        ddy = output_second_rates(net, forward_jets(net, w, x, directions, entries=entries), entries)
        xp = array_namespace(ddy)
        pairs = xp.take(xp.permute_dims(ddy, (1, 2, 0)), integers_like(np.ravel(pair_numbers(D)), ddy), axis=2)
        return xp.reshape(pairs, (*pairs.shape[:2], D, D))

    def rows_by_layers(x: Array, directions: Array) -> Array:
        jets = forward_jets(net, w, x, directions)
        xp = array_namespace(x)
        a, da = jets.a[net.L], jets.da[net.L]
        ddy = xp.permute_dims(net.loss.output_derivative(a, da[:, None], da[None]), (2, 3, 0, 1))
        for C, da in _curvatures(net, w, jets):
            if da.shape[1] == 1:
                ddy = ddy + contract(FIRST_LAYER_HESSIAN, C, da * da[:, 0])
            else:
                ddy = ddy + contract(CURVATURE_HESSIAN, C[:, None] * da, da)
        return (ddy + xp.permute_dims(ddy, (0, 1, 3, 2))) / 2  # the products round differently

    return _by_chunks(
        "input_hessian", net, w, x, inputs, rows_by_layers if K < D * (D + 1) // 2 else rows, entries=D * D, axes=2
    )


def input_hessian_diagonal(
    net: Network | Chain, w: Float[Array, " P"], x: Inputs, /, *, inputs: Sequence[int] | None = None
) -> Float[Array, "N *K d"]:
    r"""The second derivatives of the outputs by each input alone.

    Return $\partial^2y_{nk}/\partial x_{nd}^2$, the diagonal of `input_hessian` by itself.

    $\ddot z_j=h''(a_j)\dot a_j^2+h'(a_j)\ddot a_j$: the derivatives by two different inputs are never needed.

    Parameters
    ----------
    net, w : the network or chain of layers, and all its weights and biases in one vector (P,).
    x : the inputs (N, D), a row for each pattern.
    inputs : the numbers of the inputs to derive by; None for all.

    Equation: input-second, input-output.
    Shapes: (N, K, D), D the number of inputs asked for.
    Cost: 1 + D + min(D, K) forward passes; memory as for `input_jacobian`.
    Errors: as for `input_jacobian`.

    >>> import numpy as np
    >>> net, w = Network((2, 1, 1), activation="sin"), np.array([1.0, 2.0, np.pi / 2, 1.0, 0.0])
    >>> input_hessian_diagonal(net, w, np.zeros((1, 2)))
    array([[[-1., -4.]]])
    """
    if isinstance(net, Chain):
        return of_chains.input_hessian_diagonal(net, w, x, inputs)
    inputs = check_inputs_of(net, inputs)
    D, K = len(inputs), net.widths[-1]

    def rows(x: Array, directions: Array) -> Array:
        ddy = output_second_rates(net, forward_jets(net, w, x, directions, entries=DIAGONAL), DIAGONAL)
        return array_namespace(ddy).permute_dims(ddy, (1, 2, 0))

    def rows_by_layers(x: Array, directions: Array) -> Array:
        jets = forward_jets(net, w, x, directions)
        xp = array_namespace(x)
        a, da = jets.a[net.L], jets.da[net.L]
        ddy = xp.permute_dims(net.loss.output_derivative(a, da, da), (2, 0, 1))
        for C, da in _curvatures(net, w, jets):
            if da.shape[1] == 1:
                ddy = ddy + contract(FIRST_LAYER_DIAGONAL, C, da[:, 0] ** 2)
            else:
                ddy = ddy + xp.sum(C[:, None] * (da * da), axis=-1)
        return xp.permute_dims(ddy, (2, 0, 1))

    return _by_chunks("input_hessian_diagonal", net, w, x, inputs, rows_by_layers if K < D else rows, entries=D, axes=1)


def laplacian(
    net: Network | Chain, w: Float[Array, " P"], x: Inputs, /, *, inputs: Sequence[int] | None = None
) -> Float[Array, "N *K"]:
    r"""The Laplacian of the outputs by the inputs: the sum of the unmixed second derivatives.

    Return $\sum_d\partial^2y_{nk}/\partial x_{nd}^2$, over all inputs or those numbered in `inputs`.

    The sum over d is carried forward as one array: $\ddot z_j=h''(a_j)\sum_d\dot a_{jd}^2+h'(a_j)\ddot a_j$. It is the
    same along any orthonormal directions; with more inputs than units in layer 1, directions are chosen of which only
    $n_1$ move that layer.

    Parameters
    ----------
    net, w : the network or chain of layers, and all its weights and biases in one vector (P,).
    x : the inputs (N, D), a row for each pattern.
    inputs : the numbers of the inputs to derive by; None for all.

    Equation: input-laplacian, input-output.
    Shapes: (N, K).
    Cost: 2 + min(D, n_1) forward passes; memory as for `input_jacobian`.
    Errors: as for `input_jacobian`.

    >>> import numpy as np
    >>> net, w = Network((2, 1, 1), activation="sin"), np.array([1.0, 2.0, np.pi / 2, 1.0, 0.0])
    >>> laplacian(net, w, np.zeros((1, 2)))
    array([[-5.]])
    """
    if isinstance(net, Chain):
        return of_chains.laplacian(net, w, x, inputs)

    def rows(x: Array, directions: Array) -> Array:
        if directions.shape[0] > net.widths[1]:
            xp = array_namespace(w)
            basis, _ = xp.linalg.qr(contract("dj,ij->di", directions, net.layers(w)[0][1]))
            directions = contract("di,dj->ij", basis, directions)
        return output_second_rates(net, forward_jets(net, w, x, directions, entries=LAPLACIAN), LAPLACIAN)[0]

    return _by_chunks("laplacian", net, w, x, inputs, rows, axes=0)


def _curvatures(net: Network, w: Array, jets: Jets) -> Iterator[tuple[Array, Array]]:
    r"""Yield $R_{qnj}h''(a_{nj})$ and $\dot a_{dnj}$ of each hidden layer, from the last to the first."""
    W, _ = net.layers(w)
    a = jets.a[net.L]
    G = net.loss.output_derivative(a, eye_like(a.shape[1], a)[:, None, :])  # symmetric in outputs and units
    for l in reversed(range(1, net.L)):
        R = contract(BACK, G, W[l + 1])
        _, h_1, h_2 = jets.h[l]
        yield R * h_2, jets.da[l]
        G = h_1 * R


def _by_chunks(
    what: str,
    net: Network,
    w: Array,
    x: Array,
    inputs: Sequence[int] | None,
    rows: Callable[[Array, Array], Array],
    *,
    axes: int,
    entries: int = 1,
) -> Array:
    """Return ``rows(x, directions)`` for all patterns, a chunk of them at a time."""
    w, x = check_inputs(net, w, x)
    D = len(check_inputs_of(net, inputs))
    refuse_what_cannot_fit(what, x.shape[0] * net.widths[-1] * D**axes, w)
    directions = coordinate_directions(net, check_inputs_of(net, inputs), x)
    numbers_per_pattern = (directions.shape[0] + entries + 2) * max(net.widths)
    return map_over_patterns(lambda x: rows(x, directions), numbers_per_pattern, x, budget=CACHE)
