"""hesslib: closed forms for the derivatives of layered networks, and the calculus that proves them."""

__version__ = "0.1.0"
