"""Example trials of a trained network: what it receives and answers, before and after training, for trials.npz.

Of B validation trials, T steps, C channels, O outputs, and E phases:

| array                          | content                                                                            |
|--------------------------------|------------------------------------------------------------------------------------|
| loss, times, time_unit         | how outputs are judged; (T,), and their unit                                       |
| inputs                         | (B, T, C), without their noise; of reaches target x, y and go                      |
| targets, scored                | (B, T, O), of classes (B, T); True where they are scored, (B, T) or (B, T, O)      |
| outputs_initial, outputs_final | (B, T, O); of reaches the fingertip in m, and its goal is the target               |
| controls_initial, .._final     | (B, T, controls), of reaches: the network's readout                                |
| decoded_initial, .._final      | what the outputs say, see DECODERS; not of numbers and reaches                     |
| correct_initial, .._final      | (B,), correct answers of each trial, out of `answers` (B,); not of numbers         |
| trials, conditions             | (B,), index of the validation trial; its condition                                 |
| output_names, input_names      | (O,), (C,), where they have names                                                  |
| phases, phase_names            | (B, E), onsets in `time_unit`; (E,); where phases differ between trials            |
| event_label, _onset, _offset   | events that all trials share                                                       |
"""

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any

import numpy as np
import torch

from randomnet.build.cells import has_cells
from randomnet.build.network import Setup
from randomnet.build.trials import trials_of
from randomnet.kinds.trajectories import conditions_of, event_arrays
from randomnet.objectives import ClosedLoopObjective, Objective, TaskObjective
from randomnet.schema.plan import Run
from randomnet.tasks import ReachTrials, Trials
from randomnet.training import Progress

EXAMPLES = 4  # trials, of as many different conditions as possible
CONTEXT = ("target x", "target y", "go")  # the last channels of reaches
BIN = 0.01  # s: duration of a step of a reach
OUTPUT_NAMES = MappingProxyType({"angle": ("cos", "sin"), "response": ("fixation", "cos", "sin")})
Arrays = dict[str, np.ndarray]
Values = Mapping[str, torch.Tensor]


def example_trials(run: Run, setup: Setup, objective: Objective, initial: Values, progress: Progress) -> Arrays:
    """Return the arrays of trials.npz; empty without a task.

    initial: the values before training. The network has its last values afterwards.
    """
    if isinstance(objective, TaskObjective):
        describe, answers = _task_trials, _task_answers
    elif isinstance(objective, ClosedLoopObjective):
        describe, answers = _reach_trials, _reach_answers
    else:
        return {}
    trials = trials_of(run)[1]
    arrays = describe(run, trials)
    for when, values in (("initial", initial), ("final", progress.last)):
        setup.network.assign(values)
        found = answers(setup.network, objective, arrays, trials)
        arrays |= {f"{name}_{when}": array for name, array in found.items() if name != "answers"}
        arrays |= {"answers": found["answers"]} if "answers" in found else {}
    return arrays


def _task_trials(run: Run, trials: Trials) -> Arrays:
    """Return what does not depend on the network, for some trials of a task."""
    index, names = conditions_of(trials)
    chosen, dt = _of_different_conditions(index), 1.0 if has_cells(run) else run.config.model.dt
    inputs = trials.inputs if trials.true_inputs is None else trials.true_inputs
    arrays = {
        "loss": np.array(trials.loss),
        "times": dt * np.arange(1, 1 + inputs.shape[1]),
        "time_unit": np.array("steps" if has_cells(run) else run.config.dynamics.time_unit
                              if run.config.dynamics.has_parts else "τ"),
        "inputs": inputs[chosen],
        "targets": trials.targets[chosen],
        "scored": trials.mask[chosen] > 0,
        "trials": chosen,
        "conditions": np.array(names)[index[chosen]],
        **event_arrays(trials.events, dt),
    }  # fmt: skip
    if trials.phases is not None:
        arrays |= {"phases": dt * trials.phases[chosen], "phase_names": np.array(trials.phase_names)}
    outputs = OUTPUT_NAMES.get(trials.loss, ()) if trials.loss != "sign" else trials.loss_params["names"]
    return arrays | ({"output_names": np.array(outputs)} if outputs else {})


