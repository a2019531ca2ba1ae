"""What a conversion returns."""

from __future__ import annotations

from dataclasses import dataclass

from hesslib._arrays import Array
from hesslib.convert.convention import LossConvention
from hesslib.convert.order import ParameterOrder
from hesslib.convert.problem import NetworkProblem
from hesslib.network import Network


@dataclass(frozen=True, eq=False)
class Converted:
    """A network from elsewhere.

    - `net`, `w`: the `Network`, and its parameters as one flat NumPy vector in the order of hesslib;
    - `order`: carries vectors and matrices to their order and back;
    - `loss`: their convention of the loss, with its factor; None if no loss was given;
    - `point`: the parameters in their order, the point at which `hesslib.check` checks.
    """

    net: Network
    w: Array
    order: ParameterOrder
    loss: LossConvention | None

    @property
    def point(self) -> Array:
        return self.order.from_hesslib(self.w)

    def on(self, x: Array, t: Array | None = None, /) -> NetworkProblem:
        """Return their error on a batch, as `hesslib.check` takes it: their factor, their order of parameters.

        Raises ValueError if targets are given and it is not known what their loss makes of them.
        """
        if t is not None and self.loss is None:
            raise ValueError("t is given and the loss is not known; convert with loss=...")
        if self.loss is None:
            return NetworkProblem(self.net, x, t, 1.0, self.order)
        factor = self.loss.factor(x.shape[0], self.net.widths[-1])
        return NetworkProblem(self.net, x, t, factor, self.order, str(self.loss))
