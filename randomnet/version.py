"""The version of this code: the number, and in a clone the commit that it stands at."""

import functools
import subprocess
from pathlib import Path

__version__ = "0.2.0"

ROOT = Path(__file__).parents[1]  # a clone, an unpacked source archive, or where packages are installed
TIMEOUT = 5  # seconds for git, whose file system may be slow
HASH_LENGTH = 10


@functools.cache
def code_version() -> str:
    """`0.2.0+g<hash>` in a clone, `.dirty` after it where code differs from the commit; else the installed version.

    The build of a package calls this too, so that the installed version names the commit it was built from. Never
    fails: where git is missing or does not answer, it is the number alone.
    """
    if (ROOT / ".git").exists():
        return __version__ + _commit(ROOT)
    return _recorded(ROOT) or __version__


def _commit(root: Path) -> str:
    """The suffix of the version by git; empty where git does not tell."""
    # The code of this clone is running already, so that git may trust the clone whoever owns it.
    trusted = ("-c", "safe.directory=*", "-c", "core.fsmonitor=false", "--no-optional-locks")
    status = ("status", "--porcelain=v2", "--branch", "--", "randomnet")
    try:
        answer = subprocess.run(
            ["git", "-C", str(root), *trusted, *status], capture_output=True, text=True, timeout=TIMEOUT, check=True
        )
    except (OSError, subprocess.SubprocessError, UnicodeDecodeError):
        return ""
    heads: list[str] = []
    changes: list[str] = []
    for line in answer.stdout.splitlines():
        (heads if line.startswith("#") else changes).append(line)
    commit = next((line.split()[-1] for line in heads if line.startswith("# branch.oid")), "(initial)")
    if commit == "(initial)":  # no commit yet
        return ""
    return f"+g{commit[:HASH_LENGTH]}{'.dirty' if changes else ''}"


def _recorded(root: Path) -> str:
    """The version that a source archive or an installed package was built with; empty where nothing records it."""
    for path in (root / "PKG-INFO", *root.glob("randomnet-*.dist-info/METADATA")):
        try:
            lines = path.read_text(encoding="utf-8").splitlines()
        except OSError:
            continue
        version = next((line.partition(":")[2].strip() for line in lines if line.startswith("Version:")), "")
        if version.startswith(__version__):  # else it is of another copy of the package
            return version
    return ""
