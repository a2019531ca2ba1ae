"""What the adversary got accepted: refused now, or recorded for the reader to see."""

import pytest
import sympy as sp

from hesslib.book import ledger
from hesslib.calculus.architecture import Architecture, ByDefinitions
from hesslib.calculus.derivation import CONSTANT, NAMED, Derivation, MissingRuleError, Through, same, unfold
from hesslib.calculus.equation import proved, solution
from hesslib.calculus.held_fixed import ContradictionError, require_consistent
from hesslib.calculus.index import Diff, Operator, RangeError, S, Tensor, Width, elementwise, index
from hesslib.calculus.index import KroneckerDelta as I
from hesslib.calculus.joint_display import Together
from hesslib.calculus.let import Let, fold
from hesslib.calculus.matrix import MatrixFormula, diag, matrix, outer
from hesslib.calculus.normal import equal
from hesslib.calculus.provenance import Ground, Grounds
from hesslib.calculus.results import inserting
from hesslib.calculus.rewriting import assuming, fact
from hesslib.calculus.steps import NotEqualError, Steps
from hesslib.derivations import losses, network
from hesslib.derivations.deep_hessian import backpropagation

i, j, k, p, q = index("i j k p q")
N, K = sp.symbols("N K", integer=True, positive=True)
alpha, beta, E = sp.symbols("alpha beta E")
x, y, u = (Tensor(name, shape=(N,)) for name in "xyu")
H, A = Tensor("H", shape=(N, N)), Tensor("A", shape=(N, N))
Sy = Tensor("Sy", shape=(N, N), symmetric=True)
a, z = Tensor("a", shape=(N,)), Tensor("z", shape=(N,))
h = elementwise("h")
l, L, m = network.l, network.L, network.m


def over(f):
    return S("k", N, f)


# --------------------------------------------------------------------------------------- what a derivative means
DIFFERENT = {
    "dependent variables do not commute": (Diff(z[i], Diff(a[i], E)), Diff(a[i], Diff(z[i], E))),
    "nor do those of two layers": (
        Diff(network.a[l, j], Diff(network.a[m, k], E)),
        Diff(network.a[m, k], Diff(network.a[l, j], E)),
    ),
    "nor one that is independent with one that is not": (
        Diff(network.w[l, j, i], Diff(network.a[m, k], E)),
        Diff(network.a[m, k], Diff(network.w[l, j, i], E)),
    ),
    "nor two scalars of which nothing is said": (Diff(alpha, Diff(beta, E)), Diff(beta, Diff(alpha, E))),
    "an operator is no symbol": (Diff(Operator("R"), x[i]), Diff(sp.Symbol("R"), x[i])),
    "total and partial": (Diff(x[i], E), Diff(x[i], E, "y")),
    "two things held fixed": (Diff(x[i], E, "u"), Diff(x[i], E, "y")),
    "two definitions of one letter": (
        Let(sp.Symbol("c"), lambda: alpha),
        Let(sp.Symbol("c"), lambda: beta),
    ),
    "a defined letter is not the bare one": (Let(sp.Symbol("c"), lambda: alpha), sp.Symbol("c")),
    "an elementwise h' of its own is not the slope of h": (elementwise("h'")(x[i]), h(x[i]).fdiff()),
    "a width is no tensor of the same name": (
        Width("n", layers=1, shape=())[l],
        Tensor("n", layers=1, shape=())[l],
    ),
}
ALIKE = {
    "entries of one tensor": (Diff(a[i], Diff(a[j], E)), Diff(a[j], Diff(a[i], E))),
    "entries of one layer": (
        Diff(network.a[l, j], Diff(network.a[l, k], E)),
        Diff(network.a[l, k], Diff(network.a[l, j], E)),
    ),
    "independent variables": (
        Diff(network.w[l, j, i], Diff(network.b[m, k], E)),
        Diff(network.b[m, k], Diff(network.w[l, j, i], E)),
    ),
    "one system of coordinates, by name": (
        Diff(a[i], Diff(y[j], E, "a, y"), "a, y"),
        Diff(y[j], Diff(a[i], E, "a, y"), "a, y"),
    ),
}


