"""Products with vectors: against the matrices, one or many at a time, and as SciPy operators."""

import numpy as np
import pytest
import scipy.sparse.linalg
from cases import CASES, Case, close, gauss_newton_of_the_loops, over, reference

import hesslib
from hesslib.book.measuring import matrix_products

PRODUCTS = [
    (hesslib.hessian_vector_product, hesslib.hessian_operator),
    (hesslib.gauss_newton_vector_product, hesslib.gauss_newton_operator),
]


def vectors(case: Case, count: int) -> np.ndarray:
    shape = (case.net.num_parameters, count)
    return np.random.default_rng(0).standard_normal(shape).astype(case.dtype)


def room(case: Case, A: np.ndarray, v: np.ndarray) -> float:
    """The rounding allowed in A v relative to its largest entry, which may be small by cancellation."""
    return case.rounding * np.max(np.abs(A) @ np.abs(v)) / np.max(np.abs(A @ v)) * len(A) ** 0.5


@over(CASES)
def test_products_are_those_of_the_matrices_of_the_loops(case: Case) -> None:
    args, v = (case.net, case.w, case.x, case.t), vectors(case, 3)
    H, GN = reference(case).hessians.sum(axis=0), gauss_newton_of_the_loops(case)
    close(hesslib.hessian_vector_product(*args, v), H @ v, room(case, H, v))
    close(hesslib.gauss_newton_vector_product(*args, v), GN @ v, room(case, GN, v))


@over(CASES)
def test_one_vector_gives_the_column_that_many_give_and_dtypes_are_kept(case: Case) -> None:
    args, v = (case.net, case.w, case.x, case.t), vectors(case, 2)
    for product, _ in PRODUCTS:
        both, one = product(*args, v), product(*args, v[:, 1])
        assert one.shape == (len(case.w),)
        assert one.dtype == both.dtype == case.dtype
        close(one, both[:, 1], case.rounding)


@over(CASES)
def test_mean_is_the_sum_over_n(case: Case) -> None:
    args, v = (case.net, case.w, case.x, case.t), vectors(case, 1)
    for product, _ in PRODUCTS:
        np.testing.assert_array_equal(product(*args, v, reduction="mean"), product(*args, v) / case.N)


@over(CASES)
def test_products_are_self_adjoint(case: Case) -> None:
    args, (u, v) = (case.net, case.w, case.x, case.t), vectors(case, 2).T
    for product, _ in PRODUCTS:
        Hu, Hv = product(*args, u), product(*args, v)
        size = np.linalg.norm(u) * np.linalg.norm(Hv) + np.linalg.norm(v) * np.linalg.norm(Hu)
        assert abs(u @ Hv - v @ Hu) <= case.rounding * len(u) ** 0.5 * size


@over(CASES)
def test_operators_give_the_same_products(case: Case) -> None:
    args, v = (case.net, case.w, case.x, case.t), vectors(case, 2)
    for product, operator in PRODUCTS:
        for reduction in ("sum", "mean"):
            A, expected = operator(*args, reduction=reduction), product(*args, v, reduction=reduction)
            assert A.dtype == case.dtype
            close(A @ v, expected, case.rounding)
            close(A.T @ v, expected, case.rounding)
            close(A @ v[:, 0], expected[:, 0], case.rounding)


def test_an_operator_answers_for_the_place_it_was_made_at_whatever_becomes_of_the_arrays() -> None:
    case = Case((2, 4, 3, 3), ("tanh", "gelu"), "softmax_cross_entropy")
    for _, operator in PRODUCTS:
        w, x, t = case.w.copy(), case.x.copy(), case.t.copy()
        A = operator(case.net, w, x, t)
        before = A @ np.eye(len(w))
        w += 1
        x += 1
        t[...] = t[::-1].copy()
        np.testing.assert_array_equal(A @ np.eye(len(w)), before)


def test_columns_of_the_hessian_are_its_products_with_unit_vectors() -> None:
    case = Case((2, 4, 3, 3), ("tanh", "gelu"), "softmax_cross_entropy")
    args = case.net, case.w, case.x, case.t
    close(hesslib.hessian_vector_product(*args, np.eye(len(case.w))), hesslib.hessian(*args), case.rounding)


def test_scipy_finds_the_extreme_eigenvalues_and_solves_through_the_operators() -> None:
    case = Case((2, 4, 3, 3), ("tanh", "gelu"), "softmax_cross_entropy", N=20)
    args = case.net, case.w, case.x, case.t
    H, GN = hesslib.hessian(*args), hesslib.gauss_newton(*args)
    top = scipy.sparse.linalg.eigsh(hesslib.hessian_operator(*args), k=2, which="LA", return_eigenvectors=False)
    np.testing.assert_allclose(np.sort(top), np.linalg.eigvalsh(H)[-2:], rtol=1e-8)
    damped = hesslib.gauss_newton_operator(*args) + scipy.sparse.linalg.aslinearoperator(np.eye(len(H)))
    solution, status = scipy.sparse.linalg.cg(damped, case.w, rtol=1e-12)
    assert status == 0
    np.testing.assert_allclose(solution, np.linalg.solve(GN + np.eye(len(H)), case.w), rtol=1e-8, atol=1e-10)


@pytest.mark.parametrize("library", ["jax.numpy", "torch"])
def test_operators_of_other_libraries_take_and_give_numpy_vectors(library: str) -> None:
    xp = pytest.importorskip(library)
    case = Case((2, 3, 2), ("sin",), "binary_cross_entropy")
    args = case.net, *(xp.asarray(array) for array in (case.w, case.x, case.t))
    v = vectors(case, 2)
    for product, operator in PRODUCTS:
        expected = product(case.net, case.w, case.x, case.t, v)
        result = operator(*args) @ v  # runs on the library, gives NumPy
        assert isinstance(result, np.ndarray)
        close(result, expected, case.rounding)


@pytest.mark.usefixtures("as_installed")
@pytest.mark.parametrize(
    ("v", "message"),
    [
        (np.ones(12), r"v has shape \(12,\); it must be \(13,\) or \(13, V\)"),
        (np.ones((2, 13)), r"v has shape \(2, 13\); it must be"),
        (np.ones((13, 1, 1)), r"v has shape \(13, 1, 1\); it must be"),
        (np.ones(13, dtype=np.float32), "v is float32 and w is float64; they must have the same dtype"),
        ([1.0] * 13, "v is a list; it must be an array"),
    ],
)
def test_vectors_that_do_not_fit_are_refused(v: object, message: str) -> None:
    net = hesslib.Network((2, 3, 1))
    for product, _ in PRODUCTS:
        with pytest.raises(ValueError, match=message):
            product(net, np.zeros(13), np.zeros((4, 2)), np.zeros((4, 1)), v)


@pytest.mark.parametrize("depth", [1, 2, 3, 5])
def test_a_product_costs_the_products_of_matrices_that_its_docstring_counts(depth):
    net = hesslib.Network((30, *(40,) * (depth - 1), 20))
    w, x, t = net.init(0), np.ones((50, 30)), np.ones((50, 20))

    def count(product):
        return matrix_products(lambda w, v: product(net, w, x, t, v), w, w)

    assert matrix_products(lambda w: hesslib.gradient(net, w, x, t), w) == 3 * depth - 1
    assert count(hesslib.hessian_vector_product) == 8 * depth - 5
    assert count(hesslib.gauss_newton_vector_product) == 6 * depth - 3
