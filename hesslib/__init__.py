"""hesslib: closed forms for the derivatives of layered networks, and the calculus that proves them."""

import importlib

from hesslib import weight_jacobians
from hesslib.activations import Activation
from hesslib.backprop import deltas, gradient, output_jacobian
from hesslib.curvature import spectrum
from hesslib.diagonal import becker_lecun_diagonal, hessian_diagonal
from hesslib.evidence import effective_parameters, log_evidence, log_evidences
from hesslib.fit import fit
from hesslib.gauss_newton import gauss_newton, gauss_newton_diagonal, outer_product, pattern_gradients
from hesslib.hessian import hessian, hessian_blocks
from hesslib.input_derivatives import input_hessian, input_hessian_diagonal, input_jacobian, laplacian
from hesslib.inverse import sequential_inverse
from hesslib.kronecker import KroneckerFactors, kronecker_factors, kronecker_matrix, kronecker_product, kronecker_solve
from hesslib.levenberg_marquardt import levenberg_marquardt
from hesslib.network import Network, Trace, error, forward, outputs
from hesslib.operators import gauss_newton_operator, hessian_operator, kronecker_inverse_operator
from hesslib.pruning import prune
from hesslib.regularization import bayesian_regularization
from hesslib.roperator import gauss_newton_vector_product, hessian_vector_product
from hesslib.saliency import saliency_obd, saliency_obs

__all__ = [
    "Activation",
    "KroneckerFactors",
    "Network",
    "Trace",
    "bayesian_regularization",
    "becker_lecun_diagonal",
    "deltas",
    "effective_parameters",
    "error",
    "fit",
    "forward",
    "gauss_newton",
    "gauss_newton_diagonal",
    "gauss_newton_operator",
    "gauss_newton_vector_product",
    "gradient",
    "hessian",
    "hessian_blocks",
    "hessian_diagonal",
    "hessian_operator",
    "hessian_vector_product",
    "input_hessian",
    "input_hessian_diagonal",
    "input_jacobian",
    "kronecker_factors",
    "kronecker_inverse_operator",
    "kronecker_matrix",
    "kronecker_product",
    "kronecker_solve",
    "laplacian",
    "levenberg_marquardt",
    "log_evidence",
    "log_evidences",
    "outer_product",
    "output_jacobian",
    "outputs",
    "pattern_gradients",
    "prune",
    "saliency_obd",
    "saliency_obs",
    "sequential_inverse",
    "spectrum",
    "weight_jacobians",
]

__version__ = "0.1.0"


def __getattr__(name: str) -> object:
    """Import `hesslib.check` and `hesslib.convert` when they are first used: `import hesslib` stays fast."""
    if name in ("check", "convert"):
        return importlib.import_module(f"hesslib.{name}")
    raise AttributeError(f"module 'hesslib' has no attribute {name!r}")
