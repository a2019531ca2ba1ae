r"""The damped step $p(\mu)=-(J^TJ+\mu D^2)^{-1}g$ whose length $\lVert Dp\rVert$ is that of the region of trust.

All in the scaled variable $q=Dp$: $q(\mu)=-(A+\mu I)^{-1}D^{-1}g$ with $A=(JD^{-1})^TJD^{-1}$.
"""

import math
from functools import cached_property
from typing import NamedTuple

import numpy as np
from jaxtyping import Float

EPS = float(np.finfo(np.float64).eps)
WITHIN = 0.1  # the length may miss the radius by this part of it
MOST_TRIALS = 20  # of mu, for one radius


class Step(NamedTuple):
    """A step in the scaled variable, and what the quadratic model promises of it."""

    q: np.ndarray  # D p
    damping: float  # mu
    length: float  # |D p|
    slope: float  # -g p, by how much E falls to first order: |J p|^2 + mu |D p|^2
    promised: float  # by how much the model falls: |J p|^2 / 2 + mu |D p|^2


class DampedSteps:
    r"""The steps of one linearisation, for every damping and so for every radius.

    $J^TJ$ is factored (Cholesky) only for those $\mu$ for which the condition number of $A+\mu I$ is below
    $1/\sqrt\varepsilon$, so that half of the digits are right. For a smaller $\mu$ the singular values of $JD^{-1}$
    take over, whose condition is the root of that of $A$; directions in which $J$ is zero to rounding are left out.

    Parameters
    ----------
    J
        The Jacobian, (m, P): $J^TJ$ is the curvature of the model.
    g
        The gradient, (P,).
    D
        The scale of each parameter, (P,), positive.
    r
        The residuals, (m,), if $g=J^Tr$: along a small singular value they are more accurate than $g$.
    """

    def __init__(
        self,
        J: Float[np.ndarray, "m P"],
        g: Float[np.ndarray, " P"],
        D: Float[np.ndarray, " P"],
        r: Float[np.ndarray, " m"] | None = None,
    ) -> None:
        from scipy.linalg import lapack

        self.lapack = lapack
        self.J, self.D, self.g, self.r = J, D, g / D, r
        scaled = J / D
        self.A = scaled.T @ scaled
        self.cutoff = math.sqrt(EPS) * float(self.A.trace())  # the condition of A + mu I is at most trace / mu, plus 1
        self.decomposed = False

    def within(self, radius: float, damping: float, /) -> Step:
        """Return the undamped step if it is no longer than the radius, else the damped one of that length.

        `damping` is where the search begins. The length is right to a tenth: more is not worth a factorisation.
        The search is Newton's method for the root of $1/length-1/radius$, which is concave in the damping (Moré 1978).
        """
        least, most = 0.0, math.sqrt(self.g @ self.g) / radius
        mu = min(damping, most)
        at_cutoff = False
        for _ in range(MOST_TRIALS):
            if mu < self.cutoff and not (self.decomposed or self.well_conditioned):
                if at_cutoff:
                    self.decomposed = True  # the step is short even there: it is a smaller mu that is wanted
                else:
                    mu, at_cutoff = self.cutoff, True
            step, rate = self._at(mu)
            if step.length > (1 + WITHIN) * radius:
                least = mu
            elif mu == 0 or step.length >= (1 - WITHIN) * radius:
                return step
            else:
                most = mu
            mu += rate * (step.length / radius - 1)
            if mu <= least:
                mu = 0.0 if least == 0 else math.sqrt(least * most)
        return step

    @cached_property
    def well_conditioned(self) -> bool:
        """Whether A itself may be factored, without damping."""
        L, info = self.lapack.dpotrf(self.A, lower=1)
        if info != 0:
            return False
        rcond, _ = self.lapack.dpocon(L, float(np.abs(self.A).sum(axis=0).max()), uplo="L")
        return bool(rcond > math.sqrt(EPS))

    @cached_property
    def _svd(self) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """The singular values that are not zero to rounding, their directions, and the gradient along each."""
        U, s, Vt = np.linalg.svd(self.J / self.D, full_matrices=False)
        kept = s > EPS * max(self.J.shape) * s[0]
        s, Vt = s[kept], Vt[kept]
        return s, Vt, Vt @ self.g if self.r is None else s * (U[:, kept].T @ self.r)

    def _at(self, mu: float) -> tuple[Step, float]:
        r"""Return the step at a damping, and by how much $\mu$ grows as the step shrinks by its length (Newton)."""
        if self.decomposed:
            s, Vt, g = self._svd
            curvature = s**2 + mu
            along = -g / curvature
            q, slope = along @ Vt, -float(g @ along)
            square = float(along @ along)
            inverse = float(along @ (along / curvature))
        else:
            damped = self.A.copy()
            damped.flat[:: len(damped) + 1] += mu
            L, _ = self.lapack.dpotrf(damped, lower=1, overwrite_a=1)
            q, _ = self.lapack.dpotrs(L, -self.g, lower=1)
            slope = -float(self.g @ q)
            square = float(q @ q)
            half, _ = self.lapack.dtrtrs(L, q, lower=1)
            inverse = float(half @ half)
        step = Step(q, mu, math.sqrt(square), slope, (slope + mu * square) / 2)
        return step, square / inverse if inverse > 0 else 0.0

    def at(self, damping: float, /) -> Step:
        """Return the step with this damping; where conditioning forbids it, with the least damping that it allows."""
        if damping < self.cutoff and not self.well_conditioned:
            self.decomposed = True
        return self._at(damping)[0]
