"""``subpixel models``: what is shipped."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from subpixel.cli.options import Json

if TYPE_CHECKING:
    from subpixel.models.files import Model


def models(as_json: Json = False) -> None:
    """List the models, their sizes and what they reached."""
    from subpixel.models.zoo import ZOO, find, resolve

    rows: list[dict[str, Any]] = []
    for entry in ZOO.values():
        for scale in entry.scales:
            model = find(entry.name, scale)
            rows.append(
                {
                    "name": entry.name,
                    "scale": scale,
                    "about": entry.about,
                    "auto": resolve("auto") == entry.name,
                    "colour": model.spec.colour,
                    "parameters": model.spec.parameters,
                    "macs_per_pixel": model.spec.macs_per_pixel,
                    "receptive_field": model.spec.receptive_field,
                    "figures": dict(model.figures),
                    "training": dict(model.training),
                    "licence": model.licence,
                }
            )
    if as_json:
        print(json.dumps(rows, indent=2, ensure_ascii=False))
        return
    for entry in ZOO.values():
        print(f"{entry.name}{'  (auto)' if resolve('auto') == entry.name else ''}: {entry.about}")
        for row in rows:
            if row["name"] == entry.name:
                figures = _figures(find(entry.name, row["scale"]))
                print(f"  ×{row['scale']}  {row['parameters']:>7} parameters  {figures}".rstrip())


def _figures(model: Model) -> str:
    reached = {name: one for name, one in model.reached().items() if "psnr_y" in one}
    if not model.spec.plain:
        reached = {name: one for name, one in model.reached_on_videos().items() if "psnr_y" in one}
    return "  ".join(f"{name} {one['psnr_y']:.2f} dB" for name, one in reached.items())