@pytest.mark.parametrize("pair", DIFFERENT.values(), ids=DIFFERENT)
def test_derivatives_of_different_meaning_differ(pair):
    assert not equal(*pair)


@pytest.mark.parametrize("pair", ALIKE.values(), ids=ALIKE)
def test_partial_derivatives_in_one_system_of_coordinates_commute(pair):
    assert equal(*pair)


BY_SIZE = Derivation(N, {alpha: CONSTANT, x: CONSTANT, N: lambda: sp.S.One})
REFUSED = {
    # variables
    "a size of a sum as variable": (lambda: BY_SIZE(over(lambda k: alpha)), ValueError, "size"),
    "a size of a tensor as variable": (lambda: BY_SIZE(x[i]), ValueError, "size"),
    "a width as variable": (lambda: Derivation(network.n[l], {}), ValueError, "size"),
    "one entry of a symmetric tensor": (lambda: Derivation(Sy[i, j], {Sy: same(i, j)}), ValueError, "symmetric"),
    "an entry of a symmetric tensor without a rule": (lambda: Derivation(Sy[i, j], {}), ValueError, "symmetric"),
    # rules
    "a mistyped rule": (lambda: Derivation(x[i], {x: "konstant"}), ValueError, "the rule of x is 'konstant'"),
    "a rule that is a number": (lambda: Derivation(x[i], {x: 1}), ValueError, "the rule of x is 1"),
    "no rule": (lambda: Derivation(x[i], {x: same(i)})(y[j]), MissingRuleError, "no rule for y"),
    "Max": (lambda: Derivation(x[i], {x: same(i)})(sp.Max(x[i], 0)), TypeError, "no rule of calculation for Max"),
    "Abs": (lambda: Derivation(x[i], {x: same(i)})(sp.Abs(x[i])), TypeError, "no derivative of Abs"),
    "sign": (lambda: Derivation(x[i], {x: same(i)})(sp.sign(x[i])), TypeError, "no derivative of sign"),
    "floor": (lambda: Derivation(x[i], {x: same(i)})(sp.floor(x[i])), TypeError, "no derivative of floor"),
    "conjugate": (lambda: Derivation(x[i], {x: same(i)})(sp.conjugate(x[i])), TypeError, "no derivative of conj"),
    "a function of two arguments": (
        lambda: Derivation(x[i], {x: same(i), y: CONSTANT})(sp.Function("f")(x[i], y[i])),
        TypeError,
        "no derivative of f",
    ),
    # definitions
    "a mean held fixed": (
        lambda: Derivation(x[j], {x: same(j), MU: CONSTANT})(h(x[i] - MU)),
        ValueError,
        "mu is held fixed, but by its definition it varies",
    ),
    "a mean held fixed, defined on the way": (
        lambda: (
            Steps(Diff(x[j], E))
            .then(I(i, j), by=Derivation(x[j], {x: same(j), MEAN: CONSTANT}), using={E: lambda: x[i] - MEAN})
            .then(I(i, j), using={MEAN: mean})
            .then(I(i, j) + MEAN - mean(), using={MEAN: mean})
        ),
        ContradictionError,
        "holds m fixed, but it depends on it",
    ),
    "total and partial under one name": (
        lambda: (
            Steps(y[i])
            .then(Diff(x[i], x[i] * y[i]), by=Derivation(x[i], {x: same(i), y: CONSTANT}))
            .then(y[i] + x[i], by=Derivation(x[i], {x: same(i), y: same(i)}))
        ),
        ContradictionError,
        "holds y fixed, but y varies",
    ),
    "two ways of varying": (
        lambda: (
            Steps(2 * y[i] * u[i])
            .then(Diff(x[i], y[i] ** 2), by=Derivation(x[i], {y: lambda i: u[i]}))
            .then(4 * y[i] * u[i], by=Derivation(x[i], {y: lambda i: 2 * u[i]}))
        ),
        ContradictionError,
        "in two ways",
    ),
    "a definition of what has one": (
        lambda: Let(Let(sp.Symbol("c"), lambda: alpha), lambda: beta),
        TypeError,
        "one only",
    ),
    "a definition of an independent variable": (
        lambda: Let(Tensor("c", shape=(N,), independent=True), lambda i: x[i]),
        ValueError,
        "independent",
    ),
    "a list of what has no definition": (lambda: Steps(x[i]).then(x[i], using=[x]), TypeError, "made by Let"),
    # layers
    "z at layer 0": (
        lambda: Steps(network.z[0, j]).then(h(network.a[l, j]), using={network.z: network.definitions[network.z]}),
        RangeError,
        "it has no layer 0",
    ),
    "backpropagation at the last layer": (lambda: backpropagation().at({l: L}), RangeError, "no layer L \\+ 1"),
    "backpropagation at layer 0": (lambda: backpropagation().at({l: 0}), RangeError, "no layer 0"),
    "a signal above the outputs": (lambda: network.delta[L + 1, j], RangeError, "no layer L \\+ 1"),
    "at what is no letter": (lambda: backpropagation().at({network.E: 0}), ValueError, "it|none"),
    # names
    "a second name": (lambda: Steps(x[i]).then(x[i]).formula(y[i]), ValueError, "takes no second one"),
    "a name that the chain uses": (lambda: Steps(x[i] + y[i]).then(x[i] + y[i]).formula(y[i]), ValueError, "fresh"),
    "a name that a definition uses": (
        lambda: Steps(2 * x[i]).then(2 * y[i], using={x: lambda i: y[i]}).formula(x[i]),
        ValueError,
        "fresh",
    ),
    "a name with other letters": (lambda: Steps(2 * x[i]).then(x[i] * 2).formula(y[j]), ValueError, "letters"),
    "a name with one letter twice": (lambda: Steps(x[i] * x[j]).then(x[j] * x[i]).formula(A[i, i]), ValueError, "once"),
    # patterns and matrices
    "a left side without a pattern": (
        lambda: (
            Steps(Diff(network.w[l, j, i], E))
            .then(
                network.delta[l, j],
                using={E: lambda: network.w[l, j, i] * network.delta[l, j]},
                by=Derivation(network.w[l, j, i], {network.delta: lambda y, r: 0 * alpha}),
            )
            .for_pattern(1, N)
        ),
        ValueError,
        "of which pattern",
    ),
    "a pattern number that is taken": (
        lambda: backpropagation().for_pattern(j, N),
        ValueError,
        "letter of the formula",
    ),
    "a matrix from its diagonal": (
        lambda: MatrixFormula(
            matrix(H), outer(matrix(x), matrix(x)), Steps(H[i, i]).then(x[i] ** 2, using=SQUARE), i, i
        ),
        ValueError,
        "different index letter",
    ),
    "a diagonal matrix from its diagonal": (
        lambda: MatrixFormula(
            matrix(H), diag(matrix(u)), Steps(H[i, i]).then(u[i], using={H: lambda r, c: u[r]}), i, i
        ),
        ValueError,
        "different index letter",
    ),
    "a vector from one entry": (
        lambda: MatrixFormula(matrix(y), matrix(x), Steps(y[1]).then(x[1], using={y: lambda i: x[i]}), sp.Integer(1)),
        ValueError,
        "different index letter",
    ),
    "a matrix from one of its rows": (
        lambda: MatrixFormula(
            matrix(H), outer(matrix(x), matrix(x)), Steps(H[1, j]).then(x[1] * x[j], using=SQUARE), sp.Integer(1), j
        ),
        ValueError,
        "different index letter",
    ),
    # chains
    "stated before then": (lambda: Steps(x[i]).stated(x[i]), ValueError, "no link yet"),
    "the result of no link": (lambda: Steps(x[i]).result, ValueError, "no link yet"),
    "the formula of no link": (lambda: Steps(x[i]).formula(), ValueError, "no link yet"),
    "exponentials of another tensor": (
        lambda: Steps(sp.exp(OTHER[k])).then(losses.Z * losses.y[k], using=losses.exponentials_are_outputs),
        NotEqualError,
        "does not hold",
    ),
}
MU = Let(sp.Symbol("mu"), lambda: over(lambda k: x[k]) / N)
MEAN = sp.Symbol("m")
OTHER = Tensor("o", shape=(losses.K,))
SQUARE = {H: lambda r, c: x[r] * x[c]}


