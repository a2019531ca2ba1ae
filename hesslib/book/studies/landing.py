"""The map of the landing page: which result rests on which, each a link to where it is derived."""

import html
from itertools import pairwise

PLACES = {
    # name: (left, top, lines of text, group, chapter)
    "network": (0, 60, ("network,", "flat vector"), 0, "notation/notation"),
    "calculus": (0, 190, ("how a derivation", "is written"), 0, "notation/derivations"),
    "referees": (0, 330, ("differences:", "a referee"), 4, "first_derivatives/finite_differences"),
    "modes": (190, 20, ("forward and", "reverse mode"), 1, "first_derivatives/forward_and_reverse"),
    "backprop": (190, 120, ("back-", "propagation"), 1, "first_derivatives/backpropagation"),
    "start": (190, 220, ("how large", "to start"), 1, "first_derivatives/initial_weights"),
    "linear": (190, 320, ("linear", "networks"), 1, "first_derivatives/linear_networks"),
    "any": (190, 420, ("any layer, up to", "Transformers"), 1, "modern_layers/any_layer"),
    "rop": (380, 0, ("R-operator:", "products Hv"), 2, "second_derivatives/r_operator"),
    "exact": (380, 85, ("exact Hessian,", "any depth"), 2, "second_derivatives/hessian_any_depth"),
    "two": (380, 170, ("exact Hessian,", "two layers"), 2, "second_derivatives/hessian_two_layers"),
    "diagonal": (380, 255, ("diagonal",), 2, "second_derivatives/diagonal_approximation"),
    "outer": (380, 320, ("outer products,", "Gauss-Newton"), 2, "second_derivatives/outer_products"),
    "inverse": (380, 405, ("inverse",), 2, "second_derivatives/inverse"),
    "cg": (570, 0, ("conjugate", "gradients"), 3, "curvature_at_work/conjugate_gradients"),
    "inputs": (570, 75, ("groundwater: input", "derivatives"), 3, "curvature_at_work/groundwater"),
    "spectra": (570, 150, ("spectra of large", "networks"), 3, "fast_and_large/spectra_of_large_networks"),
    "lm": (570, 225, ("Levenberg-", "Marquardt"), 3, "curvature_at_work/levenberg_marquardt"),
    "evidence": (570, 300, ("Bayesian", "regularization"), 3, "curvature_at_work/bayesian_regularization"),
    "sr": (570, 375, ("natural gradient,", "reconfiguration"), 3, "curvature_at_work/stochastic_reconfiguration"),
    "pruning": (570, 450, ("pruning",), 3, "curvature_at_work/pruning"),
}
ARROWS = """modes>network backprop>network backprop>calculus backprop>modes start>backprop linear>backprop any>calculus
    rop>backprop exact>backprop two>exact diagonal>exact outer>backprop inverse>outer inputs>rop cg>rop lm>outer
    evidence>outer evidence>lm pruning>inverse pruning>diagonal sr>outer inputs>lm spectra>rop rop>exact"""
WIDTH, LINE, PADDING = 150, 19, 9
STYLE = """<style>
html[data-theme] .bd-content div.cell_output .text_html.text_html:has(.book-map) {
  padding: 0; background: none; color: inherit;
}
.book-map { overflow-x: auto; }
.book-map a { text-decoration: none; }
.book-map svg { min-width: 640px; width: 100%; height: auto; font: 15px sans-serif; }
.book-map rect { fill: var(--pst-color-surface, #f3f4f5); stroke: var(--pst-color-text-muted, #48566b); }
.book-map a:is(:hover, :focus) rect { stroke: var(--pst-color-link, #0f57bd); stroke-width: 3; }
.book-map text { fill: var(--pst-color-text-base, #222); text-anchor: middle; }
.book-map .group { fill: var(--pst-color-text-muted, #48566b); font-weight: 600; }
.book-map path { stroke: var(--pst-color-text-muted, #48566b); fill: none; }
.book-map marker path { fill: var(--pst-color-text-muted, #48566b); stroke: none; }
.book-map rect.group-0, .book-map rect.group-4 { stroke-dasharray: 4 3; }
</style>"""


class Map:
    """The map as a drawing whose boxes are links; it says of itself which pages it names."""

    def __init__(self) -> None:
        self.arrows = [tuple(arrow.split(">")) for arrow in ARROWS.split()]
        unknown = {name for arrow in self.arrows for name in arrow} - PLACES.keys()
        if unknown:
            raise ValueError(f"an arrow of the map names {sorted(unknown)}, which is in no box")

    @property
    def pages(self) -> list[str]:
        """The chapters that the boxes lead to."""
        return [f"chapters/{chapter}" for *_, chapter in PLACES.values()]

    def _repr_html_(self) -> str:
        boxes = "".join(_box(*place) for place in PLACES.values())
        lines = "".join(_arrow(_rectangle(lower), _rectangle(upper)) for upper, lower in self.arrows)
        heads = ("foundations", "first derivatives", "second derivatives", "at work, and large")
        titles = "".join(
            f'<text class="group" x="{190 * column + WIDTH / 2}" y="-22">{head}</text>'
            for column, head in enumerate(heads)
        )
        return (
            f'{STYLE}<nav class="book-map" aria-label="Map of the derivations" tabindex="0">'
            '<svg viewBox="-2 -45 726 540" xmlns="http://www.w3.org/2000/svg"><defs><marker id="tip" viewBox="0 0 8 8" '
            'refX="7" refY="4" markerWidth="8" markerHeight="8" orient="auto"><path d="M0 0L8 4L0 8z"/></marker></defs>'
            f"{titles}{lines}{boxes}</svg></nav>"
        )


def _rectangle(name: str) -> tuple[float, float, float, float]:
    left, top, text, *_ = PLACES[name]
    return left, top, left + WIDTH, top + LINE * len(text) + 2 * PADDING


def _box(left: float, top: float, text: tuple[str, ...], group: int, chapter: str) -> str:
    height = LINE * len(text) + 2 * PADDING
    rows = "".join(
        f'<tspan x="{left + WIDTH / 2}" y="{top + PADDING + LINE * (row + 0.75)}">{html.escape(line)}</tspan> '
        for row, line in enumerate(text)
    )
    rectangle = f'<rect class="group-{group}" x="{left}" y="{top}" width="{WIDTH}" height="{height}" rx="8"/>'
    return f'<a href="chapters/{chapter}.html">{rectangle}<text>{rows}</text></a>'


def _arrow(lower: tuple[float, ...], upper: tuple[float, ...]) -> str:
    """From a result to what it rests on: sideways to an earlier column, up or down within one."""
    (left, top, right, bottom), (from_left, from_top, _, from_bottom) = lower, upper
    if left == from_left and max(from_top - bottom, top - from_bottom) > 2 * LINE:  # round the boxes between
        start, end = (from_top + from_bottom) / 2, (top + bottom) / 2
        bend = left - 2 * LINE
        return f'<path d="M{left} {start}C{bend} {start} {bend} {end} {left} {end}" marker-end="url(#tip)"/>'
    if left == from_left:
        x = left + WIDTH / 2
        ends = [(x, from_top), (x, bottom)] if from_top > bottom else [(x, from_bottom), (x, top)]
    else:
        ends = [(from_left, (from_top + from_bottom) / 2), (right, (top + bottom) / 2)]
    (path,) = (f"M{x0} {y0}L{x1} {y1}" for (x0, y0), (x1, y1) in pairwise(ends))
    return f'<path d="{path}" marker-end="url(#tip)"/>'
