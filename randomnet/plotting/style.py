"""What all figures share: sizes, colours, the legend, axis labels, and turning a figure into a file's bytes."""

import io
import textwrap
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import matplotlib
import numpy as np
import pandas as pd
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.axis import Axis
from matplotlib.colors import to_hex, to_rgb
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.mathtext import MathTextParser
from matplotlib.ticker import FuncFormatter, LogLocator, NullFormatter

from randomnet.results import DIVERGED, UNBOUNDED

SINGLE, DOUBLE = 3.5, 7.2  # inches: one and two columns of a journal page
FORMATS = ("png", "svg", "pdf")
# Okabe and Ito (2008) without black and yellow: black is for targets, yellow is too light for lines.
COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9")
SHADES = ((0.0, 0.0), (0.0, 0.5), (1.0, 0.45), (0.0, 0.75))  # towards black (0) or white (1), and how far
DASHES = ("-", (0, (4, 1.5)), (0, (1, 1)), (0, (5, 1, 1, 1)))
MARKERS = ("o", "s", "^", "D")
STYLE = {
    "font.size": 7.5, "axes.labelsize": 8, "axes.titlesize": 8, "figure.titlesize": 8, "legend.fontsize": 7,
    "legend.title_fontsize": 7, "xtick.labelsize": 7, "ytick.labelsize": 7, "axes.linewidth": 0.6,
    "xtick.major.width": 0.6, "ytick.major.width": 0.6, "xtick.minor.width": 0.4, "ytick.minor.width": 0.4,
    "lines.linewidth": 1.3, "axes.spines.top": False, "axes.spines.right": False, "legend.frameon": False,
    "savefig.dpi": 300, "svg.fonttype": "none", "svg.hashsalt": "randomnet", "pdf.fonttype": 42,
}  # fmt: skip
LOG_FROM = 10.0  # a positive quantity that spans at least this factor is drawn on a log axis
THIN_RUNS = 12  # up to this many runs of a series are also drawn one by one
ZOOM_BELOW = 0.3  # spectra get a second row when the trained exponents are less than this part of all
LONGEST = 24  # characters of a turned name
REFERENCE = "0.25"
CROWDED = 0.4  # eigenvalues that spread no farther are no more than a blot within the unit circle
SEVERAL_DECADES = 100.0
LIGHTEST = 0.87  # of viridis, which is colour-blind safe; its yellow end is too light for lines
DASHED = (0, (3, 1.5))
DOTTED = (0, (1, 1.5))
CHANCE: dict[str, Any] = {"color": REFERENCE, "linestyle": DOTTED, "linewidth": 0.8, "zorder": 0}
EXCLUDED_MARKERS = {DIVERGED: "x", UNBOUNDED: "^"}  # statuses of runs that are in no mean, each with its mark
TOO_SHORT = "too short to tell"  # a verdict on a spectrum


