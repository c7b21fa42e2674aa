"""Whether the runs of a combo have one network in common, or a different network in every iteration.

add_connectome_checksums  adds the checksum of each run's connectome to a table of runs
origin                    FIXED, REDRAWN or UNKNOWN, for the runs of one combo
source_of_variation       what these runs differ in, in words
same_network              whether two sets of runs have one and the same network

A measured connectome is one network, however many initial states it has. Further drawn parameters, such as gains or
initial states, do not make another network. So the checksum of the connectome decides. The checksum of the whole
network counts only if that is unknown, or if low-rank factors are drawn in addition to the connectome.
"""

from pathlib import Path

import pandas as pd

from randomnet.results import COMPLETE, ResultsFolder

CONNECTOME = "connectome_sha256"
NETWORK = "network"  # checksum of the whole network of a run
SAME, OTHER, RUNS = "starts of the same network", "networks", "iterations"
ONE_CONNECTOME = "runs of the same connectome"
FIXED, REDRAWN, UNKNOWN = "the same in every iteration", "redrawn in every iteration", "unknown"


def add_connectome_checksums(root: Path, table: pd.DataFrame) -> pd.DataFrame:
    """The folder's table of runs with a column CONNECTOME; None where run.json has no checksum."""
    folder = ResultsFolder(root)
    pairs = zip(table["combo"], table["iteration"], strict=True) if len(table) else ()
    return table.assign(**{CONNECTOME: [_checksum(folder, *pair) for pair in pairs]})


def _checksum(folder: ResultsFolder, combo: int, iteration: int) -> str | None:
    connectome = (folder.run(combo, iteration).record or {}).get("connectome")
    if not isinstance(connectome, dict) or connectome.get("rank"):  # it excludes the factors
        return None
    return str(connectome["sha256"]) if connectome.get("sha256") else None


def checksums(runs: pd.DataFrame) -> list[str] | None:
    """Checksum of each run's connectome, else of its network; None if those of complete runs are unknown.

    Runs that did not complete are included if they have one.
    """
    return next((known for column in (CONNECTOME, NETWORK) if (known := _known(runs, column))), None)


def _known(runs: pd.DataFrame, column: str) -> list[str] | None:
    texts = [text if isinstance(text, str) else "" for text in runs.get(column, [""] * len(runs))]
    is_known = all(text for text, status in zip(texts, runs["status"], strict=True) if status == COMPLETE)
    return [text for text in texts if text] if is_known else None


def origin(runs: pd.DataFrame) -> str:
    """FIXED, REDRAWN or UNKNOWN, for the runs of one combo, one row each with status; a single network is FIXED.

    Draws may coincide, such as sign shuffles of few neurons, so two different networks are enough for REDRAWN.
    """
    known = checksums(runs)
    if known is None:
        return UNKNOWN
    return FIXED if len(set(known)) == 1 else REDRAWN


def source_of_variation(runs: pd.DataFrame) -> str:
    """What the runs of one combo differ in: networks, starts or other parameters of one connectome, or iterations.

    The latter means that it is unknown.
    """
    source = origin(runs)
    if source == FIXED:
        return SAME if len(set(_known(runs, NETWORK) or ())) < 2 else ONE_CONNECTOME
    return OTHER if source == REDRAWN else RUNS


def same_network(a: pd.DataFrame, b: pd.DataFrame) -> bool:
    """Whether all runs of both sets have the same checksum."""
    first, second = checksums(a), checksums(b)
    return first is not None and second is not None and len({*first, *second}) == 1
