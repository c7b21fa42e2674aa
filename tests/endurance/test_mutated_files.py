"""Connectomes and recordings with mutated bytes: each is refused in one line, or read as what it still is."""

import contextlib

import networkx
import numpy as np
import pandas as pd
import pytest
import scipy.io
import scipy.sparse

from randomnet import experiment
from tests.support import made_up
from tests.support.endurance import cases, command, copied, generators, is_told, prepared
from tests.support.mutations import mutated_file

SPECTRUM = """[experiment]
kind = spectrum
[paths]
path_to_results = results
path_to_network = {path}
[net]
source = auto
{roi}
[lyapunov]
nle = 2
tsim = 4
[trainvalidate]
iterations = 1
"""
ALL = "roi = all"
PUBLISHED = {"hemibrain": "roi = EB", "flywire": "roi = NO", "malecns": ALL, "banc": ALL, "celegans": ALL, "larva": ALL}
N = 30


def weights():
    rng = np.random.default_rng(1)
    return rng.normal(size=(N, N)) * (rng.random((N, N)) < 0.3)


def edges():
    post, pre = np.nonzero(weights())
    return pd.DataFrame({"pre": pre, "post": post, "weight": weights()[post, pre]})


def graph():
    return networkx.from_numpy_array(weights().T, create_using=networkx.DiGraph)


GENERAL = {  # name of a file -> what writes it
    "a.npy": lambda path: np.save(path, weights()),
    "a.npz": lambda path: scipy.sparse.save_npz(path, scipy.sparse.csr_matrix(weights())),
    "a.mat": lambda path: scipy.io.savemat(path, {"weights": weights()}),
    "a.mtx": lambda path: scipy.io.mmwrite(path, scipy.sparse.coo_matrix(weights())),
    "a.csv": lambda path: pd.DataFrame(weights()).to_csv(path, index=False, header=False),
    "edges.csv": lambda path: edges().to_csv(path, index=False),
    "edges.csv.gz": lambda path: edges().to_csv(path, index=False),
    "a.gml": lambda path: networkx.write_gml(graph(), path),
    "a.gexf": lambda path: networkx.write_gexf(graph(), path),
    "a.graphml": lambda path: networkx.write_graphml(graph(), path),
}


@pytest.fixture(scope="module")
def folders(tmp_path_factory):
    """A folder for each format, with its files and an INI that names them; and one with a recording."""
    root, found = tmp_path_factory.mktemp("formats"), {}
    for name, roi in PUBLISHED.items():
        folder = root / name
        (folder / "data").mkdir(parents=True)
        path = getattr(made_up, name)(folder / "data")
        (folder / "a.ini").write_text(SPECTRUM.format(path=path.relative_to(folder), roi=roi))
        found[name] = folder
    for name, write in GENERAL.items():
        folder = root / name
        (folder / "data").mkdir(parents=True)
        write(folder / "data" / name)
        (folder / "a.ini").write_text(SPECTRUM.format(path=f"data/{name}", roi=ALL))
        found[name] = folder
    path = prepared(root / "recording", "fit")
    (path.parent / "data").mkdir()
    (path.parent / "record" / "0" / "iter_0" / "recording.npz").rename(path.parent / "data" / "recording.npz")
    (path.parent / "a.ini").write_text(path.read_text().replace("folder = record", "folder = data/recording.npz"))
    return found | {"recording": path.parent}


def begun(*arguments, **options):
    raise SystemExit(0)


def test_the_files_are_read_as_they_are(folders, monkeypatch):
    monkeypatch.setattr(experiment, "run", begun)
    for name, folder in folders.items():
        with contextlib.chdir(folder):
            code, _, err = command("a.ini")
        assert code == 0, (name, err)


@pytest.mark.long
def test_a_mutated_file_is_refused_in_one_line_or_read(folders, tmp_path, monkeypatch):
    monkeypatch.setattr(experiment, "run", begun)
    wrong, codes = [], []
    for case, rng in generators("files", cases(300)):
        name = rng.choice(list(folders))
        folder = copied(folders[name], tmp_path / "copy")
        changed = rng.choice(sorted(path for path in (folder / "data").rglob("*") if path.is_file()))
        mutated_file(changed, rng)
        with contextlib.chdir(folder):
            code, _, err = command("a.ini")
        codes.append(code)
        if not is_told(code, err, (0, 2)):
            wrong.append((case, name, changed.name, code, err[-600:]))
    print({code: codes.count(code) for code in set(codes)})
    assert not wrong, f"{len(wrong)}: {wrong[:5]}"
