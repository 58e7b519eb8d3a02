"""An HTTP source of leads and an HTTP sink, with a latency of their own: the other side of `bench/http`.

server.py [--leads 100000] [--latency 0.05] [--side-by-side 10] prints the port that it listens on (127.0.0.1), and ends
when its standard input is closed.

GET /leads?limit=N&cursor=C  {"data": [...], "next_cursor": "C" | null}; cursors must be asked for in order, since each
                             names the next
POST /leads                  a JSON array of at most 100 leads; {"ok": n}
GET /stats                   what was counted since the last POST /reset, and the seconds from first to last call

Each answer takes `latency` seconds; the sink carries out so many calls at a time, and further ones wait for their turn.
Pages are encoded before the first request, so that the server takes little of the processor. Every lead that the sink
took is looked at once: `distinct` counts the IDs.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import sys
import time
from collections import Counter, deque
from collections.abc import Callable
from urllib.parse import parse_qs, urlsplit

MOST = 100
SIZES = (200, 1000)
ID = b'"lead_id":"'


def lead(n: int) -> dict[str, str]:
    """One lead of the source."""
    return {
        "ID": str(4000000000000000000 + n * 7),
        "First_Name": f"Anna {n % 997}",
        "Last_Name": f"Smith {n % 9973}",
        "Email": f" Anna.Smith.{n}@Mail-{n % 5000}.Example.COM",
        "Phone": f"+49 30 {n:07}",
        "Company": f"Lee {n % 101} Ltd",
        "Country": ("US", "GB", "DE", "FR")[n % 4],
        "Added_Time": "2026-03-04T05:06:07Z",
        "Modified_Time": "2026-04-05T06:07:08Z",
    }


def answer(body: bytes, status: bytes = b"200 OK") -> bytes:
    """A whole response."""
    head = b"HTTP/1.1 %s\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n"
    return head % (status, len(body)) + body


def pages(leads: int) -> dict[tuple[int, int], bytes]:
    """Every page of every size, as it goes on the wire, by size and cursor."""
    rows = [json.dumps(lead(n), separators=(",", ":")).encode() for n in range(leads)]
    made = {}
    for size in SIZES:
        for start in range(0, leads, size):
            following = b'"%d"' % (start + size) if start + size < leads else b"null"
            data = b",".join(rows[start : start + size])
            made[size, start] = answer(b'{"data":[' + data + b'],"next_cursor":' + following + b"}")
    return made


class Office:
    """What both ends share: the pages, the counts, and the turns of the sink."""

    def __init__(self, leads: int, latency: float, side_by_side: int) -> None:
        self.pages, self.latency, self.side_by_side = pages(leads), latency, side_by_side
        self.reset()

    def reset(self) -> None:
        """Count anew."""
        self.counts: Counter[str] = Counter()
        self.ids: set[bytes] = set()
        self.first = self.last = 0.0
        self.under_way = 0
        self.queue: deque[Callable[[], None]] = deque()

    def stats(self) -> dict[str, float]:
        """What happened since the last reset."""
        return {**self.counts, "distinct": len(self.ids), "span": self.last - self.first}

    def leads(self, size: int, cursor: int, say: Callable[[bytes], None]) -> None:
        """Answer with a page, after a while."""
        self.counts["reads"] += 1
        asyncio.get_running_loop().call_later(self.latency, say, self.pages[size, cursor])

    def take(self, body: bytes, say: Callable[[bytes], None]) -> None:
        """Take leads in, when it is their turn."""
        pieces = body.split(ID)[1:]
        if not 0 < len(pieces) <= MOST:
            self.counts["refused"] += 1
            say(answer(b'{"error":"1 to 100 leads"}', b"422 Unprocessable Entity"))
            return
        self.counts["posts"] += 1
        self.counts["leads"] += len(pieces)
        self.counts["small"] += len(pieces) < MOST
        self.ids.update(piece[: piece.index(b'"')] for piece in pieces)
        self.queue.append(lambda: say(answer(b'{"ok":%d}' % len(pieces))))
        self.counts["asked"] = max(self.counts["asked"], self.under_way + len(self.queue))
        self._start()

    def _start(self) -> None:
        while self.queue and self.under_way < self.side_by_side:
            self.under_way += 1
            self.counts["side_by_side"] = max(self.counts["side_by_side"], self.under_way)
            asyncio.get_running_loop().call_later(self.latency, self._end, self.queue.popleft())

    def _end(self, say: Callable[[], None]) -> None:
        self.under_way -= 1
        self.last = time.perf_counter()
        say()
        self._start()


class Caller(asyncio.Protocol):
    """One connection, which stays open."""

    transport: asyncio.Transport

    def __init__(self, office: Office) -> None:
        self.office, self.got = office, b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Somebody calls."""
        assert isinstance(transport, asyncio.Transport)
        self.transport = transport
        self.office.counts["connections"] += 1

    def data_received(self, data: bytes) -> None:
        """Cut what came into requests."""
        self.got += data
        while (end := self.got.find(b"\r\n\r\n")) >= 0:
            head = self.got[:end].lower()
            at = head.find(b"content-length:")
            length = int(head[at + 15 :].split(b"\r\n", 1)[0]) if at >= 0 else 0
            if len(self.got) < end + 4 + length:
                return
            line, body = self.got[:end].split(b"\r\n", 1)[0], self.got[end + 4 : end + 4 + length]
            self.got = self.got[end + 4 + length :]
            method, target, _ = line.decode().split(" ", 2)
            self.answer(method, target, body)

    def say(self, response: bytes) -> None:
        """Send a response."""
        if not self.transport.is_closing():
            self.transport.write(response)

    def answer(self, method: str, target: str, body: bytes) -> None:
        """Answer one request."""
        office, url = self.office, urlsplit(target)
        if url.path == "/leads":
            office.first = office.first or time.perf_counter()
            if method == "POST":
                office.take(body, self.say)
            else:
                asked = {name: values[0] for name, values in parse_qs(url.query).items()}
                office.leads(int(asked["limit"]), int(asked.get("cursor", "0")), self.say)
        elif url.path == "/reset":
            office.reset()
            self.say(answer(b"{}"))
        else:
            self.say(answer(json.dumps(office.stats()).encode()))


async def serve(office: Office) -> None:
    """Listen until nobody holds the other end of standard input any more."""
    loop = asyncio.get_running_loop()
    server = await loop.create_server(lambda: Caller(office), "127.0.0.1", 0, backlog=512)
    print(server.sockets[0].getsockname()[1], flush=True)
    await loop.run_in_executor(None, sys.stdin.read)
    server.close()


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("--leads", type=int, default=100_000)
    parser.add_argument("--latency", type=float, default=0.05)
    parser.add_argument("--side-by-side", type=int, default=10)
    given = parser.parse_args()
    asyncio.run(serve(Office(given.leads, given.latency, given.side_by_side)))
