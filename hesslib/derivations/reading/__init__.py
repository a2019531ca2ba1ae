"""Formulas as people write them, in LaTeX, read into the calculus: each module needs only those before it.

* ``place``: what cannot be read, and where in the text
* ``signs``: the commands of LaTeX, and what each is
* ``scanner``: a text as tokens that know where they stand
* ``brackets``: norms and quotients; ``grammar``: tokens as a tree; what a letter means is not its business
* ``vocabulary``: which letter means what; ``notation``: which letters a book has for the network
* ``scripts``: indices, layer numbers, primes and powers of a letter; ``labels``: which pattern it belongs to
* ``network_form``: what formulas about a network are compared in; ``patterns``: those about several patterns
* ``arrays``: matrix notation, as entries; ``conditions``, ``dots``: conditions in brackets, sums with dots
* ``quantities``, ``meaning``: letters, and a tree, as formulas of the calculus
* ``statements``: a display as equations, chains among them
* ``flat``: formulas about the vector of all weights; ``activations``: those that write an activation function out
* ``known``, ``slips``, ``in_notation``: what the book derived, the usual slips, printing in the reader's letters
* ``verdict``, ``judgement``: the answer, and how it is found
* ``declared``, ``beside``: letters as plain data, and a formula beside the one that a chapter derived
* ``documents``, ``report``: whole documents, the command line, the cell magic
"""
