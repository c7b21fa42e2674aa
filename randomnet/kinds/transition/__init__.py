"""kind = transition."""
