"""Derivatives by rules."""

import sympy as sp

from hesslib.calculus.normal import equal
from hesslib.derivations import evidence
from hesslib.derivations.evidence import alpha


def test_a_number_like_pi_is_a_constant_of_every_derivation():
    assert equal(evidence.by(alpha)(sp.pi * alpha), sp.pi)
