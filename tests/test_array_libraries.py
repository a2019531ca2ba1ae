"""One code, every array library: each public numeric function under NumPy, JAX and PyTorch, in one table.

The numbers of NumPy in float64 are held against independent oracles by the other modules; here every other way to run
a function must give the same numbers, in the library, in the dtype and on the device of its arguments. The second case
is cut into chunks of patterns, which each library takes in a way of its own; the reference never is.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator, Mapping
from functools import cache
from inspect import getmembers, isfunction
from types import SimpleNamespace
from typing import Any, NamedTuple

import numpy as np
import pytest
from cases import BENT, Case

import hesslib
from hesslib import Network, _chunks, weight_jacobians
from hesslib.networks import network
from hesslib.networks.activations import ACTIVATIONS

WHOLE = Case((2, 3, 4, 2), ("tanh", "gelu"), "softmax_cross_entropy", N=16)
IN_CHUNKS = Case((4, 3, 1), ("bent",), "squared_error", N=16)  # more inputs than units, more units than outputs
PATTERNS_IN_A_CHUNK = 5  # three chunks and a remainder
BOTH = [WHOLE, IN_CHUNKS]
DTYPES = ["float64", "float32"]
DEVICES = 8  # conftest.py asks JAX for so many

Arrays = SimpleNamespace


class Entry(NamedTuple):
    """How a function is called, and where it cannot be, with the reason."""

    call: Callable[[Network, Arrays], Any]
    by: str = "w"  # the argument that is mapped over and differentiated by
    not_traced: str = ""
    not_differentiated: str = ""
    iterates_to: float = 0.0  # relative, beyond rounding


def of_batch(function: Callable[..., Any], **options: Any) -> Entry:
    return Entry(lambda net, q: function(net, q.w, q.x, q.t, **options))


def of_inputs(function: Callable[..., Any]) -> Entry:
    return Entry(lambda net, q: function(net, q.w, q.x))


def product(function: Callable[..., Any]) -> Entry:
    return Entry(lambda net, q: (function(net, q.w, q.x, q.t, q.v), function(net, q.w, q.x, q.t, q.v[:, 0])))


def all_activations(net: Network, q: Arrays) -> Any:
    every = {*ACTIVATIONS.values(), *net.activation, BENT}
    return {h.name: (h(q.x), h.first(q.x), h.second(q.x), h.third(q.x), h.derivatives(q.x, 3)) for h in every}


def by_factors(net: Network, q: Arrays) -> Any:
    return hesslib.kronecker_factors(net, q.w, q.x, q.t)


def factors_solved(net: Network, q: Arrays) -> Any:
    return hesslib.kronecker_solve(net, by_factors(net, q), q.v, damping=1.0)


def decomposed(net: Network, q: Arrays) -> Any:
    """Eigenvectors have no sign of their own, and those of one eigenvalue no direction: the matrix has."""
    every = [hesslib.spectrum(net, q.w, q.x, q.t, curvature=kind) for kind in ("gauss_newton", "exact", "diagonal")]
    return [(one.values, (one.vectors * one.values) @ one.vectors.T) for one in every]


def evidence(net: Network, q: Arrays) -> Any:
    beta = 2.0 if net.loss.name == "squared_error" else None
    return hesslib.log_evidence(net, q.w, q.x, q.t, alpha=0.5, beta=beta)


def fitted(net: Network, q: Arrays) -> Any:
    return hesslib.fit(net, q.w, q.x, q.t, max_iterations=3).w


def line_fitted(_: Network, q: Arrays) -> Any:
    return hesslib.levenberg_marquardt(lambda p: q.b @ p - q.b[:, 0], lambda _: q.b, q.b[0], max_iterations=3).w


def regularised(_: Network, q: Arrays) -> Any:
    net = Network((q.x.shape[1], 1))
    t = q.x[:, :1] + q.x[:, 1:2] ** 2
    return hesslib.bayesian_regularization(net, q.w[: net.num_parameters], q.x, t, tolerance=REGULARISED).w


def pruned(net: Network, q: Arrays) -> Any:
    return hesslib.prune(net, q.w, q.x, q.t, 3, alpha=40.0).w


REGULARISED = 1e-3
ITERATES = "it chooses its way by the numbers it finds, on the host"
TABLE = {
    "Activation": Entry(all_activations, by="x"),
    "Network": Entry(lambda net, q: net.ravel(*net.unravel(q.w))),
    "bayesian_regularization": Entry(regularised, not_traced=ITERATES, iterates_to=REGULARISED),
    "becker_lecun_diagonal": of_batch(hesslib.becker_lecun_diagonal),
    "deltas": Entry(lambda net, q: hesslib.deltas(net, q.w, hesslib.forward(net, q.w, q.x), q.t)),
    "effective_parameters": Entry(lambda _, q: hesslib.effective_parameters(q.diagonal, 0.5), by="diagonal"),
    "error": of_batch(hesslib.error),
    "fit": Entry(fitted, not_traced=ITERATES),
    "forward": of_inputs(hesslib.forward),
    "gauss_newton": of_batch(hesslib.gauss_newton),
    "gauss_newton_diagonal": of_batch(hesslib.gauss_newton_diagonal),
    "gauss_newton_vector_product": product(hesslib.gauss_newton_vector_product),
    "gradient": of_batch(hesslib.gradient),
    "hessian": of_batch(hesslib.hessian),
    "hessian_blocks": of_batch(hesslib.hessian_blocks, reduction="mean"),
    "hessian_diagonal": of_batch(hesslib.hessian_diagonal),
    "hessian_vector_product": product(hesslib.hessian_vector_product),
    "input_hessian": of_inputs(hesslib.input_hessian),
    "input_hessian_diagonal": of_inputs(hesslib.input_hessian_diagonal),
    "input_jacobian": of_inputs(hesslib.input_jacobian),
    "kronecker_factors": of_batch(hesslib.kronecker_factors),
    "kronecker_matrix": Entry(lambda net, q: hesslib.kronecker_matrix(net, by_factors(net, q))),
    "kronecker_product": Entry(lambda net, q: hesslib.kronecker_product(net, by_factors(net, q), q.v)),
    "kronecker_solve": Entry(factors_solved, not_differentiated="eigenvalues that coincide have no derivative"),
    "laplacian": of_inputs(hesslib.laplacian),
    "levenberg_marquardt": Entry(line_fitted, not_traced=ITERATES),
    "log_evidence": Entry(evidence),
    "outer_product": of_batch(hesslib.outer_product),
    "output_jacobian": of_inputs(hesslib.output_jacobian),
    "outputs": of_inputs(hesslib.outputs),
    "pattern_gradients": of_batch(hesslib.pattern_gradients),
    "prune": Entry(pruned, not_traced=ITERATES),
    "saliency_obd": Entry(lambda _, q: hesslib.saliency_obd(q.w, q.diagonal)),
    "saliency_obs": Entry(lambda _, q: hesslib.saliency_obs(q.w, q.inverse)),
    "sequential_inverse": Entry(lambda _, q: hesslib.sequential_inverse(q.b, 0.5, block=3)[:2], by="b"),
    "spectrum": Entry(decomposed, not_differentiated="JAX differentiates no SVD with all its vectors"),
} | {
    f"weight_jacobians.{name}": of_inputs(function)
    for name, function in getmembers(weight_jacobians, isfunction)
    if function.__module__ == weight_jacobians.__name__ and not name.startswith("_")
}
EXEMPT = {
    "Chain": "a description of layers, each of which runs under every library in tests/layers",
    "KroneckerFactors": "a tuple that `kronecker_factors` returns",
    "Trace": "a tuple that `forward` returns",
    "gauss_newton_operator": "a SciPy operator, NumPy vectors in and out whatever w is: test_roperator.py",
    "hessian_operator": "a SciPy operator, NumPy vectors in and out whatever w is: test_roperator.py",
    "kronecker_inverse_operator": "a SciPy operator, NumPy vectors in and out: test_kronecker.py",
    "log_evidences": "three numbers of `log_evidence` as Python floats, for a person to look at",
    "weight_jacobians": "a module: its functions are in the table one by one",
}


def test_every_public_name_has_an_entry_or_a_reason() -> None:
    own = {name for name in TABLE if "." not in name}
    assert own | set(EXEMPT) == set(hesslib.__all__)
    assert not own & set(EXEMPT)
    assert len(TABLE) - len(own) == 5


def over(names: list[str]) -> Callable[[Callable[..., None]], Callable[..., None]]:
    def both(test: Callable[..., None]) -> Callable[..., None]:
        cases = pytest.mark.parametrize("case", BOTH, ids=lambda case: "whole" if case is WHOLE else "in chunks")
        return pytest.mark.parametrize("name", names)(cases(test))

    return both


EVERY = over(list(TABLE))
TRACED = over([name for name, entry in TABLE.items() if not entry.not_traced])
DIFFERENTIATED = over([name for name, entry in TABLE.items() if not (entry.not_traced or entry.not_differentiated)])


@cache
def arguments(case: Case, dtype: str) -> Arrays:
    """NumPy arrays of the dtype: those of the case, and what the functions of matrices and vectors take."""
    rng, P = np.random.default_rng(0), case.net.num_parameters
    A = rng.standard_normal((P, P)) / 4
    t = np.round(64 * case.t) / 64  # a float32 holds them, and probabilities still sum to one
    found = {
        "w": case.w,
        "x": case.x,
        "t": np.concatenate([1 - t[:, 1:], t[:, 1:]], axis=1) if case is WHOLE else t,
        "v": rng.standard_normal((P, 2)),
        "b": rng.standard_normal((case.N, 6)),
        "diagonal": rng.uniform(0.5, 2, P),
        "inverse": np.eye(P) + A @ A.T,
    }
    return Arrays(**{name: array.astype(dtype) for name, array in found.items()})


def leaves(result: Any) -> Iterator[Any]:
    """Yield the arrays of a result, whatever holds them."""
    if isinstance(result, Mapping):
        result = [result[key] for key in sorted(result)]
    if isinstance(result, tuple | list):
        for part in result:
            yield from leaves(part)
    elif result is not None:
        yield result


@cache
def reference(name: str, case: Case, dtype: str) -> list[np.ndarray]:
    """What NumPy finds in float64, from arguments that the dtype can hold."""
    exact = Arrays(**{key: array.astype(float) for key, array in vars(arguments(case, dtype)).items()})
    return [np.asarray(leaf) for leaf in leaves(TABLE[name].call(case.net, exact))]


def room(name: str, case: Case, dtype: str) -> float:
    """The relative rounding of a third derivative, which passes each layer once more than `Case.rounding` allows."""
    W, _ = case.net.unravel(case.w)
    enlarged = np.prod([max(1.0, float(np.linalg.norm(W_l, 2))) for W_l in W])
    return float(case.rounding * enlarged * np.finfo(dtype).eps / np.finfo(case.dtype).eps) + TABLE[name].iterates_to


def agree(found: list[Any], expected: list[np.ndarray], allowed: float) -> None:
    """Assert agreement relative to the largest entry of all, or to 1, the size of the terms of every sum."""
    assert [tuple(leaf.shape) for leaf in found] == [leaf.shape for leaf in expected]
    scale = max(1.0, *(float(np.max(np.abs(leaf))) for leaf in expected))
    worst = max(float(np.max(np.abs(np.asarray(a) - b))) for a, b in zip(found, expected, strict=True))
    assert worst <= allowed * scale, f"differs by {worst / scale:.1e}, allowed {allowed:.1e}"


@pytest.fixture(autouse=True)
def chunks(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Cut the patterns of the second case into chunks, after the reference has been found without."""
    of_test = getattr(request.node, "callspec", None)
    if of_test is None or of_test.params["case"] is not IN_CHUNKS:
        return
    for dtype in DTYPES:
        reference(of_test.params["name"], IN_CHUNKS, dtype)
    sums, maps = _chunks.sum_over_patterns, _chunks.map_over_patterns
    few = {
        "BUDGET": PATTERNS_IN_A_CHUNK,
        "sum_over_patterns": lambda f, _, *rows: sums(f, 1, *rows),
        "map_over_patterns": lambda f, _, *rows, budget: maps(f, 1, *rows, budget=PATTERNS_IN_A_CHUNK),
    }
    for module in [module for name, module in sys.modules.items() if name.startswith("hesslib.")]:
        for name in few.keys() & vars(module).keys():
            monkeypatch.setattr(module, name, few[name])


