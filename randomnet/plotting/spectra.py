"""Lyapunov spectra: one set, or several side by side, such as before and after training."""

from collections.abc import Collection, Mapping, Sequence

import matplotlib
import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from randomnet.plotting.style import (
    DOUBLE,
    REFERENCE,
    SINGLE,
    STYLE,
    ZOOM_BELOW,
    Series,
    legend,
    line_handle,
    new_figure,
    runs_text,
    zero_line,
)

SHADES_NAMED = 12  # at most this many shades have a legend entry
Run = tuple[np.ndarray, np.ndarray, int]


def spectra(
    panels: Mapping[str, Mapping[str, Sequence[Run]]],
    targets: Mapping[str, np.ndarray],
    series: Sequence[Series],
    title: str = "",
    key: tuple[Mapping[float, str], Mapping[int, str]] | None = None,
    notes: Mapping[str, str] | None = None,
    unit: str = "τ",
) -> Figure:
    """Lyapunov spectra against index/N, one panel per set; one panel is one journal column wide, two are two columns.

    panels:  per panel title, per series text, one (exponents (k,), standard errors (k,), N) per run, in 1/unit.
    targets: per series text, the targets of the trained exponents, (nle,), in 1/unit.
    key:     for shaded series, the legend text of each shade and of each dash, instead of those of the series.
    notes:   per series text, what the legend adds after the number of runs.
    The band is the standard deviation over runs, or for a single run the standard error of the estimate. If the trained
    exponents are a small share of all, a second row enlarges them.
    """
    all_runs = [run for sets in panels.values() for runs in sets.values() for run in runs]
    limits = x_limits(all_runs, targets.values())
    with matplotlib.rc_context(STYLE):
        figure = new_figure(SINGLE if len(panels) == 1 else DOUBLE, 0.75 + 2.0 * len(limits), title)
        grid = figure.subplots(len(limits), len(panels), sharey="row", squeeze=False)
        for column, (panel_title, runs) in enumerate(panels.items()):
            for row, limit in enumerate(limits):
                _draw_spectra(grid[row, column], runs, targets, series, limit)
            grid[0, column].set_title(panel_title)
            grid[-1, column].set_xlabel("index / N")
        for row, axes in enumerate(grid[:, 0]):
            axes.set_ylabel(f"Lyapunov exponent (1/{unit})" + ("\nfirst exponents, enlarged" if row else ""))
        counts = [len(runs) for sets in panels.values() for runs in sets.values()]
        if key:
            handles, heading = _key(key), [_band(counts), f"{_range(counts)} per line"]
        else:
            *_, last_panel = panels.values()
            texts = [f"{look.text}, {runs_text(len(last_panel.get(look.text, ())))}{(notes or {}).get(look.text, '')}"
                     for look in series]  # fmt: skip
            handles = [line_handle(look, text) for look, text in zip(series, texts, strict=True)]
            heading = [_band(counts)]
        heading.append(not_drawn_text(all_runs))
        if targets:
            handles.append(Line2D([], [], color="k", linestyle=(0, (1.5, 1)), label="target"))
        legend(figure, handles, "; ".join(filter(None, heading)))
        return figure


def x_limits(runs: Sequence[Run], targets: Collection[np.ndarray]) -> list[float]:
    """Upper limits of index / N: for all exponents, and for a second row that enlarges trained exponents.

    There is no second row unless the trained exponents are a small share of all.
    """
    most = max((len(values) for values, _, _ in runs), default=1)
    whole = max((len(values) / n for values, _, n in runs), default=1.0)
    trained_share = max(map(len, targets), default=0) / most
    return [whole, whole * min(1.0, max(1.6 * trained_share, 5 / most))] if 0 < trained_share < ZOOM_BELOW else [whole]


def _key(key: tuple[Mapping[float, str], Mapping[int, str]]) -> list[Line2D]:
    """A legend entry for each shade, or for some if there are many, and for each dash if there are several."""
    shades, dashes = key
    selected = np.unique(np.linspace(0, len(shades) - 1, SHADES_NAMED).round().astype(int))
    named = [(shade, text) for place, (shade, text) in enumerate(shades.items()) if place in selected]
    handles = [line_handle(Series(text, shade=shade), text) for shade, text in named]
    if len(dashes) > 1:
        handles += [Line2D([], [], color=REFERENCE, linestyle=Series(text, dash=dash).linestyle, label=text)
                    for dash, text in dashes.items()]  # fmt: skip
    return handles


