"""Every exact quantity of hesslib against the PyTorch libraries that compute it too: do they agree?

Run ``make compare``, or ``python benchmarks/compare.py`` in an environment with PyTorch; BackPACK and curvlinops take
part where they are installed, and the table says which are not. Nothing is timed. Exits with 1 if a difference is
larger than what rounding explains.

Columns: the largest difference relative to the largest entry, and the bound it is held to. All in float64, summed
over patterns. PyTorch's squared error lacks the 1/2 of hesslib's, so its values are halved.
"""

from __future__ import annotations

import importlib.util
import sys
import warnings
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cached_property
from importlib.metadata import version

import numpy as np
import torch
from torch import nn

import hesslib
from hesslib import Network

PEERS = {
    "torch.func": "torch",
    "BackPACK": "backpack-for-pytorch",
    "curvlinops": "curvlinops-for-pytorch",
}
TOLERANCE = 1e-11  # both sides round; the longest chain here has some ten thousand operations of 2e-16 each

ACTIVATIONS = {"tanh": nn.Tanh, "logistic": nn.Sigmoid, "relu": nn.ReLU, "softplus": nn.Softplus}
LOSSES = {
    "squared_error": (nn.MSELoss, 0.5),
    "binary_cross_entropy": (nn.BCEWithLogitsLoss, 1.0),
    "softmax_cross_entropy": (nn.CrossEntropyLoss, 1.0),
}

Row = tuple[str, str, Callable[[], np.ndarray], Callable[[], torch.Tensor]]


@dataclass(frozen=True)
class Case:
    """A network with weights and a batch, as hesslib and as PyTorch know it."""

    widths: tuple[int, ...]
    activation: str
    loss: str
    N: int = 20

    def __str__(self) -> str:
        return f"{'-'.join(map(str, self.widths))} {self.activation} {self.loss}"

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

    def error(self, w: torch.Tensor) -> torch.Tensor:
        """hesslib's error, by PyTorch."""
        x, t = torch.as_tensor(self.x), torch.as_tensor(self.t)
        return self.factor * self.loss_module()(self.logits(w, x), t)

    def logits(self, w: torch.Tensor, x: torch.Tensor) -> torch.Tensor:
        parameters, at = {}, 0
        for name, like in self._functional.named_parameters():
            parameters[name] = w[at : at + like.numel()].reshape(like.shape)
            at += like.numel()
        return torch.func.functional_call(self._functional, parameters, (x,))

    @cached_property
    def _functional(self) -> nn.Sequential:
        """Made before any transformation begins; its own weights are never used."""
        return self.model()


CASES = [
    Case((3, 4, 2), "tanh", "squared_error"),
    Case((3, 5, 4, 3), "tanh", "softmax_cross_entropy"),
    Case((3, 5, 4, 3), "logistic", "squared_error"),
    Case((3, 5, 4, 3), "relu", "softmax_cross_entropy"),
    Case((2, 4, 3, 4, 2), "tanh", "squared_error"),
    Case((2, 4, 3, 4, 1), "logistic", "binary_cross_entropy"),
    Case((2, 4, 3, 2), "softplus", "binary_cross_entropy"),
    Case((4, 3), "tanh", "softmax_cross_entropy"),
]


def by_torch_func(case: Case) -> Iterator[Row]:
    args = case.net, case.w, case.x, case.t
    w, x, t = (torch.as_tensor(array) for array in (case.w, case.x, case.t))
    v = torch.as_tensor(np.random.default_rng(3).standard_normal(len(case.w)))
    gradient = torch.func.grad(case.error)

    def of_pattern(w: torch.Tensor, x_n: torch.Tensor, t_n: torch.Tensor) -> torch.Tensor:
        return case.factor * case.loss_module()(case.logits(w, x_n[None]), t_n[None])

    def jacobian() -> torch.Tensor:
        return torch.func.jacrev(lambda w: case.logits(w, x))(w)

    def gauss_newton() -> torch.Tensor:
        J, a = jacobian(), case.logits(w, x)
        M = torch.stack(
            [
                torch.func.hessian(lambda a_n, n=n: case.factor * case.loss_module()(a_n[None], t[n : n + 1]))(a[n])
                for n in range(case.N)
            ]
        )
        return torch.einsum("nkp,nkq,nqr->pr", J, M, J)

    def pattern_gradients() -> torch.Tensor:
        return torch.func.vmap(torch.func.grad(of_pattern), in_dims=(None, 0, 0))(w, x, t)

    yield "error", "torch", lambda: hesslib.error(*args), lambda: case.error(w)
    yield "gradient", "torch.func.grad", lambda: hesslib.gradient(*args), lambda: gradient(w)
    yield "output_jacobian", "torch.func.jacrev", lambda: hesslib.output_jacobian(*args[:3]), jacobian
    yield "pattern_gradients", "torch.func, vmap of grad", lambda: hesslib.pattern_gradients(*args), pattern_gradients
    yield (
        "outer_product",
        "torch.func, vmap of grad",
        lambda: hesslib.outer_product(*args),
        lambda: pattern_gradients().T @ pattern_gradients(),
    )
    yield "hessian", "torch.func.hessian", lambda: hesslib.hessian(*args), lambda: torch.func.hessian(case.error)(w)
    yield (
        "hessian",
        "torch.func, jacrev of jacrev",
        lambda: hesslib.hessian(*args),
        lambda: torch.func.jacrev(torch.func.jacrev(case.error))(w),
    )
    yield "gauss_newton", "torch.func, J'MJ", lambda: hesslib.gauss_newton(*args), gauss_newton
    yield (
        "hessian_vector_product",
        "torch.func, vjp of grad",
        lambda: hesslib.hessian_vector_product(*args, v.numpy()),
        lambda: torch.func.vjp(gradient, w)[1](v)[0],
    )


