"""Pruning and re-training, derived: every chain is decided; slips of sign or factor are refused."""

import pytest
import sympy as sp
from derived_chains import PRUNING, require_derived, require_twice_refused

from hesslib.calculus.normal import equal
from hesslib.derivations import pruning


@pytest.mark.parametrize("chain", PRUNING.values(), ids=PRUNING)
def test_a_chain_is_decided_from_end_to_end(chain):
    require_derived(chain())


@pytest.mark.parametrize("chain", PRUNING.values(), ids=PRUNING)
def test_twice_the_result_is_refused(chain):
    require_twice_refused(chain())


def test_the_surgeon_on_a_diagonal_hessian_is_damage():
    H, w, q = pruning.H, pruning.w, pruning.q
    diagonal = pruning.surgeon().result.xreplace({pruning.X[q, q]: 1 / H[q, q]})
    assert equal(diagonal, pruning.damage().result)
    assert not equal(pruning.surgeon().result, pruning.damage().result)
    assert w[q] in diagonal.atoms(sp.Indexed)
