r"""A layered network: its description, the layout of its flat vector $w$, and the forward pass.

$$a^{(l)}_j=\sum_iw^{(l)}_{ji}z^{(l-1)}_i+b^{(l)}_j,\qquad z^{(l)}_j=h(a^{(l)}_j),\qquad l=1,\dots,L,$$

with $z^{(0)}=x$, and $y=z^{(L)}$ by the output function that belongs to the loss.

Index letters: n pattern; j unit of layer l; i unit of layer l - 1.

Longer than one sitting: the layout of w, the description of a network and its forward pass must not drift apart.
"""

import functools
import importlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import accumulate, pairwise
from typing import Any, Literal, NamedTuple, SupportsIndex

import numpy as np
from jaxtyping import Float, Shaped

from hesslib._arrays import Array, contract, dtype_name, namespace, of_one_library, same_floating_dtype
from hesslib._options import integer
from hesslib.networks import activations, losses
from hesslib.networks.activations import Activation
from hesslib.networks.losses import Loss
from hesslib.networks.model import Model

Reduction = Literal["sum", "mean"]
Inputs = Shaped[Array, "N *D"]  # (N, D) for a `Network`; a chain of layers takes further axes, or integers

# contractions
TO_NEXT_LAYER = "ni,ji->nj"  # sum_i z_ni w_ji


