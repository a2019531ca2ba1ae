"""Sums over part of a range: what a delta leaves behind, triangles, shifts, convolutions; and what is refused."""

import pytest
import sympy as sp
from sympy import Rational

from hesslib.calculus.derivation import CONSTANT, Derivation, same
from hesslib.calculus.index import Diff, KroneckerDelta, RangeError, S, Tensor, Width, elementwise, index
from hesslib.calculus.indicators import Holds, at_most, within
from hesslib.calculus.inequalities import implies
from hesslib.calculus.latex import tex
from hesslib.calculus.normal import difference, equal, normal_form
from hesslib.calculus.steps import NotEqualError, Steps
from hesslib.calculus.tidy import tidy

I = KroneckerDelta
N, K, L, T, U, R = sp.symbols("N K L T U R", integer=True, positive=True)
alpha, E = sp.symbols("alpha E")
i, j, k, p, q, c, d, u, v = index("i j k p q c d u v")
n = Width("n", layers=1)
x, y = Tensor("x", shape=(N,)), Tensor("y", shape=(N,))
s = Tensor("s", shape=(K,))
A = Tensor("A", shape=(N, N))
C = Tensor("C", shape=(N, N), symmetric=True)
h = elementwise("h")


def over(f, size=N, letter="k"):
    return S(letter, size, f)


def triangle(f, last=lambda k: k):
    """The sum over k <= N and q <= last(k)."""
    return over(lambda k: S("q", last(k), lambda q: f(k, q)))


# A convolution over time with stride 1: T outputs, a window of R, T + R - 1 inputs, C channels in, D channels out.
inputs = Tensor("z", shape=(K, T + R - 1))
window = Tensor("w", shape=(L, K, R))
above = Tensor("delta", shape=(L, T))
# The same with stride 2, and with zeros around the input.
strided = Tensor("z", shape=(2 * T + R,))
short = Tensor("z", shape=(N,))
filter_ = Tensor("w", shape=(R,))
back = Tensor("delta", shape=(T,))


def convolved(c, t):
    return S("d", K, lambda d: S("s", R, lambda s: window[c, d, s] * inputs[d, t + s - 1]))


