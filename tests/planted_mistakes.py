"""Mistakes planted in derivatives of networks, each made by hand from what the loops of `oracles` say.

Nothing here comes from the catalogue of `hesslib.check`: a mistake is made the way people make it, and has to be found.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from cases import Case, reference
from oracles import LOSSES as ERRORS
from oracles import Jet, jets

PANEL = (
    Case((3, 4, 2), ("tanh",), "squared_error", N=5),
    Case((2, 3, 3), ("sin",), "softmax_cross_entropy", N=4),
    Case((2, 4, 3, 2), ("tanh", "sin"), "binary_cross_entropy", N=6),
    Case((3, 4, 3, 3), ("softplus", "gelu"), "softmax_cross_entropy", N=7),
    Case((2, 3, 4, 2, 2), ("tanh", "logistic", "silu"), "squared_error", N=5),
    Case((2, 4, 2, 3), ("silu", "tanh"), "binary_cross_entropy", N=9),
)
CLASSIFIERS = (
    *[case for case in PANEL if case.loss != "squared_error"],
    Case((3, 3, 2, 4), ("sin", "tanh"), "softmax_cross_entropy", N=6),
)
DEEP = (
    *[case for case in PANEL if len(case.widths) > 3],
    Case((3, 2, 4, 3), ("logistic", "softplus"), "squared_error", N=6),
)

REGULAR = (  # outputs of a softmax can be shifted at no cost, which makes the Hessian singular
    *[case for case in PANEL if case.loss != "softmax_cross_entropy"],
    Case((3, 2, 4, 3), ("logistic", "softplus"), "squared_error", N=6),
    Case((2, 3, 2), ("silu",), "squared_error", N=8),
)

Make = Callable[[Case], np.ndarray]


@dataclass(frozen=True)
class Plant:
    """A mistake in a quantity: what it must be called, and what somebody who makes it gets."""

    quantity: str
    kinds: tuple[str, ...]
    make: Make
    cases: tuple[Case, ...] = PANEL
    note: str = ""

    @property
    def id(self) -> str:
        return " ".join([self.quantity, "+".join(self.kinds), self.note]).strip()


# --- What is right, from the loops


def gradient(case: Case) -> np.ndarray:
    return reference(case).gradients.sum(axis=0)


def hessian(case: Case) -> np.ndarray:
    return reference(case).hessians.sum(axis=0)


def diagonal(case: Case) -> np.ndarray:
    return np.diagonal(hessian(case)).copy()


def jacobian(case: Case) -> np.ndarray:
    return reference(case).jacobian


def vector(case: Case) -> np.ndarray:
    return np.random.default_rng(len(case.w)).standard_normal(len(case.w))


def gauss_newton(case: Case) -> np.ndarray:
    J = jacobian(case)
    return np.einsum("nkp,nkq,nqr->pr", J, curvature(case, case.loss), J)


def curvature(case: Case, loss: str) -> np.ndarray:
    """M of a loss at the outputs of the case."""
    a = reference(case).outputs
    if loss == "squared_error":
        return np.stack([np.eye(a.shape[1])] * len(a))
    y = 1 / (1 + np.exp(-a)) if loss == "binary_cross_entropy" else np.exp(a) / np.exp(a).sum(axis=1, keepdims=True)
    if loss == "binary_cross_entropy":
        return np.stack([np.diag(y_n * (1 - y_n)) for y_n in y])
    return np.stack([np.diag(y_n) - np.outer(y_n, y_n) for y_n in y])


RIGHT: dict[str, Make] = {
    "gradient": gradient,
    "jacobian": jacobian,
    "hessian": hessian,
    "hessian_diagonal": diagonal,
    "hessian_vector_product": lambda case: hessian(case) @ vector(case),
    "gauss_newton": gauss_newton,
}


# --- What is wrong, by jets with a part of the chain rule lost


def by_jets(
    case: Case,
    *,
    first: float | None = None,
    second: float | None = None,
    at_z: bool = False,
    only: int | None = None,
    biases: bool = True,
    loss: str | None = None,
) -> Jet:
    """The error as a jet, with h' or h'' replaced by a number, taken at z, or without biases; in all layers or one."""
    w, total = jets(case.w), None
    for row, t in zip(case.x.tolist(), case.t.tolist(), strict=True):
        z, position = list(row), 0
        for l, (n, m) in enumerate(pairwise(case.widths), start=1):
            a = []
            for j in range(m):
                a_j = sum(w[position + j * n + i] * z[i] for i in range(n))
                b_j = w[position + m * n + j]
                a.append(a_j + (b_j if biases else b_j - b_j.value))
            position += m * (n + 1)
            hit = only is None or only == l
            z = a if l == case.net.L else [activated(case, l, a_j, first, second, at_z, hit) for a_j in a]
        E = ERRORS[loss or case.loss](z, t)
        total = E if total is None else total + E
    return total


