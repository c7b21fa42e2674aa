"""Seconds of the processor for 10,000 combos, and for 10,000 iterations, whose runs take no time themselves."""

import contextlib
import dataclasses
import time

import pytest

from randomnet.kinds.spectrum import run as spectrum
from tests.support.endurance import cases, command
from tests.support.small_kinds import EAGER, NETWORK

INI = """[experiment]
kind = spectrum
[paths]
path_to_results = results
[execution]
workers = 1
{eager}
batch_runs = 1
[trainvalidate]
iterations = {iterations}
{network}
[lyapunov]
nle = 1
tsim = 1
[combosparams]
combos_params = {{"g": [{values}]}}
"""
FIRST = []


def at_once(runs, folders, report, stop):
    """Runs that take no time."""
    FIRST.append(time.process_time())
    return [(run, {"status": "complete", "summary": {"lambda_max": 0.0}, "connectome": {}}) for run in runs]


def seconds(*arguments):
    began = time.process_time()
    code, _, err = command("many.ini", *arguments, limit=3600)
    assert code == 0, err[-500:]
    return time.process_time() - began


def write(folder, combos, iterations):
    values = ", ".join(f"{0.5 + 1e-4 * number:.4f}" for number in range(combos))
    network = NETWORK.replace("g = 3\n", "").replace("n = 12", "n = 4")
    text = INI.format(eager=EAGER, iterations=iterations, network=network, values=values)
    (folder / "many.ini").write_text(text)


@pytest.fixture
def quick_runs(monkeypatch):
    FIRST.clear()
    monkeypatch.setattr(spectrum, "KIND", dataclasses.replace(spectrum.KIND, execute=at_once))


@pytest.mark.long
def test_many_combos(tmp_path, quick_runs, monkeypatch):
    number = cases(10_000)
    write(tmp_path, number, 1)
    with contextlib.chdir(tmp_path):
        began = time.process_time()
        seconds()
        start, whole = FIRST[0] - began, time.process_time() - began
        resume = seconds()
        dry = seconds("--dry-run")
    share = number / 10_000
    print(f"{number} combos: --dry-run {dry:.1f} s, start {start:.1f} s, resume {resume:.1f} s, all {whole:.1f} s")
    assert dry < 2 + 10 * share and start < 2 + 20 * share and resume < 2 + 30 * share


@pytest.mark.long
def test_many_iterations(tmp_path, quick_runs):
    number = cases(10_000)
    write(tmp_path, 1, number)
    with contextlib.chdir(tmp_path):
        whole, resume = seconds(), seconds()
    start = FIRST[0]
    print(f"{number} iterations: {1000 * whole / number:.2f} ms each, resume {1000 * resume / number:.2f} ms each")
    assert start and resume < 2 + 1e-3 * number
