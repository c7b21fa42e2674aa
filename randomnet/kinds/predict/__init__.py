"""kind = predict."""
