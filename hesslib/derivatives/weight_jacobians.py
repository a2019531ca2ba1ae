r"""Derivatives by the weights of the outputs and of their derivatives by the inputs: to train a differential equation.

``weight_jacobians.laplacian(net, w, x)`` is $\partial/\partial w$ of ``hesslib.laplacian(net, w, x)``, and so for
`outputs`, `input_jacobian`, `input_hessian` and `input_hessian_diagonal`. With $G_{qj}=\partial y_q/\partial a^{(l)}_j$
the derivative of $y_q$ by $w^{(l)}_{ji}$ is $G_{qj}z_i$, and that of $\partial^2y_q/\partial x_d\,\partial x_e$ is

$$\ddot G_{qj}z_i+\dot G_{qjd}\dot z_{ie}+\dot G_{qje}\dot z_{id}+G_{qj}\ddot z_i;$$

for $b^{(l)}_j$ only $\ddot G_{qj}$ is left. With $R_{qj}=\sum_kG_{qk}w_{kj}$, $\dot R$ and $\ddot R$ likewise:

$$G=h'R,\quad\dot G=h''\dot aR+h'\dot R,\quad
\ddot G=(h'''\dot a_d\dot a_e+h''\ddot a)R+h''(\dot a_d\dot R_e+\dot a_e\dot R_d)+h'\ddot R.$$

At the output they are the first three derivatives of $y(a^{(L)})$: $I$, 0 and 0 for squared error.

Index letters: n pattern; q output; k unit of layer l + 1; j unit of layer l; i unit of layer l - 1; d input; e second
derivative that is wanted. The axes d, e and q come first.

Longer than one sitting: each quantity and its Jacobian, from one sweep.
"""

from collections.abc import Callable, Iterator, Sequence

import numpy as np
from array_api_compat import array_namespace
from jaxtyping import Float

from hesslib._arrays import Array, contract, eye_like, integers_like
from hesslib._chunks import BUDGET, map_over_patterns, refuse_what_cannot_fit
from hesslib.derivatives._jets import (
    DIAGONAL,
    LAPLACIAN,
    Entries,
    Jets,
    check_inputs_of,
    coordinate_directions,
    forward_jets,
    pair_numbers,
    upper_triangle,
)
from hesslib.networks.network import Network, check_inputs

# contractions
BACK = "qnk,kj->qnj"  # sum_k G_qnk w_kj
RATES_BACK = "dqnk,kj->dqnj"  # sum_k dG_dqnk w_kj
SUM_OF_RATES = "dqnj,dni->qnji"  # sum_d dG_dqnj dz_dni


def outputs(net: Network, w: Float[Array, " P"], x: Float[Array, "N D"], /) -> Float[Array, "N K P"]:
    r"""The derivatives of the outputs of a network by every weight and bias.

    Return $\partial y_{nq}/\partial w$: that of $y$, where `output_jacobian` gives that of $a^{(L)}$.

    With $G_{qj}=\partial y_q/\partial a^{(l)}_j$ it is $G_{qj}z_i$ for $w^{(l)}_{ji}$ and $G_{qj}$ for $b^{(l)}_j$.

    Parameters
    ----------
    net, w : the network, and all its weights and biases in one vector (P,).
    x : the inputs (N, D), a row for each pattern.

    Shapes: (N, K, P), the parameters in the order of `w`.
    Cost: one forward and K backward passes; memory is that of the result, and of a chunk of patterns.
    Errors: ValueError as `forward` does.

    >>> import numpy as np
    >>> outputs(Network((1, 1), loss="binary_cross_entropy"), np.zeros(2), np.array([[2.0]]))
    array([[[0.5 , 0.25]]])
    """
    return _by_chunks("outputs", net, w, x, None, lambda x, v: _value(net, w, x, v), entries=1)


