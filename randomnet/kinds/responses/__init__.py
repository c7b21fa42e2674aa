"""kind = responses."""
