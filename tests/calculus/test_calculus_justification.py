"""A rewriting by a function: explained by what is known, or else written down as taken for granted."""

import sympy as sp

from hesslib.calculus.index import Tensor, index
from hesslib.calculus.justification import expanded, recognised, rewritten
from hesslib.calculus.provenance import Ground, collecting
from hesslib.calculus.steps import Steps
from hesslib.calculus.unfolding import unfold

x, y, z, c = sp.symbols("x y z c")
v, u, i = Tensor("v", shape=(3,)), Tensor("u", shape=(3,)), index("i")


def grounds_of(e, function, known=()):
    with collecting() as used:
        found = rewritten(e, function, known)
    return found, [(g.kind, g.left, g.right) for g in used]


def test_what_is_equal_takes_nothing_for_granted():
    assert grounds_of((x + 1) ** 2, sp.expand) == (x**2 + 2 * x + 1, [])


def test_what_is_dropped_is_taken_for_granted_and_only_that():
    found, used = grounds_of(v[i] + c * u[i] + x, lambda e: e.subs(c, 0))
    assert found == v[i] + x
    assert used == [("rewriting", c * u[i], 0)]


def test_a_definition_that_is_inserted_explains_what_became_of_a_formula():
    definition = {v: lambda i: 2 * u[i]}
    found, used = grounds_of(v[i] ** 2, lambda e: unfold(e, definition))
    assert found == 4 * u[i] ** 2
    assert used == [("definition", v[i], 2 * u[i])]


def test_a_definition_that_does_not_explain_it_does_not_excuse_it():
    _, used = grounds_of(v[i] + x, lambda e: unfold(e, {v: lambda i: 2 * u[i]}).subs(x, 3 * x))
    assert used == [("definition", v[i], 2 * u[i]), ("rewriting", v[i] + x, 2 * u[i] + 3 * x)]


def test_what_the_chain_has_defined_explains_it_as_well():
    def known(e):
        return e.subs(y, x**2)

    assert grounds_of(y + 1, lambda e: e.subs(y, x**2), [known]) == (x**2 + 1, [])
    assert grounds_of(y + 1, lambda e: e.subs(y, x**3), [known])[1] == [("rewriting", y + 1, x**3 + 1)]


def test_an_earlier_result_is_recognised_and_its_grounds_are_inherited():
    neglected = Steps(y).then(x + z, using={y: lambda: x + z}).neglect(x, "drop z")
    with collecting() as used:
        rewritten(c * y, lambda e: e.subs(y, x))
    assert [(g.kind, g.about) for g in used] == [("result", neglected)]
    assert expanded(used).established == "approximation"
    told = recognised([Ground("definition", y, x), Ground("definition", y, 2 * x)])
    assert [g.kind for g in told] == ["result", "definition"]
