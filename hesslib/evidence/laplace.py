r"""The evidence of $\alpha$ and $\beta$, by Laplace's approximation, in MacKay's and in Foresee and Hagan's convention.

One derivation serves both: with $E_D=c\sum e^2$ and $E_W=c\sum w^2$, MacKay has $c=\tfrac12$ and Foresee and Hagan have
$c=1$. The same letters then differ by a factor of 2, and so do their values:

    =================  ==========================  ==============================
    quantity           mackay, c = 1/2             foresee_hagan, c = 1
    =================  ==========================  ==============================
    noise variance     1 / beta                    1 / (2 beta)
    prior variance     1 / alpha                   1 / (2 alpha)
    A                  beta J^T J + alpha I        2 beta J^T J + 2 alpha I
    gamma              P - alpha tr A^-1           P - 2 alpha tr A^-1
    alpha              gamma / 2 E_W               gamma / 2 E_W
    beta               (n - gamma) / 2 E_D         (n - gamma) / 2 E_D
    =================  ==========================  ==============================

$\gamma$, the evidence, $w$ and the error bars are the same numbers in both. Inside, all is computed from
$a=2c\alpha$ and $b=2c\beta$, which are MacKay's.

Longer than one sitting: one formula in two conventions, mostly docstring.
"""

import math
from numbers import Real
from typing import Literal, get_args

from jaxtyping import Float

from hesslib._arrays import Array, is_true, namespace, refuse_half_precision
from hesslib._options import one_of
from hesslib.curvature.spectrum import CURVATURES, Curvature, eigenvalues_of, outputs_of_pattern, refuse_spectrum
from hesslib.layers import Chain
from hesslib.networks.losses import SquaredError
from hesslib.networks.network import Inputs, Network, error_of, refuse_no_model

Convention = Literal["mackay", "foresee_hagan"]
HALF = {"mackay": 0.5, "foresee_hagan": 1.0}  # c: what stands in front of the two sums of squares


class IndefiniteError(ValueError):
    """The curvature of the regularised error is not positive definite: there is no Gaussian to integrate."""


def twice_c(convention: Convention, /) -> float:
    """Return 2c, the factor from the caller's alpha and beta to MacKay's.

    >>> twice_c("mackay"), twice_c("foresee_hagan")
    (1.0, 2.0)
    """
    one_of("convention", convention, get_args(Convention))
    return 2 * HALF[convention]


def effective_parameters(values: Float[Array, " P"], ratio: float | Array, /) -> Float[Array, ""]:
    r"""How many parameters the data determine, as opposed to the weight decay.

    Return $\gamma=\sum_i\lambda_i/(\lambda_i+\alpha/\beta)$, $\lambda_i$ the eigenvalues of the curvature of $E$.

    `ratio` is $\alpha/\beta$, the same number in both conventions.

    Parameters
    ----------
    values : the eigenvalues of the curvature, as `spectrum` gives them.
    ratio : $\alpha/\beta$, weight decay over the inverse variance of the noise.

    Equation: effective-parameters.
    Shapes: `values` is (P,), as `spectrum` gives them; returns a 0-d array.
    Cost: $O(P)$ operations and numbers.
    Errors: ValueError if `values` is not an array; $\lambda_i=-\alpha/\beta$ gives an infinity.

    >>> import numpy as np
    >>> float(effective_parameters(np.array([1.0, 3.0, 0.0]), 1.0))
    1.25
    """
    return namespace(values=values).sum(values / (values + ratio))


