"""Make the pictures of README.md and docs/ with the project's own commands, and the notebook of the tutorial.

    python docs/make_pictures.py            # all: about ten minutes of one core
    python docs/make_pictures.py tutorial   # the tutorial's picture and its notebook only

Each picture is a figure that visualization.py writes, made small.
"""

import json
import re
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
DOCS = ROOT / "docs"
INI = re.compile(r"```ini\n(.*?)```", re.DOTALL)
BLOCK = re.compile(r"^```(\w*)\n(.*?)^```\n", re.MULTILINE | re.DOTALL)

README_GRID = '{"g": [2, 4, 6, 8, 12, 16, 24], "null": ["none", "degree", "sign"]}'
FIGURE = "by_combo/nulls_lambda_max"  # the figure of the visualiser that the pictures show
SETUP = """import sys
from pathlib import Path

import randomnet

python = sys.executable
clone = Path(randomnet.__file__).parents[1]  # where the commands of the tutorial are"""


def command(folder: Path, *arguments: str) -> None:
    """Run one of the two scripts in a folder. Raises CalledProcessError if it fails."""
    subprocess.run([sys.executable, str(ROOT / arguments[0]), *arguments[1:]], cwd=folder, check=True)


def draw(folder: Path, results: str, name: str) -> None:
    """Draw a results folder and keep its figure as docs/pictures/<name>.png."""
    command(folder, "visualization.py", "--results_folders", results, "--save_figs", "figs")
    (DOCS / "pictures").mkdir(exist_ok=True)
    shrink(folder / "figs" / f"{FIGURE}.png", DOCS / "pictures" / f"{name}.png")


def shrink(source: Path, target: Path) -> None:
    """Write a picture with at most 1,000 pixels of width and 256 colours."""
    from PIL import Image

    with Image.open(source) as image:
        scale = min(1, 1000 / image.width)
        small = image.convert("RGB").resize((round(image.width * scale), round(image.height * scale)))
        small.quantize(256).save(target, optimize=True)


def readme_picture(folder: Path) -> None:
    """The picture of README.md: its INI with a finer grid and 40 draws."""
    ini = INI.findall((ROOT / "README.md").read_text(encoding="utf-8"))[0]
    (folder / "eb.ini").write_text(ini, encoding="utf-8")
    grid = f"combosparams.combos_params={README_GRID}"
    command(folder, "runrandomnet.py", "eb.ini", "--set", grid, "--set", "trainvalidate.iterations=40")
    draw(folder, "results/eb", "nulls")


def tutorial_picture(folder: Path) -> None:
    """The picture of docs/tutorial.md: its network, its INI and its commands."""
    text = (DOCS / "tutorial.md").read_text(encoding="utf-8")
    network = next(code for language, code in BLOCK.findall(text) if language == "python")
    subprocess.run([sys.executable, "-c", network], cwd=folder, check=True)
    (folder / "network.ini").write_text(INI.findall(text)[0], encoding="utf-8")
    command(folder, "runrandomnet.py", "network.ini")
    draw(folder, "results/network", "tutorial")


def notebook() -> dict:
    """The tutorial as a notebook without outputs: its blocks are cells, its commands run in the shell."""
    text = (DOCS / "tutorial.md").read_text(encoding="utf-8")
    cells, place = [], 0
    for block in BLOCK.finditer(text):
        cells += [_markdown(text[place : block.start()]), *_code(*block.groups())]
        place = block.end()
    cells = [cell for cell in [*cells, _markdown(text[place:])] if cell["source"].strip()]
    for number, cell in enumerate(cells):
        cell["id"] = f"cell-{number}"
    kernel = {"display_name": "Python 3", "language": "python", "name": "python3"}
    return {"cells": cells, "metadata": {"kernelspec": kernel}, "nbformat": 4, "nbformat_minor": 5}


def _markdown(text: str) -> dict:
    """A cell of text, without comments and without the picture that the notebook draws itself."""
    shown = re.sub(r"!\[.*?\]\(.*?\)\n|<!--.*?-->\n", "", text)
    return {"cell_type": "markdown", "metadata": {}, "source": shown.strip()}


def _code(language: str, text: str) -> list[dict]:
    """The cells of a block: Python as it is, an INI as a file, commands in the shell; none of the installation."""
    if "git clone" in text:
        return [_cell(SETUP)]
    if language == "python":
        return [_cell(text.strip())]
    if language == "ini":
        name = text.split()[1]  # after the semicolon of the first line
        return [_cell(f"%%writefile {name}\n{text.strip()}")]
    lines = [f"!{line.replace('python ', '{python} {clone}/')}" for line in text.strip().splitlines()]
    show = [f'from IPython.display import Image\n\nImage("figs/{FIGURE}.png")'] if "visualization.py" in text else []
    return [_cell("\n".join(lines)), *map(_cell, show)]


def _cell(source: str) -> dict:
    return {"cell_type": "code", "execution_count": None, "metadata": {}, "outputs": [], "source": source}


def execute(cells: dict, folder: Path) -> dict:
    """The notebook with its outputs, run in an empty folder."""
    import os

    import nbclient
    import nbformat

    book = nbformat.from_dict(cells)
    paths = os.pathsep.join([str(ROOT), os.environ.get("PYTHONPATH", "")])
    place = {"metadata": {"path": str(folder)}}
    client = nbclient.NotebookClient(book, timeout=1800, coalesce_streams=True, resources=place)
    client.execute(env=os.environ | {"PYTHONPATH": paths})
    return json.loads(nbformat.writes(book).replace(str(folder), ".").replace(str(ROOT), "randomnet"))


def main() -> None:
    """Make what the command line names, or all."""
    wanted = sys.argv[1:] or ["readme", "tutorial"]
    with tempfile.TemporaryDirectory() as folder:
        if "readme" in wanted:
            readme_picture(Path(folder))
        if "tutorial" in wanted:
            tutorial_picture(Path(folder))
            book = execute(notebook(), Path(folder))
            (DOCS / "tutorial.ipynb").write_text(json.dumps(book, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
