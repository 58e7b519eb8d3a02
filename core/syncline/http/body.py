"""The body of an answer, taken in piece by piece: never more of it than is allowed, however it was compressed."""

from __future__ import annotations

import zlib
from collections.abc import Iterable, Iterator
from io import BytesIO

from .faults import Fault

ENCODINGS = "gzip"
"""What a request asks for, and all that is read beside plain bodies."""
MOST_BYTES = 64 * 1024 * 1024
MOST_VALUES = 2_000_000
"""Commas and brackets of one answer: each may become a value, which takes up to a hundred times its byte in memory."""
PIECE = 256 * 1024
"""Bytes that are inflated at once: a byte may hold a thousand."""

MEND = "no page of the API is like this: check the hosts in connections.yaml"
TOO_LONG = Fault(f"the answer is longer than {MOST_BYTES // 2**20} MiB", mend=MEND, lasting=True)
TOO_FULL = Fault(f"the answer holds more than {MOST_VALUES:,} values", mend=MEND, lasting=True)
UNASKED = Fault("the answer is compressed in a way that was not asked for", mend=MEND, lasting=True)
BROKEN = Fault("the answer cannot be decompressed", why="it was damaged or cut")


class Unreadable(Exception):
    """The body is none that may be read, for the reason of its `fault`."""

    def __init__(self, fault: Fault) -> None:
        super().__init__(fault.what)
        self.fault = fault


def collected(parts: Iterable[bytes], encoding: str) -> bytes:
    """The whole body out of its parts as they came; `encoding` is its Content-Encoding. Raises `Unreadable`."""
    match encoding.strip().lower():
        case "" | "identity":
            plain = parts
        case "gzip" | "x-gzip":
            plain = _inflated(parts)
        case _:
            raise Unreadable(UNASKED)
    whole = BytesIO()
    for part in plain:
        if whole.tell() + len(part) > MOST_BYTES:
            raise Unreadable(TOO_LONG)
        whole.write(part)
    body = whole.getvalue()
    if len(body) > MOST_VALUES and sum(map(body.count, (b",", b"[", b"{"))) > MOST_VALUES:
        raise Unreadable(TOO_FULL)
    return body


def _inflated(parts: Iterable[bytes]) -> Iterator[bytes]:
    inflater = zlib.decompressobj(wbits=16 + zlib.MAX_WBITS)
    try:
        for part in parts:
            left = part
            while left and not inflater.eof:
                yield inflater.decompress(left, PIECE)
                left = inflater.unconsumed_tail
        yield inflater.flush()
    except zlib.error:
        raise Unreadable(BROKEN) from None
    if not inflater.eof:
        raise Unreadable(BROKEN)
