"""What a Jacobian costs by forward and by reverse mode: derived, and counted by a loop."""

import pytest
import sympy as sp

from hesslib.calculus.index import RangeError
from hesslib.calculus.steps import NotEqualError
from hesslib.derivations import mode_costs
from hesslib.derivations.exact_network import evaluate

CHAINS = [getattr(mode_costs, name) for name in mode_costs.__all__]


@pytest.mark.parametrize("derivation", CHAINS)
def test_it_is_derived_and_typesets(derivation):
    assert derivation().established == "derived"
    assert derivation().latex()


def test_a_lost_width_is_refused():
    with pytest.raises((NotEqualError, RangeError)):
        mode_costs.forward_scalar().stated(mode_costs.L * mode_costs.m**2 + mode_costs.m)


WIDTHS = (3, 2, 5, 4)


def counted(carried):
    """One multiplication for each entry of each Jacobian and each vector that is carried through it."""
    count = 0
    for step in range(1, len(WIDTHS)):
        for _ in range(carried):
            for _ in range(WIDTHS[step]):
                for _ in range(WIDTHS[step - 1]):
                    count += 1
    return count


@pytest.mark.parametrize(("mode", "carried"), [(mode_costs.forward, WIDTHS[0]), (mode_costs.reverse, WIDTHS[-1])])
def test_a_mode_costs_what_a_loop_counts(mode, carried):
    formula = mode().result.subs(mode_costs.L, len(WIDTHS) - 1)
    found = evaluate(formula, lambda x, _: sp.Integer(WIDTHS[int(x.indices[0])]), int, {})
    assert found == counted(carried)


def test_for_one_output_the_modes_differ_by_the_width():
    forward, reverse = (mode().result for mode in (mode_costs.forward_scalar, mode_costs.reverse_scalar))
    assert sp.simplify(forward - mode_costs.m * reverse) == 0
    assert reverse.subs({mode_costs.L: 2, mode_costs.m: 3}) == 2 * 9 + 3