def mean():
    return over(lambda k: x[k]) / N


@pytest.mark.parametrize("case", REFUSED.values(), ids=REFUSED)
def test_what_is_false_or_means_nothing_is_refused_in_one_sentence(case):
    make, kind, says = case
    with pytest.raises(kind, match=says) as refused:
        make()
    if kind is not NotEqualError:
        assert "\n" not in str(refused.value)


# ------------------------------------------------------------------------------------------- what is recorded
def approximate():
    return (
        Steps(H[i, j])
        .then(x[i] * x[j] + A[i, j], using={H: lambda r, c: x[r] * x[c] + A[r, c]})
        .neglect(x[i] * x[j], "the second term")
    )


Hs = Tensor("Hs", shape=(N, N))


def laundered(using):
    return Steps(H[p, q]).then(x[p] * x[q], using=using(approximate()))


RECORDED = {
    "everything is zero": (lambda: Steps(x[i]).then(2 * x[i], using=lambda e: 0), "conditional", "taken for granted"),
    "a letter for another": (
        lambda: Steps(x[i]).then(y[i], using=lambda e: e.subs(x, y)),
        "conditional",
        "taken for granted $x_{i} = y_{i}$",
    ),
    "a sign": (lambda: Steps(x[i]).then(-x[i], using=lambda e: e**2), "conditional", "taken for granted"),
    "inside a function": (
        lambda: Steps(h(x[i])).then(h(y[i]), using=lambda e: e.replace(x, y)),
        "conditional",
        "taken for granted $h(x_{i}) = h(y_{i})$",
    ),
    "a hypothesis": (lambda: Steps(x[i]).then(0, using={x: lambda i: sp.S.Zero}), "derived", "assuming $x_{i} = 0$"),
    "a fact": (
        lambda: Steps(over(lambda k: x[k])).then(1, using=fact(over(lambda k: x[k]), sp.S.One)),
        "derived",
        "assuming $\\sum_{k} x_{k} = 1$",
    ),
    "a declared rewriting": (
        lambda: Steps(x[i]).then(y[i], using=assuming(x[i], y[i], lambda e: e.xreplace({x[i]: y[i]}))),
        "derived",
        "assuming $x_{i} = y_{i}$",
    ),
    "a definition": (
        lambda: Steps(x[i]).then(2 * y[i], using={x: lambda i: 2 * y[i]}),
        "derived",
        "by definition $x_{i} = 2 \\, y_{i}$",
    ),
    "an approximation used by its entries": (
        lambda: laundered(lambda s: {H: lambda r, c: s.at({i: r, j: c})}),
        "approximation",
        "neglecting the second term",
    ),
    "an approximation used after the fact": (
        lambda: (lambda value: laundered(lambda s: {H: lambda r, c: value.xreplace({i: r, j: c})}))(
            approximate().result
        ),
        "approximation",
        "neglecting the second term",
    ),
    "an approximation in a function": (
        lambda: laundered(lambda s: lambda e: e.xreplace({H[p, q]: s.at({i: p, j: q})})),
        "approximation",
        "neglecting the second term",
    ),
    "an approximation in a function, out of sight": (
        lambda: laundered(lambda s: lambda e: e.xreplace({H[p, q]: x[p] * x[q]})),
        "approximation",
        "neglecting the second term",
    ),
    "an approximation inserted": (lambda: laundered(inserting), "approximation", "neglecting the second term"),
    "an approximation twice removed": (
        lambda: Steps(2 * Hs[p, q]).then(
            2 * x[p] * x[q],
            using={Hs: lambda r, c: laundered(lambda s: {H: lambda r, c: s.at({i: r, j: c})}).at({p: r, q: c})},
        ),
        "approximation",
        "neglecting the second term",
    ),
    "a denominator": (
        lambda: Steps(x[i] / (x[i] + y[i]) + y[i] / (x[i] + y[i])).then(1),
        "derived",
        "where nothing vanishes in $x_{i} + y_{i}$",
    ),
    "a denominator that cancels": (lambda: Steps(x[i] / y[i] * y[i] ** 2).then(x[i] * y[i]), "derived", None),
    "what is held fixed": (
        lambda: Steps(Diff(x[j], E)).then(
            I(i, j), by=Derivation(x[j], {x: same(j), MEAN: CONSTANT}), using={E: lambda: x[i] - MEAN}
        ),
        "derived",
        "held fixed: $m$",
    ),
    "a rule by hand": (
        lambda: Steps(Diff(x[j], y[i])).then(A[i, j], by=Derivation(x[j], {y: lambda r: A[r, j]})),
        "derived",
        "by the rule $\\pd{y_{i}}{x_{j}} = A_{ij}$",
    ),
    "a rule by hand that is nothing": (
        lambda: Steps(Diff(x[j], y[i])).then(0, by=Derivation(x[j], {y: lambda r: sp.S.Zero})),
        "derived",
        "by the rule $\\pd{y_{i}}{x_{j}} = 0$",
    ),
    "a name": (lambda: Steps(2 * x[i]).then(x[i] + x[i]).formula(u[i]), "derived", "by name $u_{i} = 2 \\, x_{i}$"),
    "a partial derivative by its name": (
        lambda: Steps(Diff(x[j], h(x[i] - MU), "mu")).then(
            h(x[i] - MU).fdiff() * I(i, j), by=Derivation(x[j], {x: same(j), MU: CONSTANT}, held="mu")
        ),
        "derived",
        "held fixed",
    ),
    "losses by their own tensor": (losses.softmax_derivative, "derived", "by definition $y_{k}"),
}