def activated(case: Case, l: int, a: Jet, first: float | None, second: float | None, at_z: bool, hit: bool) -> Jet:
    h = case.net.activation[l - 1]
    value = float(h(np.array(a.value)))
    place = np.array(value if at_z and hit else a.value)
    f_1, f_2 = float(h.first(place)), float(h.second(place))
    return a.chain(value, f_1 if first is None or not hit else first, f_2 if second is None or not hit else second)


def part(case: Case, layer: int, what: str) -> slice:
    return case.net.weight_slice(layer) if what == "W" else case.net.bias_slice(layer)


def order(case: Case, how: str) -> np.ndarray:
    """Where the k-th number of a vector laid out in another way lies in the flat vector."""
    P = np.arange(case.net.num_parameters)
    W = [P[part(case, l, "W")].reshape(case.widths[l], case.widths[l - 1]) for l in range(1, case.net.L + 1)]
    b = [P[part(case, l, "b")] for l in range(1, case.net.L + 1)]
    if how == "weights transposed":
        pieces = [piece for W_l, b_l in zip(W, b, strict=True) for piece in (W_l.T, b_l)]
    elif how == "biases first":
        pieces = [piece for W_l, b_l in zip(W, b, strict=True) for piece in (b_l, W_l)]
    elif how == "biases first, transposed":
        pieces = [piece for W_l, b_l in zip(W, b, strict=True) for piece in (b_l, W_l.T)]
    elif how == "weights, then biases":
        pieces = [*W, *b]
    elif how == "biases, then weights":
        pieces = [*b, *W]
    else:
        pieces = [piece for W_l, b_l in zip(W[::-1], b[::-1], strict=True) for piece in (W_l, b_l)]
    return np.concatenate([piece.reshape(-1) for piece in pieces])


def in_order(how: str, right: Make) -> Make:
    def make(case: Case) -> np.ndarray:
        index, value = order(case, how), right(case)
        axes = [axis for axis, n in enumerate(value.shape) if n == case.net.num_parameters]
        for axis in axes:
            value = np.take(value, index, axis=axis)
        return value

    return make


def times(c: float | Callable[[Case], float], right: Make) -> Make:
    return lambda case: (c(case) if callable(c) else c) * right(case)


def way_back(case: Case, *, slopes_above: bool = True, beside: str = "z", outputs: bool = False) -> np.ndarray:
    """The gradient, or the Jacobian of the outputs, unit by unit, by a way back that may lose h' or stand beside W."""
    W, b = case.net.unravel(case.w)
    rows = []
    for row, first in zip(case.x, first_errors(case, outputs), strict=True):
        z, slopes = [row], []
        for l, h in enumerate(case.net.activation):
            a = W[l] @ z[-1] + b[l]
            slopes.append(h.first(a))
            z.append(h(a))
        slopes.append(np.ones(case.widths[-1]))
        for error in first:
            carried, parts = error, []
            for l in range(case.net.L - 1, -1, -1):
                delta = slopes[l] * carried
                factor = np.outer(delta, z[l]) if beside == "z" else delta[:, None] * W[l]
                parts[:0] = [factor.reshape(-1), delta]
                carried = W[l].T @ (delta if slopes_above else carried)
            rows.append(np.concatenate(parts))
    return np.array(rows).reshape(jacobian(case).shape) if outputs else np.sum(rows, axis=0)


def first_errors(case: Case, outputs: bool) -> list[np.ndarray]:
    """For each pattern what is carried back from the outputs: delta, or every unit vector."""
    K = case.widths[-1]
    if outputs:
        return [np.eye(K) for _ in range(case.N)]
    last = part(case, case.net.L, "b")
    return [g[last][None, :] for g in reference(case).gradients]


