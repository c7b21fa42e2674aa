"""Comparing results folders: which combos belong together (matching) and how sure a difference is (statistics)."""
