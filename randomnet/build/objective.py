"""From a Run's config to the objective of its training, and to the settings of the training loop."""

from dataclasses import replace

import numpy as np
import torch
from torch import Tensor

from randomnet.build import closed_loop, training_noise
from randomnet.build.network import PRECISIONS, Setup
from randomnet.build.spectra import schedule_of
from randomnet.build.targets import exponents_of, target_of
from randomnet.build.trials import trials_of
from randomnet.conditions import TARGETED
from randomnet.objectives import (
    NetworkObjective,
    Recorder,
    SpectrumLoss,
    SpectrumObjective,
    Term,
    Trajectory,
    task_objective,
)
from randomnet.schema.plan import Run
from randomnet.training import Settings


def objective_of(run: Run, setup: Setup) -> NetworkObjective:
    """Return what the run trains on, in its precision and on its device."""
    like = setup.state.to(PRECISIONS[run.config.trainvalidate.precision])
    spectrum_loss = _spectrum_loss(run, setup, like) if run.config.spectrum_loss else None
    if not run.config.has_task:
        return SpectrumObjective((spectrum_loss,), (run.config.losses[spectrum_loss.loss],), trajectories(run))
    if closed_loop.is_closed_loop(run):
        return closed_loop.objective_of(run, like, run.config.losses["task"])
    training = run.config.trainvalidate
    task = task_objective(*trials_of(run), training.batch_size, like, _task_term(run, setup, spectrum_loss))
    return replace(task, truncate=training.truncate, segment=training.segment, latent_l2=training.latent_l2)


def _spectrum_loss(run: Run, setup: Setup, like: Tensor) -> SpectrumLoss:
    target = torch.from_numpy(loss_target(run, setup.size)).to(like)
    state = torch.zeros_like(like) if run.config.has_task else like
    frame, truncate = setup.frame[: len(target)].to(like), run.config.lyapunov.truncate_gradient
    return SpectrumLoss(run.config.spectrum_loss, target, state, frame, schedule_of(run), truncate)


def _task_term(run: Run, setup: Setup, spectrum_loss: SpectrumLoss | None) -> Term:
    """Return the weights of the losses, the recorder of spectra, and the randomness of every update."""
    every, losses = run.config.lyapunov.spectrum_every, run.config.losses
    return Term(
        losses["task"],
        (losses[spectrum_loss.loss], spectrum_loss) if spectrum_loss else None,
        Recorder(every, leading_frame(run, setup), schedule_of(run)) if every else None,
        training_noise.state_noise_of(run),
        training_noise.shuffle_of(run),
        training_noise.input_noise_of(run),
        training_noise.initial_noise_of(run),
    )


def loss_target(run: Run, n: int) -> np.ndarray:
    """Return the target values (k,) of the exponents in the loss; 0 for losses without a target."""
    if not TARGETED.holds(run.config):
        return np.zeros(exponents_of(run, n))
    return target_of(run, n)


def trajectories(run: Run) -> tuple[Trajectory, ...]:
    """Return how the trajectory continues from epoch to epoch; empty where all epochs are alike."""
    times = run.config.lyapunov
    window = times.tsim if times.tsim_first == "tsim" else times.tsim_first
    return (Trajectory(times.warm_start, window),) if times.warm_start or window < times.tsim else ()


def leading_frame(run: Run, setup: Setup) -> Tensor:
    """Return the frame (k, N), float64, of the exponents that the config asks for."""
    return setup.frame[: exponents_of(run, setup.size)]


def training_settings(run: Run) -> Settings:
    """Return the settings of the training loop."""
    training = run.config.trainvalidate
    limits = training.clip_norm, training.early_stopping, training.lr_decay, training.stop_below
    limits += training.flat_window, training.flat_tolerance
    own = run.config.reads("trainvalidate.weight_decay") and training.weight_decay != "auto"
    decay = training.weight_decay if own else None
    stage = run.stage.limits() if run.stage else {}
    return Settings(training.optimizer, training.lr, training.epochs, *limits, weight_decay=decay, **stage)
