"""Wrong derivatives that users of other libraries reported, in our own words: each is refused, the right one not.

The first entry of a row is where it was reported. What was wrong there is in the second; the code is ours.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
import pytest

from hesslib import check


class Reported(NamedTuple):
    where: str
    what: str
    quantity: str
    f: Callable[[np.ndarray], Any]
    x: np.ndarray
    wrong: np.ndarray
    right: np.ndarray
    kinds: tuple[str, ...] = ()  # the name it must be given; none: any, or none


RNG = np.random.default_rng(5)
LOGITS, ONE_HOT = RNG.standard_normal(4), np.eye(4)[2]
SOFTMAX = np.exp(LOGITS) / np.exp(LOGITS).sum()
A = RNG.standard_normal((3, 3))
Y = RNG.standard_normal((4, 4))
PAIRS = RNG.standard_normal((8, 3))
CENTRE = RNG.standard_normal(4)
LAMBDA = np.exp(6.0)


def softplus(x: np.ndarray) -> Any:
    return (np.log1p(np.exp(3 * x)) / 3).sum()


def barlow_twins(w: np.ndarray) -> Any:
    """Off-diagonal correlations of two views, squared, and the diagonal pulled to 1."""
    C = (PAIRS @ w.reshape(3, 2)).T @ (PAIRS[:, ::-1] @ w.reshape(3, 2)) / len(PAIRS)
    return ((np.diag(C) - 1) ** 2).sum() + 0.3 * ((C - np.diag(np.diag(C))) ** 2).sum()


def barlow_gradient(w: np.ndarray, two: float) -> np.ndarray:
    first, second, W = PAIRS, PAIRS[:, ::-1], w.reshape(3, 2)
    C = (first @ W).T @ (second @ W) / len(PAIRS)
    S = np.diag(two * (np.diag(C) - 1)) + 0.3 * two * (C - np.diag(np.diag(C)))
    return ((first.T @ second @ W @ S.T + second.T @ first @ W @ S) / len(PAIRS)).reshape(-1)


def determinant_hessian(X: np.ndarray, *, inverse_moves: bool) -> np.ndarray:
    """d^2 det / dX_ij dX_kl = det (R_ji R_lk - R_jk R_li) with R the inverse; the second term moves the inverse."""
    R = np.linalg.inv(X)
    both = np.einsum("ji,lk->ijkl", R, R) - inverse_moves * np.einsum("jk,li->ijkl", R, R)
    return (np.linalg.det(X) * both).reshape(9, 9)


def product_hessian(x: np.ndarray) -> np.ndarray:
    return np.prod(x) / np.outer(x, x) * (1 - np.eye(len(x)))


def pose(q: np.ndarray) -> np.ndarray:
    """A dual quaternion of a plane motion, by its rotation and half of translation times rotation."""
    x, y, phi = q
    c, s = np.cos(phi / 2), np.sin(phi / 2)
    return np.array([c, s, (x * c + y * s) / 2, (y * c - x * s) / 2])


def pose_jacobian(q: np.ndarray, sign: float) -> np.ndarray:
    x, y, phi = q
    c, s = np.cos(phi / 2), np.sin(phi / 2)
    last = [-s / 2, c / 2, (-x * s + y * c) / 4, (-sign * x * c - y * s) / 4]
    return np.column_stack([[0, 0, c / 2, -s / 2], [0, 0, s / 2, c / 2], last])


def dispersed(z: np.ndarray) -> Any:
    return np.sin(z[0]) * z[1] ** 2 + z[0] ** 3


def with_moving_dispersion(z: np.ndarray) -> np.ndarray:
    """b' H b with b = z: differentiating J b once more adds J db, which does not belong."""
    H = hessian_of_dispersed(z)
    g = np.array([np.cos(z[0]) * z[1] ** 2 + 3 * z[0] ** 2, 2 * np.sin(z[0]) * z[1]])
    return H + np.diag(g / z)


def hessian_of_dispersed(z: np.ndarray) -> np.ndarray:
    mixed = 2 * np.cos(z[0]) * z[1]
    return np.array([[-np.sin(z[0]) * z[1] ** 2 + 6 * z[0], mixed], [mixed, 2 * np.sin(z[0])]])


