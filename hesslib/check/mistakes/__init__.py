"""The catalogue of mistakes: what a claimed derivative would be if a certain mistake had been made.

Each entry is a function of a `Case` that yields hypotheses: the value the mistake gives, or the claimed value with the
mistake undone. A hypothesis is named only if it explains the claimed result to within the tolerance that the referees
earn, and if it differs from the right result by more than that.

What would take too long, or cannot be told from what was seen, is not looked for; `omissions` says so.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

from hesslib.check.case import LARGEST, Case
from hesslib.check.hypothesis import Hypothesis
from hesslib.check.mistakes import backward, batches, curvature, inputs, layout, matrices, networks, points
from hesslib.check.quantity import OF_ERROR
from hesslib.networks.network import Network

Mistake = Callable[[Case], Iterator[Hypothesis]]

CATALOGUE: tuple[Mistake, ...] = (
    *layout.MISTAKES,
    *matrices.MISTAKES,
    *curvature.MISTAKES,
    *networks.MISTAKES,
    *backward.MISTAKES,
    *batches.MISTAKES,
    *inputs.MISTAKES,
    *points.MISTAKES,
)


def omissions(case: Case) -> Iterator[str]:
    """What of the catalogue was not looked for in a wrong result, and why, in words."""
    subject = case.subject
    if subject.network is not None and not isinstance(subject.network.problem.net, Network):
        yield "mistakes inside a network, in the order of its parameters and in its batch: they are known of a Network"
    elif subject.network is not None and case.network is None:
        count = subject.network.problem.net.num_parameters
        yield (
            "mistakes inside a network, in the order of its parameters, in its batch, and one matrix of curvature for "
            f"another: the network has {count} parameters; they are looked for up to {LARGEST}"
        )
    if case.of_second_order and matrices.of_second_derivatives(case) is None:
        reason = f"x has {subject.p} coordinates; they are looked for up to {LARGEST}"
        if subject.p <= LARGEST:
            reason = "the whole matrix is more than the budget pays for"
        yield f"a part of a matrix, its inverse or its row sums in the place of the matrix: {reason}"
    if not case.judgement.reference.view.full:
        yield "parts left at zero, and kinks of a function: the best referee saw a part of the result only"
    if case.network is not None and case.quantity.name in OF_ERROR and len(case.network.x) > batches.MOST:
        yield f"patterns left out: there are {len(case.network.x)}; they are looked for up to {batches.MOST}"
    if case.quantity.name == "laplacian" and subject.p > inputs.MOST:
        yield f"other sums of second derivatives: x has {subject.p} coordinates; looked for up to {inputs.MOST}"
