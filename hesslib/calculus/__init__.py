"""The index calculus: derive, decide, typeset and compile formulas with symbolic sizes.

Read the modules in this order; each needs only those before it.

What formulas are made of:

* ``macros``: the LaTeX macros of the book
* ``indicators``: 1 where an inequality between whole numbers holds, else 0
* ``index``: tensors with typed slots, elementwise functions, sums with fresh bound indices

The first decider, by normal form:

* ``inequalities``, ``terms``, ``knowledge``, ``ranges``: how far each index runs, and what follows from that
* ``domains``, ``canonical``, ``shifts``, ``split_sums``: what a sum runs over, in one way of writing it
* ``denominators``, ``rational``, ``common_denominator``: fractions, and what may not stand below a line
* ``normal``: contraction, normal form, equality
* ``tidy``: the readable form
* ``display``, ``latex``: how it prints

The second decider, by evaluation, which shares the expressions with the first, and no rule of calculation:

* ``prime_field``: random numbers, exact ones that imitate real ones, and real ones
* ``evaluation``: the value of a formula where every size and every quantity is a number
* ``trial_values``: sizes and indices to try, so that every coincidence occurs
* ``comparison``: whether the values agree, and numbers at which they do not
* ``decision``: what the two say together: equal, different, undecided

Derivations:

* ``provenance``: what a chain of equalities rests on
* ``let``: atoms that carry their definition
* ``unfolding``: definitions inserted where their quantities stand
* ``derivation``: linear, Leibniz, chain rule, through sums; everything else is a definition or a rule
* ``results``, ``held_fixed``, ``justification``: what is known, what contradicts it, what a rewriting takes for granted
* ``rewriting``: facts, and other rewritings that are declared
* ``values_under_facts``: links that use facts, decided by values that satisfy them
* ``steps``: a chain of equalities, each decided when it is written
* ``joint_display``, ``line_breaking``: several chains in one display, and rows that fit a phone
* ``equation``: equations between ordinary SymPy expressions
* ``matrix``: the same formulas in matrix notation, tied to their index form
* ``einsum_program``: from a derived formula to an einsum program
* ``architecture``: definitions in their order, and the rules and signals that follow from them
* ``exact_instance``, ``gradient_program``: an architecture in exact arithmetic, and as a program
"""
