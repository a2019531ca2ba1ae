"""Layered networks: widths, weights in one flat vector, activations, losses, the forward pass."""
