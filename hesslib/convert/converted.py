"""What a conversion returns."""

from __future__ import annotations

import math
from dataclasses import dataclass

from hesslib._arrays import Array
from hesslib.convert.convention import LossConvention
from hesslib.convert.order import ParameterOrder
from hesslib.convert.problem import NetworkProblem
from hesslib.layers import Chain
from hesslib.networks.network import Network


@dataclass(frozen=True, eq=False)
class Converted:
    """A network from elsewhere: what `from_torch` and `from_jax` return.

    Shapes: `w` is (P,), and `point` (P',), with P' below P if a layer has no biases.
    Cost: nothing is computed that was not there; `point` is one permutation of P' numbers.
    Errors: ValueError from `on` alone.

    >>> import numpy as np
    >>> from hesslib.convert import from_jax
    >>> here = from_jax([(np.array([[2.0]]), np.array([1.0]))], layout="out_in", loss="squared_error")
    >>> here.w, here.on(np.ones((1, 1)), np.ones((1, 1))).factor
    (array([2., 1.]), 1.0)
    """

    net: Network | Chain  # widths, activations and loss
    w: Array  # its parameters as one flat NumPy vector in the order of hesslib, (P,)
    order: ParameterOrder  # carries vectors and matrices to their order and back
    loss: LossConvention | None  # their convention of the loss, with its factor; None if no loss was given
    said: str = ""  # how model and network agree on the same inputs, or why that could not be tried

    @property
    def network(self) -> Network:
        """What `net` is, if it is a `Network`."""
        assert isinstance(self.net, Network)
        return self.net

    @property
    def chain(self) -> Chain:
        """What `net` is as a `Chain`."""
        return self.net if isinstance(self.net, Chain) else Chain.of(self.net)

    @property
    def point(self) -> Array:
        """The parameters in their order, (P',): the point at which `hesslib.check` checks."""
        return self.order.from_hesslib(self.w)

    def on(self, x: Array, t: Array | None = None, /) -> NetworkProblem:
        """Return their error on a batch, as `hesslib.check` takes it: their factor, their order of parameters.

        Errors: ValueError if targets are given and it is not known what their loss makes of them.
        """
        if t is not None and self.loss is None:
            raise ValueError("t is given and the loss is not known; convert with loss=...")
        if self.loss is None:
            return NetworkProblem(self.net, x, t, 1.0, self.order)
        factor = self.loss.factor(*self._divisors(x))
        return NetworkProblem(self.net, x, t, factor, self.order, str(self.loss))

    def _divisors(self, x: Array) -> tuple[int, int]:
        """How many patterns, positions counted, and outputs a mean goes over."""
        if isinstance(self.net, Network):
            return x.shape[0], self.net.widths[-1]
        *positions, K = self.net.output_shape(tuple(x.shape[1:]))
        return x.shape[0] * math.prod(positions), K
