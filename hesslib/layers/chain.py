r"""A chain of layers: its description, the layout of its flat vector $w$, and its checks.

Longer than one sitting: the description of a chain, its parameters and what it refuses must not drift apart.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from array_api_compat import array_namespace
from jaxtyping import Float

from hesslib._arrays import Array, namespace, of_one_library, same_floating_dtype
from hesslib.layers.branches import branch_of
from hesslib.layers.dense import Dense
from hesslib.layers.elementwise import Activation
from hesslib.layers.layer import Layer, Shape
from hesslib.layers.linearised import Linearised
from hesslib.layers.passes import run
from hesslib.layers.program import Program
from hesslib.networks import losses
from hesslib.networks.losses import Loss
from hesslib.networks.model import Model
from hesslib.networks.network import Network, Trace, random_generator


@dataclass(frozen=True, init=False, repr=False)
class Chain(Model):
    r"""The description of a network of any layers: the layers one after the other, and what its error is.

    $a=f_L(\cdots f_2(f_1(x,\theta_1),\theta_2)\cdots,\theta_L)$, layers with branches among them, and a loss, which has
    the output function $y(a)$, as for a `Network`.

    It holds no weights: those are one flat vector $w$, (P,), the parameters of each layer in turn. It is immutable and
    hashable, and so can be a static argument under ``jax.jit``.

    Parameters
    ----------
    layers
        A sequence of layers of `hesslib.layers`.
    loss
        squared_error (identity output), binary_cross_entropy (logistic outputs) or softmax_cross_entropy. It goes over
        the last axis of what the layers end in; if there are positions before it, $E$ is the sum over them as well.
    tied
        Parameters that are another one, each with the name of that one, such as ``{"3.weight": "0.weight"}`` for an
        output layer with the vectors of the embedding. They have one place in `w`, and derivatives are by both uses.

    Shapes: `w` is (P,); inputs are (N, \*shape), integers before an `Embedding`; the last pre-activations are
    (N, \*positions, K).
    Cost: a step for each layer to make, and no memory to speak of; parts of `w` are views where the library has views.
    Errors: ValueError if there are no layers, or something is none, or the name of the loss or of a tied parameter is
    unknown; shapes that do not fit are refused by the name of the layer when inputs come.

    >>> from hesslib import layers
    >>> chain = Chain([layers.Dense(2, 3), layers.Activation("tanh"), layers.Dense(3, 1)])
    >>> chain.num_parameters, chain.names
    (13, ('0.weight', '0.bias', '2.weight', '2.bias'))
    >>> Chain([layers.Dense(2, 2), layers.Dense(2, 2)], tied={"1.weight": "0.weight"}).names
    ('0.weight', '0.bias', '1.bias')
    """

    layers: tuple[Layer, ...]
    loss: Loss
    tied: tuple[tuple[str, str], ...]

    def __init__(
        self,
        layers: Sequence[Layer],
        *,
        loss: str | Loss = "squared_error",
        tied: Mapping[str, str] | Sequence[tuple[str, str]] = (),
    ) -> None:
        if not isinstance(layers, Sequence) or not layers:
            raise ValueError(f"layers is {layers!r}; it must be a sequence of layers of hesslib.layers")
        object.__setattr__(self, "layers", branch_of(layers))
        object.__setattr__(self, "loss", losses.resolve(loss))
        object.__setattr__(self, "tied", tuple(sorted(dict(tied).items())))
        object.__setattr__(self, "program", Program(self.layers, self.loss, dict(self.tied)))
        object.__setattr__(self, "_hash", hash((self.layers, self.loss, self.tied)))

    program: Any = field(default=None, compare=False)  # the functions it is made of; follows from the layers

    def __hash__(self) -> int:
        return self._hash  # type: ignore[attr-defined]

    def __repr__(self) -> str:
        tied = f", tied={dict(self.tied)!r}" if self.tied else ""
        return f"Chain([{', '.join(map(repr, self.layers))}], loss={self.loss.name!r}{tied})"

    @staticmethod
    def of(net: Network, /) -> Chain:
        """Return a network as a chain, with the same vector `w` and the same loss.

        >>> Chain.of(Network((2, 3, 1))).num_parameters
        13
        """
        every: list[Layer] = []
        for l in range(1, net.L + 1):
            every.append(Dense(net.widths[l - 1], net.widths[l]))
            if l < net.L:
                every.append(Activation(net.activation[l - 1]))
        return Chain(every, loss=net.loss)

    @property
    def num_parameters(self) -> int:
        """The length of `w`."""
        return int(self.program.num_parameters)

    @property
    def names(self) -> tuple[str, ...]:
        """The names of the parameters, in the order in which they lie in `w`."""
        return tuple(self.program.slices)

    @property
    def slices(self) -> Mapping[str, slice]:
        """Where each parameter lies in `w`, row by row."""
        return dict(self.program.slices)

    @property
    def shapes(self) -> Mapping[str, Shape]:
        """The shape of each parameter."""
        return {name: self.program.shapes[name] for name in self.program.slices}

    def output_shape(self, shape: Sequence[int], /) -> Shape:
        r"""Return the shape (\*positions, K) of the last pre-activations for inputs of a shape, without the patterns.

        >>> from hesslib import layers
        >>> Chain([layers.Convolution(1, 2, 3)]).output_shape((1, 5))
        (2, 3)
        """
        return tuple(self.program.states(tuple(shape))[-1])

    def unravel(self, w: Float[Array, "*V P"], /) -> dict[str, Array]:
        """Return every parameter by its name, in its shape; leading axes of `w` stay in front.

        Errors: ValueError if the last axis of `w` is not P long.

        >>> from hesslib import layers
        >>> Chain([layers.Dense(2, 1)]).unravel(np.array([1.0, 2.0, 3.0]))
        {'0.weight': array([[1., 2.]]), '0.bias': array([3.])}
        """
        xp = namespace(w=w)
        if w.shape[-1] != self.num_parameters:
            raise ValueError(f"w has {w.shape[-1]} entries; the chain has {self.num_parameters} parameters")
        lead = tuple(w.shape[:-1])
        return {
            name: xp.reshape(w[..., where], (*lead, *self.program.shapes[name]))
            for name, where in self.program.slices.items()
        }

    def ravel(self, parameters: Mapping[str, Array], /) -> Float[Array, " P"]:
        """Return the flat vector of parameters that are given by their names.

        Cost: one copy of P numbers.
        Errors: ValueError if a name is missing or unknown, a shape is wrong, or dtypes or libraries differ.

        >>> from hesslib import layers
        >>> chain = Chain([layers.Dense(2, 1)])
        >>> chain.ravel({"0.weight": np.array([[1.0, 2.0]]), "0.bias": np.array([3.0])})
        array([1., 2., 3.])
        """
        if set(parameters) != set(self.names):
            odd = sorted(set(parameters) ^ set(self.names))
            raise ValueError(f"parameters has {', '.join(parameters)}; {', '.join(odd)} is missing, or is none")
        for name, shape in self.shapes.items():
            namespace(**{name.replace(".", "_"): parameters[name]})
            if tuple(parameters[name].shape) != shape:
                raise ValueError(f"{name} has shape {tuple(parameters[name].shape)}; it must be {shape}")
        same_floating_dtype(**parameters)
        arrays = of_one_library(**{name: parameters[name] for name in self.names})
        xp = array_namespace(arrays[0])
        return xp.concat([xp.reshape(array, (-1,)) for array in arrays])

    def init(
        self, rng: np.random.Generator | int, /, *, dtype: np.typing.DTypeLike = np.float64
    ) -> Float[np.ndarray, " P"]:
        """Return random initial weights, a NumPy array: normal, with variance one over the inputs of a unit.

        Biases are 0 and the factors of normalisations 1; vectors of embeddings have variance one over their length.

        Cost: P random numbers.
        Errors: ValueError if `dtype` is not a floating type.

        >>> from hesslib import layers
        >>> Chain([layers.Dense(2, 3)]).init(0).shape
        (9,)
        """
        rng = random_generator(rng)
        if not np.issubdtype(np.dtype(dtype), np.floating):
            raise ValueError(f"dtype is {np.dtype(dtype)}; it must be a floating type, such as float32")
        parts = [np.zeros(0)]
        for step in self.program.steps:
            for name, shape in step.layer.parameters.items():
                if f"{step.name}.{name}" in self.program.slices:
                    parts.append(np.ravel(step.layer.initial(name, shape, rng)))
        return np.concatenate(parts).astype(dtype)

    def linearise(self, w: Float[Array, " P"], x: Array, /) -> Linearised:
        """Run the chain at `w` and keep what its derivatives need: products with Jacobians and second derivatives.

        Cost: a forward pass; memory: what it computed.
        Errors: ValueError as `hesslib.outputs` does.

        >>> from hesslib import layers
        >>> here = Chain([layers.Activation("sin")]).linearise(np.zeros(0), np.zeros((1, 1)))
        >>> here.jvp(np.ones((1, 1, 1)), None)
        array([[[1.]]])
        """
        w, x = self.check_inputs(w, x)
        return Linearised(self.program, run(self.program, w, x))

    def check_inputs(self, w: Array, x: Array, /) -> tuple[Array, Array]:
        """Return `w` and `x` checked and of one library."""
        embedding = self.program.embedding
        if embedding is None:
            same_floating_dtype(w=w, x=x)
        else:
            same_floating_dtype(w=w)
            namespace(w=w, x=x)
        w, x = of_one_library(w=w, x=x)
        if w.ndim != 1 or w.shape[0] != self.num_parameters:
            raise ValueError(f"w has shape {tuple(w.shape)}; it must be ({self.num_parameters},)")
        if x.ndim < 2 or x.shape[0] == 0:
            raise ValueError(f"x has shape {tuple(x.shape)}; it must be (N, ...), a pattern in each row, N at least 1")
        if embedding is not None:
            embedding.check_tokens(x)
        states = self.program.states(tuple(x.shape[1:]))
        if not states[-1]:
            raise ValueError("the layers end in one number for each pattern; they must end in an axis of outputs")
        return w, x

    def check_batch(self, w: Array, x: Array, t: Array, /) -> tuple[Array, Array, Array]:
        """Return `w`, `x` and `t` checked and of one library, the targets of the shape of the last pre-activations."""
        w, x = self.check_inputs(w, x)
        w, x, t = of_one_library(w=w, x=x, t=t)
        out = (x.shape[0], *self.output_shape(tuple(x.shape[1:])))
        xp = array_namespace(w)
        if tuple(t.shape) not in (out, out[:-1]):
            what = self.loss._target_shapes(*out) if len(out) == 2 else f"{out}, or {out[:-1]} for class numbers"
            raise ValueError(f"t has shape {tuple(t.shape)}; {self.loss.name} takes {what}")
        like = xp.broadcast_to(xp.sum(w[:1]) * 0, (int(np.prod(out[:-1])), out[-1])) if w.shape[0] else _like(x, out)
        found = self.loss.targets(xp.reshape(t, (like.shape[0], *t.shape[len(out) - 1 :])), like)
        return w, x, xp.reshape(found, out)

    def forward_pass(self, w: Array, x: Array, /) -> Trace:
        """Run `hesslib.forward`: ``z`` has every state and then the outputs, ``a`` the last pre-activations."""
        here = run(self.program, w, x, order=0)
        a, xp = here.a, array_namespace(here.a)
        y = xp.reshape(self.loss.output(xp.reshape(a, (-1, a.shape[-1]))), a.shape)
        nothing = (None,) * (len(here.states) - 1)
        return Trace((*nothing, a), (*here.states[:-1], y))

    def last_pre_activations(self, w: Array, x: Array, /) -> Array:
        """Return the trace's ``a[-1]``, without the outputs."""
        return run(self.program, w, x, order=0).a


def _like(x: Array, out: Shape) -> Array:
    """An array of the shape of the rows of outputs, in the dtype of `x`."""
    xp = array_namespace(x)
    return xp.broadcast_to(xp.sum(x) * 0, (int(np.prod(out[:-1])), out[-1]))
