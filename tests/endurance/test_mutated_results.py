"""Results folders with a mutated file: the three commands that read them end in words, never in a traceback."""

import contextlib
import random

import numpy as np
import pytest

from tests.support.endurance import cases, command, copied, figures, generators, is_told, prepared
from tests.support.mutations import mutated_array, mutated_file
from tests.support.small_kinds import KINDS


@pytest.fixture(scope="module")
def folders(tmp_path_factory):
    """The results of every kind."""
    root = tmp_path_factory.mktemp("kinds")
    found = {kind: prepared(root / kind, kind) for kind in KINDS}
    for path in found.values():
        with contextlib.chdir(path.parent):
            assert command(path.name)[0] == 0
    return {kind: path.parent for kind, path in found.items()}


@pytest.mark.long
def test_commands_end_in_words(folders, tmp_path):
    wrong = []
    for case, rng in generators("results", cases(300)):
        kind = rng.choice(list(KINDS))
        folder = copied(folders[kind], tmp_path / "copy")
        files = [path for path in sorted((folder / kind).rglob("*")) if path.is_file() and path.name[0] != "."]
        changed = rng.choice([path for path in files if rng.random() < 0.5 or path.suffix in (".npz", ".pt")] or files)
        mutated_file(changed, rng)
        if rng.random() < 0.5:
            (folder / kind / "0" / "iter_0" / "run.json").unlink(missing_ok=True)
        with contextlib.chdir(folder):
            for name, (code, _, err) in (
                ("status", command("--status", kind)),
                ("run", command(f"{kind}.ini")),
                ("figures", figures("--results_folders", kind, "--save_figs", "figures")),
            ):
                if not is_told(code, err):
                    wrong.append((case, kind, str(changed.relative_to(folder)), name, code, err[-600:]))
        if changed.name == "state.pt":  # one that does not fit is set aside, and fails no run
            failures = [path.read_text()[-600:] for path in (folder / kind).rglob("error.txt")]
            wrong += [(case, kind, "state.pt", failure) for failure in failures]
    assert not wrong, f"{len(wrong)}: {wrong[:5]}"


@pytest.mark.parametrize("array", [np.array("tau"), np.array(2.0), np.zeros(0), np.zeros((3, 2))])
def test_every_shape_of_an_array_can_be_mutated(array):
    assert all(isinstance(mutated_array(array, random.Random(seed)), np.ndarray) for seed in range(30))
