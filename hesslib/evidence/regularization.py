r"""Bayesian regularization: training with a weight decay and a noise level that the data choose.

The loop alternates Levenberg-Marquardt steps on $\beta E_D+\alpha E_W$ with new estimates of $\alpha$ and $\beta$ from
the effective number of parameters. It is guarded in the two places where the loop of the literature fails: an update
that lowers the evidence is shortened, and a run that collapses to $w=0$ starts again.

Longer than one sitting: one public function and what it returns, mostly docstring.
"""

from dataclasses import dataclass, field

import numpy as np
from jaxtyping import Float

from hesslib._arrays import Array, contract, in_library_of, namespace
from hesslib._options import whole_number
from hesslib.curvature.spectrum import Curvature, Spectrum
from hesslib.derivatives.backprop import output_jacobian
from hesslib.evidence._loop import Loop, LoopFromStart, LoopStatus, Update, UpdateCallback
from hesslib.evidence.laplace import Convention, log_evidences_of
from hesslib.networks.losses import SquaredError
from hesslib.networks.network import Network, outputs, random_generator
from hesslib.training.run import as_numpy

# contractions
ALONG_EIGENVECTORS = "nqa,ai->nqi"  # sum_a g_nqa V_ai


@dataclass(frozen=True)
class Regularized:
    """A trained network with its error bars, in the convention of the call.

    >>> import numpy as np
    >>> x = np.linspace(-1, 1, 30)[:, None]
    >>> t = 2 * x + 0.1 * np.random.default_rng(0).standard_normal((30, 1))
    >>> found = bayesian_regularization(Network((1, 1)), np.ones(2), x, t)
    >>> y, bars = found.predict(np.zeros((1, 1)), noise=False)
    >>> y.shape, bool(bars < found.sigma)
    ((1, 1), True)
    """

    w: Array  # (P,), where the evidence was largest
    alpha: float  # $\alpha$, of the weight decay
    beta: float  # $\beta$, of the noise; 1 for a cross-entropy
    gamma: float  # the effective number of parameters
    log_evidence: float  # in nats
    log_evidences: dict[str, float]  # with each curvature, at the same w, alpha and beta
    sigma: float  # the standard deviation of the noise; 0 for a cross-entropy, which has none
    history: tuple[Update, ...]  # of all starts, one after the other
    status: LoopStatus  # alpha and beta constant, updates used up, no update raises the evidence, and so on
    message: str  # the same in words
    net: Network = field(repr=False)  # that of the call
    spectrum: Spectrum = field(repr=False)  # of the curvature at w
    a: float = field(repr=False)  # MacKay's alpha
    b: float = field(repr=False)  # MacKay's beta

    def predict(self, x: Float[Array, "N D"], /, *, noise: bool = True) -> tuple[Array, Array]:
        r"""Return the outputs and their error bars, (N, K) each: $\sigma^2(x)=\sigma^2+g^TA^{-1}g$.

        Here $g=\partial y/\partial w$ and $\sigma^2$ is the variance of the noise. With ``noise=False`` without it: how
        well the function is known, not how far a new target may lie from it. For a cross-entropy there is no noise, and
        the bars are those of the last pre-activations, $g=\partial a^{(L)}/\partial w$: probabilities are no Gaussian.

        Equation: error-bars.
        Shapes: two arrays (N, K).
        Cost: one `output_jacobian` and $2NKP^2$ operations; memory: three arrays (N, K, P).
        Errors: ValueError as `forward` does.
        """
        g = output_jacobian(self.net, self.w, x)
        along = contract(ALONG_EIGENVECTORS, g, self.spectrum.vectors)
        xp = namespace(g=g)
        variance = xp.sum(along**2 / (self.b * self.spectrum.values + self.a), axis=-1)
        has_noise = noise and isinstance(self.net.loss, SquaredError)
        return outputs(self.net, self.w, x), xp.sqrt(variance + (1 / self.b if has_noise else 0.0))


