"""Hessians on a page: their two parts as whole matrices, and the picture of one with its parameters along the edges."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from hesslib.networks.network import Network

__all__ = ["parameter_names", "show_hessian", "two_parts"]


def two_parts(net: Network, w: Any, x: Any, t: Any, /) -> tuple[np.ndarray, np.ndarray]:
    r"""The Gauss-Newton part and the residual part of the Hessian, which is their sum.

    Shapes: two matrices (P, P).
    Cost: that of `hessian_blocks`.
    Errors: ValueError as `hesslib.hessian_blocks` raises it.

    >>> from hesslib import Network
    >>> two_parts(Network((1, 1)), np.array([2.0, 1.0]), np.array([[3.0]]), np.array([[5.0]]))[0]
    array([[9., 3.],
           [3., 1.]])
    """
    from hesslib import hessian_blocks

    blocks, layers = hessian_blocks(net, w, x, t), range(1, net.L + 1)

    def part(name: str) -> np.ndarray:
        return np.block([[getattr(blocks[m, l], name) for l in layers] for m in layers])

    return part("gauss_newton"), part("residual")


def parameter_names(net: Network, /) -> list[str]:
    r"""The parameters in the order of the flat vector, as mathematics.

    Shapes: P names.
    Cost: none to speak of.
    Errors: none; a network has names for all of them.

    >>> from hesslib import Network
    >>> parameter_names(Network((2, 1)))
    ['$w^{(1)}_{11}$', '$w^{(1)}_{12}$', '$b^{(1)}_{1}$']
    """
    names = []
    for layer, (into, out) in enumerate(zip(net.widths[:-1], net.widths[1:], strict=True), 1):
        names += [f"$w^{{({layer})}}_{{{j}{i}}}$" for j in range(1, out + 1) for i in range(1, into + 1)]
        names += [f"$b^{{({layer})}}_{{{j}}}$" for j in range(1, out + 1)]
    return names


def show_hessian(
    ax: Any, H: Any, net: Network, /, *, labels: str = "", linear: float = 1e-2, limit: float | None = None
) -> Any:
    r"""Draw a matrix (P, P) of parameters on a signed logarithmic scale; returns the image, for a colour bar.

    Thick lines divide the layers, thin ones the weights from the biases. `labels` is ``"parameters"``, ``"layers"`` or
    nothing. The scale is linear below `linear` times `limit`, which is the largest entry if it is not given.

    Shapes: `H` is (P, P).
    Cost: as that of one image of P^2 points; memory: `H` once more.
    Errors: ValueError for other labels.

    >>> import matplotlib.pyplot as plt
    >>> from hesslib import Network
    >>> fig, ax = plt.subplots()
    >>> show_hessian(ax, np.eye(3), Network((2, 1)), labels="layers").get_array().shape
    (3, 3)
    >>> plt.close(fig)
    """
    from matplotlib.colors import SymLogNorm

    if labels not in ("", "parameters", "layers"):
        raise ValueError(f"labels is {labels!r}; it must be '', 'parameters' or 'layers'")
    limit = float(np.abs(H).max()) if limit is None else limit
    image = ax.imshow(H, cmap="PuOr", norm=SymLogNorm(linear * limit, vmin=-limit, vmax=limit, base=10))
    layers = range(1, net.L + 1)
    for layer in layers:
        for cut, width in ((net.weight_slice(layer).stop, 0.5), (net.layer_slice(layer).stop, 1.6)):
            if cut < net.num_parameters:
                ax.axhline(cut - 0.5, color="black", lw=width)
                ax.axvline(cut - 0.5, color="black", lw=width)
    middle = [(net.layer_slice(layer).start + net.layer_slice(layer).stop - 1) / 2 for layer in layers]
    places, names = {
        "": ([], []),
        "parameters": (range(net.num_parameters), parameter_names(net)),
        "layers": (middle, [f"layer {layer}" for layer in layers]),
    }[labels]
    ax.set_xticks(places, names, rotation=90 if labels == "parameters" else 45)
    ax.set_yticks(places, names)
    if labels == "parameters":
        ax.tick_params(labelsize=9, labeltop=True, labelbottom=False)
    ax.tick_params(length=0)
    ax.grid(False)
    ax.spines[:].set_visible(True)
    return image