EQUAL = {
    "a delta under a triangle": (triangle(lambda k, q: I(q, p) * y[k]), over(lambda k: within(1, p, k) * y[k])),
    "how many ranges hold a number": (triangle(lambda k, q: I(q, p)), (N - p + 1) * within(1, p, N)),
    "the diagonal is in the triangle": (triangle(lambda k, q: I(q, k)), N),
    "the diagonal of a matrix in the triangle": (triangle(lambda k, q: I(q, k) * A[k, q]), over(lambda k: A[k, k])),
    "the diagonal is not below the diagonal": (triangle(lambda k, q: I(q, k) * A[k, q], lambda k: k - 1), 0),
    "layers that have a unit": (
        over(lambda l: S("j", n[l], lambda j: I(j, p)), L),
        over(lambda l: within(1, p, n[l]), L),
    ),
    "a number that may be beyond the range": (over(lambda k: I(k, 2)), at_most(2, N)),
    "a free letter that may be beyond the range": (over(lambda k: I(k, j)), within(1, j, N)),
    "a free letter that has the range": (over(lambda k: I(k, j)) * x[j], x[j]),
    "the range told by another term": (over(lambda k: I(k, j)) + x[j], 1 + x[j]),
    "an entry that is spoken of exists": (over(lambda k: I(k, 2)) * x[2], x[2]),
    "a computed index": (over(lambda k: over(lambda q: I(q, k + 1) * x[q])), S("k", N - 1, lambda k: x[k + 1])),
    "an indicator is its square": (over(lambda k: at_most(k, j) ** 2 * x[k]), over(lambda k: at_most(k, j) * x[k])),
    "an indicator and its opposite": (at_most(j, k) + at_most(k + 1, j), 1),
    "an indicator times its opposite": (at_most(j, k) * at_most(k + 1, j), 0),
    "the weaker of two indicators": (at_most(j, k) * at_most(j, k + 1), at_most(j, k)),
    "two indicators that fix an index": (at_most(j, 3) * at_most(3, j) * j, 3 * at_most(j, 3) * at_most(3, j)),
    "an indicator under a delta": (I(j, k) * at_most(j, k), I(j, k)),
    "an indicator contracts": (over(lambda k: I(k, j) * at_most(k, p) * x[k]), at_most(j, p) * x[j]),
    "an indicator inside a function": (
        over(lambda k: h(at_most(k, N) * x[k])),
        over(lambda k: h(x[k])),
    ),
    "the triangle by rows and by columns": (
        triangle(lambda k, q: A[k, q]),
        over(lambda q: over(lambda k: at_most(q, k) * A[k, q])),
    ),
    "below the diagonal": (
        triangle(lambda k, q: A[k, q], lambda k: k - 1),
        over(lambda q: over(lambda k: at_most(q + 1, k) * A[k, q])),
    ),
    "two triangles are the square": (
        triangle(lambda k, q: A[k, q]) + triangle(lambda k, q: A[q, k], lambda k: k - 1),
        over(lambda k: over(lambda q: A[k, q])),
    ),
    "half of a symmetric square": (
        2 * triangle(lambda k, q: x[k] * x[q]),
        over(lambda k: x[k]) ** 2 + over(lambda k: x[k] ** 2),
    ),
    "half of a symmetric matrix": (
        triangle(lambda k, q: C[k, q]),
        over(lambda k: over(lambda q: C[k, q])) / 2 + over(lambda k: C[k, k]) / 2,
    ),
    "a causal mask": (S("u", p, lambda u: A[p, u]), over(lambda u: at_most(u, p) * A[p, u])),
    "the derivative under a causal mask": (
        S("u", p, lambda u: I(u, v) * A[p, u]) * x[v],
        at_most(v, p) * A[p, v] * x[v],
    ),
    "one term": (S("k", 1, lambda k: x[k]), x[1]),
    "three terms": (S("k", 3, lambda k: x[k]), x[1] + x[2] + x[3]),
    "the last term": (over(lambda k: x[k]), S("k", N - 1, lambda k: x[k]) + x[N]),
    "the first term": (over(lambda k: x[k]), x[1] + S("k", N - 1, lambda k: x[k + 1])),
    "both ends": (over(lambda k: x[k]) + x[N], x[N] * 2 + S("k", N - 1, lambda k: x[k])),
    "inside a function": (h(over(lambda k: x[k])), h(S("k", N - 1, lambda k: x[k]) + x[N])),
    "telescoping": (S("k", N - 1, lambda k: x[k + 1] - x[k]), x[N] - x[1]),
    "a shifted variable": (S("k", N - 1, lambda k: x[k + 1] * y[k]), over(lambda k: at_most(2, k) * x[k] * y[k - 1])),
    "by parts": (
        S("k", N - 1, lambda k: x[k] * (y[k + 1] - y[k])),
        x[N] * y[N] - x[1] * y[1] - S("k", N - 1, lambda k: y[k + 1] * (x[k + 1] - x[k])),
    ),
    "the sum of the numbers": (over(lambda k: k), N * (N + 1) / 2),
    "the sum of the squares": (over(lambda k: k**2), N * (N + 1) * (2 * N + 1) / 6),
    "the sum of the cubes": (over(lambda k: k**3), over(lambda k: k) ** 2),
    "the size of a triangle": (triangle(lambda k, q: sp.S.One), N * (N + 1) / 2),
    "the size below the diagonal": (triangle(lambda k, q: sp.S.One, lambda k: k - 1), N * (N - 1) / 2),
    "a sum of no terms": (S("k", -3, lambda k: sp.S.One), 0),
    "a sum of perhaps no terms": (S("k", N - 5, lambda k: sp.S.One), (N - 5) * at_most(6, N)),
    "an index as a number": (j * I(j, k) * x[k], k * I(j, k) * x[j]),
    "a function of an index": (sp.sqrt(j) * I(j, k), sp.sqrt(k) * I(j, k)),
    "a convolution, contracted with what is above": (
        S("t", T, lambda t: above[c, t] * convolved(c, t)),
        S(
            "t",
            T,
            lambda t: S("s", R, lambda s: S("d", K, lambda d: window[c, d, s] * above[c, t] * inputs[d, t + s - 1])),
        ),
    ),
    "a convolution backwards, by the window": (
        S("t", T, lambda t: S("s", R, lambda s: filter_[s] * I(t + s - 1, u) * back[t])),
        S("s", R, lambda s: filter_[s] * within(1, u - s + 1, T) * back[u - s + 1]),
    ),
    "a convolution backwards, by time": (
        S("s", R, lambda s: filter_[s] * within(1, u - s + 1, T) * back[u - s + 1]),
        S("t", T, lambda t: within(1, u - t + 1, R) * filter_[u - t + 1] * back[t]),
    ),
    "with stride two": (
        S("t", T, lambda t: S("s", R, lambda s: filter_[s] * I(2 * t + s - 2, u) * back[t])),
        S("t", T, lambda t: within(1, u - 2 * t + 2, R) * filter_[u - 2 * t + 2] * back[t]),
    ),
    "with zeros around": (
        S("t", T, lambda t: S("s", R, lambda s: over(lambda q: filter_[s] * I(t + s - 2, q) * short[q] * back[t]))),
        S("t", T, lambda t: S("s", R, lambda s: filter_[s] * within(1, t + s - 2, N) * short[t + s - 2] * back[t])),
    ),
    "a derivative is linear": (Diff(x[i], 2 * E), 2 * Diff(x[i], E)),
    "a derivative of a sum": (Diff(x[i], over(lambda k: h(x[k]))), over(lambda k: Diff(x[i], h(x[k])))),
    "a derivative of a constant": (Diff(x[i], N + 3), 0),
    "a derivative of a delta times a function": (Diff(x[i], I(j, k) * E), I(j, k) * Diff(x[i], E)),
    "a derivative and a number": (Diff(x[i], E + Rational(1, 3)), Diff(x[i], E)),
}