def bump(x: np.ndarray) -> Any:
    """Smooth, and exactly 0 to the left of 0."""
    return np.where(x > 0, np.exp(-1 / np.maximum(x, 1e-3)), 0.0).sum()


Z = np.array([0.4, 1.3])
PHI = np.array([1.2, -0.7, 0.9])
E_2 = np.array([-0.7, 2.3])
GROWTH = np.exp(E_2[0] - E_2[1])

REPORTS = [
    Reported(
        "pytorch/pytorch#13669",
        "a gradient that broadcasting should have summed comes out twice",
        "gradient",
        lambda z: np.exp(z).sum() + 1000 * np.exp(z).sum(),
        np.ones(3),
        2 * 1001 * np.exp(np.ones(3)),
        1001 * np.exp(np.ones(3)),
        ("constant-factor",),
    ),
    Reported(
        "pytorch/pytorch#61568",
        "softplus with the slope of its linear part where it is not linear",
        "gradient",
        softplus,
        np.array([0.2736, 0.5, -0.3]),
        np.array([1.0, 1.0, 1 / (1 + np.exp(0.9))]),
        1 / (1 + np.exp(-3 * np.array([0.2736, 0.5, -0.3]))),
    ),
    Reported(
        "jax-ml/jax#2140",
        "log of the logistic function: 0 at 0, where a branch was cut",
        "gradient",
        lambda x: -np.logaddexp(0, -x).sum(),
        np.zeros(3),
        np.zeros(3),
        np.full(3, 0.5),
        ("all-zero",),
    ),
    Reported(
        "jax-ml/jax#15588",
        "a function that is constant here with a slope from its other branch",
        "gradient",
        bump,
        np.array([-0.5, 0.7]),
        np.array([1e-3, np.exp(-1 / 0.7) / 0.49]),
        np.array([0.0, np.exp(-1 / 0.7) / 0.49]),
    ),
    Reported(
        "pytorch/pytorch#92075",
        "mixed derivatives of a kernel at coinciding points, through a norm that has none there",
        "hessian",
        lambda v: np.exp(-((v - CENTRE) ** 2).sum()),
        CENTRE.copy(),
        np.zeros((4, 4)),
        -2 * np.eye(4),
        ("all-zero",),
    ),
    Reported(
        "pytorch/pytorch#18619",
        "a product whose second derivative is lost when it is asked for again",
        "hessian",
        np.prod,
        np.array([1.5, -0.8, 1.1]),
        np.zeros((3, 3)),
        product_hessian(np.array([1.5, -0.8, 1.1])),
        ("all-zero",),
    ),
    Reported(
        "tensorflow/tensorflow#55230",
        "the second derivative of a determinant, in which the inverse does not move",
        "hessian",
        lambda v: np.linalg.det(v.reshape(3, 3)),
        A.reshape(-1),
        determinant_hessian(A, inverse_moves=False),
        determinant_hessian(A, inverse_moves=True),
    ),
    Reported(
        "JuliaDiff/DifferentiationInterface.jl#1014",
        "one entry on the diagonal of a Hessian, of a variable that is a factor as well",
        "hessian",
        lambda v: np.exp(v[0] - v[1]) * v[1],
        E_2,
        GROWTH * np.array([[2.3, -1.3], [-1.3, 2 * 1.3]]),
        GROWTH * np.array([[2.3, -1.3], [-1.3, 0.3]]),
    ),
    Reported(
        "markroxor/fromscratchtoml#65",
        "softmax and cross-entropy, twice",
        "gradient",
        lambda a: np.log(np.exp(a).sum()) - a @ ONE_HOT,
        LOGITS,
        2 * (SOFTMAX - ONE_HOT),
        SOFTMAX - ONE_HOT,
        ("constant-factor",),
    ),
    Reported(
        "davisking/dlib#2518",
        "Barlow twins: the 2 of the square is missing",
        "gradient",
        barlow_twins,
        np.arange(1.0, 7.0) / 5,
        barlow_gradient(np.arange(1.0, 7.0) / 5, 1.0),
        barlow_gradient(np.arange(1.0, 7.0) / 5, 2.0),
        ("constant-factor",),
    ),
    Reported(
        "NeuromatchAcademy/course-content-dl#176",
        "a narrow linear network with the sign of the residual",
        "gradient",
        lambda w: (1.4 - w[0] * w[1] * 0.7) ** 2,
        np.array([0.6, -1.1]),
        2 * 0.7 * (1.4 + 0.66 * 0.7) * np.array([-1.1, 0.6]),
        -2 * 0.7 * (1.4 + 0.66 * 0.7) * np.array([-1.1, 0.6]),
        ("wrong-sign",),
    ),
    Reported(
        "dqrobotics/matlab#62",
        "one sign in one entry of the Jacobian of a pose",
        "jacobian",
        pose,
        PHI,
        pose_jacobian(PHI, -1.0),
        pose_jacobian(PHI, 1.0),
    ),
    Reported(
        "Soldann/MORB_SLAM#31",
        "I for -I as the Jacobian of a residual",
        "jacobian",
        lambda b: CENTRE[:3] - b,
        np.ones(3),
        np.eye(3),
        -np.eye(3),
        ("wrong-sign",),
    ),
    Reported(
        "BVLC/caffe#6814",
        "half of the difference quotient, by the weight of a loss",
        "gradient",
        lambda v: (np.sin(v) * np.arange(1, 7)).sum(),
        np.linspace(-1, 1, 6),
        np.cos(np.linspace(-1, 1, 6)) * np.arange(1, 7) / 2,
        np.cos(np.linspace(-1, 1, 6)) * np.arange(1, 7),
        ("constant-factor",),
    ),
    Reported(
        "SauersML/gam#2454",
        "5e-8 times a precision of e^6 is added to the gradient",
        "gradient",
        lambda v: (v**2).sum() / 2 - np.cos(v).sum(),
        np.array([0.4, -0.3]),
        np.array([0.4, -0.3]) + np.sin([0.4, -0.3]) + 5e-8 * LAMBDA,
        np.array([0.4, -0.3]) + np.sin([0.4, -0.3]),
    ),
    Reported(
        "zgbkdlm/tme#7",
        "a Hessian between matrices that depend on the point, and are differentiated too",
        "hessian",
        dispersed,
        Z,
        with_moving_dispersion(Z),
        hessian_of_dispersed(Z),
    ),
    Reported(
        "jax-ml/jax#9040",
        "0 times NaN: an entry that does not count has the slope NaN",
        "gradient",
        lambda v: (v[1:] ** 2).mean(),
        np.arange(5.0),
        np.array([np.nan, 0.5, 1.0, 1.5, 2.0]),
        np.array([0.0, 0.5, 1.0, 1.5, 2.0]),
        ("not-finite",),
    ),
]


