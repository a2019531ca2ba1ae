"""Forward and reverse mode and what they cost: derived, compiled, and refused where a transpose or a sum is lost."""

import numpy as np
import pytest

from hesslib.calculus.index import RangeError, S
from hesslib.calculus.steps import NotEqualError
from hesslib.derivations import modes
from hesslib.derivations.modes import J, n, p, q, s, vbar, vdot

CHAINS = [getattr(modes, name) for name in modes.__all__ if name not in ("definition", "program")]


@pytest.mark.parametrize("derivation", CHAINS)
def test_it_is_derived_and_typesets(derivation):
    assert derivation().established == "derived"
    assert derivation().latex()


@pytest.mark.parametrize("name", [modes.J, modes.vdot, modes.vbar])
def test_names_are_defined(name):
    assert modes.definition(name).established == "definition"


MISPRINTS = {
    "transpose lost": (modes.adjoint, lambda: S("p", n[s], lambda p: J[s, q, p] * vbar[s, p])),
    "wrong step": (modes.adjoint, lambda: S("p", n[s], lambda p: J[s - 1, p, q] * vbar[s, p])),
    "sum lost": (modes.adjoint, lambda: J[s, p, q] * vbar[s, p]),
    "tangent of the wrong step": (modes.tangent, lambda: S("q", n[s - 1], lambda q: J[s, p, q] * vdot[s, q])),
}


@pytest.mark.parametrize(("derivation", "misprint"), MISPRINTS.values(), ids=MISPRINTS.keys())
def test_a_misprint_is_refused(derivation, misprint):
    with pytest.raises((NotEqualError, RangeError)):
        derivation().stated(misprint())


def test_the_compiled_recursions_are_products_of_jacobians():
    rng = np.random.default_rng(0)
    J_1, J_2 = rng.standard_normal((3, 2)), rng.standard_normal((4, 3))
    run = modes.program().function(np)
    tangents, adjoints = run(2, [None, J_1, J_2], {0: np.eye(2)}, {2: np.eye(4)})
    for found, right in ((tangents[2].T, J_2 @ J_1), (adjoints[0], J_2 @ J_1)):
        assert np.abs(found - right).max() <= 64 * 2**-52 * np.abs(right).max()
