"""The evidence, derived: every chain is decided; slips of sign or factor are refused."""

import pytest
import sympy as sp
from derived_chains import EVIDENCE, require_derived, require_twice_refused

from hesslib.calculus.index import S
from hesslib.calculus.normal import equal
from hesslib.calculus.steps import NotEqualError, Steps
from hesslib.derivations import evidence
from hesslib.derivations.evidence import E_D, E_W, A, N, P, X, alpha, beta, c, gamma, j, k, lam


@pytest.mark.parametrize("chain", EVIDENCE.values(), ids=EVIDENCE)
def test_a_chain_is_decided_from_end_to_end(chain):
    require_derived(chain())


@pytest.mark.parametrize("chain", EVIDENCE.values(), ids=EVIDENCE)
def test_twice_the_result_is_refused(chain):
    require_twice_refused(chain())


FACTORS = {
    "Foresee and Hagan's Hessian with MacKay's trace": P - alpha * S("i", P, lambda i: X[i, i]),
    "MacKay's Hessian with Foresee and Hagan's trace": P - 4 * c * alpha * S("i", P, lambda i: X[i, i]),
    "the sign": P + 2 * c * alpha * S("i", P, lambda i: X[i, i]),
    "N for P": N - 2 * c * alpha * S("i", P, lambda i: X[i, i]),
    "beta for alpha": P - 2 * c * beta * S("i", P, lambda i: X[i, i]),
}


@pytest.mark.parametrize("wrong", FACTORS.values(), ids=FACTORS)
def test_a_wrong_trace_is_not_the_number_of_effective_parameters(wrong):
    with pytest.raises(NotEqualError):
        Steps(gamma).then(
            wrong, using=lambda x: evidence.along_eigenvectors(x).xreplace({gamma: evidence.gamma_of_eigenvalues()})
        )


def test_the_evidence_is_that_of_both_conventions():
    ours = evidence.log_evidence().result
    half = sp.Rational(1, 2)

    def printed(two_c, constants):
        volume = half * S("r", P, lambda r: sp.log(two_c * (beta * lam[r] + alpha)))
        return -beta * E_D - alpha * E_W - volume + N * half * sp.log(beta) + P * half * sp.log(alpha) + constants

    conventions = {
        half: printed(1, -N * half * sp.log(2 * sp.pi)),
        sp.S.One: printed(2, -N * half * sp.log(sp.pi) + P * half * sp.log(2)),
    }
    for value, claimed in conventions.items():
        assert equal(evidence.in_parts(ours.xreplace({c: value})), evidence.in_parts(claimed))
        assert not equal(
            evidence.in_parts(ours.xreplace({c: value})), evidence.in_parts(claimed + N * half * sp.log(2))
        )


def test_the_motion_of_the_minimum_counts_where_it_is_none():
    """Away from the minimum the sum with dw/dalpha does not vanish, and the short formula is refused."""
    with pytest.raises(NotEqualError):
        Steps(evidence.motion().rows[0][1]).then(E_W)


def test_the_gaussian_integrals_are_those_of_sympy():
    (letter,) = evidence.gaussian()[1].free_symbols
    assert sp.simplify(evidence.gaussian()[1] - sp.sqrt(2 * sp.pi / letter)) == 0
    assert sp.simplify(evidence.gaussian(2)[1] / evidence.gaussian()[1] - 1 / letter) == 0


def test_the_eigenvalues_of_the_curvature_are_those_of_its_definition():
    along = evidence.along_eigenvectors(
        S("i", P, lambda i: S("j", P, lambda j: evidence.V[i, k] * A[i, j] * evidence.V[j, k]))
    )
    assert equal(along, evidence.a(k))
    assert j.name == "j"