def becker_lecun(case: Case) -> np.ndarray:
    """The diagonal with neglect, pattern by pattern and unit by unit."""
    W, b = case.net.unravel(case.w)
    total = np.zeros(case.net.num_parameters)
    M = curvature(case, case.loss)
    for n, row in enumerate(case.x):
        z, a = [row], []
        for l, (W_l, b_l) in enumerate(zip(W, b, strict=True), start=1):
            a.append(W_l @ z[-1] + b_l)
            z.append(case.net.activation[l - 1](a[-1]) if l < case.net.L else a[-1])
        # delta of every layer, read from the gradient with respect to the biases
        g = reference(case).gradients[n]
        q = np.diag(M[n])
        for l in range(case.net.L, 0, -1):
            if l < case.net.L:
                h, delta = case.net.activation[l - 1], g[part(case, l + 1, "b")]
                q = h.first(a[l - 1]) ** 2 * ((W[l] ** 2).T @ q) + h.second(a[l - 1]) * (W[l].T @ delta)
            total[part(case, l, "W")] += np.outer(q, z[l - 1] ** 2).reshape(-1)
            total[part(case, l, "b")] += q
    return total


def of_hessian(change: Callable[[Case, np.ndarray], np.ndarray]) -> Make:
    return lambda case: change(case, hessian(case))


def layers_of(case: Case) -> np.ndarray:
    layer = np.zeros(case.net.num_parameters, dtype=int)
    for l in range(1, case.net.L + 1):
        layer[case.net.layer_slice(l)] = l
    return layer


def without_biases(value: np.ndarray, case: Case) -> np.ndarray:
    value = value.copy()
    for l in range(1, case.net.L + 1):
        value[case.net.bias_slice(l)] = 0
        if value.ndim == 2:
            value[:, case.net.bias_slice(l)] = 0
    return value


def without_layer(value: np.ndarray, case: Case, l: int) -> np.ndarray:
    value = value.copy()
    value[case.net.layer_slice(l)] = 0
    if value.ndim == 2:
        value[:, case.net.layer_slice(l)] = 0
    return value


def with_curvature(M: Callable[[Case], np.ndarray]) -> Make:
    def make(case: Case) -> np.ndarray:
        J = jacobian(case)
        return np.einsum("nkp,nkq,nqr->pr", J, M(case), J)

    return make


def softmax_without_products(case: Case) -> np.ndarray:
    a = reference(case).outputs
    y = np.exp(a) / np.exp(a).sum(axis=1, keepdims=True)
    return np.stack([np.diag(y_n) for y_n in y])


def output_slope(case: Case) -> np.ndarray:
    """(y - t) y (1 - y) in the place of y - t."""
    a = reference(case).outputs
    y = 1 / (1 + np.exp(-a)) if case.loss == "binary_cross_entropy" else np.exp(a) / np.exp(a).sum(1, keepdims=True)
    return np.einsum("nk,nkp->p", (y - case.t) * y * (1 - y), jacobian(case))


def negative_removed(case: Case, H: np.ndarray) -> np.ndarray:
    eigenvalues, V = np.linalg.eigh(H)
    return V @ np.diag(np.abs(eigenvalues)) @ V.T


def in_layer(case: Case, value: np.ndarray, where: slice, change: Callable[[np.ndarray], np.ndarray]) -> np.ndarray:
    value = value.copy()
    value[where] = change(value[where])
    return value


def float32_gradient(case: Case) -> np.ndarray:
    import hesslib

    w, x, t = (array.astype(np.float32) for array in (case.w, case.x, case.t))
    if case.loss == "softmax_cross_entropy":
        t = t / t.sum(axis=1, keepdims=True)
    return hesslib.gradient(case.net, w, x, t).astype(np.float64)


def quotient(case: Case) -> np.ndarray:
    """Forward differences with the usual step."""
    import hesslib

    def E(w: np.ndarray) -> float:
        return float(hesslib.error(case.net, w, case.x, case.t))

    h = 1e-7
    return np.array([(E(case.w + h * unit) - E(case.w)) / h for unit in np.eye(len(case.w))])


def noise_in(case: Case, l: int) -> np.ndarray:
    return in_layer(
        case, gradient(case), part(case, l, "W"), lambda g: g + np.random.default_rng(1).standard_normal(g.shape)
    )


def NK(case: Case) -> float:
    return case.N * case.widths[-1]


