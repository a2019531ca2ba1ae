r"""The error of one pattern and its first two derivatives with respect to the last pre-activations.

Each loss belongs to an output function $y(a)$, where $a$ stands for $a^{(L)}$:

| loss | $y$ | $E_n$ | $\delta^{(L)}$ | $M$ |
|---|---|---|---|---|
| squared error | $a$ | $\tfrac12\sum_k(y_k-t_k)^2$ | $y-t$ | $I$ |
| binary cross-entropy | $\sigma(a)$ | $-\sum_k\{t_k\ln y_k+(1-t_k)\ln(1-y_k)\}$ | $y-t$ | diag $y(1-y)$ |
| softmax cross-entropy | softmax$(a)$ | $-\sum_kt_k\ln y_k$ | $y-t$ | diag $y-yy^T$ |

Since $\delta^{(L)}=y-t$, $M$ is the Jacobian of the outputs as well, $\partial y/\partial a$; `output_derivative` gives
its products with vectors and those of the second and third derivatives of $y(a)$.

Other names are refused. A loss of one's own is a subclass of `Loss`, with an output function for which
$\delta^{(L)}=y-t$. What is often asked of these three needs no other: label smoothing is a target,
$(1-\varepsilon)t+\varepsilon/K$; patterns that are not to count (``ignore_index``) are rows to leave out; and as $E$ is
a sum over patterns, weights of patterns or classes (``weight``, ``pos_weight``) are those of a sum,
``2 * hessian(net, w, x[rare], t[rare]) + hessian(net, w, x[~rare], t[~rare])``, and so for every other quantity.

All are computed from $a$, never from $\ln y$, and from what is small, never from its difference to 1: they are right to
a few roundings, relative to their own size, at any logit.

Index letters: n pattern; k output unit.

Longer than one sitting: one class for each loss, and nothing besides.
"""

import math
from abc import ABC, abstractmethod
from dataclasses import dataclass
from functools import cached_property
from typing import ClassVar

import numpy as np
from array_api_compat import array_namespace, is_jax_array
from jaxtyping import Float

from hesslib._arrays import Array, Namespace, contract, dtype_name, eye_like, integers_like, is_true, of_one_library
from hesslib.networks.activations import logistic, logistic_1, logistic_2, logistic_3, softplus

__all__ = ["LOSSES", "BinaryCrossEntropy", "Loss", "SoftmaxCrossEntropy", "SquaredError"]

FARTHEST = 2.0**14  # logits farther below the largest have the output 0 in every dtype

# contractions
OUTPUTS_OF_PATTERN = "nk,nk->n"  # sum_k u_nk v_nk


