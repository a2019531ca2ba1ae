"""What the chapters of the book are written with: the ledger, numbers in prose, and source on the page."""

from hesslib.book import ledger
from hesslib.book.inline import glue
from hesslib.book.source import Listing, listing

__all__ = ["Listing", "glue", "ledger", "listing"]
