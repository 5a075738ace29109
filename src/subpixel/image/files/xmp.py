"""XMP packets edited in place: only what must change is changed; every other byte stays.

A packet is XML (ISO 16684-1). Not serialising it again is the safest way to keep other programs' extensions. Each edit
is checked by parsing its result. A packet that cannot be parsed is left alone.
"""

from __future__ import annotations

import re
from bisect import bisect_left
from collections.abc import Mapping
from xml.etree import ElementTree
from xml.sax.saxutils import quoteattr

__all__ = ["NAMESPACE", "add_properties", "change_properties", "read_properties", "remove_properties"]

# Namespace of the properties that this package writes: a name that is no address. XMP wants it to end in / or #.
NAMESPACE = "urn:subpixel:provenance:1#"

_RDF = "http://www.w3.org/1999/02/22-rdf-syntax-ns#"
# How packets in UTF-16 begin, and what their code is called; the first two say so by a mark of their own.
_UTF16 = {b"\xff\xfe": "utf-16", b"\xfe\xff": "utf-16", b"<\0": "utf-16-le", b"\0<": "utf-16-be"}

_MOST_ENDS = 8  # of RDF in a packet, which has one
# Elements inside of one another, and declarations of namespaces: a packet of more is no description of an image.
_MOST_NESTED, _MOST_NAMESPACES = 200, 1000
_MOST_PREFIXES = 16  # of one namespace
_EMPTY = (
    '<?xpacket begin="\ufeff" id="W5M0MpCehiHzreSzNTczkc9d"?>\n'
    f'<x:xmpmeta xmlns:x="adobe:ns:meta/">\n <rdf:RDF xmlns:rdf="{_RDF}">\n </rdf:RDF>\n</x:xmpmeta>\n'
    '<?xpacket end="w"?>'
)


def read_properties(packet: bytes, namespace: str = NAMESPACE) -> dict[str, str] | None:
    """Simple properties of a namespace, written as attributes or as elements; None if it is not XMP.

    >>> packet = add_properties(None, {"Model": "fast"})
    >>> read_properties(packet)
    {'Model': 'fast'}
    """
    root = _parse(_text(packet))
    if root is None:
        return None
    properties: dict[str, str] = {}
    start = f"{{{namespace}}}"
    for element in root.iter():
        if element.tag.startswith(start) and len(element) == 0:
            properties[element.tag.removeprefix(start)] = (element.text or "").strip()
        for name, value in element.attrib.items():
            if name.startswith(start):
                properties[name.removeprefix(start)] = value
    return properties


def add_properties(packet: bytes | None, values: Mapping[str, str], namespace: str = NAMESPACE) -> bytes | None:
    """A packet with new properties of a namespace in place of its old ones.

    Args:
        packet: the packet of a file; None for a new one.
        values: name and value of each property.
        namespace: of the properties.

    Returns:
        The packet, or None if the old one cannot be parsed or has no place for them.
    """
    if packet is None:
        text = _EMPTY
    elif (rest := remove_properties(packet, {namespace: ("*",)})) is not None:
        text = rest.decode("utf-8")
    else:
        return None
    ends = list(re.finditer(r"</([\w.-]+:)?RDF\s*>", text))
    if not ends:
        # A packet without properties: an RDF element is added at the end of its root.
        closing = text.rfind("</")
        if closing < 0:
            return None
        text = f'{text[:closing]}<rdf:RDF xmlns:rdf="{_RDF}"></rdf:RDF>{text[closing:]}'
        ends = list(re.finditer(r"</(rdf:)RDF\s*>", text))
    about = re.search(
        r"""[\s:]about\s*=\s*("[^"<]*"|'[^'<]*')""", text
    )  # all descriptions of a packet share this value
    written = " ".join(f"subpixel:{name}={quoteattr(value)}" for name, value in values.items())
    of = about[1] if about else '""'
    # The last end that is one: others may stand in comments and processing instructions.
    for found in reversed(ends[-_MOST_ENDS:]):
        end, prefix = found.start(), found[1] or ""
        description = f'<{prefix}Description {prefix}about={of} xmlns:subpixel="{namespace}" {written}/>\n '
        result = _check(text[:end] + description + text[end:])
        if result is not None and (read_properties(result, namespace) or {}).items() >= values.items():
            return result
    return None


