"""An exponent against the coupling g: samples, medians, where they cross zero, and theory."""

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

MEDIAN = {"marker": "D", "markersize": 5.5, "markerfacecolor": "none", "markeredgewidth": 0.8}  # around the samples
THEORY = "N → ∞ (theory)"


@dataclass(frozen=True)
class Samples:
    """What is drawn in one colour.

    g, exponents, converged: (samples,) each; converged 0, 1 or nan.
    median_g, medians:       (k,), the median curve.
    crossing:                g_c or None; low, high: its interval, of which an end may be infinite.
    verdicts:                (samples,) texts, or None where none were written.
    lost:                    how many runs of each status are left out; unbounded: from which g on most are, or None.
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
    """The largest exponent against g, one column wide; theory: (what distinguishes it, g (n,), exponent (n,)) each."""
    with matplotlib.rc_context(STYLE):
        figure = new_figure(SINGLE, 2.7, title)
        axes = figure.subplots()
        every = np.concatenate([one.g for one in samples])
        axes.set_xscale("log" if needs_log_axis(every) else "linear")
        zero_line(axes)
        width = 0.4 * slot_width(axes, every)
        for one in samples:
            _draw(axes, one, width)
            if one.unbounded is not None:
                axes.axvline(one.unbounded, color=one.series.color, linewidth=0.9, linestyle=DOTTED, zorder=2)
        _limit(axes, [*(one.exponents for one in samples), *(exponents for _, _, exponents in theory)])
        for number, (_, g, exponents) in enumerate(theory):
            axes.plot(g, exponents, color="k", linewidth=0.8, linestyle=DASHES[number % len(DASHES)], zorder=6)
        set_option_ticks(axes, every)
        axes.set_xlabel("coupling g")
        set_ylabel(axes, ylabel)
        legend(figure, _handles(samples, [name for name, _, _ in theory]), "", symbols={"g_c": "$g_c$"})
        return figure


def _draw(axes: Axes, one: Samples, width: float) -> None:
    color = one.series.color
    places = _side_by_side(axes, one.g, width)
    hollow = one.converged == 0
    for which, face in ((~hollow, color), (hollow, "white")):
        if which.any():
            axes.plot(places[which], one.exponents[which], linestyle="", marker="o", color=color, markersize=2.6,
                      markerfacecolor=face, markeredgewidth=0.5, alpha=0.5, zorder=3)  # fmt: skip
    axes.plot(one.median_g, one.medians, color=color, linewidth=0.8, zorder=2, **MEDIAN)
    if one.crossing is not None:
        low, high = np.clip([one.low, one.high], one.median_g.min(), one.median_g.max())
        axes.axvspan(low, high, color=color, alpha=0.18, linewidth=0, zorder=1)
        axes.axvline(one.crossing, color=color, linewidth=0.9, zorder=2)


def _side_by_side(axes: Axes, g: np.ndarray, width: float) -> np.ndarray:
    """The samples of one g are shifted apart, by `width` in all."""
    places = g.astype(float)
    for value in np.unique(g):
        same = g == value
        places[same] = [shifted(axes, value, width * offset) for offset in jitter(int(same.sum()))]
    return places


def _limit(axes: Axes, drawn: Sequence[np.ndarray]) -> None:
    """All samples, the whole of the theory, and zero."""
    values = finite_values(np.concatenate([np.asarray(values, dtype=float) for values in drawn]))
    low, high = values.min(initial=0.0), values.max(initial=0.0)
    room = 0.06 * (high - low) or 0.1
    axes.set_ylim(low - room, high + room)


def _handles(samples: Sequence[Samples], theory: Sequence[str]) -> list[Artist]:
    found: list[Artist] = []
    for one in samples:
        text = ", ".join([f"{one.series.text}: {crossing_text(one)}", *lost_texts(one.lost)])
        found.append(Line2D([], [], color=one.series.color, linewidth=0.8, label=text, **MEDIAN))
    found += [Line2D([], [], color="k", linewidth=0.8, linestyle=DASHES[number % len(DASHES)],
                     label=", ".join(filter(None, [THEORY, name]))) for number, name in enumerate(theory)]  # fmt: skip
    found.append(Line2D([], [], color=REFERENCE, linestyle="", label="median", **MEDIAN))
    found.append(Line2D([], [], color=REFERENCE, marker="o", markersize=2.6, linestyle="", label="one sample"))
    known = all(one.verdicts is not None for one in samples)
    verdicts = [text for one in samples for text in one.verdicts] if known else None
    hollow = hollow_text(np.concatenate([one.converged for one in samples]), verdicts) if samples else ""
    if hollow:
        found.append(Line2D([], [], color=REFERENCE, marker="o", markersize=2.6, markerfacecolor="white", linestyle="",
                            label=hollow))  # fmt: skip
    if any(one.crossing is not None for one in samples):
        found.append(Line2D([], [], color=REFERENCE, linewidth=0.9, label="g_c of the medians, 95 % interval"))
    if any(one.unbounded is not None for one in samples):
        found.append(Line2D([], [], color=REFERENCE, linewidth=0.9, linestyle=DOTTED,
                            label="most runs are left out from here on"))  # fmt: skip
    return found


def missing_text(medians: np.ndarray, lost: Mapping[str, int], unbounded: float | None) -> str:
    """Why there is no g_c: the medians (k,) never cross zero from below, or only where most runs are left out."""
    if unbounded is None or (len(medians) and medians[-1] >= 0):
        close = len(medians) > 1 and medians[0] < 0 <= medians.max()
        return "no crossing from below" + (" by more than two standard errors" if close else "")
    words = {"unbounded": "growth is unbounded", "diverged": "most runs diverge"}
    ends = [status for status in words if lost.get(status)]
    end = words[ends[0]] if len(ends) == 1 else "most runs are unbounded or diverge"
    return f"no transition to chaos: {end} from g = {unbounded:g}"


def lost_texts(lost: Mapping[str, int]) -> list[str]:
    """How many runs of each status are left out."""
    return [f"{count} {status}, left out" for status, count in lost.items() if count]


def crossing_text(one: Samples) -> str:
    """g_c with its interval, in so many digits as the interval deserves; without line breaks."""
    if one.crossing is None:
        return missing_text(one.medians, one.lost, one.unbounded)
    ends = [abs(end - one.crossing) for end in (one.low, one.high) if np.isfinite(end) and end != one.crossing]
    digits = int(np.clip(-np.floor(np.log10(min(ends, default=0.01))), 2, 5))
    low = f"< {one.median_g.min():g}" if np.isinf(one.low) else f"{one.low:.{digits}f}"
    high = f"> {one.median_g.max():g}" if np.isinf(one.high) else f"{one.high:.{digits}f}"
    return f"g_c = {one.crossing:.{digits}f} [{low}, {high}]".replace(" ", "\u00a0")