def bayesian_regularization(
    net: Network,
    w: Float[Array, " P"],
    x: Float[Array, "N D"],
    t: Array,
    /,
    *,
    convention: Convention = "mackay",
    curvature: Curvature = "gauss_newton",
    alpha: float | None = None,
    beta: float | None = None,
    max_updates: int = 100,
    tolerance: float = 1e-6,
    max_iterations: int = 50,
    restarts: int = 3,
    rng: np.random.Generator | int = 0,
    callback: UpdateCallback | None = None,
) -> Regularized:
    r"""Train a network with the weight decay, and for squared_error the noise level, of the largest evidence.

    It minimises $\beta E_D+\alpha E_W$ over $w$, and finds $\alpha$ and $\beta$. For a cross-entropy, whose targets are
    classes, $\beta$ is 1, $E_D=E$, and $\alpha$ alone is found.

    $\gamma=\sum_i\lambda_i/(\lambda_i+\alpha/\beta)$, $\alpha=\gamma/2E_W$ and $\beta=(n-\gamma)/2E_D$ are
    repeated to a fixed point, with $E_D=c\sum e^2$, $E_W=c\sum w^2$ and $\lambda_i$ the eigenvalues of the `curvature`
    of $\tfrac12\sum e^2$, or of $E$. ``convention="mackay"`` has $c=\tfrac12$ and noise of variance $1/\beta$,
    ``"foresee_hagan"`` $c=1$ and $1/2\beta$: `alpha` and `beta`, given and returned, and the errors of the history are
    in that convention; everything else is the same.

    Between two updates, `levenberg_marquardt` minimises from where it was. The update holds the $\lambda_i$ fixed while
    $w$ moves, which is exact for a network without hidden layers only; so the fixed point is near the maximum of the
    evidence and not at it. An update that leads more than a nat below the best evidence so far is halved, in the
    logarithms, until it does not. A run in which $\gamma$ falls to 0, and $w$ with it, is given up, and
    another starts at new weights drawn from `rng`, up to `restarts` times; of all of them the one with the largest
    evidence is returned. Without `alpha` and `beta` the start is one that works for any number of data:
    $\beta$ from the variance of the targets, and $\alpha/\beta$ a thousandth of the mean eigenvalue of $J^TJ$; where
    an input or a layer is so badly scaled that its part of $J^TJ$ is $10^4$ times smaller, a second run begins at a
    tenth of that part, with weights of the first layer that bring the inputs to size 1, and the one that ends with
    the larger evidence counts.
    Foresee and Hagan's start is ``alpha=0, beta=1``; with no more data than parameters it gives $\gamma=P\ge n$ and a
    $\beta$ that is not positive, and is refused.

    A KeyboardInterrupt ends the loop; what has been found is returned, with status interrupted. Takes arrays of any
    library, and returns `w` in that of the argument; not for ``jit``.

    Equation: evidence-update, effective-parameters, alpha-of-classes.
    Shapes: `w` is (P,); returns a `Regularized`.
    Cost: $O(NKP^2+P^3)$ operations for each update and each iteration of Levenberg-Marquardt; memory: about four
    matrices (NK + P, P).

    Parameters
    ----------
    net : the network, and all its weights and biases in one vector to start from.
    x, t : inputs (N, D) and targets (N, K), a row for each pattern; for softmax_cross_entropy also (N,) class numbers.
    alpha, beta : $\alpha$ of the weight decay and $\beta$ of the noise to start with; None for a start of its own.
    convention : ``"mackay"`` or ``"foresee_hagan"``: whether a half stands before the sums of squares.
    curvature : ``"gauss_newton"``, ``"exact"`` or ``"diagonal"``.
    w
        The weights to start from.
    tolerance
        The relative change of alpha and beta at which they are called constant.
    max_updates
        The most updates of alpha and beta.
    restarts, rng
        How often a collapsed run begins anew, at weights drawn from this seed or generator.
    max_iterations
        Of Levenberg-Marquardt between two updates. 1 is the loop of Foresee and Hagan, with its dangers.
    callback
        Called as ``callback(w, update)`` after each update; if it returns True, the loop stops.

    Raises
    ------
    ValueError
        If shapes, dtypes or libraries disagree; if an entry of `w`, `x` or `t` is not finite; if all targets are 0
        (squared_error); if `alpha` or `beta` cannot be a start, `beta` is given for a cross-entropy, or an option is
        none of those it may be.

    Reference: MacKay, Neural Computation 4 (1992); Foresee and Hagan, ICNN 1997.

    >>> import numpy as np
    >>> x = np.linspace(-1, 1, 30)[:, None]
    >>> t = 2 * x + 0.1 * np.random.default_rng(0).standard_normal((30, 1))
    >>> found = bayesian_regularization(Network((1, 1)), np.ones(2), x, t)
    >>> found.status, round(found.gamma, 1), round(found.sigma, 2)
    ('converged', 2.0, 0.08)
    """
    max_updates, restarts = whole_number("max_updates", max_updates, 0), whole_number("restarts", restarts, 0)
    loop = Loop(net, w, x, t, convention, curvature, tolerance, max_iterations, callback)
    at = as_numpy(w, "w")
    starts = loop.starts(at, alpha, beta)
    runs: list[LoopFromStart] = []
    rng = random_generator(rng)
    for start in range(restarts + 1):
        for w_start, a, b in starts:
            runs.append(LoopFromStart(loop, start))
            runs[-1].go(w_start, a, b, max_updates, tolerance)
            if runs[-1].status in ("stopped", "interrupted"):
                break
        if any(run.status != "collapsed" for run in runs):
            break
        at = net.init(rng)
        starts = loop.starts(at, None, None)
    finished = [run for run in runs if run.best is not None]
    if not finished:
        raise KeyboardInterrupt
    best = max(finished, key=lambda run: (run.status != "collapsed", run.history[-1].log_evidence))
    return _result(net, loop, best, runs)


def _result(net: Network, loop: Loop, best: LoopFromStart, runs: list[LoopFromStart]) -> Regularized:
    s = best.best
    assert s is not None
    alpha, beta = s.a / loop.factor, s.b / loop.factor if loop.regression else 1.0
    w = in_library_of(loop.w0, s.w)
    objective = loop.objective
    apart = log_evidences_of(net, s.w, objective.x, objective.t, s.a, s.b, loop.n) if alpha else {}
    message = best.message
    if best.status == "collapsed":
        message = f"{message}, from {len(runs)} start(s); perhaps the targets do not depend on the inputs"
    elif best.start > 0:
        message = f"collapsed to w = 0 from the first start; restart {best.start}: {message}"
    return Regularized(
        w=w,
        alpha=alpha,
        beta=beta,
        gamma=s.gamma,
        log_evidence=s.log_evidence,
        log_evidences=apart,
        sigma=s.b**-0.5 if loop.regression else 0.0,
        history=tuple(update for run in runs for update in run.history),
        status=best.status,
        message=message,
        net=net,
        spectrum=Spectrum(*(in_library_of(loop.w0, part) for part in s.spectrum)),
        a=s.a,
        b=s.b,
    )
