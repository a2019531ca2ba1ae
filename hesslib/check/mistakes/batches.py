"""Mistakes about the batch: patterns left out, targets that are broadcast, a model in its other mode."""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from dataclasses import replace

import numpy as np

from hesslib.check import from_autodiff
from hesslib.check.case import Case
from hesslib.check.hypothesis import Hypothesis
from hesslib.check.reference import Declined

MOST = 64  # patterns for which each is looked at by itself


def patterns_left_out(case: Case) -> Iterator[Hypothesis]:
    """Some patterns count and some do not, as if a batch had been lost; a factor may come on top."""
    here = case.network
    if here is None or case.quantity.name in ("jacobian", "laplacian") or not 1 < len(here.x) <= MOST:
        return
    net, N = here.problem.net, len(here.x)
    assert here.t is not None
    rows = [slice(n, n + 1) for n in range(N)]
    contributions = [case.altered(net, x=here.x[row], t=here.t[row]).reshape(-1) for row in rows]
    columns = np.stack(contributions, axis=1)
    weights, _, rank, _ = np.linalg.lstsq(columns, case.claimed.reshape(-1), rcond=None)
    largest = np.max(np.abs(weights))
    if rank < N or len(columns) <= N or largest == 0:
        return
    counted = np.abs(weights) > 0.5 * largest
    if counted.all():
        return
    value = columns[:, counted].sum(axis=1).reshape(case.claimed.shape)
    missing = np.flatnonzero(~counted)
    listed = ", ".join(f"x[{n}]" for n in missing[:6].tolist()) + (", ..." if len(missing) > 6 else "")
    words = f"{len(missing)} of {N} patterns {'is' if len(missing) == 1 else 'are'} left out: {listed}"
    yield Hypothesis("patterns-left-out", words, value)


def broadcast(case: Case) -> Iterator[Hypothesis]:
    """Outputs (N, 1) less targets (N,): every output is compared with every target, as if each had their mean."""
    here = case.network
    if here is None or case.quantity.name not in ("gradient", "hessian", "hessian_diagonal", "hessian_vector_product"):
        return
    net, N = here.problem.net, len(here.x)
    if N < 2 or net.widths[-1] != 1 or here.t is None or net.loss.name == "softmax_cross_entropy":
        return
    everybody = np.full_like(here.t, here.t.mean())
    words = f"outputs of shape ({N}, 1) stand against targets of shape ({N},), and are broadcast to ({N}, {N})"
    value = case.altered(net, t=everybody)
    yield Hypothesis("broadcast", words + ", of which the mean was taken", value, scalable=False)
    yield Hypothesis("broadcast", words, N * value, scalable=False)


def of_another_call(case: Case) -> Iterator[Hypothesis]:
    """What a model gives in its other mode, or with targets of another shape: one that PyTorch broadcasts, or not."""
    if case.subject.others is None or case.tool is None:
        return
    found = []
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # that targets have another shape than outputs is known here
        for kind, words, subject in case.subject.others():
            asked = replace(case.quantity, subject=subject)
            try:
                reference = from_autodiff.reference(asked, case.tool, "reverse", case.budget, case.sampling)
            except Declined:
                continue
            if reference.view.full:
                extra = float(np.max(reference.error, initial=0.0))
                found.append(Hypothesis(kind, words, reference.value, extra=extra))
    yield from found


MISTAKES = (patterns_left_out, broadcast, of_another_call)