def log_evidence(
    net: Network | Chain,
    w: Float[Array, " P"],
    x: Inputs,
    t: Array,
    /,
    *,
    alpha: float | Array,
    beta: float | Array | None = None,
    curvature: Curvature = "gauss_newton",
    convention: Convention = "mackay",
) -> Float[Array, ""]:
    r"""How probable the data are, at a given weight decay and noise level, when the weights are unknown.

    Return $\ln P(D|\alpha,\beta)$ by Laplace's approximation at `w`, every constant included, in nats.

    It is $-\beta E_D-\alpha E_W-\tfrac12\ln|A|$ $+\tfrac n2\ln\frac{c\beta}\pi+\tfrac P2\ln2c\alpha$, with $A=2c(\beta
    H+\alpha I)$, $n=NK$ data, $E_D=2cE$, $E_W=c\sum_iw_i^2$, and $H$ the `curvature` of $E=\tfrac12\sum e^2$. In the
    convention of MacKay $c=\tfrac12$ and the noise has the variance $1/\beta$, in that of Foresee and Hagan $c=1$ and
    $1/2\beta$. It is exact for a network without hidden layers, at the minimum of $\beta E_D+\alpha E_W$, and Laplace's
    approximation for any other. For a cross-entropy there is no $\beta$: leave it out; $E_D=E$, whatever the
    convention, $A=H+2c\alpha I$, and the term with $\ln\beta$ is absent.

    Parameters
    ----------
    net, w : the network or chain of layers, and all its weights and biases in one vector (P,).
    x, t : inputs (N, D) and targets (N, K), a row for each pattern; for softmax_cross_entropy also (N,) class numbers.
    alpha, beta : $\alpha$ of the weight decay and $\beta$ of the noise.
    convention : ``"mackay"`` or ``"foresee_hagan"``: whether a half stands before the sums of squares.
    curvature : ``"gauss_newton"``, ``"exact"`` or ``"diagonal"``.

    Equation: log-evidence, log-evidence-of-classes.
    Shapes: a 0-d array.
    Cost: the eigenvalues of one `spectrum`, in operations and memory. Works under ``jax.jit``, with traced `alpha` and
    `beta` too; there, what would raise gives NaN.

    Raises
    ------
    ValueError
        If `alpha` or `beta` is not positive, `beta` is missing for squared_error or given for a cross-entropy, or $A$
        is not positive definite: then `w` is no minimum, and there is no Gaussian to integrate; and as `error` does.

    Reference: MacKay, Neural Computation 4 (1992); Foresee and Hagan, ICNN 1997.

    >>> import numpy as np
    >>> net, x, t = Network((1, 1)), np.zeros((1, 1)), np.zeros((1, 1))  # t has variance 1/alpha + 1/beta
    >>> float(log_evidence(net, np.zeros(2), x, t, alpha=1.0, beta=1.0)), -0.5 * float(np.log(2 * np.pi * 2))
    (-1.2655121234846454, -1.2655121234846454)
    """
    factor, n = _check_precisions(net, x, alpha, beta, convention)
    w, x, t = net.check_batch(w, x, t)
    one_of("curvature", curvature, CURVATURES)
    if curvature != "diagonal":
        refuse_half_precision(w=w)
    refuse_spectrum("log_evidence", net, w)
    b = 1.0 if beta is None else factor * beta
    values = eigenvalues_of(net, w, x, t, curvature)
    return gaussian_log_evidence(values, *_errors(net, w, x, t), factor * alpha, b, n)


def _check_precisions(
    net: Network | Chain, x: Array, alpha: float | Array, beta: float | Array | None, convention: Convention
) -> tuple[float, int]:
    """Return 2c and the number of data with a noise level, once alpha and beta are what they must be."""
    refuse_no_model(net)
    factor = twice_c(convention)
    regression = isinstance(net.loss, SquaredError)
    if regression and beta is None:
        raise ValueError("beta is None; for squared_error it must be given, the precision of the noise")
    if not regression and beta is not None:
        raise ValueError(f"beta is {beta!r}; {net.loss.name} has no noise level, leave it out")
    _positive("alpha", alpha)
    if regression:
        _positive("beta", beta)
    return factor, x.shape[0] * outputs_of_pattern(net, x) if regression else 0


