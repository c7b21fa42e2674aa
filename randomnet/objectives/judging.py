"""How the outputs of a task are judged: a loss and its figures, as rows of one table.

| row     | loss                                                                          | figures            |
|---------|-------------------------------------------------------------------------------|--------------------|
| squared | mean squared error of the scored steps                                        | none               |
| classes | mean negative log-likelihood of the right class at the scored steps, in nats  | accuracy           |
| bits    | as squared, of bits that are 0 or 1                                           | accuracy           |
| sign    | relu(margin - y o), or cross-entropy, of decisions y = +-1; silence elsewhere | accuracy           |
| angle   | 1 - cos(error) + relu(demanded - length of z); silence elsewhere              | accuracy, error    |
| response | mean squared error of all steps, by their weights                           | accuracy           |

A decision is the sign of o, the mean of one output over the steps of one trial at which it is asked (targets +-1); the
first term of `sign` is a mean over all decisions. z is the vector of the two outputs of `angle`, its targets are unit
vectors (cos, sin) at the steps that are asked; the first terms are means over these steps. Where targets are 0 silence
is asked: the smooth L1 distance of an output, or of the length of z, from 0, as a mean over those steps and with the
weight `silence`. Accuracies are in percent: of decisions, of steps (`angle`: an error of at most `tolerance` degrees),
of bits where an output above 1/2 is a 1, of trials (`response`), all or those of each condition. Such a trial is right
where z, the mean of the last two outputs over the last part (`window`) of the response, points to the target within
`tolerance` rad and is longer than `least`; or, where the target is 0, is not. Sources: bio_rnn_mem (squared, classes),
NeuroTorch (sign, angle), computation-through-dynamics (response).
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
SHORTEST = 0.1  # length of z below which 1 - cos(error) is linear in z: steeper, it would have no gradient at 0

Given = Mapping[str, Any]  # what the task says of the loss, by name
Figures = dict[str, Tensor]
Counts = dict[str, tuple[Tensor, Tensor]]


def _no_figures(outputs: Tensor, batch: Batch, given: Given) -> dict[str, Any]:
    return {}


def _no_constant(batch: Batch, given: Given) -> dict[str, float]:
    return {}


def standard_error(right: Tensor, asked: Tensor) -> Tensor:
    """Standard error in percent of the share of right answers, over trials as independent draws; (...).

    right, asked: (..., trials), answers that are right and answers in all. Of one answer a trial it is the binomial
    one, sqrt(p (1 - p) / trials); several answers of one trial may depend on each other. nan where nothing is asked.
    """
    right, asked = right.double(), asked.double()
    total = asked.sum(-1)
    share = right.sum(-1) / total
    return 100 * (right - share[..., None] * asked).square().sum(-1).sqrt() / total


@dataclass(frozen=True)
class Judgement:
    """One way to judge outputs (..., time, trials, outputs), of one network or with a leading axis of runs.

    weigh(targets, mask) -> weights of a Batch, and of how much its figures are the mean. loss(outputs, batch, given):
    () or (runs,), differentiable. figures: name -> () or (runs,). apart: figures of single outputs, of which some
    batches may know nothing (NaN), so that they are recorded of validation alone. counts: of each accuracy among these,
    how many answers of each trial are right and how many there are, (trials,) or (runs, trials) each. constant: of one
    network's batch, each accuracy of the best output that is the same at all steps of all trials.
    """

    weigh: Callable[[Tensor, Tensor, torch.dtype], tuple[Tensor, float]]
    loss: Callable[[Tensor, Batch, Given], Tensor]
    figures: Callable[[Tensor, Batch, Given], Figures] = _no_figures
    apart: Callable[[Tensor, Batch, Given], Figures] = _no_figures
    counts: Callable[[Tensor, Batch, Given], Counts] = _no_figures
    constant: Callable[[Batch, Given], dict[str, float]] = _no_constant


def _weigh_steps(targets: Tensor, mask: Tensor, dtype: torch.dtype) -> tuple[Tensor, float]:
    """1 / scored at the scored steps (time, trials)."""
    scored = float(mask.sum())
    return mask.to(dtype) / scored, scored


def _weigh_values(targets: Tensor, mask: Tensor, dtype: torch.dtype) -> tuple[Tensor, float]:
    """1 / (scored steps x outputs) at the scored steps (time, trials, 1)."""
    weights, scored = _weigh_steps(targets, mask, dtype)
    return weights[..., None] / targets.shape[-1], scored


def _weigh_decisions(targets: Tensor, mask: Tensor, dtype: torch.dtype) -> tuple[Tensor, float]:
    """(time, trials, outputs): each decision's weights sum to 1 / decisions, those of silence to 1."""
    asked, silent = mask & (targets != 0), mask & (targets == 0)
    steps = asked.sum(0)
    decisions = float((steps > 0).sum())
    share = steps.clamp_min(1).to(dtype) * max(decisions, 1.0)
    return asked.to(dtype) / share + silent.to(dtype) / silent.sum().clamp_min(1), decisions


