r"""How much a Markov chain repeats itself, and what that does to the error of a mean.

Index letters: t time; c chain.
"""

import numpy as np
from jaxtyping import Float

WINDOW = 5  # autocorrelation times that the sum runs over
ROUNDING = 16 * np.finfo(float).eps  # deviations smaller than this part of the values are rounding


def autocorrelation_time(series: Float[np.ndarray, "T C"], /) -> float:
    r"""Return $\tau=\frac12+\sum_{t\geq1}\rho(t)$ of C independent chains, in steps of the series; 1/2 if none repeats.

    $\rho(t)$ is the autocorrelation about the common mean, averaged over the chains. The sum ends at the first
    $t\geq5\tau(t)$, where noise would take over, or with the series: a result of more than T/10 says no more than that
    the chains are too short.

    Shapes: `series` is (T, C), a chain in each column; returns a number.
    Cost: $O(TC\tau)$ operations; memory: a few arrays (T, C).
    Errors: ValueError if `series` is not a matrix of at least two times.
    Reference: Sokal (1997).

    >>> rng = np.random.default_rng(0)
    >>> bool(abs(autocorrelation_time(rng.standard_normal((1000, 20))) - 0.5) < 0.05)
    True
    """
    if series.ndim != 2 or series.shape[0] < 2:
        raise ValueError(f"series has shape {series.shape}; it must be (T, C), with at least 2 times")
    T = series.shape[0]
    around = series - series.mean()
    variance = np.mean(around**2)
    if variance <= (ROUNDING * np.max(np.abs(series))) ** 2:
        return 0.5  # constant to rounding
    tau = 0.5
    for t in range(1, T):
        tau += float(np.mean(around[t:] * around[:-t]) / variance)
        if t >= WINDOW * tau:
            break
    return max(tau, 0.5)


def standard_error(series: Float[np.ndarray, "T C"], /) -> float:
    r"""Return the standard error $\sqrt{2\tau\operatorname{var}/TC}$ of the mean of all entries.

    A sample of TC correlated values counts as $TC/2\tau$ independent ones, $\tau$ being the `autocorrelation_time`.

    Shapes: `series` is (T, C), a chain in each column; returns a number.
    Cost: that of `autocorrelation_time`.
    Errors: as for `autocorrelation_time`.

    >>> standard_error(np.array([[1.0, -1.0], [-1.0, 1.0]]))
    0.5
    """
    return float(np.sqrt(2 * autocorrelation_time(series) * series.var() / series.size))