DIFFERENT = {
    "a triangle for a square": (triangle(lambda k, q: I(q, p) * y[k]), over(lambda k: y[k])),
    "every range holds a number": (triangle(lambda k, q: I(q, p)), N),
    "how many ranges hold a number, for any number": (triangle(lambda k, q: I(q, p)), N - p + 1),
    "every layer has a unit": (over(lambda l: S("j", n[l], lambda j: I(j, p)), L), L),
    "two in two ranges": (over(lambda k: I(k, 2)), S("k", K, lambda k: I(k, 2))),
    "two in one range": (over(lambda k: I(k, 2)), 1),
    "a free letter is in the range": (over(lambda k: I(k, j)), 1),
    "two free letters": (over(lambda k: I(k, j) * I(k, p)), I(j, p)),
    "inside a function": (h(over(lambda k: I(k, j))), h(1)),
    "in a power": (alpha ** over(lambda k: I(k, j)), alpha),
    "a negative number of terms": (S("k", -3, lambda k: sp.S.One), -3),
    "a perhaps negative number of terms": (S("k", N - 5, lambda k: sp.S.One), N - 5),
    "the diagonal below the diagonal": (triangle(lambda k, q: I(q, k), lambda k: k - 1), N),
    "an indicator lost": (at_most(j, k) * x[j] * x[k], x[j] * x[k]),
    "an indicator turned": (at_most(j, k), at_most(k, j)),
    "an indicator by one off": (
        over(lambda k: at_most(k, j) * x[k]) * x[j],
        over(lambda k: at_most(k, j - 1) * x[k]) * x[j],
    ),
    "a triangle transposed": (triangle(lambda k, q: A[k, q]), triangle(lambda k, q: A[q, k])),
    "two triangles count the diagonal twice": (
        triangle(lambda k, q: A[k, q]) + triangle(lambda k, q: A[q, k]),
        over(lambda k: over(lambda q: A[k, q])),
    ),
    "telescoping the other way": (S("k", N - 1, lambda k: x[k + 1] - x[k]), x[1] - x[N]),
    "a term too many": (over(lambda k: x[k]) + x[N], over(lambda k: x[k])),
    "the sum of the numbers below": (over(lambda k: k), N * (N - 1) / 2),
    "the window turned round": (
        S("t", T, lambda t: S("s", R, lambda s: filter_[s] * I(t + s - 1, u) * back[t])),
        S("t", T, lambda t: within(1, t - u + 1, R) * filter_[t - u + 1] * back[t]),
    ),
    "the ends forgotten": (
        S("t", T, lambda t: S("s", R, lambda s: I(t + s - 1, u))),
        R * within(1, u, T + R - 1),
    ),
    "an index as another number": (j * I(j, k), k**2 * I(j, k)),
    "a derivative squared": (Diff(x[i], E**2), 2 * Diff(x[i], E)),
    "a derivative of a symbol": (Diff(x[i], alpha * E), alpha * Diff(x[i], E)),
}

