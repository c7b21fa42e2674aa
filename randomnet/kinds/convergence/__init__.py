"""kind = convergence."""
