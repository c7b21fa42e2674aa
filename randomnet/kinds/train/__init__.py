"""kind = train."""