SINGLE = (
    Case((2, 3, 1), ("tanh",), "squared_error", N=5),
    Case((3, 4, 1), ("sin",), "squared_error", N=4),
    Case((2, 3, 2, 1), ("tanh", "softplus"), "squared_error", N=6),
    Case((2, 4, 1), ("silu",), "binary_cross_entropy", N=5),
    Case((3, 2, 3, 1), ("gelu", "sin"), "binary_cross_entropy", N=7),
)
SOFTMAX = (
    *[case for case in CLASSIFIERS if case.loss == "softmax_cross_entropy"],
    Case((2, 3, 4), ("tanh",), "softmax_cross_entropy", N=5),
    Case((4, 3, 3), ("logistic",), "softmax_cross_entropy", N=8),
)
BRANCHED = tuple(case for case in PANEL if len(case.widths) > 2 and case.widths[-1] > 1)


def against_every_target(case: Case, size: float) -> np.ndarray:
    """The gradient of the error of every output against every target, by the jets of every pair."""
    a, J, t = reference(case).outputs[:, 0], reference(case).jacobian[:, 0], case.t[:, 0]
    y = a if case.loss == "squared_error" else 1 / (1 + np.exp(-a))
    return sum((y[n] - t[m]) * J[n] for n in range(len(t)) for m in range(len(t))) / size


def entry_by_entry(case: Case) -> np.ndarray:
    a = reference(case).outputs
    y = np.exp(a) / np.exp(a).sum(axis=1, keepdims=True)
    return np.einsum("nk,nkp->p", -case.t / y * (y * (1 - y)), jacobian(case))


def without_output(case: Case, k: int) -> np.ndarray:
    """Nothing comes back through output k, but its own weights get what is theirs."""
    errors = output_errors(case)
    lost = np.einsum("n,np->p", errors[:, k], jacobian(case)[:, k])
    lost[case.net.layer_slice(case.net.L)] = 0
    return gradient(case) - lost


def output_errors(case: Case) -> np.ndarray:
    a = reference(case).outputs
    if case.loss == "squared_error":
        return a - case.t
    if case.loss == "binary_cross_entropy":
        return 1 / (1 + np.exp(-a)) - case.t
    return np.exp(a) / np.exp(a).sum(axis=1, keepdims=True) - case.t


SAME_ON_THE_DIAGONAL = ("gauss-newton-for-hessian", "missing-second-derivative")

