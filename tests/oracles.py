r"""Oracles: the same quantities, computed in the most simple-minded ways, sharing no code with the package.

1. Plain loops over patterns, layers and units with textbook formulas, run on floats, on complex numbers (complex step),
   and on `Jet`s, numbers that carry their gradient and Hessian along.
2. Dense differences of any function.
3. JAX's automatic differentiation of an error written with `jax.nn`.
4. PyTorch's, of a stack of `torch.nn.Linear`.
"""

import cmath
import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np
import scipy.special

# --- 1. Plain loops


@dataclass
class Jet:
    """A number with its gradient and Hessian: arithmetic by the sum, product and chain rules, exact to rounding."""

    value: float | complex
    gradient: np.ndarray
    hessian: np.ndarray

    def chain(self, f: Any, f_1: Any, f_2: Any) -> "Jet":
        return Jet(f, f_1 * self.gradient, f_1 * self.hessian + f_2 * self.gradient[:, None] * self.gradient[None, :])

    def __add__(self, other: "Jet | float") -> "Jet":
        if isinstance(other, Jet):
            return Jet(self.value + other.value, self.gradient + other.gradient, self.hessian + other.hessian)
        return self.chain(self.value + other, 1.0, 0.0)

    def __mul__(self, other: "Jet | float") -> "Jet":
        if not isinstance(other, Jet):
            return self.chain(self.value * other, other, 0.0)
        cross = self.gradient[:, None] * other.gradient[None, :]
        return Jet(
            self.value * other.value,
            self.value * other.gradient + other.value * self.gradient,
            self.value * other.hessian + other.value * self.hessian + cross + cross.T,
        )

    def __truediv__(self, other: "Jet | float") -> "Jet":
        if not isinstance(other, Jet):
            return self * (1 / other)
        return self * other.chain(1 / other.value, -1 / other.value**2, 2 / other.value**3)

    def __neg__(self) -> "Jet":
        return self * -1.0

    def __sub__(self, other: "Jet | float") -> "Jet":
        return self + -other

    def __rsub__(self, other: float) -> "Jet":
        return -self + other

    def __rtruediv__(self, other: float) -> "Jet":
        return self.chain(1 / self.value, -1 / self.value**2, 2 / self.value**3) * other

    __radd__ = __add__
    __rmul__ = __mul__


Number = Any  # float, complex or Jet


def jets(values: np.ndarray) -> list[Jet]:
    """Independent variables: the gradient of the i-th is the i-th unit vector."""
    P = len(values)
    return [Jet(value, unit, np.zeros((P, P))) for value, unit in zip(values.tolist(), np.eye(P), strict=True)]


def exp(x: Number) -> Number:
    if isinstance(x, Jet):
        e = exp(x.value)
        return x.chain(e, e, e)
    return cmath.exp(x) if isinstance(x, complex) else math.exp(x)


def log(x: Number) -> Number:
    if isinstance(x, Jet):
        return x.chain(log(x.value), 1 / x.value, -1 / x.value**2)
    return cmath.log(x) if isinstance(x, complex) else math.log(x)


def sqrt(x: Number) -> Number:
    if isinstance(x, Jet):
        s = sqrt(x.value)
        return x.chain(s, 1 / (2 * s), -1 / (4 * s**3))
    return cmath.sqrt(x) if isinstance(x, complex) else math.sqrt(x)


def sin(x: Number) -> Number:
    if isinstance(x, Jet):
        return x.chain(sin(x.value), sin(x.value + math.pi / 2), -sin(x.value))
    return cmath.sin(x) if isinstance(x, complex) else math.sin(x)


def erf(x: Number) -> Number:
    if isinstance(x, Jet):
        slope = 2 / math.sqrt(math.pi) * exp(-(x.value**2))
        return x.chain(erf(x.value), slope, -2 * x.value * slope)
    return scipy.special.erf(x)


def positive(x: Number) -> bool:
    return (x.value if isinstance(x, Jet) else complex(x).real) > 0


ACTIVATIONS: dict[str, Callable[[Number], Number]] = {
    "tanh": lambda a: (exp(a) - exp(-a)) / (exp(a) + exp(-a)),
    "logistic": lambda a: 1 / (1 + exp(-a)),
    "softplus": lambda a: log(1 + exp(a)),
    "sin": sin,
    "gelu": lambda a: a * (1 + erf(a / math.sqrt(2))) / 2,
    "gelu_tanh": lambda a: a / (1 + exp(-2 * math.sqrt(2 / math.pi) * (a + 0.044715 * a * a * a))),
    "silu": lambda a: a / (1 + exp(-a)),
    "relu": lambda a: a if positive(a) else a * 0.0,
    "identity": lambda a: a,
    "bent": lambda a: (sqrt(a * a + 1) - 1) / 2 + a,
}


