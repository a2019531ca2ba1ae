"""Chains of steps: what they refuse, and how they show it."""

import pytest
import sympy as sp

from hesslib.calculus.index import S, Tensor, index
from hesslib.calculus.steps import Formula, Steps, refuse


def test_steps_refuse_and_show_what_is_wrong():
    N = sp.Symbol("N", integer=True, positive=True)
    x = Tensor("x", shape=(N,))
    total = S("i", N, lambda i: x[i])
    steps = Steps(total).then(S("j", N, lambda j: x[j]), "renamed")
    assert refuse(total, total, 2 * total, "twice").checks[0].passed
    assert "lacks" in steps.refuses(2 * total, "twice").latex()
    with pytest.raises(AssertionError, match="accepted"):
        steps.refuses(total, "right")
    assert steps.neglect(x[index("k")], "one term").established == "approximation"
    with pytest.raises(ValueError, match="definition or an assumption"):
        Formula(total, total, established="derived")
    assert steps.formula(sp.Symbol("f")).lhs == sp.Symbol("f")