def not_drawn_text(runs: Sequence[Run]) -> str:
    """Legend text on exponents at minus infinity, which no axis can show; empty if there are none.

    They belong to directions that decay to zero within one step.
    """
    counts = [int(np.isneginf(values).sum()) for values, _, _ in runs]
    which = f" (in {sum(count > 0 for count in counts)} of {len(runs)} runs)" if len(runs) > 1 else ""
    subject = "exponent at \u2212\u221e is" if sum(counts) == 1 else "exponents at \u2212\u221e are"
    return f"{sum(counts)} {subject} not drawn{which}" if any(counts) else ""


def _range(counts: Sequence[int]) -> str:
    low, high = min(counts, default=0), max(counts, default=0)
    return runs_text(low) if low == high else f"{low} to {high} runs"


def _draw_spectra(
    axes: Axes, runs: Mapping[str, Sequence[Run]], targets: Mapping[str, np.ndarray],
    series: Sequence[Series], limit: float,
) -> None:  # fmt: skip
    zero_line(axes)
    drawn_targets: list[tuple[np.ndarray, np.ndarray, str]] = []
    for look in series:
        if not runs.get(look.text):
            continue
        x, mean, spread = _mean_spectrum(runs[look.text])
        visible = x <= limit + 1e-9
        x, mean, spread = x[visible], mean[visible], spread[visible]
        marker = look.marker if len(x) <= (30 if look.shade is None else 8) else None
        axes.plot(x, mean, color=look.color, linestyle=look.linestyle, marker=marker, markersize=2.5)
        axes.fill_between(x, mean - spread, mean + spread, color=look.color, alpha=0.25, linewidth=0)
        target = targets.get(look.text)
        if target is not None and len(target):
            x_target = np.arange(1, len(target) + 1) / runs[look.text][0][2]
            if not any(
                np.array_equal(target, other) and np.array_equal(x_target, other_x)
                for other_x, other, _ in drawn_targets
            ):
                drawn_targets.append((x_target, target, look.color))
    all_equal = all(
        np.array_equal(first[: len(second)], second[: len(first)])
        for _, first, _ in drawn_targets
        for _, second, _ in drawn_targets
    )
    for x_target, target, color in drawn_targets:
        axes.plot(x_target, target, color="k" if all_equal else color, linestyle=(0, (1.5, 1)), linewidth=1.0,
                  zorder=4, marker="." if len(target) <= 3 else None, markersize=3)  # fmt: skip
    set_x(axes, limit)


def set_x(axes: Axes, limit: float) -> None:
    """Set the x axis of spectra, index / N, from 0 to just beyond the limit."""
    axes.set_xlim(0, 1.03 * limit if limit < 1 else 1)
    axes.xaxis.get_major_locator().set_params(nbins=5)  # more would overlap with those of the next panel


def _band(counts: Sequence[int]) -> str:
    has_several, has_single = max(counts, default=0) > 1, min(counts, default=0) == 1
    parts = ["standard deviation over runs"] * has_several
    parts += [f"{'for a single run the ' if has_several else ''}standard error of the estimate"] * has_single
    return f"band: {'; '.join(parts)}" if parts else ""


def _mean_spectrum(runs: Sequence[Run]) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """x = index/N, mean and spread over runs, (k,) each.

    Runs of unequal N are interpolated to the indices of the largest. The spread of a single run is its standard error.
    """
    x, rows = on_one_axis(runs)
    finite = pd.DataFrame(rows)
    if len(runs) == 1:
        return x, finite.iloc[0].to_numpy(), runs[0][1]
    return x, finite.mean(axis=0).to_numpy(), finite.std(axis=0).to_numpy()


def on_one_axis(runs: Sequence[Run]) -> tuple[np.ndarray, np.ndarray]:
    """x = index/N of the largest run (k,), and the exponents of all runs there, (runs, k), nan where not finite."""
    _, size, n = max((n, len(values), n) for values, _, n in runs)
    x = np.arange(1, size + 1) / n
    rows = np.array([_interpolated(x, values, n) for values, _, n in runs])
    return x, np.where(np.isfinite(rows), rows, np.nan)


def _interpolated(x: np.ndarray, values: np.ndarray, n: int) -> np.ndarray:
    """Exponents at x, nan outside their range. x: index/N (k,); n: the run's number of neurons."""
    own_x = np.arange(1, len(values) + 1) / n
    if len(own_x) == 0 or np.array_equal(own_x, x):
        return values if len(values) else np.full(len(x), np.nan)
    return np.interp(x, own_x, values, left=np.nan, right=np.nan)
