"""Example trials of a task: what a network receives and answers, before and after training."""

from dataclasses import dataclass
from typing import Any

import matplotlib
import numpy as np
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from randomnet.plotting.heat_maps import colour_scale
from randomnet.plotting.style import (
    DASHED,
    DOUBLE,
    REFERENCE,
    STYLE,
    Series,
    escape_dollars,
    legend,
    new_figure,
)
from randomnet.plotting.trials import Event, mark_events

MOST_LINES = 6  # at most this many inputs or outputs are drawn as lines; more are an image
ROW = 1.05  # inches: the height of a row of panels
ALL = "all trials"  # the condition of trials without conditions
STAGES = ("before", "after")
TURN = 360.0
OUTPUT_LABELS = {"bits": "bits", "classes": "class", "reach": "fingertip (m)"}  # loss -> quantity; others: output


@dataclass(frozen=True, eq=False)
class ExampleTrials:
    """Trials of one network.

    loss: how outputs are judged. times (T,): in `unit`. titles: (B,) conditions. inputs: (B, T, C). targets: (B, T, O),
    of classes (B, T). scored: (B, T) or (B, T, O). outputs, decoded, controls, correct: before and after training;
    (B, T, O), as kind = train decodes them, (B, T, .), and (B,) correct answers; empty if there are none. answers: (B,)
    all answers. events: (B,) the events of each trial.
    """

    loss: str
    times: np.ndarray
    unit: str
    titles: tuple[str, ...]
    inputs: np.ndarray
    targets: np.ndarray
    scored: np.ndarray
    outputs: tuple[np.ndarray, ...]
    decoded: tuple[np.ndarray, ...] = ()
    controls: tuple[np.ndarray, ...] = ()
    correct: tuple[np.ndarray, ...] = ()
    answers: np.ndarray | None = None
    input_names: tuple[str, ...] = ()
    output_names: tuple[str, ...] = ()
    events: tuple[tuple[Event, ...], ...] = ()

    @property
    def has_angle(self) -> np.ndarray:
        """Where an angle is asked, (B, T); nowhere unless outputs are judged by their angle."""
        asked = np.zeros(self.targets.shape[:2], bool)
        return self.scored & (self.targets[..., -2:] != 0).any(-1) if self.loss in ("angle", "response") else asked

    @property
    def end(self) -> float:
        """The end of the longest trial."""
        offsets = [event.offset for events in self.events for event in events]
        return max(offsets) if self.loss == "response" and offsets else float(self.times[-1])

    def shown_targets(self) -> np.ndarray:
        """Targets (B, T, O) as floats, nan where they are not scored."""
        targets = self.targets if self.targets.ndim == 3 else self.targets[..., None]
        scored = self.scored if self.scored.ndim == 3 else self.scored[..., None]
        return np.where(scored, targets, np.nan)


def example_trials(network: ExampleTrials, title: str = "") -> Figure:
    """A column per trial: inputs, outputs with their targets before and after training, angles, and controls."""
    rows = 3 + bool(network.has_angle.any()) + bool(network.controls)
    columns = len(network.inputs)
    with matplotlib.rc_context(STYLE):
        figure = new_figure(DOUBLE, ROW * rows + 1.0, title)
        grid = figure.subplots(rows, columns, sharex=True, sharey="row", squeeze=False)
        for trial in range(columns):
            _draw_inputs(grid[0, trial], network, trial)
            for stage in (0, 1):
                _draw_outputs(grid[1 + stage, trial], network, trial, stage)
            if network.has_angle.any():
                _draw_angles(grid[3, trial], network, trial)
            if network.controls:
                _draw_lines(grid[-1, trial], network.times, network.controls[1][trial])
            _finish_column(grid[:, trial], network, trial)
        _label_rows(grid[:, 0], network)
        _share_limits(grid[1:3])
        figure.align_ylabels(grid[:, 0])
        legend(figure, _handles(network), _heading(network))
        return figure


def _finish_column(column: np.ndarray, network: ExampleTrials, trial: int) -> None:
    for row, axes in enumerate(column):
        mark_events(axes, network.events[trial] if network.events else (), named=row == 0)
        axes.set_xlim(0, network.end)
    name = network.titles[trial]
    name = f"trial {trial + 1}" if name == ALL else f"bits at the end: {name}" if network.loss == "bits" else name
    column[0].set_title(escape_dollars(name))
    column[-1].set_xlabel(f"time ({escape_dollars(network.unit)})")


