"""Input that cannot be taken is refused at the public door: one table, each message with the argument and what it was.

What can be taken, though it looks odd, is below with the right value.
"""

import pickle
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import hesslib
from hesslib import Network, check

NET = Network((2, 3, 1))
RNG = np.random.default_rng(0)
W, X, T = NET.init(0), RNG.standard_normal((5, 2)), RNG.standard_normal((5, 1))
CLASSES = Network((2, 3, 3), loss="softmax_cross_entropy")
V, LABELS = CLASSES.init(0), np.array([0, 1, 2, 0, 1])
BINARY = Network((2, 1), loss="binary_cross_entropy")
EYE = np.eye(2)
SPECTRUM = hesslib.spectrum


def half(*arrays: np.ndarray) -> tuple[np.ndarray, ...]:
    return tuple(array.astype(np.float16) for array in arrays)


def checked(**options: Any) -> Any:
    return check.gradient((NET, X, T), W, hesslib.gradient(NET, W, X, T), **options)


def minimised(residuals: Any, jacobian: Any, **options: Any) -> Any:
    return hesslib.levenberg_marquardt(residuals, jacobian, np.ones(2), **options)


REFUSED: dict[str, tuple[Callable[[], Any], str]] = {
    "a function as activation": (
        lambda: Network((2, 3, 1), activation=np.tanh),
        r"activation is <ufunc 'tanh'>; it must be an Activation or one of tanh, .*, one for each hidden layer",
    ),
    "no activation": (lambda: Network((2, 3, 1), activation=None), "activation is None; it must be an Activation or"),
    "a function among activations": (
        lambda: Network((2, 3, 1), activation=[np.tanh]),
        "activation is <ufunc 'tanh'>; it must be an Activation or one of tanh",
    ),
    "a list as loss": (lambda: Network((2, 3, 1), loss=["squared_error"]), r"loss is \['squared_error'\]; it must be"),
    "no loss": (lambda: Network((2, 3, 1), loss=None), "loss is None; it must be one of squared_error"),
    "another name of squared error": (
        lambda: Network((2, 1), loss="mse"),
        r"loss is 'mse'; .*squared_error times 2 / N",
    ),
    "Huber's loss": (lambda: Network((2, 1), loss="huber"), r"loss is 'huber'; .*hesslib.check takes any function"),
    "another name of cross-entropy": (
        lambda: Network((2, 3), loss="cross_entropy"),
        r"loss is 'cross_entropy'; .*it is softmax_cross_entropy; of weighted .*label smoothing give the smoothed",
    ),
    "ignore_index": (
        lambda: hesslib.error(CLASSES, V, X, np.array([0, 1, -100, 0, 1])),
        "t has the value -100 in row 2; softmax_cross_entropy takes labels from 0 to 2; leave out the rows",
    ),
    "a boolean as width": (lambda: Network((True, 3, 1)), r"widths is \(True, 3, 1\); it must be a sequence of int"),
    "widths in a string": (lambda: Network("231"), "widths is '231'; it must be a sequence of integers"),
    "widths as network": (
        lambda: hesslib.gradient((2, 3, 1), W, X, T),
        r"net is a tuple; it must be a Network \(hesslib.convert makes one",
    ),
    "widths as network, inputs": (lambda: hesslib.laplacian((2, 3, 1), W, X), "net is a tuple; it must be a Network"),
    "widths as network, evidence": (
        lambda: hesslib.log_evidence((2, 3, 1), W, X, T, alpha=1.0, beta=1.0),
        "net is a tuple; it must be a Network",
    ),
    "a list of weights": (lambda: SPECTRUM(NET, list(W), X, T), "w is a list; it must be an array"),
    "a list of inputs": (lambda: SPECTRUM(NET, W, X.tolist(), T), "x is a list; it must be an array"),
    "a list to obd": (lambda: hesslib.saliency_obd([1.0], np.ones(1)), "w is a list; it must be an array"),
    "a list of diagonals": (lambda: hesslib.saliency_obd(np.ones(1), [1.0]), "diagonal is a list; it must be an array"),
    "a list to obs": (lambda: hesslib.saliency_obs([1.0, 2.0], EYE), "w is a list; it must be an array"),
    "nested lists to obs": (lambda: hesslib.saliency_obs(np.ones(2), [[1.0]]), "inverse is a list; it must be an arr"),
    "a scalar to obs": (lambda: hesslib.saliency_obs(np.array(1.0), EYE), r"w has shape \(\); it must be \(P,\)"),
    "nested lists to without": (lambda: without([[1.0]], 0), "inverse is a list; it must be an array"),
    "a row too few": (lambda: without(np.ones((2, 3)), 0), r"inverse has shape \(2, 3\); it must be a square matrix"),
    "a parameter from the end": (lambda: without(EYE, -1), "q is -1; it must be one of the 2 parameters, from 0 to 1"),
    "a parameter too many": (lambda: without(EYE, 2), "q is 2; it must be one of the 2 parameters"),
    "half a parameter": (lambda: without(EYE, 0.5), "q is 0.5; it must be one of the 2 parameters"),
    "a parameter as float": (lambda: surgeon_step(np.ones(2), EYE, 0.0), "q is 0.0; it must be one of the 2 param"),
    "a parameter as boolean": (lambda: surgeon_step(np.ones(2), EYE, True), "q is True; it must be one of the 2 par"),
    "a float number": (lambda: hesslib.prune(NET, W, X, T, 1.0), "number is 1.0; it must be an integer"),
    "a boolean number": (lambda: hesslib.prune(NET, W, X, T, True), "number is True; it must be an integer"),
    "0 and 1 as mask": (
        lambda: hesslib.prune(NET, W, X, T, 1, candidates=np.array([0, 1] * 6 + [0])),
        "candidates has dtype int64; it must be booleans",
    ),
    "a decay in a string": (lambda: hesslib.prune(NET, W, X, T, 1, alpha="1"), "alpha is '1'; it must be a number"),
    "a float block": (lambda: hesslib.sequential_inverse(X, 1.0, block=2.0), "block is 2.0; it must be an integer"),
    "no block": (lambda: hesslib.sequential_inverse(X, 1.0, block=0), "block is 0; it must be at least 1"),
    "an alpha in a string": (lambda: hesslib.sequential_inverse(X, "1"), "alpha is '1'; it must be a number, positive"),
    "half precision, spectrum": (
        lambda: SPECTRUM(NET, *half(W, X, T)),
        "w has dtype float16, for which there is no linear algebra; cast it to float32 or float64",
    ),
    "half precision, evidence": (
        lambda: hesslib.log_evidence(NET, *half(W, X, T), alpha=1.0, beta=1.0),
        "w has dtype float16, for which there is no linear algebra",
    ),
    "half precision, evidences": (
        lambda: hesslib.log_evidences(NET, *half(W, X, T), alpha=1.0, beta=1.0),
        "w has dtype float16, for which there is no linear algebra",
    ),
    "half precision, surgeon": (lambda: hesslib.prune(NET, *half(W, X, T), 1, alpha=1.0), "w has dtype float16, for"),
    "half precision, Kronecker": (
        lambda: hesslib.kronecker_solve(NET, hesslib.kronecker_factors(NET, *half(W, X, T)), half(W)[0], damping=1.0),
        r"factors\[0\].A has dtype float16, for which there is no linear algebra",
    ),
    "half precision, inverse": (lambda: hesslib.sequential_inverse(*half(X), 1.0), "b has dtype float16, for which"),
    "targets whose squares overflow": (
        lambda: hesslib.bayesian_regularization(NET, W, X, T * 1e200),
        r"t has entries up to \S+e\+200, whose squares leave the range of numbers; scale it",
    ),
    "targets whose squares underflow": (
        lambda: hesslib.bayesian_regularization(NET, W, X, T * 1e-200),
        r"t has entries up to \S+e-20[01], whose squares leave the range of numbers; scale it",
    ),
    "a number of blocks": (lambda: checked(blocks=3), "blocks is 3; it must hold pairs of a name and a size"),
    "sizes as blocks": (lambda: checked(blocks=[6, 7]), r"blocks is \[6, 7\]; it must hold pairs of a name and a size"),
    "blocks of half a coordinate": (
        lambda: checked(blocks=[("a", 6.5), ("b", 6.5)]),
        "blocks is .*; it must hold pairs",
    ),
    "complex residuals": (lambda: minimised(lambda w: w + 1j, lambda _: EYE), "residuals is complex; it must be real"),
    "a complex Jacobian": (lambda: minimised(lambda w: w, lambda _: 1j * EYE), "jacobian is complex; it must be real"),
    "a matrix as Jacobian": (lambda: minimised(lambda w: w, EYE), "jacobian is a ndarray; it must be a function"),
    "a vector as residuals": (lambda: minimised(np.ones(2), lambda _: EYE), "residuals is a ndarray; it must be a fun"),
    "a number as callback": (lambda: hesslib.fit(NET, W, X, T, callback=3), "callback is a int; it must be a function"),
    "a number as callback, evidence": (
        lambda: hesslib.bayesian_regularization(NET, W, X, T, callback=3),
        "callback is a int; it must be a function",
    ),
    "a string as tolerance": (lambda: hesslib.fit(NET, W, X, T, tolerance="a"), "tolerance is 'a'; it must be a numb"),
    "a string as decay": (lambda: hesslib.fit(NET, W, X, T, decay="a"), "decay is 'a'; it must be a number"),
    "a string as step": (lambda: hesslib.fit(NET, W, X, T, method="newton", step="a"), "step is 'a'; it must be a num"),
    "a list as method": (
        lambda: hesslib.fit(NET, W, X, T, method=["newton"]),
        r"method is \['newton'\]; it must be one",
    ),
    "a start too short": (lambda: hesslib.fit(NET, W[:5], X, T), "w0 has 5 entries; the network has 13 parameters"),
    "layer 0": (lambda: NET.weight_slice(0), "l is 0; it must be the number of a layer, from 1 to 2"),
    "layer True": (lambda: NET.bias_slice(True), "l is True; it must be the number of a layer, from 1 to 2"),
    "input True": (lambda: hesslib.input_jacobian(NET, W, X, inputs=[True]), r"inputs is \[True\]; it must be a sequ"),
    "a mask of inputs": (
        lambda: hesslib.laplacian(NET, W, X, inputs=np.array([True, False])),
        r"inputs is array\(\[ True, False\]\); it must be a sequence of input numbers",
    ),
    "a number as inputs": (lambda: hesslib.laplacian(NET, W, X, inputs=0), "inputs is 0; it must be a sequence of"),
    "a list as alpha": (
        lambda: hesslib.log_evidence(NET, W, X, T, alpha=[1.0, 2.0], beta=1.0),
        r"alpha is \[1.0, 2.0\]; it must be a number, positive and finite",
    ),
    "no alpha": (
        lambda: hesslib.log_evidence(NET, W, X, T, alpha=None, beta=1.0),
        "alpha is None; it must be a number",
    ),
    "two alphas": (
        lambda: hesslib.log_evidence(NET, W, X, T, alpha=np.ones(2), beta=1.0),
        r"alpha is array\(\[1., 1.\]\); it must be a number",
    ),
    "a list as convention": (
        lambda: hesslib.log_evidence(NET, W, X, T, alpha=1.0, beta=1.0, convention=["mackay"]),
        r"convention is \['mackay'\]; it must be one of mackay, foresee_hagan",
    ),
    "a list as curvature": (lambda: SPECTRUM(NET, W, X, T, curvature=["exact"]), r"curvature is \['exact'\]; it must"),
    "a string as damping": (
        lambda: hesslib.kronecker_solve(NET, hesslib.kronecker_factors(NET, W, X, T), W, damping="a"),
        "damping is 'a'; it must be a number, finite and not negative",
    ),
    "an endless damping": (
        lambda: hesslib.kronecker_solve(NET, hesslib.kronecker_factors(NET, W, X, T), W, damping=np.inf),
        "damping is inf; it must be finite and not negative",
    ),
    "a word as seed": (lambda: NET.init("seed"), "rng is 'seed'; it must be a numpy.random.Generator or a seed"),
    "weights of no float": (lambda: NET.init(0, dtype=int), "dtype is int64; it must be a floating type"),
    "masked inputs": (lambda: hesslib.fit(NET, W, np.ma.masked_array(X, X > 1), T), "x is a masked array; select the"),
}


