"""Outputs of a spectrum: arrays.npz and the summary of run.json."""

from typing import Any

import numpy as np
import torch

from randomnet import results
from randomnet.build.coupling_strength import strength_of
from randomnet.build.network import Setup
from randomnet.build.source_setup import SourceSetup
from randomnet.build.spectra import spectrum_state
from randomnet.kinds.initial_states import arrays_of_states, summary_of_states, worst_status
from randomnet.kinds.spectra import network_dynamics, summary_of
from randomnet.kinds.spectrum.vectors import NetworkVectors
from randomnet.lyapunov import Spectrum
from randomnet.schema.plan import Run


def write_outputs(
    run: Run,
    folder: results.RunFolder,
    setup: Setup | SourceSetup,
    spectra: list[Spectrum],
    seconds: float,
    vectors: NetworkVectors | str | None = None,
) -> dict[str, Any]:
    """Write the spectra from a run's initial states, and its covariant vectors; return its record for run.json.

    vectors: a text where they could not be computed, which becomes a note.
    """
    first, several = spectra[0], len(spectra) > 1
    arrays = {"exponents": first.exponents, "stderr": first.stderr, "log10_condition": first.conditions}
    arrays = arrays_of_states(spectra) if several else arrays
    arrays |= vectors.arrays() if isinstance(vectors, NetworkVectors) else {}
    results.write_arrays(folder.path / "arrays.npz", arrays | network_arrays(run, setup))
    status, reason = worst_status(spectra)
    return {
        "status": status,
        "reason": reason,
        "summary": {
            "neurons": setup.n,
            "exponents": len(first.exponents),
            **_with_vectors(summary_of_states(spectra) if several else summary_of(first), vectors),
            **_about(run, setup),
            "network": setup.checksum(),
            "seconds": round(seconds, 2),
        },
        "connectome": setup.facts(),
    }


def _with_vectors(summary: dict[str, Any], vectors: NetworkVectors | str | None) -> dict[str, Any]:
    """Return the summary with the columns of covariant vectors, or with the note why there are none."""
    if isinstance(vectors, str):
        return {**summary, "notes": "; ".join(filter(None, [summary["notes"], vectors]))}
    return summary | (vectors.columns() if vectors else {})


def _about(run: Run, setup: Setup | SourceSetup) -> dict[str, Any]:
    """Return the columns of the network's dynamics and coupling strength; of a system of [source] the step alone."""
    if isinstance(setup, SourceSetup):
        return {"dt": 1.0}
    return network_dynamics(run) | strength_of(setup.network)


def network_arrays(run: Run, setup: Setup | SourceSetup) -> dict[str, np.ndarray]:
    """Return the initial state of a spectrum, and the groups with their gains and shifts.

    A system of [source] has its state alone.
    """
    if isinstance(setup, SourceSetup):
        return {"state_initial": spectrum_state(run, setup).numpy()}
    with torch.no_grad():
        parts = {
            "gains": setup.network.gains(),
            "shifts": setup.network.shifts(),
            "state_initial": spectrum_state(run, setup),
        }
    return {"groups": setup.labels, **{name: part.cpu().numpy() for name, part in parts.items()}}
