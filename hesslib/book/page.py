"""How a chapter begins: the look of the figures, JAX in double precision, sheets beneath derivations."""

from __future__ import annotations

__all__ = ["begin"]


def begin() -> None:
    """Set the book's style for figures, and float64 in JAX, before anything is computed; offer sheets.

    Shapes: none; nothing is returned.
    Cost: none beyond the import of Matplotlib and JAX.
    Errors: ModuleNotFoundError where one of them is not installed.

    >>> begin()
    """
    import jax
    import matplotlib.pyplot as plt

    from hesslib.book.sheets import offer_sheets

    jax.config.update("jax_enable_x64", True)
    plt.style.use("hesslib.book.figures")
    offer_sheets()