@pytest.mark.parametrize("case", RECORDED.values(), ids=RECORDED)
def test_what_a_chain_rests_on_is_recorded_and_printed(case, capsys):
    make, established, says = case
    steps = make()
    assert steps.established == established
    assert says is None or any(says in line for line in steps.uses), steps.uses
    ledger.state("tried", steps, note="Named here.")
    ledger.forget()
    printed = capsys.readouterr().out
    assert established in printed
    assert says is None or ("Rests on" in printed and says.split("$")[0] in printed)


def test_what_is_built_on_a_chain_inherits_what_it_rests_on():
    chain = Steps(x[i]).then(2 * y[i], using=lambda e: 0)
    for built in (
        chain.formula(),
        Together(chain, Steps(y[i]).then(y[i])),
        MatrixFormula(matrix(x), matrix(y) + matrix(y), chain, i),
        Steps(x[j]).then(2 * y[j], using=inserting(chain)),
        Steps(x[j]).then(2 * y[j], using=lambda e: e.xreplace({x[j]: chain.at({i: j})})),
    ):
        assert built.established == "conditional"
        assert any("taken for granted" in line for line in built.uses)


def test_every_derivation_of_a_layered_network_says_what_it_holds_fixed_by_its_definitions():
    uses = backpropagation().uses
    assert uses == (r"by definition $\lay{\delta}{l}_{j} = \pd{E}{\lay{a}{l}_{j}}$",)