@pytest.fixture(scope="module", autouse=True)
def quick_compiler() -> Iterator[None]:
    """Every function is compiled three times and run once, on a few numbers: no time for optimisations."""
    import jax

    jax.config.update("jax_disable_most_optimizations", True)
    yield
    jax.config.update("jax_disable_most_optimizations", False)
    jax.clear_caches()


def numpy(arrays: Arrays) -> tuple[Arrays, Callable[[Any], bool]]:
    return arrays, lambda leaf: isinstance(leaf, np.ndarray | np.floating)


def torch(arrays: Arrays) -> tuple[Arrays, Callable[[Any], bool]]:
    library = pytest.importorskip("torch")
    tensors = {name: library.from_numpy(array) for name, array in vars(arrays).items()}
    return Arrays(**tensors), lambda leaf: isinstance(leaf, library.Tensor) and leaf.device.type == "cpu"


def jax(arrays: Arrays) -> tuple[Arrays, Callable[[Any], bool]]:
    """JAX arrays on a device that is not the default: a result that was brought there by the host shows."""
    import jax as library

    there = library.devices()[DEVICES - 1]
    placed = {name: library.device_put(array, there) for name, array in vars(arrays).items()}
    return Arrays(**placed), lambda leaf: isinstance(leaf, library.Array) and leaf.devices() == {there}


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("library", [numpy, torch], ids=lambda library: library.__name__)
@EVERY
def test_result_is_that_of_numpy_in_the_library_dtype_and_device_of_the_arguments(
    name: str, case: Case, library: Callable[..., Any], dtype: str
) -> None:
    arrays, is_of_the_kind = library(arguments(case, dtype))
    found = list(leaves(TABLE[name].call(case.net, arrays)))
    assert all(is_of_the_kind(leaf) for leaf in found)
    assert {str(leaf.dtype).removeprefix("torch.") for leaf in found} == {dtype}
    agree(found, reference(name, case, dtype), room(name, case, dtype))


