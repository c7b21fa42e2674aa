"""Which device a network is on, with GPUs that are made up: nothing here needs one."""

from typing import ClassVar

import pytest
import torch

from randomnet import devices, selfcheck
from randomnet.build.network import device_of, network_device
from randomnet.experiment import engines, planning, workers_of
from randomnet.kinds.spectrum import run as spectrum
from randomnet.schema.plan import read_plan
from randomnet.settings import ConfigError
from randomnet.values.devices import Device

SMALL, LARGE = devices.AUTO_NEURONS - 1, devices.AUTO_NEURONS


@pytest.fixture
def gpus(monkeypatch):
    """Three GPUs with 10 GB free each, as far as torch.cuda tells; a tensor cannot be on one."""
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 3)
    monkeypatch.setattr(torch.cuda, "mem_get_info", lambda device: (10_000_000_000, 12_000_000_000))
    monkeypatch.setattr(torch.cuda, "get_device_name", lambda device: "Made-up 3000")
    monkeypatch.setattr(torch.cuda, "set_device", lambda device: None)
    monkeypatch.setattr(devices, "_place", 0)


@pytest.fixture
def without(monkeypatch):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)


def plan_with(tmp_path, *settings, text=""):
    path = tmp_path / "config.ini"
    path.write_text(f"[experiment]\nkind = spectrum\n[lyapunov]\nnle = 3\n{text}", encoding="utf-8")
    return read_plan(path, settings)


def run_with(tmp_path, *settings):
    return plan_with(tmp_path, *settings).combos[0].runs()[0]


FACTS = {"sha256": "0", "files": [], "edges": 10**6}


@pytest.mark.parametrize(
    ("text", "meant"),
    [("auto", "auto"), ("CPU", "cpu"), ("gpu", "cuda"), ("GPU:2", "cuda:2"), ("cuda : 01", "cuda:1"), ("Cuda", "cuda")],
)
def test_the_spellings_of_devices(text, meant):
    assert Device().parse(text) == meant


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("mps", "mps has no float64"),
        ("mps:0", "mps has no float64"),
        ("xpu", "on the CPU or with CUDA"),
        ("cdua", "did you mean 'cuda'"),
        ("cuda:-1", "did you mean 'cuda'"),
        ("cuda:", "cuda"),
        ("cpu:1", "cpu"),
        ("cuda:²", "cuda"),
    ],
)
def test_what_is_no_device_is_refused_in_words(tmp_path, text, said):
    with pytest.raises(ConfigError, match=r"device.*expected one of auto, cpu, cuda, or a GPU by number") as error:
        run_with(tmp_path, f"execution.device={text}")
    assert said in str(error.value)


def test_auto_takes_a_gpu_from_a_size_on(gpus, tmp_path):
    config = run_with(tmp_path).config
    assert device_of(config, SMALL) == torch.device("cpu")
    assert device_of(config, LARGE) == torch.device("cuda", 0)
    insisting = run_with(tmp_path, "execution.device=cuda").config
    assert device_of(insisting, SMALL) == torch.device("cuda", 0)
    assert device_of(run_with(tmp_path, "execution.device=cpu").config, LARGE) == torch.device("cpu")


def test_the_network_of_a_run_follows_its_size(gpus, tmp_path):
    assert network_device(run_with(tmp_path, "net.roi=random", "net.n=20")).type == "cpu"
    assert network_device(run_with(tmp_path, "net.roi=random", f"net.n={LARGE}")).type == "cuda"


def test_without_a_gpu_auto_is_the_cpu_and_others_are_refused(without, tmp_path):
    assert device_of(run_with(tmp_path).config, LARGE) == torch.device("cpu")
    with pytest.raises(ConfigError, match="expected a CUDA device with device = cuda:1, got a machine without one"):
        device_of(run_with(tmp_path, "execution.device=cuda:1").config, LARGE)


def test_a_gpu_by_number_is_there_or_the_known_ones_are_named(gpus, tmp_path):
    assert device_of(run_with(tmp_path, "execution.device=cuda:2").config) == torch.device("cuda", 2)
    with pytest.raises(ConfigError, match=r"expected a GPU of this machine .cuda:0, cuda:1, cuda:2., got cuda:3"):
        device_of(run_with(tmp_path, "execution.device=cuda:3").config)
    with pytest.raises(ValueError, match="expected a GPU of this machine"):
        selfcheck.main("gpu:7")


def test_workers_take_gpus_in_turn_but_one_by_number_stays(gpus):
    found = []
    for place in range(5):
        devices.take_place(place)
        found.append(devices.device_for("cuda").index)
        assert devices.device_for("cuda:1").index == 1
    assert found == [0, 1, 2, 0, 1]


