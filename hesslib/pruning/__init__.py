"""Removing weights by what the curvature says of their loss: optimal brain damage and optimal brain surgeon."""
