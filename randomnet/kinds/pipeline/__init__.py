"""kind = pipeline."""