# -------------------------------------------------------------------------------------------------------- Let
def test_a_definition_is_unfolded_and_folded_both_ways():
    Z = Let(sp.Symbol("Z", positive=True), lambda: S("m", N, lambda m: sp.exp(a[m])))
    y_ = Let(Tensor("y", shape=(N,)), lambda k: sp.exp(a[k]) / Z)
    total = over(lambda k: y_[k])
    chain = Steps(total).then(over(lambda k: sp.exp(a[k]) / Z), "unfold", using=y_)
    assert chain.then(1, "fold", using=fold(Z)).established == "derived"
    assert sum("by definition" in line for line in chain.uses) == 2
    back = Steps(over(lambda k: sp.exp(a[k])) * x[i]).then(Z * x[i], "fold", using=Z)
    assert back.established == "derived"
    D = Derivation(a[q], {a: same(q)})
    slope = Steps(Diff(a[q], y_[k])).then(D(y_[k]), by=D)
    slope.then(y_[k] * (I(k, q) - y_[q]), "by its definition", using=y_)
    assert slope.established == "derived"
    with pytest.raises(NotEqualError):
        slope.then(y_[k] * (I(k, q) + y_[q]), using=y_)


def test_a_gradient_that_stops_at_the_mean_is_refused_and_the_right_one_accepted():
    mu = Let(sp.Symbol("mu"), mean)
    centred = Steps(Diff(x[j], x[i] - mu)).then(I(i, j) - 1 / N, by=Derivation(x[j], {x: same(j)}))
    assert centred.established == "derived"
    with pytest.raises(NotEqualError):
        Steps(Diff(x[j], x[i] - mu)).then(I(i, j), by=Derivation(x[j], {x: same(j)}))


