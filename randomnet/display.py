"""Records that show themselves: one line as text, a small table in notebooks, and a figure."""

from collections.abc import Mapping
from html import escape
from importlib import import_module
from typing import Any, ClassVar

DRAWINGS = "randomnet.notebook.drawings"  # the module with a function for each record that draws itself
MOST_ROWS = 10  # of a table in a notebook
LONGEST = 80  # characters of a value in one line


class Brief:
    """A dataclass whose `repr` is one line: arrays and tensors by shape and type, long values by their number."""

    def __repr__(self) -> str:
        """The class with its fields."""
        fields: Any = getattr(type(self), "__dataclass_fields__", {})
        parts = ", ".join(f"{name}={_brief(getattr(self, name))}" for name in fields)
        return f"{type(self).__name__}({parts})"


def _brief(value: Any) -> str:
    """A value in a few words."""
    shape = getattr(value, "shape", None)
    if isinstance(shape, tuple) and hasattr(value, "dtype"):
        return f"{str(value.dtype).removeprefix('torch.')} {tuple(shape)}" if shape else f"{value.item()!r}"
    if isinstance(shape, tuple):  # a table
        return f"{type(value).__name__} {shape}"
    text = repr(value)
    if len(text) <= LONGEST and "\n" not in text:
        return text
    if isinstance(value, Mapping):
        return f"{{{', '.join(map(str, value))}}}" if len(value) <= MOST_ROWS else f"{len(value)} entries"
    return f"{len(value)} entries" if hasattr(value, "__len__") else type(value).__name__


class Displayed:
    """A record with a one-line `repr`, `frame()` where it has rows, and `plot()` where it can be drawn.

    drawing: name of the function that draws it; empty where nothing does.
    """

    drawing: ClassVar[str] = ""

    def summary(self) -> str:
        """One line of facts."""
        raise NotImplementedError

    def frame(self) -> Any:
        """The rows of the record as a DataFrame; None where it has none."""
        return None

    def plot(self, *arguments: Any, **options: Any) -> Any:
        """A matplotlib Figure of the record. Raises TypeError for arguments that its figure does not have."""
        if not self.drawing:
            raise TypeError(f"{type(self).__name__}: expected a record that is drawn, got one without a figure")
        return getattr(import_module(DRAWINGS), self.drawing)(self, *arguments, **options)

    def __repr__(self) -> str:
        """The class and its facts in one line."""
        return f"{type(self).__name__}: {self.summary()}"

    def _repr_html_(self) -> str:
        """The facts and the first rows, for notebooks."""
        rows = self.frame()
        table = "" if rows is None else rows.head(MOST_ROWS).to_html(index=False, float_format="{:.4g}".format)
        more = "" if rows is None or len(rows) <= MOST_ROWS else f"<p>{len(rows)} rows</p>"
        return f"<p>{escape(repr(self))}</p>{table}{more}"
