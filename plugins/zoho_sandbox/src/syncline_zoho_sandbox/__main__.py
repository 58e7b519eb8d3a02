"""`python -m syncline_zoho_sandbox serve`"""

import argparse
import json
import sys
from collections.abc import Sequence
from pathlib import Path

from syncline_zoho_sandbox.seed import Plan
from syncline_zoho_sandbox.server import Server, announce, end_with_parent


def main(arguments: Sequence[str] | None = None) -> None:
    """Parse the command line and serve."""
    parser = argparse.ArgumentParser(prog="python -m syncline_zoho_sandbox", description=__doc__)
    serve = parser.add_subparsers(required=True, metavar="serve").add_parser("serve", help="serve a local Zoho")
    serve.add_argument("--state", type=Path, default=Path(".zoho-sandbox"), help="directory of the state (%(default)s)")
    serve.add_argument("--port", type=int, default=0, help="0 picks a free one")
    serve.add_argument("--leads", type=int, default=5000, help="sign-ups to seed a new state with (%(default)s)")
    serve.add_argument("--seed", type=int, default=1, help="random seed of a new state (%(default)s)")
    serve.add_argument("--settings", type=json.loads, default={}, help='JSON, such as {"lead_calls": 500}')
    serve.add_argument("--announce-fd", type=int, help="write url and credentials as JSON to this file descriptor")
    serve.add_argument("--end-with-stdin", action="store_true", help="stop when standard input closes")
    chosen = parser.parse_args(arguments)
    server = Server(chosen.state, chosen.port, Plan(chosen.leads, chosen.seed), chosen.settings)
    if chosen.end_with_stdin:
        end_with_parent(server)
    if chosen.announce_fd is not None:
        announce(server, chosen.announce_fd)
    else:
        lines = [f"{name}: {value}\n" for name, value in server.credentials().items()]
        sys.stdout.write("".join(lines))
        sys.stdout.flush()
    server.work()


if __name__ == "__main__":
    main()
