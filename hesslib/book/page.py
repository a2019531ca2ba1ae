"""How a chapter begins: the look of the figures, and JAX in double precision."""

from __future__ import annotations

__all__ = ["begin"]


def begin() -> None:
    """Set the book's style for figures, and float64 in JAX, before anything is computed.

    Shapes: none; nothing is returned.
    Cost: none beyond the import of Matplotlib and JAX.
    Errors: ModuleNotFoundError where one of them is not installed.

    >>> begin()
    """
    import jax
    import matplotlib.pyplot as plt

    jax.config.update("jax_enable_x64", True)
    plt.style.use("hesslib.book.figures")
