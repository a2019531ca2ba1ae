"""The delta of the calculus has no inverse; SymPy's own is left as it is, and read as if it were ours."""

import pytest
import sympy as sp

from hesslib.calculus.comparison import compare
from hesslib.calculus.derivation import Derivation, same
from hesslib.calculus.index import KroneckerDelta, S, Tensor, index
from hesslib.calculus.indicators import NoInverseError
from hesslib.calculus.latex import tex
from hesslib.calculus.normal import equal
from hesslib.calculus.steps import Steps

N = sp.Symbol("N", integer=True, positive=True)
i, j, p = index("i j p")
x = Tensor("x", shape=(N,))


def test_a_delta_is_its_own_square_and_has_no_inverse():
    assert KroneckerDelta(i, j) ** 2 == KroneckerDelta(i, j) == KroneckerDelta(j, i)
    for divides in (lambda d: 1 / d, lambda d: d / d, lambda d: d**-2, lambda d: x[i] / d):
        with pytest.raises(NoInverseError, match="divided by zero"):
            divides(KroneckerDelta(i, j))
    with pytest.raises(NoInverseError):
        S("k", N, lambda k: KroneckerDelta(k, j) / KroneckerDelta(k, j))


def test_the_delta_of_sympy_is_left_as_sympy_has_it():
    plain = sp.KroneckerDelta(i, j)
    assert plain**-1 == sp.Pow(plain, -1)
    assert plain / plain == 1
    assert plain**2 == plain


def test_the_delta_of_sympy_is_read_as_ours():
    plain, ours = sp.KroneckerDelta(i, j), KroneckerDelta(i, j)
    assert equal(plain, ours)
    assert compare(plain, ours).word == "equal"
    assert tex(plain) == tex(ours)
    assert equal(S("k", N, lambda k: sp.KroneckerDelta(k, p) * x[k]), x[p])
    assert equal(sp.Sum(sp.KroneckerDelta(i, p) * x[i], (i, 1, N)), x[p])
    assert Derivation(x[j], {x: same(j)})(plain * x[i]) == ours
    assert Steps(plain * x[i]).then(ours * x[j]).established == "derived"
    with pytest.raises(NoInverseError):
        equal(1 / plain, 1)