def input_jacobian(
    net: Network, w: Float[Array, " P"], x: Float[Array, "N D"], /, *, inputs: Sequence[int] | None = None
) -> Float[Array, "N K d P"]:
    r"""How the derivatives of the outputs by the inputs change with every weight and bias.

    Return $\partial^2y_{nq}/\partial x_{nd}\,\partial w$: it is $\dot G_{qj}z_i+G_{qj}\dot z_i$ and $\dot G_{qj}$.

    $G_{qj}=\partial y_q/\partial a^{(l)}_j$, and a dot is the derivative by $x_d$; the second is for the bias.

    Parameters
    ----------
    net, w : the network, and all its weights and biases in one vector (P,).
    x : the inputs (N, D), a row for each pattern.
    inputs : the numbers of the inputs to derive by; None for all.

    Equation: input-weights-first, input-response-first.
    Shapes: (N, K, D, P), D the number of inputs asked for.
    Cost: one forward and K backward passes, each 1 + D times; memory is that of the result, and of a chunk of patterns.
    Errors: as for `hesslib.input_jacobian`.

    >>> import numpy as np
    >>> net, w = Network((1, 1, 1), activation="sin"), np.array([2.0, 0.0, 3.0, 0.0])
    >>> input_jacobian(net, w, np.zeros((1, 1)))  # of y = w_3 sin(w_1 x + w_2) + w_4
    array([[[[3., 0., 2., 0.]]]])
    """
    D = len(check_inputs_of(net, inputs))
    return _by_chunks(
        "weight_jacobians.input_jacobian", net, w, x, inputs, lambda x, v: _first(net, w, x, v), entries=D
    )


def input_hessian(
    net: Network, w: Float[Array, " P"], x: Float[Array, "N D"], /, *, inputs: Sequence[int] | None = None
) -> Float[Array, "N K d d P"]:
    r"""How the second derivatives of the outputs by the inputs change with every weight and bias.

    Return $\partial^3y_{nq}/\partial x_{nd}\,\partial x_{ne}\,\partial w$, exactly symmetric in d and e.

    It is $\ddot G_{qj}z_i+\dot G_{qjd}\dot z_{ie}+\dot G_{qje}\dot z_{id}+G_{qj}\ddot z_i$ for $w^{(l)}_{ji}$ and
    $\ddot G_{qj}$ for the bias. For relu the result holds almost everywhere.

    Parameters
    ----------
    net, w : the network, and all its weights and biases in one vector (P,).
    x : the inputs (N, D), a row for each pattern.
    inputs : the numbers of the inputs to derive by; None for all.

    Equation: input-weights-second, input-response-second.
    Shapes: (N, K, D, D, P), D the number of inputs asked for.
    Cost: one forward and K backward passes, each 1 + D + D(D + 1)/2 times; memory is that of the result, and of a chunk
    of patterns.
    Errors: as for `hesslib.input_jacobian`.

    >>> import numpy as np
    >>> net, w = Network((1, 1, 1), activation="sin"), np.array([2.0, np.pi / 2, 3.0, 0.0])
    >>> input_hessian(net, w, np.zeros((1, 1))).round(12)
    array([[[[[-12.,  -0.,  -4.,   0.]]]]])
    """
    D = len(check_inputs_of(net, inputs))
    entries = upper_triangle(D)

    def rows(x: Array, directions: Array) -> Array:
        pairs = _second(net, w, x, directions, entries)
        full = array_namespace(pairs).take(pairs, integers_like(np.ravel(pair_numbers(D)), pairs), axis=2)
        return array_namespace(full).reshape(full, (*full.shape[:2], D, D, -1))

    return _by_chunks("input_hessian", net, w, x, inputs, rows, entries=D * D)


