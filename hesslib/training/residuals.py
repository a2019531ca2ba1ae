"""Residuals and their Jacobian as a caller gives them: every value checked, and errors that name the iteration."""

import math
from collections.abc import Callable

import numpy as np

from hesslib._arrays import Array, in_library_of
from hesslib.training.run import Run, Stop, as_numpy

DIFFERENCE = 1e-5  # of w, about the cube root of eps: the step of a central difference


class Residuals:
    """The problem that two functions of the caller pose; what they return is checked each time."""

    def __init__(
        self, residuals: Callable[[Array], Array], jacobian: Callable[[Array], Array], run: Run, weights: Array | None
    ) -> None:
        self.residuals, self.jacobian, self.run, self.weights = residuals, jacobian, run, weights
        self.root: np.ndarray | None = None  # square roots of the weights of the residuals; None if all are 1
        self.m = 0  # residuals; 0 before the first call

    def error(self, w: np.ndarray, /) -> float:
        self.w = in_library_of(self.run.w0, w)
        self.run.errors += 1
        with np.errstate(over="ignore", invalid="ignore", divide="ignore"):
            r = as_numpy(self.residuals(self.w), "residuals")
            if r.shape != (self.m,) or self.m == 0:
                self._first(r)
            self.r = r if self.root is None else self.root * r
            E = float(self.r @ self.r) / 2
        if not (math.isfinite(E) or self.run.history):
            raise ValueError(
                f"residuals has entries up to {np.abs(r).max():.1e} at w0: the sum of their squares overflows"
            )
        if E == 0 and self.r.any():
            if not self.run.history:
                raise ValueError(
                    f"residuals is at most {np.abs(self.r).max():.1e} at w0: their squares underflow; scale them"
                )
            raise Stop("converged", f"residuals are at most {np.abs(self.r).max():.1e}: their squares underflow")
        return E

    def product(self, v: np.ndarray, /) -> np.ndarray:
        r"""Return $Hv$, H the Hessian of $\tfrac12r^Tr$ at `w`, $J^TJv+\frac{d}{dh}J(w+hv)^Tr$, from two J."""
        w, r, root = as_numpy(self.w), self.r, 1.0 if self.root is None else self.root[:, None]
        size = math.sqrt(float(v @ v))
        h = DIFFERENCE * (1 + math.sqrt(float(w @ w))) / size
        J = [
            root * as_numpy(self.jacobian(in_library_of(self.run.w0, w + sign * h * v)), "jacobian")
            for sign in (1, 0, -1)
        ]
        self.run.matrices += 3
        return J[1].T @ (J[1] @ v) + (J[0] - J[2]).T @ r / (2 * h)

    def _first(self, r: np.ndarray) -> None:
        """Check the shape of the residuals, which the first call settles, and at w0 their values."""
        iteration = len(self.run.history)
        if self.m or r.ndim != 1 or len(r) == 0:
            wanted = f"({self.m},), as it was at w0" if self.m else "(m,), with m at least 1"
            raise ValueError(f"residuals has shape {r.shape} in iteration {iteration}; it must be {wanted}")
        refuse_non_finite("residuals", r, iteration)
        self.m = len(r)
        if self.weights is None:
            return
        c = as_numpy(self.weights, "weights")
        if c.shape != r.shape:
            raise ValueError(f"weights has shape {c.shape}; it must be {r.shape}, one for each residual")
        refuse_non_finite("weights", c, iteration)
        if c.min() < 0:
            raise ValueError(f"weights has {c.min()} in row {int(np.argmin(c))}; it must not be negative")
        self.root = np.sqrt(c)

    def linearise(self) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        r"""Return $J$, the gradient $J^Tr$ and $r$ at `w`, with the weights of the residuals in them."""
        iteration = len(self.run.history)
        self.run.matrices += 1
        J = as_numpy(self.jacobian(self.w), "jacobian")
        if J.shape != (self.m, len(self.run.w0)):
            wanted = (self.m, len(self.run.w0))
            raise ValueError(f"jacobian has shape {J.shape} in iteration {iteration}; it must be {wanted}")
        if self.root is not None:
            J = self.root[:, None] * J
        g = J.T @ self.r
        if not np.isfinite(g).all():
            refuse_non_finite("jacobian", J, iteration)
        return J, g, self.r


def refuse_non_finite(name: str, values: np.ndarray, iteration: int, /) -> None:
    """Raise ValueError that says where the first value that is not finite stands."""
    wrong = ~np.isfinite(values)
    if wrong.any():
        where = np.unravel_index(int(np.argmax(wrong)), values.shape)
        place = ", ".join(f"{axis} {n}" for axis, n in zip(("row", "column"), where, strict=False))
        raise ValueError(f"{name} has {values[where]} in {place} in iteration {iteration}; it must be finite")
