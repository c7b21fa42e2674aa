"""Outputs of an inference model: history.csv, model.pt, arrays.npz, and the summary of run.json.

Arrays, for each split of B trials, T bins and N neurons, of the best model without dropout or samples:

| array                                       | content                                                           |
|---------------------------------------------|-------------------------------------------------------------------|
| {split}_rates, _latents                     | (B, T, N) expected spikes per bin; (B, T, D)                      |
| {split}_start                               | (B, D), before the first bin                                      |
| {split}_factors, _inferred_inputs           | (B, T, .), of LFADS                                               |
| test_forward_rates                          | (B, F, N) after the trial, where such spikes are recorded         |
| inputs_used                                 | noisy, true or none: the inputs that the model received           |
| example_rates, _true, _neurons, _r2         | (T, K) of one trial of the test, where true rates are known; (K,) |
"""

from typing import Any

import numpy as np
import pandas as pd

from randomnet import results
from randomnet.build.coupling_strength import strength_of
from randomnet.inference import Fold, InferenceModel, forward_rates, inferred_arrays
from randomnet.kinds.checkpoints import last_and_best, status_of, torch_bytes
from randomnet.metrics import bps, psth_r2, r2, velocity_r2
from randomnet.recordings import Recording, Split
from randomnet.schema.plan import Run
from randomnet.training import Progress

EXAMPLES = 6  # neurons whose rates are drawn, half of them held out if there are as many


def write_outputs(
    run: Run,
    folder: results.RunFolder,
    model: InferenceModel,
    progress: Progress,
    recording: Recording,
    folds: dict[str, Fold],
    inputs_used: str,
) -> dict[str, Any]:
    """Write the files of a model with its best values; return the record for run.json."""
    folder.write_history(history_of(progress))
    saved = {"description": model.description(), **last_and_best(model, progress)}
    results.write_bytes(folder.path / "model.pt", torch_bytes(saved))
    batch_size = run.config.trainvalidate.batch_size
    inferred = {name: inferred_arrays(model, fold, batch_size) for name, fold in folds.items()}
    arrays = {"inputs_used": np.array(inputs_used)}
    arrays |= {f"{name}_{key}": array for name, each in inferred.items() for key, array in each.items()}
    test = "test" if "test" in inferred else "valid"
    forward = recording.splits[test].forward
    if forward is not None:
        arrays["test_forward_rates"] = forward_rates(model, inferred[test]["latents"][:, -1], forward.shape[1])
    arrays |= _examples(recording.splits[test], inferred[test]["rates"])
    results.write_arrays(folder.path / "arrays.npz", arrays)
    rates = {name: each["rates"] for name, each in inferred.items()}
    finite = not progress.diverged and all(np.isfinite(array).all() for array in rates.values())
    return {
        "status": status_of(progress) if finite else results.DIVERGED,
        "reason": progress.reason or ("" if finite else "rates left the range of numbers"),
        **results.COUNTED_FROM_UNTRAINED,
        "summary": {
            "epochs_done": progress.epoch,
            "epoch_best": progress.best_epoch,
            **({"validate_loss_best": progress.best_loss} if run.config.combosparams.halving else {}),
            "latent": model.size,
            "parameters": sum(each.numel() for each in model.parameters() if each.requires_grad),
            **_scores(recording, rates, test),
            **(_neural_latents(recording, rates, test, arrays.get("test_forward_rates")) if finite else {}),
            **(strength_of(model.decoder.network) if run.config.inference.architecture == "network" else {}),
            "notes": "; ".join(recording.notes),
        },
    }


def history_of(progress: Progress) -> pd.DataFrame:
    """Return the rows of history.csv, which has its columns without rows too."""
    return pd.DataFrame(progress.history, columns=None if progress.history else ["epoch", "train_loss", "seconds"])


def _scores(recording: Recording, rates: dict[str, np.ndarray], test: str) -> dict[str, float]:
    """Return the NLL of each split, per bin and neuron, without ln count!, and scores on the test split.

    The scores are bits per spike of all and of held-out neurons. Where true rates are known, the scores of these are
    ceilings, and there is the R2 of the inferred rates.
    """
    scores = {f"nll_{name}": _nll(recording.splits[name].spikes, each) for name, each in rates.items()}
    split, inferred, heldin = recording.splits[test], rates[test], recording.heldin
    if not np.isfinite(inferred).all():
        return scores
    if split.rates is not None and np.ptp(split.rates, (0, 1)).any():
        scores["rate_r2"] = r2(split.rates, inferred)
    for name, spikes, units in (("bps", split.spikes, slice(None)), ("co_bps", split.held_out, slice(heldin, None))):
        if spikes.any():
            scores[name] = bps(spikes, inferred[..., units])
            if split.rates is not None:
                scores[f"{name}_ceiling"] = bps(spikes, split.rates[..., units])
    return scores


def _neural_latents(
    recording: Recording, rates: dict[str, np.ndarray], test: str, forward: np.ndarray | None
) -> dict[str, float]:
    """Return the scores of the Neural Latents Benchmark for which the recording has arrays; co_bps is another one."""
    scores, train, split = {}, recording.splits["train"], recording.splits[test]
    if train.behaviour is not None and split.behaviour is not None:
        scores["vel_r2"] = velocity_r2(rates["train"], train.behaviour, rates[test], split.behaviour)
    if recording.psth is not None and split.conds is not None:
        scores["psth_r2"] = psth_r2(recording.psth, rates[test], split.conds)
    if forward is not None and split.forward is not None and split.forward.any():
        scores["fp_bps"] = bps(split.forward, forward) if np.isfinite(forward).all() else float("nan")
    return scores


def _nll(spikes: np.ndarray, rates: np.ndarray) -> float:
    with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
        logs = np.where(spikes > 0, spikes * np.log(rates.astype(np.float64)), 0.0)
        return float((rates - logs).mean())


def _examples(split: Split, rates: np.ndarray) -> dict[str, np.ndarray]:
    """Return true and inferred rates of some neurons in the first trial, and R2 of each neuron over all trials.

    Empty for a recording without true rates.
    """
    if split.rates is None or not np.isfinite(rates).all():
        return {}
    held_out = min(EXAMPLES // 2, split.spikes.shape[2] - split.heldin)
    neurons = np.r_[np.arange(min(EXAMPLES - held_out, split.heldin)), split.heldin + np.arange(held_out)]
    true, inferred = split.rates[..., neurons], rates[..., neurons]
    varies = true.reshape(-1, len(neurons)).std(0) > 0
    scores = [r2(true[..., [k]], inferred[..., [k]]) if varies[k] else np.nan for k in range(len(neurons))]
    return {
        "example_rates": inferred[0],
        "example_true": true[0],
        "example_neurons": neurons,
        "example_heldin": np.array(split.heldin),
        "example_r2": np.array(scores),
    }
