"""kind = spectrum."""
