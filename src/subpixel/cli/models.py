"""``subpixel models``: what is shipped."""

from __future__ import annotations

import json
from typing import Any

from subpixel.cli.options import Json


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
                print(f"  ×{row['scale']}  {row['parameters']:>7} parameters  {_figures(row['figures'])}")


def _figures(figures: dict[str, Any]) -> str:
    sets = figures.get("sets", {})
    return "  ".join(f"{name} {score['psnr_y']:.2f} dB" for name, score in sets.items())
