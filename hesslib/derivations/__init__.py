"""What the calculus proves of networks: one module for each mathematical object, each function a checked chain.

A derivation is a function here that returns its chain of `Steps`; chapters import it and show its source. The letters
of the network are in `network`; its explicit instances in exact arithmetic, the oracle of tests, in `exact_network`.
"""
