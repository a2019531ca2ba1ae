r"""The error of a network as optimisers ask for it: one forward pass at each point, and everything else from it.

$F(w)=E(w)+\tfrac\lambda2\lVert w\rVert^2$, with a weight decay $\lambda$ that is 0 unless it is given, over all
parameters or over those that are free while the others are 0. Training, evidence and pruning minimise this function.

Computed by NumPy in double precision, from arrays that are checked once, whatever the library and the dtype of `w`: an
optimiser is a loop on the host, and loses in single precision what it is looking for.

Index letters: n pattern; q output; j unit of layer l; i unit of layer l - 1.

Longer than one sitting: every quantity of one point, made of what is kept there.
"""

import math
from functools import cached_property

import numpy as np
from jaxtyping import Float

from hesslib._arrays import Array, in_library_of
from hesslib.curvature._passes import Passes
from hesslib.curvature.hessian import hessian_of
from hesslib.curvature.roperator import hessian_product
from hesslib.networks.losses import BinaryCrossEntropy, SquaredError
from hesslib.networks.network import Network, check_batch
from hesslib.training.run import Run, as_numpy


class Objective:
    r"""$F(w)$ of one batch. `error` moves to a point; the rest is of the point where it is. Counts in its run.

    Parameters
    ----------
    decay
        $\lambda$.
    free
        True for each parameter that may move, (P,); `w` then has these alone, in their order, and the others are 0.
    """

    def __init__(
        self, net: Network, run: Run, x: Array, t: Array, *, decay: float = 0.0, free: np.ndarray | None = None
    ) -> None:
        self.places = None if free is None else np.flatnonzero(free)
        wanted = net.num_parameters if self.places is None else len(self.places)
        if len(run.start) != wanted:
            raise ValueError(f"w0 has {len(run.start)} entries; the network has {wanted} parameters")
        _, x, t = check_batch(net, in_library_of(run.w0, self._whole(as_numpy(run.w0), net.num_parameters)), x, t)
        self.net = net
        self._begin(run, as_numpy(x), as_numpy(t), decay)
        self.layers = range(1, net.L + 1)
        self.shapes = {l: (net.widths[l], net.widths[l - 1]) for l in self.layers}
        self.weights = {l: net.weight_slice(l) for l in self.layers}
        self.biases = {l: net.bias_slice(l) for l in self.layers}

    def _begin(self, run: Run, x: np.ndarray, t: np.ndarray, decay: float) -> None:
        self.run, self.decay, self.x, self.t = run, float(decay), x, t
        for name, array in (("x", x), ("t", t)):
            if not np.isfinite(array).all():
                n = int(np.argmin(np.isfinite(array).reshape(len(array), -1).all(axis=1)))
                raise ValueError(f"{name} has a value in row {n} that is not finite")
        self.w: np.ndarray = np.zeros(0)  # nowhere yet; all P of them
        self.moving = self.w  # the free ones
        self.E = math.nan

    def again(self, run: Run, decay: float) -> None:
        """Go on with another run and another decay from the same data."""
        self.run, self.decay = run, float(decay)
        self.__dict__.pop("g", None)

    def error(self, w: np.ndarray, /) -> float:
        """Return F(w), inf or NaN where it overflows: one forward pass, or none if it is there already."""
        data = self._data_error(w)
        return data + self.decay * float(w @ w) / 2 if self.decay else data

    def _whole(self, w: np.ndarray, P: int) -> np.ndarray:
        if self.places is None:
            return w
        whole = np.zeros(P)
        whole[self.places] = w
        return whole

    def _data_error(self, w: np.ndarray) -> float:
        self.moving, w = w, self._whole(w, self.net.num_parameters)
        if np.array_equal(w, self.w):
            return self.E
        first = len(self.w) == 0
        for kept in ("slopes", "passes", "g"):
            self.__dict__.pop(kept, None)
        self.run.errors += 1
        self.w = w
        with np.errstate(over="ignore", invalid="ignore"):
            self.E = self._forward(w)
        if first and not math.isfinite(self.E):
            raise ValueError(f"the error at w0 is {self.E}: the network overflows there")
        return self.E

    def _forward(self, w: np.ndarray) -> float:
        """Run the forward pass, keep it, and return E."""
        self.W = {l: w[self.weights[l]].reshape(self.shapes[l]) for l in self.layers}
        self.a: list[np.ndarray] = [self.x]
        self.z = [self.x]
        for l in self.layers:
            self.a.append(self.z[-1] @ self.W[l].T + w[self.biases[l]])
            if l < self.net.L:
                self.z.append(self.net.activation[l - 1](self.a[l]))
        return float(self.net.loss.pattern_errors(self.a[-1], self.t).sum())

    @cached_property
    def slopes(self) -> list[Array]:
        """h'(a) of each hidden layer, counted by layer."""
        hidden = self.layers[:-1]
        return [None, *(self.net.activation[l - 1].first(self.a[l]) for l in hidden), None]

    @cached_property
    def passes(self) -> Passes:
        """The backward pass, and what products with the Hessian need besides."""
        L, loss = self.net.L, self.net.loss
        delta: list[Array] = [None] * (L + 1)
        s: list[Array] = [None] * (L + 1)
        slopes = self.slopes
        with np.errstate(over="ignore", invalid="ignore"):
            delta[L] = loss.delta(self.a[L], self.t)
            for l in reversed(self.layers[:-1]):
                received = delta[l + 1] @ self.W[l + 1]
                delta[l] = slopes[l] * received
                s[l] = self.net.activation[l - 1].second(self.a[l]) * received
        ones = np.ones((len(self.x), 1))
        z_1 = [np.concatenate([z, ones], axis=1) for z in self.z]
        return Passes([None, *(self.W[l] for l in self.layers)], self.a[L], list(self.z), z_1, slopes, delta, s)

    def gradient(self) -> Float[np.ndarray, " P"]:
        r"""Return $\nabla E$: one backward pass, or none if it was asked for here before."""
        return self.g

    @cached_property
    def g(self) -> Float[np.ndarray, " P"]:
        """The gradient, kept."""
        self.run.gradients += 1
        g = np.empty(self.net.num_parameters)
        with np.errstate(over="ignore", invalid="ignore"):
            for l in self.layers:
                delta = self.passes.delta[l]
                g[self.weights[l]] = (delta.T @ self.z[l - 1]).reshape(-1)
                g[self.biases[l]] = delta.sum(axis=0)
        return self._of_the_free(g) + self.decay * self.moving

    def _of_the_free(self, v: np.ndarray) -> np.ndarray:
        return v if self.places is None else v[..., self.places]

    def spread(self) -> float:
        r"""Return $\sqrt{N\sum_n\lVert\nabla E_n\rVert^2}+\lambda\lVert w\rVert$, a bound of $\lVert\nabla F\rVert$."""
        delta, z_1 = self.passes.delta, self.passes.z_1
        with np.errstate(over="ignore", invalid="ignore"):
            squares = sum(
                float(((delta[l] ** 2).sum(axis=1) * (z_1[l - 1] ** 2).sum(axis=1)).sum()) for l in self.layers
            )
        return math.sqrt(len(self.x) * squares) + self.decay * float(np.linalg.norm(self.moving))

    def product(self, v: Float[np.ndarray, " P"], /) -> Float[np.ndarray, " P"]:
        """Return Hv: two gradients, of which the passes are at hand already."""
        self.run.products += 1
        whole = self._whole(v, self.net.num_parameters)
        return self._of_the_free(hessian_product(self.net, self.passes, whole[None, :])[0]) + self.decay * v

    def hessian(self) -> Float[np.ndarray, "P P"]:
        """Return the exact Hessian."""
        self.run.matrices += 1
        H = hessian_of(self.net, self.w, self.x, self.t)
        H = H if self.places is None else H[np.ix_(self.places, self.places)]
        return H + self.decay * np.eye(len(H)) if self.decay else H

    def linearise(self) -> tuple[np.ndarray, np.ndarray, np.ndarray | None]:
        r"""Return $J$ with $J^TJ=\sum_nB_n^TM_nB_n+\lambda I$, the gradient, and the residuals for squared error.

        $B_n=\partial a^{(L)}_n/\partial w$; $J_n=M_n^{1/2}B_n$, which is $B_n$ for squared error.
        """
        self.run.matrices += 1
        J, g, r = self._of_the_data()
        if not self.decay:
            return J, g, r
        root = math.sqrt(self.decay)
        rows = np.concatenate([J, root * np.eye(J.shape[1])])
        return rows, g + self.decay * self.moving, None if r is None else np.concatenate([r, root * self.moving])

    def _of_the_data(self) -> tuple[np.ndarray, np.ndarray, np.ndarray | None]:
        B = self._of_the_free(self.output_jacobian())
        P = B.shape[2]
        a, t = self._last()
        delta = self.net.loss.delta(a, t)
        g = B.reshape(-1, P).T @ delta.reshape(-1)
        if isinstance(self.net.loss, SquaredError):
            return B.reshape(-1, P), g, delta.reshape(-1)
        if isinstance(self.net.loss, BinaryCrossEntropy):  # M is diagonal
            B *= np.sqrt(self.net.loss.M_diagonal(a))[:, :, None]
            return B.reshape(-1, P), g, None
        values, vectors = np.linalg.eigh(self.net.loss.M(a))
        root = np.sqrt(np.maximum(values, 0))[:, :, None] * vectors.transpose(0, 2, 1)
        return (root @ B).reshape(-1, P), g, None

    def _last(self) -> tuple[np.ndarray, np.ndarray]:
        """The last pre-activations and the targets, (N, K)."""
        return self.a[-1], self.t

    def output_jacobian(self) -> Float[np.ndarray, "N K P"]:
        r"""Return $B_{nqs}=\partial a^{(L)}_{nq}/\partial w_s$, layer by layer from the last: K backward passes."""
        N, K = self.a[-1].shape
        B = np.empty((N, K, self.net.num_parameters))
        G = np.broadcast_to(np.eye(K), (N, K, K))
        for l in reversed(self.layers):
            if l < self.net.L:
                G = self.slopes[l][:, None, :] * (self.W[l + 1] if l + 1 == self.net.L else G @ self.W[l + 1])
            of_weights = B[:, :, self.weights[l]].reshape(N, K, *self.shapes[l])  # a view: it splits the last axis
            np.multiply(G[:, :, :, None], self.z[l - 1][:, None, None, :], out=of_weights)
            B[:, :, self.biases[l]] = G
        return B
