"""The activations of PyTorch that hesslib has, as modules and as functions: one table for networks and for chains."""

from __future__ import annotations

from typing import Any

from hesslib.convert.refusals import refusal

ACTIVATIONS = {
    "Tanh": "tanh",
    "Sigmoid": "logistic",
    "Softplus": "softplus",
    "GELU": "gelu",
    "SiLU": "silu",
    "ReLU": "relu",
}
"""Classes of ``torch.nn``."""
FITTED = "gelu_tanh"  # what a GELU is with approximate="tanh"
FUNCTIONS = {**{name.lower(): activation for name, activation in ACTIVATIONS.items()}, "sin": "sin"}
"""Functions and methods."""
LINEAR_BEYOND = 20.0  # the argument from which a Softplus of PyTorch is the identity, unless another is given


def name_of(module: Any) -> str | None:
    """The activation that a module of ``torch.nn`` is, if it is one."""
    name = ACTIVATIONS.get(type(module).__name__)
    return FITTED if name == "gelu" and module.approximate == "tanh" else name


def require_plain(place: str, module: Any) -> None:
    """Refuse an option that makes another function of a known one, and parameters."""
    kind = type(module).__name__
    for option, plain in (("beta", 1), ("negative_slope", None)):
        value = getattr(module, option, plain)
        if value != plain:
            raise refusal(f"layer {place} is {kind}({option}={value!r}); it must have {option}={plain!r}")
    if kind == "Softplus" and module.threshold < LINEAR_BEYOND:
        raise refusal(
            f"layer {place} is Softplus(threshold={module.threshold!r}); it must have threshold={LINEAR_BEYOND:g} or "
            "more"
        )
    names = [name for name, _ in module.named_parameters()]
    if names:
        raise refusal(
            f"layer {place} is {kind} with parameters of its own ({', '.join(names)}); an activation has none"
        )
