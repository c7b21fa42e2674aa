"""The losses of tasks and their figures, as rows of one table.

| row      | loss                                                                              | figures         |
|----------|-----------------------------------------------------------------------------------|-----------------|
| squared  | mean squared error over the scored steps                                          | none            |
| classes  | mean cross-entropy of the right class over the scored steps, in nats              | accuracy        |
| bits     | as squared, for targets 0 or 1                                                    | accuracy        |
| sign     | relu(margin - y o), or cross-entropy, of decisions y = +-1; silence elsewhere     | accuracy        |
| angle    | 1 - cos(error) + relu(demanded - length of z); silence elsewhere                  | accuracy, error |
| response | weighted mean squared error over all steps                                        | accuracy        |

sign: a decision is the sign of o, the mean of one output over the steps of one trial with targets +-1. The first term
is a mean over all decisions. angle: z is the vector of the two outputs, and targets are unit vectors (cos, sin). The
first terms are means over the steps with a target angle. Where the target is 0, sign and angle require silence: the
smooth L1 distance of an output, or of the length of z, from 0 is averaged over those steps and weighted by `silence`.

Accuracies are in percent: of decisions (sign), of steps (classes), of steps with an error of at most `tolerance`
degrees (angle), of bits, where an output above 1/2 means 1 (bits), or of trials, all or those of each condition
(response). In a trial of `response`, z is the mean of the last two outputs over the last part (`window`) of the
response. The trial is correct if z points to the target within `tolerance` rad and is longer than `least`. Where the
target is 0, it is correct if z is not longer than `least`. Sources: bio_rnn_mem (squared, classes), NeuroTorch (sign,
angle), computation-through-dynamics (response).
"""

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor
from torch.nn.functional import binary_cross_entropy_with_logits, cross_entropy, relu, smooth_l1_loss

from randomnet.objectives.batches import Batch

ROUNDING = 1e-6  # rad, of angles at the limits of a tolerance
SHORTEST = 0.1  # length of z below which 1 - cos(error) is linear in z, so that it has a gradient at 0

LossParams = Mapping[str, Any]  # parameters of the loss, which the task sets by name
Figures = dict[str, Tensor]
Counts = dict[str, tuple[Tensor, Tensor]]


def _no_figures(outputs: Tensor, batch: Batch, loss_params: LossParams) -> dict[str, Any]:
    return {}


def _no_chance(batch: Batch, loss_params: LossParams) -> dict[str, float]:
    return {}


def standard_error(correct: Tensor, answers: Tensor) -> Tensor:
    """Standard error in percent of the share of correct answers, over trials as independent draws; (...).

    correct, answers: (..., trials), the number of correct answers and of all answers in each trial. With one answer per
    trial it is the binomial one, sqrt(p (1 - p) / trials). Several answers of one trial may depend on each other. nan
    where there is no answer.
    """
    correct, answers = correct.double(), answers.double()
    total = answers.sum(-1)
    share = correct.sum(-1) / total
    return 100 * (correct - share[..., None] * answers).square().sum(-1).sqrt() / total


@dataclass(frozen=True)
class TaskLoss:
    """One loss of outputs (..., time, trials, outputs), for one network or with a leading axis of runs.

    weigh(targets, mask, dtype) -> weights of a Batch, and the number of scored steps or decisions. loss(outputs, batch,
    loss_params): () or (runs,), differentiable. figures: name -> () or (runs,). validation_figures: figures of single
    outputs or conditions, recorded in validation only, because some batches lack them (NaN). counts: for each accuracy,
    the number of correct answers and of all answers in each trial, (trials,) or (runs, trials) each. chance: for one
    network's batch, each accuracy of the best constant output.
    """

    weigh: Callable[[Tensor, Tensor, torch.dtype], tuple[Tensor, float]]
    loss: Callable[[Tensor, Batch, LossParams], Tensor]
    figures: Callable[[Tensor, Batch, LossParams], Figures] = _no_figures
    validation_figures: Callable[[Tensor, Batch, LossParams], Figures] = _no_figures
    counts: Callable[[Tensor, Batch, LossParams], Counts] = _no_figures
    chance: Callable[[Batch, LossParams], dict[str, float]] = _no_chance


# ---- weights of steps


def _weigh_steps(targets: Tensor, mask: Tensor, dtype: torch.dtype) -> tuple[Tensor, float]:
    """1 / scored at the scored steps (time, trials)."""
    scored = float(mask.sum())
    return mask.to(dtype) / scored, scored


def _weigh_values(targets: Tensor, mask: Tensor, dtype: torch.dtype) -> tuple[Tensor, float]:
    """1 / (scored steps x outputs) at the scored steps (time, trials, 1)."""
    weights, scored = _weigh_steps(targets, mask, dtype)
    return weights[..., None] / targets.shape[-1], scored


