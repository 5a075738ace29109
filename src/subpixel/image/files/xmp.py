"""XMP packets, edited where they lie: what must change is changed, every other byte stays as it was.

A packet is XML (ISO 16684-1), so other programs' extensions are kept best by not writing it anew. Each edit is checked
by parsing its result; a packet that cannot be parsed is left alone, and the caller says so.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from xml.etree import ElementTree
from xml.sax.saxutils import quoteattr

__all__ = ["NAMESPACE", "properties", "with_properties", "with_values", "without"]

# Of the properties that this package writes. A name, no address: XMP wants one that ends in / or #.
NAMESPACE = "urn:subpixel:provenance:1#"

_RDF = "http://www.w3.org/1999/02/22-rdf-syntax-ns#"
_EMPTY = (
    '<?xpacket begin="\ufeff" id="W5M0MpCehiHzreSzNTczkc9d"?>\n'
    f'<x:xmpmeta xmlns:x="adobe:ns:meta/">\n <rdf:RDF xmlns:rdf="{_RDF}">\n </rdf:RDF>\n</x:xmpmeta>\n'
    '<?xpacket end="w"?>'
)


def properties(packet: bytes, namespace: str = NAMESPACE) -> dict[str, str] | None:
    """Simple properties of a namespace, written as attributes or as elements; None for what is no XMP.

    >>> packet = with_properties(None, {"Model": "fast"})
    >>> properties(packet)
    {'Model': 'fast'}
    """
    root = _parsed(_text(packet))
    if root is None:
        return None
    found: dict[str, str] = {}
    start = f"{{{namespace}}}"
    for element in root.iter():
        if element.tag.startswith(start) and len(element) == 0:
            found[element.tag.removeprefix(start)] = (element.text or "").strip()
        for name, value in element.attrib.items():
            if name.startswith(start):
                found[name.removeprefix(start)] = value
    return found


def with_properties(packet: bytes | None, values: Mapping[str, str], namespace: str = NAMESPACE) -> bytes | None:
    """A packet with properties of a namespace, whose former properties go; everything else stays.

    Args:
        packet: the packet of a file; None for a new one.
        values: name and value of each property.
        namespace: theirs.

    Returns:
        The packet, or None if the one given cannot be parsed.
    """
    if packet is None:
        text = _EMPTY
    elif (rest := without(packet, {namespace: ("*",)})) is not None:
        text = rest.decode("utf-8")
    else:
        return None
    ends = list(re.finditer(r"</([\w.-]+:)?RDF\s*>", text))
    if not ends:
        # A packet without any property: room for them is made at the end of its root.
        closing = text.rfind("</")
        if closing < 0:
            return None
        text = f'{text[:closing]}<rdf:RDF xmlns:rdf="{_RDF}"></rdf:RDF>{text[closing:]}'
        ends = list(re.finditer(r"</(rdf:)RDF\s*>", text))
    end, prefix = ends[-1].start(), ends[-1][1] or ""
    about = re.search(r"""[\s:]about\s*=\s*("[^"<]*"|'[^'<]*')""", text)  # all descriptions of a packet share it
    written = " ".join(f"subpixel:{name}={quoteattr(value)}" for name, value in values.items())
    of = about[1] if about else '""'
    description = f'<{prefix}Description {prefix}about={of} xmlns:subpixel="{namespace}" {written}/>\n '
    return _checked(text[:end] + description + text[end:])


def with_values(packet: bytes, values: Mapping[str, Mapping[str, str]]) -> bytes | None:
    """A packet where properties that are there have other values; those that are not there are not added.

    Args:
        packet: the packet.
        values: for each namespace, names of simple properties and their new values.

    Returns:
        The packet, or None if it cannot be parsed.

    >>> packet = b'<d xmlns:tiff="http://ns.adobe.com/tiff/1.0/" tiff:Orientation="6"/>'
    >>> with_values(packet, {"http://ns.adobe.com/tiff/1.0/": {"Orientation": "1"}})
    b'<d xmlns:tiff="http://ns.adobe.com/tiff/1.0/" tiff:Orientation="1"/>'
    """
    text = _text(packet)
    if text is None or _parsed(text) is None:
        return None
    for namespace, changes in values.items():
        for prefix in _prefixes(text, namespace):
            for name, value in changes.items():
                known = re.escape(f"{prefix}:{name}")
                text = re.sub(rf"""(\s{known}\s*=\s*)("[^"<]*"|'[^'<]*')""", rf'\g<1>"{value}"', text)
                text = re.sub(rf"(<{known}(?:\s[^<>]*)?>)[^<]*(</{known}\s*>)", rf"\g<1>{value}\g<2>", text)
    return _checked(text)


def without(packet: bytes, names: Mapping[str, tuple[str, ...]]) -> bytes | None:
    """A packet without some properties, whatever they hold.

    Args:
        packet: the packet.
        names: for each namespace, which; ``*`` for all.

    Returns:
        The packet, or None if it cannot be parsed.
    """
    text = _text(packet)
    if text is None or _parsed(text) is None:
        return None
    for namespace, gone in names.items():
        for prefix in _prefixes(text, namespace):
            for name in gone:
                known = re.escape(prefix) + ":" + (r"[\w.-]+" if name == "*" else re.escape(name))
                text = re.sub(rf"""\s{known}\s*=\s*("[^"<]*"|'[^'<]*')""", "", text)
                text = re.sub(rf"<({known})(?:\s[^<>]*)?(?:/>|(?<!/)>.*?</\1\s*>)\s*", "", text, flags=re.DOTALL)
            # A description that held nothing else is empty now.
            declared = rf"xmlns:{re.escape(prefix)}\s*=\s*([\"']){re.escape(namespace)}\2"
            empty = rf"<([\w.-]+:)?Description\s+(?:[\w.-]+:)?about\s*=\s*[\"'][^\"'<]*[\"']\s+{declared}\s*/>\s*"
            text = re.sub(empty, "", text)
    return _checked(text)


def _prefixes(text: str, namespace: str) -> list[str]:
    return sorted(set(re.findall(rf"""xmlns:([\w.-]+)\s*=\s*["']{re.escape(namespace)}["']""", text)))


def _text(packet: bytes) -> str | None:
    """A packet in UTF-8, which is what files hold but for a few of UTF-16; those are left alone."""
    try:
        return packet.decode("utf-8")
    except UnicodeDecodeError:
        return None


def _parsed(text: str | None) -> ElementTree.Element | None:
    # A packet declares no entities: what does is no XMP, and could grow without end while it is parsed.
    if text is None or "<!DOCTYPE" in text or "<!ENTITY" in text:
        return None
    try:
        return ElementTree.fromstring(text.strip("\0\ufeff \t\r\n").encode("utf-8"))
    except (ElementTree.ParseError, ValueError):
        return None


def _checked(text: str) -> bytes | None:
    return None if _parsed(text) is None else text.encode("utf-8")
