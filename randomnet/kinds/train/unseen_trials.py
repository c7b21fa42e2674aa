"""Columns of summary.csv on trials of a task besides losses: chance level, and scores on test trials."""

from randomnet.build.network import Setup
from randomnet.build.trials import split_trials
from randomnet.objectives import ClosedLoopObjective, Objective, TaskObjective
from randomnet.schema.plan import Run
from randomnet.training import Progress


def score(run: Run, setup: Setup, objective: Objective, progress: Progress) -> dict[str, float]:
    """Return chance levels and, with a test_size, scores on test trials; empty without a task.

    chance_metrics is of the validation trials. Of the test trials there are test_loss_best, test_metrics_best, ... for
    the network of the lowest loss, .._final for the last one, standard errors of accuracies, and chance. The network
    has its last values afterwards.
    """
    if not isinstance(objective, TaskObjective | ClosedLoopObjective):
        return {}
    summary = objective.chance()
    if not run.config.trialparams.test_size:
        return summary
    test = objective.with_validation(split_trials(run)[2])
    for when, values in (("best", progress.best or progress.last), ("final", progress.last)):
        setup.network.assign(values)
        (scores,) = test.validate([setup.network], 0)
        summary |= {_test_column(column, when): value for column, value in scores.items()}
    return summary | {f"test_{name}": value for name, value in test.chance().items()}


def _test_column(column: str, when: str) -> str:
    """Return a validation's column as one of the test: validate_loss -> test_loss_best, stderr_.. -> .._best_stderr."""
    ending = "_stderr" if column.startswith("stderr_") else ""
    return f"test_{column.removeprefix('stderr_').removeprefix('validate_')}_{when}{ending}"
