"""kind = fit."""
