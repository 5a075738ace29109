"""Films: what they consist of, decoded, enlarged, encoded, and put together again with nothing lost."""

from __future__ import annotations

from subpixel.video.film import Film, probe

__all__ = ["Film", "probe"]
