"""The mean of a sigmoid over a normal distribution, decided by SymPy and compared with quadrature."""

import numpy as np
import pytest
import sympy as sp
from scipy.special import expit, roots_hermite
from scipy.stats import norm

from hesslib.agreement import Check
from hesslib.derivations import probit

NODES, WEIGHTS = roots_hermite(80)


def mean_of(f, m, s):
    return float(f(m + np.sqrt(2) * s * NODES) @ WEIGHTS / np.sqrt(np.pi))


def test_the_slopes_and_the_scale_are_derived_and_the_mean_of_sigma_is_an_approximation():
    assert {e.established for e in (*probit.mean_of_Phi(), probit.equal_slopes())} == {"derived"}
    mean = probit.mean_of_sigma(Check("zero at m = 0", 0.0, 0.0))
    assert (mean.established, mean.relation) == ("approximation", r"\simeq")


@pytest.mark.parametrize("m", [-1.5, 0.0, 0.7])
@pytest.mark.parametrize("s", [0.1, 1.0])
def test_the_mean_of_Phi_is_exact_and_that_of_sigma_near(m, s):
    at = {probit.m: m, probit.s: s, probit.scale: 0.6}
    assert np.isclose(norm.cdf(float(probit.argument.subs(at))), mean_of(lambda a: norm.cdf(0.6 * a), m, s), atol=1e-10)
    assert abs(expit(float(probit.corrected().subs(at))) - mean_of(expit, m, s)) < 0.02
    assert probit.corrected().subs({probit.s: 0}) == probit.m
    assert sp.simplify(probit.corrected() - probit.m / sp.sqrt(1 + sp.pi * probit.s**2 / 8)) == 0
