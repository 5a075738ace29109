"""The report as files: one page of HTML that holds everything, and its charts."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from importlib import resources
from pathlib import Path
from typing import TYPE_CHECKING, Any

from subpixel import __version__
from subpixel.compare.claims import check_claims
from subpixel.compare.report.charts import write_charts
from subpixel.compare.report.comparison import comparison_context
from subpixel.compare.report.data_uris import file_uri, png_size, png_uri
from subpixel.compare.report.sections import MarkdownResults, blocks_of
from subpixel.compare.report.sheets import write_sheets
from subpixel.compare.results import Results
from subpixel.errors import InvalidArgument, MissingExtra
from subpixel.storage.whole_files import write_whole

if TYPE_CHECKING:
    from jinja2 import Environment

__all__ = ["PAGE", "write_report"]

PAGE = "report.html"
_SCRIPTS = ("table.js", "place.js", "crops.js")


def write_report(
    folder: str | Path,
    results: Results | None = None,
    *,
    decoder: MarkdownResults | None = None,
    spaces: MarkdownResults | None = None,
    figures: Sequence[Path] = (),
    captions: Mapping[str, tuple[str, str]] | None = None,
) -> Path:
    """Write ``report.html``, which needs no other file, and the charts and sheets as PNG files beside it.

    Args:
        folder: it is made if it does not exist; files of the same names are replaced.
        results: of :func:`subpixel.compare.run`.
        decoder: of the comparison of decoders.
        spaces: of the comparison of LR space and HR space.
        figures: PNG files that the page shows as well.
        captions: title and text of each figure, by the name of its file without suffix.

    Returns:
        The path of the page.

    Raises:
        InvalidArgument: there is nothing to report.
        MissingExtra: jinja2 or matplotlib is not installed.
        OSError: a file cannot be written.
    """
    if results is None and decoder is None and spaces is None:
        raise InvalidArgument("results: there is nothing to report; one of results, decoder and spaces is needed")
    environment = _environment()  # before any file is written
    target = Path(folder)
    target.mkdir(parents=True, exist_ok=True)
    charts = [] if results is None else write_charts(target, results)
    if results is not None and results.measured:
        write_sheets(target, results)
    claims = check_claims(results, decoder, spaces)
    context: dict[str, Any] = {
        "title": _title(results),
        "lead": _lead(results),
        "comparison": None if results is None else comparison_context(results),
        "charts": [
            _picture(f"chart-{chart.name}", path, chart.title, chart.about, png_uri(dark))
            for chart, path, dark in charts
        ],
        "figures": [
            _picture(f"figure-{number}", path, *(captions or {}).get(path.stem, (path.stem, "")))
            for number, path in enumerate(figures, 1)
        ],
        "claims": claims,
        "parts": [
            {
                "id": name,
                "title": title,
                "blocks": blocks_of(one.to_markdown()),
                "pictures": [
                    _picture(f"{name}-{number}", path, key.replace("-", " ").capitalize(), "")
                    for number, (key, path) in enumerate(one.pictures.items(), 1)
                ],
            }
            for name, title, one in (
                ("decoder", "The upsampler inside a decoder", decoder),
                ("spaces", "A network in LR space against one in HR space", spaces),
            )
            if one is not None
        ],
        "version": __version__,
        "style": _text("style.css", environment),
        "scripts": [_text(name, environment) for name in _SCRIPTS],
    }
    context["sections"] = _sections(context)
    return write_whole(target / PAGE, environment.get_template(PAGE).render(context))


def _title(results: Results | None) -> str:
    if results is None:
        return "Upsampling in trained networks"
    return f"{results.name}: upsamplers compared at ×{results.scale}"


def _lead(results: Results | None) -> str:
    if results is None:
        return ""
    protocol = results.protocol.get("small image")
    made = f"made small by {protocol}" if protocol else "upscaled as it is, without a reference"
    threads = f"{results.threads} thread{'s'[: results.threads > 1]}"
    return f"The image was {made}. {threads}, seed {results.seed}, subpixel {__version__}."


def _sections(context: dict[str, Any]) -> list[dict[str, str]]:
    """The links at the top."""
    listed = []
    if context["comparison"]:
        listed += [("overview", "Overview"), ("methods", "All methods"), ("crops", "Crops")]
    listed += [("charts", "Charts")] * bool(context["charts"])
    listed += [(part["id"], part["title"]) for part in context["parts"]]
    listed += [("figures", "Figures")] * bool(context["figures"])
    listed += [("claims", "Claims")] * bool(context["claims"])
    return [{"id": name, "title": title} for name, title in listed]


def _picture(anchor: str, path: Path, title: str, about: str, dark: str = "") -> dict[str, Any]:
    width, height = png_size(path)
    shown = {"uri": file_uri(path), "dark": dark, "width": width, "height": height}
    return {"id": anchor, "title": title, "about": about, **shown}


def _environment() -> Environment:
    try:
        from jinja2 import Environment, FunctionLoader, StrictUndefined
    except ImportError:
        raise MissingExtra("the HTML report needs jinja2: pip install 'subpixel[compare]'") from None
    return Environment(loader=FunctionLoader(_source), autoescape=True, undefined=StrictUndefined)


def _source(name: str) -> str:
    """A file of the page, which the package contains."""
    return resources.files("subpixel.compare.report").joinpath("page", name).read_text(encoding="utf-8")


def _text(name: str, environment: Environment) -> Any:
    """A style sheet or a script, as it is."""
    return environment.filters["safe"](_source(name))