@pytest.mark.parametrize("report", REPORTS, ids=lambda report: report.where)
def test_what_was_reported_is_wrong_and_what_is_right_is_right(report: Reported) -> None:
    examine = getattr(check, report.quantity)
    right = examine(report.f, report.x, report.right, progress=False)
    assert right.verdict == "right", right
    wrong = examine(report.f, report.x, report.wrong, progress=False)
    assert wrong.verdict == "wrong", wrong
    if report.kinds:
        assert set(report.kinds) <= set(wrong.kinds), wrong


def test_a_norm_at_zero_has_no_derivative_whatever_is_claimed() -> None:
    """jax-ml/jax#3058: NaN at 0, and 0 as the repair; neither is the derivative, for there is none."""
    for claimed in (np.full(3, np.nan), np.zeros(3)):
        report = check.gradient(lambda v: np.sqrt((v**2).sum()), np.zeros(3), claimed, progress=False)
        assert report.verdict != "right", report


def test_a_power_zero_is_constant() -> None:
    """jax-ml/jax#18450: the derivative of x ** 0 at 0 is 0, where a compiled one gave NaN."""
    assert check.gradient(lambda v: (v**0).sum(), np.zeros(2), np.zeros(2), progress=False).verdict == "right"
    assert check.gradient(lambda v: (v**0).sum(), np.zeros(2), np.full(2, np.nan), progress=False).verdict == "wrong"
