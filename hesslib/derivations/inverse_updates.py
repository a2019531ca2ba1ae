r"""The inverse of a matrix to which $bb^T$, or $C^TC$, is added: Sherman-Morrison and Woodbury, for every size.

$H^{(n)}=H^{(n-1)}+b^{(n)}b^{(n)T}$ is the matrix after $n$ patterns and $X^{(n)}$ its inverse. That they are inverses
is used as a fact, $\sum_mX^{(n-1)}_{jm}H^{(n-1)}_{mk}=I_{jk}$ and $\sum_mH^{(n)}_{jm}X^{(n)}_{mk}=I_{jk}$; nothing
else is known of them.

Longer than one sitting: Sherman-Morrison, Woodbury and the recursion over patterns are one identity.
"""

from __future__ import annotations

from collections.abc import Callable

import sympy as sp
from sympy import Expr

from hesslib.calculus.derivation import unfold
from hesslib.calculus.index import KroneckerDelta, S, Tensor, index
from hesslib.calculus.latex import tex
from hesslib.calculus.matrix import PRODUCT, Matrix, MatrixFormula, matrix, outer
from hesslib.calculus.rewriting import fact
from hesslib.calculus.steps import Formula, Steps

P = sp.Symbol("P", integer=True, positive=True)
N = sp.Symbol("N", integer=True, positive=True)  # patterns in one block
n = sp.Symbol("n", integer=True, positive=True)
i, j, k, m, p, q = index("i j k m p q")
alpha = sp.Symbol("alpha", positive=True)
sigma = sp.Symbol("sigma", nonnegative=True)

H = Tensor("H", layers=1, shape=lambda _: (P, P), symmetric=True)
X = Tensor("X", layers=1, shape=lambda _: (P, P), symmetric=True)
b = Tensor("b", layers=1, shape=lambda _: (P,))
C = Tensor("C", layers=1, shape=lambda _: (N, P))  # the patterns of block n, one in each row
K = Tensor("K", shape=(N, N), symmetric=True)  # I + C X C^T
Y = Tensor("Y", shape=(N, N), symmetric=True)  # its inverse

X_H_is_I = fact(S("m", P, lambda m: X[n - 1, j, m] * H[n - 1, m, k]), KroneckerDelta(j, k), j, k)
Y_K_is_I = fact(S("m", N, lambda m: Y[j, m] * K[m, k]), KroneckerDelta(j, k), j, k)
H_X_is_I = fact(S("m", P, lambda m: H[n, j, m] * X[n, m, k]), KroneckerDelta(j, k), j, k)


def _sandwich(middle: Callable[[Expr, Expr], Expr], i: Expr) -> Expr:
    r"""$\sum_{jm}X^{(n-1)}_{ij}\,middle_{jm}\,X^{(n)}_{mk}$."""
    return S("m", P, lambda m: S("j", P, lambda j: X[n - 1, i, j] * middle(j, m) * X[n, m, k]))


def _without(added: Callable[[Expr, Expr], Expr]) -> Callable[[Expr], Expr]:
    r"""Insert $H^{(n-1)}=H^{(n)}-added$, then use that $H^{(n)}X^{(n)}=I$."""
    definition = {H: lambda y, j, m: H[n, j, m] - added(j, m) if y == n - 1 else H[y, j, m]}
    return lambda e: H_X_is_I(unfold(e, definition))


# ---------------------------------------------------------------------------------------- one pattern at a time
def one_pattern(j: Expr, m: Expr) -> Expr:
    """What one pattern adds."""
    return b[n, j] * b[n, m]


def bX(y: Expr, k: Expr) -> Expr:
    r"""$(b^TX^{(y)})_k$."""
    return S("i", P, lambda i: b[n, i] * X[y, i, k])


def bXb() -> Expr:
    r"""$\sigma=b^TX^{(n-1)}b$, which is not negative."""
    return S("j", P, lambda j: S("i", P, lambda i: b[n, i] * X[n - 1, i, j] * b[n, j]))


is_sigma = fact(bXb(), sigma)


def sum_of_outer_products() -> tuple[Formula, Formula]:
    r"""$H^{(0)}=\alpha I$ and $H^{(n)}=H^{(n-1)}+b^{(n)}b^{(n)T}$."""
    return Formula(H[0, j, k], alpha * KroneckerDelta(j, k)), Formula(H[n, j, k], H[n - 1, j, k] + one_pattern(j, k))


