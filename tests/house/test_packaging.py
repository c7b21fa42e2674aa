"""The package: its versions agree, its extras exist, its commands start, and what a wheel of it holds."""

import importlib
import re
import shutil
import subprocess
import sys
import tomllib
import zipfile
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.version import Version

import randomnet
from randomnet import extras, version
from randomnet.command_line import program
from tests.support.paths import ROOT

PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
EXTRAS = PROJECT["project"]["optional-dependencies"]


def text_of(name):
    return (ROOT / name).read_text(encoding="utf-8")


def pinned(extra, package):
    (requirement,) = [one for one in map(Requirement, EXTRAS[extra]) if one.name == package]
    (pin,) = requirement.specifier
    assert pin.operator == "=="
    return pin.version


# ---- what must agree


def test_the_citation_has_the_version_and_the_licence_of_the_package():
    assert re.search(r"^version: (\S+)$", text_of("CITATION.cff"), re.MULTILINE).group(1) == randomnet.__version__
    assert re.search(r"^license: (\S+)$", text_of("CITATION.cff"), re.MULTILINE).group(1) == "MIT"
    assert PROJECT["project"]["license"] == "MIT" and text_of("LICENSE").startswith("MIT License")


def test_the_version_is_declared_once():
    declared = [path for path in (ROOT / "randomnet").rglob("*.py") if re.search(r"^__version__ =", path.read_text(
        encoding="utf-8"), re.MULTILINE)]  # fmt: skip
    assert declared == [ROOT / "randomnet" / "version.py"]
    assert "version" in PROJECT["project"]["dynamic"] and "version" not in PROJECT["project"]


@pytest.mark.parametrize("tool", ["ruff", "mypy"])
def test_ci_installs_the_pinned_version_of_a_tool(tool):
    """By the extra that pins it, and by no version of its own."""
    script = text_of(".ci/run")
    assert pinned("dev", tool) and re.search(r"\"\.\[[\w,]*\bdev\b[\w,]*\]\"", script)
    assert f"bin/{tool}\"" in script and not re.search(rf"{tool}[=<>~]", script)


def test_pre_commit_has_the_pinned_ruff():
    assert re.search(r"ruff-pre-commit\n\s+rev: v(\S+)", text_of(".pre-commit-config.yaml")).group(1) == pinned(
        "dev", "ruff")  # fmt: skip


def test_requirements_are_plain_lines_that_setuptools_reads():
    """The package's dependencies are those of requirements.txt, in which setuptools takes no comment after a line."""
    lines = [line for line in text_of("requirements.txt").splitlines() if line.strip() and not line.startswith("#")]
    names = [Requirement(line).name for line in lines]
    assert "torch" in names and len(set(names)) == len(names)
    assert PROJECT["tool"]["setuptools"]["dynamic"]["dependencies"] == {"file": ["requirements.txt"]}


