"""Models as files of other projects: ONNX, OpenVINO, PyTorch, safetensors. ``subpixel export`` calls this.

>>> import tempfile
>>> from pathlib import Path
>>> with tempfile.TemporaryDirectory() as folder:
...     done = export_model("espcn", 3, Path(folder, "espcn.safetensors"))
...     [path.name for path in done.paths]
['espcn.safetensors', 'espcn.py']
"""

from subpixel.export.exporting import Exported, export_model
from subpixel.export.request import FORMATS

__all__ = ["FORMATS", "Exported", "export_model"]