def _difference(added: Callable[[Expr, Expr], Expr], subtracted: Expr, what: str) -> Steps:
    r"""$X^{(n)}=X^{(n-1)}-\dots X^{(n)}$, which holds the unknown on both sides."""
    s = Steps(X[n, i, k])
    s.then(_sandwich(lambda j, m: H[n - 1, j, m], i), "$X^{(n-1)}H^{(n-1)}=I$", using=X_H_is_I)
    s.then(_sandwich(lambda j, m: H[n, j, m] - added(j, m), i), what, using=_without(added))
    return s.then(X[n - 1, i, k] - subtracted, "$H^{(n)}X^{(n)}=I$", using=_without(added))


def Xb(i: Expr) -> Expr:
    r"""$(X^{(n-1)}b)_i$."""
    return S("j", P, lambda j: X[n - 1, i, j] * b[n, j])


def difference() -> Steps:
    r"""$X^{(n)}=X^{(n-1)}-X^{(n-1)}b\;b^TX^{(n)}$."""
    return _difference(one_pattern, Xb(i) * bX(n, k), "one pattern less")


def projected() -> Steps:
    r"""$(1+\sigma)\,b^TX^{(n)}=b^TX^{(n-1)}$, and so the unknown $b^TX^{(n)}$."""
    s = Steps((1 + sigma) * bX(n, k))
    s.then(bX(n, k) + bXb() * bX(n, k), r"insert $\sigma$", using=is_sigma)
    s.then(
        S("i", P, lambda i: b[n, i] * _sandwich(lambda j, m: H[n - 1, j, m] + one_pattern(j, m), i)),
        "$X^{(n-1)}H^{(n-1)}=I$",
        using=X_H_is_I,
    )
    return s.then(bX(n - 1, k), "$H^{(n)}X^{(n)}=I$", using=_without(one_pattern))


def solved() -> Steps:
    r"""$b^TX^{(n)}=b^TX^{(n-1)}/(1+\sigma)$."""
    multiply = fact(bX(n - 1, k), (1 + sigma) * bX(n, k), k)
    return Steps(bX(n, k)).then(bX(n - 1, k) / (1 + sigma), r"divide by $1+\sigma\geq1$", using=multiply)


def sherman_morrison() -> Steps:
    r"""$X^{(n)}=X^{(n-1)}-\frac{X^{(n-1)}b\,b^TX^{(n-1)}}{1+b^TX^{(n-1)}b}$."""
    s = difference()
    insert = fact(bX(n, k), solved().result, k)
    s.then(X[n - 1, i, k] - Xb(i) * bX(n - 1, k) / (1 + sigma), r"insert $b^{\mathsf T}X^{(n)}$", using=insert)
    return s.then(X[n - 1, i, k] - Xb(i) * bX(n - 1, k) / (1 + bXb()), r"insert $\sigma$", using={sigma: bXb})


def rank_one_update() -> MatrixFormula:
    """Sherman-Morrison in matrix notation."""
    old, column = matrix(X, n - 1), matrix(X, n - 1) @ matrix(b, n)
    return MatrixFormula(matrix(X, n), old - _over(outer(column, column), 1 + sigma), with_sigma(), i, k)


def with_sigma() -> Formula:
    """The result with its denominator by name."""
    s = difference()
    insert = fact(bX(n, k), solved().result, k)
    return s.then(X[n - 1, i, k] - Xb(i) * bX(n - 1, k) / (1 + sigma), using=insert).formula()


def _over(x: Matrix, scalar: Expr) -> Matrix:
    """A matrix divided by a number."""
    latex = rf"\frac{{1}}{{{tex(scalar)}}}\, {x._inside(PRODUCT)}"
    return Matrix(x.sizes, lambda *at: x.entry(*at) / scalar, latex, PRODUCT)


def is_the_inverse() -> Steps:
    r"""The other way round: $H^{(n)}$ times the right-hand side is $I$; used is only $H^{(n-1)}X^{(n-1)}=I$."""
    new = {
        H: lambda y, j, k: H[n - 1, j, k] + one_pattern(j, k) if y == n else H[y, j, k],
        X: lambda y, j, k: X[n - 1, j, k] - Xb(j) * bX(n - 1, k) / (1 + sigma) if y == n else X[y, j, k],
    }
    s = Steps(S("j", P, lambda j: H[n, i, j] * X[n, j, k]))
    s.then(unfold(s.lhs, new), "insert both", using=new)
    return s.then(KroneckerDelta(i, k), "$X^{(n-1)}H^{(n-1)}=I$", using=lambda e: is_sigma(X_H_is_I(e)))


