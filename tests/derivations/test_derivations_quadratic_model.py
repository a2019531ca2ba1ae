"""The quadratic model of an error: slope and descent are derived, their usual slips refused."""

import pytest

from hesslib.calculus.steps import NotEqualError
from hesslib.derivations import quadratic_model as model


@pytest.mark.parametrize("derivation", [model.slope, model.descent_factor])
def test_it_is_derived_and_typesets(derivation):
    assert derivation().established == "derived"
    assert derivation().latex()


@pytest.mark.parametrize(
    ("derivation", "wrong"),
    [
        (model.slope, lambda: model.slope().result - model.g[model.q]),
        (model.descent_factor, lambda: (1 + model.eta * model.lam[model.q]) * model.e[model.q]),
    ],
)
def test_a_slip_is_refused(derivation, wrong):
    with pytest.raises(NotEqualError):
        derivation().stated(wrong())


def test_the_definition_is_a_definition_and_the_forgotten_half_is_refused():
    assert model.hessian().established == "definition"
    assert r"\neq" in model.half_forgotten().latex()
