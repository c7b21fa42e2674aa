"""Shared by all figures: sizes, colours, legends, axis labels, and rendering a figure to the bytes of a file."""

import io
import textwrap
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import matplotlib
import numpy as np
import pandas as pd
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.axis import Axis
from matplotlib.colors import to_hex, to_rgb
from matplotlib.figure import Figure
from matplotlib.font_manager import FontProperties, findfont, get_font
from matplotlib.lines import Line2D
from matplotlib.mathtext import MathTextParser
from matplotlib.ticker import FuncFormatter, LogLocator, NullFormatter

from randomnet.results import DIVERGED, UNBOUNDED

SINGLE, DOUBLE = 3.5, 7.2  # inches: one and two columns of a journal page
FORMATS = ("png", "svg", "pdf")
# Okabe and Ito (2008) without black, which is for targets, and yellow, which is too light for lines.
COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9")
COLOUR_MIXES = ((0.0, 0.0), (0.0, 0.5), (1.0, 0.45), (0.0, 0.75))  # (end, share): mixed with black (0) or white (1)
DASHES = ("-", (0, (4, 1.5)), (0, (1, 1)), (0, (5, 1, 1, 1)))
MARKERS = ("o", "s", "^", "D")
STYLE = {
    "font.size": 7.5, "axes.labelsize": 8, "axes.titlesize": 8, "figure.titlesize": 8, "legend.fontsize": 7,
    "legend.title_fontsize": 7, "xtick.labelsize": 7, "ytick.labelsize": 7, "axes.linewidth": 0.6,
    "xtick.major.width": 0.6, "ytick.major.width": 0.6, "xtick.minor.width": 0.4, "ytick.minor.width": 0.4,
    "lines.linewidth": 1.3, "axes.spines.top": False, "axes.spines.right": False, "legend.frameon": False,
    "savefig.dpi": 300, "svg.fonttype": "none", "svg.hashsalt": "randomnet", "pdf.fonttype": 42,
}  # fmt: skip
LOG_FROM = 10.0  # positive values that span at least this factor have a log axis
THIN_RUNS = 12  # series of at most this many runs are also drawn run by run
ZOOM_BELOW = 0.3  # trained exponents that are less than this share of all are enlarged in a second row
LONGEST = 24  # characters of a rotated name
REFERENCE = "0.25"
CROWDED = 0.4  # eigenvalues with a smaller range would be one blot in the unit circle
SEVERAL_DECADES = 100.0
LIGHTEST = 0.87  # largest value of viridis in use: it is colour-blind safe, but its yellow end is too light for lines
DASHED = (0, (3, 1.5))
DOTTED = (0, (1, 1.5))
CHANCE: dict[str, Any] = {"color": REFERENCE, "linestyle": DOTTED, "linewidth": 0.8, "zorder": 0}
EXCLUDED_MARKERS = {DIVERGED: "x", UNBOUNDED: "^"}  # status of runs that are left out of means -> marker
TOO_SHORT = "too short to tell"  # verdict on a spectrum


