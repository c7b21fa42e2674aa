"""Defaults that depend on other options: replace a default that does not fit the written options.

A written option is never changed, nor is a default that fits. `Combo.notes` lists the changes for the console; the
manifest's settings have the changed values.
"""

import math
from collections.abc import Collection
from typing import Any

from randomnet.conditions import CLOSED_LOOP, N_BACK
from randomnet.settings.readers import Key, Rules
from randomnet.settings.schema import value_of
from randomnet.settings.values import TOLERANCE, in_units

LONGEST_TRIAL = 10_000  # stimuli, of trialparams.trial_length


def adapted(config: Any, written: Collection[Key]) -> tuple[Any, tuple[str, ...]]:
    """The configuration with defaults that fit its written options, and a note for each changed default."""
    notes = []
    for (section, key), (rule, reason) in {**RULES, **config.kind.rules}.items():
        if (section, key) in written:
            continue
        usual, value = value_of(config, (section, key)), rule(config, written)
        if value is not None and value != usual:
            shown = [str(number) if isinstance(number, bool) else f"{number:g}" for number in (value, usual)]
            notes.append(f"{section}.{key} = {shown[0]} ({reason(config)}; its default is {shown[1]})")
            config = config.replaced({f"{section}.{key}": value})
    return config, tuple(notes)


def _tons(config: Any, written: Collection[Key]) -> float | None:
    times, dt = config.lyapunov, config.model.dt
    if not config.uses_spectrum or times.tons == "adaptive":
        return None
    interval, longest = in_units(float(times.tons), dt), times.tsim
    if longest == "auto" or interval <= longest:
        return interval
    return in_units(math.floor(longest / dt * (1 + TOLERANCE)) * dt, dt)


def _dt(config: Any, written: Collection[Key]) -> float | None:
    """1 for systems of [source], whose steps are the unit of time; else None."""
    return 1.0 if config.from_source else None


def _driven(config: Any, written: Collection[Key]) -> bool | None:
    """False where the kind or the task has no spectrum along trials; else None."""
    if not config.has_task or not config.has_role("spectra"):
        return None
    return False if config.experiment.kind == "convergence" or CLOSED_LOOP.holds(config) else None


def _n_back(config: Any, written: Collection[Key]) -> int | None:
    trials = config.trialparams
    return min(trials.n_back, trials.trial_length - 1) if N_BACK.holds(config) else None


def _trial_length(config: Any, written: Collection[Key]) -> int | None:
    trials = config.trialparams
    return min(max(trials.trial_length, trials.n_back + 1), LONGEST_TRIAL) if N_BACK.holds(config) else None


def _by_dt(config: Any) -> str:
    return f"whole steps of model.dt = {config.model.dt:g}"


def _by_tsim(config: Any) -> str:
    short = isinstance(config.lyapunov.tsim, float) and config.lyapunov.tsim < config.lyapunov.tons
    return f"at most tsim = {config.lyapunov.tsim:g}" if short else _by_dt(config)


RULES: Rules = {  # in this order: later ones see what earlier ones changed
    ("model", "dt"): (_dt, lambda config: "a step of the system of source.folder"),
    ("lyapunov", "tons"): (_tons, _by_tsim),
    ("lyapunov", "driven"): (_driven, lambda config: "no spectrum along the trials of this task or kind"),
    ("trialparams", "n_back"): (_n_back, lambda config: f"below trial_length = {config.trialparams.trial_length}"),
    ("trialparams", "trial_length"): (_trial_length, lambda config: f"above n_back = {config.trialparams.n_back}"),
}
