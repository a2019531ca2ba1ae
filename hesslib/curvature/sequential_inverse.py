r"""The inverse of $\alpha I+\sum_nb_nb_n^T$, built up from $\alpha^{-1}I$ as patterns arrive.

Index letters: n, m pattern of one block; a, b parameter.
"""

from typing import NamedTuple

from jaxtyping import Float

from hesslib._arrays import Array, contract, eye_like, namespace, refuse_half_precision, same_floating_dtype
from hesslib._chunks import refuse_what_cannot_fit
from hesslib._options import real_number, whole_number

# contractions
INVERSE_TIMES_B = "nb,ba->na"  # sum_b b_nb X_ba
B_TIMES_THAT = "na,ma->nm"  # b_n^T X b_m
SUM_OF_SQUARES = "na,nb->ab"  # sum_n b_na b_nb
MATRIX_PRODUCT = "ab,bc->ac"


class SequentialInverse(NamedTuple):
    """An inverse, and how far to trust it.

    >>> import numpy as np
    >>> found = sequential_inverse(np.array([[1.0, 0.0]]), 1.0)
    >>> float(found.condition), float(found.residual)
    (2.0, 0.0)
    """

    value: Array  # $X$, the computed inverse of $A$, (P, P)
    condition: Array  # $\lVert A\rVert_1\lVert X\rVert_1$, the condition number in the 1-norm as far as $X$ is right
    residual: Array  # the largest entry of $|AX-I|$: about eps times the condition if no digits were lost


def sequential_inverse(b: Float[Array, "N P"], alpha: float, /, *, block: int = 1) -> SequentialInverse:
    r"""The inverse of a sum of outer products, updated as patterns come in.

    Return $X=(\alpha I+\sum_nb_nb_n^T)^{-1}$ by adding `block` patterns at a time to $X=\alpha^{-1}I$.

    ``block=1`` is the update of Sherman and Morrison, $X\leftarrow X-\frac{Xbb^TX}{1+b^TXb}$; with more patterns, the
    rows of $C$, it is Woodbury's, $X\leftarrow X-XC^T(I+CXC^T)^{-1}CX$. Exactly symmetric. A weight $c_n$ of a pattern,
    such as the $y(1-y)$ of a logistic output, goes in as $\sqrt{c_n}\,b_n$.

    The smaller $\alpha$, the less it biases the inverse of the sum, and the more digits cancel: in the first step
    $\alpha^{-1}I$ loses almost all of its size in the direction of $b$. `residual` shows what is left of accuracy.

    Parameters
    ----------
    b : the vectors, a row for each pattern.
    alpha : $\alpha$, the multiple of $I$ to begin with.
    block : how many patterns one update adds.

    Equation: sherman-morrison-matrix, woodbury.
    Shapes: `b` is (N, P); a `SequentialInverse` of (P, P) and two 0-d arrays.
    Cost: $4NP^2$ operations in N / block steps (larger blocks run faster), and one product of matrices (P, P) for the
    residual; memory: six matrices (P, P).

    Raises
    ------
    ValueError
        If `b` is not a matrix of floats, `alpha` is not positive and finite, or `block` is not at least 1.
    MemoryError
        If six matrices (P, P) are more than the memory of this machine.

    Reference: Hassibi and Stork, NeurIPS 1992; PRML 5.87 to 5.89.

    >>> import numpy as np
    >>> sequential_inverse(np.array([[1.0, 0.0], [1.0, 0.0]]), 0.5).value
    array([[0.4, 0. ],
           [0. , 2. ]])
    """
    same_floating_dtype(b=b)
    if b.ndim != 2:
        raise ValueError(f"b has shape {tuple(b.shape)}; it must be (N, P), a pattern in each row")
    refuse_half_precision(b=b)
    alpha = real_number("alpha", alpha, positive=True)
    block = whole_number("block", block, 1)
    xp = namespace(b=b)
    N, P = b.shape
    refuse_what_cannot_fit("sequential_inverse", 6 * P**2, b)
    X = eye_like(P, b) / alpha
    for start in range(0, N, block):
        C = b[start : start + block]
        CX = contract(INVERSE_TIMES_B, C, X)
        S = eye_like(C.shape[0], b) + contract(B_TIMES_THAT, CX, C)
        X = X - contract(SUM_OF_SQUARES, CX, xp.linalg.solve(S, CX))
        X = (X + X.T) / 2
    A = alpha * eye_like(P, b) + contract(SUM_OF_SQUARES, b, b)
    residual = xp.max(xp.abs(contract(MATRIX_PRODUCT, A, X) - eye_like(P, b)))
    return SequentialInverse(X, _norm_1(A) * _norm_1(X), residual)


def _norm_1(A: Float[Array, "P P"]) -> Float[Array, ""]:
    xp = namespace(A=A)
    return xp.max(xp.sum(xp.abs(A), axis=0))
