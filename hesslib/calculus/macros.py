r"""The LaTeX macros of the book, defined once.

The printer of :mod:`hesslib.calculus.latex` writes them, the built book hands them to MathJax, and
`expand` spells them out where nobody defines them (a notebook without Sphinx, matplotlib).
So a typed inline formula and a derived display cannot drift apart in notation.
"""

__all__ = ["expand"]

MACROS: dict[str, str | tuple[str, int]] = {
    "pd": (r"\frac{\partial #1}{\partial #2}", 2),  # first partial derivative
    "pdd": (r"\frac{\partial^2 #1}{\partial #2\,\partial #3}", 3),  # second partial derivative
    "Rop": (r"\mathcal{R}\{#1\}", 1),  # Pearlmutter's directional derivative
    "kron": (r"I_{#1}", 1),  # Kronecker delta: the letter delta is the error
    "lay": (r"{#1}^{(#2)}", 2),  # a quantity of layer #2
    "layT": (r"{#1}^{(#2)\mathsf{T}}", 2),  # its transpose
    "tran": r"^{\mathsf T}",  # transpose
    "had": r"\odot",  # entrywise product
}


def expand(tex: str, /) -> str:
    r"""Spell out every macro of the book in ``tex``.

    Errors: ``ValueError`` if a macro is followed by fewer arguments than it takes.

    >>> expand(r"\pd{E}{w_{ji}} = \kron{jj'}")
    "\\frac{\\partial E}{\\partial w_{ji}} = I_{jj'}"
    """
    out, rest = "", tex
    while rest:
        start = rest.find("\\")
        if start < 0:
            return out + rest
        out, rest = out + rest[:start], rest[start:]
        stop = 1
        while stop < len(rest) and rest[stop].isalpha():
            stop += 1
        stop = max(stop, 2)  # an escaped character such as \{ is a command of its own
        name, rest = rest[1:stop], rest[stop:]
        if name not in MACROS:
            out += "\\" + name
            continue
        definition = MACROS[name]
        body, count = (definition, 0) if isinstance(definition, str) else definition
        for number in range(1, count + 1):
            argument, rest = _argument(rest, name)
            body = body.replace(f"#{number}", expand(argument))
        if count == 0 and body[-1].isalpha() and rest[:1].isalpha():
            body += " "
        out += body
    return out


def _argument(rest: str, name: str) -> tuple[str, str]:
    """The next braced group of ``rest``, and what follows it."""
    rest = rest.lstrip()
    if not rest.startswith("{"):
        raise ValueError(rf"\{name} takes {MACROS[name][1]} braced argument(s); found {rest[:20]!r}")
    level, position = 0, 0
    while position < len(rest):
        char = rest[position]
        if char == "\\":
            position += 2
            continue
        level += (char == "{") - (char == "}")
        if level == 0:
            return rest[1:position], rest[position + 1 :]
        position += 1
    raise ValueError(rf"\{name}: the braces of its argument do not close in {rest[:40]!r}")
