"""Whether the runs of a combo are of one network, or of a network of its own in every iteration.

    with_connectomes   the table of runs with the checksum of each run's connectome
    origin             FIXED, REDRAWN or UNKNOWN, of the runs of one combo
    same_network       whether two sets of runs are of one and the same network

A connectome that was measured is one network, however many starts it has. Parameters that a run draws besides, such as
gains or initial states, make no further network of it. So the connectome's checksum decides, and the whole network's
checksum only where the former is unknown.
"""

import pandas as pd

from randomnet.comparison.spread import NETWORK
from randomnet.results import Loaded, ResultsFolder

CONNECTOME = "connectome_sha256"
FIXED, REDRAWN, UNKNOWN = "the same in every iteration", "redrawn in every iteration", "unknown"


def with_connectomes(loaded: Loaded) -> pd.DataFrame:
    """The folder's table of runs and a column CONNECTOME; None where run.json does not say."""
    folder = ResultsFolder(loaded.root)
    pairs = zip(loaded.table["combo"], loaded.table["iteration"], strict=True) if len(loaded.table) else ()
    return loaded.table.assign(**{CONNECTOME: [_checksum(folder, *pair) for pair in pairs]})


def _checksum(folder: ResultsFolder, combo: int, iteration: int) -> str | None:
    facts = (folder.run(combo, iteration).record or {}).get("connectome")
    checksum = facts.get("sha256") if isinstance(facts, dict) else None
    return str(checksum) if checksum else None


def checksums(runs: pd.DataFrame) -> list[str] | None:
    """The checksum of each run's connectome, else of its network; None where some are unknown, or there are no runs."""
    for column in (CONNECTOME, NETWORK):
        known = [text for text in runs.get(column, ()) if isinstance(text, str) and text]
        if known and len(known) == len(runs):
            return known
    return None


def origin(runs: pd.DataFrame) -> str:
    """FIXED, REDRAWN or UNKNOWN, of the ended runs of one combo, a row each; a single network is a fixed one."""
    known = checksums(runs)
    if known is None:
        return UNKNOWN
    count = len(set(known))
    return FIXED if count == 1 else REDRAWN if count == runs["iteration"].nunique() else UNKNOWN


def same_network(a: pd.DataFrame, b: pd.DataFrame) -> bool:
    """Whether all runs of both sets have the same checksum."""
    first, second = checksums(a), checksums(b)
    return first is not None and second is not None and len({*first, *second}) == 1
