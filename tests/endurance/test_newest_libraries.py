"""Every kind with the libraries of this environment, the newest ones in CI: a warning within RandomNet is an error."""

import contextlib
import subprocess
import sys

import pytest

from tests.support.endurance import prepared
from tests.support.paths import ROOT
from tests.support.small_kinds import KINDS

COMMANDS = """
import sys, warnings
sys.path.insert(0, {root!r})
import runrandomnet, visualization
warnings.simplefilter("error")
warnings.filterwarnings("ignore", message=".torch.jit.script. is deprecated")  # torch's own, on its first jvp
assert runrandomnet.main([{ini!r}]) == 0
assert visualization.main(["--results_folders", {kind!r}, "--save_figs", "figures"]) == 0
"""


@pytest.mark.long
@pytest.mark.parametrize("kind", list(KINDS))
def test_no_library_warns(tmp_path, kind):
    path = prepared(tmp_path, kind)
    text = COMMANDS.format(root=str(ROOT), ini=path.name, kind=kind)
    with contextlib.chdir(tmp_path):
        ended = subprocess.run([sys.executable, "-c", text], capture_output=True, text=True, timeout=600)
    assert ended.returncode == 0, ended.stderr[-2000:]
    assert "Warning" not in ended.stderr