def _weigh_angles(targets: Tensor, mask: Tensor, dtype: torch.dtype) -> tuple[Tensor, float]:
    """(time, trials): the weights of the steps with an angle sum to 1, those of silence to 1."""
    some = _some_angle(targets)
    asked, silent = mask & some, mask & ~some
    scored = float(asked.sum())
    return asked.to(dtype) / scored + silent.to(dtype) / silent.sum().clamp_min(1), scored


def _weigh_trials(targets: Tensor, mask: Tensor, dtype: torch.dtype) -> tuple[Tensor, float]:
    """The weights of steps as they are (time, trials, 1), and the trials."""
    return mask.to(dtype)[..., None], float(mask.shape[-1])


def _squared(outputs: Tensor, batch: Batch, given: Given) -> Tensor:
    return ((outputs - batch.targets).square() * batch.weights).flatten(-3).sum(-1)


def _bits_right(outputs: Tensor, batch: Batch, given: Given) -> Figures:
    """Each bit a part of its step."""
    right = ((outputs > 0.5) == (batch.targets > 0.5)) & (batch.weights > 0)
    return {"metrics": 100 * (right.flatten(-3).sum(-1) / outputs.shape[-1]) / batch.scored}


def _bits_counts(outputs: Tensor, batch: Batch, given: Given) -> Counts:
    scored = batch.weights > 0
    right = ((outputs > 0.5) == (batch.targets > 0.5)) & scored
    return {"metrics": (right.sum((-3, -1)), outputs.shape[-1] * scored.sum((-3, -1)))}


def _constant_bits(batch: Batch, given: Given) -> dict[str, float]:
    scored = batch.weights > 0
    ones = ((batch.targets > 0.5) & scored).sum((0, 1)).double() / scored.sum()
    return {"metrics": float(100 * torch.maximum(ones, 1 - ones).mean())}


def _unlikely(outputs: Tensor, batch: Batch, given: Given) -> Tensor:
    wrong = cross_entropy(outputs.flatten(0, -2), batch.targets.flatten(), reduction="none").view_as(batch.weights)
    return (wrong * batch.weights).flatten(-2).sum(-1)


def _classes_right(outputs: Tensor, batch: Batch, given: Given) -> Figures:
    right = ((outputs.argmax(-1) == batch.targets) & (batch.weights > 0)).flatten(-2).sum(-1)
    return {"metrics": 100 * right / batch.scored}


def _classes_counts(outputs: Tensor, batch: Batch, given: Given) -> Counts:
    scored = batch.weights > 0
    return {"metrics": (((outputs.argmax(-1) == batch.targets) & scored).sum(-2), scored.sum(-2))}


def _constant_class(batch: Batch, given: Given) -> dict[str, float]:
    counts = batch.targets[batch.weights > 0].bincount()
    return {"metrics": float(100 * counts.max() / counts.sum().double())}


def _undecided(outputs: Tensor, batch: Batch, given: Given) -> Tensor:
    share, means, said = _decisions(outputs, batch)
    losses, mixed = relu(given["margin"] - said * means), given["cross_entropy"]
    if mixed:
        entropies = binary_cross_entropy_with_logits(means, (said > 0).to(means), reduction="none")
        losses = (1 - mixed) * losses + mixed * entropies
    quiet = smooth_l1_loss(outputs, torch.zeros_like(outputs), reduction="none")
    silences = torch.where(batch.targets == 0, batch.weights, 0) * quiet
    return (share * losses).flatten(-2).sum(-1) + given["silence"] * silences.flatten(-3).sum(-1)


