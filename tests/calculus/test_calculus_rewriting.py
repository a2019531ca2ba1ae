"""Facts as rewriting rules: used wherever they hold, and nowhere else."""

import pytest
import sympy as sp

from hesslib.calculus.index import KroneckerDelta, S, Tensor, elementwise, index
from hesslib.calculus.normal import equal
from hesslib.calculus.provenance import collecting
from hesslib.calculus.rewriting import assuming, fact

N, M = sp.symbols("N M", integer=True, positive=True)
i, j, k, m = index("i j k m")
H, X = Tensor("H", shape=(N, N)), Tensor("X", shape=(N, N))
Y = Tensor("Y", shape=(N, N), symmetric=True)
x, t, o = Tensor("x", shape=(N,)), Tensor("t", shape=(N,)), Tensor("o", shape=(M,))
INVERSE = fact(S("j", N, lambda j: H[i, j] * X[j, k]), KroneckerDelta(i, k), i, k)
SHARES = fact(S("k", N, lambda k: t[k]), sp.S.One)


def over(f):
    return S("p", N, f)


USED = {
    "at other letters": (INVERSE, over(lambda p: H[m, p] * X[p, 3]), KroneckerDelta(m, 3)),
    "in a longer product": (INVERSE, over(lambda p: over(lambda q: x[p] * H[p, q] * X[q, k])), x[k]),
    "twice": (INVERSE, over(lambda p: H[i, p] * over(lambda q: X[p, q] * over(lambda r: H[q, r] * X[r, k]))), None),
    "beside other terms": (SHARES, x[i] * over(lambda p: t[p]) + x[i], 2 * x[i]),
    "inside a function": (SHARES, elementwise("h")(over(lambda p: t[p]) * x[i]), elementwise("h")(x[i])),
    "below a fraction line": (SHARES, x[i] / (1 + over(lambda p: t[p])), x[i] / 2),
    "in a power": (SHARES, over(lambda p: t[p]) ** 3, sp.S.One),
}


@pytest.mark.parametrize(("rule", "e", "result"), USED.values(), ids=USED)
def test_a_fact_is_used_wherever_its_left_side_stands(rule, e, result):
    with collecting() as used:
        found = rule(e)
    assert equal(found, KroneckerDelta(i, k) if result is None else result)
    assert [g.kind for g in used] == ["fact"]


NOT_USED = {
    "the wrong way round": (INVERSE, over(lambda p: H[p, i] * X[k, p])),
    "transposed": (INVERSE, over(lambda p: H[i, p] * X[k, p])),
    "the index occurs elsewhere": (INVERSE, over(lambda p: H[i, p] * X[p, k] * x[p])),
    "a part of the sum": (SHARES, S("p", N - 1, lambda p: t[p])),
    "another quantity": (SHARES, over(lambda p: x[p])),
    "not summed": (SHARES, t[i]),
}


@pytest.mark.parametrize(("rule", "e"), NOT_USED.values(), ids=NOT_USED)
def test_a_fact_is_not_used_where_it_does_not_hold(rule, e):
    with collecting() as used:
        assert equal(rule(e), e)
    assert len(used) == 0


def test_a_symmetric_tensor_is_found_in_either_order():
    rule = fact(S("j", N, lambda j: Y[i, j] * x[j]), t[i], i)
    assert rule(over(lambda p: Y[p, 2] * x[p])) == t[2]


def test_what_is_not_one_product_of_tensors_is_no_left_side():
    for left in (x[i] + t[i], 2 * x[i], sp.exp(x[i])):
        with pytest.raises(ValueError, match="it must be one product of tensors, with coefficient 1"):
            fact(left, sp.S.One, i)


def test_a_rule_that_brings_back_its_own_left_side_never_ends():
    with pytest.raises(RuntimeError, match="still applies after 100 uses"):
        fact(x[i], 2 * x[i], i)(x[j])


def test_an_assumption_is_told_where_it_changes_something():
    drop = assuming(x[i], 0, lambda e: e.xreplace({x[i]: sp.S.Zero}))
    with collecting() as used:
        assert drop(x[i] + t[i]) == t[i]
        assert drop(t[i]) == t[i]
    assert [str(g) for g in used] == ["assuming $x_{i} = 0$"]
    with collecting() as used:
        assuming("nothing bends", None, lambda e: 2 * e)(x[i])
    assert [str(g) for g in used] == ["assuming nothing bends"]
