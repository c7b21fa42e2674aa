"""kind = benchmark."""