def change_properties(packet: bytes, values: Mapping[str, Mapping[str, str]]) -> bytes | None:
    """A packet with new values for the properties that it has; the others are not added.

    Args:
        packet: the packet.
        values: for each namespace, names of simple properties and their new values.

    Returns:
        The packet, or None if it cannot be parsed.

    >>> packet = b'<d xmlns:tiff="http://ns.adobe.com/tiff/1.0/" tiff:Orientation="6"/>'
    >>> change_properties(packet, {"http://ns.adobe.com/tiff/1.0/": {"Orientation": "1"}})
    b'<d xmlns:tiff="http://ns.adobe.com/tiff/1.0/" tiff:Orientation="1"/>'
    """
    text = _text(packet)
    if text is None or _parse(text) is None:
        return None
    for namespace, changes in values.items():
        prefixes = _prefixes(text, namespace)
        if prefixes is None:
            return None
        for prefix in prefixes:
            for name, value in changes.items():
                known = re.escape(f"{prefix}:{name}")
                text = re.sub(rf"""(\s{known}\s*=\s*)("[^"<]*"|'[^'<]*')""", rf'\g<1>"{value}"', text)
                text = re.sub(rf"(<{known}(?:\s[^<>]*)?>)[^<]*(</{known}\s*>)", rf"\g<1>{value}\g<2>", text)
    return _check(text)


def remove_properties(packet: bytes, names: Mapping[str, tuple[str, ...]]) -> bytes | None:
    """A packet without some properties.

    Args:
        packet: the packet.
        names: for each namespace the names of properties; ``*`` for all, with the declaration of the namespace.

    Returns:
        The packet, or None if it cannot be parsed.
    """
    text = _text(packet)
    if text is None or _parse(text) is None:
        return None
    for namespace, part in names.items():
        prefixes = _prefixes(text, namespace)
        if prefixes is None:
            return None
        for prefix in prefixes:
            for name in part:
                known = re.escape(prefix) + ":" + (r"[\w.-]+" if name == "*" else re.escape(name))
                text = re.sub(rf"""\s{known}\s*=\s*("[^"<]*"|'[^'<]*')""", "", text)
                text = _without_elements(text, known)
            # A description that had no other property is empty now.
            declared = rf"xmlns:{re.escape(prefix)}\s*=\s*(?P<quote>[\"']){re.escape(namespace)}(?P=quote)"
            empty = rf"<([\w.-]+:)?Description\s+(?:[\w.-]+:)?about\s*=\s*[\"'][^\"'<]*[\"']\s+{declared}\s*/>\s*"
            text = re.sub(empty, "", text)
            if "*" in part and not re.search(rf"[<\s/]{re.escape(prefix)}:", text):
                text = re.sub(rf"(?<!\s)\s+{declared}", "", text)
    return _check(text)


def _without_elements(text: str, known: str) -> str:
    """A text without elements whose names fit a pattern, and without the white space behind them.

    In one pass: text that only looks like an element (CDATA) may begin any number of them and end none.
    """
    ends: dict[str, list[tuple[int, int]]] = {}
    for each in re.finditer(rf"</({known})\s*>", text):
        ends.setdefault(each[1], []).append(each.span())
    parts, at = [], 0
    for each in re.finditer(rf"<({known})(?:\s[^<>]*)?>", text):
        end = each.end()
        if each.start() < at:
            continue
        if not each[0].endswith("/>"):
            there = ends.get(each[1], [])
            place = bisect_left(there, (end, 0))
            if place == len(there):
                continue
            end = there[place][1]
        parts.append(text[at : each.start()])
        while end < len(text) and text[end].isspace():
            end += 1
        at = end
    return "".join([*parts, text[at:]])


def _prefixes(text: str, namespace: str) -> list[str] | None:
    """The prefixes that stand for a namespace; None for more than there can be in earnest."""
    found = sorted(set(re.findall(rf"""xmlns:([\w.-]+)\s*=\s*["']{re.escape(namespace)}["']""", text)))
    return found if len(found) <= _MOST_PREFIXES else None


def _text(packet: bytes) -> str | None:
    """The text of a packet in UTF-8, as in nearly all files, or in UTF-16."""
    code = next((code for mark, code in _UTF16.items() if packet.startswith(mark)), "utf-8")
    try:
        text = packet.decode(code)
    except UnicodeDecodeError:
        return None
    return (
        text if code == "utf-8" else re.sub(r"^(<\?xml\b[^>]*?)(?<!\s)\s+encoding\s*=\s*([\"'])[^\"']*\2", r"\1", text)
    )


def _parse(text: str | None) -> ElementTree.Element | None:
    # XMP declares no entities. XML that does could grow without end when it is parsed.
    if text is None or "<!DOCTYPE" in text or "<!ENTITY" in text or text.count("xmlns:") > _MOST_NAMESPACES:
        return None
    try:
        root = ElementTree.fromstring(text.strip("\0\ufeff \t\r\n").encode("utf-8"))
    except (ElementTree.ParseError, ValueError):
        return None
    return root if _is_flat(root) else None


def _is_flat(root: ElementTree.Element) -> bool:
    """Whether elements are not nested deeper than in earnest."""
    level = [root]
    for _ in range(_MOST_NESTED):
        level = [child for element in level for child in element]
        if not level:
            return True
    return False


def _check(text: str) -> bytes | None:
    return None if _parse(text) is None else text.encode("utf-8")
