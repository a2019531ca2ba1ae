"""Second derivatives of the error: the Hessian, what approximates it, and products, factors and spectra of both."""
