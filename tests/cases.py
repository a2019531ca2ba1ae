"""One table of cases, over which the property tests run, and the tolerance that each case deserves."""

import zlib
from dataclasses import dataclass
from functools import cache, cached_property

import numpy as np
import oracles
import pytest
import sympy

from hesslib import Activation, Network

LOSSES = ("squared_error", "binary_cross_entropy", "softmax_cross_entropy")
NAMES = ("tanh", "logistic", "softplus", "sin", "gelu", "gelu_tanh", "silu", "relu", "identity")

_a = sympy.Symbol("a")
BENT = Activation.from_expression("bent", (sympy.sqrt(_a**2 + 1) - 1) / 2 + _a, _a)  # a user's own


@dataclass(frozen=True)
class Case:
    """A network with weights, patterns and targets, all drawn from a seed that is a function of the case."""

    widths: tuple[int, ...]
    activations: tuple[str, ...]
    loss: str
    N: int = 4
    dtype: str = "float64"

    @property
    def id(self) -> str:
        widths = "-".join(map(str, self.widths))
        names = dict.fromkeys(self.activations)  # in order, each once
        return " ".join([widths, *names, self.loss, f"N={self.N}", self.dtype])

    @cached_property
    def net(self) -> Network:
        activation = [BENT if name == "bent" else name for name in self.activations]
        return Network(self.widths, activation=activation, loss=self.loss)

    @cached_property
    def w(self) -> np.ndarray:
        """Weights of variance 1/n, and biases that are not zero, so that a lost bias shows."""
        rng = self._rng("w")
        return (self.net.init(rng) + 0.3 * rng.standard_normal(self.net.num_parameters)).astype(self.dtype)

    @cached_property
    def x(self) -> np.ndarray:
        return self._rng("x").standard_normal((self.N, self.widths[0])).astype(self.dtype)

    @cached_property
    def t(self) -> np.ndarray:
        rng, shape = self._rng("t"), (self.N, self.widths[-1])
        if self.loss == "squared_error":
            t = rng.standard_normal(shape)
        elif self.loss == "binary_cross_entropy":
            t = rng.uniform(0, 1, shape)
        else:
            t = rng.dirichlet(np.ones(shape[1]), self.N)
        t = t.astype(self.dtype)
        return t / t.sum(axis=1, keepdims=True) if self.loss == "softmax_cross_entropy" else t

    def _rng(self, name: str) -> np.random.Generator:
        return np.random.default_rng(zlib.crc32(f"{self.id} {name}".encode()))

    @property
    def rounding(self) -> float:
        r"""A bound on the relative rounding error of a derivative, of first or second order, on this case.

        The longest chain of operations leads through the layers forward and backward: a scalar product of n terms has
        relative error n eps, an elementary function and its derivatives 16 eps (each a few operations of 1 to 4 units
        in the last place), and the sum over patterns N eps. What went wrong in one layer is passed on by the next,
        enlarged by the norm of its weights at most (no |h'| exceeds 1.5); second derivatives pass each layer twice.
        Relative means: to the largest entry, since an entry may be small by cancellation.
        """
        eps = np.finfo(self.dtype).eps
        W, _ = self.net.unravel(self.w)
        operations = self.N + sum(n + 1 + 16 for n in self.widths) + sum(n + 16 for n in self.widths[1:])
        enlarged = np.prod([max(1.0, float(np.linalg.norm(W_l, 2))) for W_l in W])
        return float(eps * operations * enlarged**2)


def close(actual: np.ndarray, expected: np.ndarray, rounding: float) -> None:
    """Assert that no entry differs by more than `rounding` times the largest entry."""
    actual, expected = np.asarray(actual), np.asarray(expected)
    assert actual.shape == expected.shape, f"shape {actual.shape}, expected {expected.shape}"
    scale = np.max(np.abs(expected))
    worst = np.max(np.abs(actual - expected)) / scale
    assert worst <= rounding, f"relative difference {worst:.2e}, allowed {rounding:.2e}"


@dataclass(frozen=True)
class Reference:
    """What the loops of `oracles` say: pattern by pattern, all in float64."""

    outputs: np.ndarray  # a^(L), (N, K)
    jacobian: np.ndarray  # (N, K, P)
    errors: np.ndarray  # (N,)
    gradients: np.ndarray  # (N, P)
    hessians: np.ndarray  # (N, P, P)


@cache
def reference(case: Case) -> Reference:
    w = oracles.jets(case.w.astype(float))
    a = [oracles.last_preactivations(case.widths, case.activations, w, row) for row in case.x.astype(float).tolist()]
    E = [oracles.LOSSES[case.loss](a_n, t_n) for a_n, t_n in zip(a, case.t.astype(float).tolist(), strict=True)]
    return Reference(
        outputs=np.array([[a_nk.value for a_nk in a_n] for a_n in a]),
        jacobian=np.array([[a_nk.gradient for a_nk in a_n] for a_n in a]),
        errors=np.array([E_n.value for E_n in E]),
        gradients=np.array([E_n.gradient for E_n in E]),
        hessians=np.array([E_n.hessian for E_n in E]),
    )


ARCHITECTURES = (
    (2, 1),  # no hidden layer
    (3, 2),
    (2, 3, 1),
    (1, 1, 1),  # width one throughout
    (3, 4, 2),
    (2, 3, 1, 3),  # a bottleneck of one unit
    (2, 4, 3, 2),
    (2, 3, 2, 3, 1),
    (2, 3, 2, 2, 3, 2),
    (1, 2, 3, 2, 2, 2, 1),  # five hidden layers
)
MIXED = ("tanh", "sin", "softplus", "gelu", "silu")


def _table() -> list[Case]:
    cases = [Case((2, 4, 3, 3), (name,) * 2, loss) for name in (*NAMES, "bent") for loss in LOSSES]
    cases += [Case(widths, MIXED[: len(widths) - 2], loss) for widths in ARCHITECTURES for loss in LOSSES]
    cases += [Case((2, 3, 3), ("tanh",), loss, N=1) for loss in LOSSES]
    cases += [Case((2, 4, 3, 3), ("relu", "tanh"), loss, dtype="float32") for loss in LOSSES]
    cases += [Case((2, 4, 3, 3), ("gelu", "silu"), loss, dtype="float32") for loss in LOSSES]
    return [case for case in cases if case.widths[-1] > 1 or case.loss != "softmax_cross_entropy"]  # that is constant


CASES = _table()
# Compiling for JAX takes a second each: one case per loss, which between them have every activation.
JAX_CASES = [
    Case((2, 3, 4, 2, 2), ("tanh", "logistic", "softplus"), "softmax_cross_entropy"),
    Case((2, 3, 4, 2, 2), ("sin", "gelu", "silu"), "binary_cross_entropy"),
    Case((2, 3, 4, 2, 2), ("relu", "bent", "identity"), "squared_error"),
]


def over(cases: list[Case]) -> pytest.MarkDecorator:
    """Run a test once for each case: ``@over(CASES)``."""
    return pytest.mark.parametrize("case", cases, ids=lambda case: case.id)


def gauss_newton_of_the_loops(case: Case) -> np.ndarray:
    ref = reference(case)
    M = [
        oracles.LOSSES[case.loss](oracles.jets(a), t).hessian
        for a, t in zip(ref.outputs, case.t.astype(float), strict=True)
    ]
    return np.einsum("nkp,nkq,nqr->pr", ref.jacobian, np.array(M), ref.jacobian)
