"""A check from the quantity to the report: referees are heard, compared, and a wrong result is diagnosed.

Longer than one sitting: the order of the steps is what this module is about.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from itertools import combinations
from typing import Any

import numpy as np

from hesslib._arrays import to_numpy
from hesslib.agreement import figure
from hesslib.check import from_autodiff, from_closed_form, from_values
from hesslib.check.autodiff import Autodiff, backend_for
from hesslib.check.case import Case
from hesslib.check.diagnosis import Diagnosis, diagnose
from hesslib.check.disagreement import inexactness, of_inexact_values, second_look
from hesslib.check.libraries import epsilon
from hesslib.check.location import block_errors
from hesslib.check.mistakes import omissions
from hesslib.check.mistakes.points import at_kinks
from hesslib.check.options import Options
from hesslib.check.quantity import Quantity
from hesslib.check.reference import Declined, Reference, ratio
from hesslib.check.report import Referee, Report
from hesslib.check.verdict import (
    CANNOT_TELL,
    IN_THE_SAMPLE,
    WRONG,
    Bench,
    Judgement,
    bench,
    common_noise,
    judge,
    relative,
    verdict,
)
from hesslib.check.views import Sampling

DIRECTIONS = 4  # random directions in each block
REMARKS = 3  # that are shown
INEXACT_BELOW = 1e-3  # a result this close, relative to the largest entry, may be right and f inexact


def run_check(quantity: Quantity, claimed: Any, options: Options) -> Report:
    """Ask every referee, judge the claimed result, diagnose it if it is wrong."""
    value, transposed = _claimed(quantity, claimed)
    eps = max(epsilon(claimed), quantity.subject.eps)
    sampling = _sampling(quantity, options)
    tool = backend_for(quantity.subject.library, quantity.subject.network is not None)
    if quantity.subject.random:
        said_of_f = Diagnosis(("random-function",), quantity.subject.random, "", float("inf"), 0.0, 0.0)
        words = "no referee was asked: a random function has no derivative that can be checked"
        return Report(quantity.words, options.problem, CANNOT_TELL, (said_of_f,), (), (), words, "", ())
    references, declined = ask_referees(quantity, tool, options, sampling)
    if not references:
        words = "no referee could say anything"
        return Report(quantity.words, options.problem, CANNOT_TELL, (), (), tuple(declined), words, "", ())
    natural = _natural(quantity)
    references = [second_look(quantity, reference, references) for reference in references]
    sorted_bench = bench(references, natural)
    everyone = (*sorted_bench.trusted, *sorted_bench.dissenting, *sorted_bench.silent)
    judgements = [judge(value, reference, eps, natural, common_noise(reference, references)) for reference in everyone]
    said = (
        WRONG
        if transposed or not np.isfinite(value).all()
        else verdict(sorted_bench, judgements[: len(judgements) - len(sorted_bench.silent)])
    )
    best = judgements[everyone.index(sorted_bench.best)]
    diagnoses: tuple[Diagnosis, ...] = ()
    omitted: tuple[str, ...] = ()
    if transposed:
        words = "it has the shape of the transpose: outputs belong first, coordinates second"
        before = 0.0 if best.passed else best.distance
        diagnoses = (Diagnosis(("transposed",), words, "", float("inf"), before, max(before, best.tolerance)),)
    if said == WRONG and not transposed and options.noise == 0 and best.distance < INEXACT_BELOW:
        noise = inexactness(quantity.subject)
        if noise > 0:
            report = run_check(quantity, claimed, replace(options, noise=noise))
            words = (
                f"the values of f are not exact: they jump by about {noise:.0e} of their size, as those of an "
                "iteration do that stops early. All referees were asked again with that noise (noise= states another)"
            )
            told = Diagnosis(("inexact-function",), words, "", best.distance, 0.0, 0.0)
            return replace(report, diagnoses=(told, *report.diagnoses)) if report.verdict != WRONG else report
    if said == WRONG and (not transposed or not best.passed):
        case = Case(quantity, value, best, sampling, options.budget, tool)
        diagnoses += diagnose(case)
        omitted = tuple(omissions(case))
    if said == CANNOT_TELL:
        diagnoses = no_derivative(quantity, everyone, best)
    return Report(
        quantity.words,
        options.problem,
        said,
        diagnoses,
        tuple(
            _line(j, j.reference in sorted_bench.trusted and not sorted_bench.split, j.reference in sorted_bench.silent)
            for j in judgements
        ),
        tuple(declined),
        _agreement(sorted_bench, said, best, quantity),
        best.reference.view.misses(quantity.subject.p),
        block_errors(quantity, best),
        omitted,
    )


def no_derivative(quantity: Quantity, everyone: Sequence[Reference], best: Judgement) -> tuple[Diagnosis, ...]:
    """The kink at which a claimed result cannot be right or wrong, if there is one."""
    words = [r for reference in everyone for r in reference.remarks if "kink" in r]
    here = quantity.subject.network
    if here is not None and quantity.name != "laplacian":
        places = at_kinks(here.problem.net, here.w, here.x)
        words += [
            f"there is no derivative: the pre-activation a[{l}][{n}, {j}] of a relu is 0" for l, n, j in places[:1]
        ]
    return tuple(Diagnosis(("kink",), words[0], "", best.distance, 0.0, 0.0) for _ in words[:1])


def ask_referees(
    quantity: Quantity, tool: Autodiff | None, options: Options, sampling: Sampling
) -> tuple[list[Reference], list[str]]:
    """What the referees found, and the reasons of those that found nothing."""
    references, declined = [], []
    for ask in _referees(quantity, tool, options, sampling):
        try:
            references.append(of_inexact_values(ask(), options.noise))
        except Declined as reason:
            declined.append(str(reason))
    return references, declined


def _referees(
    quantity: Quantity, tool: Autodiff | None, options: Options, sampling: Sampling
) -> Iterator[Callable[[], Reference]]:
    budget, subject = options.budget, quantity.subject

    def by_values(kind: str) -> Reference:
        return from_values.reference(quantity, kind, budget, sampling, options.progress, options.noise)

    if "closed form" in options.referees and subject.network is not None:
        yield lambda: from_closed_form.reference(quantity, sampling)
    if "autodiff" in options.referees and tool is not None:
        yield lambda: from_autodiff.reference(quantity, tool, "forward", budget, sampling)
        yield lambda: from_autodiff.reference(quantity, tool, "reverse", budget, sampling)
    if "finite differences" in options.referees:
        yield lambda: by_values("difference")
    if "complex step" in options.referees and subject.library == "numpy" and subject.network is None:
        yield lambda: by_values("complex_step")


def _sampling(quantity: Quantity, options: Options) -> Sampling:
    rng = np.random.default_rng(options.seed)
    blocks = quantity.subject.blocks
    V, member = blocks.directions(DIRECTIONS, rng)
    return Sampling(V, member, DIRECTIONS, blocks.sample(max(options.budget // 20, 1), rng))


def _claimed(quantity: Quantity, claimed: Any) -> tuple[np.ndarray, bool]:
    """The claimed result with one axis for all outputs and one for all coordinates; whether it was transposed."""
    array = to_numpy(claimed)
    if array.dtype.kind not in "biuf":
        raise ValueError(f"claimed has dtype {array.dtype}; it must be real numbers")
    array = array.astype(np.float64)
    given, shape = array.shape, quantity.shape
    coordinates = quantity.subject.shape
    wanted: tuple[int, ...] = ()
    for of_parameters in quantity.axes:
        wanted += coordinates if of_parameters else quantity.outputs
    if given in (wanted, shape):
        return array.reshape(shape), False
    if quantity.name == "jacobian" and given in ((*coordinates, *quantity.outputs), shape[::-1]):
        return array.reshape(shape[::-1]).T, True
    raise ValueError(f"claimed has shape {given}; the {quantity.words} has shape {wanted}")


def _natural(quantity: Quantity) -> float:
    """The size that a derivative of the function has if nothing cancels: |f| / |x|^order."""
    subject = quantity.subject
    order = 1 if quantity.name in ("gradient", "jacobian") else 2
    near = subject.point + (np.abs(subject.point) + 1) / 8  # f itself may be zero by chance
    places = (subject.point, near.astype(subject.point.dtype))
    with np.errstate(all="ignore"):
        size = float(np.nanmax([np.max(np.abs(subject.values(place)), initial=0.0) for place in places]))
    return size / max(1.0, float(np.max(np.abs(subject.point)))) ** order


def _line(judgement: Judgement, trusted: bool, silent: bool) -> Referee:
    reference = judgement.reference
    own = float(np.max(ratio(reference.error, judgement.size), initial=0.0))
    distance, allowed = judgement.worst
    seen = "all" if reference.view.full else " and ".join(sorted(set(reference.view.axes) - {"kept"}))
    return Referee(reference.name, reference.cost, own, distance, allowed, trusted and not silent, seen, silent)


def _agreement(sorted_bench: Bench, said: str, best: Judgement, quantity: Quantity) -> str:
    trusted, dissenting = sorted_bench.trusted, sorted_bench.dissenting
    if sorted_bench.split:
        words = (
            f"The referees contradict each other ({_names(trusted)} against {_names(dissenting)}), none in the "
            "majority: f may have no derivative here, a part that is kept from differentiation (detach, no_grad, "
            "stop_gradient), or a wrong derivative rule of its own."
        )
    elif len(trusted) == 1:
        words = f"Only {trusted[0].name} was heard."
    else:
        apart = max(_apart(a, b) for a, b in combinations(trusted, 2))
        words = f"{len(trusted)} referees agree to within their errors; they are {figure(apart)} apart at most."
    if dissenting and not sorted_bench.split:
        words += f" {_names(dissenting)} {'contradicts' if len(dissenting) == 1 else 'contradict'} them and "
        words += "is not trusted." if len(dissenting) == 1 else "are not trusted."
    remarks = dict.fromkeys(r for o in (*trusted, *dissenting, *sorted_bench.silent) for r in o.remarks)
    for remark in list(remarks)[:REMARKS]:
        words += f" {remark[:1].upper()}{remark[1:]}."
    if said == CANNOT_TELL and not sorted_bench.split and not remarks:
        words += (
            f" The claimed result is within what they allow, but that is {figure(best.worst[1])} of its size: too much "
            "to call it right."
        )
    if said == CANNOT_TELL:
        words += f" What may help: {_advice(quantity, bool(remarks))}."
    if said == IN_THE_SAMPLE:
        words += " Single entries were not looked at: with a larger budget= they are."
    here = quantity.subject.network
    if here is not None and quantity.name != "laplacian" and (dissenting or said != "right"):
        places = at_kinks(here.problem.net, here.w, here.x)
        if places:
            l, n, j = places[0]
            words += f" The point is at or next to a kink of a relu: its pre-activation a[{l}][{n}, {j}]."
    return words


def _advice(quantity: Quantity, kinks: bool) -> str:
    ways = ["another point, a little beside this one"] if kinks else []
    if quantity.subject.point.dtype == np.float32:
        ways.append("f, its data and x in double precision")
    if not kinks:
        ways.append("noise= with the accuracy of the values of f, if they are not exact")
        ways.append("referees= with those that you trust")
    return ", or ".join(ways)


def _names(references: Sequence[Reference]) -> str:
    return "; ".join(reference.name for reference in references)


def _apart(a: Reference, b: Reference) -> float:
    view = a.view.common(b.view)
    first, second = view.of(a.value, a.view), view.of(b.value, b.view)
    return relative(float(np.max(np.abs(first - second), initial=0.0)), float(np.max(np.abs(first), initial=0.0)))
