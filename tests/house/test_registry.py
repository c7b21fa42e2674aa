"""Registries: a name is set once."""

import pytest

from randomnet.registry import Registry


def test_a_new_name_is_added_after_those_of_the_literal():
    registry = Registry({"first": 1})
    registry["second"] = 2
    assert list(registry.items()) == [("first", 1), ("second", 2)]


def test_an_existing_name_is_refused_and_keeps_its_row():
    registry = Registry({"first": 1})
    with pytest.raises(ValueError, match="registry: expected a new name, got 'first', which exists"):
        registry["first"] = 2
    assert registry == {"first": 1}


def test_a_row_of_another_class_is_refused():
    registry = Registry({"first": 1})
    with pytest.raises(ValueError, match="registry: expected a row of class int as 'second', got str"):
        registry["second"] = "two"
    assert registry == {"first": 1}