@dataclass(frozen=True, init=False, repr=False)
class Network(Model):
    r"""The description of a layered network: how wide its layers are, what its units do, what its error is.

    The description of a network: widths $n_0,\dots,n_L$, an activation per hidden layer, and a loss.

    It holds no weights: those are one flat vector $w$, (P,), with $P=\sum_ln_l(n_{l-1}+1)$. It is immutable and
    hashable, and so can be a static argument under ``jax.jit``.

    Parameters
    ----------
    widths
        $n_0$ inputs, then the number of units of each layer; $n_L$ is the number of outputs.
    activation
        One for all hidden layers, or a sequence with one for each: a name out of tanh, logistic, softplus, sin, gelu
        ($a\Phi(a)$ with the exact $\Phi$), gelu_tanh (with its fit by a tanh), silu, relu, identity, or an
        `Activation`. The derivatives of relu are those almost everywhere: $h''=0$, and $h'(0)=0$ by choice; the impulse
        of $h''$ at the kink is left out, so what is computed from it is the derivative of $E$ at every $w$ for which no
        pre-activation is exactly 0.
    loss
        squared_error (identity output), binary_cross_entropy (logistic outputs) or softmax_cross_entropy.

    Equation: pre-activation, activation.
    Shapes: `w` is (P,); $W^{(l)}$ is (n_l, n_{l-1}) and $b^{(l)}$ is (n_l,), for l = 1, ..., L.
    Cost: L steps to make and to hash; slices and reshaped parts of `w` are views where the library has views.
    Errors: ValueError if `widths` is not a sequence of at least two positive integers, there are not as many
    activations as hidden layers, or a name is unknown.

    >>> net = Network((2, 3, 1))
    >>> net, net.L, net.num_parameters
    (Network((2, 3, 1), activation='tanh', loss='squared_error'), 2, 13)
    """

    widths: tuple[int, ...]
    activation: tuple[Activation, ...]  # activation[l - 1] is that of hidden layer l
    loss: Loss

    def __init__(
        self,
        widths: Iterable[SupportsIndex],
        *further: Any,
        activation: str | Activation | Sequence[str | Activation] = "tanh",
        loss: str | Loss = "squared_error",
    ) -> None:
        if further:
            given = ", ".join(map(repr, (widths, *further)))
            raise ValueError(f"widths is given as {given}; it must be one sequence: Network(({given}))")
        checked = _check_widths(widths)
        hidden = len(checked) - 2
        each = [activation] * hidden if isinstance(activation, str | Activation) else _as_list(activation)
        if len(each) != hidden:
            raise ValueError(f"activation has {len(each)} entries; the network has {hidden} hidden layers")
        if isinstance(activation, str):
            activations.resolve(activation)  # a wrong name is refused even if no hidden layer uses it
        object.__setattr__(self, "widths", checked)
        object.__setattr__(self, "activation", tuple(activations.resolve(one) for one in each))
        object.__setattr__(self, "loss", losses.resolve(loss))

    def __repr__(self) -> str:
        names = tuple(h.name for h in self.activation)
        activation = f"activation={names[0] if len(set(names)) == 1 else names!r}, " if names else ""
        return f"Network({self.widths}, {activation}loss={self.loss.name!r})"

    def chain(self) -> Any:
        """Return the network as a `hesslib.Chain` of layers, with the same vector `w` and the same loss.

        >>> Network((2, 3, 1)).chain().num_parameters
        13
        """
        chains = importlib.import_module("hesslib.layers.chain")  # on the floor above: made when it is asked for
        return chains.Chain.of(self)

    @property
    def L(self) -> int:
        """The number of layers of weights."""
        return len(self.widths) - 1

    @property
    def num_parameters(self) -> int:
        r"""$P=\sum_l n_l(n_{l-1}+1)$, the length of $w$."""
        return self._offsets[-1]

    def weight_slice(self, l: int, /) -> slice:
        """Where $W^{(l)}$ lies in $w$, row by row.

        >>> Network((2, 3, 1)).weight_slice(2)
        slice(9, 12, None)
        """
        l = self._layer(l)
        return slice(self._offsets[l - 1], self._offsets[l] - self.widths[l])

    def bias_slice(self, l: int, /) -> slice:
        """Where $b^{(l)}$ lies in $w$."""
        l = self._layer(l)
        return slice(self._offsets[l] - self.widths[l], self._offsets[l])

    def layer_slice(self, l: int, /) -> slice:
        """Where layer $l$ lies in $w$: $W^{(l)}$ and then $b^{(l)}$."""
        l = self._layer(l)
        return slice(self._offsets[l - 1], self._offsets[l])

    def _layer(self, l: int) -> int:
        """Return the number of a layer of weights, once it is one."""
        number = integer(l)
        if number is None or not 1 <= number <= self.L:
            raise ValueError(f"l is {l!r}; it must be the number of a layer, from 1 to {self.L}")
        return number

    def layers(self, w: Float[Array, "*V P"], /) -> tuple[list[Array], list[Array]]:
        r"""Return $W$ and $b$ as lists that are counted like the layers: ``W[l]`` is $W^{(l)}$, and ``W[0]`` is None.

        Shapes: leading axes of `w` stay in front: ``W[l]`` is (\*V, n_l, n_{l-1}) and ``b[l]`` is (\*V, n_l).
        Errors: ValueError if the last axis of `w` is not P long.

        >>> import numpy as np
        >>> W, b = Network((2, 1)).layers(np.array([1.0, 2.0, 3.0]))
        >>> W, b
        ([None, array([[1., 2.]])], [None, array([3.])])
        """
        xp = namespace(w=w)
        if w.shape[-1] != self.num_parameters:
            raise ValueError(f"w has {w.shape[-1]} entries; the network has {self.num_parameters} parameters")
        W: list[Array] = [None]
        b: list[Array] = [None]
        for l in range(1, self.L + 1):
            shape = (*w.shape[:-1], self.widths[l], self.widths[l - 1])
            W.append(xp.reshape(w[..., self.weight_slice(l)], shape))
            b.append(w[..., self.bias_slice(l)])
        return W, b

    def unravel(self, w: Float[Array, " P"], /) -> tuple[tuple[Array, ...], tuple[Array, ...]]:
        r"""Return the weights $(W^{(1)},\dots,W^{(L)})$ and the biases $(b^{(1)},\dots,b^{(L)})$ that `w` holds.

        Errors: ValueError if `w` is not (P,).

        >>> import numpy as np
        >>> weights, biases = Network((2, 1)).unravel(np.array([1.0, 2.0, 3.0]))
        >>> weights, biases
        ((array([[1., 2.]]),), (array([3.]),))
        """
        if w.ndim != 1:
            raise ValueError(f"w has shape {tuple(w.shape)}; it must be ({self.num_parameters},)")
        W, b = self.layers(w)
        return tuple(W[1:]), tuple(b[1:])

    def ravel(self, weights: Sequence[Array], biases: Sequence[Array], /) -> Float[Array, " P"]:
        """Return the flat vector: $W^{(1)}$ row by row, $b^{(1)}$, $W^{(2)}$, ...

        It is the order of ``jax.flatten_util.ravel_pytree([(W1, b1), ...])`` and of PyTorch's ``parameters_to_vector``
        of a stack of ``torch.nn.Linear``.

        Cost: one copy of P numbers.
        Errors: ValueError if there are not L of each, a shape is wrong, or dtypes or libraries differ.

        >>> import numpy as np
        >>> Network((2, 1)).ravel([np.array([[1.0, 2.0]])], [np.array([3.0])])
        array([1., 2., 3.])
        """
        for name, arrays in (("weights", weights), ("biases", biases)):
            if len(arrays) != self.L:
                raise ValueError(f"{name} has {len(arrays)} entries; the network has {self.L} layers")
        parts = {}
        for l in range(1, self.L + 1):
            rows, columns = self.widths[l], self.widths[l - 1]
            for name, array, shape in (
                (f"weights[{l - 1}]", weights[l - 1], (rows, columns)),
                (f"biases[{l - 1}]", biases[l - 1], (rows,)),
            ):
                parts[name] = array
                namespace(array=array)
                if tuple(array.shape) != shape:
                    raise ValueError(f"{name} has shape {tuple(array.shape)}; it must be {shape}")
        same_floating_dtype(**parts)
        arrays = of_one_library(**parts)
        xp = namespace(array=arrays[0])
        return xp.concat([xp.reshape(array, (-1,)) for array in arrays])

    def init(
        self,
        rng: np.random.Generator | int,
        /,
        *,
        method: Literal["scaled_normal", "nguyen_widrow"] = "scaled_normal",
        dtype: np.typing.DTypeLike = np.float64,
    ) -> Float[np.ndarray, " P"]:
        r"""Return random initial weights, a NumPy array.

        ``scaled_normal``: $w^{(l)}_{ji}$ normal with variance $1/n_{l-1}$, so that $a^{(l)}$ has the variance of
        $z^{(l-1)}$, where that has mean 0; biases 0.

        ``nguyen_widrow``: for inputs from -1 to 1 and sigmoid units. Every hidden unit gets a weight vector of random
        direction and length $\beta=0.7\,n_l^{1/n_{l-1}}$ and a bias uniform in $\pm\beta$, which spreads the active
        ranges of the units over the input region; outputs get weights and biases uniform in $\pm\tfrac12$.

        Cost: P random numbers.
        Errors: ValueError if `method` is neither, or `dtype` is not a floating type.
        Reference: Nguyen and Widrow, IJCNN 1990.

        >>> Network((2, 3, 1)).init(0).shape
        (13,)
        """
        rng = random_generator(rng)
        if not np.issubdtype(np.dtype(dtype), np.floating):
            raise ValueError(f"dtype is {np.dtype(dtype)}; it must be a floating type, such as float32")
        if method not in ("scaled_normal", "nguyen_widrow"):
            raise ValueError(f"method is {method!r}; it must be 'scaled_normal' or 'nguyen_widrow'")
        weights, biases = [], []
        for l, (columns, rows) in enumerate(pairwise(self.widths), start=1):
            if method == "scaled_normal":
                W, b = rng.standard_normal((rows, columns)) / np.sqrt(columns), np.zeros(rows)
            elif l < self.L:
                beta = 0.7 * rows ** (1 / columns)
                W, b = rng.uniform(-1, 1, (rows, columns)), rng.uniform(-beta, beta, rows)
                W *= beta / np.linalg.norm(W, axis=1, keepdims=True)
            else:
                W, b = rng.uniform(-0.5, 0.5, (rows, columns)), rng.uniform(-0.5, 0.5, rows)
            weights.append(W)
            biases.append(b)
        return self.ravel(weights, biases).astype(dtype)

    def check_inputs(self, w: Array, x: Array, /) -> tuple[Array, Array]:
        return check_inputs(self, w, x)

    def check_batch(self, w: Array, x: Array, t: Array, /) -> tuple[Array, Array, Array]:
        return check_batch(self, w, x, t)

    def forward_pass(self, w: Array, x: Array, /) -> "Trace":
        trace = forward_pass(self, w, x)
        return Trace(trace.a, (*trace.z[:-1], self.loss.output(trace.a[-1])))

    def last_pre_activations(self, w: Array, x: Array, /) -> Array:
        return forward_pass(self, w, x).a[-1]

    @functools.cached_property  # asked for dozens of times by every gradient
    def _offsets(self) -> tuple[int, ...]:
        return tuple(accumulate((m * (n + 1) for n, m in pairwise(self.widths)), initial=0))