REFUSED = {
    "a shift beyond the range": lambda: over(lambda k: x[k + 1]),
    "a shift below the range": lambda: over(lambda k: x[k - 1]),
    "a convolution beyond its input": lambda: S("t", T, lambda t: S("s", R, lambda s: filter_[s] * short[t + s - 1])),
    "a guard of another index": lambda: over(lambda k: at_most(j, N - 1) * x[k + 1]),
    "a guard too weak": lambda: over(lambda k: at_most(k, N) * x[k + 1]),
    "a triangle of another matrix": lambda: over(lambda k: S("q", k, lambda q: s[q])),
    "a range twice as long": lambda: S("k", 2 * N, lambda k: x[k]),
    "a range that is no whole number": lambda: S("k", N / 2, lambda k: x[k]),
    "two slots of different size, through a shift": lambda: S("k", N - 1, lambda k: x[k + 1] * s[k]),
    "the entry before the first": lambda: x[N - N],
    "the entry after the last": lambda: x[N + 1],
    "an entry between": lambda: x[N * Rational(1, 2)],
}


@pytest.mark.parametrize("name", EQUAL)
def test_these_are_equal(name):
    left, right = (sp.sympify(side) for side in EQUAL[name])
    assert equal(left, right)
    assert equal(right, left)
    assert equal(tidy(left, (right,)), left, (right,))
    assert equal(normal_form(right, (left,)), right, (left,))


@pytest.mark.parametrize("name", DIFFERENT)
def test_these_are_not(name):
    left, right = (sp.sympify(side) for side in DIFFERENT[name])
    assert not equal(left, right)
    assert not equal(right, left)
    missing, extra = difference(left, right)
    assert missing or extra


@pytest.mark.parametrize("name", REFUSED)
def test_an_index_that_may_leave_its_slot_is_refused(name):
    with pytest.raises(RangeError) as refusal:
        equal(REFUSED[name](), sp.S.Zero)
    assert "Dummy" not in str(refusal.value)
    assert "\n" not in str(refusal.value)


def test_a_guard_makes_room():
    assert equal(over(lambda k: at_most(k, N - 1) * x[k + 1]), S("k", N - 1, lambda k: x[k + 1]))


# --------------------------------------------------------------------------------------------- ranges in a chain
def test_a_chain_is_as_strict_as_a_comparison():
    with pytest.raises(NotEqualError):
        Steps(over(lambda k: I(k, j))).then(1)
    with pytest.raises(RangeError):
        Steps(over(lambda k: I(k, j))).then(S("k", K, lambda k: I(k, j)))


def test_an_index_runs_alike_in_all_members_of_a_chain():
    chain = Steps(over(lambda k: I(k, j) * x[k])).then(x[j])
    with pytest.raises(RangeError, match="index j runs to"):
        chain.then(x[j] + s[j] * (x[j] - over(lambda k: I(k, j) * x[k])))


def test_a_range_that_only_a_member_in_between_tells_proves_nothing_of_the_ends():
    between = over(lambda k: I(k, j) * x[k]) / x[j]
    with pytest.raises(RangeError, match="neither"):
        Steps(1).then(between).then(over(lambda k: I(k, j)))
    with pytest.raises(RangeError, match="may not exist"):
        Steps(sp.Add(N, 0)).then(N + x[3] - over(lambda k: I(k, 3) * x[k])).then(N - 1 + at_most(3, N))


