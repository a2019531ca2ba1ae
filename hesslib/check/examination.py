"""A check from the question to the report: referees are heard, compared, and a wrong result is diagnosed.

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
from hesslib.check.diagnosis import Diagnosis, diagnosed
from hesslib.check.libraries import epsilon
from hesslib.check.location import block_errors
from hesslib.check.mistakes import omissions
from hesslib.check.mistakes.points import at_kinks
from hesslib.check.opinion import Declined, Opinion, ratio
from hesslib.check.options import Options
from hesslib.check.question import Question
from hesslib.check.report import Referee, Report
from hesslib.check.second_look import inexactness, of_inexact_values, second_look
from hesslib.check.verdict import (
    CANNOT_TELL,
    IN_THE_SAMPLE,
    WRONG,
    Bench,
    Judgement,
    bench,
    common_noise,
    judged,
    relative,
    verdict,
)
from hesslib.check.views import Sampling

DIRECTIONS = 4  # random directions in each block
REMARKS = 3  # that are shown
INEXACT_BELOW = 1e-3  # a result this close, relative to the largest entry, may be right and f inexact


def examined(question: Question, claimed: Any, options: Options) -> Report:
    """Ask every referee, judge the claimed result, diagnose it if it is wrong."""
    value, transposed = _claimed(question, claimed)
    eps = max(epsilon(claimed), question.subject.eps)
    sampling = _sampling(question, options)
    tool = backend_for(question.subject.library, question.subject.network is not None)
    if question.subject.random:
        said_of_f = Diagnosis(("random-function",), question.subject.random, "", float("inf"), 0.0, 0.0)
        words = "no referee was asked: a random function has no derivative that can be checked"
        return Report(question.words, options.problem, CANNOT_TELL, (said_of_f,), (), (), words, "", ())
    opinions, declined = heard(question, tool, options, sampling)
    if not opinions:
        words = "no referee could say anything"
        return Report(question.words, options.problem, CANNOT_TELL, (), (), tuple(declined), words, "", ())
    natural = _natural(question)
    opinions = [second_look(question, opinion, opinions) for opinion in opinions]
    sorted_bench = bench(opinions, natural)
    everyone = (*sorted_bench.trusted, *sorted_bench.dissenting, *sorted_bench.silent)
    judgements = [judged(value, opinion, eps, natural, common_noise(opinion, opinions)) for opinion in everyone]
    said = (
        WRONG
        if transposed or not np.isfinite(value).all()
        else verdict(sorted_bench, judgements[: len(judgements) - len(sorted_bench.silent)])
    )
    best = judgements[everyone.index(sorted_bench.reference)]
    diagnoses: tuple[Diagnosis, ...] = ()
    omitted: tuple[str, ...] = ()
    if transposed:
        words = "it has the shape of the transpose: outputs belong first, coordinates second"
        before = 0.0 if best.passed else best.distance
        diagnoses = (Diagnosis(("transposed",), words, "", float("inf"), before, max(before, best.tolerance)),)
    if said == WRONG and not transposed and options.noise == 0 and best.distance < INEXACT_BELOW:
        noise = inexactness(question.subject)
        if noise > 0:
            report = examined(question, claimed, replace(options, noise=noise))
            words = (
                f"the values of f are not exact: they jump by about {noise:.0e} of their size, as those of an "
                "iteration do that stops early. All referees were asked again with that noise (noise= states another)"
            )
            told = Diagnosis(("inexact-function",), words, "", best.distance, 0.0, 0.0)
            return replace(report, diagnoses=(told, *report.diagnoses)) if report.verdict != WRONG else report
    if said == WRONG and (not transposed or not best.passed):
        case = Case(question, value, best, sampling, options.budget, tool)
        diagnoses += diagnosed(case)
        omitted = tuple(omissions(case))
    if said == CANNOT_TELL:
        diagnoses = no_derivative(question, everyone, best)
    return Report(
        question.words,
        options.problem,
        said,
        diagnoses,
        tuple(
            _line(j, j.opinion in sorted_bench.trusted and not sorted_bench.split, j.opinion in sorted_bench.silent)
            for j in judgements
        ),
        tuple(declined),
        _agreement(sorted_bench, said, best, question),
        best.opinion.view.misses(question.subject.p),
        block_errors(question, best),
        omitted,
    )


def no_derivative(question: Question, everyone: Sequence[Opinion], best: Judgement) -> tuple[Diagnosis, ...]:
    """The kink at which a claimed result cannot be right or wrong, if there is one."""
    words = [r for opinion in everyone for r in opinion.remarks if "kink" in r]
    here = question.subject.network
    if here is not None and question.quantity != "laplacian":
        places = at_kinks(here.problem.net, here.w, here.x)
        words += [
            f"there is no derivative: the pre-activation a[{l}][{n}, {j}] of a relu is 0" for l, n, j in places[:1]
        ]
    return tuple(Diagnosis(("kink",), words[0], "", best.distance, 0.0, 0.0) for _ in words[:1])


def heard(
    question: Question, tool: Autodiff | None, options: Options, sampling: Sampling
) -> tuple[list[Opinion], list[str]]:
    """The opinions of all referees that have one, and the reasons of those that have not."""
    opinions, declined = [], []
    for ask in _referees(question, tool, options, sampling):
        try:
            opinions.append(of_inexact_values(ask(), options.noise))
        except Declined as reason:
            declined.append(str(reason))
    return opinions, declined


def _referees(
    question: Question, tool: Autodiff | None, options: Options, sampling: Sampling
) -> Iterator[Callable[[], Opinion]]:
    budget, subject = options.budget, question.subject

    def by_values(kind: str) -> Opinion:
        return from_values.opinion(question, kind, budget, sampling, options.progress, options.noise)

    if "closed form" in options.referees and subject.network is not None:
        yield lambda: from_closed_form.opinion(question, sampling)
    if "autodiff" in options.referees and tool is not None:
        yield lambda: from_autodiff.opinion(question, tool, "forward", budget, sampling)
        yield lambda: from_autodiff.opinion(question, tool, "reverse", budget, sampling)
    if "finite differences" in options.referees:
        yield lambda: by_values("difference")
    if "complex step" in options.referees and subject.library == "numpy" and subject.network is None:
        yield lambda: by_values("complex_step")


def _sampling(question: Question, options: Options) -> Sampling:
    rng = np.random.default_rng(options.seed)
    blocks = question.subject.blocks
    V, member = blocks.directions(DIRECTIONS, rng)
    return Sampling(V, member, DIRECTIONS, blocks.sample(max(options.budget // 20, 1), rng))


def _claimed(question: Question, claimed: Any) -> tuple[np.ndarray, bool]:
    """The claimed result with one axis for all outputs and one for all coordinates; whether it was transposed."""
    array = to_numpy(claimed)
    if array.dtype.kind not in "biuf":
        raise ValueError(f"claimed has dtype {array.dtype}; it must be real numbers")
    array = array.astype(np.float64)
    given, shape = array.shape, question.shape
    coordinates = question.subject.shape
    wanted: tuple[int, ...] = ()
    for of_parameters in question.axes:
        wanted += coordinates if of_parameters else question.outputs
    if given in (wanted, shape):
        return array.reshape(shape), False
    if question.quantity == "jacobian" and given in ((*coordinates, *question.outputs), shape[::-1]):
        return array.reshape(shape[::-1]).T, True
    raise ValueError(f"claimed has shape {given}; the {question.words} has shape {wanted}")


def _natural(question: Question) -> float:
    """The size that a derivative of the function has if nothing cancels: |f| / |x|^order."""
    subject = question.subject
    order = 1 if question.quantity in ("gradient", "jacobian") else 2
    near = subject.point + (np.abs(subject.point) + 1) / 8  # f itself may be zero by chance
    places = (subject.point, near.astype(subject.point.dtype))
    with np.errstate(all="ignore"):
        size = float(np.nanmax([np.max(np.abs(subject.values(place)), initial=0.0) for place in places]))
    return size / max(1.0, float(np.max(np.abs(subject.point)))) ** order


def _line(judgement: Judgement, trusted: bool, silent: bool) -> Referee:
    opinion = judgement.opinion
    own = float(np.max(ratio(opinion.error, judgement.size), initial=0.0))
    distance, allowed = judgement.worst
    seen = "all" if opinion.view.full else " and ".join(sorted(set(opinion.view.axes) - {"kept"}))
    return Referee(opinion.name, opinion.cost, own, distance, allowed, trusted and not silent, seen, silent)


def _agreement(sorted_bench: Bench, said: str, best: Judgement, question: Question) -> str:
    trusted, dissenting = sorted_bench.trusted, sorted_bench.dissenting
    if sorted_bench.split:
        words = (
            f"The referees contradict each other ({_names(trusted)} against {_names(dissenting)}), none in the "
            "majority: f may have no derivative here, or a wrong derivative rule of its own."
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
        words += f" What may help: {_advice(question, bool(remarks))}."
    if said == IN_THE_SAMPLE:
        words += " Single entries were not looked at: with a larger budget= they are."
    here = question.subject.network
    if here is not None and question.quantity != "laplacian" and (dissenting or said != "right"):
        places = at_kinks(here.problem.net, here.w, here.x)
        if places:
            l, n, j = places[0]
            words += f" The point is at or next to a kink of a relu: its pre-activation a[{l}][{n}, {j}]."
    return words


def _advice(question: Question, kinks: bool) -> str:
    ways = ["another point, a little beside this one"] if kinks else []
    if question.subject.point.dtype == np.float32:
        ways.append("f, its data and x in double precision")
    if not kinks:
        ways.append("noise= with the accuracy of the values of f, if they are not exact")
        ways.append("referees= with those that you trust")
    return ", or ".join(ways)


def _names(opinions: Sequence[Opinion]) -> str:
    return "; ".join(opinion.name for opinion in opinions)


def _apart(a: Opinion, b: Opinion) -> float:
    view = a.view.common(b.view)
    first, second = view.of(a.value, a.view), view.of(b.value, b.view)
    return relative(float(np.max(np.abs(first - second), initial=0.0)), float(np.max(np.abs(first), initial=0.0)))
