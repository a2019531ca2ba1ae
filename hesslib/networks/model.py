"""What a `Network` and a chain of layers have in common: a loss, a flat vector of parameters, a forward pass."""

from abc import ABC, abstractmethod
from typing import Any

from hesslib._arrays import Array
from hesslib.networks.losses import Loss


class Model(ABC):
    """The description of a function with parameters, and of its error."""

    loss: Loss

    @property
    @abstractmethod
    def num_parameters(self) -> int:
        """The length of `w`."""

    @abstractmethod
    def check_inputs(self, w: Array, x: Array, /) -> tuple[Array, Array]:
        """Return `w` and `x` checked and of one library."""

    @abstractmethod
    def check_batch(self, w: Array, x: Array, t: Array, /) -> tuple[Array, Array, Array]:
        """Return `w`, `x` and `t` checked and of one library, the targets of the shape of the last pre-activations."""

    @abstractmethod
    def forward_pass(self, w: Array, x: Array, /) -> Any:
        """Return the `Trace` of checked arrays."""

    @abstractmethod
    def last_pre_activations(self, w: Array, x: Array, /) -> Array:
        """Return what the loss is a function of, for checked arrays: the trace's ``a[-1]`` without the outputs."""
