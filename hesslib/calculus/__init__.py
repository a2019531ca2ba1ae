"""The index calculus: derive, decide, typeset and compile formulas with symbolic sizes.

Read the modules in this order; each needs only those before it.

* :mod:`macros`: the LaTeX macros of the book
* :mod:`index`: tensors with typed slots, elementwise functions, sums with fresh bound indices
* :mod:`normal`: contraction, normal form, equality
* :mod:`derivation`: linear, Leibniz, chain rule, through sums; everything else is a rule
* :mod:`latex`: how it prints
* :mod:`steps`: a chain of equalities, each decided when it is written
* :mod:`matrix`: the same formulas in matrix notation, tied to their index form
* :mod:`network`: a layered network with symbolic widths, layer number and depth
* :mod:`instance`: explicit small networks in exact arithmetic, an independent oracle
* :mod:`compile`: from a derived formula to an einsum program
"""
