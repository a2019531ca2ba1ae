"""The one place that knows the array libraries apart: namespace, dtype checks, contraction, writes.

Everything else in the package is written against the array API standard.

Longer than one sitting: what differs between array libraries is told here once, so that no other module has to know.
"""

import functools
import math
import operator
import sys
from collections.abc import Callable
from typing import Any

import array_api_compat
import numpy as np
from array_api_compat import is_jax_array, is_numpy_array, is_torch_array

Array = Any  # any array of a library that follows the array API: NumPy, JAX, PyTorch, ...
Namespace = Any  # the functions of such a library: its module, as a rule

# Up to so many terms of a sum are written out where JAX compiles them: the compiler then makes one loop of them and of
# what is done before and after, where a matrix product with a short inner side is slow and its result goes to memory
# and back. Measured for B of a net with 2 outputs, 32 hidden units, 512 patterns: a tenth of the time.
WRITTEN_OUT = 3

# Up to so many numbers are constants of a program that JAX compiles to be called again and again: a dozen arguments
# fewer make a small product a fifth faster. Of more, the program would hold a second copy.
AS_CONSTANTS = 2**22


def namespace(**arrays: Array) -> Namespace:
    """Return the array API namespace the named arrays have in common.

    NumPy arrays may stand beside JAX arrays, as everywhere in JAX: the result is then JAX's.
    """
    _refuse_other_objects(arrays)
    values = list(arrays.values())
    if any(is_jax_array(array) for array in values):
        values = [array for array in values if not is_numpy_array(array)]
    try:
        return array_api_compat.array_namespace(*values)
    except TypeError:
        kinds = ", ".join(f"{name} is a {_library(array)} array" for name, array in arrays.items())
        raise ValueError(f"{kinds}; they must come from one library") from None


def _refuse_other_objects(arrays: dict[str, Any]) -> None:
    for name, array in arrays.items():
        if not array_api_compat.is_array_api_obj(array):
            raise ValueError(f"{name} is a {type(array).__name__}; it must be an array (NumPy, JAX or PyTorch)")
        if isinstance(array, np.ma.MaskedArray):
            raise ValueError(  # noqa: TRY004  (as for every other array that cannot be taken)
                f"{name} is a masked array; select the rows that count, hesslib ignores no entry"
            )


def _library(array: Array) -> str:
    return array_api_compat.array_namespace(array).__name__.removeprefix("array_api_compat.").split(".")[0]


def dtype_name(array: Array) -> str:
    """Return the name of the array's dtype, the same for every library: ``float32``."""
    return str(array.dtype).removeprefix("torch.")


def of_one_library(**arrays: Array) -> list[Array]:
    """Return the named arrays: as they are, or all as JAX arrays if NumPy arrays stand beside JAX arrays."""
    xp = namespace(**arrays)
    if not array_api_compat.is_jax_namespace(xp):
        return list(arrays.values())
    converted = [xp.asarray(array) for array in arrays.values()]
    for (name, array), jax_array in zip(arrays.items(), converted, strict=True):
        if array.dtype.kind == "f" and dtype_name(array) != dtype_name(jax_array):
            raise ValueError(
                f"{name} is {dtype_name(array)}, which JAX has switched off; set jax_enable_x64 or cast it"
            )
    return converted


def same_floating_dtype(**arrays: Array) -> None:
    """Refuse arrays that are not of one real floating dtype: a result is never cast in silence."""
    _refuse_other_objects(arrays)
    for name, array in arrays.items():
        if not array_api_compat.array_namespace(array).isdtype(array.dtype, "real floating"):
            raise ValueError(f"{name} has dtype {dtype_name(array)}; it must be real floating (float32, float64)")
    kinds = {name: dtype_name(array) for name, array in arrays.items()}
    if len(set(kinds.values())) > 1:
        listed = " and ".join(f"{name} is {kind}" for name, kind in kinds.items())
        raise ValueError(f"{listed}; they must have the same dtype")


def rounding_of(array: Array) -> float:
    """Return eps of the array's dtype, the distance from 1 to the next number."""
    return float(array_api_compat.array_namespace(array).finfo(array.dtype).eps)


def refuse_half_precision(**arrays: Array) -> None:
    """Refuse dtypes for which no library has eigenvalues and inverses."""
    for name, array in arrays.items():
        if dtype_name(array) not in ("float32", "float64"):
            raise ValueError(
                f"{name} has dtype {dtype_name(array)}, for which there is no linear algebra; cast it to float32 or "
                "float64"
            )


