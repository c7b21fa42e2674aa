"""A connectome: its matrix sorted by group, the distributions of its degrees and weights, its eigenvalues."""

from collections.abc import Sequence

import matplotlib
import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import LinearSegmentedColormap
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Circle
from matplotlib.ticker import MaxNLocator

from randomnet.plotting.style import (
    COLOURS,
    DASHED,
    DOTTED,
    DOUBLE,
    REFERENCE,
    SINGLE,
    STYLE,
    escape_dollars,
    label_no_values,
    legend,
    new_figure,
    set_ylabel,
    spans_a_decade,
)

INHIBITORY, EXCITATORY = COLOURS[0], COLOURS[1]
SIGNED = LinearSegmentedColormap.from_list("signed", [INHIBITORY, "white", EXCITATORY])
LARGEST_DRAWN = 1500  # neurons; the matrix of more neurons is binned
BINS = 500
WITHIN_SCALE = 95  # percent of the nonzero values; weights have heavy tails
SIDE, LINE, LETTER = 6.5, 0.1, 0.06  # inches: the matrix with the group names, a line of names, a letter
LARGE_DOTS_UP_TO = 300  # at most this many eigenvalues have larger dots
UNIT_CIRCLE_FROM, UNIT_CIRCLE_UP_TO = 0.1, 50.0  # spectral radii outside this range hide the unit circle


def weight_matrix(
    post: np.ndarray, pre: np.ndarray, weights: np.ndarray, order: np.ndarray, by: str, names: Sequence[str],
    sizes: Sequence[int], title: str = "",
) -> Figure:  # fmt: skip
    """J[post, pre] with its neurons sorted by group, rows postsynaptic; many neurons are binned to means over blocks.

    post, pre: (E,) int64; weights: (E,). order: (N,), the neurons by group; by: what the groups are; names, sizes: of
    the groups. Excitation is orange and inhibition blue, on a symmetric scale that the strongest 5 % exceed.
    """
    n, place = len(order), np.empty(len(order), np.int64)
    place[order] = np.arange(n)
    image, label = _image(place[post], place[pre], weights, n)
    magnitudes = np.abs(image[image != 0])
    limit = float(np.percentile(magnitudes, WITHIN_SCALE)) if len(magnitudes) else 1.0
    extensions = {(False, False): "neither", (True, False): "min", (False, True): "max", (True, True): "both"}
    with matplotlib.rc_context(STYLE):
        figure = new_figure(DOUBLE, DOUBLE + 0.4, title)
        axes = figure.subplots()
        mesh = axes.imshow(image, cmap=SIGNED, vmin=-limit, vmax=limit, interpolation="nearest", aspect="equal",
                            extent=(0, n, n, 0))  # fmt: skip
        _name_groups(axes, names, sizes)
        axes.set_xlabel(f"presynaptic neuron, by {by}")
        axes.set_ylabel(f"postsynaptic neuron, by {by}")
        axes.spines[["top", "right"]].set_visible(True)
        bar = figure.colorbar(mesh, ax=axes, location="bottom", shrink=0.6, aspect=40, ticks=MaxNLocator(5),
                              extend=extensions[bool(image.min() < -limit), bool(image.max() > limit)])  # fmt: skip
        bar.set_label(
            f"{label} (> 0 excitatory, < 0 inhibitory)\nthe scale holds {WITHIN_SCALE} % of the nonzero values"
        )
        return figure


def _image(row: np.ndarray, column: np.ndarray, weights: np.ndarray, n: int) -> tuple[np.ndarray, str]:
    """The matrix, or the means of BINS x BINS blocks if it has more than LARGEST_DRAWN neurons; and its label."""
    if n <= LARGEST_DRAWN:
        image = np.zeros((n, n))
        image[row, column] = weights
        return image, "weight J as used"
    pixel = np.arange(n) * BINS // n
    sides = np.bincount(pixel)
    sums = np.bincount(pixel[row] * BINS + pixel[column], weights, BINS * BINS).reshape(BINS, BINS)
    side = f"{sides.min()}" if sides.min() == sides.max() else f"{sides.min()} to {sides.max()}"
    return sums / np.outer(sides, sides), f"mean J over blocks with sides of {side} neurons"


def _name_groups(axes: Axes, names: Sequence[str], sizes: Sequence[int]) -> None:
    """Draw borders between groups, and the names of as many as have room, the largest first."""
    ends, n = np.cumsum(sizes), sum(sizes)
    if max(sizes) > 1:
        for end in ends[:-1]:
            axes.axhline(end, color=REFERENCE, linewidth=0.3)
            axes.axvline(end, color=REFERENCE, linewidth=0.3)
    centres = ends - np.array(sizes) / 2
    spacing = n * LINE / (SIDE - LETTER * max(map(len, names)))
    named: list[int] = []
    for group in np.argsort(-np.array(sizes), kind="stable").tolist():
        if all(abs(centres[group] - centres[other]) >= spacing for other in named):
            named.append(group)
    named.sort()
    texts = [escape_dollars(names[group]) for group in named]
    axes.set_xticks(centres[named], texts, rotation=90)
    axes.set_yticks(centres[named], texts)
    axes.tick_params(length=2)
    if len(named) < len(names):
        axes.set_title(f"names of {len(named)} of {len(names)} groups; no room for the others", loc="left")