def test_the_variable_of_a_derivative_tells_its_range():
    D = Derivation(x[j], {x: same(j), y: CONSTANT})
    assert D(over(lambda k: x[k])) == 1
    assert D(over(lambda k: y[k] * x[k] ** 2)) == 2 * x[j] * y[j]
    chain = Steps(Diff(x[j], over(lambda k: x[k])))
    assert chain.then(1, by=D).established == "derived"


def test_masked_attention_is_differentiated_under_its_mask():
    D = Derivation(A[p, v], {A: same(p, v), x: CONSTANT})
    masked = S("u", p, lambda u: A[p, u] * x[u])
    assert equal(D(masked), at_most(v, p) * x[v], (A[p, v],))
    assert not equal(D(masked), x[v], (A[p, v],))


def test_the_gradient_of_a_convolution_by_its_filter():
    D = Derivation(window[c, d, v], {window: same(c, d, v), inputs: CONSTANT, above: CONSTANT})
    loss = S("t", T, lambda t: S("c", L, lambda c: above[c, t] * convolved(c, t)))
    assert equal(D(loss), S("t", T, lambda t: above[c, t] * inputs[d, t + v - 1]), (window[c, d, v],))


def test_the_gradient_of_a_convolution_by_its_input():
    D = Derivation(inputs[d, u], {inputs: same(d, u), window: CONSTANT, above: CONSTANT})
    loss = S("t", T, lambda t: S("c", L, lambda c: above[c, t] * convolved(c, t)))
    transposed = S(
        "c", L, lambda c: S("s", R, lambda s: within(1, u - s + 1, T) * window[c, d, s] * above[c, u - s + 1])
    )
    assert equal(D(loss), transposed, (inputs[d, u],))
    unguarded = S("c", L, lambda c: S("s", R, lambda s: window[c, d, s] * above[c, u - s + 1]))
    with pytest.raises(RangeError):
        equal(D(loss), unguarded, (inputs[d, u],))


# ----------------------------------------------------------------------------------------------- the objects
def test_an_indicator_prints_as_a_range():
    assert tex(within(1, j, N)) == r"[1 \le j \le N]"
    assert tex(at_most(p, q)) == r"[p \le q]"
    assert tex(at_most(p + 1, q)) == r"[p < q]"
    assert tex(within(1, u - v + 1, T)) in (r"[1 \le u - v + 1 \le T]", r"[1 \le - v + u + 1 \le T]")
    assert tex(S("k", N, lambda k: S("q", k, lambda q: A[k, q]))).startswith(r"\sum_{k}")
    assert r"\sum_{q \le k}" in tex(S("k", N, lambda k: S("q", k, lambda q: A[k, q])))
    assert tex(S("k", N - 1, lambda k: x[k])) == r"\sum_{k \le N - 1} x_{k}"
    assert tex(S("k", N, lambda k: x[k])) == r"\sum_{k} x_{k}"
    assert r"[1 \le j \le N]" in tex(tidy(over(lambda k: I(k, j)) * s[p]))


def test_an_indicator_of_numbers_is_a_number():
    assert Holds(sp.Integer(0)) == 1
    assert Holds(sp.Integer(-1)) == 0
    assert within(1, sp.Integer(3), 2) == 0
    assert at_most(p, q).xreplace({p: sp.Integer(4), q: sp.Integer(4)}) == 1
    assert Holds(2 * p - 1) == Holds(p - 1)
    assert at_most(p, q) ** 3 == at_most(p, q)


@pytest.mark.parametrize(
    ("known", "asked", "follows"),
    [
        ([q - 1, k - q, N - k], N - q, True),
        ([q - 1, k - q, N - k], k - 1, True),
        ([q - 1, k - q, N - k], N - q - 1, False),
        ([k - 1, T - k, p - 1, R - p], T + R - 1 - (k + p - 1), True),
        ([k - 1, T - k, p - 1, R - p], T + R - 2 - (k + p - 1), False),
        ([2 * k - 1], k - 1, True),
        ([3 * k - 2 * q, q - 1], k - 1, True),
        ([], sp.Integer(0), True),
        ([], k, False),
        ([k - 1, -k], sp.Integer(-1), False),
    ],
)
def test_what_inequalities_imply(known, asked, follows):
    assert implies(known, asked) is follows
