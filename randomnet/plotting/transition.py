"""A Lyapunov exponent against the coupling g: samples, medians, zero crossings, and theory."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import matplotlib
import numpy as np
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from randomnet.plotting.option_axis import needs_log_axis, set_option_ticks, shifted, slot_width
from randomnet.plotting.style import (
    DASHES,
    DOTTED,
    REFERENCE,
    SINGLE,
    STYLE,
    Series,
    finite_values,
    hollow_text,
    jitter,
    legend,
    new_figure,
    set_ylabel,
    zero_line,
)

MEDIAN = {
    "marker": "D",
    "markersize": 5.5,
    "markerfacecolor": "none",
    "markeredgewidth": 0.8,
}  # drawn around the samples
THEORY = "N → ∞ (theory)"


@dataclass(frozen=True)
class Samples:
    """The data drawn in one colour.

    g, exponents, converged: (samples,) each; converged is 0, 1 or nan.
    median_g, medians:       (k,), the median curve.
    crossing:                g_c or None; low, high: ends of its interval, which may be infinite.
    verdicts:                (samples,) texts, or None if unknown.
    lost:                    number of runs left out, by status.
    unbounded:               smallest g from which on most runs are left out, or None.
    """

    series: Series
    g: np.ndarray
    exponents: np.ndarray
    converged: np.ndarray
    median_g: np.ndarray
    medians: np.ndarray
    crossing: float | None
    low: float
    high: float
    verdicts: Sequence[str] | None = None
    lost: Mapping[str, int] = field(default_factory=dict)
    unbounded: float | None = None


def transition(
    samples: Sequence[Samples], theory: Sequence[tuple[str, np.ndarray, np.ndarray]], ylabel: str, title: str = ""
) -> Figure:
    """The largest exponent against g, one column wide. theory: (legend text, g (n,), exponents (n,)) per curve."""
    with matplotlib.rc_context(STYLE):
        figure = new_figure(SINGLE, 2.7, title)
        axes = figure.subplots()
        all_g = np.concatenate([item.g for item in samples])
        axes.set_xscale("log" if needs_log_axis(all_g) else "linear")
        zero_line(axes)
        width = 0.4 * slot_width(axes, all_g)
        for item in samples:
            _draw(axes, item, width)
            if item.unbounded is not None:
                axes.axvline(item.unbounded, color=item.series.color, linewidth=0.9, linestyle=DOTTED, zorder=2)
        _limit(axes, [*(item.exponents for item in samples), *(exponents for _, _, exponents in theory)])
        for number, (_, g, exponents) in enumerate(theory):
            axes.plot(g, exponents, color="k", linewidth=0.8, linestyle=DASHES[number % len(DASHES)], zorder=6)
        set_option_ticks(axes, all_g)
        axes.set_xlabel("coupling g")
        set_ylabel(axes, ylabel)
        legend(figure, _handles(samples, [name for name, _, _ in theory]), "", symbols={"g_c": "$g_c$"})
        return figure


def _draw(axes: Axes, item: Samples, width: float) -> None:
    color = item.series.color
    x = _side_by_side(axes, item.g, width)
    hollow = item.converged == 0
    for selected, face in ((~hollow, color), (hollow, "white")):
        if selected.any():
            axes.plot(x[selected], item.exponents[selected], linestyle="", marker="o", color=color, markersize=2.6,
                      markerfacecolor=face, markeredgewidth=0.5, alpha=0.5, zorder=3)  # fmt: skip
    axes.plot(item.median_g, item.medians, color=color, linewidth=0.8, zorder=2, **MEDIAN)
    if item.crossing is not None:
        low, high = np.clip([item.low, item.high], item.median_g.min(), item.median_g.max())
        axes.axvspan(low, high, color=color, alpha=0.18, linewidth=0, zorder=1)
        axes.axvline(item.crossing, color=color, linewidth=0.9, zorder=2)


def _side_by_side(axes: Axes, g: np.ndarray, width: float) -> np.ndarray:
    """x of the samples: those of one g are spread over `width`."""
    x = g.astype(float)
    for value in np.unique(g):
        at_value = g == value
        x[at_value] = [shifted(axes, value, width * offset) for offset in jitter(int(at_value.sum()))]
    return x


def _limit(axes: Axes, drawn: Sequence[np.ndarray]) -> None:
    """Set y limits that hold all samples, all of the theory, and zero."""
    values = finite_values(np.concatenate([np.asarray(values, dtype=float) for values in drawn]))
    low, high = values.min(initial=0.0), values.max(initial=0.0)
    margin = 0.06 * (high - low) or 0.1
    axes.set_ylim(low - margin, high + margin)


def _handles(samples: Sequence[Samples], theory: Sequence[str]) -> list[Artist]:
    handles: list[Artist] = []
    for item in samples:
        text = ", ".join([f"{item.series.text}: {crossing_text(item)}", *lost_texts(item.lost)])
        handles.append(Line2D([], [], color=item.series.color, linewidth=0.8, label=text, **MEDIAN))
    handles += [Line2D([], [], color="k", linewidth=0.8, linestyle=DASHES[number % len(DASHES)],
                     label=", ".join(filter(None, [THEORY, name]))) for number, name in enumerate(theory)]  # fmt: skip
    handles.append(Line2D([], [], color=REFERENCE, linestyle="", label="median", **MEDIAN))
    handles.append(Line2D([], [], color=REFERENCE, marker="o", markersize=2.6, linestyle="", label="one sample"))
    known = [item.verdicts for item in samples if item.verdicts is not None]
    verdicts = [text for texts in known for text in texts] if len(known) == len(samples) else None
    hollow = hollow_text(np.concatenate([item.converged for item in samples]), verdicts) if samples else ""
    if hollow:
        handles.append(Line2D([], [], color=REFERENCE, marker="o", markersize=2.6, markerfacecolor="white",
                              linestyle="", label=hollow))  # fmt: skip
    if any(item.crossing is not None for item in samples):
        handles.append(Line2D([], [], color=REFERENCE, linewidth=0.9, label="g_c of the medians, 95 % interval"))
    if any(item.unbounded is not None for item in samples):
        handles.append(Line2D([], [], color=REFERENCE, linewidth=0.9, linestyle=DOTTED,
                            label="most runs are left out from this g on"))  # fmt: skip
    return handles


def missing_text(medians: np.ndarray, lost: Mapping[str, int], unbounded: float | None) -> str:
    """Why there is no g_c: medians (k,) that do not cross zero from below, or runs left out where they would."""
    if unbounded is None or (len(medians) and medians[-1] >= 0):
        almost = len(medians) > 1 and medians[0] < 0 <= medians.max()
        return "no crossing from below" + (" by more than two standard errors" if almost else "")
    unbounded_runs, diverged_runs = lost.get("unbounded", 0), lost.get("diverged", 0)
    if unbounded_runs > diverged_runs:
        reason = "growth is unbounded"
    else:
        reason = "most runs are unbounded or diverge" if unbounded_runs else "most runs diverge"
    return f"no transition to chaos: {reason} from g = {unbounded:g}"


def lost_texts(lost: Mapping[str, int]) -> list[str]:
    """Number of runs left out, by status, as texts."""
    return [f"{count} {status}, left out" for status, count in lost.items() if count]


def crossing_text(item: Samples) -> str:
    """g_c with its interval, to the digits that the interval warrants; without line breaks."""
    if item.crossing is None:
        return missing_text(item.medians, item.lost, item.unbounded)
    ends = [abs(end - item.crossing) for end in (item.low, item.high) if np.isfinite(end) and end != item.crossing]
    digits = int(np.clip(-np.floor(np.log10(min(ends, default=0.01))), 2, 5))
    low = f"< {item.median_g.min():g}" if np.isinf(item.low) else f"{item.low:.{digits}f}"
    high = f"> {item.median_g.max():g}" if np.isinf(item.high) else f"{item.high:.{digits}f}"
    return f"g_c = {item.crossing:.{digits}f} [{low}, {high}]".replace(" ", "\u00a0")
