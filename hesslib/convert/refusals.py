"""How a conversion refuses what it does not understand: by name, and with the way that works for any model."""

from __future__ import annotations

ANY_MODEL = (
    "hesslib.check takes any model as it is, check.gradient(model, loss=..., batch=(x, t)) in PyTorch and "
    "check.gradient(f, params, claimed) in JAX"
)


def refusal(words: str) -> ValueError:
    """The error to raise: what was found, and where to go with it."""
    return ValueError(f"{words}. No conversion is needed for a check: {ANY_MODEL}")
