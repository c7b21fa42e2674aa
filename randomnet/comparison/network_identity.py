"""Whether the runs of a combo are of one network, or of a network of its own in every iteration.

    add_connectome_checksums   the table of runs with the checksum of each run's connectome
    origin             FIXED, REDRAWN or UNKNOWN, of the runs of one combo
    source_of_variation          in words, what these runs differ in
    same_network       whether two sets of runs are of one and the same network

A connectome that was measured is one network, however many starts it has. Parameters that a run draws besides, such as
gains or initial states, make no further network of it. So the connectome's checksum decides, and the whole network's
checksum only where the former is unknown, or where factors of low rank are drawn beside the connectome.
"""

from pathlib import Path

import pandas as pd

from randomnet.results import COMPLETE, ResultsFolder

CONNECTOME = "connectome_sha256"
NETWORK = "network"  # checksum of all of a run's network
SAME, OTHER, RUNS = "starts of the same network", "networks", "iterations"
ONE_CONNECTOME = "runs of the same connectome"
FIXED, REDRAWN, UNKNOWN = "the same in every iteration", "redrawn in every iteration", "unknown"


def add_connectome_checksums(root: Path, table: pd.DataFrame) -> pd.DataFrame:
    """The folder's table of runs and a column CONNECTOME; None where run.json does not say."""
    folder = ResultsFolder(root)
    pairs = zip(table["combo"], table["iteration"], strict=True) if len(table) else ()
    return table.assign(**{CONNECTOME: [_checksum(folder, *pair) for pair in pairs]})


def _checksum(folder: ResultsFolder, combo: int, iteration: int) -> str | None:
    facts = (folder.run(combo, iteration).record or {}).get("connectome")
    if not isinstance(facts, dict) or facts.get("rank"):  # of low rank it is that of the weights beside the factors
        return None
    return str(facts["sha256"]) if facts.get("sha256") else None


def checksums(runs: pd.DataFrame) -> list[str] | None:
    """The checksum of each run's connectome, else of its network; None where those of complete runs are unknown.

    Runs that did not complete count as far as they have one.
    """
    return next((known for column in (CONNECTOME, NETWORK) if (known := _known(runs, column))), None)


def _known(runs: pd.DataFrame, column: str) -> list[str] | None:
    texts = [text if isinstance(text, str) else "" for text in runs.get(column, [""] * len(runs))]
    is_known = all(text for text, status in zip(texts, runs["status"], strict=True) if status == COMPLETE)
    return [text for text in texts if text] if is_known else None


def origin(runs: pd.DataFrame) -> str:
    """FIXED, REDRAWN or UNKNOWN, of the runs of one combo, a row each with its status; a single network is a fixed one.

    Draws may coincide, as sign shuffles of few neurons do: two different networks are enough for REDRAWN.
    """
    known = checksums(runs)
    if known is None:
        return UNKNOWN
    return FIXED if len(set(known)) == 1 else REDRAWN


def source_of_variation(runs: pd.DataFrame) -> str:
    """What the runs of one combo differ in: starts, gains and the like of one connectome, networks, or iterations
    where that is unknown."""
    source = origin(runs)
    if source == FIXED:
        return SAME if len(set(_known(runs, NETWORK) or ())) < 2 else ONE_CONNECTOME
    return OTHER if source == REDRAWN else RUNS


def same_network(a: pd.DataFrame, b: pd.DataFrame) -> bool:
    """Whether all runs of both sets have the same checksum."""
    known = [checksums(runs) for runs in (a, b)]
    return None not in known and len({text for texts in known for text in texts}) == 1
