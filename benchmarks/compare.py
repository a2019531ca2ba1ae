"""Every exact quantity of hesslib against the PyTorch libraries that compute it too: do they agree?

Run ``make compare``, or ``python benchmarks/compare.py`` in an environment with PyTorch; BackPACK, curvlinops and
laplace-torch take part where they are installed, and the table says which are not. Nothing is timed. Exits with 1 if a
difference is larger than what rounding explains.

Columns: the largest difference relative to the largest entry, and the bound it is held to. All in float64, summed
over patterns. PyTorch's squared error lacks the 1/2 of hesslib's, so its values are halved.
"""

from __future__ import annotations

import importlib.util
import sys
import warnings
from collections.abc import Callable, Iterator
from importlib.metadata import version

import numpy as np
import torch
from problems import Problem

import hesslib

PEERS = {
    "torch.func": "torch",
    "BackPACK": "backpack-for-pytorch",
    "curvlinops": "curvlinops-for-pytorch",
    "laplace": "laplace-torch",
}
TOLERANCE = 1e-11  # both sides round; the longest chain here has some ten thousand operations of 2e-16 each

Row = tuple[str, str, Callable[[], np.ndarray], Callable[[], torch.Tensor]]


CASES = [
    Problem((3, 4, 2), "tanh", "squared_error"),
    Problem((3, 5, 4, 3), "tanh", "softmax_cross_entropy"),
    Problem((3, 5, 4, 3), "logistic", "squared_error"),
    Problem((3, 5, 4, 3), "relu", "softmax_cross_entropy"),
    Problem((2, 4, 3, 4, 2), "tanh", "squared_error"),
    Problem((2, 4, 3, 4, 1), "logistic", "binary_cross_entropy"),
    Problem((2, 4, 3, 2), "softplus", "binary_cross_entropy"),
    Problem((4, 3), "tanh", "softmax_cross_entropy"),
]


def by_torch_func(case: Problem) -> Iterator[Row]:
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


def by_backpack(case: Problem) -> Iterator[Row]:
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


def by_curvlinops(case: Problem) -> Iterator[Row]:
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


def by_laplace(case: Problem) -> Iterator[Row]:
    """The evidence of a classifier by Laplace's approximation; its regression is compared in evidence.py."""
    if case.loss != "softmax_cross_entropy":
        return
    from laplace import Laplace
    from laplace.curvature import AsdlGGN  # in double precision; its default backend leaves errors of single precision
    from torch.utils.data import DataLoader, TensorDataset

    loader = DataLoader(TensorDataset(*case.batch), batch_size=len(case.x))
    for alpha in (0.3, 20.0):

        def theirs(alpha: float = alpha) -> torch.Tensor:
            laplace = Laplace(
                case.model(),
                "classification",
                subset_of_weights="all",
                hessian_structure="full",
                prior_precision=torch.full((len(case.w),), alpha, dtype=torch.float64),  # a number becomes float32
                backend=AsdlGGN,
            )
            laplace.fit(loader)
            return laplace.log_marginal_likelihood()

        def ours(alpha: float = alpha) -> np.ndarray:
            return hesslib.log_evidence(case.net, case.w, case.x, case.t, alpha=alpha)

        yield f"log_evidence, {alpha:g}", "full Gauss-Newton", ours, theirs


def main() -> int:
    warnings.filterwarnings("ignore", message="Full backward hook is firing", category=UserWarning)  # BackPACK's hooks
    by_peer = {"torch.func": by_torch_func, "BackPACK": by_backpack, "curvlinops": by_curvlinops}
    by_peer |= {"laplace": by_laplace}
    imported = {"torch.func": "torch", "BackPACK": "backpack", "curvlinops": "curvlinops", "laplace": "laplace"}
    installed = [peer for peer in by_peer if importlib.util.find_spec(imported[peer])]
    print("Compared with", ", ".join(f"{peer} {version(PEERS[peer])}" for peer in installed))
    for peer in by_peer.keys() - set(installed):
        print(f"Not installed, so not compared: {peer} (pip install --no-deps {PEERS[peer]})")
    failed = rows = 0
    for case in CASES:
        print(f"\n{case}, P = {case.net.num_parameters}")
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
