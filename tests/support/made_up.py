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


def malecns(folder):
    """Bodies and edges as male CNS has them, a third of them fragments."""
    rng = np.random.default_rng(4)
    pairs, counts = _edges(rng, 90)
    classes = np.where(np.arange(90) < 60, "cb_intrinsic", "")
    bodies = {"bodyId": np.arange(90), "superclass": classes, "type": np.array(["T1", "T2", "T3"])[np.arange(90) % 3]}
    pd.DataFrame(bodies).to_csv(folder / "body-annotations.csv", index=False)
    kinds = rng.choice(["acetylcholine", "gaba", "glutamate", "histamine"], 90)
    pd.DataFrame({"body": np.arange(90), "consensus_nt": kinds}).to_csv(folder / "transmitters.csv", index=False)
    edges = {"body_pre": pairs[:, 0], "body_post": pairs[:, 1], "weight": counts}
    pd.DataFrame(edges).to_csv(folder / "connectome-weights.csv", index=False)
    return folder


def banc(folder):
    """Neurons and edges as BANC has them, a sixth of them glia."""
    rng = np.random.default_rng(5)
    pairs, counts = _edges(rng, 72)
    classes = np.where(np.arange(72) < 60, "ascending", "glia")
    neurons = {"banc_888_id": FLYWIRE_ID + np.arange(72), "super_class": classes, "proofread": "TRUE"}
    neurons |= {"roughly_proofread": "", "cell_type": np.array(["T1", "T2", "T3"])[np.arange(72) % 3]}
    neurons["neurotransmitter_predicted"] = rng.choice(["acetylcholine", "gaba", "glutamate"], 72)
    pd.DataFrame(neurons).to_csv(folder / "banc_888_meta.csv", index=False)
    pre, post = FLYWIRE_ID + pairs.T
    edges = {"pre": pre, "post": post, "count": counts, "norm": 0.1, "post_count": 9, "pre_count": 9}
    pd.DataFrame(edges).to_csv(folder / "banc_888_edgelist_simple_v2.csv", index=False)
    return folder


def celegans(folder):
    """A graph as igraph writes it, with names and transmitters of cells."""
    rng = np.random.default_rng(6)
    pairs, counts = _edges(rng)
    keys = {"v_name": ("node", "name", "string"), "v_cell_name": ("node", "cell_name", "string"),
            "v_cell_class": ("node", "cell_class", "string"), "e_weight": ("edge", "weight", "double"),
            "v_neurotransmitters": ("node", "neurotransmitters", "string"),
            "e_synapse_type": ("edge", "synapse_type", "string")}  # fmt: skip
    lines = [f'<key id="{key}" for="{part}" attr.name="{name}" attr.type="{kind}"/>'
             for key, (part, name, kind) in keys.items()]  # fmt: skip
    for node, kind in enumerate(rng.choice(["Ach", "GABA", "GLU", "Ach,5-HT", "NA"], 60)):
        values = {"name": node + 1, "cell_name": f"AD{node}L", "cell_class": f"AD{node}", "neurotransmitters": kind}
        data = "".join(f'<data key="v_{name}">{value}</data>' for name, value in values.items())
        lines.append(f'<node id="n{node}">{data}</node>')
    for (pre, post), count in zip(pairs.tolist(), counts.tolist(), strict=True):
        data = f'<data key="e_synapse_type">C</data><data key="e_weight">{count}</data>'
        lines.append(f'<edge source="n{pre}" target="n{post}">{data}</edge>')
    text = "\n".join(['<graph id="G" edgedefault="directed">', *lines[len(keys) :], "</graph>"])
    root = '<graphml xmlns="http://graphml.graphdrawing.org/xmlns">'
    (folder / "herm_pharynx.graphml").write_text("\n".join([root, *lines[: len(keys)], text, "</graphml>"]))
    return folder / "herm_pharynx.graphml"


def larva(folder):
    """The tables of a mushroom body in the layout of hemibrain."""
    rng = np.random.default_rng(7)
    pairs, counts = _edges(rng)
    neurons = {"bodyId": np.arange(60), "type": np.array(list("KPIO"))[np.arange(60) % 4], "instance": "K1_L"}
    pd.DataFrame(neurons).to_csv(folder / "traced-neurons.csv", index=False)
    edges = {"bodyId_pre": pairs[:, 0], "bodyId_post": pairs[:, 1], "weight": counts}
    pd.DataFrame(edges).to_csv(folder / "traced-total-connections.csv", index=False)
    return folder


def worm(folder, n=40, share=0.15):
    """A list of chemical and electrical synapses with padded names, as Cook et al. have it, and measured responses.

    A pair responds with a probability that rises with the response of the linear network of chemical synapses. Names
    in the table of responses have no leading zeros; one neuron of it is not in the list. roles.csv has three classes.
    """
    rng = np.random.default_rng(8)
    names = [f"{'ABC'[number % 3]}A{number:02d}" for number in range(n)]
    lines, matrix = ["Source,Target,Weight,Type"], np.zeros((n, n))
    for kind, part in (("chemical", share), ("electrical", share / 2)):
        pairs, counts = _edges(rng, n, part)
        for (pre, post), count in zip(pairs.tolist(), counts.tolist(), strict=True):
            lines.append(f"{names[pre]}  ,{names[post]} ,{count},{kind}")
            matrix[post, pre] += count * (kind == "chemical")
    (folder / "herm_full_edgelist.csv").write_text("\n".join(lines) + "\n")
    fractions = matrix / np.maximum(matrix.sum(1, keepdims=True), 1)
    responses = np.linalg.inv(np.eye(n) - fractions / 2)
    pairs = np.argwhere(~np.eye(n, dtype=bool))
    place = np.argsort(np.argsort(responses[pairs[:, 0], pairs[:, 1]])) / len(pairs)
    responded = rng.random(len(pairs)) < 0.6 * place**3
    table = pd.DataFrame({
        "stimulated": [names[pre].replace("A0", "A") for _, pre in pairs.tolist()],
        "responding": [names[post].replace("A0", "A") for post, _ in pairs.tolist()],
        "dFF": np.round(0.1 * place + 0.02 * rng.standard_normal(len(pairs)), 5),
        "q": np.round(np.where(responded, 0.04, 1) * rng.random(len(pairs)), 5) + 1e-6 + 0.05 * ~responded,
        "occurrences": rng.integers(1, 9, len(pairs)),
    })  # fmt: skip
    table["q"] = table["q"].clip(upper=1)
    table.loc[len(table)] = ["XX1", "AA0", 0.1, 0.5, 1]
    table.to_csv(folder / "signal_propagation_wt.csv", index=False)
    roles = [{"A": "sensory", "B": "inter", "C": "motor"}[name[0]] for name in names]
    pd.DataFrame({"name": names, "role": roles}).to_csv(folder / "roles.csv", index=False)
    return folder / "herm_full_edgelist.csv"


OF_TEMPLATE = {
    "hemibrain_eb": hemibrain,
    "flywire_neuropil": flywire,
    "flywire_brain": flywire,
    "my_matrix": matrix,
    "malecns": malecns,
    "banc": banc,
    "celegans": celegans,
    "larva": larva,
    "responses": worm,
}


def without(text: str, overrides: list[str]) -> str:
    """An INI without the lines of the keys that are overridden: a key is given once."""
    keys = {override.partition("=")[0].partition(".")[2] for override in overrides}
    return "\n".join(line for line in text.splitlines() if line.partition(" =")[0] not in keys)