def input_hessian_diagonal(
    net: Network, w: Float[Array, " P"], x: Float[Array, "N D"], /, *, inputs: Sequence[int] | None = None
) -> Float[Array, "N K d P"]:
    r"""How the unmixed second derivatives by the inputs change with every weight and bias.

    Return $\partial^3y_{nq}/\partial x_{nd}^2\,\partial w$: $\ddot G_{qj}z_i+2\dot G_{qj}\dot z_i+G_{qj}\ddot z_i$.

    For a bias only $\ddot G_{qj}$ is left.

    Parameters
    ----------
    net, w : the network, and all its weights and biases in one vector (P,).
    x : the inputs (N, D), a row for each pattern.
    inputs : the numbers of the inputs to derive by; None for all.

    Equation: input-weights-second, input-response-second.
    Shapes: (N, K, D, P), D the number of inputs asked for.
    Cost: one forward and K backward passes, each 1 + 2D times; memory is that of the result, and of a chunk of
    patterns.
    Errors: as for `hesslib.input_jacobian`.

    >>> import numpy as np
    >>> net, w = Network((1, 1, 1), activation="sin"), np.array([2.0, np.pi / 2, 3.0, 0.0])
    >>> input_hessian_diagonal(net, w, np.zeros((1, 1))).round(12)  # of -4 w_3 sin(w_2), and w_1 = 2 counts twice
    array([[[[-12.,  -0.,  -4.,   0.]]]])
    """
    D = len(check_inputs_of(net, inputs))
    return _by_chunks(
        "weight_jacobians.input_hessian_diagonal",
        net,
        w,
        x,
        inputs,
        lambda x, v: _second(net, w, x, v, DIAGONAL),
        entries=D,
    )


def laplacian(
    net: Network, w: Float[Array, " P"], x: Float[Array, "N D"], /, *, inputs: Sequence[int] | None = None
) -> Float[Array, "N K P"]:
    r"""How the Laplacian of the outputs by the inputs changes with every weight and bias.

    Return $\partial/\partial w$ of $\sum_d\partial^2y_{nq}/\partial x_{nd}^2$, the sum carried as one array.

    $\sum_d\ddot G_{qj}z_i+2\dot G_{qjd}\dot z_{id}+G_{qj}\ddot z_i$, where $\sum_d\ddot G$ and $\sum_d\ddot z$ are
    carried.

    Parameters
    ----------
    net, w : the network, and all its weights and biases in one vector (P,).
    x : the inputs (N, D), a row for each pattern.
    inputs : the numbers of the inputs to derive by; None for all.

    Equation: input-weights-second, input-response-second.
    Shapes: (N, K, P), the parameters in the order of `w`.
    Cost: one forward and K backward passes, each 2 + D times; memory is that of the result, and of a chunk of patterns.
    Errors: as for `hesslib.input_jacobian`.

    >>> import numpy as np
    >>> net, w = Network((2, 1, 1), activation="sin"), np.array([1.0, 2.0, np.pi / 2, 3.0, 0.0])
    >>> laplacian(net, w, np.zeros((1, 2))).round(12)  # of -(w_1^2 + w_2^2) w_4 sin(w_3)
    array([[[ -6., -12.,  -0.,  -5.,   0.]]])
    """
    return _by_chunks(
        "weight_jacobians.laplacian",
        net,
        w,
        x,
        inputs,
        lambda x, v: _second(net, w, x, v, LAPLACIAN)[:, :, 0],
        entries=1,
    )


def _value(net: Network, w: Array, x: Array, directions: Array) -> Array:
    jets = forward_jets(net, w, x, directions, order=1)
    layers = [(_outer(G, jets.z[l - 1]), G) for l, G, _, _ in _sensitivities(net, w, jets, None, order=0)]
    return array_namespace(x).permute_dims(_flat(layers), (1, 0, 2))


def _first(net: Network, w: Array, x: Array, directions: Array) -> Array:
    jets = forward_jets(net, w, x, directions)
    layers = []
    for l, G, dG, _ in _sensitivities(net, w, jets, None, order=1):
        z, dz = jets.z[l - 1], jets.dz[l - 1][:, None]
        layers.append((_outer(dG, z) + _outer(G, dz), dG))
    return array_namespace(x).permute_dims(_flat(layers), (2, 1, 0, 3))


def _second(net: Network, w: Array, x: Array, directions: Array, entries: Entries) -> Array:
    jets = forward_jets(net, w, x, directions, entries=entries, order=3)
    layers = []
    for l, G, dG, ddG in _sensitivities(net, w, jets, entries, order=2):
        z, dz, ddz = jets.z[l - 1], jets.dz[l - 1], jets.ddz[l - 1]
        by_weights = _outer(ddG, z) + _rates_of_both(dG, dz, entries)
        if ddz is not None:
            by_weights = by_weights + _outer(G, ddz[:, None])
        layers.append((by_weights, ddG))
    return array_namespace(x).permute_dims(_flat(layers), (2, 1, 0, 3))


