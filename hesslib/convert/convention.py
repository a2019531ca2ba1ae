r"""What a loss of another library is in terms of $E=\sum_nE_n$: the loss that belongs to it, and the factor."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

from hesslib.convert.refusals import refusal

Divisor = Literal["1", "N", "NK"]


@dataclass(frozen=True)
class LossConvention:
    """Their loss is ``factor(N, K)`` times `hesslib.error`, the sum over patterns (squared error with its 1/2).

    Shapes: `factor` is one number.
    Cost: none.
    Errors: none is raised here; `from_torch` refuses a loss that has no counterpart.

    >>> mse = LossConvention("torch.nn.MSELoss()", "squared_error", 2.0, "NK")
    >>> mse.factor(10, 4)
    0.05
    >>> print(mse)
    torch.nn.MSELoss() = 2/(N K) times the sum over patterns of squared_error
    """

    theirs: str  # what it is called there
    loss: str  # the name of the loss in hesslib
    multiple: float = 1.0  # a plain number
    divisor: Divisor = "1"  # what a mean divides by: 1, N (the patterns) or NK (patterns and outputs)

    def factor(self, N: int, K: int, /) -> float:
        """What a derivative of the sum is multiplied with, for N patterns and K outputs."""
        return self.multiple / {"1": 1, "N": N, "NK": N * K}[self.divisor]

    def __str__(self) -> str:
        over = {"1": "", "N": "/N", "NK": "/(N K)"}[self.divisor]
        number = f"{self.multiple:g}{over}"
        return f"{self.theirs} = {number} times the sum over patterns of {self.loss}"


def of_torch(loss: Any) -> LossConvention:
    """The convention of a loss module of PyTorch.

    Raises ValueError for a loss that has no counterpart (Huber, a function, a class of one's own), and for an option
    that makes another function (class weights, pos_weight, ignore_index, label smoothing), naming it.
    """
    from torch import nn

    kind = type(loss).__name__
    known = {
        "MSELoss": ("squared_error", 2.0, "NK"),
        "BCEWithLogitsLoss": ("binary_cross_entropy", 1.0, "NK"),
        "BCELoss": ("binary_cross_entropy", 1.0, "NK"),
        "CrossEntropyLoss": ("softmax_cross_entropy", 1.0, "N"),
        "NLLLoss": ("softmax_cross_entropy", 1.0, "N"),
    }
    if type(loss) not in [getattr(nn, name) for name in known]:
        what = f"the function {loss.__name__}" if hasattr(loss, "__name__") else kind
        if kind in known:
            what += f" of {type(loss).__module__}"
        raise refusal(f"loss is {what}; it must be a module of torch.nn, one of {', '.join(known)}")
    plain_options = {"weight": None, "pos_weight": None, "label_smoothing": 0.0, "ignore_index": -100}
    for option, plain in plain_options.items():
        value = getattr(loss, option, plain)
        if value is not None and (plain is None or value != plain):
            shown = value.tolist() if hasattr(value, "tolist") else value
            raise refusal(f"loss is {kind} with {option}={shown}; no loss of a Network has that option")
    name, multiple, mean = known[kind]
    if loss.reduction not in ("mean", "sum"):
        raise refusal(f"loss is {kind} with reduction={loss.reduction!r}; it must be 'mean' or 'sum'")
    options = "" if loss.reduction == "mean" else "reduction='sum'"
    divisor: Any = mean if loss.reduction == "mean" else "1"
    return LossConvention(f"torch.nn.{kind}({options})", name, multiple, divisor)
