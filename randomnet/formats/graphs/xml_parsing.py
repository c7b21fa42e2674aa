"""Parsing of XML by events, without document types: no entity is expanded, and nothing outside the file is read."""

from collections.abc import Mapping
from typing import Any
from xml.parsers import expat

from randomnet.formats.files import FormatError, one_line
from randomnet.formats.tables.compression import DAMAGED, damaged
from randomnet.formats.tables.reading import Table


class _RootFound(Exception):
    """Ends parsing at the root of an XML file."""


def root_of(table: Table) -> str:
    """The name of the root element, without its namespace. Raises FormatError for damaged XML or a document type."""
    names: list[str] = []

    def start(name: str, attributes: Mapping[str, str]) -> None:
        names.append(local(name))
        raise _RootFound

    try:
        parse(table, "XML", StartElementHandler=start)
    except _RootFound:
        return names[0]
    return ""


def parse(table: Table, form: str, **handlers: Any) -> None:
    """Parse XML with these handlers. Raises FormatError, also for a document type, which may declare entities."""
    parser = expat.ParserCreate(namespace_separator=" ")
    parser.buffer_text = True

    def refuse(*_: Any) -> None:
        raise FormatError(f"{table}: expected {form} without a document type, got a DOCTYPE, which is refused")

    for name, handler in {**handlers, "StartDoctypeDeclHandler": refuse, "EntityDeclHandler": refuse}.items():
        setattr(parser, name, handler)
    try:
        with table.open() as file:
            parser.ParseFile(file)
    except (expat.ExpatError, LookupError) as error:  # an encoding that Python does not know
        raise FormatError(f"{table}: expected XML, got one that is not: {one_line(error)}") from None
    except DAMAGED as error:
        raise damaged(table, error) from None


def local(name: str) -> str:
    """The name of an element without its namespace."""
    return name.rsplit(" ", 1)[-1]