class Trace(NamedTuple):
    """What every layer computed in a forward pass.

    What the forward pass computed: ``a[l]`` and ``z[l]``, each (N, n_l); ``a[0]`` is None.

    A tuple of tuples of arrays, so that JAX carries it through ``jit``.

    >>> import numpy as np
    >>> trace = forward(Network((1, 1)), np.array([2.0, 1.0]), np.array([[3.0]]))
    >>> trace.a, trace.z
    ((None, array([[7.]])), (array([[3.]]), array([[7.]])))
    """

    a: tuple[Array, ...]  # pre-activations
    z: tuple[Array, ...]  # activations, the inputs first

    @property
    def y(self) -> Float[Array, "N *K"]:
        """The outputs $y=z^{(L)}$, (N, K)."""
        return self.z[-1]


def forward(net: Model, w: Float[Array, " P"], x: Inputs, /) -> Trace:
    r"""Run a network on a batch of inputs, and keep what every layer computed.

    Compute $a^{(l)}_{nj}=\sum_iw^{(l)}_{ji}z^{(l-1)}_{ni}+b^{(l)}_j$ and $z^{(l)}_{nj}=h(a^{(l)}_{nj})$.

    It starts from $z^{(0)}=x$; $z^{(L)}$ is $y$, by the output function of the loss in place of $h$.

    Parameters
    ----------
    net, w : the network, and all its weights and biases in one vector (P,).
    x : the inputs (N, D), a row for each pattern.

    Equation: pre-activation, activation.
    Shapes: a `Trace` of ``a[l]`` and ``z[l]``, (N, n_l).
    Cost: one pass, $2NP$ operations; memory $2N\sum_ln_l$ numbers.

    Raises
    ------
    ValueError
        If `w` or `x` has the wrong shape, `x` has no rows, or they differ in dtype or array library.

    >>> import numpy as np
    >>> forward(Network((1, 1)), np.array([2.0, 1.0]), np.array([[3.0]])).y
    array([[7.]])
    """
    refuse_no_model(net)
    return net.forward_pass(*net.check_inputs(w, x))


