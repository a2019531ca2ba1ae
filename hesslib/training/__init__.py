"""Minimising the error: line searches, trust regions, Levenberg-Marquardt, and what all optimisers share."""
