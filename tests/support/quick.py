"""The mark `quick`: one case of each test that takes little time, so that every room is looked into within a minute."""

import pytest

from tests.support.paths import ROOT

LEFT_OUT = ROOT / "tests" / "support" / "not_quick.txt"  # whose first case, with its fixtures, took more than 0.1 s


def not_quick() -> set[str]:
    """The names of tests that are never quick, such as tests/rnn/test_rnn.py::test_name."""
    return set(LEFT_OUT.read_text(encoding="utf-8").split())


def mark_quick(items) -> None:
    """Mark the first case of every test as quick, where it is neither slow nor long nor left out."""
    done = not_quick()
    for item in items:
        name = item.nodeid.partition("[")[0]
        if name not in done and not any(item.get_closest_marker(mark) for mark in ("slow", "long")):
            item.add_marker(pytest.mark.quick)
            done.add(name)