def _of_different_conditions(index: np.ndarray) -> np.ndarray:
    """Return up to EXAMPLES trials in ascending order: the first of each condition, then further ones."""
    firsts = np.sort(np.unique(index, return_index=True)[1])
    others = np.setdiff1d(np.arange(len(index)), firsts)
    return np.sort(np.concatenate([firsts, others])[:EXAMPLES])


def _task_answers(network: Any, objective: TaskObjective, arrays: Arrays, trials: Trials) -> Arrays:
    chosen = arrays["trials"]
    outputs = objective.validation_outputs(network)
    found = {"outputs": outputs[:, chosen].transpose(0, 1).cpu().float().numpy()}
    decode = DECODERS.get(trials.loss)
    if decode:
        found["decoded"] = decode(found["outputs"], arrays["targets"], arrays["scored"])
    counts = objective.validation_counts(outputs).get("metrics")
    if counts:
        found |= {name: values.cpu().numpy()[chosen] for name, values in zip(("correct", "answers"), counts,
                                                                             strict=True)}  # fmt: skip
    return found


def _reach_trials(run: Run, trials: ReachTrials) -> Arrays:
    """Return what does not depend on the network, for some reaches."""
    chosen = np.arange(min(EXAMPLES, len(trials)))
    catch = trials.catch[chosen]
    return {
        "loss": np.array(trials.loss),
        "times": BIN * np.arange(1, 1 + trials.inputs.shape[1]),
        "time_unit": np.array("s"),
        "inputs": trials.true_inputs[chosen][..., -len(CONTEXT) :],
        "input_names": np.array(CONTEXT),
        "output_names": np.array(("x", "y")),
        "targets": trials.targets[chosen],
        "scored": np.ones(trials.targets.shape[:2], bool)[chosen],
        "trials": chosen,
        "conditions": np.where(catch, "no go cue", "reach"),
        "phases": BIN * trials.phases[chosen],
        "phase_names": np.array(("target", "go")),
    }


def _reach_answers(network: Any, objective: ClosedLoopObjective, arrays: Arrays, trials: ReachTrials) -> Arrays:
    movement = objective.validation_movement(network, len(arrays["trials"]))
    fingertips, controls = (values.detach().transpose(0, 1).cpu().float().numpy()
                            for values in (movement.fingertips, movement.actions))  # fmt: skip
    distances = 100 * np.linalg.norm(fingertips[:, -1] - arrays["targets"][:, -1], axis=-1)
    correct = (distances <= objective.loss_params["reach_tolerance"]).astype(np.int64)
    return {"outputs": fingertips, "controls": controls, "correct": correct, "answers": np.ones_like(correct)}


def _bits(outputs: np.ndarray, targets: np.ndarray, scored: np.ndarray) -> np.ndarray:
    """Return (B, T, O), whether each bit is 1."""
    return outputs > 0.5


def _classes(outputs: np.ndarray, targets: np.ndarray, scored: np.ndarray) -> np.ndarray:
    """Return (B, T), the class of the largest output."""
    return outputs.argmax(-1)


def _decisions(outputs: np.ndarray, targets: np.ndarray, scored: np.ndarray) -> np.ndarray:
    """Return (B, O), each output's mean over the steps of its decision, whose sign is the choice; nan without one."""
    deciding = scored & (targets != 0)
    steps = deciding.sum(1)
    return np.where(steps > 0, np.where(deciding, outputs, 0).sum(1) / np.maximum(steps, 1), np.nan)


def _angles(outputs: np.ndarray, targets: np.ndarray, scored: np.ndarray) -> np.ndarray:
    """Return (B, T), the angle of the last two outputs in degrees, from 0 to 360."""
    return np.degrees(np.arctan2(outputs[..., -1], outputs[..., -2])) % 360


DECODERS: Mapping[str, Callable[[np.ndarray, np.ndarray, np.ndarray], np.ndarray]] = MappingProxyType(
    {"bits": _bits, "classes": _classes, "sign": _decisions, "angle": _angles, "response": _angles}
)