def squared_error(a: Sequence[Number], t: Sequence[float]) -> Number:
    return sum((a_k - t_k) * (a_k - t_k) for a_k, t_k in zip(a, t, strict=True)) / 2


def binary_cross_entropy(a: Sequence[Number], t: Sequence[float]) -> Number:
    y = [1 / (1 + exp(-a_k)) for a_k in a]
    return -sum(t_k * log(y_k) + (1 - t_k) * log(1 - y_k) for y_k, t_k in zip(y, t, strict=True))


def softmax_cross_entropy(a: Sequence[Number], t: Sequence[float]) -> Number:
    Z = sum(exp(a_k) for a_k in a)
    return -sum(t_k * log(exp(a_k) / Z) for a_k, t_k in zip(a, t, strict=True))


LOSSES = {f.__name__: f for f in (squared_error, binary_cross_entropy, softmax_cross_entropy)}


OUTPUTS: dict[str, Callable[[Sequence[Number]], list[Number]]] = {
    "squared_error": list,
    "binary_cross_entropy": lambda a: [1 / (1 + exp(-a_k)) for a_k in a],
    "softmax_cross_entropy": lambda a: [exp(a_k) / sum(exp(a_q) for a_q in a) for a_k in a],
}


def last_preactivations(
    widths: Sequence[int], activations: Sequence[str], w: Sequence[Number], pattern: Sequence[Number]
) -> list[Number]:
    """a^(L) of one pattern; the weights are read from `w` one by one, in the order of the flat vector."""
    position = 0
    z = list(pattern)
    for l in range(1, len(widths)):
        n, m = widths[l - 1], widths[l]
        a = [0.0] * m
        for j in range(m):
            for i in range(n):
                a[j] = a[j] + w[position] * z[i]
                position += 1
        for j in range(m):
            a[j] = a[j] + w[position]
            position += 1
        z = a if l == len(widths) - 1 else [ACTIVATIONS[activations[l - 1]](a_j) for a_j in a]
    return z


def pattern_error(
    widths: Sequence[int],
    activations: Sequence[str],
    loss: str,
    w: Sequence[Number],
    pattern: Sequence[Number],
    t: Sequence[float],
) -> Number:
    return LOSSES[loss](last_preactivations(widths, activations, w, pattern), t)


