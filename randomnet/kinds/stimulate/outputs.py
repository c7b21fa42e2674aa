"""Outputs of a stimulated network: arrays.npz and the summary of run.json."""

import time
from typing import Any

import numpy as np

from randomnet import results
from randomnet.build.coupling_strength import strength_of
from randomnet.build.network import Setup
from randomnet.kinds.stimulate.stimulus import Stimulus
from randomnet.schema.plan import Run


def write_outputs(
    run: Run,
    folder: results.RunFolder,
    setup: Setup,
    stimulus: Stimulus,
    arrays: dict[str, np.ndarray],
    began: float,
) -> dict[str, Any]:
    """Write the responses if all are finite; return the record for run.json.

    arrays: control and changed (G, B, T), mean rates of the groups; targets, others, distance (B, T).
    """
    summary = {
        "neurons": setup.connectome.n,
        "targets": len(stimulus.targets),
        **strength_of(setup.network),
    }
    finite = all(np.isfinite(array).all() for array in arrays.values())
    if finite:
        results.write_arrays(folder.path / "arrays.npz", arrays | stimulus.arrays(run.config.model.dt))
        summary |= _changes(arrays, slice(stimulus.first, stimulus.last))
    return {
        "status": results.COMPLETE if finite else results.DIVERGED,
        "reason": "" if finite else "a trajectory left the range of numbers",
        "summary": summary | {"seconds": round(time.perf_counter() - began, 2)},
        "connectome": setup.facts(),
    }


def _changes(arrays: dict[str, np.ndarray], window: slice) -> dict[str, float | None]:
    """Return mean changes of the rates during the stimulus, and the final distance of the states."""
    return {
        "targets_change": float(arrays["targets"][:, window].mean()),
        "others_change": float(arrays["others"][:, window].mean()) if "others" in arrays else None,
        "distance_end": float(arrays["distance"][:, -1].mean()),
    }
