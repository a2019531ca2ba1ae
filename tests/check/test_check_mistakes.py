"""Every mistake that is planted is named, and no other is; on five architectures at least."""

from __future__ import annotations

import numpy as np
import pytest
from cases import Case
from planted_mistakes import PANEL, PLANTS, RIGHT, SINGLE, SOFTMAX, Plant, gradient, jacobian, vector, way_back

from hesslib import check

EACH = [pytest.param(plant, case, id=f"{plant.id} on {case.id}") for plant in PLANTS for case in plant.cases]


def checked(quantity: str, case: Case, claimed: np.ndarray) -> check.Report:
    f = case.net, case.x, case.t
    options = {"referees": ["closed form"], "progress": False}
    if quantity == "hessian_vector_product":
        return check.hessian_vector_product(f, case.w, vector(case), claimed, **options)
    return getattr(check, quantity)(f, case.w, claimed, **options)


@pytest.mark.parametrize(("plant", "case"), EACH)
def test_the_planted_mistake_is_named_and_no_other(plant: Plant, case: Case) -> None:
    report = checked(plant.quantity, case, plant.make(case))
    assert report.verdict == "wrong"
    assert set(report.kinds) == set(plant.kinds), report


@pytest.mark.parametrize("quantity", ["gradient", "hessian"])
@pytest.mark.parametrize("case", [*PANEL, *SINGLE, *SOFTMAX], ids=lambda case: case.id)
def test_numbers_at_random_get_no_name(quantity: str, case: Case) -> None:
    """Of the size of the right result, or right up to an error at random of a tenth."""
    right = RIGHT[quantity](case)
    for seed in range(3):
        noise = np.random.default_rng(seed).standard_normal(right.shape) * np.abs(right).max()
        noise = (noise + noise.T) / 2
        for claimed in (noise, right + 0.1 * noise):
            report = checked(quantity, case, claimed)
            assert (report.verdict, report.kinds) == ("wrong", ("unknown",)), report


@pytest.mark.parametrize("quantity", RIGHT)
@pytest.mark.parametrize("case", PANEL, ids=lambda case: case.id)
def test_what_is_right_is_called_right_and_nothing_is_diagnosed(quantity: str, case: Case) -> None:
    report = checked(quantity, case, RIGHT[quantity](case))
    assert report.verdict == "right", report
    assert report.diagnoses == ()


@pytest.mark.parametrize("case", PANEL, ids=lambda case: case.id)
def test_the_way_back_that_mistakes_are_planted_in_is_right_without_them(case: Case) -> None:
    np.testing.assert_allclose(way_back(case), gradient(case), rtol=1e-9, atol=1e-12)
    np.testing.assert_allclose(way_back(case, outputs=True), jacobian(case), rtol=1e-9, atol=1e-12)


def test_at_least_twenty_kinds_are_planted_each_on_five_architectures() -> None:
    cases: dict[str, set[Case]] = {}
    for plant in PLANTS:
        for kind in plant.kinds:
            cases.setdefault(kind, set()).update(plant.cases)
    assert len(cases) >= 20
    assert min(map(len, cases.values())) >= 5, {kind: len(found) for kind, found in cases.items()}