def test_a_number_for_a_variable_is_not_confused_with_the_bounds_of_a_sum():
    weight = Tensor("w", shape=(N, N))
    e = over(lambda k: weight[i, k] * x[k])
    D = Derivation(x[1], {x: same(1), weight: CONSTANT})
    found = D(x[i] * h(e))
    assert all(low == 1 for s in found.atoms(sp.Sum) for _, low, _ in s.limits), found
    assert equal(found, I(i, 1) * h(e) + x[i] * h(e).fdiff() * weight[i, 1])


def test_powers_and_products_have_their_derivatives():
    D = Derivation(x[i], {x: same(i), alpha: CONSTANT, beta: CONSTANT})
    assert sp.simplify(D(x[i] ** alpha) - alpha * x[i] ** (alpha - 1)) == 0
    E_ = Derivation(alpha, {alpha: lambda: sp.S.One, x: CONSTANT})
    assert sp.simplify(E_(x[i] ** alpha) - x[i] ** alpha * sp.log(x[i])) == 0


def test_a_symmetric_tensor_is_varied_symmetrically():
    def rule(r, c):
        return (I(r, i) * I(c, j) + I(r, j) * I(c, i)) / 2

    D = Derivation(Sy[i, j], {Sy: rule, x: CONSTANT, y: CONSTANT})
    form = S("p", N, lambda p: S("q", N, lambda q: x[p] * Sy[p, q] * y[q]))
    assert equal(D(form), (x[i] * y[j] + x[j] * y[i]) / 2)
    assert not equal(D(form), x[i] * y[j])


def test_unfolding_reports_nothing_where_nobody_listens():
    assert unfold(x[i], {x: lambda i: y[i]}) == y[i]
    assert Derivation(x[j], {x: NAMED})(x[i]) == Diff(x[j], x[i])


# ------------------------------------------------------------------------------------- rules, and who vouches for them
def test_a_rule_that_calls_itself_proved_is_told_all_the_same():
    def rule(r):
        return A[r, j]

    rule.proved = rule.derived = rule.established = True
    chain = Steps(Diff(x[j], y[i])).then(A[i, j], by=Derivation(x[j], {y: rule}))
    assert chain.uses == ("by the rule $\\pd{y_{i}}{x_{j}} = A_{ij}$",)


def test_a_rewriting_that_calls_itself_proved_is_not_believed():
    def doubled(e):
        return e.xreplace({x[i]: 2 * y[i]})

    doubled.proved = doubled.derived = doubled.established = True
    chain = Steps(x[i]).then(2 * y[i], using=doubled)
    assert chain.established == "conditional"
    assert any("taken for granted" in line for line in chain.uses)