# ------------------------------------------------------------------------------------------ a block of patterns
def one_block(j: Expr, m: Expr) -> Expr:
    """What a block of patterns adds."""
    return S("p", N, lambda p: C[n, p, j] * C[n, p, m])


def CX(y: Expr, p: Expr, k: Expr) -> Expr:
    r"""$(CX^{(y)})_{pk}$."""
    return S("i", P, lambda i: C[n, p, i] * X[y, i, k])


def K_of_C(p: Expr, q: Expr) -> Expr:
    r"""$K_{pq}=(I+CX^{(n-1)}C^T)_{pq}$."""
    return KroneckerDelta(p, q) + S("j", P, lambda j: S("i", P, lambda i: C[n, p, i] * X[n - 1, i, j] * C[n, q, j]))


def _XC(i: Expr, p: Expr) -> Expr:
    return S("j", P, lambda j: X[n - 1, i, j] * C[n, p, j])


def block_difference() -> Steps:
    r"""$X^{(n)}=X^{(n-1)}-X^{(n-1)}C^T\,CX^{(n)}$."""
    return _difference(one_block, S("p", N, lambda p: _XC(i, p) * CX(n, p, k)), "one block less")


def block_projected() -> Steps:
    r"""$K\,CX^{(n)}=CX^{(n-1)}$ with $K=I+CX^{(n-1)}C^T$."""
    s = Steps(S("q", N, lambda q: K[p, q] * CX(n, q, k)))
    s.then(S("q", N, lambda q: K_of_C(p, q) * CX(n, q, k)), "definition of $K$", using={K: K_of_C})
    s.then(
        S("i", P, lambda i: C[n, p, i] * _sandwich(lambda j, m: H[n - 1, j, m] + one_block(j, m), i)),
        "$X^{(n-1)}H^{(n-1)}=I$",
        using=X_H_is_I,
    )
    return s.then(CX(n - 1, p, k), "$H^{(n)}X^{(n)}=I$", using=_without(one_block))


def block_solved() -> Steps:
    r"""$CX^{(n)}=Y\,CX^{(n-1)}$, with $Y$ the inverse of $K$."""
    projected = fact(CX(n - 1, p, k), S("q", N, lambda q: K[p, q] * CX(n, q, k)), p, k)
    s = Steps(CX(n, q, k))
    return s.then(S("p", N, lambda p: Y[q, p] * CX(n - 1, p, k)), "$YK=I$", using=lambda e: Y_K_is_I(projected(e)))


def woodbury() -> Steps:
    r"""$X^{(n)}=X^{(n-1)}-X^{(n-1)}C^TY\,CX^{(n-1)}$."""
    insert = fact(CX(n, q, k), block_solved().result, q, k)
    return block_difference().then(
        X[n - 1, i, k] - S("q", N, lambda q: _XC(i, q) * S("p", N, lambda p: Y[q, p] * CX(n - 1, p, k))),
        "insert $CX^{(n)}$",
        using=insert,
    )


def block_update() -> MatrixFormula:
    """Woodbury in matrix notation."""
    old, rows = matrix(X, n - 1), matrix(C, n)
    return MatrixFormula(matrix(X, n), old - old @ rows.T @ matrix(Y) @ rows @ old, woodbury().formula(), i, k)


# ------------------------------------------------------------------------------------------ the price of the start
lam = sp.Symbol("lambda", positive=True)
beta = sp.Symbol("beta", positive=True)


def bias_of_the_start() -> Steps:
    r"""$1/\lambda-1/(\lambda+\alpha)$: by how much the inverse along an eigenvector is too small."""
    return Steps(1 / lam - 1 / (lam + alpha)).then(alpha / (lam * (lam + alpha)), "one fraction")


def first_update() -> Steps:
    r"""From $1/\alpha$ to $1/(\alpha+\beta)$, along the first $b$, with $\beta=b^Tb$."""
    step = Steps(1 / alpha - (beta / alpha**2) / (1 + beta / alpha))
    return step.then(1 / (alpha + beta), "one fraction")
