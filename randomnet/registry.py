"""`Registry`: a dictionary of what the program offers, name -> row."""

from typing import TypeVar

Row = TypeVar("Row")


class Registry(dict[str, Row]):
    """A dictionary whose names are set once: setting an existing name raises ValueError."""

    def __setitem__(self, name: str, row: Row) -> None:
        if name in self:
            raise ValueError(f"registry: expected a new name, got {name!r}, which exists; choose another name")
        super().__setitem__(name, row)
