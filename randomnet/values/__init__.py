"""Kinds of value that are the field's own, as an INI writes them."""
