"""What an experiment says of its networks before it begins."""

import json

import runrandomnet

INI = """
[experiment]
kind = spectrum
[paths]
path_to_results = {results}
[net]
roi = {roi}
[lyapunov]
nle = 3
"""


def announced(tmp_path, capsys, *more, iterations=2, roi="AB", grid=None):
    ini = tmp_path / "one.ini"
    text = INI.format(results=tmp_path / "results", roi=roi)
    ini.write_text(text + (f"[combosparams]\ncombos_params = {json.dumps(grid)}\n" if grid else ""))
    changes = (f"trainvalidate.iterations={iterations}", *more)
    assert runrandomnet.main([str(ini), "--dry-run", *(word for one in changes for word in ("--set", one))]) == 0
    return capsys.readouterr().out.split("\n\n")[0]
