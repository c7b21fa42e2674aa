"""What README.md and docs/ show is run: blocks of Python, the notebook, and the site's build."""

import os
import re
import shutil
import subprocess
import sys

import pytest

from tests.support.paths import ROOT

BLOCK = re.compile(r"(<!-- not run: .+ -->\n)?^```python\n(.*?)^```", re.MULTILINE | re.DOTALL)
EAGER = "from randomnet import compiled\ncompiled.prefer(compiled.EAGER)"  # compilation takes longer than the pages
PRELUDES = {  # the files that a page takes for granted
    "README.md": """
import numpy as np
import randomnet as rn
signs = np.where(np.arange(30) < 24, 1, -4)[:, None]
np.save("my.npy", np.random.default_rng(0).gamma(2, 1, (30, 30)) * signs)
ini = {"experiment.kind": "spectrum", "net.roi": "random", "net.n": 20, "lyapunov.nle": 3, "lyapunov.tsim": 20}
rn.run(ini, {"paths.path_to_results": "results/spec", "experiment.kind": "train", "trainvalidate.epochs": 2})
rn.run(ini, {"paths.path_to_results": "results/g"})
import shutil
shutil.copy("results/g/config.ini", "config.ini")
"""
}
OWN_TEST = {"docs/extending.md"}  # tests/house/test_extending.py installs and runs its blocks


def blocks(path):
    """The blocks of Python of a page but for those whose comment gives a reason not to run them."""
    return [text for reason, text in BLOCK.findall(path.read_text(encoding="utf-8")) if not reason]


PAGES = [str(path.relative_to(ROOT)) for path in [ROOT / "README.md", *sorted((ROOT / "docs").glob("**/*.md"))]
         if blocks(path)]  # fmt: skip


def environment():
    path = os.pathsep.join([str(ROOT), os.environ.get("PYTHONPATH", "")])
    return os.environ | {"PYTHONPATH": path, "OMP_NUM_THREADS": "1", "MPLBACKEND": "Agg"}


@pytest.mark.slow
@pytest.mark.parametrize("name", [name for name in PAGES if name not in OWN_TEST])
def test_the_python_of_a_page_runs(name, tmp_path):
    """All blocks one after the other, in an empty folder."""
    code = [EAGER, PRELUDES.get(name, ""), *blocks(ROOT / name)]
    (tmp_path / "page.py").write_text("\n".join(code), encoding="utf-8")
    ended = subprocess.run([sys.executable, "page.py"], cwd=tmp_path, env=environment(), capture_output=True, text=True)
    assert ended.returncode == 0, ended.stderr


@pytest.mark.slow
def test_the_notebook_of_the_tutorial_runs(tmp_path):
    nbformat, nbclient = pytest.importorskip("nbformat"), pytest.importorskip("nbclient")
    pytest.importorskip("ipykernel")
    notebook = nbformat.read(ROOT / "docs" / "tutorial.ipynb", as_version=4)
    for cell in notebook.cells:
        cell.source = cell.source.replace("iterations = 40", "iterations = 2")  # forty draws are for the p
    client = nbclient.NotebookClient(notebook, timeout=300, resources={"metadata": {"path": str(tmp_path)}})
    client.execute(env=environment())
    assert [cell for cell in notebook.cells if cell.cell_type == "code"]


@pytest.mark.slow
def test_the_site_is_built_without_a_warning(tmp_path):
    for package in ("mkdocs", "material", "mkdocstrings"):
        pytest.importorskip(package)
    for name in ("docs", "randomnet"):
        shutil.copytree(ROOT / name, tmp_path / name, ignore=shutil.ignore_patterns("__pycache__"))
    for name in ("mkdocs.yml", "CHANGELOG.md"):
        shutil.copy(ROOT / name, tmp_path / name)
    build = [sys.executable, "-m", "mkdocs", "build", "--strict", "--site-dir", str(tmp_path / "site")]
    ended = subprocess.run(build, cwd=tmp_path, env=environment(), capture_output=True, text=True)
    assert ended.returncode == 0, ended.stderr
    assert (tmp_path / "site" / "changelog" / "index.html").is_file()
