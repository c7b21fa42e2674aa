"""kind = fit on arrays of the Neural Latents Benchmark: rates after the trial, and the four scores."""

import numpy as np
import pandas as pd
import pytest
import torch

import runrandomnet
from randomnet import results
from randomnet.artifacts.inferred_models import load_inferred
from randomnet.metrics import bps, co_bps, psth_r2, velocity_r2

TRIALS, EVALUATED, BINS, HELD_IN, HELD_OUT, FORWARD = 20, 6, 8, 4, 2, 3
INI = """
[experiment]
kind = fit
[paths]
path_to_results = {out}
[source]
folder = {recording}
[inference]
architecture = {architecture}
hidden_size = 3
encoder_size = 4
inputs_used = none
[trainvalidate]
epochs = 2
[execution]
workers = 1
"""


def arrays():
    rng = np.random.default_rng(0)
    found = {f"{split}_spikes_{which}": rng.poisson(1.0, (count, BINS, neurons))
             for split, count in (("train", TRIALS), ("eval", EVALUATED))
             for which, neurons in (("heldin", HELD_IN), ("heldout", HELD_OUT))}  # fmt: skip
    found |= {f"eval_spikes_{which}_forward": rng.poisson(1.0, (EVALUATED, FORWARD, neurons))
              for which, neurons in (("heldin", HELD_IN), ("heldout", HELD_OUT))}  # fmt: skip
    found |= {f"{split}_behavior": rng.standard_normal((count, BINS, 2))
              for split, count in (("train", TRIALS), ("eval", EVALUATED))}  # fmt: skip
    psth = rng.random((2, BINS, HELD_IN + HELD_OUT))
    return found | {"psth": psth, "eval_cond_idx": np.array([[0, 1, 2], [3, 4, 5]])}


@pytest.mark.parametrize("architecture", ["gru", "lstm", "lfads"])
def test_the_four_scores_are_those_of_the_models_rates(tmp_path, architecture):
    given = arrays()
    np.savez(tmp_path / "nlb.npz", **given)
    out = tmp_path / "out"
    (tmp_path / "a.ini").write_text(INI.format(out=out, recording=tmp_path / "nlb.npz", architecture=architecture))
    assert runrandomnet.main([str(tmp_path / "a.ini")]) == 0
    run, summary = results.ResultsFolder(out).run(0, 0), pd.read_csv(out / "summary.csv").iloc[0]
    model, forward, state = load_inferred(run), [], torch.from_numpy(run.arrays["test_latents"][:, -1])
    for _ in range(FORWARD):
        state = model.step(state, state.new_zeros(EVALUATED, 0))
        forward.append(model.rates(state))
    np.testing.assert_allclose(run.arrays["test_forward_rates"], torch.stack(forward, 1), rtol=1e-5)
    spikes, after = (np.concatenate([given[f"eval_spikes_{which}{end}"] for which in ("heldin", "heldout")], 2)
                     for end in ("", "_forward"))  # fmt: skip
    train, test = run.arrays["train_rates"], run.arrays["test_rates"]
    kept = np.delete(given["train_behavior"], np.arange(4, TRIALS, 5), 0).astype(np.float32)
    expected = {
        "co_bps": co_bps(spikes, test, HELD_IN),
        "vel_r2": velocity_r2(train, kept, test, given["eval_behavior"].astype(np.float32)),
        "psth_r2": psth_r2(given["psth"].astype(np.float32), test, np.repeat([0, 1], 3)),
        "fp_bps": bps(after, run.arrays["test_forward_rates"]),
    }
    assert {name: summary[name] for name in expected} == pytest.approx(expected, rel=1e-4)