def _decided(outputs: Tensor, batch: Batch, given: Given) -> Figures:
    share, means, said = _decisions(outputs, batch)
    right = ((share > 0) & (said * means > 0)).flatten(-2).sum(-1)
    return {"metrics": 100 * right / batch.scored}


def _decided_apart(outputs: Tensor, batch: Batch, given: Given) -> Figures:
    share, means, said = _decisions(outputs, batch)
    asked = share > 0
    percent = 100 * (asked & (said * means > 0)).sum(-2) / asked.sum(-2)
    return {f"metrics_{name}": percent[..., index] for index, name in enumerate(given["names"])}


def _decided_counts(outputs: Tensor, batch: Batch, given: Given) -> Counts:
    share, means, said = _decisions(outputs, batch)
    asked = share > 0
    right = asked & (said * means > 0)
    each = {f"metrics_{name}": (right[..., index], asked[..., index]) for index, name in enumerate(given["names"])}
    return {"metrics": (right.sum(-1), asked.sum(-1)), **each}


def _constant_decisions(batch: Batch, given: Given) -> dict[str, float]:
    share, _, said = _decisions(torch.zeros_like(batch.targets), batch)
    ups, asked = ((share > 0) & (said > 0)).sum(-2).double(), (share > 0).sum(-2).double()
    best = torch.maximum(ups, asked - ups)
    each = {f"metrics_{name}": float(100 * best[index] / asked[index])
            for index, name in enumerate(given["names"]) if asked[index]}  # fmt: skip
    return {"metrics": float(100 * best.sum() / asked.sum()), **each}


def _decisions(outputs: Tensor, batch: Batch) -> tuple[Tensor, Tensor, Tensor]:
    """Of every trial and output (..., trials, outputs): its share of all decisions (0 where it is not asked), the mean
    output while it is, and what it should say, +1 or -1."""
    weights = torch.where(batch.targets == 0, 0, batch.weights)
    share = weights.sum(-3)
    means = (weights * outputs).sum(-3) / torch.where(share > 0, share, 1)
    return share, means, (weights * batch.targets).sum(-3).sign()


def _astray(outputs: Tensor, batch: Batch, given: Given) -> Tensor:
    length = torch.linalg.vector_norm(outputs, dim=-1)
    cosine = (outputs * batch.targets).sum(-1) / length.clamp_min(SHORTEST)
    held = 1 - cosine + relu(given["demanded"] - length)
    quiet = given["silence"] * smooth_l1_loss(length, torch.zeros_like(length), reduction="none")
    return (torch.where(_some_angle(batch.targets), held, quiet) * batch.weights).flatten(-2).sum(-1)


def _angle_errors(outputs: Tensor, batch: Batch) -> tuple[Tensor, Tensor]:
    """Degrees (..., time, trials), and at which steps an angle is asked. Of outputs that are exactly 0, which say no
    angle, the error is that of guessing, 90 degrees."""
    (ahead, aside), (x, y) = batch.targets.unbind(-1), outputs.unbind(-1)
    errors = torch.rad2deg(torch.atan2(ahead * y - aside * x, ahead * x + aside * y).abs())
    errors = torch.where((x == 0) & (y == 0), 90, errors)
    asked = _some_angle(batch.targets) & (batch.weights > 0)
    return errors, asked


def _errors(outputs: Tensor, batch: Batch, given: Given) -> Figures:
    errors, asked = _angle_errors(outputs, batch)
    right = (asked & (errors <= given["tolerance"])).flatten(-2).sum(-1)
    return {
        "metrics": 100 * right / batch.scored,
        "angle_error": torch.where(asked, errors, 0).flatten(-2).sum(-1) / batch.scored,
    }


def _angle_counts(outputs: Tensor, batch: Batch, given: Given) -> Counts:
    errors, asked = _angle_errors(outputs, batch)
    return {"metrics": ((asked & (errors <= given["tolerance"])).sum(-2), asked.sum(-2))}


def _constant_angle(batch: Batch, given: Given) -> dict[str, float]:
    asked = batch.targets[_some_angle(batch.targets) & (batch.weights > 0)]
    return {"metrics": 100 * _largest_share(asked, math.radians(given["tolerance"]))}


