"""The same network, weights and batch for NumPy, JAX and PyTorch."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from torch import nn

from hesslib import Network

if TYPE_CHECKING:
    import jax

ACTIVATIONS = {"tanh": nn.Tanh, "logistic": nn.Sigmoid, "relu": nn.ReLU, "softplus": nn.Softplus}
LOSSES = {  # PyTorch's squared error lacks the 1/2 of hesslib's
    "squared_error": (nn.MSELoss, 0.5),
    "binary_cross_entropy": (nn.BCEWithLogitsLoss, 1.0),
    "softmax_cross_entropy": (nn.CrossEntropyLoss, 1.0),
}


@dataclass(frozen=True)
class Problem:
    """A network with weights and a batch; every value is the sum over patterns, as hesslib has it."""

    widths: tuple[int, ...]
    activation: str = "tanh"
    loss: str = "squared_error"
    N: int = 20

    def __str__(self) -> str:
        return f"{'-'.join(map(str, self.widths))} {self.activation} {self.loss}, N = {self.N}"

    @cached_property
    def net(self) -> Network:
        return Network(self.widths, activation=self.activation, loss=self.loss)

    @cached_property
    def w(self) -> np.ndarray:
        rng = np.random.default_rng(0)
        return self.net.init(rng) + 0.3 * rng.standard_normal(self.net.num_parameters)

    @cached_property
    def x(self) -> np.ndarray:
        return np.random.default_rng(1).standard_normal((self.N, self.widths[0]))

    @cached_property
    def t(self) -> np.ndarray:
        rng, shape = np.random.default_rng(2), (self.N, self.widths[-1])
        if self.loss == "squared_error":
            return rng.standard_normal(shape)
        if self.loss == "binary_cross_entropy":
            return rng.integers(0, 2, shape).astype(float)
        return rng.integers(0, self.widths[-1], self.N)

    @cached_property
    def v(self) -> np.ndarray:
        return np.random.default_rng(3).standard_normal(self.net.num_parameters)

    @property
    def args(self) -> tuple[Network, np.ndarray, np.ndarray, np.ndarray]:
        return self.net, self.w, self.x, self.t

    # PyTorch

    @property
    def factor(self) -> float:
        """What turns PyTorch's loss, summed, into hesslib's error."""
        return LOSSES[self.loss][1]

    def loss_module(self) -> nn.Module:
        return LOSSES[self.loss][0](reduction="sum")

    def model(self) -> nn.Sequential:
        """A fresh model each time: BackPACK leaves hooks on those it has seen."""
        layers: list[nn.Module] = []
        for l, (columns, rows) in enumerate(zip(self.widths, self.widths[1:], strict=False), start=1):
            layers.append(nn.Linear(columns, rows))
            if l < self.net.L:
                layers.append(ACTIVATIONS[self.activation]())
        model = nn.Sequential(*layers).double()
        nn.utils.vector_to_parameters(torch.as_tensor(self.w), model.parameters())
        return model

    @property
    def batch(self) -> tuple[torch.Tensor, torch.Tensor]:
        return self._batch

    def error(self, w: torch.Tensor) -> torch.Tensor:
        """hesslib's error, by PyTorch."""
        x, t = self.batch
        return self.factor * self.loss_module()(self.logits(w, x), t)

    def logits(self, w: torch.Tensor, x: torch.Tensor) -> torch.Tensor:
        parameters, at = {}, 0
        for name, like in self._functional.named_parameters():
            parameters[name] = w[at : at + like.numel()].reshape(like.shape)
            at += like.numel()
        return torch.func.functional_call(self._functional, parameters, (x,))

    def __post_init__(self) -> None:
        # before any transformation of torch.func, whose tensors must not outlive it
        object.__setattr__(self, "_batch", (torch.as_tensor(self.x), torch.as_tensor(self.t)))
        object.__setattr__(self, "_functional", self.model())  # its own weights are not used

    # JAX, without hesslib

    def jax_logits(self, w: jax.Array, x: jax.Array) -> jax.Array:
        """The last pre-activations of rows, or of one pattern."""
        import jax.numpy as jnp

        h = {"tanh": jnp.tanh, "logistic": _logistic, "relu": lambda a: jnp.maximum(a, 0), "softplus": _softplus}
        z, at = x, 0
        for l in range(1, len(self.widths)):
            rows, columns = self.widths[l], self.widths[l - 1]
            W, at = w[at : at + rows * columns].reshape(rows, columns), at + rows * columns
            b, at = w[at : at + rows], at + rows
            z = z @ W.T + b
            if l < len(self.widths) - 1:
                z = h[self.activation](z)
        return z

    def jax_loss(self, a: jax.Array, t: jax.Array) -> jax.Array:
        """hesslib's error from pre-activations, of rows or of one pattern."""
        import jax
        import jax.numpy as jnp

        if self.loss == "squared_error":
            return 0.5 * jnp.sum((a - t) ** 2)
        if self.loss == "binary_cross_entropy":
            return jnp.sum(_softplus(a) - t * a)
        chosen = jnp.take_along_axis(jax.nn.log_softmax(a), t[..., None], axis=-1)
        return -jnp.sum(chosen)

    @property
    def jax_error(self) -> Callable[[jax.Array], jax.Array]:
        """hesslib's error as a function of the weights, by JAX."""
        import jax.numpy as jnp

        x, t = jnp.asarray(self.x), jnp.asarray(self.t)
        return lambda w: self.jax_loss(self.jax_logits(w, x), t)


