r"""True statements, and false ones beside each: the table that both deciders are held against.

``FOUND`` are the false statements that an adversary once got accepted. ``STATEMENTS`` are true ones, each with slips
that make it false. ``UNDEFINED`` have no value, ``BEYOND`` are true and outside of what is decided.
"""

from typing import Any, NamedTuple

import sympy as sp
from sympy import Expr, Rational, Symbol, exp, sqrt

from hesslib.calculus.index import Diff, KroneckerDelta, Operator, S, Tensor, Width, elementwise, index

I = KroneckerDelta
N, K, L = sp.symbols("N K L", integer=True, positive=True)
i, j, k, p, q, r = index("i j k p q r")
l = Symbol("l", integer=True, positive=True)
n = Width("n", layers=1)
x, y, z = (Tensor(name, shape=(N,)) for name in "xyz")
u = Tensor("u", shape=(K,))
A, H = Tensor("A", shape=(N, N)), Tensor("H", shape=(N, N))
B = Tensor("B", shape=(N, K))
C = Tensor("C", shape=(N, N), symmetric=True)
Q = Tensor("Q", shape=(N, N, N))
a = Tensor("a", layers=1, shape=lambda y: (n[y],))
w = Tensor("w", layers=1, shape=lambda y: (n[y], n[y - 1]))
alpha, beta = sp.symbols("alpha beta", positive=True)
s, t = sp.symbols("s t")
E = Symbol("E")
R = Operator("R")
h = elementwise("h")
half = Rational(1, 2)


def over(body: Any, size: Any = N) -> Expr:
    """The sum of ``body``."""
    return S("s", size, body)


def double(body: Any, size: Any = N, other: Any = N) -> Expr:
    """The double sum of ``body``."""
    return S("s", size, lambda c: S("t", other, lambda d: body(c, d)))


class Statement(NamedTuple):
    """Two formulas that are equal, and ``wrong`` ones that the left one is not equal to."""

    name: str
    left: Expr
    right: Any
    wrong: tuple[Any, ...] = ()


total, squares = over(lambda c: x[c]), over(lambda c: x[c] ** 2)
others = over(lambda c: y[c])
dot = over(lambda c: x[c] * y[c])
Z = over(lambda c: exp(x[c]))


def softmax(c):
    return exp(x[c]) / Z


def row(c):
    return over(lambda d: A[c, d] * x[d])


norm = over(lambda c: x[c] ** 2) / N + alpha