def _largest_share(vectors: Tensor, tolerance: float) -> float:
    """The largest share of vectors (M, 2) whose angles lie within the tolerance (rad) of one angle."""
    if not len(vectors):
        return 0.0
    if tolerance >= math.pi:
        return 1.0
    angles = torch.atan2(vectors[:, 1], vectors[:, 0]).double().sort().values
    round_again = torch.cat([angles, angles + 2 * math.pi])
    ends = torch.searchsorted(round_again, angles + 2 * tolerance + ROUNDING, right=True)
    return float((ends - torch.arange(len(angles), device=ends.device)).max()) / len(angles)


def _by_weight(outputs: Tensor, batch: Batch, given: Given) -> Tensor:
    total = batch.weights.flatten(-3).sum(-1) * outputs.shape[-1]
    return _squared(outputs, batch, given) / total


def _responded(outputs: Tensor, batch: Batch, given: Given) -> Figures:
    return {"metrics": 100 * _right_responses(outputs, batch, given).sum(-1) / batch.scored}  # float64


def _responded_apart(outputs: Tensor, batch: Batch, given: Given) -> Figures:
    right = _right_responses(outputs, batch, given)
    each = {name: batch.conditions == index for index, name in enumerate(given["names"])}
    return {f"metrics_{name}": 100 * (right & own).sum(-1) / own.sum(-1).double() for name, own in each.items()}


def _responded_counts(outputs: Tensor, batch: Batch, given: Given) -> Counts:
    right = _right_responses(outputs, batch, given)
    each = {name: (batch.conditions == index).expand_as(right) for index, name in enumerate(given["names"])}
    apart = {f"metrics_{name}": (right & own, own) for name, own in each.items()}
    return {"metrics": (right, torch.ones_like(right)), **apart}


def _constant_response(batch: Batch, given: Given) -> dict[str, float]:
    """Of outputs that are 0, or that point to one angle."""
    wanted = _last_part(batch.targets, batch, given)

    def best(some: Tensor) -> float:
        angles = some[_some_angle(some)]
        pointing = _largest_share(angles, given["tolerance"]) * len(angles)
        return 100 * max(pointing, len(some) - len(angles)) / len(some)

    each = {name: wanted[batch.conditions == index] for index, name in enumerate(given["names"])}
    return {"metrics": best(wanted), **{f"metrics_{name}": best(own) for name, own in each.items() if len(own)}}


def _right_responses(outputs: Tensor, batch: Batch, given: Given) -> Tensor:
    """(..., trials): whether the mean over the last part of the response is as it should be."""
    said, wanted = (_last_part(values, batch, given) for values in (outputs, batch.targets))
    (x, y), (ahead, aside) = said.unbind(-1), wanted.unbind(-1)
    errors = torch.atan2(ahead * y - aside * x, ahead * x + aside * y).abs()
    given_one = torch.linalg.vector_norm(said, dim=-1) > given["least"]
    return torch.where(_some_angle(wanted), given_one & (errors <= given["tolerance"]), ~given_one)


def _last_part(values: Tensor, batch: Batch, given: Given) -> Tensor:
    """(..., trials, 2): means of the last two of values (..., time, trials, 3) over the last part of the response."""
    begin, end = batch.phases[..., None, :, -2], batch.phases[..., None, :, -1]
    steps = torch.arange(values.shape[-3], device=values.device)[:, None]
    late = (steps >= end - torch.ceil(given["window"] * (end - begin))) & (steps < end)
    share = (late / late.sum(-2, keepdim=True)).to(values)[..., None]
    return (share * values[..., 1:]).sum(-3)


def _some_angle(targets: Tensor) -> Tensor:
    return (targets != 0).any(-1)


JUDGEMENTS: dict[str, Judgement] = {
    "squared": Judgement(_weigh_values, _squared),
    "classes": Judgement(
        _weigh_steps, _unlikely, _classes_right, counts=_classes_counts, constant=_constant_class
    ),
    "bits": Judgement(_weigh_values, _squared, _bits_right, counts=_bits_counts, constant=_constant_bits),
    "sign": Judgement(
        _weigh_decisions, _undecided, _decided, _decided_apart, _decided_counts, _constant_decisions
    ),
    "angle": Judgement(_weigh_angles, _astray, _errors, counts=_angle_counts, constant=_constant_angle),
    "response": Judgement(
        _weigh_trials, _by_weight, _responded, _responded_apart, _responded_counts, _constant_response
    ),
}