PLANTS = (
    # constants
    Plant("gradient", ("constant-factor",), times(2.0, gradient), note="2"),
    Plant("gradient", ("constant-factor",), times(lambda case: 1 / NK(case), gradient), note="1/(N K)"),
    Plant("hessian", ("constant-factor",), times(0.5, hessian), note="1/2"),
    Plant("hessian", ("constant-factor",), times(lambda case: 1 / case.N, hessian), note="1/N"),
    Plant("hessian", ("constant-factor",), times(lambda case: case.N, hessian), note="N"),
    Plant("gauss_newton", ("constant-factor",), times(lambda case: case.widths[-1], gauss_newton), note="K"),
    Plant("hessian_diagonal", ("constant-factor",), times(0.731, diagonal), note="without a name"),
    Plant("gradient", ("wrong-sign",), times(-1.0, gradient)),
    Plant("hessian_vector_product", ("wrong-sign",), lambda case: -hessian(case) @ vector(case)),
    # layout
    Plant("gradient", ("weights-transposed",), in_order("weights transposed", gradient)),
    Plant("hessian", ("weights-transposed",), in_order("weights transposed", hessian)),
    Plant("jacobian", ("weights-transposed",), in_order("weights transposed", jacobian)),
    Plant("gradient", ("biases-first",), in_order("biases first", gradient)),
    Plant("hessian", ("biases-first",), in_order("biases first", hessian)),
    Plant("hessian", ("biases-first",), in_order("biases first, transposed", hessian), note="transposed as well"),
    Plant("gradient", ("biases-last",), in_order("weights, then biases", gradient)),
    Plant("hessian_diagonal", ("biases-last",), in_order("biases, then weights", diagonal), note="in front"),
    Plant("gradient", ("layers-reversed",), in_order("layers reversed", gradient)),
    Plant("gauss_newton", ("layers-reversed",), in_order("layers reversed", gauss_newton)),
    # parts of a matrix
    Plant("hessian", ("diagonal-only",), of_hessian(lambda case, H: np.diag(np.diag(H)))),
    Plant("hessian", ("one-triangle",), of_hessian(lambda case, H: np.tril(H)), note="lower"),
    Plant("hessian", ("one-triangle",), of_hessian(lambda case, H: np.triu(H)), note="upper"),
    Plant("hessian", ("diagonal-doubled",), of_hessian(lambda case, H: np.tril(H) + np.tril(H).T)),
    Plant("hessian", ("mixed-halved",), of_hessian(lambda case, H: (np.triu(H) + np.triu(H).T) / 2)),
    Plant(
        "hessian",
        ("blocks-only",),
        of_hessian(lambda case, H: H * (layers_of(case)[:, None] == layers_of(case)[None, :])),
    ),
    Plant("hessian_diagonal", ("row-sums",), of_hessian(lambda case, H: H.sum(axis=1))),
    Plant("hessian", ("inverse",), of_hessian(lambda case, H: np.linalg.inv(H)), REGULAR),
    Plant("hessian_diagonal", ("inverse",), lambda case: 1 / diagonal(case), note="reciprocal"),
    Plant("hessian", ("negative-curvature-removed",), of_hessian(negative_removed)),
    Plant("hessian", ("penalty",), of_hessian(lambda case, H: H + 0.1 * np.eye(len(H)))),
    Plant("gradient", ("penalty",), lambda case: gradient(case) + 0.01 * case.w),
    Plant("hessian_diagonal", ("penalty",), lambda case: diagonal(case) + 0.3),
    # one matrix for another
    Plant("hessian", ("gauss-newton-for-hessian",), gauss_newton),
    # on the diagonal these two are the same: a weight acts on a^(L) through second derivatives of activations alone
    Plant("hessian_diagonal", SAME_ON_THE_DIAGONAL, lambda case: np.diag(gauss_newton(case)).copy(), note="M"),
    Plant("hessian_vector_product", ("gauss-newton-for-hessian",), lambda case: gauss_newton(case) @ vector(case)),
    Plant(
        "hessian",
        ("gauss-newton-for-hessian", "constant-factor"),
        times(lambda case: 1 / case.N, gauss_newton),
        note="1/N",
    ),
    Plant("gauss_newton", ("hessian-for-gauss-newton",), hessian),
    Plant("hessian", ("residual-only",), lambda case: hessian(case) - gauss_newton(case)),
    Plant("gauss_newton", ("outer-product",), lambda case: reference(case).gradients.T @ reference(case).gradients),
    Plant("hessian", ("outer-product",), lambda case: reference(case).gradients.T @ reference(case).gradients),
    Plant(
        "gauss_newton", ("product-of-means",), lambda case: np.outer(gradient(case), gradient(case)), note="gradient"
    ),
    Plant(
        "gauss_newton",
        ("product-of-means",),
        lambda case: jacobian(case).mean(0).T @ curvature(case, case.loss).sum(0) @ jacobian(case).mean(0),
        note="Jacobian",
    ),
    Plant("hessian_diagonal", ("mixed-derivatives-neglected",), becker_lecun, DEEP),
    # inside the network
    Plant("hessian", ("missing-second-derivative",), lambda case: by_jets(case, second=0.0).hessian),
    Plant(
        "hessian",
        ("missing-second-derivative",),
        lambda case: by_jets(case, second=0.0, only=1).hessian,
        DEEP,
        note="layer 1",
    ),
    Plant(
        "hessian_diagonal",
        SAME_ON_THE_DIAGONAL,
        lambda case: np.diag(by_jets(case, second=0.0).hessian).copy(),
    ),
    Plant("gradient", ("missing-first-derivative",), lambda case: by_jets(case, first=1.0).gradient),
    Plant(
        "gradient",
        ("missing-first-derivative",),
        lambda case: by_jets(case, first=1.0, only=2).gradient,
        DEEP,
        "layer 2",
    ),
    Plant("gradient", ("derivative-at-activation",), lambda case: by_jets(case, at_z=True).gradient),
    Plant("hessian", ("derivative-at-activation",), lambda case: by_jets(case, at_z=True).hessian),
    Plant(
        "gradient",
        ("missing-first-derivative",),
        lambda case: way_back(case, slopes_above=False),
        DEEP,
        note="carried back by weights",
    ),
    Plant(
        "jacobian",
        ("missing-first-derivative",),
        lambda case: way_back(case, slopes_above=False, outputs=True),
        DEEP,
        note="carried back by weights",
    ),
    Plant("gradient", ("weights-for-inputs",), lambda case: way_back(case, beside="W")),
    Plant("jacobian", ("weights-for-inputs",), lambda case: way_back(case, beside="W", outputs=True)),
    Plant(
        "gradient",
        ("weights-for-inputs", "wrong-sign"),
        lambda case: -way_back(case, beside="W"),
        note="and the sign",
    ),
    Plant(
        "gradient",
        ("weights-for-inputs", "missing-first-derivative"),
        lambda case: way_back(case, beside="W", slopes_above=False),
        DEEP,
    ),
    Plant(
        "gradient",
        ("one-part", "weights-for-inputs"),
        lambda case: in_layer(
            case, gradient(case), part(case, 2, "W"), lambda g: way_back(case, beside="W")[part(case, 2, "W")]
        ),
        note="layer 2",
    ),
    Plant("gradient", ("biases-ignored",), lambda case: by_jets(case, biases=False).gradient),
    Plant("hessian", ("biases-ignored",), lambda case: by_jets(case, biases=False).hessian),
    Plant("gradient", ("biases-missing",), lambda case: without_biases(gradient(case), case)),
    Plant("hessian", ("biases-missing",), lambda case: without_biases(hessian(case), case)),
    Plant("gradient", ("layer-missing",), lambda case: without_layer(gradient(case), case, 1)),
    Plant("hessian", ("layer-missing",), lambda case: without_layer(hessian(case), case, 2)),
    Plant("gradient", ("another-loss",), lambda case: by_jets(case, loss="squared_error").gradient, CLASSIFIERS),
    Plant("hessian", ("another-loss",), lambda case: by_jets(case, loss="squared_error").hessian, CLASSIFIERS),
    Plant("gradient", ("another-loss",), output_slope, CLASSIFIERS, note="with the slope of the output"),
    Plant(
        "gauss_newton",
        ("another-curvature",),
        with_curvature(lambda case: curvature(case, "squared_error")),
        CLASSIFIERS,
        note="I",
    ),
    Plant(
        "gauss_newton",
        ("another-curvature",),
        with_curvature(softmax_without_products),
        tuple(
            Case(widths, activations, "softmax_cross_entropy", N=5)
            for widths, activations in (
                ((2, 3, 3), ("tanh",)),
                ((3, 2, 4), ("sin",)),
                ((2, 3, 2, 3), ("tanh", "silu")),
                ((2, 2, 3, 4), ("gelu", "tanh")),
                ((3, 3, 2), ("softplus",)),
            )
        ),
        note="diag y",
    ),
    # batches
    Plant("gradient", ("patterns-left-out",), lambda case: reference(case).gradients[:-1].sum(axis=0), note="the last"),
    Plant(
        "hessian", ("patterns-left-out",), lambda case: reference(case).hessians[::2].sum(axis=0), note="every other"
    ),
    # a part
    Plant(
        "gradient",
        ("one-part", "constant-factor"),
        lambda case: in_layer(case, gradient(case), part(case, 2, "W"), lambda g: 2 * g),
    ),
    Plant(
        "gradient",
        ("one-part", "wrong-sign"),
        lambda case: in_layer(case, gradient(case), part(case, 1, "W"), lambda g: -g),
    ),
    Plant("gradient", ("one-part",), lambda case: noise_in(case, 2), note="noise"),
    # points and precision
    # one error against another, one way back lost
    Plant("gradient", ("broadcast",), lambda case: against_every_target(case, 1.0), SINGLE, note="sum"),
    Plant("gradient", ("broadcast",), lambda case: against_every_target(case, case.N), SINGLE, note="mean"),
    Plant("gradient", ("softmax-entry-by-entry",), entry_by_entry, SOFTMAX),
    Plant("gradient", ("branch-lost",), lambda case: without_output(case, 0), BRANCHED, note="output 0"),
    Plant("gradient", ("branch-lost",), lambda case: without_output(case, case.widths[-1] - 1), BRANCHED),
    Plant("hessian", ("half-a-term",), lambda case: (hessian(case) + gauss_newton(case)) / 2, note="residual"),
    Plant("hessian", ("half-a-term",), lambda case: hessian(case) - gauss_newton(case) / 2, note="Gauss-Newton"),
    Plant(
        "gauss_newton",
        ("another-curvature",),
        lambda case: np.einsum("nkp,nkq->pq", jacobian(case), jacobian(case)),
        CLASSIFIERS,
        note="without p(1 - p)",
    ),
    Plant("gradient", ("float32-noise",), float32_gradient),
    Plant("gradient", ("noise",), quotient),
    Plant("gradient", ("not-finite",), lambda case: gradient(case) * np.where(np.arange(len(case.w)) == 3, np.nan, 1)),
)