def test_a_rule_of_the_variable_itself_that_is_not_its_delta_is_refused():
    own = Steps(Diff(x[j], x[i] ** 2)).then(2 * x[i] * I(i, j), by=Derivation(x[j], {x: lambda r: I(r, j)}))
    assert own.uses == ()
    scalar = Steps(Diff(alpha, alpha**2)).then(2 * alpha, by=Derivation(alpha, {alpha: lambda: sp.S.One}))
    assert scalar.uses == ()

    for variable, head, wrong in (
        (x[j], x, lambda r: 2 * I(r, j)),
        (x[j], x, lambda r: I(r, j) + I(r, k)),
        (x[j], x, CONSTANT),
        (alpha, alpha, lambda: sp.Integer(2)),
        (alpha, alpha, CONSTANT),
    ):
        with pytest.raises(ValueError, match="it is the variable itself"):
            Derivation(variable, {head: wrong})


def test_the_chain_rule_through_named_slopes_rests_on_what_the_names_mean():
    K, c = sp.Symbol("K", integer=True, positive=True), sp.Symbol("c")
    out, slope = Tensor("a", shape=(K,)), Tensor("s", shape=(K,))
    D = Derivation(c, {E: Through(E, slope[k], out[k], k, K), out: NAMED})
    found = S("k", K, lambda q: slope[q] * Diff(c, out[q]))
    chain = Steps(Diff(c, E)).then(found, by=D)
    assert chain.uses == ("by definition $s_{k} = \\pd{E}{a_{k}}$",)
    with pytest.raises(NotEqualError):
        Steps(Diff(c, E)).then(2 * found, by=D)


def test_an_entry_at_a_number_is_no_number():
    D = Derivation(x[1], {x: same(1)})
    assert D(x[1] ** 2) == 2 * x[1]
    assert equal(D(2 ** x[1]), sp.log(2) * 2 ** x[1])
    assert D(x[1] ** x[1]) != 0
    with pytest.raises(NotEqualError):
        Steps(Diff(x[1], x[1] ** 2)).then(0, by=D)


def test_what_follows_from_definitions_is_computed_and_a_rule_given_besides_is_told():
    v = Tensor("v", shape=(N,), independent=True)
    net = Architecture({y: lambda r: v[r] ** 2})
    chain = Steps(Diff(v[j], y[i])).then(2 * v[i] * I(i, j), by=ByDefinitions(v[j], net))
    assert chain.uses == ()
    told = Steps(Diff(v[j], y[i])).then(A[i, j], by=ByDefinitions(v[j], net, {y: lambda r: A[r, j]}))
    assert told.uses == ("by the rule $\\pd{y_{i}}{v_{j}} = A_{ij}$",)


def test_what_an_equation_inserts_for_its_names_is_told():
    p, q = sp.symbols("p q")
    P = sp.Function("P")(p)
    found = proved(sp.Derivative(P, p), 2 * p, where={P: p**2 + q}, why="the slope")
    assert found.uses == ("by definition $P{\\left(p \\right)} = p^{2} + q$",)
    assert proved(p * (p + 1), p**2 + p).uses == ()
    assert solution(q, 3 * p, q - P, where={P: 3 * p}).uses == ("by definition $P{\\left(p \\right)} = 3 \\, p$",)


def test_grounds_are_told_in_one_order_whatever_came_first():
    p, q, r = sp.symbols("p q r")
    grounds = [Ground("fact", r, 1), Ground("definition", q, p), Ground("definition", p, 2 * r)]
    assert Grounds(grounds).lines == Grounds(grounds[::-1]).lines
    assert [line.split("$")[0] for line in Grounds(grounds).lines] == ["by definition ", "by definition ", "assuming "]


def test_two_meanings_of_one_name_are_found_in_sums_as_well():
    K = sp.Symbol("K", integer=True, positive=True)
    x, y = Tensor("x", shape=(K,)), Tensor("y", shape=(K,))

    def meaning(factor):
        return Ground("definition", y[i], S("k", K, lambda k: factor * x[k] * x[i]))

    require_consistent([meaning(2), meaning(2)])
    with pytest.raises(ContradictionError, match="contradict each other"):
        require_consistent([meaning(2), meaning(3)])
