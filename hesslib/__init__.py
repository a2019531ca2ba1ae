"""hesslib: closed forms for the derivatives of layered networks, and the calculus that proves them."""

from hesslib.activations import Activation
from hesslib.backprop import deltas, gradient, output_jacobian
from hesslib.network import Network, Trace, error, forward, outputs

__all__ = [
    "Activation",
    "Network",
    "Trace",
    "deltas",
    "error",
    "forward",
    "gradient",
    "output_jacobian",
    "outputs",
]

__version__ = "0.1.0"
