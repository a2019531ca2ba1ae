"""Derivations of curvature, losses and programs: each proves its formula, typesets, and carries its record."""

import inspect

import pytest

from hesslib.derivations import deep_hessian as second_order
from hesslib.derivations import (
    diagonal,
    hessian_program,
    hessian_vector_product,
    mirrored_passes,
    outer_products,
    piecewise_linear,
    two_layer_hessian,
    two_layer_program,
    two_layers,
)
from hesslib.derivations import inverse_updates as inverse
from hesslib.derivations import mixed_partials as commuting
from hesslib.derivations import r_operator as pearlmutter

MODULES = (
    commuting,
    diagonal,
    hessian_program,
    hessian_vector_product,
    inverse,
    mirrored_passes,
    outer_products,
    pearlmutter,
    piecewise_linear,
    second_order,
    two_layer_hessian,
    two_layer_program,
    two_layers,
)
DERIVATIONS = [
    pytest.param(function, id=f"{module.__name__.rpartition('.')[2]}.{name}")
    for module in MODULES
    for name, function in inspect.getmembers(module, inspect.isfunction)
    if function.__module__ == module.__name__
    and not name.startswith("_")
    and all(q.default is not q.empty for q in inspect.signature(function).parameters.values())
]


def shown(result):
    """The formulas in what a derivation returns, one or several."""
    return [x for x in (result if isinstance(result, tuple) else (result,)) if hasattr(x, "latex")]


@pytest.mark.parametrize("derivation", DERIVATIONS)
def test_the_derivation_decides_its_links_and_typesets(derivation):
    for formula in shown(derivation()):
        assert formula.established in ("derived", "approximation", "definition", "assumption")
        assert formula.latex()
        assert all(check.passed for check in formula.checks)
        assert "text/markdown" in formula._repr_mimebundle_()