def forward_pass(net: Network, w: Array, x: Array, /) -> Trace:
    """Run `forward` on what has been checked, without the outputs, which no derivative needs: ``z[L]`` is None."""
    W, b = net.layers(w)
    a: list[Array] = [None]
    z = [x]
    for l in range(1, net.L + 1):
        a.append(contract(TO_NEXT_LAYER, z[l - 1], W[l]) + b[l])
        z.append(net.activation[l - 1](a[l]) if l < net.L else None)
    return Trace(tuple(a), tuple(z))


def outputs(net: Model, w: Float[Array, " P"], x: Inputs, /) -> Float[Array, "N *K"]:
    """The outputs of a network on a batch of inputs.

    Return the outputs $y$: the last pre-activations through the output function that belongs to the loss.

    That is the identity for squared_error, the logistic function for binary_cross_entropy, the softmax for
    softmax_cross_entropy.

    Parameters
    ----------
    net, w : the network, and all its weights and biases in one vector (P,).
    x : the inputs (N, D), a row for each pattern.

    Equation: logistic-output, softmax-output.
    Shapes: (N, K).
    Cost: that of `forward`, in operations and in memory.
    Errors: ValueError as `forward` does.

    >>> import numpy as np
    >>> net = Network((1, 2), loss="softmax_cross_entropy")
    >>> outputs(net, np.zeros(4), np.array([[5.0]]))
    array([[0.5, 0.5]])
    """
    return forward(net, w, x).y


