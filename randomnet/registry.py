"""`Registry`: a dictionary of what the program offers, name -> row."""

from typing import TypeVar

Row = TypeVar("Row")


class Registry(dict[str, Row]):
    """A dictionary whose names are set once, and whose rows are of one class.

    Setting an existing name, or a row of another class than the first one, raises ValueError.
    """

    def __setitem__(self, name: str, row: Row) -> None:
        if name in self:
            raise ValueError(f"registry: expected a new name, got {name!r}, which exists; choose another name")
        kind = type(next(iter(self.values()), row))
        if not isinstance(row, kind):
            raise ValueError(f"registry: expected a row of class {kind.__name__} as {name!r}, got {type(row).__name__}")
        super().__setitem__(name, row)
