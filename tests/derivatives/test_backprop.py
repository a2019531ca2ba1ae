"""Properties of the gradient and the output Jacobian, over the whole table of cases."""

import numpy as np
import oracles
import pytest
from cases import CASES, JAX_CASES, Case, close, over, reference

import hesslib
from hesslib import Network


@over(CASES)
def test_gradient_is_that_of_the_loops(case: Case) -> None:
    close(hesslib.gradient(case.net, case.w, case.x, case.t), reference(case).gradients.sum(axis=0), case.rounding)


@over(CASES)
def test_output_jacobian_is_that_of_the_loops(case: Case) -> None:
    close(hesslib.output_jacobian(case.net, case.w, case.x), reference(case).jacobian, case.rounding)


@over(CASES)
def test_jacobian_transposed_times_delta_is_the_gradient(case: Case) -> None:
    net, w, x, t = case.net, case.w, case.x, case.t
    delta = hesslib.deltas(net, w, hesslib.forward(net, w, x), t)
    J = hesslib.output_jacobian(net, w, x)
    close(np.einsum("nkp,nk->p", J, delta[net.L]), hesslib.gradient(net, w, x, t), case.rounding)


@over(CASES)
def test_delta_is_the_gradient_with_respect_to_the_biases_of_each_pattern(case: Case) -> None:
    net = case.net
    delta = hesslib.deltas(net, case.w, hesslib.forward(net, case.w, case.x), case.t)
    assert delta[0] is None
    for l in range(1, net.L + 1):
        close(delta[l], reference(case).gradients[:, net.bias_slice(l)], case.rounding)


@over(CASES)
def test_mean_is_the_sum_over_n(case: Case) -> None:
    args = case.net, case.w, case.x, case.t
    np.testing.assert_array_equal(
        hesslib.gradient(*args, reduction="mean"), hesslib.gradient(*args, reduction="sum") / case.N
    )


@over([case for case in CASES if case.N > 1])
def test_gradient_of_a_batch_is_the_sum_of_its_parts(case: Case) -> None:
    net, w, x, t = case.net, case.w, case.x, case.t
    parts = [hesslib.gradient(net, w, x[part], t[part]) for part in (slice(0, 1), slice(1, None))]
    close(sum(parts), hesslib.gradient(net, w, x, t), case.rounding)


@over(CASES)
def test_dtype_is_preserved(case: Case) -> None:
    net, w, x, t = case.net, case.w, case.x, case.t
    trace = hesslib.forward(net, w, x)
    results = [
        *trace.a[1:],
        *trace.z,
        *hesslib.deltas(net, w, trace, t)[1:],
        hesslib.gradient(net, w, x, t),
        hesslib.gradient(net, w, x, t, reduction="mean"),
        hesslib.output_jacobian(net, w, x),
    ]
    assert {str(result.dtype) for result in results} == {case.dtype}


@over([case for case in CASES if case.N == 1])
def test_oracles_agree_with_each_other(case: Case) -> None:
    def E(w: np.ndarray) -> complex:
        return oracles.pattern_error(case.widths, case.activations, case.loss, w, case.x[0], case.t[0])

    gradient = reference(case).gradients[0]
    close(oracles.complex_step(E, case.w), gradient, case.rounding)
    close(oracles.central_differences(E, case.w), gradient, 1e-8)
    slope = oracles.central_differences(lambda w: oracles.complex_step(E, w), case.w)
    close(slope, reference(case).hessians[0], 1e-8)


@over(JAX_CASES)
def test_jax_agrees_under_jit_and_when_differentiated(case: Case) -> None:
    import jax

    net, w, t = case.net, jax.numpy.asarray(case.w), case.t
    E = oracles.jax_error(case.widths, case.activations, case.loss, case.x, t)

    def all_ways(w: jax.Array) -> tuple[jax.Array, ...]:
        by_package = hesslib.gradient(net, w, case.x, t)
        through_package = jax.grad(lambda w: hesslib.error(net, w, case.x, t))(w)
        return by_package, through_package, jax.grad(E)(w), hesslib.output_jacobian(net, w, case.x)

    by_package, through_package, by_jax, J = jax.jit(all_ways)(w)
    assert isinstance(by_package, jax.Array)
    close(by_package, by_jax, case.rounding)
    close(through_package, by_jax, case.rounding)
    close(by_package, hesslib.gradient(net, case.w, case.x, t), case.rounding)
    close(J, hesslib.output_jacobian(net, case.w, case.x), case.rounding)


