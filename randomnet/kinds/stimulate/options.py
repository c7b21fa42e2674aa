"""What kind = stimulate reads: which units are driven or silenced, and when."""

from collections.abc import Collection
from dataclasses import dataclass
from typing import Any

from randomnet.kinds import reads
from randomnet.kinds.analyse.options import trajectory_times
from randomnet.settings.option import Condition, Section, option
from randomnet.settings.readers import ALL, Key, Reader, only
from randomnet.settings.values import Choice, Number, Value

DRIVING = Condition("stimulation.action = drive", lambda config: config.stimulation.action == "drive")


@dataclass(frozen=True)
class StimulationSection(Section):
    """[stimulation] Stimulation of some units, compared with the same trajectories without it. Times are in tau."""

    action: str = option(
        Choice(("drive", "silence")),
        "drive",
        "drive: add a constant to the input of the units. silence: set their output to 0.",
    )
    units: str = option(
        Value(),
        "",
        "Stimulated units: names of regions, populations or parents, region/type, or kind=name for any label. "
        "Several are separated by commas; empty = all.",
    )
    strength: float = option(Number(), 1.0, "Constant that is added to the input.", only=DRIVING)
    onset: float = option(Number(0), 10.0, "Start time of the stimulation.")
    offset: float = option(Number(0), 20.0, "End time of the stimulation.")
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
    if 0 < stimulation.offset - stimulation.onset < 2 * stimulation.ramp:
        return ("stimulation", "ramp"), "at most half of the time from onset to offset"
    if config.has_task:
        return ("trialparams", "task_name"), "none with kind = stimulate, whose networks are left to themselves"
    if config.model.integrator == "rk4":
        return ("model", "integrator"), "euler with kind = stimulate"
    return None


STIMULATE = Reader(
    "stimulate",
    "Drive or silence some units for a while, beside the same trajectories left alone.",
    reads=reads.BUILDING | {"analysis": only("trajectories", "duration", "settle"), "stimulation": ALL},
    sections={"stimulation": StimulationSection},
    defaults=reads.EXACT,
    rules={
        ("analysis", "duration"): (_duration, lambda config: "longer than the stimulus"),
        ("stimulation", "onset"): (_onset, lambda config: "before the offset"),
        ("stimulation", "offset"): (_offset, lambda config: "after the onset, within the duration"),
    },
    checks=(trajectory_times, _stimulated),
    module="randomnet.kinds.stimulate.run",
)
