"""Experiments of *Outer products*: how large the residual part is, and what JAX says of both parts."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import jax
import numpy as np

import hesslib
from hesslib import Network, finite_difference
from hesslib.agreement import Check, compare
from hesslib.book.hessians import two_parts
from hesslib.book.measuring import slope
from hesslib.book.oracles import jax_error, jax_outputs

NOISE = 0.5
"""The standard deviation of the targets."""


def share(net: Network, weights: Any, x: Any, targets: Any) -> float:
    """The norm of the residual part, in units of that of the Gauss-Newton part."""
    outer, residual = two_parts(net, weights, x, targets)
    return float(np.linalg.norm(residual) / np.linalg.norm(outer))


class Teachers:
    """Three true functions, one for each loss, and data that they make with noise."""

    def __init__(self, teacher: Network) -> None:
        self.rng = np.random.default_rng(11)
        self.teacher, self.w = teacher, 3 * teacher.init(1)
        self.binary = Network((2, 3, 1), loss="binary_cross_entropy")
        self.classes = Network((2, 3, 3), loss="softmax_cross_entropy")
        self.w_classes = 3 * self.classes.init(1)

    def regression(self, size: int) -> tuple[Any, Any]:
        """Draw inputs, and outputs with noise."""
        x = self.rng.standard_normal((size, 2))
        y = hesslib.outputs(self.teacher, self.w, x)
        return x, y + NOISE * self.rng.standard_normal(y.shape)

    def logistic(self, size: int) -> tuple[Any, Any]:
        """Draw inputs, and a yes or no with the probability that the network says."""
        x = self.rng.standard_normal((size, 2))
        y = hesslib.outputs(self.binary, self.w, x)
        return x, (self.rng.random(y.shape) < y).astype(float)

    def softmax(self, size: int) -> tuple[Any, Any]:
        """Draw inputs, and a class with the probabilities that the network says."""
        x = self.rng.standard_normal((size, 2))
        upto = np.cumsum(hesslib.outputs(self.classes, self.w_classes, x), axis=1)
        return x, np.argmax(self.rng.random((size, 1)) < upto / upto[:, -1:], axis=1)


class Shares:
    """The share of the residual part against the number of patterns: its mean, its power, and the level it tends to."""

    def __init__(self, case: tuple[Network, Any, Callable[[int], Any]], sizes: Any, draws: int) -> None:
        net, at, data = case
        squares = np.array([[share(net, at, *data(size)) ** 2 for _ in range(draws)] for size in sizes])
        self.curve = np.sqrt(squares.mean(axis=1))
        self.power = slope(sizes, self.curve)
        # share**2 = c2 + d2 / N by weighted least squares: c2, and its standard error
        spread = squares.std(axis=1, ddof=1) / np.sqrt(draws)
        design = np.column_stack([np.ones(len(sizes)), 1 / sizes]) / spread[:, None]
        self.level, _ = np.linalg.lstsq(design, self.curve**2 / spread, rcond=None)[0]
        self.deviation = np.sqrt(np.linalg.inv(design.T @ design)[0, 0])


def against_gauss_newton(*case: Any) -> tuple[float, float]:
    """Of the outer product of gradients and of Gauss-Newton the ratio of traces, and the cosine as vectors."""
    gradients, outer = hesslib.outer_product(*case), hesslib.gauss_newton(*case)
    cosine = np.sum(gradients * outer) / np.linalg.norm(gradients) / np.linalg.norm(outer)
    return float(np.trace(gradients) / np.trace(outer)), float(cosine)


WHOLE, GN, RESIDUAL, OUTER = (
    "sum of both parts against the Hessian by JAX, three losses",
    "Gauss-Newton against compiled, on the Jacobian by JAX",
    "residual part against Hessian minus Gauss-Newton by JAX",
    "outer product against compiled, on the Jacobian by JAX",
)


def parts_against_jax(judge: Any, code_gn: str, code_op: str) -> dict[str, Check]:
    """Both parts and the outer product for three losses, against JAX and against the compiled derivations."""
    x, w = judge.standard_normal((5, 2)), 0.8 * judge.standard_normal(21)
    goals = {
        "squared_error": judge.standard_normal((5, 3)),
        "binary_cross_entropy": judge.integers(0, 2, (5, 3)).astype(float),
        "softmax_cross_entropy": np.eye(3)[judge.integers(0, 3, 5)],
    }
    nets = {loss: Network((2, 3, 3), loss=loss) for loss in goals}
    net, goal = nets["softmax_cross_entropy"], goals["softmax_cross_entropy"]
    logits = np.asarray(jax_outputs(net, w, x))
    J = np.asarray(jax.jit(jax.jacfwd(lambda v: jax_outputs(net, v, x)))(w))

    @jax.jit
    def hessians(v: Any) -> Any:
        errors = {loss: lambda u, loss=loss: jax_error(nets[loss], u, x, goals[loss]) for loss in goals}
        return {loss: jax.jacfwd(jax.grad(error))(v) for loss, error in errors.items()}

    H = hessians(w)
    compared: dict[str, tuple[list[Any], list[Any]]] = {name: ([], []) for name in (WHOLE, GN, RESIDUAL, OUTER)}
    for loss, targets in goals.items():
        case, of = (nets[loss], w, x, targets), nets[loss].loss
        outer, residual = two_parts(*case)
        names = {"einsum": np.einsum, "J": J, "M": of.M(logits), "delta": of.delta(logits, targets)}
        compiled_gn, compiled_op = eval(code_gn, names), eval(code_op, names)
        for name, mine, other in (
            (WHOLE, outer + residual, H[loss]),
            (GN, hesslib.gauss_newton(*case), compiled_gn),
            (RESIDUAL, residual, np.asarray(H[loss]) - compiled_gn),
            (OUTER, hesslib.outer_product(*case), compiled_op),
        ):
            compared[name][0].append(mine)
            compared[name][1].append(other)
    checks = {name: compare(name, *both) for name, both in compared.items()}
    found = finite_difference.jacobian(lambda v: hesslib.gradient(net, v, x, goal), w)
    bound = float(found.error.max() / np.abs(found.value).max())
    differences = "sum of both parts against differences of the gradient (their bound), softmax"
    checks["differences"] = compare(differences, compared[WHOLE][0][-1], found.value, tolerance=bound)
    return checks
