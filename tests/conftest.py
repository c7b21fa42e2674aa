"""What all tests share: one thread, coarse figures, real connectomes where they are, a tiny ROI folder, and plans."""

import os

os.environ["OPENBLAS_NUM_THREADS"] = "1"  # before numpy is imported

import pickle

import numpy as np
import pytest
import torch

from randomnet import compiled
from randomnet.plotting import style
from randomnet.schema.plan import read_plan
from tests.support.paths import CONNECTOMES
from tests.support.quick import mark_quick

ROI_FILES = {
    "adjacency": "adjacency_scc.npy",
    "ids": "nid_scc.npy",
    "signs": "ei_neuron_types.npy",
    "transmitters": "neurotransmitter_assignments.pkl",
    "fibers": "cell_body_fiber_assignments.pkl",
}


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items):
    mark_quick(items)


@pytest.fixture(scope="session", autouse=True)
def one_thread():
    """Numbers and times of the tests do not depend on the machine's cores."""
    torch.set_num_threads(1)


@pytest.fixture(scope="session", autouse=True)
def eager_steps():
    """Steps are not compiled, so that no test waits for that; RANDOMNET_STEPS=compiled lets all tests have them."""
    compiled.prefer(os.environ.get("RANDOMNET_STEPS", compiled.EAGER))


@pytest.fixture(scope="session", autouse=True)
def coarse_pictures():
    """Figures are written with few pixels: at 300 per inch this took most of the time of drawing them."""
    style.STYLE["savefig.dpi"] = 40


@pytest.fixture(scope="session")
def connectomes():
    """The folder of real connectomes (RANDOMNET_CONNECTOMES, or ../shared/connectomes); skips where it is absent."""
    if not CONNECTOMES.is_dir():
        pytest.skip(f"the real connectomes are not at {CONNECTOMES}; set RANDOMNET_CONNECTOMES to their folder")
    return CONNECTOMES


def tiny_roi():
    """What the files of a valid ROI folder hold: 6 neurons on a ring with chords, 4 excitatory, 2 inhibitory."""
    rng = np.random.default_rng(6)
    adjacency = rng.integers(1, 20, (6, 6)) * (rng.random((6, 6)) < 0.4)
    adjacency[np.arange(6), (np.arange(6) + 1) % 6] = rng.integers(1, 20, 6)
    np.fill_diagonal(adjacency, 0)
    ids = np.arange(100, 106)
    return {
        "adjacency": adjacency.astype(float),
        "ids": ids,
        "signs": np.array([1, 1, 1, 1, 0, 0]),
        "transmitters": dict(zip(ids.tolist(), [1, 1, 1, 5, 0, 2], strict=True)),
        "fibers": dict(zip(ids.tolist(), [0, 0, 1, 1, 2, 185], strict=True)),
    }


@pytest.fixture
def roi_folder(tmp_path):
    """Writes `rois/<name>`, a FlyStability ROI folder, and returns it.

    Keywords (adjacency, ids, signs, transmitters, fibers) change what a file holds: an array, an object to pickle,
    bytes as they are, a function of the valid content, or None to leave the file out. `files` renames files.
    """

    def write(name="TINY", files=None, **changes):
        folder = tmp_path / "rois" / name
        folder.mkdir(parents=True)
        for what, content in tiny_roi().items():
            change = changes.get(what, content)
            content = change(content) if callable(change) else change
            path = folder / {**ROI_FILES, **(files or {})}[what]
            if isinstance(content, bytes):
                path.write_bytes(content)
            elif path.suffix == ".npy" and content is not None:
                np.save(path, content, allow_pickle=True)
            elif content is not None:
                path.write_bytes(pickle.dumps(content))
        return folder

    return write


@pytest.fixture
def plan(tmp_path):
    """Reads a plan from an INI's text."""

    def read(text="", *overrides, name="experiment.ini"):
        path = tmp_path / name
        path.write_bytes(text if isinstance(text, bytes) else text.encode())
        return read_plan(path, overrides)

    return read
