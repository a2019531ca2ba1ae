r"""A restricted Boltzmann machine as the wave function of a chain of N spins $\sigma_i=\pm1$.

$$\psi(\sigma)=\sum_{h_j=\pm1}e^{\sum_ia_i\sigma_i+\sum_jh_j\theta_j}
=e^{\sum_ia_i\sigma_i}\prod_j2\cosh\theta_j,\qquad\theta_j=b_j+\sum_iW_{ji}\sigma_i$$

Index letters: n state; i site; j hidden unit; f filter; t translation.
"""

import operator
from dataclasses import dataclass
from typing import SupportsIndex

import numpy as np
from jaxtyping import Inexact

from hesslib._arrays import Array, contract, dtype_name, integers_like, is_true, namespace
from hesslib.reconfiguration.log_cosh import sum_log_2cosh

# contractions
THETA = "ni,ji->nj"  # sum_i sigma_ni W_ji
VISIBLE = "ni,i->n"  # sum_i sigma_ni a_i
PRODUCT = "nj,ni->nji"  # tanh(theta_nj) sigma_ni
OVER_TRANSLATIONS = "nft,nti->nfi"  # sum_t tanh(theta_nft) sigma_n,i+t


@dataclass(frozen=True)
class RestrictedBoltzmann:
    r"""The description of a machine: N sites and $M=\alpha N$ hidden units; it holds no parameters.

    $\psi(\sigma)=e^{\sum_ia_i\sigma_i}\prod_j2\cosh\theta_j$ with $\theta_j=b_j+\sum_iW_{ji}\sigma_i$ and
    $\sigma_i=\pm1$. The flat vector `w` is $a$, then $b$, then $W$ row by row. Real parameters make $\psi$ positive;
    for signs and phases they must be complex, and $\psi$ is then holomorphic in them.

    Parameters
    ----------
    N
        The number of spins.
    density
        $\alpha=M/N$, the number of hidden units for each spin.
    symmetric
        Whether $\psi$ is the same for a state and its translations along the ring. Then the hidden units are $\alpha$
        filters in all N positions, $\theta_{ft}=b_f+\sum_iW_{fi}\sigma_{i+t}$, all $a_i$ are one number, and there are
        $1+\alpha+\alpha N$ parameters in place of $N+M+NM$.

    Equation: rbm.
    Shapes: `w` is (P,).
    Cost: none to make; `unravel` of a symmetric machine writes out (M, N) numbers.
    Errors: ValueError if `N` or `density` is not an integer, or too small.
    Reference: Carleo and Troyer, Science 355, 602 (2017), Appendices C and E.

    >>> RestrictedBoltzmann(8, 2).num_parameters, RestrictedBoltzmann(8, 2, symmetric=False).num_parameters
    (19, 152)
    """

    N: int
    density: int
    symmetric: bool = True

    def __post_init__(self) -> None:
        for name, least in (("N", 2), ("density", 1)):
            object.__setattr__(self, name, _at_least(name, getattr(self, name), least))

    @property
    def num_parameters(self) -> int:
        """P, the length of `w`."""
        visible, hidden = self._visible, self._hidden
        return visible + hidden + hidden * self.N

    @property
    def _visible(self) -> int:
        return 1 if self.symmetric else self.N

    @property
    def _hidden(self) -> int:
        """The rows of W that are parameters."""
        return self.density if self.symmetric else self.density * self.N

    def name_of(self, k: int, /) -> str:
        """What parameter k is called: ``a[0]``, ``b[1]``, ``W[1, 3]``; k counts from 0."""
        if k < self._visible:
            return f"a[{k}]"
        k -= self._visible
        if k < self._hidden:
            return f"b[{k}]"
        return f"W[{(k - self._hidden) // self.N}, {(k - self._hidden) % self.N}]"

    def init(
        self, rng: np.random.Generator | int, /, *, scale: float = 0.05, dtype: np.typing.DTypeLike = np.float64
    ) -> Inexact[np.ndarray, " P"]:
        """Return independent normal parameters of standard deviation `scale` (for complex: of both parts)."""
        rng = np.random.default_rng(rng)
        w = scale * rng.standard_normal(self.num_parameters)
        if np.dtype(dtype).kind == "c":
            w = w + 1j * scale * rng.standard_normal(self.num_parameters)
        return w.astype(dtype)

    def unravel(self, w: Inexact[Array, " P"], /) -> tuple[Array, Array, Array]:
        r"""Return $a$ (N,), $b$ (M,) and $W$ (M, N) of all units, the tied parameters written out."""
        xp = namespace(w=w)
        visible, hidden = self._visible, self._hidden
        a, b, W = w[:visible], w[visible : visible + hidden], xp.reshape(w[visible + hidden :], (hidden, self.N))
        if not self.symmetric:
            return a, b, W
        rolled = xp.take(W, integers_like(_roll(self.N, -1), w), axis=1)  # W_f,i-t at (f, t N + i)
        ones = xp.ones_like(W[0, :])
        return a * ones, xp.reshape(b[:, None] * ones, (-1,)), xp.reshape(rolled, (-1, self.N))


