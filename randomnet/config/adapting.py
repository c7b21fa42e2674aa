"""Defaults that follow another option: where the INI leaves an option out and its usual default does not fit.

An option that the user wrote is never changed, nor is a default that fits. What was adapted is in `Combo.notes`, which
the console prints, and in the manifest's settings like any other value.
"""

import dataclasses
import math
from collections.abc import Callable, Collection

from randomnet.config.option import N_BACK, REACHING, SIMULATE, SPECTRAL, STIMULATE
from randomnet.config.schema import Config

Key = tuple[str, str]
Rule = Callable[[Config, Collection[Key]], float | int | None]  # config and written options -> the value that fits
TOLERANCE = 1e-6  # of a number of steps that is whole
DIGITS = 12
MOST_STEPS = 1e9  # of which no experiment consists
LONGEST_TRIAL = 10_000  # stimuli, of trialparams.trial_length


def adapted(config: Config, written: Collection[Key]) -> tuple[Config, tuple[str, ...]]:
    """The config with unwritten options that fit the written ones, and a note for each that was changed."""
    notes = []
    for (section, key), (rule, reason) in RULES.items():
        if (section, key) in written:
            continue
        usual, value = getattr(getattr(config, section), key), rule(config, written)
        if value is not None and value != usual:
            changed = dataclasses.replace(getattr(config, section), **{key: value})
            shown = [str(number) if isinstance(number, bool) else f"{number:g}" for number in (value, usual)]
            notes.append(f"{section}.{key} = {shown[0]} ({reason(config)}; its default is {shown[1]})")
            config = dataclasses.replace(config, **{section: changed})
    return config, tuple(notes)


def _is_whole(time: float, unit: float) -> bool:
    return time >= unit * (1 - TOLERANCE) and abs(time / unit - round(time / unit)) <= TOLERANCE * max(1, time / unit)


def _in_units(time: float, unit: float) -> float:
    """The multiple of the unit that is nearest to a time; at least one. The time itself where steps are too many."""
    if time / unit > MOST_STEPS:
        return time
    number = round(time / unit)
    return time if _is_whole(time, unit) else round(number * unit, DIGITS) if number > 1 else unit


def _tons(config: Config, written: Collection[Key]) -> float | None:
    times, dt = config.lyapunov, config.model.dt
    if not config.uses_spectrum or times.tons == "adaptive":
        return None
    interval, longest = _in_units(float(times.tons), dt), times.tsim
    if isinstance(longest, str) or interval <= longest:
        return interval
    return _in_units(math.floor(longest / dt * (1 + TOLERANCE)) * dt, dt)


def _driven(config: Config, written: Collection[Key]) -> bool | None:
    """False where no spectrum along trials can be had."""
    kind, is_closed_loop = config.experiment.kind, REACHING[1](config)
    return False if config.has_task and kind in SPECTRAL and (kind == "convergence" or is_closed_loop) else None


def _window(config: Config, written: Collection[Key]) -> float | None:
    return _in_units(config.simulation.window, config.model.dt) if config.experiment.kind in SIMULATE else None


def _settle(config: Config, written: Collection[Key]) -> float | None:
    if config.experiment.kind not in SIMULATE:
        return None
    return 0.0 if config.simulation.initial == "plane" else _in_units(config.analysis.settle, config.model.dt)


def _duration(config: Config, written: Collection[Key]) -> float | None:
    """Of simulations whole windows; of stimulations long enough for a written offset or onset, as by default."""
    usual = config.analysis.duration
    if config.experiment.kind in SIMULATE:
        return _in_units(usual, config.simulation.window)
    done = config.stimulation
    end = done.offset if ("stimulation", "offset") in written else 2 * done.onset * (done.onset >= usual)
    return 2.5 * end if config.experiment.kind in STIMULATE and end > usual else None


def _onset(config: Config, written: Collection[Key]) -> float | None:
    """Half of a written offset, or a fifth of the duration, where the usual onset leaves no time before its end."""
    if config.experiment.kind not in STIMULATE:
        return None
    own = ("stimulation", "offset") in written
    end = config.stimulation.offset if own else config.analysis.duration
    return end / (2 if own else 5) if end <= config.stimulation.onset else None


def _offset(config: Config, written: Collection[Key]) -> float | None:
    """Twice the onset, or the end of a shorter record, where the usual offset is not between the two."""
    done, end = config.stimulation, config.analysis.duration
    if config.experiment.kind not in STIMULATE or done.onset < done.offset <= end:
        return None
    return min(2 * done.onset, end)


def _n_back(config: Config, written: Collection[Key]) -> int | None:
    trials = config.trialparams
    return min(trials.n_back, trials.trial_length - 1) if N_BACK[1](config) else None


def _trial_length(config: Config, written: Collection[Key]) -> int | None:
    trials = config.trialparams
    return min(max(trials.trial_length, trials.n_back + 1), LONGEST_TRIAL) if N_BACK[1](config) else None


def _by_dt(config: Config) -> str:
    return f"whole steps of model.dt = {config.model.dt:g}"


def _by_tsim(config: Config) -> str:
    tsim, tons = config.lyapunov.tsim, config.lyapunov.tons
    short = isinstance(tsim, float) and isinstance(tons, float) and tsim < tons
    return f"at most tsim = {tsim:g}" if short else _by_dt(config)


def _by_initial(config: Config) -> str:
    return "initial = plane" if config.simulation.initial == "plane" else _by_dt(config)


def _by_window(config: Config) -> str:
    simulated = config.experiment.kind in SIMULATE
    return f"whole windows of {config.simulation.window:g}" if simulated else "longer than the stimulus"


RULES: dict[Key, tuple[Rule, Callable[[Config], str]]] = {  # in this order: later ones see what earlier ones changed
    ("lyapunov", "tons"): (_tons, _by_tsim),
    ("lyapunov", "driven"): (_driven, lambda config: "no spectrum along the trials of this task or kind"),
    ("simulation", "window"): (_window, _by_dt),
    ("analysis", "settle"): (_settle, _by_initial),
    ("analysis", "duration"): (_duration, _by_window),
    ("stimulation", "onset"): (_onset, lambda config: "before the offset"),
    ("stimulation", "offset"): (_offset, lambda config: "after the onset, within the duration"),
    ("trialparams", "n_back"): (_n_back, lambda config: f"below trial_length = {config.trialparams.trial_length}"),
    ("trialparams", "trial_length"): (_trial_length, lambda config: f"above n_back = {config.trialparams.n_back}"),
}
