"""Sums of squares and the steps that train by them: derived, and their slips refused."""

import pytest
from derived_chains import require_negative_refused

from hesslib.derivations import least_squares

DERIVED = [
    getattr(least_squares, name)
    for name in (
        "slope",
        "curvature",
        "newton",
        "newton_change",
        "damped_curvature",
        "to_gauss_newton",
        "to_steepest_descent",
        "region_of_trust",
        "length_by_damping",
    )
]


@pytest.mark.parametrize("derivation", DERIVED, ids=lambda f: f.__name__)
def test_each_step_of_training_is_derived_and_its_negative_is_refused(derivation):
    require_negative_refused(derivation())


def test_gauss_newton_is_an_approximation_with_its_sign():
    steps = least_squares.gauss_newton()
    assert steps.established == "approximation"
    assert steps.formula().relation == r"\simeq"
