"""kind = compare."""