def test_network_is_a_static_argument_and_the_trace_a_result_under_jit() -> None:
    import jax

    net = Network((2, 3, 2))
    w, x = net.init(0), np.ones((4, 2))
    trace = jax.jit(hesslib.forward, static_argnums=0)(net, w, x)
    assert trace.a[0] is None
    np.testing.assert_allclose(trace.y, hesslib.outputs(net, w, x), rtol=1e-14)


def test_vmap_runs_over_weights_and_over_targets() -> None:
    import jax

    net = Network((2, 3, 3), loss="softmax_cross_entropy")
    rng = np.random.default_rng(0)
    w, x, t = np.stack([net.init(rng), net.init(rng)]), np.ones((4, 2)), np.array([[0, 1, 2, 0], [1, 1, 0, 2]])
    both = jax.vmap(lambda w, t: hesslib.gradient(net, w, x, t))(w, t)
    one_by_one = [hesslib.gradient(net, w[i], x, t[i]) for i in range(2)]
    np.testing.assert_allclose(both, one_by_one, rtol=1e-13, atol=1e-15)


@over(CASES)
def test_pytorch_tensors_give_tensors_and_agree_with_a_stack_of_linear_modules(case: Case) -> None:
    torch = pytest.importorskip("torch")
    w, x, t = (torch.from_numpy(array) for array in (case.w, case.x, case.t))
    E, gradient = oracles.torch_gradient(case.widths, case.activations, case.loss, case.w, case.x, case.t)
    by_package = hesslib.gradient(case.net, w, x, t)
    assert isinstance(by_package, torch.Tensor)
    assert str(by_package.dtype) == f"torch.{case.dtype}"
    close(by_package.numpy(), gradient, case.rounding)
    assert float(hesslib.error(case.net, w, x, t)) == pytest.approx(E, rel=case.rounding)
    close(hesslib.output_jacobian(case.net, w, x).numpy(), reference(case).jacobian, case.rounding)


def test_pytorch_differentiates_and_maps_over_the_result() -> None:
    torch = pytest.importorskip("torch")
    net = Network((2, 3, 3), activation="gelu", loss="softmax_cross_entropy")
    w = torch.from_numpy(np.stack([net.init(0), net.init(1)]))
    x, t = torch.ones((4, 2), dtype=w.dtype), torch.tensor([0, 1, 2, 0])
    through = torch.func.vmap(torch.func.grad(lambda w: hesslib.error(net, w, x, t)))(w)
    torch.testing.assert_close(through, torch.stack([hesslib.gradient(net, w_i, x, t) for w_i in w]))


@pytest.mark.parametrize("loss", ["squared_error", "binary_cross_entropy", "softmax_cross_entropy"])
@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("logit", [1e4, -1e4])
def test_gradient_is_finite_at_any_logit(loss: str, dtype: str, logit: float) -> None:
    net = Network((1, 2), loss=loss)
    w = np.array([logit, 0.0, 0.0, 0.0], dtype=dtype)
    x, t = np.ones((1, 1), dtype=dtype), np.array([[0.0, 1.0]], dtype=dtype)
    with np.errstate(over="raise", invalid="raise", divide="raise"):
        gradient = hesslib.gradient(net, w, x, t)
    y = {
        "squared_error": [logit, 0],
        "binary_cross_entropy": [float(logit > 0), 0.5],
        "softmax_cross_entropy": [float(logit > 0), float(logit < 0)],
    }[loss]
    np.testing.assert_array_equal(gradient, np.tile(np.array(y) - t[0], 2))


def test_saturated_output_keeps_the_digits_of_a_small_delta() -> None:
    net = Network((1, 1), loss="binary_cross_entropy")
    gradient = hesslib.gradient(net, np.array([0.0, 50.0]), np.ones((1, 1)), np.ones((1, 1)))
    np.testing.assert_allclose(gradient, -np.exp(-50.0), rtol=50 * np.finfo(float).eps)


def test_one_way_softmax_is_constant() -> None:
    net = Network((2, 3, 1), loss="softmax_cross_entropy")
    gradient = hesslib.gradient(net, net.init(0), np.ones((3, 2)), np.zeros(3, dtype=int))
    np.testing.assert_array_equal(gradient, np.zeros(net.num_parameters))