def log_psi(machine: RestrictedBoltzmann, w: Inexact[Array, " P"], states: Array, /) -> Inexact[Array, " n"]:
    r"""Return $\log\psi(\sigma)=\sum_ia_i\sigma_i+\sum_j\log2\cosh\theta_j$ for each row $\sigma$ of `states`.

    $\theta_j=b_j+\sum_iW_{ji}\sigma_i$; `states` holds +1 and -1 in any dtype.

    Equation: rbm.
    Shapes: (n,), of the dtype of `w`, for `w` (P,) and `states` (n, N).
    Cost: $2nMN$ operations; memory: a few arrays (n, M).

    Raises
    ------
    ValueError
        If a shape is wrong, `w` is not floating, or an entry of `states` is neither 1 nor -1.

    >>> import numpy as np
    >>> log_psi(RestrictedBoltzmann(2, 1), np.zeros(4), np.array([[1, -1]])) / np.log(2)
    array([2.])
    """
    w, states = check_states(machine, w, states)
    return log_psi_of(machine.unravel(w), states)


def log_derivatives(machine: RestrictedBoltzmann, w: Inexact[Array, " P"], states: Array, /) -> Inexact[Array, "n P"]:
    r"""Return $O_{nk}=\partial\log\psi(\sigma_n)/\partial w_k$.

    $O_{a_i}=\sigma_i$, $O_{b_j}=\tanh\theta_j$ and $O_{W_{ji}}=\tanh\theta_j\,\sigma_i$, summed over the translations
    for a symmetric machine.

    Equation: rbm-slopes.
    Shapes: (n, P), of the dtype of `w`, for `w` (P,) and `states` (n, N).
    Cost: $2nMN$ operations, and as many again to sum over the translations of a symmetric machine; memory: the result,
    and $nN^2$ numbers more for a symmetric machine.
    Errors: as for `log_psi`.

    >>> import numpy as np
    >>> log_derivatives(RestrictedBoltzmann(2, 1), np.array([0.5, 100.0, 0.0, 0.0]), np.array([[1, 1]]))
    array([[2., 2., 2., 2.]])
    """
    w, states = check_states(machine, w, states)
    xp = namespace(w=w)
    _, b, W = machine.unravel(w)
    n, N = states.shape
    slope = xp.tanh(contract(THETA, states, W) + b)
    if not machine.symmetric:
        return xp.concat([states, slope, xp.reshape(contract(PRODUCT, slope, states), (n, -1))], axis=1)
    slope = xp.reshape(slope, (n, machine.density, N))
    rolled = xp.reshape(xp.take(states, integers_like(_roll(N, 1), w), axis=1), (n, N, N))  # sigma_i+t at (t, i)
    filters = xp.reshape(contract(OVER_TRANSLATIONS, slope, rolled), (n, -1))
    return xp.concat([xp.sum(states, axis=1)[:, None], xp.sum(slope, axis=2), filters], axis=1)


def log_psi_of(parameters: tuple[Array, Array, Array], states: Array, /) -> Array:
    """Return `log_psi` for parameters that are unravelled and states of their dtype, unchecked."""
    a, b, W = parameters
    return contract(VISIBLE, states, a) + sum_log_2cosh(contract(THETA, states, W) + b)


def check_states(machine: RestrictedBoltzmann, w: Array, states: Array, /) -> tuple[Array, Array]:
    """Return `w` and `states` checked, the states in the dtype of `w`: 1 and -1 are exact in each."""
    xp = namespace(w=w, states=states)
    if not xp.isdtype(w.dtype, ("real floating", "complex floating")):
        raise ValueError(f"w has dtype {dtype_name(w)}; it must be real or complex floating")
    if tuple(w.shape) != (machine.num_parameters,):
        raise ValueError(f"w has shape {tuple(w.shape)}; it must be ({machine.num_parameters},)")
    if states.ndim != 2:
        raise ValueError(f"states has shape {tuple(states.shape)}; it must be (n, {machine.N}), a state in each row")
    if states.shape[1] != machine.N:
        raise ValueError(f"states has {states.shape[1]} columns; the machine has {machine.N} spins")
    if not is_true(xp.all((states == 1) | (states == -1))):
        raise ValueError("states has entries that are neither 1 nor -1; a spin is one of the two")
    return w, xp.astype(xp.asarray(states), w.dtype)


def _roll(N: int, sign: int) -> np.ndarray:
    r"""The indices $i\pm t$ around the ring, at position $tN+i$."""
    t, i = np.divmod(np.arange(N * N), N)
    return (i + sign * t) % N


def _at_least(name: str, value: SupportsIndex, least: int) -> int:
    try:
        number = operator.index(value)
    except TypeError:
        raise ValueError(f"{name} is {value!r}; it must be an integer") from None
    if number < least:
        raise ValueError(f"{name} is {number}; it must be at least {least}")
    return number