@dataclass(frozen=True)
class Loss(ABC):
    r"""The error $E_n$ of one pattern, with what derivatives need of it as functions of $a=a^{(L)}$.

    Its output function $y(a)$, $\delta^{(L)}=\partial E_n/\partial a$, which is $y-t$ for all three, and
    $M=\partial^2E_n/\partial a\,\partial a$, which is then the Jacobian of $y$ as well. All are computed from $a$, and
    right to a few roundings relative to their own size, at any logit, however far apart.

    Equation: error-signal-definition, loss-curvature-definition.
    Shapes: `a` is (N, K); `t` is what `targets` returned, (N, K) with the dtype of `a`.
    Cost: $O(NK)$ operations and numbers; `M` has $NK^2$ entries.
    Errors: ValueError from `targets` alone; the other methods take what it returned.

    >>> import numpy as np
    >>> LOSSES["binary_cross_entropy"].M(np.array([[0.0]]))
    array([[[0.25]]])
    """

    name: ClassVar[str]

    def targets(self, t: Array, a: Float[Array, "N K"], /) -> Float[Array, "N K"]:
        """Return the targets checked, as one row of K numbers for each pattern, with the dtype of `a`.

        Integers and booleans are taken as the numbers they are; any other dtype must be that of `a`. Under ``jit`` and
        ``vmap`` the values are not known and only shape and dtype are checked.

        Errors: ValueError if `t` has another shape, dtype or library, or a value out of the range of the loss.
        """
        t = _in_library_of(a, t)
        if tuple(t.shape) != tuple(a.shape):
            raise ValueError(f"t has shape {tuple(t.shape)}; {self.name} takes {self._target_shapes(*a.shape)}")
        t = _as_dtype_of(a, t)
        self._check(array_namespace(a), t)
        return t

    def _target_shapes(self, N: int, K: int) -> str:
        return f"{(N, K)}"

    @abstractmethod
    def _check(self, xp: Namespace, t: Float[Array, "N K"]) -> None:
        """Raise ValueError if a value of `t` is out of range."""

    @abstractmethod
    def output(self, a: Float[Array, "N K"], /) -> Float[Array, "N K"]:
        """Return $y(a)$, (N, K)."""

    @abstractmethod
    def pattern_errors(self, a: Float[Array, "N K"], t: Float[Array, "N K"], /) -> Float[Array, " N"]:
        """Return $E_n$ for each pattern, (N,)."""

    @abstractmethod
    def delta(self, a: Float[Array, "N K"], t: Float[Array, "N K"], /) -> Float[Array, "N K"]:
        r"""Return $\delta^{(L)}=\partial E_n/\partial a=y-t$, (N, K)."""

    @abstractmethod
    def M(self, a: Float[Array, "N K"], /) -> Float[Array, "N K K"]:
        r"""Return $M=\partial^2E_n/\partial a\,\partial a$, (N, K, K)."""

    @abstractmethod
    def M_diagonal(self, a: Float[Array, "N K"], /) -> Float[Array, "N K"]:
        """Return the diagonal of $M$, (N, K)."""

    @abstractmethod
    def M_times(self, a: Float[Array, "N K"], v: Float[Array, "*V N K"], /) -> Float[Array, "*V N K"]:
        """Return $Mv$ for one vector per pattern, or for several along leading axes, without forming $M$."""

    @abstractmethod
    def output_derivative(self, a: Float[Array, "N K"], /, *directions: Array) -> Array:
        r"""Return $D^my[v_1,\dots,v_m]$, the derivative of $y(a)$ along one, two or three directions in turn.

        $D^my[v_1,\dots]_k=\sum_{q,r,\dots}(\partial^my_k/\partial a_q\partial a_r\cdots)\,v_{1q}v_{2r}\cdots$.
        The directions are (N, K), or have further axes in front; they are broadcast against each other and `a`.
        """


@dataclass(frozen=True)
class SquaredError(Loss):
    r"""$E_n=\tfrac12\sum_k(y_k-t_k)^2$ with $y=a$, $\delta^{(L)}=y-t$ and $M=I$.

    Equation: squared-error, delta-squared-error, m-squared-error.
    Shapes: targets are (N, K).
    Cost: as for every `Loss`.
    Errors: ValueError for targets that are not finite.

    >>> import numpy as np
    >>> SquaredError().pattern_errors(np.array([[3.0, 1.0]]), np.array([[1.0, 1.0]]))
    array([2.])
    """

    name: ClassVar[str] = "squared_error"

    def _check(self, xp: Namespace, t: Array) -> None:
        _require(xp, xp.isfinite(t), t, f"{self.name} takes finite targets")

    def output(self, a: Array, /) -> Array:
        return a

    def pattern_errors(self, a: Array, t: Array, /) -> Array:
        return contract(OUTPUTS_OF_PATTERN, a - t, a - t) / 2

    def delta(self, a: Array, t: Array, /) -> Array:
        return a - t

    def M(self, a: Array, /) -> Array:
        return _diagonal_matrices(self.M_diagonal(a))

    def M_diagonal(self, a: Array, /) -> Array:
        return array_namespace(a).ones_like(a)

    def M_times(self, a: Array, v: Array, /) -> Array:
        return v

    def output_derivative(self, a: Array, /, *directions: Array) -> Array:
        zero = array_namespace(a).zeros_like(a)  # gives every result the axes of a
        first, *others = directions
        return zero * math.prod(others, start=first) if others else zero + first  # y = a is linear


