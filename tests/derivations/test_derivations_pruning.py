"""Pruning and re-training, derived: every chain is decided; slips of sign or factor are refused."""

import pytest
import sympy as sp

from hesslib.calculus.normal import equal
from hesslib.calculus.steps import NotEqualError, Steps
from hesslib.derivations import pruning

CHAINS = {
    "damage": pruning.damage,
    "stationary": pruning.stationary,
    "multiplier": pruning.multiplier,
    "surgeon step": pruning.surgeon_step,
    "surgeon": pruning.surgeon,
    "any other": pruning.any_other,
    "inverse without": pruning.inverse_without,
    "retraining": pruning.retraining,
    "with the old": pruning.with_the_old,
}


@pytest.mark.parametrize("chain", CHAINS.values(), ids=CHAINS)
def test_a_chain_is_decided_from_end_to_end(chain):
    steps = chain()
    assert steps.established == "derived"
    assert steps.checks[0].passed
    assert steps.latex()


@pytest.mark.parametrize("chain", CHAINS.values(), ids=CHAINS)
def test_twice_the_result_is_refused(chain):
    steps = chain()
    with pytest.raises(NotEqualError):
        Steps(steps.lhs).then(steps.result, using=lambda x: x.xreplace({steps.lhs: steps.result})).stated(
            2 * steps.result
        )


def test_the_surgeon_on_a_diagonal_hessian_is_damage():
    H, w, q = pruning.H, pruning.w, pruning.q
    diagonal = pruning.surgeon().result.xreplace({pruning.X[q, q]: 1 / H[q, q]})
    assert equal(diagonal, pruning.damage().result)
    assert not equal(pruning.surgeon().result, pruning.damage().result)
    assert w[q] in diagonal.atoms(sp.Indexed)
