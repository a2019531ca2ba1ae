"""The chains of two chapters, and what every derivation is asked alike, wherever it is tested."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from hesslib.calculus.steps import NotEqualError, Steps
from hesslib.derivations import evidence, pruning

EVIDENCE: dict[str, Callable[[], Steps]] = {
    "slope": evidence.slope,
    "curvature": evidence.curvature,
    "Z_D": evidence.normalisation_of_data,
    "Z_W": evidence.normalisation_of_weights,
    "Bayes": evidence.bayes,
    "expansion": evidence.expansion,
    "inverse": evidence.inverse,
    "Z_F": evidence.log_Z_F,
    "evidence": evidence.log_evidence,
    "evidence of classes": evidence.log_evidence_of_classes,
    "condition on alpha, classes": evidence.condition_on_alpha_of_classes,
    "motion": evidence.motion,
    "ln det": evidence.slope_of_log_determinant,
    "condition on alpha": evidence.condition_on_alpha,
    "condition on beta": evidence.condition_on_beta,
    "gamma by trace": evidence.gamma_by_trace,
    "new alpha": evidence.new_alpha,
    "new beta": evidence.new_beta,
    "collapse, gamma": lambda: evidence.collapse()[0],
    "collapse, weights": lambda: evidence.collapse()[1],
    "variance": evidence.variance,
}
PRUNING: dict[str, Callable[[], Steps]] = {
    "damage": pruning.damage,
    "stationary": pruning.stationary,
    "multiplier": pruning.multiplier,
    "surgeon step": pruning.surgeon_step,
    "surgeon": pruning.surgeon,
    "any other": pruning.any_other,
    "inverse without": pruning.inverse_without,
    "retraining": pruning.retraining,
    "with the old": pruning.with_the_old,
}


def require_derived(found: Any) -> None:
    """One formula or several: each derived, by checks that passed, and typeset."""
    for formula in found if isinstance(found, tuple) else (found,):
        assert formula.established == "derived"
        assert formula.checks
        assert all(check.passed for check in formula.checks)
        assert formula.latex()


def require_twice_refused(steps: Steps) -> None:
    """Twice the result is not accepted for the left side."""
    with pytest.raises(NotEqualError):
        Steps(steps.lhs).then(steps.result, using=lambda x: x.xreplace({steps.lhs: steps.result})).stated(
            2 * steps.result
        )


def require_negative_refused(steps: Steps) -> None:
    """The chain is derived, says something, and its negative is refused."""
    assert steps.established == "derived"
    assert steps.lhs != steps.result  # it says something
    assert steps.refuses(-steps.result, "sign").checks