@dataclass(frozen=True)
class BinaryCrossEntropy(Loss):
    r"""$E_n=-\sum_k\{t_k\ln y_k+(1-t_k)\ln(1-y_k)\}$ with $y=\sigma(a)$.

    $\delta^{(L)}=y-t$ and $M=\operatorname{diag}y(1-y)$.

    Equation: logistic-output, binary-cross-entropy, delta-binary, m-binary.
    Shapes: targets are (N, K).
    Cost: as for every `Loss`.
    Errors: ValueError for targets that are not from 0 to 1.

    >>> import numpy as np
    >>> BinaryCrossEntropy().pattern_errors(np.array([[1e4]]), np.array([[0.0]]))
    array([10000.])
    """

    name: ClassVar[str] = "binary_cross_entropy"

    def _check(self, xp: Namespace, t: Array) -> None:
        _require(xp, (t >= 0) & (t <= 1), t, f"{self.name} takes targets from 0 to 1")

    def output(self, a: Array, /) -> Array:
        return logistic(array_namespace(a), a)

    def pattern_errors(self, a: Array, t: Array, /) -> Array:
        xp = array_namespace(a)
        return xp.sum(t * softplus(xp, -a) + (1 - t) * softplus(xp, a), axis=1)

    def delta(self, a: Array, t: Array, /) -> Array:
        xp = array_namespace(a)
        return (1 - t) * logistic(xp, a) - t * logistic(xp, -a)  # y - t, without cancellation where y is near t = 1

    def M(self, a: Array, /) -> Array:
        return _diagonal_matrices(self.M_diagonal(a))

    def M_diagonal(self, a: Array, /) -> Array:
        return logistic_1(array_namespace(a), a)

    def M_times(self, a: Array, v: Array, /) -> Array:
        return self.M_diagonal(a) * v

    def output_derivative(self, a: Array, /, *directions: Array) -> Array:
        of_order = (logistic_1, logistic_2, logistic_3)[len(directions) - 1]
        return math.prod(directions, start=of_order(array_namespace(a), a))


