"""kind = record."""