def is_true(condition: Array) -> bool:
    """Return the truth of a 0-d boolean array, and True where it has no value yet (under ``jit``, ``vmap``).

    Reading a traced value raises ``jax.errors.TracerBoolConversionError``, a TypeError, in JAX, and a RuntimeError
    under ``torch.func.vmap``.
    """
    try:
        return bool(condition)
    except (TypeError, RuntimeError):
        return True


def eye_like(n: int, like: Array) -> Array:
    """Return the identity matrix (n, n) with the dtype and on the device of ``like``."""
    xp = array_api_compat.array_namespace(like)
    if is_jax_array(like):  # a tracer has no device; JAX places a constant where it is used
        return xp.eye(n, dtype=like.dtype)
    return xp.eye(n, dtype=like.dtype, device=array_api_compat.device(like))


def integers_like(values: np.ndarray, like: Array) -> Array:
    """Return a vector to index with, integers or booleans, in the library and on the device of ``like``."""
    xp = array_api_compat.array_namespace(like)
    if is_jax_array(like):
        return xp.asarray(values)
    return xp.asarray(values, device=array_api_compat.device(like))


def as_mask(name: str, values: Any, length: int, /) -> np.ndarray:
    """Return booleans, one for each of `length` things, as a NumPy array; numbers are no booleans."""
    mask = to_numpy(values)
    if mask.dtype != bool:
        raise ValueError(f"{name} has dtype {mask.dtype}; it must be booleans, True or False for each of {length}")
    if mask.shape != (length,):
        raise ValueError(f"{name} has shape {mask.shape}; it must be ({length},)")
    return mask


def in_library_of(w0: Array, w: np.ndarray, /) -> Array:
    """Return `w` with the library, the dtype and the device of `w0`."""
    if is_numpy_array(w0):
        return w.astype(w0.dtype)
    xp = array_api_compat.array_namespace(w0)
    if is_jax_array(w0):
        return xp.asarray(w, dtype=w0.dtype, device=w0.sharding)  # on one device, or spread over several as `w0` is
    return xp.asarray(w, dtype=w0.dtype, device=w0.device, copy=True)  # what the caller does to it stays the caller's


def to_numpy(array: Any) -> np.ndarray:
    """Return an array of any library, or a nested list, as a NumPy array of its own dtype."""
    if is_torch_array(array):
        array = array.detach().cpu().resolve_conj()
        if str(array.dtype) in ("torch.bfloat16", "torch.float16"):
            array = array.float()
    return np.asarray(array)


def of_numpy(f: Callable[[Any, Array], Array], kept: Any, like: Array) -> Callable[[np.ndarray], np.ndarray]:
    """Return ``v -> f(kept, v)`` for NumPy arrays `v`, computed with the library, the dtype and the device of `like`.

    `kept` is a tree of arrays. JAX compiles `f`: one by one, its operations would each cost as much as a small product.
    """
    if is_jax_array(like):
        jax = sys.modules["jax"]
        if sum(leaf.size for leaf in jax.tree.leaves(kept)) <= AS_CONSTANTS:
            jitted = jax.jit(functools.partial(f, kept))
        else:
            jitted = functools.partial(jax.jit(f), kept)
        return lambda v: np.asarray(jitted(v.astype(like.dtype)))
    return lambda v: to_numpy(f(kept, in_library_of(like, v)))


def zeros_like(shape: tuple[int, ...], like: Array) -> Array:
    """Return zeros of the given shape with the dtype and on the device of ``like``."""
    xp = array_api_compat.array_namespace(like)
    if is_jax_array(like):
        return xp.zeros(shape, dtype=like.dtype)
    if is_torch_array(like):  # under ``torch.func.vmap`` it has the batch of `like`, and can be written to
        return like.new_zeros(shape)
    return xp.zeros(shape, dtype=like.dtype, device=array_api_compat.device(like))


def own_erfc(xp: Namespace) -> Callable[[Array], Array]:
    """Return the complementary error function for arrays of the library; it is not in the array API standard."""
    if hasattr(xp, "erfc"):
        return xp.erfc
    if array_api_compat.is_jax_namespace(xp):
        return sys.modules["jax"].lax.erfc  # loaded already, since an array of it is at hand
    if array_api_compat.is_numpy_namespace(xp):
        from scipy.special import erfc

        return erfc
    raise ValueError(f"{xp.__name__} has no error function erfc; gelu needs it")


