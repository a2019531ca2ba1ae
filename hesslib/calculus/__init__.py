"""The index calculus: derive, decide, typeset and compile formulas with symbolic sizes.

Read the modules in this order; each needs only those before it.

* ``macros``: the LaTeX macros of the book
* ``index``: tensors with typed slots, elementwise functions, sums with fresh bound indices
* ``normal``: contraction, normal form, equality
* ``derivation``: linear, Leibniz, chain rule, through sums; everything else is a rule
* ``latex``: how it prints
* ``steps``: a chain of equalities, each decided when it is written
* ``matrix``: the same formulas in matrix notation, tied to their index form
* ``network``: a layered network with symbolic widths, layer number and depth
* ``instance``: explicit small networks in exact arithmetic, an independent oracle
* ``compile``: from a derived formula to an einsum program
"""