def _weigh_decisions(targets: Tensor, mask: Tensor, dtype: torch.dtype) -> tuple[Tensor, float]:
    """(time, trials, outputs): the weights of each decision sum to 1 / decisions, those of silence to 1."""
    deciding, silent = mask & (targets != 0), mask & (targets == 0)
    steps = deciding.sum(0)
    decisions = float((steps > 0).sum())
    share = steps.clamp_min(1).to(dtype) * max(decisions, 1.0)
    return deciding.to(dtype) / share + silent.to(dtype) / silent.sum().clamp_min(1), decisions


def _weigh_angles(targets: Tensor, mask: Tensor, dtype: torch.dtype) -> tuple[Tensor, float]:
    """(time, trials): the weights of the steps with a target angle sum to 1, those of silence to 1."""
    has_angle = _has_angle(targets)
    pointing, silent = mask & has_angle, mask & ~has_angle
    scored = float(pointing.sum())
    return pointing.to(dtype) / scored + silent.to(dtype) / silent.sum().clamp_min(1), scored


def _weigh_trials(targets: Tensor, mask: Tensor, dtype: torch.dtype) -> tuple[Tensor, float]:
    """The mask itself, which holds weights (time, trials, 1), and the number of trials."""
    return mask.to(dtype)[..., None], float(mask.shape[-1])


# ---- squared and bits


def _squared_loss(outputs: Tensor, batch: Batch, loss_params: LossParams) -> Tensor:
    return ((outputs - batch.targets).square() * batch.weights).flatten(-3).sum(-1)


def _bits_figures(outputs: Tensor, batch: Batch, loss_params: LossParams) -> Figures:
    """Accuracy; each bit counts as a fraction of its step."""
    correct = ((outputs > 0.5) == (batch.targets > 0.5)) & (batch.weights > 0)
    return {"metrics": 100 * (correct.flatten(-3).sum(-1) / outputs.shape[-1]) / batch.scored}


def _bits_counts(outputs: Tensor, batch: Batch, loss_params: LossParams) -> Counts:
    scored = batch.weights > 0
    correct = ((outputs > 0.5) == (batch.targets > 0.5)) & scored
    return {"metrics": (correct.sum((-3, -1)), outputs.shape[-1] * scored.sum((-3, -1)))}


def _bits_chance(batch: Batch, loss_params: LossParams) -> dict[str, float]:
    scored = batch.weights > 0
    ones = ((batch.targets > 0.5) & scored).sum((0, 1)).double() / scored.sum()
    return {"metrics": float(100 * torch.maximum(ones, 1 - ones).mean())}


# ---- classes


def _classes_loss(outputs: Tensor, batch: Batch, loss_params: LossParams) -> Tensor:
    losses = cross_entropy(outputs.flatten(0, -2), batch.targets.flatten(), reduction="none").view_as(batch.weights)
    return (losses * batch.weights).flatten(-2).sum(-1)


def _classes_figures(outputs: Tensor, batch: Batch, loss_params: LossParams) -> Figures:
    correct = ((outputs.argmax(-1) == batch.targets) & (batch.weights > 0)).flatten(-2).sum(-1)
    return {"metrics": 100 * correct / batch.scored}


def _classes_counts(outputs: Tensor, batch: Batch, loss_params: LossParams) -> Counts:
    scored = batch.weights > 0
    return {"metrics": (((outputs.argmax(-1) == batch.targets) & scored).sum(-2), scored.sum(-2))}


def _classes_chance(batch: Batch, loss_params: LossParams) -> dict[str, float]:
    counts = batch.targets[batch.weights > 0].bincount()
    return {"metrics": float(100 * counts.max() / counts.sum().double())}


# ---- sign


def _sign_loss(outputs: Tensor, batch: Batch, loss_params: LossParams) -> Tensor:
    share, means, signs = _decisions(outputs, batch)
    losses, entropy_share = relu(loss_params["margin"] - signs * means), loss_params["cross_entropy"]
    if entropy_share:
        entropies = binary_cross_entropy_with_logits(means, (signs > 0).to(means), reduction="none")
        losses = (1 - entropy_share) * losses + entropy_share * entropies
    distances = smooth_l1_loss(outputs, torch.zeros_like(outputs), reduction="none")
    silence_losses = torch.where(batch.targets == 0, batch.weights, 0) * distances
    return (share * losses).flatten(-2).sum(-1) + loss_params["silence"] * silence_losses.flatten(-3).sum(-1)


