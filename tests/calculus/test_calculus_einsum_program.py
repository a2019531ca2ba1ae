"""Programs of arrays: what was derived, compiled."""

import numpy as np
import pytest
import sympy as sp

from hesslib.calculus.einsum_program import NoCodeError, Program, source
from hesslib.calculus.index import Diff, KroneckerDelta, S, Tensor, elementwise, index


def test_a_program_compiles_what_was_derived_and_says_what_it_cannot():
    N = sp.Symbol("N", integer=True, positive=True)
    A, x = Tensor("A", shape=(N, N)), Tensor("x", shape=(N,))
    h = elementwise("h")
    r, s = index("r s")
    assert source(x[r] * KroneckerDelta(r, s), r, s) == "einsum('r,rs->rs', x, eye(N))"
    assert source(h(S("q", N, lambda q: A[r, q] * x[q])), r) == "h0(einsum('ra,a->r', A, x))"
    assert source(-2 * x[r], r) == "-2 * x"
    assert source(sp.Integer(0)) == "0"
    with pytest.raises(NoCodeError, match="no array counterpart"):
        source(Diff(x[r], x[s]), r, s)
    program = Program("doubled", "x")
    program.line("return " + source(2 * x[r], r))
    assert program.function(np)(3.0) == 6.0
