"""Where the values of an XMP packet lie, so that they can be changed in place.

A property is written as an attribute or as an element; a structure as elements below one, or as attributes of one
(ISO 16684-1, 7.9). Both look the same here.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from xml.parsers import expat

__all__ = ["Node", "Value", "apply_edits", "read_nodes"]

RDF = "http://www.w3.org/1999/02/22-rdf-syntax-ns#"
_START_TAG = re.compile(rb"<[^\s/>]+(?:\s+[^\s=]+\s*=\s*(?:\"[^\"]*\"|'[^']*'))*\s*/?>")
_ATTRIBUTE = re.compile(rb"\s([^\s=]+)\s*=\s*(?:\"([^\"]*)\"|'([^']*)')")
# Namespace and name.
Name = tuple[str, str]
Edit = tuple[int, int, bytes]


@dataclass(frozen=True)
class Value:
    """A text in a packet, and its place in bytes."""

    text: str
    start: int
    end: int

    def to(self, text: str) -> Edit:
        """An edit that replaces it."""
        return self.start, self.end, text.encode()


@dataclass
class Node:
    """An element.

    Args:
        name: namespace and name.
        start: of the element in bytes.
        inner: where its content begins.
        attributes: by namespace and name.
        children: elements below it.
        parent: the element above it.
        end: of the element.
        text: its content, if it has no elements.
    """

    name: Name
    start: int
    inner: int
    attributes: dict[Name, Value]
    parent: Node | None
    children: list[Node] = field(default_factory=list)
    end: int = 0
    text: Value | None = None

    def properties(self) -> dict[Name, Value]:
        """The simple properties of a structure: attributes, elements, and those of a description inside."""
        found = dict(self.attributes)
        for child in self.children:
            if child.name == (RDF, "Description"):
                found |= child.properties()
            elif child.text is not None:
                found[child.name] = child.text
        return found

    def items(self) -> list[Value] | None:
        """The texts of the list that it holds; None if it holds something else."""
        if len(self.children) != 1 or self.children[0].name not in ((RDF, "Seq"), (RDF, "Bag")):
            return None
        items = self.children[0].children
        texts = [item.text for item in items if item.text is not None]
        return texts if len(texts) == len(items) else None


def read_nodes(packet: bytes) -> Iterator[Node]:
    """All elements of a packet in UTF-8 that is known to be XML, each before those below it."""
    parser = expat.ParserCreate("utf-8")
    spaces: list[dict[str, str]] = [{}]
    nodes: list[Node] = []
    open_nodes: list[Node] = []

    def resolve(name: str, *, attribute: bool) -> Name:
        prefix, _, local = name.rpartition(":")
        return ("" if attribute and not prefix else spaces[-1].get(prefix, ""), local)

    def start(name: str, attributes: dict[str, str]) -> None:
        at = parser.CurrentByteIndex
        declared = {key.partition(":")[2]: value for key, value in attributes.items() if key.split(":")[0] == "xmlns"}
        spaces.append(spaces[-1] | declared if declared else spaces[-1])
        tag = _START_TAG.match(packet, at)
        end = tag.end() if tag else at
        values = {}
        for found in _ATTRIBUTE.finditer(packet, at, end):
            key, group = found[1].decode("utf-8"), 2 if found[2] is not None else 3
            values[resolve(key, attribute=True)] = Value(attributes.get(key, ""), found.start(group), found.end(group))
        parent = open_nodes[-1] if open_nodes else None
        node = Node(resolve(name, attribute=False), at, end, values, parent)
        if parent is not None:
            parent.children.append(node)
        nodes.append(node)
        open_nodes.append(node)

    def finish(_: str) -> None:
        spaces.pop()
        node = open_nodes.pop()
        at = parser.CurrentByteIndex
        closing = packet.find(b">", at) + 1
        empty = packet[node.start : node.inner].endswith(b"/>")
        node.end = node.inner if empty else closing
        if not node.children and not empty:
            node.text = Value(packet[node.inner : at].decode("utf-8").strip(), node.inner, at)

    parser.StartElementHandler, parser.EndElementHandler = start, finish
    try:
        parser.Parse(packet, True)
    except expat.ExpatError:
        return iter(())
    return iter(nodes)


def apply_edits(packet: bytes, edits: list[Edit]) -> bytes:
    """A packet with texts replaced. Of edits that overlap, the outer one counts."""
    last = len(packet) + 1
    kept: list[Edit] = []
    for edit in sorted(edits, key=lambda edit: (edit[0], -edit[1])):
        if not kept or edit[0] >= kept[-1][1]:
            kept.append(edit)
    for begin, end, text in reversed(kept):
        if end <= last:
            packet = packet[:begin] + text + packet[end:]
            last = begin
    return packet