STATEMENTS = [
    # ------------------------------------------------------------------------------------------- sums and products
    Statement(
        "distribution", x[i] * (y[i] + z[i]), x[i] * y[i] + x[i] * z[i], (x[i] * y[i] + z[i], x[i] * y[i] * z[i])
    ),
    Statement("square of a sum", total**2, double(lambda c, d: x[c] * x[d]), (squares, N * squares, total)),
    Statement("sum of a constant", over(lambda _: alpha), N * alpha, (alpha, K * alpha, N**2 * alpha)),
    Statement(
        "order of sums",
        double(lambda c, d: A[c, d] * x[d]),
        double(lambda d, c: A[c, d] * x[d]),
        (double(lambda c, d: A[d, c] * x[d]), over(lambda c: A[c, c] * x[c])),
    ),
    Statement(
        "product of sums",
        total * others,
        double(lambda c, d: x[c] * y[d]),
        (dot, N * dot, double(lambda c, _: x[c] * y[c])),
    ),
    Statement("difference", over(lambda c: x[c] - y[c]), total - others, (total + others, others - total)),
    Statement(
        "trace order",
        double(lambda c, d: A[c, d] * H[d, c]),
        double(lambda c, d: H[c, d] * A[d, c]),
        (double(lambda c, d: A[c, d] * H[c, d]), over(lambda c: A[c, c] * H[c, c])),
    ),
    Statement(
        "trace of the transpose", over(lambda c: A[c, c]), over(lambda d: A[d, d]), (double(lambda c, d: A[c, d]),)
    ),
    Statement("symmetric", C[i, j], C[j, i], (C[i, i], C[j, j])),
    Statement(
        "symmetric form",
        double(lambda c, d: C[c, d] * x[c] * y[d]),
        double(lambda c, d: C[c, d] * y[c] * x[d]),
        (double(lambda c, d: C[c, d] * x[c] * x[d]),),
    ),
    Statement(
        "any matrix in a square",
        double(lambda c, d: A[c, d] * x[c] * x[d]),
        double(lambda c, d: A[d, c] * x[c] * x[d]),
        (double(lambda c, d: A[c, c] * x[c] * x[d]),),
    ),
    Statement(
        "antisymmetric part",
        double(lambda c, d: (A[c, d] - A[d, c]) * x[c] * x[d]),
        0,
        (x[i], double(lambda c, d: A[c, d] * x[c] * x[d])),
    ),
    Statement(
        "variance",
        over(lambda c: (x[c] - total / N) ** 2),
        squares - total**2 / N,
        (squares, squares - total**2, squares - total**2 / N**2),
    ),
    Statement(
        "pairs",
        double(lambda c, d: (x[c] - x[d]) ** 2),
        2 * N * squares - 2 * total**2,
        (N * squares - total**2, 2 * N * squares, 2 * squares - 2 * total**2),
    ),
    Statement(
        "rectangular",
        S("s", N, lambda c: S("t", K, lambda d: B[c, d] * u[d])),
        S("t", K, lambda d: S("s", N, lambda c: B[c, d] * u[d])),
        (K * S("s", N, lambda c: B[c, 1] * u[1]),),
    ),
    # -------------------------------------------------------------------------------------------------------- deltas
    Statement("contraction", over(lambda c: I(c, i) * x[c]), x[i], (total, N * x[i], I(i, j) * x[i])),
    Statement(
        "two deltas", over(lambda c: I(c, i) * I(c, j)) * x[i] * y[j], I(i, j) * x[i] * y[j], (x[i] * y[j], x[i] * y[i])
    ),
    Statement("trace of the identity", double(I), N, (1, N**2, 0)),
    Statement("delta as a filter", I(i, j) * x[i], I(i, j) * x[j], (x[i], I(i, j) * x[i] ** 2, I(i, j) * y[i])),
    Statement("delta squared", I(i, j) ** 2 * x[i] * y[j], I(i, j) * x[i] * y[j], (x[i] * y[j],)),
    Statement(
        "false only where four letters are two",
        I(i, j) * I(p, q) * x[i] * y[p],
        I(i, j) * I(p, q) * x[j] * y[q],
        (2 * I(i, j) * I(p, q) * x[i] * y[p], I(i, j) * I(p, q) * x[p] * y[i]),
    ),
    Statement(
        "false only where three letters are one",
        I(i, j) * I(j, p) * x[i],
        I(i, p) * I(j, p) * x[p],
        (I(i, j) * I(j, p) * y[i], 2 * I(i, j) * I(j, p) * x[i]),
    ),
    Statement(
        "false beyond the smallest sizes",
        (N - 1) * (N - 2) * (N - 3) * (N - 4) * total,
        (N**2 - 5 * N + 4) * (N**2 - 5 * N + 6) * total,
        (0, (N - 1) * (N - 2) * (N - 3) * (N - 5) * total),
    ),
    Statement(
        "the same, expanded",
        sp.expand((N - 1) * (N - 2) * (N - 3) * (N - 4)),
        (N - 1) * (N - 2) * (N - 3) * (N - 4),
        (0,),
    ),
    Statement(
        "index times delta",
        i * I(i, j) * x[i] * y[j],
        j * I(i, j) * x[i] * y[j],
        (i * x[i] * y[j], I(i, j) * x[i] * y[j]),
    ),
    Statement(
        "diagonal", double(lambda c, d: I(c, d) * A[c, d]), over(lambda c: A[c, c]), (double(lambda c, d: A[c, d]),)
    ),
    Statement(
        "off the diagonal",
        double(lambda c, d: (1 - I(c, d)) * x[c] * x[d]),
        total**2 - squares,
        (total**2, N * (N - 1) * squares, total**2 + squares),
    ),
    Statement("off diagonal count", double(lambda c, d: 1 - I(c, d)), N * (N - 1), (N**2, N * (N + 1), N - 1)),
    Statement("delta with a number", over(lambda c: I(c, 1) * x[c]), x[1], (total, 0)),
    # ------------------------------------------------------------------------------------- ranges and triangular sums
    Statement(
        "count of a triangle",
        S("s", N, lambda c: S("t", c, lambda _: sp.S.One)),
        N * (N + 1) / 2,
        (N**2 / 2, N * (N - 1) / 2, N**2),
    ),
    Statement("sum of integers", over(lambda c: c), N * (N + 1) / 2, (N**2, N * (N - 1) / 2, N)),
    Statement(
        "sum of squares",
        over(lambda c: c**2),
        N * (N + 1) * (2 * N + 1) / 6,
        (N**3 / 3, (N * (N + 1) / 2) ** 2, N * (N + 1) / 2),
    ),
    Statement(
        "triangle exchanged",
        S("s", N, lambda c: S("t", c, lambda d: x[d])),
        over(lambda d: (N - d + 1) * x[d]),
        (over(lambda d: (N - d) * x[d]), over(lambda d: d * x[d]), N * total),
    ),
    Statement(
        "two triangles",
        2 * S("s", N, lambda c: S("t", c, lambda d: x[c] * x[d])),
        total**2 + squares,
        (total**2, total**2 - squares),
    ),
    Statement("bounded by one", S("s", 1, lambda c: x[c]), x[1], (total, N * x[1])),
    Statement(
        "triangular diagonal", S("s", N, lambda c: S("t", c, lambda d: I(c, d) * x[d])), total, (N * total, squares)
    ),
    Statement("empty sum", S("s", 0, lambda c: x[c]), 0, (x[1], total)),
    # ----------------------------------------------------------------------------------------------------- fractions
    Statement(
        "partial fractions",
        1 / (x[i] * (1 + x[i])),
        1 / x[i] - 1 / (1 + x[i]),
        (1 / x[i] + 1 / (1 + x[i]), 1 / (1 + x[i]) - 1 / x[i]),
    ),
    Statement(
        "share",
        over(lambda c: x[c] / (alpha + x[c])),
        N - alpha * over(lambda c: 1 / (alpha + x[c])),
        (N - over(lambda c: 1 / (alpha + x[c])), N + alpha * over(lambda c: 1 / (alpha + x[c]))),
    ),
    Statement("nested fraction", 1 / (1 + 1 / x[i]), x[i] / (1 + x[i]), (1 / (1 + x[i]), 1 + x[i])),
    Statement(
        "differences in denominators",
        1 / ((x[i] - s) * (x[i] + s)),
        (1 / (x[i] - s) - 1 / (x[i] + s)) / (2 * s),
        ((1 / (x[i] - s) + 1 / (x[i] + s)) / (2 * s), (1 / (x[i] - s) - 1 / (x[i] + s)) / s),
    ),
    Statement("a ratio of sums", total / total, 1, (0, N)),
    Statement("mean of ones", over(lambda _: 1 / sp.sympify(N)), 1, (N, 1 / N)),
    Statement(
        "antisymmetry under a fraction", double(lambda c, d: x[c] / (x[c] + x[d])), N**2 * half, (N * half, N**2, N**2)
    ),
    Statement("geometric", (1 - s**4) / (1 - s), 1 + s + s**2 + s**3, (1 + s + s**2, 1 - s + s**2 - s**3)),
    Statement(
        "two denominators",
        x[i] / s + y[i] / t,
        (t * x[i] + s * y[i]) / (s * t),
        ((s * x[i] + t * y[i]) / (s * t), (x[i] + y[i]) / (s + t)),
    ),
    Statement("rank one inverse", (1 + squares) * x[i] / (1 + squares), x[i], (x[i] / (1 + squares),)),
    Statement(
        "Sherman-Morrison",
        over(lambda c: (I(i, c) + x[i] * x[c]) * (I(c, j) - x[c] * x[j] / (1 + squares))) * y[i] * z[j],
        I(i, j) * y[i] * z[j],
        (y[i] * z[j], I(i, j) * y[i] * z[j] / (1 + squares)),
    ),
    # -------------------------------------------------------------------------------------- exponentials and roots
    Statement("exponents add", exp(x[i]) * exp(y[i]), exp(x[i] + y[i]), (exp(x[i] * y[i]), exp(x[i]) + exp(y[i]))),
    Statement("exponents subtract", exp(x[i]) / exp(y[i]), exp(x[i] - y[i]), (exp(y[i] - x[i]), exp(x[i] / y[i]))),
    Statement("power of an exponential", exp(x[i]) ** 3, exp(3 * x[i]), (exp(x[i] ** 3), 3 * exp(x[i]))),
    Statement("half of an exponent", exp(x[i] / 2) ** 2, exp(x[i]), (exp(x[i] / 2), exp(x[i]) ** 2)),
    Statement("softmax sums to one", over(softmax), 1, (N, 0, 1 / N)),
    Statement(
        "softmax slope sums to zero",
        over(lambda c: softmax(c) * (I(c, i) - softmax(i))) * y[i],
        0,
        (softmax(i) * y[i], y[i]),
    ),
    Statement(
        "softmax of a shift",
        exp(x[i] + s) / over(lambda c: exp(x[c] + s)),
        softmax(i),
        (exp(s) * softmax(i), softmax(i) + s),
    ),
    Statement("logistic", 1 / (1 + exp(-x[i])), exp(x[i]) / (1 + exp(x[i])), (1 / (1 + exp(x[i])), exp(x[i]))),
    Statement("logistic symmetry", 1 / (1 + exp(-x[i])) + 1 / (1 + exp(x[i])), 1, (0, 2)),
    Statement(
        "logistic slope",
        exp(-x[i]) / (1 + exp(-x[i])) ** 2,
        (1 - 1 / (1 + exp(-x[i]))) / (1 + exp(-x[i])),
        (1 / (1 + exp(-x[i])), -exp(-x[i]) / (1 + exp(-x[i])) ** 2),
    ),
    Statement("product of roots", sqrt(alpha) * sqrt(beta), sqrt(alpha * beta), (sqrt(alpha + beta), alpha * beta)),
    Statement(
        "square of one plus a root",
        (1 + sqrt(squares + alpha)) ** 2,
        1 + squares + alpha + 2 * sqrt(squares + alpha),
        (1 + squares + alpha, 1 + squares + alpha + sqrt(squares + alpha)),
    ),
    Statement("roots of entries", sqrt(x[i]) * sqrt(y[i]), sqrt(x[i] * y[i]), (sqrt(x[i] + y[i]), x[i] * y[i])),
    Statement("root squared", sqrt(squares + alpha) ** 2, squares + alpha, (squares, sqrt(squares + alpha))),
    Statement(
        "square of a sum of roots",
        (sqrt(alpha) + sqrt(beta)) ** 2,
        alpha + beta + 2 * sqrt(alpha * beta),
        (alpha + beta, alpha + beta - 2 * sqrt(alpha * beta)),
    ),
    Statement(
        "rational denominator",
        1 / (sqrt(alpha) + sqrt(beta)),
        (sqrt(alpha) - sqrt(beta)) / (alpha - beta),
        ((sqrt(alpha) + sqrt(beta)) / (alpha - beta), (sqrt(alpha) - sqrt(beta)) / (alpha + beta)),
    ),
    Statement("root of a square", sqrt(s**2), sp.Abs(s), (s, -s)),
    Statement(
        "root mean square norm", over(lambda c: (x[c] / sqrt(norm)) ** 2) * norm, squares, (N * squares, squares / N)
    ),
    Statement(
        "product of two norms",
        sqrt(norm) * sqrt(squares + 1) / sqrt(norm),
        sqrt(squares + 1),
        (sqrt(norm), squares + 1),
    ),
    # ------------------------------------------------------------------------------- functions and named derivatives
    Statement(
        "inside a function",
        h(row(i) + y[i] * 2),
        h(y[i] + over(lambda d: x[d] * A[i, d]) + y[i]),
        (h(row(i) + y[i]), h(over(lambda d: x[d] * A[d, i]) + 2 * y[i]), h(row(i)) + h(2 * y[i])),
    ),
    Statement("function of an equal sum", h(over(lambda c: I(c, i) * x[c])), h(x[i]), (h(total), h(x[i]).fdiff())),
    Statement(
        "linear derivative",
        Diff(x[i], 2 * E),
        2 * Diff(x[i], E),
        (Diff(x[i], E), 2 + Diff(x[i], E), Diff(x[i], E) ** 2),
    ),
    Statement(
        "derivative of a sum",
        Diff(x[i], over(lambda c: u[c], K) + E),
        over(lambda c: Diff(x[i], u[c]), K) + Diff(x[i], E),
        (Diff(x[i], E), over(lambda c: Diff(x[i], u[c]), K)),
    ),
    Statement("derivative of a number", Diff(x[i], sp.Integer(7)), 0, (1, 7, Diff(x[i], E))),
    Statement("variable by itself", Diff(x[i], x[j]), I(i, j), (1, 0, x[j])),
    Statement(
        "commuting partials",
        Diff(x[i], Diff(x[j], E)),
        Diff(x[j], Diff(x[i], E)),
        (Diff(x[i], E) * Diff(x[j], E), Diff(x[i], Diff(x[i], E))),
    ),
    Statement(
        "operator on a sum",
        Diff(R, x[i] + y[i]),
        Diff(R, x[i]) + Diff(R, y[i]),
        (Diff(R, x[i]) * Diff(R, y[i]), Diff(R, x[i]) + y[i]),
    ),
    Statement(
        "derivative of an equal operand",
        Diff(x[i], total**2),
        Diff(x[i], double(lambda c, d: x[c] * x[d])),
        (Diff(x[i], squares), 2 * Diff(x[i], total)),
    ),
    # -------------------------------------------------------------------------------------------------------- layers
    Statement(
        "layers",
        over(lambda c: w[l + 1, c, i] * a[l, i], n[l + 1]),
        a[l, i] * over(lambda c: w[l + 1, c, i], n[l + 1]),
        (a[l, i] * over(lambda c: w[l, i, c], n[l - 1]), over(lambda c: w[l + 1, c, i], n[l + 1])),
    ),
    Statement(
        "sum over layers",
        S("m", L, lambda m: S("s", n[m], lambda c: a[m, c] ** 2)),
        S("m", L, lambda m: S("s", n[m], lambda c: S("t", n[m], lambda d: I(c, d) * a[m, c] * a[m, d]))),
        (S("m", L, lambda m: S("s", n[m], lambda c: a[m, c])), L * S("s", n[1], lambda c: a[1, c] ** 2)),
    ),
    Statement(
        "a width counted", S("s", n[l], lambda _: a[l, j]), n[l] * a[l, j], (a[l, j], n[l - 1] * a[l, j], l * a[l, j])
    ),
]

