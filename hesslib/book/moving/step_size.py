r"""Step size against $2/\lambda_{\max}$: steepest descent on a quadratic error, along its eigenvectors."""

from __future__ import annotations

from hesslib.book.javascript import Function, Scalars
from hesslib.book.moving import Moving
from hesslib.derivations.quadratic_model import P, descent_factor, e, eta, lam, q


def functions() -> tuple[Function, ...]:
    """One step of steepest descent."""
    scalars = Scalars({P: 2})
    arguments = {"e": scalars.array(e), "lambda": scalars.array(lam), "eta": scalars(eta)}
    stepped = descent_factor().result
    factors = [scalars(stepped / e[q], {q: place}) for place in (1, 2)]
    after = [scalars(stepped, {q: place}) for place in (1, 2)]
    return (Function("descent", arguments, {}, {"after": after, "factors": factors}),)


def figure() -> Moving:
    """The figure."""
    return Moving(
        "step_size",
        functions(),
        r"Steepest descent on $\tfrac12(\lambda_1e_1^2+\lambda_2e_2^2)$. Below $2/\lambda_{\max}$ it converges, at "
        r"$2/\lambda_{\max}$ it jumps from wall to wall, above it flies apart; drag the start. Compiled from "
        r"{eq}`descent-factor`.",
        "The path of steepest descent between the elliptic contours of a quadratic error. The step size, the larger "
        "eigenvalue and the start can be moved.",
        "fig-step-limit",
    )
