"""hesslib: closed forms for the derivatives of layered networks, and the calculus that proves them.

A public name is imported when it is first used: the calculus alone needs SymPy and nothing else.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from hesslib.curvature.diagonal import becker_lecun_diagonal, hessian_diagonal
    from hesslib.curvature.gauss_newton import (
        gauss_newton,
        gauss_newton_diagonal,
        outer_product,
        pattern_gradients,
    )
    from hesslib.curvature.hessian import hessian, hessian_blocks
    from hesslib.curvature.kronecker import (
        KroneckerFactors,
        kronecker_factors,
        kronecker_matrix,
        kronecker_product,
        kronecker_solve,
    )
    from hesslib.curvature.operators import gauss_newton_operator, hessian_operator, kronecker_inverse_operator
    from hesslib.curvature.roperator import gauss_newton_vector_product, hessian_vector_product
    from hesslib.curvature.sequential_inverse import sequential_inverse
    from hesslib.curvature.spectrum import spectrum
    from hesslib.derivatives import weight_jacobians
    from hesslib.derivatives.backprop import deltas, gradient, output_jacobian
    from hesslib.derivatives.input_derivatives import input_hessian, input_hessian_diagonal, input_jacobian, laplacian
    from hesslib.evidence.laplace import effective_parameters, log_evidence, log_evidences
    from hesslib.evidence.regularization import bayesian_regularization
    from hesslib.layers.chain import Chain
    from hesslib.networks.activations import Activation
    from hesslib.networks.network import Network, Trace, error, forward, outputs
    from hesslib.pruning.prune import prune
    from hesslib.pruning.saliency import saliency_obd, saliency_obs
    from hesslib.training.fit import fit
    from hesslib.training.levenberg_marquardt import levenberg_marquardt

PUBLIC = {
    "layers.chain": ["Chain"],
    "networks.activations": ["Activation"],
    "networks.network": ["Network", "Trace", "error", "forward", "outputs"],
    "derivatives": ["weight_jacobians"],
    "derivatives.backprop": ["deltas", "gradient", "output_jacobian"],
    "derivatives.input_derivatives": ["input_hessian", "input_hessian_diagonal", "input_jacobian", "laplacian"],
    "curvature.hessian": ["hessian", "hessian_blocks"],
    "curvature.diagonal": ["becker_lecun_diagonal", "hessian_diagonal"],
    "curvature.gauss_newton": ["gauss_newton", "gauss_newton_diagonal", "outer_product", "pattern_gradients"],
    "curvature.roperator": ["gauss_newton_vector_product", "hessian_vector_product"],
    "curvature.operators": ["gauss_newton_operator", "hessian_operator", "kronecker_inverse_operator"],
    "curvature.kronecker": [
        "KroneckerFactors",
        "kronecker_factors",
        "kronecker_matrix",
        "kronecker_product",
        "kronecker_solve",
    ],
    "curvature.sequential_inverse": ["sequential_inverse"],
    "curvature.spectrum": ["spectrum"],
    "training.fit": ["fit"],
    "training.levenberg_marquardt": ["levenberg_marquardt"],
    "evidence.laplace": ["effective_parameters", "log_evidence", "log_evidences"],
    "evidence.regularization": ["bayesian_regularization"],
    "pruning.prune": ["prune"],
    "pruning.saliency": ["saliency_obd", "saliency_obs"],
}
"""Where each public name is defined, by room and module."""

ROOMS = ["agreement", "book", "calculus", "check", "convert", "curvature", "data", "derivations", "derivatives"]
ROOMS += ["evidence", "finite_difference", "layers", "networks", "pruning", "reconfiguration", "training"]

_HOME = {name: module for module, names in PUBLIC.items() for name in names}

__all__ = [
    "Activation",
    "Chain",
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
    """Import a public name, or a room, when it is first used."""
    if name in _HOME:
        module = importlib.import_module(f"hesslib.{_HOME[name]}")
        value = getattr(module, name, None) or importlib.import_module(f"{module.__name__}.{name}")
        globals()[name] = value
        return value
    if name in ROOMS:
        return importlib.import_module(f"hesslib.{name}")
    raise AttributeError(f"module 'hesslib' has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__, *ROOMS})
