"""Write the pages of docs/reference that follow from the program: options.md and templates.md.

    python docs/make_reference.py

A test compares both pages with what this script makes.
"""

import re
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
PAGES = ROOT / "docs" / "reference"

OPTIONS = """# Options of the INI

`python runrandomnet.py --help-config` prints the same on the command line: `--help-config nle` one option,
`--help-config lyapunov` one section, `--kind spectrum` what one kind of experiment reads. `docs/make_reference.py`
makes this page.

An option that the chosen kind does not read is an error. *Only where* names the condition under which it is read.
[The glossary](../glossary.md) explains the words.
"""

TEMPLATES = """# Templates

Each file in `config/` is a whole experiment that states only what differs from the defaults. Run one with
`python runrandomnet.py config/NAME.ini`, or copy it and edit the copy. `docs/make_reference.py` makes this page.
"""


def options_page() -> str:
    """The page of all options: a heading for each section and each option, with what --help-config says of it."""
    from randomnet.schema.config import SCHEMA
    from randomnet.settings.help import explain

    return "\n".join([OPTIONS, *(_section(explain(SCHEMA, section)) for section in SCHEMA.sections)])


def _section(text: str) -> str:
    """A section of the page from its lines in --help-config."""
    heading, *lines = text.rstrip().splitlines()
    name, _, says = heading.partition("  ")
    page = "\n".join([f"## {name}", "", _plain(says), "", *(entry for line in lines for entry in _entry(line))])
    return re.sub(r"\n{3,}", "\n\n", page) + "\n"


def _entry(line: str) -> list[str]:
    """The lines of the page for one line of --help-config, which indents options by 2, their texts by 6, lists by 8."""
    indent, text = len(line) - len(line.lstrip()), _plain(line.strip())
    if indent == 2 and text.startswith("read by"):
        return [f"*{text}*", ""]
    if indent == 2:
        key, _, names = text.partition(" ")
        return ["", f"### {key}", "", *([names, ""] if names else [])]
    if indent > 6 or re.match("allowed: |read by |not read by |only where ", text):
        return [f"- {part}" for part in text.split("; default: ")[:1]] + [
            f"- default: {part}" for part in text.split("; default: ")[1:]]  # fmt: skip
    return [text, ""]


def _plain(text: str) -> str:
    """The text outside backticks with signs that Markdown would read as its own marked as plain."""
    parts = text.split("`")
    return "`".join(part if number % 2 else re.sub(r"([*<|])", r"\\\1", part) for number, part in enumerate(parts))


def templates_page() -> str:
    """The page of all templates: name, kind of experiment, and the comment that each begins with."""
    paths = sorted((ROOT / "config").glob("*.ini"))
    return "\n".join([TEMPLATES, *(_template(path) for path in paths)])


def _template(path: Path) -> str:
    text = path.read_text(encoding="utf-8")
    comment = []
    for line in text.splitlines():
        if not line.startswith(";"):
            break
        comment.append(line[1:])
    kind = re.search(r"^kind = (\w+)", text, re.MULTILINE)
    says = _plain(" ".join(" ".join(comment).split()))
    return f"## {path.stem}\n\n*kind = {kind.group(1) if kind else 'train'}*\n\n{says}\n"


def main() -> None:
    """Write both pages."""
    sys.path.insert(0, str(ROOT))
    for name, page in (("options", options_page()), ("templates", templates_page())):
        (PAGES / f"{name}.md").write_text(page, encoding="utf-8")


if __name__ == "__main__":
    main()