def _sign_figures(outputs: Tensor, batch: Batch, loss_params: LossParams) -> Figures:
    share, means, signs = _decisions(outputs, batch)
    correct = ((share > 0) & (signs * means > 0)).flatten(-2).sum(-1)
    return {"metrics": 100 * correct / batch.scored}


def _sign_figures_of_outputs(outputs: Tensor, batch: Batch, loss_params: LossParams) -> Figures:
    share, means, signs = _decisions(outputs, batch)
    decided = share > 0
    percent = 100 * (decided & (signs * means > 0)).sum(-2) / decided.sum(-2)
    return {f"metrics_{name}": percent[..., index] for index, name in enumerate(loss_params["names"])}


def _sign_counts(outputs: Tensor, batch: Batch, loss_params: LossParams) -> Counts:
    share, means, signs = _decisions(outputs, batch)
    decided = share > 0
    correct = decided & (signs * means > 0)
    by_output = {f"metrics_{name}": (correct[..., index], decided[..., index])
                 for index, name in enumerate(loss_params["names"])}  # fmt: skip
    return {"metrics": (correct.sum(-1), decided.sum(-1)), **by_output}


def _sign_chance(batch: Batch, loss_params: LossParams) -> dict[str, float]:
    share, _, signs = _decisions(torch.zeros_like(batch.targets), batch)
    positive, decided = ((share > 0) & (signs > 0)).sum(-2).double(), (share > 0).sum(-2).double()
    best = torch.maximum(positive, decided - positive)
    by_output = {f"metrics_{name}": float(100 * best[index] / decided[index])
                 for index, name in enumerate(loss_params["names"]) if decided[index]}  # fmt: skip
    return {"metrics": float(100 * best.sum() / decided.sum()), **by_output}


def _decisions(outputs: Tensor, batch: Batch) -> tuple[Tensor, Tensor, Tensor]:
    """For every trial and output (..., trials, outputs): its share of all decisions, its mean output over the steps of
    the decision, and the required sign, +1 or -1. The share is 0 where there is no decision."""
    weights = torch.where(batch.targets == 0, 0, batch.weights)
    share = weights.sum(-3)
    means = (weights * outputs).sum(-3) / torch.where(share > 0, share, 1)
    return share, means, (weights * batch.targets).sum(-3).sign()


# ---- angle


def _angle_loss(outputs: Tensor, batch: Batch, loss_params: LossParams) -> Tensor:
    length = torch.linalg.vector_norm(outputs, dim=-1)
    cosine = (outputs * batch.targets).sum(-1) / length.clamp_min(SHORTEST)
    pointing = 1 - cosine + relu(loss_params["demanded"] - length)
    silence = loss_params["silence"] * smooth_l1_loss(length, torch.zeros_like(length), reduction="none")
    return (torch.where(_has_angle(batch.targets), pointing, silence) * batch.weights).flatten(-2).sum(-1)


def _angle_errors(outputs: Tensor, batch: Batch) -> tuple[Tensor, Tensor]:
    """Errors in degrees (..., time, trials), and the steps that have a target angle.

    Outputs that are exactly 0 have no angle; their error is that of guessing, 90 degrees.
    """
    (target_x, target_y), (x, y) = batch.targets.unbind(-1), outputs.unbind(-1)
    errors = torch.rad2deg(torch.atan2(target_x * y - target_y * x, target_x * x + target_y * y).abs())
    errors = torch.where((x == 0) & (y == 0), 90, errors)
    scored = _has_angle(batch.targets) & (batch.weights > 0)
    return errors, scored


def _angle_figures(outputs: Tensor, batch: Batch, loss_params: LossParams) -> Figures:
    errors, scored = _angle_errors(outputs, batch)
    correct = (scored & (errors <= loss_params["tolerance"])).flatten(-2).sum(-1)
    return {
        "metrics": 100 * correct / batch.scored,
        "angle_error": torch.where(scored, errors, 0).flatten(-2).sum(-1) / batch.scored,
    }


def _angle_counts(outputs: Tensor, batch: Batch, loss_params: LossParams) -> Counts:
    errors, scored = _angle_errors(outputs, batch)
    return {"metrics": ((scored & (errors <= loss_params["tolerance"])).sum(-2), scored.sum(-2))}


def _angle_chance(batch: Batch, loss_params: LossParams) -> dict[str, float]:
    scored = batch.targets[_has_angle(batch.targets) & (batch.weights > 0)]
    return {"metrics": 100 * _largest_share(scored, math.radians(loss_params["tolerance"]))}


