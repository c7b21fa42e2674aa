"""What kind = stimulate reads: which units are driven or silenced, and when, alone or during the trials of a task."""

from collections.abc import Collection
from dataclasses import dataclass
from typing import Any

from randomnet.conditions import TASKED
from randomnet.kinds import reads
from randomnet.kinds.analyse.options import trajectory_times
from randomnet.settings.option import Condition, Section, option
from randomnet.settings.readers import ALL, Key, Reader, only
from randomnet.settings.values import Choice, Number, Value

DRIVING = Condition("stimulation.action is not silence", lambda config: config.stimulation.action != "silence")
SILENCING = Condition("stimulation.action = silence", lambda config: config.stimulation.action == "silence")
ONE_WINDOW = Condition(
    "stimulation.windows = none", lambda config: config.stimulation.windows == "none" or not config.has_task
)
TOGETHER = Condition(
    "stimulation.sites = units", lambda config: config.stimulation.sites == "units" or not config.has_task
)


@dataclass(frozen=True)
class StimulationSection(Section):
    """[stimulation] Stimulation of some units, compared with the same trajectories without it. Times are in tau."""

    action: str = option(
        Choice(("drive", "excite", "inhibit", "silence")),
        "drive",
        "drive: add the strength to the input of the units. excite, inhibit: add its absolute value, or subtract it. "
        "silence: set their output to 0.",
    )
    silenced: str = option(
        Choice(("output", "state")),
        "output",
        "What silence sets to 0. output: the units send 0, and their rate counts as 0. Their state goes on under its "
        "inputs, and they answer with it at once when released. state: their state is held at 0 as well, and goes on "
        "from 0.",
        only=SILENCING,
        neutral="output",
    )
    units: str = option(
        Value(),
        "",
        "Stimulated units: names of regions, populations or parents, region/type, or kind=name for any label. "
        "Several are separated by commas; empty = all.",
        only=TOGETHER,
    )
    sites: str = option(
        Choice(("units", "groups")),
        "units",
        "Sites of a stimulation during a task. units: those of `units`, together. groups: each group of `by`, one "
        "after the other.",
        only=TASKED,
        neutral="units",
    )
    windows: str = option(
        Value(),
        "none",
        "Times of a stimulation during a task. none: from onset to offset. events: during each event of the trials, "
        "and each time before, between and after them, one after the other. Several windows, one after the other: "
        "onset:offset, separated by commas, such as 0:5, 5:20.",
        only=TASKED,
        neutral="none",
    )
    trial_noise: float = option(
        Number(0),
        0.0,
        "Standard deviation of the noise that every step adds to every state during a task. Trials with and without "
        "stimulation have the same noise.",
        only=TASKED,
        neutral=0.0,
    )
    strength: float = option(Number(), 1.0, "Constant that is added to the input.", only=DRIVING)
    onset: float = option(Number(0), 10.0, "Start time of the stimulation.", only=ONE_WINDOW)
    offset: float = option(Number(0), 20.0, "End time of the stimulation.", only=ONE_WINDOW)
    ramp: float = option(
        Number(0),
        0.0,
        "Duration of the rise after onset, and of the fall before offset.",
        only=DRIVING,
    )
    by: str = option(
        Value(),
        "",
        "Label that groups units for averages. Empty = the first available of region, population, neurotransmitter, "
        "cell_fibers, type; otherwise one group.",
    )


def _duration(config: Any, written: Collection[Key]) -> float | None:
    """Long enough for a written offset or onset, as by default."""
    usual, stimulation = config.analysis.duration, config.stimulation
    has_offset = ("stimulation", "offset") in written
    end = stimulation.offset if has_offset else 2 * stimulation.onset * (stimulation.onset >= usual)
    return 2.5 * end if end > usual else None


def _onset(config: Any, written: Collection[Key]) -> float | None:
    """Half of a written offset, or a fifth of the duration, where the usual onset leaves no time before its end."""
    has_offset = ("stimulation", "offset") in written
    end = config.stimulation.offset if has_offset else config.analysis.duration
    return end / (2 if has_offset else 5) if end <= config.stimulation.onset else None


def _offset(config: Any, written: Collection[Key]) -> float | None:
    """Twice the onset, or the end of a shorter record, where the usual offset is not between the two."""
    stimulation, end = config.stimulation, config.analysis.duration
    return None if stimulation.onset < stimulation.offset <= end else min(2 * stimulation.onset, end)


def _stimulated(config: Any) -> tuple[Key, str] | None:
    stimulation = config.stimulation
    is_one = stimulation.windows == "none" or not config.has_task  # several windows are checked with their trials
    if is_one and 0 < stimulation.offset - stimulation.onset < 2 * stimulation.ramp:
        return ("stimulation", "ramp"), "at most half of the time from onset to offset"
    if config.has_task and not config.paths.pretrained:
        return ("paths", "pretrained"), "the results of a training on the task with kind = stimulate"
    if config.has_task and not config.pretrainedparams.keep_readout:
        return ("pretrainedparams", "keep_readout"), "True with kind = stimulate, whose networks are not trained"
    if config.model.integrator == "rk4":
        return ("model", "integrator"), "euler with kind = stimulate"
    return None


STIMULATE = Reader(
    "stimulate",
    "Drive or silence some units for a while, beside the same trajectories or trials left alone.",
    reads=reads.BUILDING | {"analysis": only("trajectories", "duration", "settle"), "stimulation": ALL},
    sections={"stimulation": StimulationSection},
    defaults=reads.EXACT | {"pretrainedparams.keep_readout": True},
    rules={
        ("analysis", "duration"): (_duration, lambda config: "longer than the stimulus"),
        ("stimulation", "onset"): (_onset, lambda config: "before the offset"),
        ("stimulation", "offset"): (_offset, lambda config: "after the onset, within the duration"),
    },
    checks=(trajectory_times, _stimulated),
    module="randomnet.kinds.stimulate.run",
)