def test_every_extra_that_is_advised_exists():
    advised = {}
    for path in (ROOT / "randomnet").rglob("*.py"):
        for name in re.findall(r"install_line\([\"'](\w+)[\"']\)", path.read_text(encoding="utf-8")):
            advised[name] = path
    for path in [*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md"), *ROOT.glob("config/*.ini")]:
        for names in re.findall(r"\"\.\[([\w,]+)\]\"", path.read_text(encoding="utf-8")):
            advised |= dict.fromkeys(names.split(","), path)
    assert {"ray", "neuprint", "formats", "motornet", "neurogym", "recordings"} <= set(advised)
    assert {name: path for name, path in advised.items() if name not in EXTRAS} == {}


# ---- errors about a missing extra


def test_a_missing_extra_is_installed_from_the_clone_or_beside_the_package(tmp_path, monkeypatch):
    monkeypatch.chdir(ROOT)
    assert extras.install_line("ray") == 'pip install -e ".[ray]"'
    monkeypatch.chdir(tmp_path)
    assert extras.install_line("ray") == f'pip install -e "{ROOT}[ray]"'
    monkeypatch.setattr(extras, "ROOT", tmp_path)  # as in site-packages, where no pyproject.toml lies
    assert extras.install_line("ray") == 'pip install "randomnet[ray]"'


# ---- the version of the code


def git(folder, *arguments):
    identity = ("-c", "user.name=a", "-c", "user.email=a@b.c")
    return subprocess.run(["git", "-C", str(folder), *identity, *arguments], check=True, capture_output=True, text=True)


@pytest.fixture
def clone(tmp_path, monkeypatch):
    """A repository with a package at one commit, taken for the clone that the code runs from."""
    root = tmp_path / "clone"
    (root / "randomnet").mkdir(parents=True)
    (root / "randomnet" / "a.py").write_text("x = 1\n")
    (root / "config.ini").write_text("[experiment]\n")
    git(tmp_path, "init", "-q", str(root))
    git(root, "add", ".")
    git(root, "commit", "-q", "-m", "first")
    monkeypatch.setattr(version, "ROOT", root)
    return root


def code_version():
    return version.code_version.__wrapped__()  # not the one that this process has cached


def test_a_clones_version_names_its_commit(clone):
    commit = git(clone, "rev-parse", "HEAD").stdout.strip()
    expected = f"{randomnet.__version__}+g{commit[:10]}"
    assert code_version() == expected
    assert str(Version(expected)) == expected  # so that pip takes it as it is
    (clone / "config.ini").write_text("[experiment]\nname = other\n")  # which every user edits
    (clone / "results").mkdir()
    assert code_version() == expected


@pytest.mark.parametrize("name", ["a.py", "new.py"])
def test_code_that_is_not_committed_is_dirty(clone, name):
    before = code_version()
    (clone / "randomnet" / name).write_text("x = 2\n")
    assert code_version() == before + ".dirty"
    git(clone, "add", ".")
    git(clone, "commit", "-q", "-m", "second")
    assert "dirty" not in code_version() != before


def test_without_git_or_a_commit_the_version_is_the_number(clone, tmp_path, monkeypatch):
    with monkeypatch.context() as patch:
        patch.setenv("PATH", str(tmp_path))
        assert code_version() == randomnet.__version__
    git(tmp_path, "init", "-q", str(tmp_path / "empty"))
    monkeypatch.setattr(version, "ROOT", tmp_path / "empty")
    assert code_version() == randomnet.__version__


def test_git_that_does_not_answer_is_not_waited_for(clone, tmp_path, monkeypatch):
    (tmp_path / "bin").mkdir()
    slow = tmp_path / "bin" / "git"
    slow.write_text("#!/bin/sh\nexec sleep 60\n")
    slow.chmod(0o755)
    monkeypatch.setenv("PATH", str(slow.parent), prepend=":")
    monkeypatch.setattr(version, "TIMEOUT", 0.2)
    assert code_version() == randomnet.__version__


def test_an_installed_package_has_the_version_that_it_was_built_with(tmp_path, monkeypatch):
    monkeypatch.setattr(version, "ROOT", tmp_path)
    assert code_version() == randomnet.__version__
    for number, built in ((1, "0.0.1+gffffffffff"), (2, f"{randomnet.__version__}+g0123456789")):
        metadata = tmp_path / f"randomnet-{number}.dist-info" / "METADATA"
        metadata.parent.mkdir()
        metadata.write_text(f"Metadata-Version: 2.4\nName: randomnet\nVersion: {built}\n\nVersion: of a text\n")
    assert code_version() == f"{randomnet.__version__}+g0123456789"


# ---- the words of the commands


@pytest.mark.parametrize(
    ("called", "name", "line"),
    [
        ("runrandomnet.py", "runrandomnet.py", "python runrandomnet.py 'a b.ini'"),
        ("/somewhere/runrandomnet.py", "runrandomnet.py", "python runrandomnet.py 'a b.ini'"),
        ("/usr/bin/randomnet", "randomnet", "randomnet 'a b.ini'"),
        ("/usr/bin/randomnet-figures", "randomnet", "randomnet 'a b.ini'"),
        ("randomnet.exe", "randomnet", "randomnet 'a b.ini'"),
        ("RandomNet-script.py", "randomnet", "randomnet 'a b.ini'"),
    ],
)
def test_printed_commands_are_those_by_which_the_program_was_called(monkeypatch, called, name, line):
    monkeypatch.chdir(ROOT)
    monkeypatch.setattr(sys, "argv", [called])
    assert program.name_of("randomnet") == name
    assert program.command_line("randomnet", "a b.ini") == line


def test_a_package_without_its_scripts_was_called_by_its_command(tmp_path, monkeypatch):
    monkeypatch.setattr(sys, "argv", ["notebook.py"])
    assert program.name_of("randomnet-figures") == "visualization.py"
    monkeypatch.setattr(program, "ROOT", tmp_path)
    assert program.name_of("randomnet-figures") == "randomnet-figures"


def test_a_missing_ini_names_the_templates(tmp_path, monkeypatch, capsys):
    from randomnet.command_line.experiments import main

    monkeypatch.chdir(tmp_path)
    assert main([]) == 2
    came = f"No such file or directory; templates are in {ROOT / 'config'}"
    assert capsys.readouterr().err == f"error: config.ini: expected an INI file, got {came}\n"
    monkeypatch.setattr(program, "ROOT", tmp_path / "site-packages")
    monkeypatch.setattr(sys, "prefix", str(tmp_path))
    (tmp_path / "share" / "randomnet" / "config").mkdir(parents=True)
    assert program.templates() == tmp_path / "share" / "randomnet" / "config"


@pytest.mark.parametrize("command", ["randomnet", "randomnet-figures"])
def test_a_console_command_says_its_own_name(monkeypatch, capsys, command):
    module, _, function = PROJECT["project"]["scripts"][command].partition(":")
    monkeypatch.setattr(sys, "argv", [command])
    main = getattr(importlib.import_module(module), function)
    with pytest.raises(SystemExit) as ended:
        main(["--help"])
    assert ended.value.code == 0
    shown = capsys.readouterr().out
    assert shown.startswith(f"usage: {command} [-h]") and ".py" not in shown


# ---- the wheel


@pytest.mark.slow
def test_a_wheel_holds_the_package_its_marker_of_types_and_the_templates(tmp_path):
    setuptools = pytest.importorskip("setuptools")
    wanted = Requirement(PROJECT["build-system"]["requires"][0])
    if not wanted.specifier.contains(setuptools.__version__):
        pytest.skip(f"needs {wanted}, has {setuptools.__version__}")
    source = tmp_path / "source"
    for name in ("randomnet", "config"):
        shutil.copytree(ROOT / name, source / name, ignore=shutil.ignore_patterns("__pycache__"))
    for name in ("pyproject.toml", "requirements.txt", "README.md", "LICENSE", "config.ini"):
        shutil.copy(ROOT / name, source / name)
    git(tmp_path, "init", "-q", str(source))
    git(source, "add", ".")
    git(source, "commit", "-q", "-m", "first")
    build = "import sys; from setuptools import build_meta; build_meta.build_wheel(sys.argv[1])"
    subprocess.run([sys.executable, "-c", build, str(tmp_path)], cwd=source, check=True, capture_output=True)
    (wheel,) = tmp_path.glob("*.whl")
    commit = git(source, "rev-parse", "HEAD").stdout.strip()[:10]
    assert wheel.name == f"randomnet-{randomnet.__version__}+g{commit}-py3-none-any.whl"
    names = zipfile.ZipFile(wheel).namelist()
    packages = {name.split("/")[0] for name in names}
    assert packages == {name for name in packages if name.startswith("randomnet")}
    modules = {str(path.relative_to(source)) for path in (source / "randomnet").rglob("*.py")}
    assert modules | {"randomnet/py.typed"} <= set(names)
    templates = {path.name for path in (source / "config").iterdir()}
    assert templates == {Path(name).name for name in names if "/share/randomnet/config/" in name}
    entries = zipfile.ZipFile(wheel).read(next(name for name in names if name.endswith("entry_points.txt"))).decode()
    assert all(f"{name} = {target}" in entries for name, target in PROJECT["project"]["scripts"].items())