def _largest_share(vectors: Tensor, tolerance: float) -> float:
    """The largest share of vectors (M, 2) whose angles lie within the tolerance (rad) of one angle."""
    if not len(vectors):
        return 0.0
    if tolerance >= math.pi:
        return 1.0
    angles = torch.atan2(vectors[:, 1], vectors[:, 0]).double().sort().values
    two_turns = torch.cat([angles, angles + 2 * math.pi])
    ends = torch.searchsorted(two_turns, angles + 2 * tolerance + ROUNDING, right=True)
    return float((ends - torch.arange(len(angles), device=ends.device)).max()) / len(angles)


# ---- response


def _response_loss(outputs: Tensor, batch: Batch, loss_params: LossParams) -> Tensor:
    total = batch.weights.flatten(-3).sum(-1) * outputs.shape[-1]
    return _squared_loss(outputs, batch, loss_params) / total


def _response_figures(outputs: Tensor, batch: Batch, loss_params: LossParams) -> Figures:
    return {"metrics": 100 * _correct_responses(outputs, batch, loss_params).sum(-1) / batch.scored}  # float64


def _response_figures_of_conditions(outputs: Tensor, batch: Batch, loss_params: LossParams) -> Figures:
    correct = _correct_responses(outputs, batch, loss_params)
    masks = {name: batch.conditions == index for index, name in enumerate(loss_params["names"])}
    return {f"metrics_{name}": 100 * (correct & mask).sum(-1) / mask.sum(-1).double() for name, mask in masks.items()}


def _response_counts(outputs: Tensor, batch: Batch, loss_params: LossParams) -> Counts:
    correct = _correct_responses(outputs, batch, loss_params)
    masks = {name: (batch.conditions == index).expand_as(correct) for index, name in enumerate(loss_params["names"])}
    by_condition = {f"metrics_{name}": (correct & mask, mask) for name, mask in masks.items()}
    return {"metrics": (correct, torch.ones_like(correct)), **by_condition}


def _response_chance(batch: Batch, loss_params: LossParams) -> dict[str, float]:
    """Accuracies of the better of two constant outputs: 0, or one angle."""
    targets = _late_means(batch.targets, batch, loss_params)

    def best(vectors: Tensor) -> float:
        pointing = vectors[_has_angle(vectors)]
        within = _largest_share(pointing, loss_params["tolerance"]) * len(pointing)
        return 100 * max(within, len(vectors) - len(pointing)) / len(vectors)

    by_condition = {name: targets[batch.conditions == index] for index, name in enumerate(loss_params["names"])}
    return {"metrics": best(targets),
            **{f"metrics_{name}": best(vectors) for name, vectors in by_condition.items() if len(vectors)}}  # fmt: skip


def _correct_responses(outputs: Tensor, batch: Batch, loss_params: LossParams) -> Tensor:
    """(..., trials): whether the mean over the last part of the response is correct."""
    responses, targets = (_late_means(values, batch, loss_params) for values in (outputs, batch.targets))
    (x, y), (target_x, target_y) = responses.unbind(-1), targets.unbind(-1)
    errors = torch.atan2(target_x * y - target_y * x, target_x * x + target_y * y).abs()
    responded = torch.linalg.vector_norm(responses, dim=-1) > loss_params["least"]
    return torch.where(_has_angle(targets), responded & (errors <= loss_params["tolerance"]), ~responded)


def _late_means(values: Tensor, batch: Batch, loss_params: LossParams) -> Tensor:
    """(..., trials, 2): means of the last two of values (..., time, trials, 3) over the last part of the response."""
    begin, end = batch.phases[..., None, :, -2], batch.phases[..., None, :, -1]
    steps = torch.arange(values.shape[-3], device=values.device)[:, None]
    late = (steps >= end - torch.ceil(loss_params["window"] * (end - begin))) & (steps < end)
    share = (late / late.sum(-2, keepdim=True)).to(values)[..., None]
    return (share * values[..., 1:]).sum(-3)


def _has_angle(targets: Tensor) -> Tensor:
    return (targets != 0).any(-1)


TASK_LOSSES: dict[str, TaskLoss] = {
    "squared": TaskLoss(_weigh_values, _squared_loss),
    "classes": TaskLoss(
        _weigh_steps, _classes_loss, _classes_figures, counts=_classes_counts, chance=_classes_chance
    ),
    "bits": TaskLoss(_weigh_values, _squared_loss, _bits_figures, counts=_bits_counts, chance=_bits_chance),
    "sign": TaskLoss(
        _weigh_decisions, _sign_loss, _sign_figures, _sign_figures_of_outputs, _sign_counts, _sign_chance
    ),
    "angle": TaskLoss(_weigh_angles, _angle_loss, _angle_figures, counts=_angle_counts, chance=_angle_chance),
    "response": TaskLoss(
        _weigh_trials, _response_loss, _response_figures, _response_figures_of_conditions, _response_counts,
        _response_chance,
    ),
}