def _errors(net: Network | Chain, w: Array, x: Array, t: Array) -> tuple[Array, Array]:
    """E and half of the sum of squares of the weights, of a checked batch."""
    return error_of(net, w, x, t), namespace(w=w).sum(w**2) / 2


def gaussian_log_evidence(
    values: Float[Array, " P"],
    E: float | Array,
    half_w2: float | Array,
    a: float | Array,
    b: float | Array,
    n: int,
    /,
) -> Float[Array, ""]:
    r"""The formula of `log_evidence` from the eigenvalues, $E$ and $\tfrac12\sum w^2$, in MacKay's $a$ and $b$."""
    xp = namespace(values=values)
    A = b * values + a
    smallest = xp.min(A)
    if not is_true(smallest > 0):
        raise IndefiniteError(
            f"the smallest eigenvalue of beta H + alpha I is {float(smallest):.3g}; it must be positive: w is not at a "
            "minimum (train further, or use curvature='gauss_newton')"
        )
    # sum of ln(A_i / a): the terms of parameters that the data say nothing about are exactly 0
    volume = xp.sum(xp.log(A / a)) / 2
    noise = n / 2 * xp.log(xp.asarray(b / (2 * math.pi), dtype=values.dtype)) if n else 0.0
    return noise - b * E - a * half_w2 - volume


def log_evidences(
    net: Network | Chain,
    w: Float[Array, " P"],
    x: Inputs,
    t: Array,
    /,
    *,
    alpha: float,
    beta: float | None = None,
    convention: Convention = "mackay",
) -> dict[str, float]:
    r"""The log evidence with each curvature, to see how far apart they are.

    Return `log_evidence` with each curvature; NaN where $A$ is not positive definite.

    Parameters
    ----------
    net, w : the network or chain of layers, and all its weights and biases in one vector (P,).
    x, t : inputs (N, D) and targets (N, K), a row for each pattern; for softmax_cross_entropy also (N,) class numbers.
    alpha, beta : $\alpha$ of the weight decay and $\beta$ of the noise.
    convention : ``"mackay"`` or ``"foresee_hagan"``: whether a half stands before the sums of squares.

    Equation: log-evidence.
    Shapes: a dictionary of three numbers.
    Cost: the eigenvalues of three `spectrum` calls, and one more forward pass; memory: as one of them.
    Errors: as `log_evidence`, but for an $A$ that is not positive definite.

    >>> import numpy as np
    >>> net, x, t = Network((1, 1)), np.array([[1.0], [-1.0]]), np.array([[1.0], [0.0]])
    >>> log_evidences(net, np.array([0.5, 0.0]), x, t, alpha=1.0, beta=1.0).keys()
    dict_keys(['gauss_newton', 'exact', 'diagonal'])
    """
    factor, n = _check_precisions(net, x, alpha, beta, convention)
    w, x, t = net.check_batch(w, x, t)
    refuse_half_precision(w=w)
    refuse_spectrum("log_evidences", net, w)
    return log_evidences_of(net, w, x, t, factor * alpha, 1.0 if beta is None else factor * beta, n)


def log_evidences_of(
    net: Network | Chain, w: Array, x: Array, t: Array, a: float, b: float, n: int, /
) -> dict[str, float]:
    """`log_evidences` of a batch that `check_batch` returned, in MacKay's a and b."""
    E, half_w2 = _errors(net, w, x, t)
    found: dict[str, float] = {}
    for curvature in CURVATURES:
        values = eigenvalues_of(net, w, x, t, curvature)
        try:
            found[curvature] = float(gaussian_log_evidence(values, E, half_w2, a, b, n))
        except IndefiniteError:
            found[curvature] = math.nan
    return found


def _positive(name: str, number: float | Array) -> None:
    if not isinstance(number, Real) and getattr(number, "shape", None) != ():  # a traced number has a shape
        raise ValueError(f"{name} is {number!r}; it must be a number, positive and finite")
    if not is_true((number > 0) & (number < float("inf"))):
        raise ValueError(f"{name} is {number!r}; it must be positive and finite")
