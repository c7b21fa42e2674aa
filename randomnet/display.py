"""Records that show themselves: one line as text, a small table in notebooks, and a figure."""

from html import escape
from importlib import import_module
from typing import Any, ClassVar

DRAWINGS = "randomnet.notebook.drawings"  # the module with a function for each record that draws itself
MOST_ROWS = 10  # of a table in a notebook


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
