"""The measured responses of a run, matched to the neurons of its connectome."""

from dataclasses import replace
from functools import lru_cache
from pathlib import Path

import numpy as np

from randomnet.connectome import Connectome, subset
from randomnet.formats import FormatError
from randomnet.formats.measured_responses import MatchedResponses, MeasuredResponses, match_responses, read_responses
from randomnet.schema.plan import Run
from randomnet.settings import ConfigError

MOST_NAMED = 12  # neurons without a match that an error lists
PATH = "[paths] responses"
PER_PAIR = ("stimulated", "responding", "q", "response", "occurrences")


def responses_of(run: Run, connectome: Connectome) -> MatchedResponses:
    """Return the measured pairs that the network has, those with q and enough occurrences. Raises ConfigError."""
    measured = match_responses(_table_of(run), connectome.names)
    is_used = np.isfinite(measured.q) & (measured.occurrences >= run.config.responses.occurrences)
    matched = replace(measured, **{name: getattr(measured, name)[is_used] for name in PER_PAIR})
    if not is_used.any():
        raise ConfigError(_no_pairs(run, measured, connectome.name))
    positive = matched.q < run.config.responses.q
    if positive.all() or not positive.any():
        part = "all" if positive.all() else "none"
        raise ConfigError(
            f"[responses] q: expected a limit that tells pairs with a response from others, got "
            f"{run.config.responses.q:g}, below which {part} of {len(positive)} pairs are"
        )
    return matched


def _no_pairs(run: Run, measured: MatchedResponses, name: str) -> str:
    """Return the error where no pair is left: too few occurrences, or names that the connectome lacks."""
    most = measured.occurrences[np.isfinite(measured.q)].max(initial=0)
    if 0 < most < run.config.responses.occurrences:
        return (
            f"[responses] occurrences: expected at most {most:g}, the most that a pair of {name} was measured, got "
            f"{run.config.responses.occurrences}"
        )
    named = ", ".join(measured.unmatched[:MOST_NAMED]) or "none"
    return f"{PATH}: expected measured pairs of neurons of {name}, got none; names without a neuron: {named}"


def measured_part(run: Run, connectome: Connectome) -> Connectome:
    """Return the network of the measured neurons alone. Raises ConfigError."""
    mask = np.zeros(connectome.n, dtype=bool)
    mask[match_responses(_table_of(run), connectome.names).neurons] = True
    if not mask.any():
        raise ConfigError(f"{PATH}: expected measured neurons of {connectome.name}, got none of its names")
    return subset(connectome, mask, measured_only=True)


def _table_of(run: Run) -> MeasuredResponses:
    path = Path(run.config.paths.responses).expanduser()
    try:
        return _read(path, path.stat().st_mtime_ns if path.is_file() else 0)
    except FormatError as error:
        raise ConfigError(f"{PATH}: {error}") from None
    except OSError as error:
        raise ConfigError(f"{PATH}: expected a readable table, got {error}") from None


@lru_cache(maxsize=4)
def _read(path: Path, changed: int) -> MeasuredResponses:
    """Return the content of a file, which all runs share. changed: its time, so that a new file is read again."""
    return read_responses(path)