def _label_rows(first: np.ndarray, network: ExampleTrials) -> None:
    quantity = OUTPUT_LABELS.get(network.loss, "output")
    labels = ["input", *(f"{quantity}\n{stage} training" for stage in STAGES)]
    labels += ["decoded\nangle (°)"] * bool(network.has_angle.any())
    labels += ["controls\nafter training"] * bool(network.controls)
    for axes, label in zip(first, labels, strict=True):
        axes.set_ylabel(label)


def _share_limits(rows: np.ndarray) -> None:
    """Give all panels of outputs the same limits, so that before and after can be compared."""
    limits = [axes.get_ylim() for axes in rows.flat]
    for axes in rows.flat:
        axes.set_ylim(min(low for low, _ in limits), max(high for _, high in limits))


# ---- panels


def _draw_inputs(axes: Axes, network: ExampleTrials, trial: int) -> None:
    """Draw each channel above the one before, on one scale; many channels are an image.

    An input acts during the step whose end is its time.
    """
    channels = network.inputs.shape[2]
    if channels > MOST_LINES:
        axes.imshow(network.inputs[trial].T, **colour_scale(network.inputs), aspect="auto", origin="lower",
                    interpolation="nearest", extent=(0, network.times[-1], 0.5, channels + 0.5), zorder=1)  # fmt: skip
        axes.locator_params(axis="y", nbins=4, integer=True)
        return
    size = float(np.abs(network.inputs).max()) or 1.0
    apart = 1.2 * size * (1 + bool((network.inputs < 0).any()))
    offsets = apart * np.arange(channels)[::-1]
    edges, values = np.append(0.0, network.times), network.inputs[trial] + offsets
    for number, line in enumerate(values.T):
        axes.step(edges, np.append(line[0], line), color=Series("", number).color, linewidth=0.8)
    axes.set_yticks(offsets, [escape_dollars(name) for name in network.input_names or map(str, range(1, channels + 1))])


def _draw_outputs(axes: Axes, network: ExampleTrials, trial: int, stage: int) -> None:
    """Draw outputs and targets, with how many answers are correct."""
    outputs, targets = network.outputs[stage][trial], network.shown_targets()[trial]
    if network.loss == "classes":
        _draw_classes(axes, network, outputs, network.decoded[stage][trial], targets[:, 0])
    else:
        apart = 1.5 * (network.loss == "bits")  # bits lie above each other
        offsets = apart * np.arange(outputs.shape[1])[::-1]
        _draw_lines(axes, network.times, outputs + offsets)
        _draw_lines(axes, network.times, targets + offsets, dashed=True)
        if apart:
            axes.set_yticks(offsets + 0.5, [str(bit + 1) for bit in range(len(offsets))])
    if network.loss == "sign":
        _draw_choices(axes, network, trial, stage)
    axes.set_title(_correct_text(network, trial, stage), loc="right", pad=2, fontsize=STYLE["xtick.labelsize"])


def _draw_classes(
    axes: Axes, network: ExampleTrials, outputs: np.ndarray, chosen: np.ndarray, targets: np.ndarray
) -> None:
    """Draw probabilities of the classes in grey, and at scored steps the chosen class (dot) and the right one (ring).

    outputs: (T, classes). chosen, targets: (T,).
    """
    shares = np.exp(outputs - outputs.max(-1, keepdims=True))
    shares /= shares.sum(-1, keepdims=True)
    step = network.times[0]
    axes.imshow(shares.T, cmap="Greys", vmin=0, vmax=1.6, aspect="auto", origin="lower", interpolation="nearest",
                extent=(0, network.times[-1], -0.5, outputs.shape[1] - 0.5), zorder=1)  # fmt: skip
    scored = np.isfinite(targets)
    axes.plot(network.times[scored] - step / 2, chosen[scored], **_choice_look(Series("", 0)))
    axes.plot(network.times[scored] - step / 2, targets[scored], **_target_look())
    axes.locator_params(axis="y", nbins=5, integer=True)


def _draw_choices(axes: Axes, network: ExampleTrials, trial: int, stage: int) -> None:
    """Draw the mean output of each decision at its middle."""
    deciding = network.scored[trial] & (network.targets[trial] != 0)
    for output, mean in enumerate(network.decoded[stage][trial]):
        if np.isfinite(mean):
            middle = network.times[deciding[:, output]].mean()
            axes.plot(middle, mean, **_choice_look(Series("", output)))


