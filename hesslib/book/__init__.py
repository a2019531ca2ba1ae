"""What the chapters of the book are written with.

* ``page``: how a chapter begins
* ``ledger``: results that are stated, claims that are settled
* ``sheets``: formulas that a reader may change, for the page to decide
* ``inline``: computed numbers in the prose
* ``source``: the program that is being explained
* ``measuring``: times, slopes, tables of comparison
* ``oracles``: the network written anew for JAX
* ``worked_example``: the network and the pattern that every chapter works by hand
* ``moving``: figures that move, driven by what ``javascript`` compiles from proved formulas
* ``studies``: the experiments of single chapters, a module of the same name for each
"""

from hesslib.book import ledger
from hesslib.book.inline import glue, spaced
from hesslib.book.measuring import comparison, seconds, slope, table
from hesslib.book.page import begin
from hesslib.book.source import Listing, listing

__all__ = ["Listing", "begin", "comparison", "glue", "ledger", "listing", "seconds", "slope", "spaced", "table"]