def by_backpack(case: Case) -> Iterator[Row]:
    from backpack import backpack, extend
    from backpack.extensions import BatchGrad, DiagGGNExact, DiagHessian

    args = case.net, case.w, case.x, case.t

    def quantity(extension: object, name: str) -> torch.Tensor:
        model, loss = extend(case.model()), extend(case.loss_module())
        with backpack(extension):
            loss(model(torch.as_tensor(case.x)), torch.as_tensor(case.t)).backward()
        parts = [getattr(p, name).detach() for p in model.parameters()]
        if name == "grad_batch":
            return case.factor * torch.cat([part.reshape(case.N, -1) for part in parts], dim=1)
        return case.factor * torch.cat([part.reshape(-1) for part in parts])

    yield (
        "pattern_gradients",
        "BackPACK BatchGrad",
        lambda: hesslib.pattern_gradients(*args),
        lambda: quantity(BatchGrad(), "grad_batch"),
    )
    if case.loss == "binary_cross_entropy" and case.widths[-1] > 1:
        return  # BackPACK refuses second derivatives of this loss for more than one output
    if case.activation == "softplus":
        return  # nor does it know the second derivative of this activation
    yield (
        "hessian_diagonal",
        "BackPACK DiagHessian",
        lambda: hesslib.hessian_diagonal(*args),
        lambda: quantity(DiagHessian(), "diag_h"),
    )
    yield (
        "gauss_newton_diagonal",
        "BackPACK DiagGGNExact",
        lambda: hesslib.gauss_newton_diagonal(*args),
        lambda: quantity(DiagGGNExact(), "diag_ggn_exact"),
    )


def by_curvlinops(case: Case) -> Iterator[Row]:
    import curvlinops

    args = case.net, case.w, case.x, case.t

    def operator(kind: type) -> torch.Tensor:
        model = case.model()
        batch = [(torch.as_tensor(case.x), torch.as_tensor(case.t))]
        made = kind(model, case.loss_module(), list(model.parameters()), batch, check_deterministic=False)
        return case.factor * (made @ torch.eye(case.net.num_parameters, dtype=torch.float64)).detach()

    yield (
        "hessian",
        "curvlinops Hessian @ I",
        lambda: hesslib.hessian(*args),
        lambda: operator(curvlinops.HessianLinearOperator),
    )
    yield (
        "gauss_newton",
        "curvlinops GGN @ I",
        lambda: hesslib.gauss_newton(*args),
        lambda: operator(curvlinops.GGNLinearOperator),
    )


def main() -> int:
    warnings.filterwarnings("ignore", message="Full backward hook is firing", category=UserWarning)  # BackPACK's hooks
    by_peer = {"torch.func": by_torch_func, "BackPACK": by_backpack, "curvlinops": by_curvlinops}
    imported = {"torch.func": "torch", "BackPACK": "backpack", "curvlinops": "curvlinops"}
    installed = [peer for peer in by_peer if importlib.util.find_spec(imported[peer])]
    print("Compared with", ", ".join(f"{peer} {version(PEERS[peer])}" for peer in installed))
    for peer in by_peer.keys() - set(installed):
        print(f"Not installed, so not compared: {peer} (pip install --no-deps {PEERS[peer]})")
    failed = rows = 0
    for case in CASES:
        print(f"\n{case}, P = {case.net.num_parameters}, N = {case.N}")
        for peer in installed:
            for quantity, how, value, reference in by_peer[peer](case):
                ours, theirs = np.asarray(value()), reference().detach().numpy()
                assert ours.shape == theirs.shape, f"{quantity}: {ours.shape}, {how}: {theirs.shape}"
                difference = float(np.max(np.abs(ours - theirs)) / np.max(np.abs(theirs)))
                good = difference <= TOLERANCE
                rows, failed = rows + 1, failed + (not good)
                print(f"  {quantity:24}{how:30}{difference:9.1e}  {'' if good else f'MORE THAN {TOLERANCE:.0e}'}")
    print(f"\n{rows} comparisons, {failed} beyond {TOLERANCE:.0e}")
    return int(failed > 0)


if __name__ == "__main__":
    sys.exit(main())
