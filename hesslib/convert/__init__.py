r"""Networks from elsewhere: architecture, weights, order of the parameters and convention of the loss, made explicit.

`from_torch` takes a module of ``torch.nn``; `from_jax` a list of ``(W, b)``, a dictionary of Flax's kind, a module of
Equinox's kind, or any function of parameters and inputs. Both return a `Converted`: a `Network` or a `Chain`, the flat
`w`, the `ParameterOrder` that carries results both ways, and the `LossConvention` with its factor. Neither PyTorch nor
JAX is imported before it is needed.
"""

from hesslib.convert.convention import LossConvention
from hesslib.convert.converted import Converted
from hesslib.convert.jax_models import from_jax
from hesslib.convert.order import ParameterOrder
from hesslib.convert.problem import NetworkProblem
from hesslib.convert.torch_models import from_torch

__all__ = ["Converted", "LossConvention", "NetworkProblem", "ParameterOrder", "from_jax", "from_torch"]
