"""Responses of one network beside measured ones: ROC curves, shares and AUC by synaptic steps, and fitted gains."""

from dataclasses import dataclass
from typing import Any

import matplotlib
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import PercentFormatter

from randomnet.plotting.style import CHANCE, COLOURS, DOUBLE, STYLE, escape_dollars, new_figure

BAR: dict[str, Any] = {"color": COLOURS[0], "marker": "o", "markersize": 4, "linestyle": "", "elinewidth": 1,
                       "capsize": 2}  # fmt: skip
FEW_RESPONSES = 10  # that an AUC within one number of steps needs to be drawn


@dataclass(frozen=True)
class Curve:
    """One ROC curve: its name, scores (P,) of the pairs, and its AUC with the ends of the interval."""

    name: str
    scores: np.ndarray
    auc: tuple[float, float, float]


@dataclass(frozen=True)
class MeasuredResponses:
    """What a figure shows of one network.

    curves: of the P pairs. responded: (P,) bool. parts: (T, 4), share of pairs that responded in T parts of these by
    predicted response. permuted: AUCs with permuted identities. steps (S,): names; share, auc: (S, 4); pairs: (S,).
    The last axis of length 4 has value, ends of the interval and error. stimulated: number of stimulated neurons.
    classes (C,), gains (C,), fold_gains (folds, C): empty without gains.
    """

    curves: tuple[Curve, ...]
    responded: np.ndarray
    parts: np.ndarray
    permuted: np.ndarray
    steps: np.ndarray
    share: np.ndarray
    auc: np.ndarray
    pairs: np.ndarray
    stimulated: int
    classes: np.ndarray
    gains: np.ndarray
    fold_gains: np.ndarray


def measured_responses(record: MeasuredResponses, title: str = "") -> Figure:
    """Four panels: ROC curves, share of pairs that responded by steps, AUC by steps, gains or share by prediction."""
    with matplotlib.rc_context(STYLE):
        figure = new_figure(DOUBLE, 5.0, title)
        (roc, share), (auc, last) = figure.subplots(2, 2)
        _draw_roc(roc, record)
        _draw_by_steps(share, record, 100 * record.share, record.pairs > 0)
        share.axhline(100 * record.responded.mean(), label="all pairs", **CHANCE)
        share.set_ylabel("pairs that responded (%)")
        share.set_ylim(bottom=0)
        share.legend()
        enough = (np.rint(record.share[:, 0] * record.pairs) >= FEW_RESPONSES) & (record.auc[:, 3] > 0)
        _draw_by_steps(auc, record, record.auc, enough)
        auc.axhline(0.5, label="chance", **CHANCE)
        auc.set_ylabel("AUC among pairs at\nthis number of steps")
        auc.legend(loc="upper left", bbox_to_anchor=(0, 1.2), ncols=2)
        (_draw_gains if len(record.classes) else _draw_parts)(last, record)
        return figure


def _draw_roc(axes: Axes, record: MeasuredResponses) -> None:
    """Curves of the share of responding pairs above each score over that of the others."""
    axes.plot([0, 1], [0, 1], **CHANCE)
    for number, curve in enumerate(record.curves):
        ends = "{:.3f} [{:.3f}, {:.3f}]".format(*curve.auc)
        axes.plot(*_roc(curve.scores, record.responded), color=COLOURS[number], label=f"{curve.name}:\nAUC {ends}")
    level = record.permuted
    axes.plot([], [], " ", label=f"identities permuted:\nAUC {level.mean():.3f} ± {level.std(ddof=1):.3f} (SD)")
    axes.set_xlabel("pairs without a response above the threshold")
    axes.set_ylabel("pairs with a response\nabove the threshold")
    axes.set_title(f"{len(record.responded):,} pairs, {record.stimulated} stimulated neurons")
    for axis in (axes.xaxis, axes.yaxis):
        axis.set_major_formatter(PercentFormatter(1))
    axes.legend(loc="lower right", fontsize=6.5)


def _roc(scores: np.ndarray, responded: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """False and true positive rates, a point for each different score and (0, 0)."""
    order = np.argsort(-scores, kind="stable")
    last = np.r_[np.flatnonzero(np.diff(scores[order])), len(order) - 1]
    hits = np.cumsum(responded[order])[last]
    others = last + 1 - hits
    return np.r_[0, others / max(1, others[-1])], np.r_[0, hits / max(1, hits[-1])]


def _draw_by_steps(axes: Axes, record: MeasuredResponses, values: np.ndarray, drawn: np.ndarray) -> None:
    """A dot with its interval for each number of steps."""
    places = np.flatnonzero(drawn & np.isfinite(values[:, 0]))
    middle, low, high = values[places, :3].T if len(places) else np.empty((3, 0))
    bars = np.nan_to_num(np.array([middle - low, high - middle])).clip(0)
    axes.errorbar(places, middle, bars, label="with 95 % interval", **BAR)
    names = [f"{name}\n({count:,})" for name, count in zip(record.steps.tolist(), record.pairs.tolist(), strict=True)]
    axes.set_xticks(range(len(names)), names)
    axes.set_xlim(-0.5, len(names) - 0.5)
    axes.set_xlabel("synaptic steps (number of pairs)")


def _draw_gains(axes: Axes, record: MeasuredResponses) -> None:
    """Gains of the classes fitted to all pairs, and in each part of the cross-validation."""
    places = np.arange(len(record.classes))
    for number, gains in enumerate(record.fold_gains):
        text = f"each of {len(record.fold_gains)} fits without some neurons" if not number else ""
        axes.plot(places, gains, "o", color="0.6", markersize=3, label=text or None)
    axes.plot(places, record.gains, "D", color=COLOURS[0], markersize=5, label="fit to all pairs")
    axes.axhline(1, **CHANCE)
    axes.set_xticks(places, [escape_dollars(str(name)) for name in record.classes])
    axes.set_xlim(-0.5, len(places) - 0.5)
    axes.set_ylim(bottom=0)
    axes.set_xlabel("class of neurons (number of neurons)")
    axes.set_ylabel("fitted gain")
    axes.legend()


def _draw_parts(axes: Axes, record: MeasuredResponses) -> None:
    """The share of pairs that responded in parts of the pairs, by predicted response."""
    places, (middle, low, high) = np.arange(1, len(record.parts) + 1), 100 * record.parts[:, :3].T
    bars = np.nan_to_num(np.array([middle - low, high - middle])).clip(0)
    axes.errorbar(places, middle, bars, label="with 95 % interval", **BAR)
    axes.axhline(100 * record.responded.mean(), label="all pairs", **CHANCE)
    axes.set_xticks(places)
    axes.set_xlim(0.5, len(places) + 0.5)
    axes.set_ylim(bottom=0)
    axes.set_xlabel("tenth of the pairs by predicted response (10: largest)")
    axes.set_ylabel("pairs that responded (%)")
    axes.legend()
