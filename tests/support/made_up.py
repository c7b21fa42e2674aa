"""Small made-up connectomes in the formats that templates name, and INIs with lines left out, for tests."""

import tarfile

import numpy as np
import pandas as pd

FLYWIRE_ID = 720575940600000000

# Two regions and two inputs as an INI lists them, and the same as JSON.
LISTED_REGIONS = """[regions]
regions = cortex: 8 exc .75 inhib .25, thalamus: 6
inputs = light: 1, cue: 1 neg
[projections]
projections = cortex/exc -> thalamus, cortex/inhib -> cortex: inhib, thalamus -> cortex: .5,
    light -> thalamus: .5, cue -> cortex/exc
"""
REGIONS_JSON = {
    "recurrent_regions": [
        {"name": "cortex", "num_units": 8, "base_firing": 0, "cell_types": {"exc": 0.75, "inhib": 0.25}},
        {"name": "thalamus", "num_units": 6, "base_firing": 0},
    ],
    "recurrent_connections": [
        {"src_region": "cortex", "src_region_cell_type": "exc", "dst_region": "thalamus"},
        {"src_region": "cortex", "src_region_cell_type": "inhib", "dst_region": "cortex", "sign": "inhib"},
        {"src_region": "thalamus", "dst_region": "cortex", "density": 0.5},
    ],
    "input_regions": [{"name": "light", "num_units": 1}, {"name": "cue", "num_units": 1}],
    "input_connections": [
        {"input": "light", "dst_region": "thalamus", "density": 0.5},
        {"input": "cue", "dst_region": "cortex", "dst_region_cell_type": "exc", "sign": "inhib"},
    ],
}


def _edges(rng, n=60, share=0.3):
    """Different pairs of neurons (E, 2), none with itself, and their synapse counts."""
    pairs = np.argwhere((rng.random((n, n)) < share) & ~np.eye(n, dtype=bool))
    return pairs, rng.integers(5, 40, len(pairs))


def hemibrain(folder):
    """The archive of hemibrain v1.2 with its ROI EB, and a table of transmitters beside it."""
    rng = np.random.default_rng(1)
    pairs, counts = _edges(rng)
    tables = {
        "traced-neurons.csv": {"bodyId": np.arange(60), "type": "ER1", "instance": "ER1_L"},
        "traced-total-connections.csv": {"bodyId_pre": pairs[:, 0], "bodyId_post": pairs[:, 1], "weight": counts},
        "traced-roi-connections.csv": {
            "bodyId_pre": pairs[:, 0],
            "bodyId_post": pairs[:, 1],
            "roi": "EB",
            "weight": counts,
        },
    }
    archive = folder / "exported-traced-adjacencies-v1.2.tar.gz"
    with tarfile.open(archive, "w:gz") as tar:
        for name, columns in tables.items():
            pd.DataFrame(columns).to_csv(folder / "member", index=False)
            tar.add(folder / "member", name)
            (folder / "member").unlink()
    transmitters = {"body": np.arange(60), "predicted_nt": rng.choice(["acetylcholine", "gaba", "glutamate"], 60)}
    pd.DataFrame(transmitters).to_csv(folder / "transmitters.csv", index=False)
    return archive


def flywire(folder):
    """Connections and neurons as Codex has them, in the neuropil NO."""
    rng = np.random.default_rng(2)
    pairs, counts = _edges(rng)
    ids, kinds = FLYWIRE_ID + np.arange(60), rng.choice(["ACH", "GABA", "GLUT", "DA"], 60, p=[0.5, 0.2, 0.2, 0.1])
    pre, post = ids[pairs[:, 0]], ids[pairs[:, 1]]
    columns = {"pre_root_id": pre, "post_root_id": post, "neuropil": "NO", "syn_count": counts}
    columns["nt_type"] = kinds[pairs[:, 0]]
    pd.DataFrame(columns).to_csv(folder / "connections.csv.gz", index=False)
    pd.DataFrame({"root_id": ids, "group": "a", "nt_type": kinds}).to_csv(folder / "neurons.csv.gz", index=False)
    types = {"root_id": ids, "primary_type": np.array(["T1", "T2", "T3"])[np.arange(60) % 3]}
    pd.DataFrame(types).to_csv(folder / "consolidated_cell_types.csv.gz", index=False)
    return folder


def matrix(folder):
    """A sparse matrix of both signs."""
    rng = np.random.default_rng(3)
    np.save(folder / "my_matrix.npy", rng.normal(size=(60, 60)) * (rng.random((60, 60)) < 0.3))
    return folder / "my_matrix.npy"


OF_TEMPLATE = {"hemibrain_eb": hemibrain, "flywire_neuropil": flywire, "flywire_brain": flywire, "my_matrix": matrix}


def without(text: str, overrides: list[str]) -> str:
    """An INI without the lines of the keys that are overridden: a key is given once."""
    keys = {override.partition("=")[0].partition(".")[2] for override in overrides}
    return "\n".join(line for line in text.splitlines() if line.partition(" =")[0] not in keys)