class Pipe:
    """Stands for an end of a pipe, or for both; nothing goes through."""

    def __iter__(self):
        return iter((Pipe(), Pipe()))

    def send(self, message):
        pass

    def recv(self):
        raise EOFError

    def close(self):
        pass


class Process:
    """Stands for a worker that does nothing."""

    exitcode = 0
    started: ClassVar = []

    def __init__(self, target, args, daemon):
        self.place = args[2]

    def start(self):
        self.started.append(self.place)

    def join(self, timeout=None):
        pass

    def is_alive(self):
        return False


def test_a_worker_that_replaces_a_dead_one_takes_its_gpu(tmp_path, monkeypatch):
    run = run_with(tmp_path)
    pool = engines._Pool(tmp_path, lambda: False, 3)
    monkeypatch.setattr(Process, "started", [])
    monkeypatch.setattr(pool.context, "Process", Process, raising=False)
    monkeypatch.setattr(pool.context, "Pipe", Pipe, raising=False)
    monkeypatch.setattr(engines, "Connection", Pipe)
    monkeypatch.setattr(pool, "_ends_of_dead", lambda batch, code: iter(()))
    for _ in range(3):
        pool.start((run,))
    dead = next(connection for connection, place in pool.places.items() if place == 1)
    monkeypatch.setattr(engines, "wait", lambda connections, timeout: [dead])
    list(pool.events())
    pool.start((run,))
    assert Process.started == [0, 1, 2, 1]
    assert sorted(pool.places.values()) == [0, 1, 2] and dead not in pool.places


def test_as_many_workers_as_gpus(gpus, tmp_path, monkeypatch):
    monkeypatch.setattr("randomnet.experiment.cores", lambda: 16)

    def workers(neurons, *settings):
        return workers_of(plan_with(tmp_path, *settings), [FACTS | {"neurons": neurons}])

    assert workers(SMALL) == 16
    assert workers(LARGE) == workers(SMALL, "execution.device=cuda") == 3
    assert workers(LARGE, "execution.device=cuda:1") == 1
    assert workers(LARGE, "execution.workers=5") == 5
    assert workers(LARGE, "execution.device=cpu") == 16


def test_batches_fill_a_part_of_the_free_memory_of_a_gpu(gpus, tmp_path, monkeypatch):
    def most(*settings, neurons=LARGE):
        return spectrum.max_batch(run_with(tmp_path, *settings), FACTS | {"neurons": neurons})

    assert most() == 8
    assert most("execution.device=cpu") == 1
    assert most("execution.batch_runs=12") == 12
    monkeypatch.setattr(torch.cuda, "mem_get_info", lambda device: (300_000_000, 12_000_000_000))
    matrices, frame, record = 6 * LARGE**2 * 8, 8 * LARGE**2, 8 * 3 * 1500  # bytes of a run
    assert most() == int(0.8 * 300_000_000 / (matrices + frame + record)) == 4
    assert most("execution.workers=6") == 2  # two workers on each GPU
    assert most("execution.memory_budget=3000") == 8


def test_the_manifest_names_the_device_and_another_one_is_said(gpus, tmp_path, monkeypatch):
    plan, facts = plan_with(tmp_path), [FACTS | {"neurons": LARGE}]
    first = planning.prepare(plan, facts, None).manifest
    assert first["device"] == "cuda: Made-up 3000"
    assert not planning.prepare(plan, facts, first).notes
    on_cpu = planning.prepare(plan_with(tmp_path, "execution.device=cpu"), facts, None).manifest
    assert on_cpu["device"] == "cpu"
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    assert planning.prepare(plan, facts, first).notes == (
        "the runs that are there were computed on cuda: Made-up 3000, those from now on on cpu",
    )
    del first["device"]  # as earlier versions wrote it
    assert not planning.prepare(plan, facts, first).notes


def test_systems_that_are_computed_on_the_cpu_stay_there(gpus, tmp_path):
    path = tmp_path / "config.ini"
    path.write_text("[experiment]\nkind = simulate\n", encoding="utf-8")
    assert device_of(read_plan(path).config, LARGE) == torch.device("cpu")


def test_a_ray_cluster_hands_out_its_gpus_itself(tmp_path):
    ray = ("execution.engine=ray", "execution.gpus_per_run=1")
    with pytest.raises(ConfigError, match=r"device.*expected cuda with engine = ray"):
        plan_with(tmp_path, *ray, "execution.device=cuda:1")
    plan = plan_with(tmp_path, *ray, "execution.device=gpu")
    assert planning._device(plan, [FACTS | {"neurons": 5}]) == "a GPU of the cluster"