def _outer(u: Array, v: Array) -> Array:
    """Return u_nj v_ni."""
    return u[..., :, None] * v[..., None, :]


def _rates_of_both(dG: Array, dz: Array, entries: Entries) -> Array:
    r"""Return $\dot G_{qjd}\dot z_{ie}+\dot G_{qje}\dot z_{id}$, or $2\sum_d\dot G_{qjd}\dot z_{id}$."""
    if entries.summed:
        dz = array_namespace(dz).broadcast_to(dz, (dz.shape[0], dG.shape[2], dz.shape[2]))
        return 2 * contract(SUM_OF_RATES, dG, dz)[None]
    return entries.cross(dG[..., :, None], dz[:, None, :, None, :])


def _sensitivities(
    net: Network, w: Array, jets: Jets, entries: Entries | None, *, order: int
) -> Iterator[tuple[int, Array, Array, Array]]:
    r"""Yield $l$, $G$, $\dot G$ and $\ddot G$ from the last layer to the first; beyond `order` they are None."""
    W, _ = net.layers(w)
    G, dG, ddG = _at_the_output(net, jets, entries, order)
    yield net.L, G, dG, ddG
    for l in reversed(range(1, net.L)):
        h, da, dda = jets.h[l], jets.da[l], jets.dda[l]
        R = contract(BACK, G, W[l + 1])
        G = h[1] * R
        if order >= 1:
            dR = contract(RATES_BACK, dG, W[l + 1])
            dG = h[2] * da[:, None] * R + h[1] * dR
        if order == 2:
            assert entries is not None
            ddR = contract(RATES_BACK, ddG, W[l + 1])
            bend = h[3] * entries.square(da)
            bend = bend if dda is None else bend + h[2] * dda
            ddG = bend[:, None] * R + h[2] * entries.cross(da[:, None], dR) + h[1] * ddR
        yield l, G, dG, ddG


def _at_the_output(net: Network, jets: Jets, entries: Entries | None, order: int) -> tuple[Array, Array, Array]:
    r"""Return $\partial y_q/\partial a^{(L)}_r$ and its rates, with the axes q, n, r: symmetric in q and r.

    For every loss of `hesslib.networks.losses` the outputs are the gradient of a function of $a^{(L)}$.
    """
    a, da, dda, y = jets.a[net.L], jets.da[net.L], jets.dda[net.L], net.loss.output_derivative
    I = eye_like(a.shape[1], a)[:, None, :]
    G, dG, ddG = y(a, I), None, None
    if order >= 1:
        dG = y(a, da[:, None], I)
    if order == 2:
        assert entries is not None
        ddG = entries.total(y(a, *entries.pairs(da[:, None]), I))
        ddG = ddG if dda is None else ddG + y(a, dda[:, None], I)
    return G, dG, ddG


def _flat(layers: list[tuple[Array, Array]]) -> Array:
    """Return the parts for weights and biases, from the last layer to the first, in the order of `w`, (..., N, P)."""
    xp = array_namespace(layers[0][1])
    parts = []
    for weights, biases in reversed(layers):
        parts += [xp.reshape(weights, (*weights.shape[:-2], -1)), biases]
    return xp.concat(parts, axis=-1)


def _by_chunks(
    what: str,
    net: Network,
    w: Array,
    x: Array,
    inputs: Sequence[int] | None,
    rows: Callable[[Array, Array], Array],
    *,
    entries: int,
) -> Array:
    """Return ``rows(x, directions)`` for all patterns, a chunk of them at a time."""
    w, x = check_inputs(net, w, x)
    directions = coordinate_directions(net, check_inputs_of(net, inputs), x)
    K, D = net.widths[-1], directions.shape[0]
    refuse_what_cannot_fit(f"weight_jacobians.{what}", x.shape[0] * K * entries * net.num_parameters, w)
    numbers_per_pattern = K * (5 * entries * (net.num_parameters + net.widths[0]) + 6 * D * max(net.widths))
    return map_over_patterns(lambda x: rows(x, directions), numbers_per_pattern, x, budget=BUDGET)
