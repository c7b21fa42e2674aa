"""More epochs for runs that have ended: which have the state to go on from, and how they are begun again."""

from collections.abc import Iterable

from randomnet.experiment.planning import Prepared
from randomnet.results import MISSING, ResultsFolder, RunFolder
from randomnet.results.folders import goes_on
from randomnet.schema.plan import Run
from randomnet.settings import ConfigError

MOST_NAMED = 3  # runs in a message


def check(prepared: Prepared, folder: ResultsFolder) -> None:
    """Check that the runs that are to have more epochs keep the state in which they ended. Raises ConfigError."""
    if not prepared.extended:
        return
    runs = (run for run in prepared.runs() if run.combo in prepared.extended)
    lacking = [run for run in runs if _lacks_state(run, folder.run(run.combo, run.iteration))]
    if lacking:
        names = ", ".join(f"combo {run.combo} iteration {run.iteration}" for run in lacking[:MOST_NAMED])
        more = f" and {len(lacking) - MOST_NAMED} others" * (len(lacking) > MOST_NAMED)
        raise ConfigError(
            f"trainvalidate.epochs was {prepared.extended[lacking[0].combo]}, is "
            f"{lacking[0].config.trainvalidate.epochs}: expected the state.pt of runs that ended, to go on from, got "
            f"none of {names}{more}, as of versions before 0.2.0 and of keep_state = False; give this one another "
            "path_to_results, or move the old one aside with --fresh"
        )


def _lacks_state(run: Run, place: RunFolder) -> bool:
    return goes_on(place.record, run.config.trainvalidate.epochs) and not place.state.exists()


def reopen(runs: Iterable[Run], folder: ResultsFolder) -> dict[tuple[int, int], str]:
    """Make runs that ended for their former number of epochs runnable; return the status of each run."""
    statuses = {}
    for run in runs:
        place = folder.run(run.combo, run.iteration)
        record = place.record
        again = goes_on(record, run.config.trainvalidate.epochs)
        if again:
            folder.remove_curves(run.combo)
            place.go_on()
        status = MISSING if again or record is None else str(record.get("status", MISSING))
        statuses[run.combo, run.iteration] = status
    return statuses
