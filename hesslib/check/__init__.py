r"""Whether a derivative is right, and if it is not, what is wrong with it.

`gradient`, `jacobian`, `hessian`, `hessian_diagonal`, `hessian_vector_product`, `gauss_newton` and `laplacian` take
what is differentiated, a point, and a claimed result, and return a `Report`. Independent referees are heard: the closed
form (for networks), automatic differentiation in two orders of composition, finite differences with their error bound,
and the complex step. A result that is wrong is held against a catalogue of mistakes, and those that explain it are
named.

What is differentiated is a function of an array, or of a dictionary, list or tuple of arrays; a ``torch.nn.Module``
with its loss and a batch; or a `Network` with its data.

>>> import numpy as np
>>> from hesslib import check
>>> x = np.array([1.0, 2.0, 3.0])
>>> assert check.gradient(lambda x: (x**3).sum(), x, 3 * x**2)
"""

from hesslib.check.checks import (
    gauss_newton,
    gradient,
    hessian,
    hessian_diagonal,
    hessian_vector_product,
    jacobian,
    laplacian,
)
from hesslib.check.diagnosis import Diagnosis
from hesslib.check.report import DerivativeError, Report

__all__ = [
    "DerivativeError",
    "Diagnosis",
    "Report",
    "gauss_newton",
    "gradient",
    "hessian",
    "hessian_diagonal",
    "hessian_vector_product",
    "jacobian",
    "laplacian",
]