@dataclass(frozen=True)
class Series:
    """A set of runs drawn alike: its legend text, its colour's number, and its dash and marker's number.

    shade: 0 (dark) to 1 (light), a place in the sequential colours, in place of the number; for values in order.
    """

    text: str
    colour: int = 0
    dash: int = 0
    shade: float | None = None

    @property
    def color(self) -> str:
        """Colour-blind-safe; the numbers wrap around, and shade, `linestyle` and `marker` then tell series apart."""
        if self.shade is not None:
            return to_hex(matplotlib.colormaps["viridis"](LIGHTEST * self.shade)).upper()
        end, part = SHADES[self.colour // len(COLOURS) % len(SHADES)]
        plain_colour = np.array(to_rgb(COLOURS[self.colour % len(COLOURS)]))
        return to_hex(plain_colour + part * (end - plain_colour)).upper()

    @property
    def linestyle(self) -> str | tuple[int, tuple[float, ...]]:
        """The dash pattern, shifted by one each time the colours wrap around."""
        return DASHES[(self.dash + self.colour // len(COLOURS)) % len(DASHES)]

    @property
    def marker(self) -> str:
        """The marker of single runs."""
        return MARKERS[(self.dash + self.colour // len(COLOURS)) % len(MARKERS)]


@dataclass(frozen=True)
class Panel:
    """One quantity: its column in the table, its axis label with unit, and whether zero deserves a line.

    training: the column of the same quantity of the training trials, drawn dashed beside that of the validation.
    chance:   the least and the largest level of chance, drawn as a band, or a line where they are equal; such a
              quantity has a linear axis. own_chance: the column of each run's own level, drawn at its dot.
    whole:    only whole numbers, such as epochs. linear: never on a log axis. log: on one if all values are positive.
    beside:   the column of what the quantity is compared with, drawn dashed; texts: what the legend calls the two.
    bound:    the column that says of which runs the quantity is a lower bound, and `bound_text` what the legend says.
    error:    the column of the quantity's standard error, drawn as a thin bar of two either way, where it is there.
    ends:     the columns of the ends of that bar, where it is not as long to either side.
    least:    the least value that the quantity can have. spans: values that its axis shows in any case.
    """

    column: str
    label: str
    zero: bool = False
    training: str = ""
    chance: tuple[float, float] | None = None
    own_chance: str = ""
    whole: bool = False
    linear: bool = False
    reference: str = ""
    texts: tuple[str, str] = ("measured", "its bare matrix products")
    bound: str = ""
    bound_text: str = "lower bound"
    error: str = ""
    ends: tuple[str, str] = ("", "")
    least: float | None = None
    spans: tuple[float, ...] = ()
    log: bool = False


def render(figure: Figure, fmt: str) -> bytes:
    """The figure as the bytes of a `fmt` file (one of FORMATS); the same figure gives the same bytes.

    Figures are made without pyplot, so that nothing is left open once this one is dropped.
    """
    if fmt not in FORMATS:
        raise ValueError(f"expected a figure format, one of {', '.join(FORMATS)}, got {fmt!r}")
    buffer = io.BytesIO()
    undated = {"svg": {"Date": None}, "pdf": {"CreationDate": None}}.get(fmt)
    with matplotlib.rc_context(STYLE):
        figure.savefig(buffer, format=fmt, metadata=undated)
    return buffer.getvalue()


def check_text(text: str) -> None:
    """ValueError where `text` holds a $formula$ that cannot be set, as one line."""
    try:
        MathTextParser("path").parse(text)
    except ValueError as error:
        raise ValueError(f"expected text or valid $formulas$, got {text!r} ({str(error).splitlines()[-1]})") from None


def new_figure(width: float, height: float, title: str) -> Figure:
    whole = escape_dollars(title).replace(" = ", "\u00a0=\u00a0")  # no line break between an option and its value
    wrapped = textwrap.wrap(whole, int(width * 16)) if title else []
    figure = Figure(figsize=(width, height + 0.16 * len(wrapped)), layout="constrained")
    if wrapped:
        figure.suptitle("\n".join(wrapped))
    return figure


def legend(
    figure: Figure, handles: Sequence[Artist], heading: str, symbols: Mapping[str, str] | None = None, first: int = 0
) -> None:
    """Below the axes, in one row or in as many columns as fit, with the room it takes added to the figure.

    symbols: what is to be set as which formula, such as {"g_c": "$g_c$"}.
    first:   so many are the first row, where one row is too short for all.
    """
    if not handles:
        return
    width, height = figure.get_size_inches()
    texts = ["\n".join(textwrap.wrap(escape_dollars(str(handle.get_label())), int(width * 15))) for handle in handles]
    longest = max(len(line) for text in texts for line in text.split("\n"))
    columns = int(np.clip(width * 17 // (longest + 7), 1, len(handles)))
    if sum(len(text) + 6 for text in texts) <= width * 17:
        columns = len(handles)
    elif first:
        columns = min(first, len(handles))
        order = [place for column in range(columns) for place in range(column, len(handles), columns)]  # by columns
        handles, texts = [handles[place] for place in order], [texts[place] for place in order]
    lines = sum(max(text.count("\n") + 1 for text in texts[i : i + columns]) for i in range(0, len(texts), columns))
    said = textwrap.wrap(heading, int(width * 16))
    figure.set_size_inches(width, height + 0.16 * (lines + len(said)))
    # matplotlib leaves out labels that begin with an underscore, and users name folders so
    texts = [f"\u200b{text}" if text.startswith("_") else text for text in texts]
    for symbol, formula in (symbols or {}).items():
        texts = [text.replace(symbol, formula) for text in texts]
    figure.legend(handles, texts, loc="outside lower center", ncols=columns, title="\n".join(said) or None,
                  handlelength=1.8, columnspacing=1.2)  # fmt: skip


def line_handle(one: Series, text: str, dash: Any = None) -> Line2D:
    return Line2D([], [], color=one.color, linestyle=dash or one.linestyle, label=text)


def mark_handle(one: Series) -> Line2D:
    return Line2D([], [], color=one.color, marker=one.marker, markersize=4, linestyle="", label=one.text)


def escape_dollars(text: str) -> str:
    """Text of the user's is text: a dollar sign in a folder's name starts no formula."""
    return text.replace("$", r"\$")


def circle_limits(values: np.ndarray) -> tuple[tuple[float, float], float]:
    """Of the complex plane: x limits, and the reach of y on both sides of 0, for eigenvalues beside the unit circle.

    All of the circle is in the picture, unless the values take up so little of it that they could not be told apart;
    then it is the part of it where they would become unstable.
    """
    reals, height = np.append(values.real, 1.0), 2 * np.abs(values.imag).max(initial=0.0)
    if max(np.ptp(reals), height) > CROWDED:
        reals, height = np.append(reals, -1.0), max(height, 2.0)
    reach = 0.55 * max(np.ptp(reals), height, 1.5 * CROWDED)  # of so much of the circle one sees the bend
    middle = (reals.min() + reals.max()) / 2
    return (middle - reach, middle + reach), reach


def log_numbers(axis: Axis, low: float, high: float) -> None:
    """Plain numbers on a log axis from low to high, with some between decades where these alone would be too few."""
    numbers = FuncFormatter(lambda value, _: f"{value:g}")
    axis.set_major_formatter(numbers)
    if high / low < SEVERAL_DECADES:
        axis.set_minor_locator(LogLocator(subs=(2, 5)))
        axis.set_minor_formatter(numbers)
    else:
        axis.set_minor_formatter(NullFormatter())


def averaged_runs(table: pd.DataFrame) -> pd.DataFrame:
    """The rows of runs that neither diverged nor grew without bound."""
    return table[~table["status"].isin(list(EXCLUDED_MARKERS))]


def excluded_marks(rows: pd.DataFrame) -> str:
    """A mark for each run that is in no mean, in the order of EXCLUDED_MARKERS."""
    return "".join(mark * int((rows["status"] == status).sum()) for status, mark in EXCLUDED_MARKERS.items())


def excluded_handles(table: pd.DataFrame) -> list[Line2D]:
    """What the marks of runs that are in no mean mean, of those that there are."""
    return [Line2D([], [], color=REFERENCE, marker=mark, markerfacecolor="none", linestyle="",
                   label=f"{status}, in no mean")
            for status, mark in EXCLUDED_MARKERS.items() if (table.get("status") == status).any()]  # fmt: skip


def hollow_text(converged: np.ndarray, verdicts: Sequence[object] | None = None) -> str:
    """What hollow marks mean: runs whose spectrum did not converge, those too short to tell counted apart.

    converged: (runs,), 0, 1 or nan. verdicts: (runs,) texts, or None where none were written. Empty where none is 0.
    """
    hollow = np.asarray(converged, dtype=float) == 0
    known = [""] * len(hollow) if verdicts is None else verdicts
    short = hollow & np.array([verdict == TOO_SHORT for verdict in known], dtype=bool)
    if not short.any():
        return "not converged" if hollow.any() else ""
    others = int((hollow & ~short).sum())
    return ", ".join([f"{others} not converged"] * (others > 0) + [f"{short.sum()} {TOO_SHORT}"])


def jitter(count: int) -> np.ndarray:
    """Offsets in [-0.5, 0.5): steps of the golden ratio spread evenly, and alike every time, without a generator."""
    return (np.arange(count) * 0.618034 + 0.5) % 1 - 0.5


def runs_text(count: int) -> str:
    return "1 run" if count == 1 else f"{count} runs"


def finite_values(values: pd.Series | np.ndarray) -> np.ndarray:
    array = np.asarray(values, dtype=float)
    return array[np.isfinite(array)]


def spans_a_decade(values: pd.Series | np.ndarray) -> bool:
    finite = finite_values(values)
    return bool(finite.size and finite.min() > 0 and finite.max() / finite.min() >= LOG_FROM)


def zero_line(axes: Axes) -> None:
    axes.axhline(0.0, color="0.6", linewidth=0.6, zorder=0)


def chance_line(axes: Axes, levels: tuple[float, float] | None) -> None:
    """A line at the level of chance, or a band where there are several."""
    if levels is not None:
        low, high = levels
        if high > low:
            axes.axhspan(low, high, color=REFERENCE, alpha=0.15, linewidth=0, zorder=0)
        for level in {low, high}:
            axes.axhline(level, **CHANCE)


def chance_handles(panels: Sequence[Panel]) -> list[Line2D]:
    """The legend's entry for each line or band of chance levels, which it names."""
    levels = dict.fromkeys(chance_text(panel.chance) for panel in panels if panel.chance is not None)
    return [Line2D([], [], **CHANCE, label=f"chance, the best constant answer ({level} %)") for level in levels]


def chance_text(levels: tuple[float, float]) -> str:
    """The level of chance, or its least and largest one."""
    low, high = (f"{level:.3g}" for level in levels)
    return low if low == high else f"{low} to {high}"


def set_ylabel(axes: Axes, label: str) -> None:
    """An axis label on several lines where it is longer than its axis."""
    formulas = label.count("$") > 1 or "\n" in label  # a line break within a formula would break it
    axes.set_ylabel(label if formulas else "\n".join(textwrap.wrap(label, 28)))


def set_groups(axes: Axes, groups: Sequence[str], room: int) -> None:
    """Name the groups on the x axis: on one line, wrapped between words, or turned, as `room` (characters) allows."""
    each = room // max(1, len(groups)) - 2  # between names
    word = max((len(word) for group in groups for word in group.split()), default=0)
    turned = max((len(group) for group in groups), default=0) > each and (each < 8 or word > each)
    texts = ["\n".join(textwrap.wrap(escape_dollars(group), max(each, 8))) for group in groups]
    texts = [escape_dollars(_shortened(group)) for group in groups] if turned else texts
    axes.set_xticks(range(len(texts)), texts, rotation=30 if turned else 0, ha="right" if turned else "center",
                    rotation_mode="anchor" if turned else "default")  # fmt: skip


def _shortened(text: str) -> str:
    """The start and the end of a long text: names of a study often differ in one of these."""
    return text if len(text) <= LONGEST else f"{text[: LONGEST // 2 - 1]}…{text[-LONGEST // 2 :]}"


def label_no_values(axes: Axes) -> None:
    axes.text(0.5, 0.5, "no finite values", transform=axes.transAxes, ha="center", va="center", color="0.4")