def error(
    net: Model,
    w: Float[Array, " P"],
    x: Inputs,
    t: Array,
    /,
    *,
    reduction: Reduction = "sum",
) -> Float[Array, ""]:
    r"""The error of a network on a batch: how far its outputs are from the targets.

    Return $E=\sum_nE_n$, or with ``reduction="mean"`` $\frac1N\sum_nE_n$.

    $E_n$ is $\tfrac12\sum_k(y_k-t_k)^2$, $-\sum_k\{t_k\ln y_k+(1-t_k)\ln(1-y_k)\}$ or $-\sum_kt_k\ln y_k$, by the loss
    of the network. Natural logarithms; no regularisation. The mean is over patterns only, never over outputs.

    Parameters
    ----------
    net, w : the network, and all its weights and biases in one vector (P,).
    x, t : inputs (N, D) and targets (N, K), a row for each pattern; for softmax_cross_entropy also (N,) class numbers.
    reduction : ``"sum"`` over the patterns, or ``"mean"``, which is that divided by N.

    Equation: error-sum, squared-error, binary-cross-entropy, softmax-cross-entropy.
    Shapes: `t` is (N, K); for softmax_cross_entropy also (N,) integer labels. Returns a 0-d array.
    Cost: one forward pass, $2NP$ operations; memory $2N\sum_ln_l$ numbers.

    Raises
    ------
    ValueError
        If shapes, dtypes or libraries disagree, a target is out of the range of the loss, or `reduction` is neither
        "sum" nor "mean".

    >>> import numpy as np
    >>> x, t = np.array([[3.0], [0.0]]), np.array([[5.0], [1.0]])
    >>> float(error(Network((1, 1)), np.array([2.0, 1.0]), x, t))
    2.0
    """
    w, x, t = check_batch_of(net, w, x, t)
    return reduce_patterns(error_of(net, w, x, t), reduction, x.shape[0])


def error_of(net: Model, w: Array, x: Array, t: Array, /) -> Float[Array, ""]:
    """`error` of a batch that `check_batch` returned, summed over its patterns."""
    a = net.last_pre_activations(w, x)
    xp, K = namespace(a=a), a.shape[-1]
    errors = net.loss.pattern_errors(xp.reshape(a, (-1, K)), xp.reshape(t, (-1, K)))  # of a chain, at every position
    return xp.sum(errors)


def reduce_patterns(total: Array, reduction: Reduction, N: int, /) -> Array:
    """Return the sum over N patterns, or the mean."""
    if reduction not in ("sum", "mean"):
        raise ValueError(f"reduction is {reduction!r}; it must be 'sum' or 'mean'")
    return total / N if reduction == "mean" else total


def check_batch(net: Network, w: Array, x: Array, t: Array, /) -> tuple[Array, Array, Array]:
    """Return `w`, `x` and `t` checked and of one library, the targets as (N, K) rows of the dtype of `w`."""
    w, x = check_inputs(net, w, x)
    w, x, t = of_one_library(w=w, x=x, t=t)
    like = namespace(x=x).broadcast_to(x[:, :1], (x.shape[0], net.widths[-1]))  # has the shape and the dtype of y
    return w, x, net.loss.targets(t, like)


