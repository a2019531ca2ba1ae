"""Bayesian regularisation: the evidence of a network, and the weight decay that maximises it."""