@dataclass(frozen=True)
class Series:
    """Runs that look alike: the legend text, the number of their colour, and the number of their dash and marker.

    shade: 0 (dark) to 1 (light), a place on the sequential colour scale, instead of the colour's number; for values
           with an order.
    """

    text: str
    colour: int = 0
    dash: int = 0
    shade: float | None = None

    @property
    def color(self) -> str:
        """Hex code of a colour-blind-safe colour.

        Colour numbers wrap around; colour mixes, `linestyle` and `marker` then tell the series apart.
        """
        if self.shade is not None:
            return to_hex(matplotlib.colormaps["viridis"](LIGHTEST * self.shade)).upper()
        end, share = COLOUR_MIXES[self.colour // len(COLOURS) % len(COLOUR_MIXES)]
        base = np.array(to_rgb(COLOURS[self.colour % len(COLOURS)]))
        return to_hex(base + share * (end - base)).upper()

    @property
    def linestyle(self) -> str | tuple[int, tuple[float, ...]]:
        """Dash pattern, shifted by one each time the colours wrap around."""
        return DASHES[(self.dash + self.colour // len(COLOURS)) % len(DASHES)]

    @property
    def marker(self) -> str:
        """Marker of single runs, shifted by one each time the colours wrap around."""
        return MARKERS[(self.dash + self.colour // len(COLOURS)) % len(MARKERS)]


@dataclass(frozen=True)
class Panel:
    """One quantity: its column in the table, its axis label with unit, and whether there is a line at zero.

    training:   column of the same quantity for the training trials, drawn dashed with the validation values.
    chance:     smallest and largest chance level, drawn as a band, or as a line if they are equal. The axis is then
                linear.
    own_chance: column of the chance level of each run, drawn at the dot of that run.
    chance_label: legend text of the chance level.
    whole:      whether values are whole numbers, such as epochs.
    linear:     whether the axis is always linear. log: whether it is log for all positive values.
    reference:  column of the values to compare with, drawn dashed; texts: legend texts of the quantity and of these.
    bound:      column that is 1 for runs whose value is a lower bound; bound_text: the legend text for these.
    error:      column of the standard error, drawn as a thin bar of two standard errors up and down.
    ends:       columns of the lower and upper end of that bar if it is not symmetric.
    bar_text:   legend text of that bar; empty for the one of standard errors.
    better:     `higher` or `lower`, the direction of better values, if one is better.
    least:      smallest possible value. spans: values that are always within the axis limits.
    quantity:   what is measured. Panels side by side of one quantity have the same scale and limits.
    """

    column: str
    label: str
    zero: bool = False
    training: str = ""
    chance: tuple[float, float] | None = None
    own_chance: str = ""
    chance_label: str = "chance level: best constant answer ({level} %)"
    whole: bool = False
    linear: bool = False
    reference: str = ""
    texts: tuple[str, str] = ("measured", "matrix products alone")
    bound: str = ""
    bound_text: str = "lower bound"
    error: str = ""
    ends: tuple[str, str] = ("", "")
    bar_text: str = ""
    least: float | None = None
    spans: tuple[float, ...] = ()
    log: bool = False
    better: str = ""
    quantity: str = ""


def render(figure: Figure, fmt: str) -> bytes:
    """The figure as the bytes of a `fmt` file, which is one of FORMATS; equal figures give equal bytes.

    Figures are made without pyplot, so no reference to the figure remains. Raises ValueError for another format.
    """
    if fmt not in FORMATS:
        raise ValueError(f"expected a figure format ({', '.join(FORMATS)}), got {fmt!r}")
    buffer = io.BytesIO()
    metadata = {"svg": {"Date": None}, "pdf": {"CreationDate": None}}.get(fmt)
    with matplotlib.rc_context(STYLE):
        figure.savefig(buffer, format=fmt, metadata=metadata)
    return buffer.getvalue()


def check_text(text: str) -> None:
    """Raises ValueError, with a one-line text, if `text` holds a $formula$ that matplotlib cannot set."""
    try:
        MathTextParser("path").parse(text)
    except ValueError as error:
        reason = str(error).splitlines()[-1]
        raise ValueError(f"expected plain text or valid $formulas$, got {text!r} ({reason})") from None


def missing_characters(text: str) -> str:
    """The characters of a text that the font of figures lacks, each once; figures show a box for them."""
    font = get_font(findfont(FontProperties()))
    return "".join(one for one in dict.fromkeys(text) if not font.get_char_index(ord(one)))


def new_figure(width: float, height: float, title: str) -> Figure:
    """An empty figure of this size in inches, with a wrapped title, for which the height grows."""
    unbroken = escape_dollars(title).replace(" = ", "\u00a0=\u00a0")  # no line break between an option and its value
    wrapped = textwrap.wrap(unbroken, int(width * 16)) if title else []
    figure = Figure(figsize=(width, height + 0.16 * len(wrapped)), layout="constrained")
    if wrapped:
        figure.suptitle("\n".join(wrapped))
    return figure


def legend(
    figure: Figure, handles: Sequence[Artist], heading: str, symbols: Mapping[str, str] | None = None, first: int = 0
) -> None:
    """Add a legend below the axes, in as many columns as fit; the figure grows by the height it needs.

    symbols: text -> formula that replaces it, such as {"g_c": "$g_c$"}.
    first:   number of entries in the first row, if one row is too short for all.
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
    rows = (texts[start : start + columns] for start in range(0, len(texts), columns))
    lines = sum(max(text.count("\n") + 1 for text in row) for row in rows)
    heading_lines = textwrap.wrap(heading, int(width * 16))
    figure.set_size_inches(width, height + 0.16 * (lines + len(heading_lines)))
    # matplotlib omits labels that begin with an underscore, and folder names may begin with one
    texts = [f"\u200b{text}" if text.startswith("_") else text for text in texts]
    for symbol, formula in (symbols or {}).items():
        texts = [text.replace(symbol, formula) for text in texts]
    figure.legend(handles, texts, loc="outside lower center", ncols=columns, title="\n".join(heading_lines) or None,
                  handlelength=1.8, columnspacing=1.2)  # fmt: skip


def line_handle(series: Series, text: str, dash: Any = None) -> Line2D:
    """Legend entry for the line of a series, with this text and dash."""
    return Line2D([], [], color=series.color, linestyle=dash or series.linestyle, label=text)


def mark_handle(series: Series) -> Line2D:
    """Legend entry for the single runs of a series."""
    return Line2D([], [], color=series.color, marker=series.marker, markersize=4, linestyle="", label=series.text)


def escape_dollars(text: str) -> str:
    """`text` with escaped dollar signs, so that a user's text, such as a folder name, starts no formula."""
    return text.replace("$", r"\$")


def circle_limits(values: np.ndarray) -> tuple[tuple[float, float], float]:
    """Limits in the complex plane for eigenvalues and the unit circle: the x limits, and the limit of |y|.

    The whole circle is visible, unless the eigenvalues would be too close together to see. Then only the part near 1 is
    visible, where they would become unstable.
    """
    real_parts, height = np.append(values.real, 1.0), 2 * np.abs(values.imag).max(initial=0.0)
    if max(np.ptp(real_parts), height) > CROWDED:
        real_parts, height = np.append(real_parts, -1.0), max(height, 2.0)
    half_width = 0.55 * max(np.ptp(real_parts), height, 1.5 * CROWDED)  # enough of the circle to see its curvature
    centre = (real_parts.min() + real_parts.max()) / 2
    return (centre - half_width, centre + half_width), half_width


def log_numbers(axis: Axis, low: float, high: float) -> None:
    """Write plain numbers on a log axis from low to high, also between decades where decades alone are too few."""
    numbers = FuncFormatter(lambda value, _: f"{value:g}")
    axis.set_major_formatter(numbers)
    if high / low < SEVERAL_DECADES:
        axis.set_minor_locator(LogLocator(subs=(2, 5)))
        axis.set_minor_formatter(numbers)
    else:
        axis.set_minor_formatter(NullFormatter())


def averaged_runs(table: pd.DataFrame) -> pd.DataFrame:
    """The rows of runs that enter means: neither diverged nor unbounded."""
    return table[~table["status"].isin(list(EXCLUDED_MARKERS))]


def excluded_marks(rows: pd.DataFrame) -> str:
    """One marker per run that is left out of means, in the order of EXCLUDED_MARKERS."""
    return "".join(mark * int((rows["status"] == status).sum()) for status, mark in EXCLUDED_MARKERS.items())


def excluded_handles(table: pd.DataFrame) -> list[Line2D]:
    """Legend entries for the markers of runs that are left out of means, for the statuses in the table."""
    return [Line2D([], [], color=REFERENCE, marker=mark, markerfacecolor="none", linestyle="",
                   label=f"{status}, left out of means")
            for status, mark in EXCLUDED_MARKERS.items() if (table.get("status") == status).any()]  # fmt: skip


def hollow_text(converged: np.ndarray, verdicts: Sequence[object] | None = None) -> str:
    """Legend text for hollow markers: spectra that did not converge, and those too short to tell.

    converged: (runs,), 0, 1 or nan. verdicts: (runs,) texts, or None if unknown. The text is empty if no value is 0.
    """
    hollow = np.asarray(converged, dtype=float) == 0
    texts = [""] * len(hollow) if verdicts is None else verdicts
    too_short = hollow & np.array([verdict == TOO_SHORT for verdict in texts], dtype=bool)
    if not too_short.any():
        return "not converged" if hollow.any() else ""
    count = int((hollow & ~too_short).sum())
    return ", ".join([f"{count} not converged"] * (count > 0) + [f"{too_short.sum()} {TOO_SHORT}"])


def jitter(count: int) -> np.ndarray:
    """Offsets (count,) in [-0.5, 0.5), spread evenly by steps of the golden ratio; the same in every call."""
    return (np.arange(count) * 0.618034 + 0.5) % 1 - 0.5


def runs_text(count: int) -> str:
    """Such as 1 run or 3 runs."""
    return "1 run" if count == 1 else f"{count} runs"


def finite_values(values: pd.Series | np.ndarray) -> np.ndarray:
    """The finite values as a float array (n,)."""
    array = np.asarray(values, dtype=float)
    return array[np.isfinite(array)]


def spans_a_decade(values: pd.Series | np.ndarray) -> bool:
    """Whether the finite values are positive and span at least LOG_FROM, so that a log axis helps."""
    finite = finite_values(values)
    return bool(finite.size and finite.min() > 0 and finite.max() / finite.min() >= LOG_FROM)


def zero_line(axes: Axes) -> None:
    """Draw a thin line at zero."""
    axes.axhline(0.0, color="0.6", linewidth=0.6, zorder=0)


def chance_line(axes: Axes, levels: tuple[float, float] | None) -> None:
    """Draw a line at the chance level, or a band if there are several levels."""
    if levels is not None:
        low, high = levels
        if high > low:
            axes.axhspan(low, high, color=REFERENCE, alpha=0.15, linewidth=0, zorder=0)
        for level in {low, high}:
            axes.axhline(level, **CHANCE)


def chance_handles(panels: Sequence[Panel]) -> list[Line2D]:
    """Legend entries for the lines or bands at chance level, each with its level."""
    labels = dict.fromkeys(panel.chance_label.format(level=chance_text(panel.chance))
                           for panel in panels if panel.chance is not None)  # fmt: skip
    return [Line2D([], [], **CHANCE, label=label) for label in labels]


def chance_text(levels: tuple[float, float]) -> str:
    """The chance level as text, or the smallest and the largest one."""
    low, high = (f"{level:.3g}" for level in levels)
    return low if low == high else f"{low} to {high}"


def with_chance(panel: Panel, table: pd.DataFrame) -> Panel:
    """The panel with a single chance level if all runs have the same one, to the digits in the legend."""
    levels = finite_values(averaged_runs(table)[panel.own_chance]) if panel.own_chance in table else np.empty(0)
    if not len(levels):
        return replace(panel, own_chance="")
    if chance_text((levels.min(), levels.min())) == chance_text((levels.max(), levels.max())):
        return replace(panel, own_chance="", chance=(levels.min(), levels.min()))
    return panel


def set_ylabel(axes: Axes, label: str) -> None:
    """Set the y label, wrapped over several lines if it is longer than its axis."""
    is_laid_out = label.count("$") > 1 or "\n" in label  # a line break within a formula would break it
    axes.set_ylabel(label if is_laid_out else "\n".join(textwrap.wrap(label, 28)))


def set_groups(axes: Axes, groups: Sequence[str], room: int) -> None:
    """Write the group names on the x axis: on one line, wrapped, or rotated, as `room` (characters) allows."""
    width = room // max(1, len(groups)) - 2  # less the space between names
    longest_word = max((len(longest_word) for group in groups for longest_word in group.split()), default=0)
    rotated = max((len(group) for group in groups), default=0) > width and (width < 8 or longest_word > width)
    texts = ["\n".join(textwrap.wrap(escape_dollars(group), max(width, 8))) for group in groups]
    texts = [escape_dollars(_shortened(group)) for group in groups] if rotated else texts
    axes.set_xticks(range(len(texts)), texts, rotation=30 if rotated else 0, ha="right" if rotated else "center",
                    rotation_mode="anchor" if rotated else "default")  # fmt: skip


def _shortened(text: str) -> str:
    """The start and the end of a long text, as names within a study often differ in only one of them."""
    return text if len(text) <= LONGEST else f"{text[: LONGEST // 2 - 1]}…{text[-LONGEST // 2 :]}"


def label_no_values(axes: Axes) -> None:
    """Write in the axes that there are no finite values."""
    axes.text(0.5, 0.5, "no finite values", transform=axes.transAxes, ha="center", va="center", color="0.4")
