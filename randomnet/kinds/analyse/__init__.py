"""kind = analyse."""