def check_vectors(net: Model, w: Float[Array, " P"], v: Array, /) -> Float[Array, "V P"]:
    """Return the vector (P,), or the columns of (P, V), as rows."""
    w, v = of_one_library(w=w, v=v)
    P = net.num_parameters
    if v.ndim not in (1, 2) or v.shape[0] != P:
        raise ValueError(f"v has shape {tuple(v.shape)}; it must be ({P},) or ({P}, V)")
    if dtype_name(v) != dtype_name(w):
        raise ValueError(f"v is {dtype_name(v)} and w is {dtype_name(w)}; they must have the same dtype")
    return v[None, :] if v.ndim == 1 else namespace(v=v).permute_dims(v, (1, 0))


def _as_list(activation: Sequence[str | Activation]) -> list[str | Activation]:
    if isinstance(activation, Sequence):
        return list(activation)
    raise ValueError(
        f"activation is {activation!r}; it must be an Activation or one of {', '.join(activations.ACTIVATIONS)}, or a "
        "sequence of these, one for each hidden layer (Activation.from_expression makes one of a formula)"
    )


def _check_widths(widths: Iterable[SupportsIndex]) -> tuple[int, ...]:
    checked = tuple(integer(n) or 0 for n in widths) if isinstance(widths, Iterable) else ()
    if not isinstance(widths, Iterable) or any(integer(n) is None for n in widths):
        raise ValueError(f"widths is {widths!r}; it must be a sequence of integers")
    if len(checked) < 2:
        raise ValueError(f"widths is {checked}; it must have at least two entries, inputs and outputs")
    if min(checked) < 1:
        raise ValueError(f"widths is {checked}; every layer must have at least one unit")
    return checked


def random_generator(rng: np.random.Generator | int | None, /) -> np.random.Generator:
    """Return the generator, or one that begins at the seed."""
    try:
        return np.random.default_rng(rng)
    except (TypeError, ValueError):
        raise ValueError(f"rng is {rng!r}; it must be a numpy.random.Generator or a seed, an integer") from None


def refuse_no_network(net: Network, /) -> None:
    """Refuse what is no `Network`."""
    if not isinstance(net, Network):
        raise no_network(net)


def no_network(net: object, /) -> ValueError:
    """Return the refusal of what is none."""
    return ValueError(
        f"net is a {type(net).__name__}; it must be a Network (hesslib.convert makes one of a model of PyTorch or JAX, "
        "and hesslib.check takes any)"
    )


def check_batch_of(net: Model, w: Array, x: Array, t: Array, /) -> tuple[Array, Array, Array]:
    """`check_batch` for whatever is a model, a network or a chain of layers."""
    refuse_no_model(net)
    return net.check_batch(w, x, t)


def refuse_no_model(net: Model, /) -> None:
    """Refuse what is neither a `Network` nor a chain of layers."""
    if not isinstance(net, Model):
        raise no_network(net)


def check_inputs(net: Network, w: Array, x: Array, /) -> tuple[Array, Array]:
    """Return `w` and `x` checked and of one library."""
    refuse_no_network(net)
    same_floating_dtype(w=w, x=x)
    w, x = of_one_library(w=w, x=x)
    if w.ndim != 1:
        raise ValueError(f"w has shape {tuple(w.shape)}; it must be ({net.num_parameters},)")
    if x.ndim != 2:
        raise ValueError(f"x has shape {tuple(x.shape)}; it must be (N, {net.widths[0]}), a pattern in each row")
    if x.shape[1] != net.widths[0]:
        raise ValueError(f"x has {x.shape[1]} columns; the network takes {net.widths[0]}")
    if x.shape[0] == 0:
        raise ValueError("x has 0 rows; it must have at least one")
    return w, x