@dataclass(frozen=True)
class SoftmaxCrossEntropy(Loss):
    r"""$E_n=-\sum_kt_k\ln y_k$ with $y_k=e^{a_k}/\sum_{k'}e^{a_{k'}}$.

    $\delta^{(L)}=y-t$ and $M=\operatorname{diag}y-yy^T$.

    Equation: softmax-output, softmax-cross-entropy, delta-softmax, m-softmax.
    Shapes: targets are rows of K probabilities that sum to one (one-hot rows among them), (N, K), or the number of the
    right output for each pattern: integers from 0 to K - 1, (N,).
    Cost: as for every `Loss`.
    Errors: ValueError for probabilities that are negative or do not sum to one, to rounding, and for labels out of
    range.

    >>> import numpy as np
    >>> SoftmaxCrossEntropy().pattern_errors(np.array([[0.0, 1e4]]), np.array([[1.0, 0.0]]))
    array([10000.])
    """

    name: ClassVar[str] = "softmax_cross_entropy"

    def targets(self, t: Array, a: Float[Array, "N K"], /) -> Float[Array, "N K"]:
        t, xp = _in_library_of(a, t), array_namespace(a)
        N, K = a.shape
        if tuple(t.shape) != (N,) or not _is_integer(t):
            return super().targets(t, a)
        if dtype_name(t) not in ("int32", "int64"):  # the only integers with which every library takes rows
            t = xp.astype(t, xp.int32 if is_jax_array(t) else xp.int64)
        wanted = f"{self.name} takes labels from 0 to {K - 1}; leave out the rows of patterns that are not to count"
        _require(xp, (t >= 0) & (t < K), t, wanted)
        return xp.take(eye_like(K, a), t, axis=0)

    def _target_shapes(self, N: int, K: int) -> str:
        return f"probabilities of shape {(N, K)} or integer labels of shape {(N,)}"

    def _check(self, xp: Namespace, t: Array) -> None:
        _require(xp, t >= 0, t, f"{self.name} takes probabilities")
        total = xp.sum(t, axis=1)
        rounding = 8 * t.shape[1] * xp.finfo(t.dtype).eps  # of K quotients and their sum
        _require(xp, abs(total - 1) <= rounding, total, f"{self.name} takes rows that sum to one", "the sum")

    def output(self, a: Array, /) -> Array:
        return _Softmax(a).y

    def pattern_errors(self, a: Array, t: Array, /) -> Array:
        xp, softmax = array_namespace(a), _Softmax(a)
        log_of_sum = xp.log1p(softmax.r)[:, 0]  # of e^(a_k - a_k*), at least 0, as are the two terms
        return log_of_sum * xp.sum(t, axis=1) - 2 * contract(OUTPUTS_OF_PATTERN, t, softmax.half)

    def delta(self, a: Array, t: Array, /) -> Array:
        softmax = _Softmax(a)
        return softmax.y * (1 - t) - t * softmax.rest  # y - t, without cancellation where y is near t = 1

    def M(self, a: Array, /) -> Array:
        softmax = _Softmax(a)
        off = -softmax.y[:, :, None] * softmax.y[:, None, :]
        unit = eye_like(a.shape[1], a)
        return off * (1 - unit) + (softmax.y * softmax.rest)[:, :, None] * unit

    def M_diagonal(self, a: Array, /) -> Array:
        softmax = _Softmax(a)
        return softmax.y * softmax.rest

    def M_times(self, a: Array, v: Array, /) -> Array:
        softmax = _Softmax(a)
        return softmax.y * softmax.less_mean(v)

    def output_derivative(self, a: Array, /, *directions: Array) -> Array:
        r"""Return $y_k$ times the cumulants: $v$, $uv$ and $uvs$ less means under $y$, for directions less theirs."""
        softmax, xp = _Softmax(a), array_namespace(a)
        y = softmax.y

        def mean(v: Array) -> Array:
            return xp.sum(y * v, axis=-1, keepdims=True)

        u, *others = (softmax.less_mean(v) for v in directions)
        if not others:
            return y * u
        v, *others = others
        if not others:
            return y * (u * v - mean(u * v))
        (s,) = others
        return y * (u * v * s - mean(u * v * s) - mean(u * v) * s - mean(u * s) * v - mean(v * s) * u)


LOSSES: dict[str, Loss] = {loss.name: loss for loss in (SquaredError(), BinaryCrossEntropy(), SoftmaxCrossEntropy())}
"""The losses, by their names."""


SUMS = "; of weighted patterns or classes take the weighted sum of what each group of rows gives"
ELSEWHERE: dict[tuple[str, ...], str] = {
    ("mse", "mean_squared_error", "l2", "least_squares"): (
        "; E is half of the sum of squares, so the mean of N squares is squared_error times 2 / N"
    ),
    ("bce", "bce_with_logits", "binary", "log_loss", "logistic"): f"; it is binary_cross_entropy{SUMS}",
    ("cross_entropy", "ce", "nll", "categorical_cross_entropy", "sparse_categorical_cross_entropy", "softmax"): (
        f"; it is softmax_cross_entropy{SUMS}, and for label smoothing give the smoothed probabilities as t"
    ),
    ("huber", "smooth_l1", "l1", "mae", "absolute_error", "hinge", "focal", "poisson", "kl_div"): (
        "; others have no closed forms here: hesslib.check takes any function, levenberg_marquardt weighted residuals"
    ),
}
"""What other names of losses mean, or what to do instead."""


