"""Formulas as people write them, in LaTeX, read into the calculus: each module needs only those before it.

* ``place``: what cannot be read, and where in the text
* ``signs``: the commands of LaTeX, and what each is
* ``scanner``: a text as tokens that know where they stand
* ``grammar``: tokens as a tree; what a letter means is not its business
* ``vocabulary``: which letter means what
* ``scripts``: indices, layer numbers, primes and powers of a letter
* ``arrays``: matrix notation, as entries
* ``meaning``: a tree as a formula of the calculus
* ``statements``: a display as equations, chains among them
* ``notation``: which letters a book has for the network; ``network_form``: what formulas about it are compared in
* ``known``, ``slips``, ``in_notation``: what the book derived, the usual slips, printing in the reader's letters
* ``verdict``, ``judgement``: the answer, and how it is found
* ``declared``, ``beside``: letters as plain data, and a formula beside the one that a chapter derived
* ``documents``, ``report``: whole documents, the command line, the cell magic
"""
