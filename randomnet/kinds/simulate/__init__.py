"""kind = simulate."""
