"""Asks for known vulnerabilities of the versions in constraints.txt, and says what could not be asked.

python docs/audit.py PIP_AUDIT

pip-audit alone would say "No known vulnerabilities found" where the service is out of reach, for it skips what it
cannot find. This ends with 1 at a vulnerability and with 0 where none is known or nobody could be asked.
"""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

LIST = Path(__file__).parents[1] / "constraints.txt"
# Seconds for each answer of the service.
PATIENCE = 15


def report(answer: str, complaint: str) -> tuple[int, str]:
    """The exit code and what is printed.

    Args:
        answer: of pip-audit, as JSON; anything else means that it failed.
        complaint: what it wrote to its standard error.
    """
    try:
        packages: list[dict[str, Any]] = json.loads(answer)["dependencies"]
    except (ValueError, KeyError, TypeError):
        reason = (complaint.strip().splitlines() or ["it says nothing"])[-1]
        return 0, f"Nothing was audited: pip-audit could not ask its service ({reason})."
    skipped = [each["name"] for each in packages if "skip_reason" in each]
    asked = [each for each in packages if "skip_reason" not in each]
    lines = [
        f"{each['name']} {each['version']}: {hole['id']}, mended in {', '.join(hole['fix_versions']) or 'no version'}"
        for each in asked
        for hole in each["vulns"]
    ]
    if not asked:
        return 0, f"Nothing was audited: the service knows none of the {len(skipped)} packages, or is out of reach."
    lines.append(f"{len(asked)} packages were audited; {len(lines) or 'no'} vulnerabilities are known.")
    if skipped:
        lines.append(f"Not audited, since the service does not know them: {', '.join(skipped)}.")
    return int(any(each["vulns"] for each in asked)), "\n".join(lines)


def main() -> int:
    """The command; returns its exit code."""
    if len(sys.argv) != 2:
        raise SystemExit(__doc__)
    options = ["--requirement", str(LIST), "--no-deps", "--disable-pip", "--format", "json", "--timeout", str(PATIENCE)]
    done = subprocess.run([sys.argv[1], *options], capture_output=True, text=True, check=False)
    code, text = report(done.stdout, done.stderr)
    print(text)
    return code


if __name__ == "__main__":
    sys.exit(main())
