"""What summary.csv says of the trials of a task besides losses: chance, and how networks do on test trials."""

from randomnet.build.network import Setup
from randomnet.build.trials import split_trials
from randomnet.objectives import ClosedLoopObjective, Objective, TaskObjective
from randomnet.schema.plan import Run
from randomnet.training import Progress


def judged(run: Run, start: Setup, objective: Objective, progress: Progress) -> dict[str, float]:
    """chance_metrics of the validation trials and, with a test_size, test_loss_best, test_metrics_best, .. of the
    network of the lowest loss, .._final of the last one, accuracies with standard errors, and chance there.

    Empty without a task. The network has its last values afterwards.
    """
    if not isinstance(objective, TaskObjective | ClosedLoopObjective):
        return {}
    summary = objective.chance()
    if not run.config.trialparams.test_size:
        return summary
    test = objective.with_validation(split_trials(run)[2])
    for when, values in (("best", progress.best or progress.last), ("final", progress.last)):
        start.network.assign(values)
        (figures,) = test.validate([start.network], 0)
        summary |= {_name(column, when): value for column, value in figures.items()}
    return summary | {f"test_{name}": value for name, value in test.chance().items()}


def _name(column: str, when: str) -> str:
    """Of a column of a validation: validate_loss -> test_loss_best, stderr_validate_metrics -> .._best_stderr."""
    ending = "_stderr" if column.startswith("stderr_") else ""
    return f"test_{column.removeprefix('stderr_').removeprefix('validate_')}_{when}{ending}"
