"""The damped step: against the equations it solves, for every radius, however ill the Jacobian is conditioned."""

import mpmath
import numpy as np
import pytest

from hesslib.training.trust_region import EPS, WITHIN, DampedSteps

rng = np.random.default_rng(0)
RADII = [1e-6, 1e-2, 1.0, 1e2, 1e6]


def jacobian(condition: float, m: int = 12, P: int = 5) -> np.ndarray:
    """A matrix with singular values from 1 down to 1 / condition."""
    U, _ = np.linalg.qr(rng.standard_normal((m, P)))
    V, _ = np.linalg.qr(rng.standard_normal((P, P)))
    return U * np.geomspace(1, 1 / condition, P) @ V.T


def steps(J: np.ndarray, r: np.ndarray, D: np.ndarray | None = None) -> DampedSteps:
    return DampedSteps(J, J.T @ r, np.ones(J.shape[1]) if D is None else D, r)


@pytest.mark.parametrize("radius", RADII)
@pytest.mark.parametrize("condition", [1e1, 1e5, 1e9, 1e13])
def test_the_step_is_as_long_as_the_radius_or_the_undamped_one(condition: float, radius: float) -> None:
    J, r = jacobian(condition), rng.standard_normal(12)
    step = steps(J, r).within(radius, 0.0)
    assert step.length == pytest.approx(np.linalg.norm(step.q))
    assert step.length <= (1 + WITHIN) * radius
    assert step.damping == 0 or step.length >= (1 - WITHIN) * radius


@pytest.mark.parametrize("radius", RADII)
@pytest.mark.parametrize("condition", [1e1, 1e5, 1e9])
@pytest.mark.parametrize("first_guess", [0.0, 1e-9, 1e3])
def test_the_step_solves_its_equations(condition: float, radius: float, first_guess: float) -> None:
    """Against the augmented least-squares problem in 60 digits; a condition number costs as many digits as it has."""
    J, r, D = jacobian(condition), rng.standard_normal(12), 10.0 ** rng.uniform(-3, 3, 5)
    step = steps(J * D, r, D).within(radius, first_guess)
    with mpmath.workdps(60):
        A = mpmath.matrix((J * D / D).tolist())
        q = mpmath.lu_solve(A.T * A + step.damping * mpmath.eye(5), -(A.T * mpmath.matrix(r.tolist())))
        expected = np.array(q.tolist(), dtype=float)[:, 0]
    # Cholesky is used up to a condition of 1/sqrt(eps) of its matrix, the SVD up to the condition of J itself
    allowed = 100 * max(np.sqrt(EPS), condition * EPS)
    assert np.linalg.norm(step.q - expected) <= allowed * np.linalg.norm(expected)


def test_the_model_promises_what_it_says() -> None:
    J, r = jacobian(10.0), rng.standard_normal(12)
    for radius in RADII:
        step = steps(J, r).within(radius, 0.0)
        assert step.promised == pytest.approx((r @ r - np.sum((r + J @ step.q) ** 2)) / 2, rel=1e-6, abs=1e-12)
        assert step.slope == pytest.approx(-(J.T @ r) @ step.q)


def test_without_residuals_the_gradient_does() -> None:
    J, r = jacobian(1e9), rng.standard_normal(12)
    for radius in RADII[:3]:
        with_r = steps(J, r).within(radius, 0.0)
        without = DampedSteps(J, J.T @ r, np.ones(5)).within(radius, 0.0)
        np.testing.assert_allclose(without.q, with_r.q, rtol=1e-4)


def test_of_a_singular_jacobian_the_undamped_step_is_the_shortest_solution() -> None:
    J = jacobian(10.0)
    J[:, 4] = J[:, 0] + J[:, 1]
    r = rng.standard_normal(12)
    step = steps(J, r).within(1e9, 0.0)
    assert step.damping == 0
    np.testing.assert_allclose(step.q, -np.linalg.pinv(J) @ r, rtol=1e-10)


def test_fewer_residuals_than_parameters_are_a_singular_jacobian_too() -> None:
    J, r = rng.standard_normal((3, 5)), rng.standard_normal(3)
    step = steps(J, r).within(1e9, 1e-3)
    np.testing.assert_allclose(step.q, -np.linalg.pinv(J) @ r, rtol=1e-10)
    assert step.promised == pytest.approx(r @ r / 2)


def test_the_normal_equations_are_not_solved_where_conditioning_forbids_it() -> None:
    J, r = jacobian(1e9), rng.standard_normal(12)
    ill = steps(J, r)
    ill.within(1e9, 0.0)
    assert ill.decomposed
    damped = steps(J, r)
    damped.within(1e-3, 1.0)
    assert not damped.decomposed
    well = steps(jacobian(10.0), r)
    assert well.within(1e9, 0.0).damping == 0
    assert not well.decomposed


def test_a_step_with_a_given_damping() -> None:
    J, r = jacobian(10.0), rng.standard_normal(12)
    expected = -np.linalg.solve(J.T @ J + 0.5 * np.eye(5), J.T @ r)
    np.testing.assert_allclose(steps(J, r).at(0.5).q, expected, rtol=1e-10)
    ill = jacobian(1e12)
    found = steps(ill, r).at(1e-16)
    U, s, Vt = np.linalg.svd(ill, full_matrices=False)
    np.testing.assert_allclose(found.q, -Vt.T @ (s * (U.T @ r) / (s**2 + 1e-16)), rtol=1e-3)
