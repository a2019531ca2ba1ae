r"""What a parameter is worth: the rise of the error if it is removed, and what the others do to make up for it.

At a minimum the error rises by $\tfrac12d^THd$ for a change $d$ of the parameters. To remove $w_q$ is to ask for
$d_q=-w_q$; optimal brain damage lets nothing else move, optimal brain surgeon everything.

Index letters: q parameter.
"""

from jaxtyping import Float

from hesslib._arrays import Array, is_true, namespace, write
from hesslib._options import integer


def saliency_obd(w: Float[Array, " P"], diagonal: Float[Array, " P"], /) -> Float[Array, " P"]:
    r"""What removing each weight alone would cost, by the diagonal of the Hessian (optimal brain damage).

    Return $\tfrac12H_{qq}w_q^2$ for every $q$: the rise of the error if $w_q$ is set to 0 and nothing else moves.

    Exact for a quadratic error at its minimum. `diagonal` is that of $H$: `hessian_diagonal`, or
    `gauss_newton_diagonal`, which is never negative.

    Parameters
    ----------
    w : the weights, in one vector.
    diagonal : of the Hessian there.

    Equation: saliency-obd.
    Shapes: (P,), as both arguments.
    Cost: $O(P)$ operations and numbers.
    Errors: ValueError if the shapes differ, or the libraries.
    Reference: LeCun, Denker and Solla, NeurIPS 1989.

    >>> import numpy as np
    >>> saliency_obd(np.array([1.0, -2.0]), np.array([4.0, 2.0]))
    array([2., 4.])
    """
    namespace(w=w, diagonal=diagonal)
    if w.ndim != 1 or tuple(diagonal.shape) != tuple(w.shape):
        raise ValueError(f"diagonal has shape {tuple(diagonal.shape)}; w has {tuple(w.shape)}, both must be (P,)")
    return diagonal * w**2 / 2


def saliency_obs(w: Float[Array, " P"], inverse: Float[Array, "P P"], /) -> Float[Array, " P"]:
    r"""What removing each weight would cost if the others make up for it (optimal brain surgeon).

    Return $w_q^2/2[H^{-1}]_{qq}$: the rise of the error if $w_q$ is set to 0 and the others move to make up for it.

    Exact for a quadratic error at its minimum, and never more than $\tfrac12H_{qq}w_q^2$.

    Parameters
    ----------
    w : the weights, in one vector.
    inverse : of the Hessian there.

    Equation: saliency-obs.
    Shapes: (P,), for `w` (P,) and `inverse` (P, P), which is $H^{-1}$.
    Cost: $O(P)$ operations and numbers, once there is an inverse.

    Raises
    ------
    ValueError
        If the shapes do not fit, or an entry of the diagonal of `inverse` is not positive: then $H$ is not positive
        definite, and there is no minimum to be at.

    Reference: Hassibi and Stork, NeurIPS 1992.

    >>> import numpy as np
    >>> saliency_obs(np.array([1.0, -2.0]), np.linalg.inv(np.array([[4.0, 2.0], [2.0, 2.0]])))
    array([1., 2.])
    """
    return surgeon_rise(w, _check_inverse(w, inverse))


def surgeon_rise(w: Array, variance: Array, /) -> Array:
    """`saliency_obs` from the diagonal of the inverse, checked."""
    return w**2 / (2 * variance)


def surgeon_step(w: Float[Array, " P"], inverse: Float[Array, "P P"], q: int, /) -> Float[Array, " P"]:
    r"""Return $d=-\frac{w_q}{[H^{-1}]_{qq}}H^{-1}e_q$, the change that removes $w_q$ at the least rise of the error.

    $d_q$ is exactly $-w_q$.

    Equation: surgeon-step.
    Shapes: (P,), for `w` (P,) and `inverse` (P, P), which is $H^{-1}$.
    Cost: $O(P)$ operations and numbers.
    Errors: as for `saliency_obs`, and ValueError if `q` is no parameter.

    >>> import numpy as np
    >>> surgeon_step(np.array([1.0, -2.0]), np.linalg.inv(np.array([[4.0, 2.0], [2.0, 2.0]])), 0)
    array([-1.,  1.])
    """
    _check_inverse(w, inverse)
    return surgeon_change(w, inverse, _parameter(q, w.shape[0]))


def surgeon_change(w: Array, inverse: Array, q: int, /) -> Array:
    """`surgeon_step` of what has been checked."""
    return write(-w[q] / inverse[q, q] * inverse[:, q], slice(q, q + 1), -w[q : q + 1])


def without(inverse: Float[Array, "P P"], q: int, /) -> Float[Array, "P P"]:
    """Return $X-Xe_qe_q^TX/X_{qq}$ for $X=H^{-1}$: the inverse of $H$ without row and column q, which are exactly 0.

    Equation: inverse-without.
    Shapes: (P, P), as `inverse`.
    Cost: $2P^2$ operations, in place of the $P^3$ of a new inverse; memory: two matrices (P, P).
    Errors: ValueError if `inverse` is not a square matrix or `q` no parameter; $X_{qq}=0$ gives entries that are not
    finite.

    >>> import numpy as np
    >>> without(np.linalg.inv(np.array([[4.0, 2.0], [2.0, 2.0]])), 0)
    array([[0. , 0. ],
           [0. , 0.5]])
    """
    namespace(inverse=inverse)
    if inverse.ndim != 2 or inverse.shape[0] != inverse.shape[1]:
        raise ValueError(f"inverse has shape {tuple(inverse.shape)}; it must be a square matrix, (P, P)")
    q = _parameter(q, inverse.shape[0])
    column = inverse[:, q]
    left = inverse - column[:, None] * column[None, :] / column[q]
    zeros = namespace(inverse=inverse).zeros_like(column)
    return write(write(left, (q, slice(None)), zeros), (slice(None), q), zeros)


def _parameter(q: int, P: int) -> int:
    number = integer(q)
    if number is None or not 0 <= number < P:
        raise ValueError(f"q is {q!r}; it must be one of the {P} parameters, from 0 to {P - 1}")
    return number


def _check_inverse(w: Array, inverse: Array) -> Array:
    xp = namespace(w=w, inverse=inverse)
    if w.ndim != 1:
        raise ValueError(f"w has shape {tuple(w.shape)}; it must be (P,)")
    P = w.shape[0]
    if tuple(inverse.shape) != (P, P):
        raise ValueError(f"inverse has shape {tuple(inverse.shape)}; w has {tuple(w.shape)}, it must be ({P}, {P})")
    variance = xp.linalg.diagonal(inverse)
    if not is_true(xp.all(variance > 0)):
        q = int(xp.argmin(variance))
        raise ValueError(f"inverse has {float(variance[q]):.3g} in its diagonal, at {q}; H must be positive definite")
    return variance
