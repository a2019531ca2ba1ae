r"""Derivatives from nothing but values of the function, each with a bound on its error.

`gradient`, `jacobian`, `hessian`, `hessian_diagonal` and `hessian_from_gradient` return an `Estimate`. Three methods:

| method | idea | error, relative | calls for a Hessian of p coordinates |
|---|---|---|---|
| ``"central"`` | symmetric quotients at two steps, extrapolated once | 1e-9 | $2p^2+2p+5$ |
| ``"ridders"`` | at seven steps, the best entry of Richardson's tableau | 1e-12 | $7p(p+1)+1$ |
| ``"complex_step"`` | imaginary steps in one coordinate, real ones in the other | 1e-14 | $4p(p+1)+p+8$ |

The steps are scaled to each coordinate; where the first guess is not good enough, more calls find a better one.
"""

from hesslib.finite_difference.estimate import Estimate
from hesslib.finite_difference.first import gradient, jacobian
from hesslib.finite_difference.second import hessian, hessian_diagonal, hessian_from_gradient

__all__ = ["Estimate", "gradient", "hessian", "hessian_diagonal", "hessian_from_gradient", "jacobian"]