def _draw_angles(axes: Axes, network: ExampleTrials, trial: int) -> None:
    """Draw the decoded angle before (grey) and after training where an angle is asked, with the right one."""
    asked = network.has_angle[trial]
    times, targets = network.times[asked], network.targets[trial][asked]
    angles = np.degrees(np.arctan2(targets[:, -1], targets[:, -2])) % TURN
    for decoded, look in zip(network.decoded, _angle_looks(), strict=True):
        axes.plot(times, decoded[trial][asked], **look)
    axes.plot(times, angles, ".", markersize=1.5, color="black", zorder=4)
    axes.set_ylim(0, TURN)
    axes.set_yticks([0, 90, 180, 270, 360])


def _draw_lines(axes: Axes, times: np.ndarray, values: np.ndarray, dashed: bool = False) -> None:
    """Draw each column of values (T, .) as a line; a single step as a point."""
    for number, line in enumerate(values.T):
        colour, dash = ("black", DASHED) if dashed else (Series("", number).color, "-")
        finite = np.pad(np.isfinite(line), 1)
        alone = finite[1:-1] & ~finite[:-2] & ~finite[2:]
        axes.plot(times, line, color=colour, linestyle=dash, linewidth=0.8, zorder=3 if dashed else 2)
        axes.plot(times[alone], line[alone], "_", color=colour, markersize=4, zorder=3)


def _correct_text(network: ExampleTrials, trial: int, stage: int) -> str:
    """Whether the trial's answers are correct, or how many percent of them; empty if they are not counted."""
    if network.answers is None or not network.answers[trial]:
        return ""
    correct, answers = int(network.correct[stage][trial]), int(network.answers[trial])
    if answers == 1:
        return "correct" if correct else "wrong"
    return f"{100 * correct / answers:.0f} % correct"


# ---- legend


def _choice_look(series: Series) -> dict[str, Any]:
    return {"color": series.color, "marker": "o", "markersize": 4, "linestyle": "", "markeredgecolor": "black",
            "markeredgewidth": 0.5, "zorder": 5}  # fmt: skip


def _target_look() -> dict[str, Any]:
    return {"color": "black", "marker": "o", "markersize": 7, "linestyle": "", "markerfacecolor": "none", "zorder": 5}


def _angle_looks() -> tuple[dict[str, Any], dict[str, Any]]:
    """How decoded angles before and after training are drawn."""
    dots = {"marker": "o", "markersize": 2.5, "linestyle": "", "markeredgewidth": 0}
    return dots | {"color": "0.65", "zorder": 2}, dots | {"color": Series("", 1).color, "zorder": 3}


def _handles(network: ExampleTrials) -> list[Artist]:
    if network.loss == "classes":
        return [Line2D([], [], **_choice_look(Series("", 0)), label="chosen class"),
                Line2D([], [], **_target_look(), label="right class")]  # fmt: skip
    names = network.output_names if network.loss != "bits" else ()
    handles: list[Artist] = [Line2D([], [], color=Series("", number).color, linewidth=0.8, label=name)
                             for number, name in enumerate(names)]  # fmt: skip
    handles.append(Line2D([], [], color="black", linestyle=DASHED, linewidth=0.8, label="target, where it is scored"))
    if network.loss == "sign":
        look = _choice_look(Series("", 0)) | {"color": REFERENCE}
        handles.append(Line2D([], [], **look, label="mean over the decision, whose sign is the choice"))
    if network.has_angle.any():
        handles += [Line2D([], [], **look, label=f"angle {stage} training")
                    for look, stage in zip(_angle_looks(), STAGES, strict=True)]  # fmt: skip
        handles.append(Line2D([], [], color="black", marker=".", markersize=3, linestyle="", label="target angle"))
    return handles


def _heading(network: ExampleTrials) -> str:
    trials = len(network.inputs)
    text = f"{trials} validation trial{'s' * (trials > 1)}; inputs are drawn without noise"
    if network.inputs.shape[2] > MOST_LINES:
        text += " (orange: positive, blue: negative)" if (network.inputs < 0).any() else " (bright: large)"
    return f"{text}; grey: probability of each class" if network.loss == "classes" else text
