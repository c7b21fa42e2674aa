"""Folders that tests read: the project, its package, real connectomes and data of the tests."""

import os
from pathlib import Path

ROOT = Path(__file__).parents[2]
MODULES = sorted((ROOT / "randomnet").rglob("*.py"))
DATA = ROOT / "tests" / "data"
CONNECTOMES = Path(os.environ.get("RANDOMNET_CONNECTOMES", ROOT.parent / "shared" / "connectomes"))
