"""What the commands print, on consoles of any encoding."""

import sys


def print_in_any_encoding() -> None:
    """Let stdout and stderr print `?` for a character that their encoding lacks, such as the τ of a Windows pipe."""
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="replace")


def printable(text: object) -> str:
    """Return a text with question marks for characters that could steer a terminal or turn its line around."""
    return "".join(character if character.isprintable() else "?" for character in str(text))


def one_line(text: object) -> str:
    """Return a text, as of an error, in one line that a terminal shows as it is."""
    return printable(" ".join(str(text).split()))


def duration_text(seconds: float) -> str:
    """Return a time for people, such as 45 s, 12 min, 3.2 h or 2.5 days."""
    for unit, size, limit in (("s", 1.0, 90.0), ("min", 60.0, 5400.0), ("h", 3600.0, 172800.0)):
        if seconds < limit:
            return f"{_rounded(seconds / size)} {unit}"
    return f"{_rounded(seconds / 86400.0)} days"


def _rounded(value: float) -> str:
    return f"{value:.0f}" if value >= 10 else f"{value:.1f}".removesuffix(".0")