def _logistic(a: Any) -> Any:
    import jax

    return jax.nn.sigmoid(a)


def _softplus(a: Any) -> Any:
    import jax.numpy as jnp

    return jnp.logaddexp(a, 0)


def by_hesslib(function: Callable[..., Any], problem: Problem, *more: np.ndarray) -> Mapping[str, Callable[[], Any]]:
    """``function(net, w, x, t, ...)`` with NumPy arrays, and compiled by JAX as the peers are: a function of w, ..."""
    import jax.numpy as jnp

    net, w, x, t = problem.args
    x_jax, t_jax = jnp.asarray(x), jnp.asarray(t)
    (compiled,) = by_jax({"": lambda w, *more: function(net, w, x_jax, t_jax, *more)}, w, *more).values()
    return {"hesslib, NumPy": lambda: function(net, w, x, t, *more), "hesslib, JAX jit": compiled}


def by_jax(functions: Mapping[str, Callable[..., Any]], *arrays: np.ndarray) -> dict[str, Callable[[], Any]]:
    """Each function, compiled, at the same arrays."""
    import jax
    import jax.numpy as jnp

    on_jax = [jnp.asarray(array) for array in arrays]
    compiled = {name: jax.jit(function) for name, function in functions.items()}
    return {name: (lambda f=f: f(*on_jax).block_until_ready()) for name, f in compiled.items()}


def by_backpack(problem: Problem, extension: str, name: str) -> dict[str, Callable[[], Any]]:
    """What BackPACK's extension leaves at the parameters under that name; the gradient is computed along with it."""
    from backpack import backpack, extend, extensions

    model, loss = extend(problem.model()), extend(problem.loss_module())
    x, t = problem.batch

    def call() -> torch.Tensor:
        model.zero_grad()
        with backpack(getattr(extensions, extension)()):
            loss(model(x), t).backward()
        return problem.factor * torch.cat([getattr(p, name).reshape(-1) for p in model.parameters()])

    return {f"BackPACK {extension}": call}


def pattern_jacobians(problem: Problem, w: jax.Array) -> tuple[jax.Array, jax.Array]:
    """By JAX: the Jacobian of the pre-activations of each pattern, (N, K, P), and the M of each, (N, K, K)."""
    import jax
    import jax.numpy as jnp

    x, t = jnp.asarray(problem.x), jnp.asarray(problem.t)
    J = jax.vmap(jax.jacrev(problem.jax_logits), in_axes=(None, 0))(w, x)
    M = jax.vmap(jax.hessian(problem.jax_loss))(problem.jax_logits(w, x), t)
    return J, M
