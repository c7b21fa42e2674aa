"""kind = stimulate."""
