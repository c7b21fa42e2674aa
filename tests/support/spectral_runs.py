"""Small experiments of the kinds that measure spectra of untrained networks."""

from randomnet.schema.plan import read_plan
from tests.support.runs import run

BASE = """[experiment]
kind = {kind}
[paths]
path_to_results = {out}
[net]
roi = random
n = 12
g = 2
[model]
activation = tanh_stretched
[lyapunov]
tsim = 60
transient = 5
frame_transient = 5
[execution]
workers = 1
"""


def experiment(tmp_path, kind, *changes, name="out", code=0):
    """Run the tiny experiment with changes, which exits with `code`; its folder."""
    ini = tmp_path / f"{name}.ini"
    ini.write_text(BASE.format(kind=kind, out=tmp_path / name))
    assert run(ini, *(part for change in changes for part in ("--set", change))) == code
    return tmp_path / name


def runs_of(tmp_path, *changes, name="out"):
    return read_plan(tmp_path / f"{name}.ini", changes).combos[0].runs()