def degrees(post: np.ndarray, pre: np.ndarray, weights: np.ndarray, n: int, title: str = "") -> Figure:
    """Complementary cumulative distributions of in- and out-degree over n neurons, and of |J| over edges by sign.

    post, pre: (E,) int64; weights: (E,). The axes are log if the values span a decade; zeros are then counted in the
    legend only.
    """
    counts = {"in-degree": np.bincount(post, minlength=n), "out-degree": np.bincount(pre, minlength=n)}
    magnitudes = {"excitatory": weights[weights > 0], "inhibitory": -weights[weights < 0]}
    with matplotlib.rc_context(STYLE):
        figure = new_figure(DOUBLE, 2.7, title)
        left, right = figure.subplots(1, 2)
        handles = _draw_tails(left, counts, (COLOURS[2], COLOURS[3]), "neurons")
        left.set_xlabel("degree (edges)")
        set_ylabel(left, "share of neurons with this degree or more")
        handles += _draw_tails(right, magnitudes, (EXCITATORY, INHIBITORY), "edges")
        right.set_xlabel("weight |J|, as used")
        set_ylabel(right, "share of edges of this sign with this weight or more")
        legend(figure, handles, "", first=2)
        return figure


def _draw_tails(axes: Axes, sets: dict[str, np.ndarray], colours: Sequence[str], unit: str) -> list[Line2D]:
    """Draw a curve per set on the same axes. Returns the legend entries."""
    positive = np.concatenate([values[values > 0] for values in sets.values()])
    if not len(positive):
        label_no_values(axes)
        return []
    scale = "log" if spans_a_decade(positive) else "linear"
    axes.set_xscale(scale)
    axes.set_yscale(scale)
    handles = []
    for (name, values), color, dash in zip(sets.items(), colours, ("-", DASHED), strict=True):
        if not len(values):
            continue
        points, counts = np.unique(values, return_counts=True)
        share = counts[::-1].cumsum()[::-1] / len(values)
        x, y = np.append(points, points[-1]), np.append(share, 0.0)  # the share of values >= x drops after each point
        drawn = x > 0 if scale == "log" else np.full(len(x), True)
        axes.step(x[drawn], y[drawn], where="pre", color=color, linestyle=dash)
        zeros = int((values == 0).sum())
        text = f"{name}, {len(values):,} {unit}" + (f", {zeros:,} of them zero" if zeros else "")
        handles.append(Line2D([], [], color=color, linestyle=dash, label=text))
    axes.set_ylim(top=1.25 if scale == "log" else 1.03, bottom=None if scale == "log" else 0)
    return handles


def _unit_circle_text(radius: float, limit: float) -> str:
    """What the legend says of the unit circle, for this spectral radius and limit of the axes."""
    if limit < 1:
        return "unit circle (outside)"
    return "unit circle" if radius < UNIT_CIRCLE_UP_TO else "unit circle (too small to be seen)"


def eigenvalues(values: np.ndarray, settled: np.ndarray, complete: bool, title: str = "") -> Figure:
    """Eigenvalues in the complex plane with the circle of the spectral radius, and the unit circle.

    values: (k,) complex; settled: (k,) bool, False for a Ritz value that has not converged, which is drawn hollow;
    complete: whether these are all eigenvalues; otherwise they are the leading Ritz values, as the legend says.
    """
    radius = float(np.abs(values).max(initial=0.0))
    limit = 1.08 * (radius if 0 < radius < UNIT_CIRCLE_FROM else max(radius, 1.0))
    color = COLOURS[0]
    style = {
        "color": color,
        "linestyle": "",
        "marker": "o",
        "markersize": 2.4 if len(values) <= LARGE_DOTS_UP_TO else 1.4,
    }
    hollow = style | {"markerfacecolor": "none", "markeredgewidth": 0.6}
    with matplotlib.rc_context(STYLE):
        figure = new_figure(SINGLE, 3.2, title)
        axes = figure.subplots()
        axes.axhline(0, color="0.8", linewidth=0.5, zorder=0)
        axes.axvline(0, color="0.8", linewidth=0.5, zorder=0)
        for size, dash in ((radius, DASHED), (1.0, DOTTED)):
            axes.add_patch(Circle((0, 0), size, fill=False, edgecolor=REFERENCE, linestyle=dash, linewidth=0.8))
        axes.plot(values.real[settled], values.imag[settled], **style, markeredgewidth=0, zorder=3)
        axes.plot(values.real[~settled], values.imag[~settled], **hollow, zorder=3)
        axes.set_xlim(-limit, limit)
        axes.set_ylim(-limit, limit)
        axes.set_aspect("equal")
        axes.locator_params(nbins=5)
        axes.set_xlabel("Re λ")
        axes.set_ylabel("Im λ")
        count = f"all {len(values):,} eigenvalues" if complete else f"the leading {len(values)} Ritz values only"
        handles = [Line2D([], [], **style, label=count)]
        if not settled.all():
            handles.append(Line2D([], [], **hollow, label="not converged"))
        circles = ((f"spectral radius {radius:.4g}", DASHED), (_unit_circle_text(radius, limit), DOTTED))
        lines = {"color": REFERENCE, "linewidth": 0.8}
        handles += [Line2D([], [], linestyle=dash, label=text, **lines) for text, dash in circles]
        legend(figure, handles, "", first=2)
        return figure