def without(inverse: Any, q: Any) -> Any:
    from hesslib.pruning.saliency import without

    return without(inverse, q)


def surgeon_step(w: Any, inverse: Any, q: Any) -> Any:
    from hesslib.pruning.saliency import surgeon_step

    return surgeon_step(w, inverse, q)


@pytest.mark.usefixtures("as_installed")
@pytest.mark.parametrize(("call", "message"), REFUSED.values(), ids=REFUSED)
def test_what_cannot_be_taken_is_refused_by_name(call: Callable[[], Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        call()


@pytest.mark.usefixtures("as_installed")
def test_arrays_of_two_libraries_are_refused_in_every_place() -> None:
    torch = pytest.importorskip("torch")
    message = "w is a numpy array, v is a torch array; they must come from one library"
    with pytest.raises(ValueError, match=message):
        hesslib.hessian_vector_product(NET, W, X, T, torch.from_numpy(W))
    with pytest.raises(ValueError, match="w is a numpy array, diagonal is a torch array; they must come from one"):
        hesslib.saliency_obd(W, torch.from_numpy(W))


@pytest.mark.parametrize("kind", ["int8", "uint8", "int16", "int32", "int64"])
def test_labels_of_every_integer_type_are_taken_by_every_library(kind: str) -> None:
    import jax.numpy as jnp

    torch = pytest.importorskip("torch")
    expected = hesslib.gradient(CLASSES, V, X, LABELS)
    np.testing.assert_array_equal(hesslib.gradient(CLASSES, V, X, LABELS.astype(kind)), expected)
    of_torch = torch.from_numpy(LABELS.astype(kind))
    found = hesslib.gradient(CLASSES, torch.from_numpy(V), torch.from_numpy(X), of_torch)
    np.testing.assert_allclose(found.numpy(), expected, rtol=1e-13, atol=1e-15)
    found = hesslib.gradient(CLASSES, jnp.asarray(V), jnp.asarray(X), jnp.asarray(LABELS.astype(kind)))
    np.testing.assert_allclose(np.asarray(found), expected, rtol=1e-13, atol=1e-15)


@pytest.mark.usefixtures("as_installed")
@pytest.mark.parametrize("label", [-1, 3, 100])
def test_a_narrow_integer_that_is_no_label_is_refused(label: int) -> None:
    torch = pytest.importorskip("torch")
    with pytest.raises(
        ValueError, match=f"t has the value {label} in row 0; softmax_cross_entropy takes labels from 0"
    ):
        hesslib.error(CLASSES, torch.from_numpy(V), torch.from_numpy(X), torch.tensor([label] * 5, dtype=torch.int8))


def test_half_precision_is_taken_where_the_work_is_done_in_double() -> None:
    w, x, t = half(W, X, T)
    double = [array.astype(float) for array in (w, x, t)]
    found, exact = hesslib.fit(NET, w, x, t, max_iterations=3), hesslib.fit(NET, *double, max_iterations=3)
    assert found.w.dtype == np.float16
    assert found.error == pytest.approx(exact.error, rel=1e-6)
    regularised = hesslib.bayesian_regularization(NET, w, x, t, max_updates=2)
    assert regularised.w.dtype == np.float16
    assert regularised.log_evidences["gauss_newton"] == pytest.approx(regularised.log_evidence, rel=1e-9)


def test_bfloat16_is_taken_by_optimisers_and_operators() -> None:
    torch = pytest.importorskip("torch")
    w, x, t = (torch.from_numpy(array).bfloat16() for array in (W, X, T))
    found = hesslib.fit(NET, w, x, t, max_iterations=2)
    assert found.w.dtype == torch.bfloat16
    product = hesslib.hessian_operator(NET, w, x, t) @ W
    exact = hesslib.hessian_vector_product(NET, *(array.double() for array in (w, x, t)), torch.from_numpy(W))
    np.testing.assert_allclose(product, exact.numpy(), atol=0.05 * float(exact.abs().max()))


def test_torch_maps_the_hessian_over_a_batch_of_weights() -> None:
    torch = pytest.importorskip("torch")
    x, t = torch.from_numpy(X), torch.from_numpy(T)
    several = torch.from_numpy(np.stack([W, 2 * W]))
    found = torch.func.vmap(lambda w: hesslib.hessian(NET, w, x, t))(several)
    for w, H in zip(several, found, strict=True):
        np.testing.assert_allclose(H.numpy(), hesslib.hessian(NET, w, x, t).numpy(), rtol=1e-12, atol=1e-14)


def test_removing_every_parameter_with_retraining_leaves_zeros() -> None:
    found = hesslib.prune(NET, W, X, T, 13, alpha=0.1, retrain=2)
    np.testing.assert_array_equal(found.w, np.zeros(13))
    assert sorted(found.removed) == list(range(13))
    assert found.error[-1] == pytest.approx(float((T**2).sum()) / 2, rel=1e-12)


FACTORS = hesslib.kronecker_factors(NET, W, X, T)
OPERATORS = {
    "hessian": lambda: hesslib.hessian_operator(NET, W, X, T),
    "mean": lambda: hesslib.hessian_operator(NET, W, X, T, reduction="mean"),
    "gauss_newton": lambda: hesslib.gauss_newton_operator(NET, W, X, T),
    "kronecker_inverse": lambda: hesslib.kronecker_inverse_operator(NET, FACTORS, damping=0.5),
}


@pytest.mark.parametrize("make", OPERATORS.values(), ids=OPERATORS)
def test_an_operator_can_be_pickled(make: Callable[[], Any]) -> None:
    operator = make()
    copy = pickle.loads(pickle.dumps(operator))
    assert (copy.shape, copy.dtype) == (operator.shape, operator.dtype)
    for v in (W, np.stack([W, W**2], axis=1)):
        np.testing.assert_array_equal(copy @ v, operator @ v)
        np.testing.assert_array_equal(copy.rmatmat(v.reshape(13, -1)), operator.rmatmat(v.reshape(13, -1)))


@pytest.mark.parametrize("library", ["jax.numpy", "torch"])
def test_an_operator_of_any_library_can_be_pickled(library: str) -> None:
    xp = pytest.importorskip(library)
    operator = hesslib.hessian_operator(NET, *(xp.asarray(array) for array in (W, X, T)))
    copy = pickle.loads(pickle.dumps(operator))
    np.testing.assert_allclose(copy @ W, hesslib.hessian(NET, W, X, T) @ W, rtol=1e-11, atol=1e-13)


def test_weights_of_classes_smoothed_labels_and_ignored_patterns_are_what_the_losses_say() -> None:
    """The ways out that `hesslib.networks.losses` names, against the Hessians of PyTorch's own options."""
    torch = pytest.importorskip("torch")
    weight = torch.tensor([0.5, 2.0, 3.0], dtype=torch.float64)
    x, t = torch.from_numpy(X), torch.from_numpy(LABELS)

    def hessian(loss: Any, t: Any) -> np.ndarray:
        def f(w: Any) -> Any:
            (W1, W2), (b1, b2) = CLASSES.unravel(w)
            return loss(torch.tanh(x @ W1.T + b1) @ W2.T + b2, t)

        return torch.autograd.functional.hessian(f, torch.from_numpy(V)).numpy()

    rows = [k == LABELS for k in range(3)]
    grouped = sum(float(weight[k]) * hesslib.hessian(CLASSES, V, X[row], LABELS[row]) for k, row in enumerate(rows))
    theirs = hessian(torch.nn.CrossEntropyLoss(weight=weight, reduction="sum"), t)
    np.testing.assert_allclose(grouped, theirs, rtol=1e-10, atol=1e-12)
    smoothed = 0.9 * np.eye(3)[LABELS] + 0.1 / 3
    theirs = hessian(torch.nn.CrossEntropyLoss(label_smoothing=0.1, reduction="sum"), t)
    np.testing.assert_allclose(hesslib.hessian(CLASSES, V, X, smoothed), theirs, rtol=1e-10, atol=1e-12)
    ignored = torch.where(t == 1, torch.full_like(t, -100), t)
    counted = LABELS != 1
    theirs = hessian(torch.nn.CrossEntropyLoss(reduction="sum"), ignored)
    np.testing.assert_allclose(hesslib.hessian(CLASSES, V, X[counted], LABELS[counted]), theirs, rtol=1e-10, atol=1e-12)