def write(target: Array, where: Any, value: Array) -> Array:
    """Return ``target`` with `value` in the slices ``target[where]``: in place if the library can, else a new array.

    `value` may have several axes for one of the target's, which they split. Always rebind the name:
    ``H = written(H, (rows, columns), block)``.
    """
    part = target[where]
    if is_jax_array(target):
        return target.at[where].set(value.reshape(part.shape))
    part.reshape(value.shape)[...] = value  # splitting the axes of a slice never copies it
    return target


def contract(spec: str, x: Array, y: Array) -> Array:
    r"""Sum the product of two arrays over the index letters that ``spec`` leaves out on the right.

    ``contract("ni,ji->nj", z, W)`` is $\sum_i z_{ni}w_{ji}$. It equals ``einsum(spec, x, y)``, which is not in the
    array API standard and in NumPy does not reach the matrix product of the BLAS. Here every pair becomes one
    ``matmul`` (a batched one, if letters are shared by all three), or a broadcast product if nothing is summed. A sum
    of very few terms is written out for JAX, see `WRITTEN_OUT`.
    """
    plan = _plan(spec)
    xp = array_api_compat.array_namespace(x, y)
    if x.ndim != len(plan.x) or y.ndim != len(plan.y):
        raise ValueError(f"{spec} needs {len(plan.x)} and {len(plan.y)} axes; the arrays have {x.ndim} and {y.ndim}")
    size = dict(zip(plan.x, x.shape, strict=True))
    for letter, length in zip(plan.y, y.shape, strict=True):
        if size.setdefault(letter, length) != length:
            raise ValueError(f"{spec}: {letter} is {size[letter]} in one array and {length} in the other")
    if not plan.summed:
        return _spread(xp, x, plan.x, plan.out) * _spread(xp, y, plan.y, plan.out)
    batch = tuple(size[i] for i in plan.batch)
    rows, inner, cols = (math.prod(size[i] for i in group) for group in (plan.left, plan.summed, plan.right))
    if inner <= WRITTEN_OUT and is_jax_array(x):
        left, right = (_terms(xp, a, have, plan, inner) for a, have in ((x, plan.x), (y, plan.y)))
        return functools.reduce(operator.add, map(operator.mul, left, right))
    left = _arranged(xp, x, plan.x, plan.batch + plan.left + plan.summed, (*batch, rows, inner))
    right = _arranged(xp, y, plan.y, plan.batch + plan.summed + plan.right, (*batch, inner, cols))
    order = plan.batch + plan.left + plan.right
    product = xp.matmul(left, right)
    return _arranged(xp, xp.reshape(product, tuple(size[i] for i in order)), order, plan.out, None)


def _terms(xp: Namespace, x: Array, have: str, plan: "_Plan", inner: int) -> list[Array]:
    """Return the array at each value of the summed letters, ready to be multiplied into the result."""
    rest = "".join(i for i in have if i not in plan.summed)
    first = _arranged(xp, x, have, plan.summed + rest, None)
    first = xp.reshape(first, (inner, *first.shape[len(plan.summed) :]))
    return [_spread(xp, first[s], rest, plan.out) for s in range(inner)]


class _Plan:
    """The letters of a contraction, sorted by the part they play in a matrix product."""

    def __init__(self, spec: str) -> None:
        operands, self.out = spec.split("->")
        self.x, self.y = operands.split(",")
        for letters in (self.x, self.y, self.out):
            if len(set(letters)) < len(letters):
                raise ValueError(f"{spec} repeats a letter in {letters}; take the diagonal first")
        lone = (set(self.x) ^ set(self.y)) - set(self.out)
        if lone or set(self.out) - set(self.x + self.y):
            raise ValueError(f"{spec}: each letter must stand twice at least, and those on the right on the left too")
        self.batch = "".join(i for i in self.x if i in self.y and i in self.out)
        self.summed = "".join(i for i in self.x if i in self.y and i not in self.out)
        self.left = "".join(i for i in self.x if i not in self.y)
        self.right = "".join(i for i in self.y if i not in self.x)


_plan = functools.cache(_Plan)


def _arranged(xp: Namespace, x: Array, have: str, want: str, shape: tuple[int, ...] | None) -> Array:
    if have != want:
        x = xp.permute_dims(x, tuple(have.index(i) for i in want))
    return x if shape is None or tuple(x.shape) == shape else xp.reshape(x, shape)


def _spread(xp: Namespace, x: Array, have: str, want: str) -> Array:
    x = _arranged(xp, x, have, "".join(i for i in want if i in have), None)
    return x[tuple(slice(None) if i in have else None for i in want)]
