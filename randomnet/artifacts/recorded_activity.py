"""The user's recording that [paths] recording names, of the neurons of the run's connectome."""

from dataclasses import replace
from pathlib import Path

from randomnet.connectome import Connectome
from randomnet.recordings import Match, NeuralActivity, match_neurons, read_activity
from randomnet.settings import ConfigError

OPTION = "[paths] recording"


def recorded_activity(path: str, connectome: Connectome, dt: float = 0.0) -> tuple[NeuralActivity, Match]:
    """Return the activity of the recorded neurons that the connectome has, and which these are. Raises ConfigError.

    dt: distance of its samples, and the bin of spike times, in the file's unit of time; 0 for that of the file. The
    notes of the activity say what was done, and which recorded neurons are not used.
    """
    try:
        activity = read_activity(Path(path).expanduser(), dt)
        match = match_neurons(activity, connectome)
        used = activity.select(match.recorded)
        if dt and abs(dt - used.dt) > 1e-9 * dt:
            used = used.resampled(dt)
            used = replace(used, notes=(*used.notes, f"samples {activity.dt:.4g} apart become samples {dt:.4g} apart"))
    except ValueError as error:
        raise ConfigError(f"{OPTION}: {error}") from None
    return replace(used, notes=(*used.notes, *match.notes)), match