def input_derivatives(
    widths: Sequence[int], activations: Sequence[str], loss: str, w: Sequence[Number], pattern: np.ndarray
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """The outputs of one pattern with their gradients and Hessians by the inputs: (K,), (K, D), (K, D, D)."""
    y = OUTPUTS[loss](last_preactivations(widths, activations, w, jets(pattern)))
    return np.array([q.value for q in y]), np.array([q.gradient for q in y]), np.array([q.hessian for q in y])


# --- 2. Differences


def complex_step(f: Callable[[np.ndarray], complex], w: np.ndarray) -> np.ndarray:
    """The gradient of an analytic f, exact to rounding."""
    step = 1e-100
    return np.array([f(w + 1j * step * unit).imag / step for unit in np.eye(len(w))])


def central_differences(f: Callable[[np.ndarray], Any], w: np.ndarray, step: float = 1e-5) -> np.ndarray:
    """df/dw with the differentiated quantity first, to about 1e-9."""
    columns = [(f(w + step * unit) - f(w - step * unit)) / (2 * step) for unit in np.eye(len(w))]
    return np.stack(columns, axis=-1)


# --- 3. JAX


def jax_activations() -> dict[str, Callable[[Any], Any]]:
    """Every activation, as JAX says it."""
    import jax
    import jax.numpy as jnp

    return {
        "tanh": jnp.tanh,
        "logistic": jax.nn.sigmoid,
        "softplus": jax.nn.softplus,
        "sin": jnp.sin,
        "gelu": lambda a: jax.nn.gelu(a, approximate=False),
        "gelu_tanh": jax.nn.gelu,
        "silu": jax.nn.silu,
        "relu": jax.nn.relu,
        "identity": lambda a: a,
        "bent": lambda a: (jnp.sqrt(a * a + 1) - 1) / 2 + a,
    }


def jax_error(
    widths: Sequence[int], activations: Sequence[str], loss: str, x: np.ndarray, t: np.ndarray
) -> Callable[[Any], Any]:
    """E as a function of the flat vector, laid out by ravel_pytree."""
    import jax
    import jax.numpy as jnp
    from jax.flatten_util import ravel_pytree

    functions = jax_activations()
    layers = [(jnp.zeros((m, n), x.dtype), jnp.zeros(m, x.dtype)) for n, m in pairwise(widths)]
    _, unravel = ravel_pytree(layers)

    def E(w: Any) -> Any:
        z = x
        *hidden, (W_L, b_L) = unravel(w)
        for (W, b), name in zip(hidden, activations, strict=True):
            z = functions[name](z @ W.T + b)
        a = z @ W_L.T + b_L
        if loss == "squared_error":
            return 0.5 * jnp.sum((a - t) ** 2)
        if loss == "binary_cross_entropy":
            return -jnp.sum(t * jax.nn.log_sigmoid(a) + (1 - t) * jax.nn.log_sigmoid(-a))
        return -jnp.sum(t * jax.nn.log_softmax(a))

    return E


# --- 4. PyTorch


def torch_gradient(
    widths: Sequence[int], activations: Sequence[str], loss: str, w: np.ndarray, x: np.ndarray, t: np.ndarray
) -> tuple[float, np.ndarray]:
    """E and its gradient, laid out by parameters_to_vector."""
    import torch
    from torch import nn

    class Function(nn.Module):
        def __init__(self, f: Callable[[Any], Any]) -> None:
            super().__init__()
            self.f = f

        def forward(self, a: Any) -> Any:
            return self.f(a)

    modules = {
        "tanh": nn.Tanh(),
        "logistic": nn.Sigmoid(),
        "softplus": nn.Softplus(threshold=float("inf")),
        "sin": Function(torch.sin),
        "gelu": nn.GELU(),
        "gelu_tanh": nn.GELU(approximate="tanh"),
        "silu": nn.SiLU(),
        "relu": nn.ReLU(),
        "identity": nn.Identity(),
        "bent": Function(lambda a: (torch.sqrt(a * a + 1) - 1) / 2 + a),
    }
    losses = {
        "squared_error": lambda a, t: nn.MSELoss(reduction="sum")(a, t) / 2,
        "binary_cross_entropy": nn.BCEWithLogitsLoss(reduction="sum"),
        "softmax_cross_entropy": nn.CrossEntropyLoss(reduction="sum"),
    }
    stack = nn.Sequential()
    for l, (n, m) in enumerate(pairwise(widths)):
        stack.append(nn.Linear(n, m, dtype=torch.from_numpy(w).dtype))
        if l < len(activations):
            stack.append(modules[activations[l]])
    nn.utils.vector_to_parameters(torch.from_numpy(w), stack.parameters())
    E = losses[loss](stack(torch.from_numpy(x)), torch.from_numpy(t))
    gradients = torch.autograd.grad(E, list(stack.parameters()))
    return E.item(), nn.utils.parameters_to_vector(gradients).numpy()


# --- 5. Linear models with Gaussian noise and a Gaussian prior


def log_marginal_likelihood(J: np.ndarray, t: np.ndarray, *, prior_variance: float, noise_variance: float) -> float:
    """ln p(t) of t = J w + noise: t is Gaussian, with the covariance of the two together."""
    from scipy.stats import multivariate_normal

    covariance = noise_variance * np.eye(len(t)) + prior_variance * J @ J.T
    return float(multivariate_normal(mean=np.zeros(len(t)), cov=covariance).logpdf(t))


def conditioned(
    J: np.ndarray, t: np.ndarray, row: np.ndarray, *, prior_variance: float, noise_variance: float
) -> tuple[float, float]:
    """Mean and variance of a new target at `row`, from the joint Gaussian of all targets."""
    covariance = noise_variance * np.eye(len(t)) + prior_variance * J @ J.T
    across = prior_variance * J @ row
    weights = np.linalg.solve(covariance, across)
    return float(weights @ t), float(noise_variance + prior_variance * row @ row - weights @ across)


def constrained_minimum(H: np.ndarray, w: np.ndarray, removed: Sequence[int]) -> tuple[np.ndarray, float]:
    """The minimum of (v - w)^T H (v - w) / 2 with v = 0 at `removed`, and the value there: one linear solve."""
    kept = [p for p in range(len(w)) if p not in set(removed)]
    v = np.zeros_like(w)
    if kept:
        v[kept] = np.linalg.solve(H[np.ix_(kept, kept)], (H @ w)[kept])
    return v, float((v - w) @ H @ (v - w) / 2)