@EVERY
def test_jax_gives_the_same_outside_jit(name: str, case: Case) -> None:
    """In float32, which JAX promotes more readily than float64; float64 has the compiled programs below."""
    arrays, is_of_the_kind = jax(arguments(case, "float32"))
    found = list(leaves(TABLE[name].call(case.net, arrays)))
    assert all(is_of_the_kind(leaf) for leaf in found)
    assert {str(leaf.dtype) for leaf in found} == {"float32"}
    agree(found, reference(name, case, "float32"), room(name, case, "float32"))


@TRACED
def test_nothing_is_made_on_the_host_for_tensors_of_another_device(name: str, case: Case) -> None:
    """PyTorch's meta device has shapes and no values: a tensor of the host among them is refused."""
    library = pytest.importorskip("torch")
    there = {key: library.from_numpy(array).to("meta") for key, array in vars(arguments(case, "float64")).items()}
    found = list(leaves(TABLE[name].call(case.net, Arrays(**there))))
    assert {leaf.device.type for leaf in found} == {"meta"}
    assert [tuple(leaf.shape) for leaf in found] == [leaf.shape for leaf in reference(name, case, "float64")]


def of_argument(name: str, case: Case, arrays: Arrays) -> Callable[[Any], list[Any]]:
    """The function of the one argument that is mapped over or differentiated by."""
    entry = TABLE[name]
    return lambda value: list(leaves(entry.call(case.net, Arrays(**vars(arrays) | {entry.by: value}))))


