r"""$\log(2\cosh x)$ without overflow, for real and for complex arguments."""

from jaxtyping import Inexact

from hesslib._arrays import Array, namespace


def log_2cosh(x: Inexact[Array, "*shape"], /) -> Inexact[Array, "*shape"]:
    r"""Return $\log(2\cosh x)=sx+\log(1+e^{-2sx})$ with $s=\pm1$ the sign of $\operatorname{Re}x$.

    The exponential is never larger than 1 in modulus: nothing overflows until $|x|$ itself does, where
    $\log(e^x+e^{-x})$ is infinite from $|x|=710$ on in double precision. For complex $x$ the imaginary part is that of
    some branch of the logarithm; $e^{\log2\cosh x}=2\cosh x$ on every branch. At a zero of the cosine, $x=i\pi/2$, the
    real part is very negative, or minus infinity.

    Shapes: shape and dtype are those of `x`.
    Cost: an exponential and a logarithm for each entry; memory: a few arrays like `x`.
    Errors: ValueError if `x` is not an array.

    >>> import numpy as np
    >>> log_2cosh(np.array([0.0, 1000.0, -1000.0])) - np.array([np.log(2), 1000.0, 1000.0])
    array([0., 0., 0.])
    """
    xp = namespace(x=x)
    real = xp.real(x) if xp.isdtype(x.dtype, "complex floating") else x
    even = xp.where(real < 0, -x, x)  # the function is even
    return even + xp.log1p(xp.exp(-2 * even))


BLOCK = 100
"""Factors from 1 to 2 that are multiplied before a logarithm is taken: 2^100 is finite in single precision too."""


def sum_log_2cosh(x: Inexact[Array, "*shape M"], /) -> Inexact[Array, "*shape"]:
    r"""Return $\sum_j\log(2\cosh x_j)$ over the last axis, with one logarithm for each hundred terms.

    $\sum_js_jx_j+\log\prod_j(1+e^{-2s_jx_j})$, where no factor exceeds 2 in modulus. The logarithms are what
    `log_2cosh` spends its time on.

    Shapes: that of `x` without its last axis, in its dtype.
    Cost: an exponential for each entry; memory: a few arrays like `x`.
    Errors: ValueError if `x` is not an array.

    >>> import numpy as np
    >>> float(sum_log_2cosh(np.full(5000, 1000.0)))
    5000000.0
    """
    xp = namespace(x=x)
    real = xp.real(x) if xp.isdtype(x.dtype, "complex floating") else x
    even = xp.where(real < 0, -x, x)
    factors = 1 + xp.exp(-2 * even)
    total = xp.sum(even, axis=-1)
    for start in range(0, x.shape[-1], BLOCK):
        total = total + xp.log(xp.prod(factors[..., start : start + BLOCK], axis=-1))
    return total
