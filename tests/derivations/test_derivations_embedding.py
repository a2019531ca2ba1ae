"""An embedding is an index pattern: what is read, its gradient and its Hessian."""

import numpy as np
import pytest

from hesslib.calculus.index import RangeError, S
from hesslib.calculus.steps import NotEqualError
from hesslib.derivations import embedding as of
from hesslib.derivations.embedding import B, Pi, T, d, d_, delta, s, s_, t


@pytest.mark.parametrize("derivation", [of.token, of.gradient, of.hessian])
def test_it_is_derived_and_typesets(derivation):
    assert derivation().established == "derived"
    assert derivation().latex()
    assert of.layer().established == "definition"


MISPRINTS = {
    "every feature": (of.token, lambda: Pi[t, s]),
    "every token": (of.gradient, lambda: S("t", T, lambda t: delta[t, d])),
    "one position with itself": (of.hessian, lambda: S("t", T, lambda t: Pi[t, s] * B[t, d, t, d_] * Pi[t, s_])),
    "twice": (of.hessian, lambda: 2 * of.hessian().result),
}


@pytest.mark.parametrize(("derivation", "misprint"), MISPRINTS.values(), ids=MISPRINTS.keys())
def test_a_misprint_is_refused(derivation, misprint):
    with pytest.raises((NotEqualError, RangeError)):
        derivation().stated(misprint())


def test_by_hand():
    pattern, table = np.array([[1.0, 0.0], [1.0, 0.0]]), np.array([3.0, 5.0])
    signal = pattern @ table - 1
    assert (pattern.T @ signal).tolist() == [4, 0]
    assert (pattern.T @ np.eye(2) @ pattern).tolist() == [[2, 0], [0, 0]]


def test_the_hessian_is_derived_after_the_gradient_as_well():
    assert of.gradient().established == of.hessian().established == "derived"