def neighbours(name: str, case: Case) -> np.ndarray:
    value = getattr(arguments(case, "float64"), TABLE[name].by)
    return np.stack([value, 0.75 * value])


@TRACED
def test_vmap_under_jit_changes_nothing_but_rounding(name: str, case: Case) -> None:
    import jax

    f = of_argument(name, case, arguments(case, "float64"))
    both = neighbours(name, case)
    mapped = jax.jit(jax.vmap(f))(both)
    assert all(isinstance(leaf, jax.Array) and leaf.dtype == np.float64 for leaf in mapped)
    for i, value in enumerate(both):
        agree([leaf[i] for leaf in mapped], [np.asarray(leaf) for leaf in f(value)], room(name, case, "float64"))


@DIFFERENTIATED
def test_jax_differentiates_the_result_under_jit(name: str, case: Case) -> None:
    """Against a difference quotient of NumPy's numbers: its error is that of four points at the best distance."""
    import jax

    f = of_argument(name, case, arguments(case, "float64"))
    value, _ = neighbours(name, case)
    rng = np.random.default_rng(1)
    along = rng.standard_normal(value.shape)
    along /= np.linalg.norm(along)
    weights = [rng.standard_normal(leaf.shape) for leaf in reference(name, case, "float64")]

    def total(value: Any) -> Any:
        return sum((u * leaf).sum() for u, leaf in zip(weights, f(value), strict=True))

    by_jax = float((jax.jit(jax.grad(total))(value) * along).sum())
    eps = np.finfo(float).eps
    h = eps**0.2
    at = {k: total(value + k * h * along) for k in (-2, -1, 1, 2)}
    quotient = (8 * (at[1] - at[-1]) - (at[2] - at[-2])) / (12 * h)
    scale = abs(quotient) + sum(np.abs(u * leaf).sum() for u, leaf in zip(weights, f(value), strict=True))
    assert abs(by_jax - quotient) <= eps**0.7 * scale