y_of_k = over(lambda c: y[c])
inner = h(s).fdiff()

FOUND: dict[str, tuple[Any, Any]] = {
    # A. ranges
    "a sum to k of a delta, of y_k": (over(lambda c: S("q", c, lambda d: I(d, p) * y[c])), y_of_k),
    "a sum to k of a delta": (over(lambda c: S("q", c, lambda d: I(d, p))), N),
    "layers with p units": (S("l", L, lambda m: S("j", n[m], lambda d: I(d, p))), L),
    "delta with 2, in N and in K": (over(lambda c: I(c, 2)), over(lambda c: I(c, 2), K)),
    "a delta of an index without a range": (over(lambda c: I(c, j)), 1),
    "the same, in K": (1, over(lambda c: I(c, j), K)),
    "from N to K": (over(lambda c: I(c, j)), over(lambda c: I(c, j), K)),
    "N - 5 terms": (over(lambda _: sp.S.One, N - 5), N - 5),
    "-3 terms": (over(lambda _: sp.S.One, -3), -3),
    # B. what is held fixed: the conclusions that the chains reached
    "h''/h' E_z + h' E_zz": (
        inner.diff(s) / inner * Diff(z[i], E) + inner * Diff(z[i], Diff(z[i], E)),
        inner * Diff(z[i], Diff(z[i], E)),
    ),
    "dependent variables commute": (Diff(z[i], Diff(y[j], E)), Diff(y[j], Diff(z[i], E))),
    "partial is total": (y[i], y[i] + x[i]),
    "an entry of a symmetric tensor": (x[i] * y[j], x[j] * y[i]),
    "a size as a variable": (0, alpha),
    "an operator and a symbol": (Diff(R, x[i]), Diff(Symbol("R"), x[i])),
    # C. the conclusions that were labelled "derived"
    "the diagonal for the matrix": (H[i, j], x[i] * x[j]),
    "a diagonal matrix": (H[i, j], x[i] ** 2 * I(i, j)),
    "one entry for the vector": (x[i], x[1]),
    "everything is 0": (x[i], 2 * x[i]),
    "a name that is in use": (y[i], x[i]),
    "pattern 1 is pattern 2": (A[1, i], A[2, i]),
    "any exponential is an output": (exp(u[1]), exp(x[1])),
    "a stop-gradient": (x[i] - total / N - over(lambda c: x[c] ** 2) * x[i], x[i]),
    # D. floats and division by zero
    "a small float": (total + sp.Float("1e-20") * others, total),
    "a float for a fraction": (sp.Float("0.1") * x[i], x[i] / 10),
    # F is the other way round: true statements that were certified as false; they are among STATEMENTS
}

