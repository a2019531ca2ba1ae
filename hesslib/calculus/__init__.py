"""The index calculus: derive, decide, typeset and compile formulas with symbolic sizes.

Read the modules in this order; each needs only those before it.

* ``macros``: the LaTeX macros of the book
* ``index``: tensors with typed slots, elementwise functions, sums with fresh bound indices
* ``normal``: contraction, normal form, equality
* ``latex``: how it prints
* ``provenance``: what a chain of equalities rests on
* ``let``: atoms that carry their definition
* ``derivation``: linear, Leibniz, chain rule, through sums; everything else is a definition or a rule
* ``results``, ``consistent``, ``explained``: what is known, what contradicts it, what a rewriting takes for granted
* ``rewriting``: facts, and other rewritings that are declared
* ``steps``: a chain of equalities, each decided when it is written
* ``matrix``: the same formulas in matrix notation, tied to their index form
* ``einsum_program``: from a derived formula to an einsum program
* ``architecture``: definitions in their order, and the rules and signals that follow from them
* ``exact_instance``, ``gradient_program``: an architecture in exact arithmetic, and as a program
"""