@TRACED
def test_patterns_spread_over_eight_devices_under_jit_change_nothing_but_rounding(name: str, case: Case) -> None:
    import jax
    from jax.sharding import AxisType, NamedSharding, PartitionSpec

    mesh = jax.make_mesh((DEVICES,), ("patterns",), axis_types=(AxisType.Auto,))
    placed = {
        key: jax.device_put(array, NamedSharding(mesh, PartitionSpec("patterns" if key in "xtb" else None)))
        for key, array in vars(arguments(case, "float64")).items()
    }
    found = jax.jit(lambda q: list(leaves(TABLE[name].call(case.net, Arrays(**q)))))(placed)
    assert all(len(leaf.sharding.device_set) == DEVICES for leaf in found)
    agree(found, reference(name, case, "float64"), room(name, case, "float64"))


ASKED_AGAIN = {
    "deltas": "a call of `forward`, whose trace it takes, stands before it",
    "kronecker_product": "a call of `kronecker_factors` stands before it",
    "spectrum": "three calls, one for each curvature",
    "hessian_vector_product": "two calls, of many vectors and of one",
    "gauss_newton_vector_product": "two calls, of many vectors and of one",
}


@over(sorted(set(TABLE) - set(ASKED_AGAIN)))
def test_the_input_is_checked_once_at_the_door(name: str, case: Case, monkeypatch: pytest.MonkeyPatch) -> None:
    """However many chunks, passes and iterations the work takes."""
    calls = []
    look = network.refuse_no_network
    monkeypatch.setattr(network, "refuse_no_network", lambda net: (calls.append(net), look(net)))
    TABLE[name].call(case.net, arguments(case, "float64"))
    assert len(calls) <= 1