nothing = over(lambda c: x[c]) - over(lambda c: x[c])

UNDEFINED: dict[str, tuple[Any, Any]] = {
    "functions of 1/0 and 2/0": (h(1 / nothing), h(2 / nothing)) if nothing != 0 else (sp.zoo, 1),
    "a term 1/0 of a sum": (over(lambda c: 1 / (x[c] - x[p])), 0),
    "the same on both sides": (over(lambda c: 1 / (x[c] - x[p])), over(lambda c: 1 / (x[c] - x[p]))),
    "a slot beyond its size": (x[N + 1], y[N + 1]),
    "a derivative by a size": (Diff(N, over(lambda _: alpha)), Diff(N, N * alpha)),
}

BEYOND: dict[str, tuple[Any, Any]] = {
    "sine and cosine": (sp.sin(x[i]) ** 2 + sp.cos(x[i]) ** 2, 1),
    "logarithm of a product": (sp.log(alpha * beta + alpha), sp.log(alpha) + sp.log(beta + 1)),
    "hyperbolic tangent": (sp.tanh(x[i]), (exp(2 * x[i]) - 1) / (exp(2 * x[i]) + 1)),
    "product rule": (Diff(x[i], x[j] ** 2), 2 * x[j] * I(i, j)),
    "chain rule": (Diff(x[i], h(y[j])), h(y[j]).fdiff() * Diff(x[i], y[j])),
    "an integral": (sp.Integral(s, (s, 0, t)), t**2 / 2),
}
