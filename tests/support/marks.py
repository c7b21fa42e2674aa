"""Marks of parametrized values."""

import pytest


def slow_except(values, *fast):
    """The values of a parametrization, all but `fast` marked slow: these say the same of further cases."""
    values = list(values)
    absent = [value for value in fast if value not in values]
    assert not absent, f"expected values of the parametrization, got {absent}; there are {values}"
    return [value if value in fast else _slow(value) for value in values]


def _slow(value):
    return pytest.param(*(value if isinstance(value, tuple) else (value,)), marks=pytest.mark.slow)
