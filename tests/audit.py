"""The audit of the dependencies: every package of constraints.txt against the advisories that are publicly known.

Exit: 0 nothing is known against any; 1 something is; 2 it cannot be said, since there is nobody to ask. `--offline`
asks nobody, says so, and ends with 0. An advisory that does no harm here stands in `ACCEPTED`, with the reason.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[1]
ACCEPTED: Mapping[str, str] = {}
"""The identifier of an advisory → why it does no harm here."""
KNOWN, UNKNOWN = 1, 2
NEEDS = """\
It needs HTTPS to the package index's own site, where the advisories are kept (--service osv asks another one); a mirror
of packages alone does not have them. Run it where that is reachable, or say `make check OFFLINE=1` to leave it out."""


def main(arguments: Sequence[str] | None = None) -> int:
    """See the module."""
    parser = argparse.ArgumentParser(description="Audit the dependencies.")
    parser.add_argument("--offline", action="store_true", help="ask nobody, and say so")
    parser.add_argument("--service", default="pypi", choices=["pypi", "osv"], help="whom to ask")
    given = parser.parse_args(arguments)
    if given.offline:
        print("audit: NOT DONE, as asked for (--offline): nothing is known of advisories against the dependencies")
        return 0
    return judged(*asked(given.service))


def asked(service: str) -> tuple[Sequence[Mapping[str, Any]], str]:
    """What is known of each package, and the last words of the auditor."""
    command = [sys.executable, "-m", "pip_audit", "-r", str(ROOT / "constraints.txt"), "--no-deps", "--disable-pip"]
    options = ["--format", "json", "--progress-spinner", "off", "--timeout", "20", "--vulnerability-service", service]
    ended = subprocess.run([*command, *options], capture_output=True, text=True)
    try:
        found: Sequence[Mapping[str, Any]] = json.loads(ended.stdout)["dependencies"]
    except (ValueError, KeyError):
        found = []
    return found, (ended.stderr.strip().splitlines() or ["it said nothing"])[-1]


def judged(found: Sequence[Mapping[str, Any]], words: str) -> int:
    """Say what was found; the exit code. A package that could not be looked up is never passed over in silence."""
    told = [
        f"  {each['name']} {each['version']}: {hit['id']}, mended in {', '.join(hit['fix_versions']) or 'none yet'}"
        for each in found
        for hit in each.get("vulns", ())
        if hit["id"] not in ACCEPTED
    ]
    unasked = [each["name"] for each in found if "skip_reason" in each]
    if told:
        print(f"audit: {len(told)} advisories against what is pinned in constraints.txt:", *sorted(told), sep="\n")
        return KNOWN
    if unasked or not found:
        why = found[0].get("skip_reason", words) if found else words
        print(f"audit: NOT DONE for {len(unasked) or 'all'} of {len(found) or 'all'} packages ({why})\n{NEEDS}")
        return UNKNOWN
    print(f"audit: nothing is known against any of {len(found)} packages")
    return 0


if __name__ == "__main__":
    sys.exit(main())
