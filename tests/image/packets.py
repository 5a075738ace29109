"""An XMP packet and a provenance, for tests."""

from subpixel.image.files.provenance import Provenance

__all__ = ["EXIF", "PACKET", "PROVENANCE", "TIFF"]

TIFF, EXIF = "http://ns.adobe.com/tiff/1.0/", "http://ns.adobe.com/exif/1.0/"
PROVENANCE = Provenance("fast", "2.5", "0.1.0", "0123456789abcdef" * 4, "precision=int8 a<b&\"c\"='d'")

# As cameras and editors write it: attributes, elements, another program's structure, padding.
PACKET = f"""<?xpacket begin="\ufeff" id="W5M0MpCehiHzreSzNTczkc9d"?>
<x:xmpmeta xmlns:x="adobe:ns:meta/" x:xmptk="Some Editor 1.0">
 <rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">
  <rdf:Description rdf:about="uuid:1234"
    xmlns:tiff="{TIFF}" xmlns:e='{EXIF}' xmlns:dc="http://purl.org/dc/elements/1.1/"
    tiff:Orientation="6" tiff:Make="Ä &amp; Co">
   <e:PixelXDimension>36</e:PixelXDimension>
   <dc:creator><rdf:Seq><rdf:li>图片</rdf:li></rdf:Seq></dc:creator>
  </rdf:Description>
 </rdf:RDF>
</x:xmpmeta>{" " * 40}
<?xpacket end="w"?>""".encode()
