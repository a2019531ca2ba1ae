"""Mistakes of layout: the numbers are right and stand in the wrong places."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from hesslib.check.case import Case
from hesslib.check.hypothesis import Hypothesis
from hesslib.networks.network import Network

Order = tuple[str, str, np.ndarray]


def orders(net: Network) -> Iterator[Order]:
    """Other orders of the parameters: kind, words, and where each entry of such a vector lies in `w`."""
    P = np.arange(net.num_parameters)
    W = {l: P[net.weight_slice(l)].reshape(net.widths[l], net.widths[l - 1]) for l in range(1, net.L + 1)}
    b = {l: P[net.bias_slice(l)] for l in range(1, net.L + 1)}
    layers = list(range(1, net.L + 1))
    flipped = {l: W[l].T for l in layers}

    def joined(parts: list[np.ndarray]) -> np.ndarray:
        return np.concatenate([part.reshape(-1) for part in parts])

    for matrices, also in ((W, ""), (flipped, ", and each matrix of weights column by column")):
        if also:
            words = (
                "each matrix of weights is laid out column by column (transposed: from a unit first, to a unit second)"
            )
            yield "weights-transposed", words, joined([part for l in layers for part in (matrices[l], b[l])])
        arrangements = (
            (
                "biases-first",
                "in each layer the biases stand before the weights",
                [(b[l], matrices[l]) for l in layers],
            ),
            (
                "biases-last",
                "all weights come first, then all biases",
                [tuple(matrices[l] for l in layers), tuple(b[l] for l in layers)],
            ),
            (
                "biases-last",
                "all biases come first, then all weights",
                [tuple(b[l] for l in layers), tuple(matrices[l] for l in layers)],
            ),
            (
                "layers-reversed",
                "the layers stand in reversed order, the last one first",
                [(matrices[l], b[l]) for l in reversed(layers)],
            ),
        )
        for kind, words, parts in arrangements:
            yield kind, words + also, joined([part for group in parts for part in group])


def parameter_orders(case: Case) -> Iterator[Hypothesis]:
    """The parameters in another order than the one that was asked for."""
    here = case.network
    if here is None or True not in case.quantity.axes or case.quantity.name == "laplacian":
        return
    theirs = np.full(here.problem.net.num_parameters, -1)
    theirs[here.index] = np.arange(len(here.index))
    canonical = np.arange(here.problem.net.num_parameters)
    plain = ("other-order", "the parameters are in the order of hesslib, not in that of the problem", canonical)
    for kind, words, order in (plain, *orders(here.problem.net)):
        places = theirs[order]  # the k-th number of the claimed result belongs to coordinate places[k]
        places = places[places >= 0]
        if (places == np.arange(len(places))).all():
            continue
        undone = case.claimed
        back = np.argsort(places)
        for axis, of_parameters in enumerate(case.quantity.axes):
            if of_parameters:
                undone = np.take(undone, back, axis=axis)
        yield Hypothesis(kind, words, undone=undone)


def column_major(case: Case) -> Iterator[Hypothesis]:
    """A point with several axes laid out column by column."""
    shape = case.subject.shape
    if len(shape) < 2 or min(shape) < 2:
        return
    places = np.arange(case.subject.p).reshape(shape).reshape(-1, order="F")
    back, undone = np.argsort(places), case.claimed
    for axis, of_parameters in enumerate(case.quantity.axes):
        if of_parameters:
            undone = np.take(undone, back, axis=axis)
    yield Hypothesis("column-major", "the coordinates are laid out column by column (Fortran order)", undone=undone)


def transposed(case: Case) -> Iterator[Hypothesis]:
    """A Jacobian with the outputs second."""
    if case.quantity.name != "jacobian":
        return
    m, p = case.quantity.shape
    if m == p:
        yield Hypothesis(
            "transposed", "it is the transpose: outputs belong first, coordinates second", undone=case.claimed.T
        )


def transposed_arrays(case: Case) -> Iterator[Hypothesis]:
    """Square arrays of a dictionary or of a model, each turned round: their shapes do not tell it."""
    tree, right = case.subject.tree, case.right
    if tree is None or right is None or case.quantity.name not in ("gradient", "hessian_diagonal"):
        return
    positions, start, square = np.arange(len(right)), 0, []
    for name, shape, size in zip(tree.names, tree.shapes, tree.sizes, strict=True):
        if len(shape) == 2 and shape[0] == shape[1] > 1:
            square.append(name)
            positions[start : start + size] = positions[start : start + size].reshape(shape).T.reshape(-1)
        start += size
    if square:
        words = f"{', '.join(square[:SOME])} {'is' if len(square) == 1 else 'are'} transposed"
        yield Hypothesis("arrays-transposed", words, right[positions])


SOME = 3  # arrays that are listed by name
MISTAKES = (parameter_orders, column_major, transposed, transposed_arrays)
