"""kind = predict: students of a network are trained on the activity of some of its neurons, and predict the others.

Source: Beiran and Litwin-Kumar (2025), Prediction of neural activity in connectome-constrained recurrent networks. The
teacher has the true connectome, the student that of [net], which may be a null model of it.
"""

import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

from torch import Tensor

from randomnet.build.network import PRECISIONS, check_network, device_of
from randomnet.build.prediction import Teacher, recording_of, student_of, teacher_of, true_run
from randomnet.kinds import spectra
from randomnet.kinds.checkpoints import continued
from randomnet.kinds.continuation import Checkpoints, Start, one_group_at_a_time
from randomnet.kinds.kind import Cost, Kind, Ranking, RunProgressCallback, RunRecords, Stop, missing_runs
from randomnet.kinds.predict.curvature import curvature_seconds
from randomnet.kinds.predict.outputs import write_outputs
from randomnet.objectives.prediction import PredictionObjective, Recording
from randomnet.objectives.students import Student
from randomnet.schema.plan import Run
from randomnet.training import Settings, fit

HEADLINE = ("neurons", "recorded", "dimension", "error_recorded_final", "error_unrecorded_initial",
            "error_unrecorded_final", "gain_correlation_final", "epochs_done", "seconds")  # fmt: skip
COPIES = 8  # of a run's activity, while its gradient is computed


@dataclass(frozen=True)
class Lesson:
    """A teacher, what is recorded of it, and its student."""

    teacher: Teacher
    recording: Recording
    student: Student


def lesson_of(run: Run) -> Lesson:
    """Return all that a run is made of, untrained. Raises ConfigError."""
    teacher = teacher_of(run)
    return Lesson(teacher, recording_of(run, teacher), student_of(run, teacher))


def objective_of(runs: Sequence[Run], lessons: Sequence[Lesson]) -> PredictionObjective:
    """Return what the students of several runs are trained on, side by side."""
    seeds = tuple(int(run.generator("order").integers(2**63)) for run in runs)
    recordings = tuple(lesson.recording for lesson in lessons)
    return PredictionObjective(recordings, seeds, runs[0].config.trainvalidate.batch_size)


def check(run: Run) -> dict[str, Any]:
    """Check all that can be wrong before the run starts; return the connectome's facts. Raises ConfigError."""
    facts = check_network(run)
    check_network(true_run(run))
    lesson_of(run)
    return facts


def training_settings(run: Run) -> Settings:
    """Return the settings of the training loop."""
    training = run.config.trainvalidate
    return Settings(
        training.optimizer,
        training.lr,
        training.epochs,
        clip_norm=training.clip_norm,
        early_stopping=training.early_stopping,
        lr_decay=training.lr_decay,
        weight_decay=None if training.weight_decay == "auto" else training.weight_decay,
    )


def length(run: Run) -> float:
    """Return the number of epochs."""
    return run.config.trainvalidate.epochs


@one_group_at_a_time
def execute(start: Start, report: RunProgressCallback, stop: Stop) -> RunRecords:
    """Train students side by side; write the files of each run, see `outputs`, and return their records."""
    began, runs, folders = time.perf_counter(), start.runs, start.folders
    lessons = [lesson_of(run) for run in runs]
    students, objective = [lesson.student for lesson in lessons], objective_of(runs, lessons)
    untrained: list[dict[str, Tensor]] = [student.values() for student in students]
    new = {"seconds": 0.0, "initial": [None] * len(runs)}
    settings = [training_settings(run) for run in runs]
    checkpoint = continued(start.paths, start.checkpoint, students, objective, settings, ("initial",)) or new
    checkpoints = Checkpoints(start, checkpoint, began)
    progresses = checkpoints.fit(students, objective, settings, lambda index, row: report(runs[index], row), stop)
    unfinished, each = missing_runs(runs, folders), zip(runs, folders, lessons, untrained, progresses, strict=True)
    records = [(run, write_outputs(run, folder, lesson.teacher, lesson.recording, lesson.student, values, progress))
               for run, folder, lesson, values, progress in each if run in unfinished]  # fmt: skip
    for _, record in records:
        record["summary"]["seconds"] = round(checkpoints.elapsed() / len(runs), 2)
    return [(run, record | checkpoints.notes()) for run, record in records]


def max_batch(run: Run, facts: dict[str, Any]) -> int:
    """Return how many runs of this one's shape are trained side by side."""
    if run.config.has_task:
        return 1
    item, times = PRECISIONS[run.config.trainvalidate.precision].itemsize, run.config.analysis
    activity = item * facts["neurons"] * times.trajectories * times.duration / run.config.model.dt
    budget = spectra.budget_of(run.config.execution, device_of(run.config, facts["neurons"]))
    return max(1, min(int(budget / (COPIES * activity)), spectra.max_batch(run, facts, item)))


def estimate(runs: Sequence[Run]) -> Cost:
    """Return the cost of each run, from some epochs of all runs side by side and a product of the eigenvalues."""
    lessons = [lesson_of(run) for run in runs]
    settings = [replace(training_settings(run), epochs=3) for run in runs]
    history = fit([lesson.student for lesson in lessons], objective_of(runs, lessons), settings)[0].history
    epoch = min((row["seconds"] for row in history[1:]), default=float("nan"))
    after = curvature_seconds(runs[0], lessons[0].recording, lessons[0].student)
    return Cost(epoch, epoch * runs[0].config.trainvalidate.epochs + after)


KIND = Kind(
    check=check,
    execute=execute,
    estimate=estimate,
    length=length,
    unit="epoch",
    headline=HEADLINE,
    rankings=(Ranking("error_unrecorded_final"), Ranking("error_recorded_final")),
    max_batch=max_batch,
)
