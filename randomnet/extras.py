"""How an extra of pyproject.toml is installed, for the errors of code that lacks it."""

from pathlib import Path

ROOT = Path(__file__).parents[1]  # a clone, or where packages are installed


def install_line(extra: str) -> str:
    """The command line that installs an extra: of the clone that this code is in, or beside the installed package."""
    if not (ROOT / "pyproject.toml").is_file():
        return f'pip install "randomnet[{extra}]"'
    # Editable, as a copy of the package would not follow later changes of the clone.
    return f'pip install -e "{"." if Path.cwd() == ROOT else ROOT}[{extra}]"'