def resolve(loss: str | Loss, /) -> Loss:
    """Return the loss that a name stands for, or the loss itself."""
    if isinstance(loss, Loss):
        return loss
    if not isinstance(loss, str) or loss not in LOSSES:
        hint = next((words for names, words in ELSEWHERE.items() if loss in names), "")
        raise ValueError(f"loss is {loss!r}; it must be one of {', '.join(LOSSES)}{hint}")
    return LOSSES[loss]


class _Softmax:
    r"""The softmax of each row, with the digits of what is small.

    All is referred to one largest logit of the row, $a_{k^*}$. The others' $e_k=e^{a_k-a_{k^*}}$ are at most 1, their
    sum $r$ is what the largest output lacks, $1-y_{k^*}=r/(1+r)$, and never comes from a difference. A logit so far
    below that the difference overflows has the output 0.
    """

    def __init__(self, a: Float[Array, "N K"]) -> None:
        xp = array_namespace(a)
        places = integers_like(np.arange(a.shape[1]), a)
        self.xp, self.top = xp, places == xp.argmax(a, axis=1, keepdims=True)
        self.half = a / 2 - self._at_top(a) / 2  # of the distance from the largest: the whole may overflow
        self.e = xp.where(self.top, xp.zeros_like(a), xp.exp(2 * xp.maximum(self.half, self.half * 0 - FARTHEST)))
        self.r = xp.sum(self.e, axis=1, keepdims=True)

    def _at_top(self, v: Array) -> Array:
        """The entry of each row where the logit is largest: chosen, not computed, so that it can be differentiated."""
        return self.xp.sum(self.xp.where(self.top, v, self.xp.zeros_like(v)), axis=-1, keepdims=True)

    @cached_property
    def y(self) -> Float[Array, "N K"]:
        return self.xp.where(self.top, self.xp.ones_like(self.e), self.e) / (1 + self.r)

    @cached_property
    def rest(self) -> Float[Array, "N K"]:
        """1 - y: for the largest output from the others, for these, which are at most 1/2, as it is written."""
        return self.xp.where(self.top, self.r / (1 + self.r), 1 - self.y)

    def less_mean(self, v: Array) -> Array:
        """Take off the mean under y: first the entry of the largest output, since only differences from it count."""
        u = v - self._at_top(v)
        return u - self.xp.sum(self.y * u, axis=-1, keepdims=True)


def _diagonal_matrices(d: Float[Array, "N K"]) -> Float[Array, "N K K"]:
    return d[:, :, None] * eye_like(d.shape[1], d)


def _is_integer(t: Array) -> bool:
    return array_namespace(t).isdtype(t.dtype, "integral")


def _in_library_of(a: Array, t: Array) -> Array:
    if is_jax_array(t) and not is_jax_array(a):  # `error` and `gradient` have seen to it
        raise ValueError("t is a JAX array and a is not; they must come from one library")
    return of_one_library(t=t, a=a)[0]


def _as_dtype_of(a: Array, t: Array) -> Array:
    xp = array_namespace(t)
    if xp.isdtype(t.dtype, ("integral", "bool")):
        return xp.astype(t, a.dtype)
    if dtype_name(t) != dtype_name(a):
        raise ValueError(f"t is {dtype_name(t)} and w is {dtype_name(a)}; they must have the same dtype")
    return t


def _require(xp: Namespace, ok: Array, values: Array, requirement: str, what: str = "") -> None:
    """Raise ValueError that names the first value which is not ok."""
    if is_true(xp.all(ok)):
        return
    first = int(xp.argmax(xp.astype(xp.reshape(~ok, (-1,)), xp.int8)))
    row = first // math.prod(values.shape[1:])
    flat = xp.reshape(values, (-1,))
    there = integers_like(np.arange(flat.shape[0]) == first, flat)
    value = float(xp.sum(xp.where(there, flat, xp.zeros_like(flat))))  # an index would reach for one device of many
    raise ValueError(f"t has {what or 'the value'} {value:g} in row {row}; {requirement}")
