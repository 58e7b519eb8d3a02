"""What a person writes by hand for this one job: reading ahead, ten calls at once, nothing kept.

reference.py URL PAGE. No retries, no budgets, no ledger, no history.
"""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Awaitable, Callable
from typing import Any

import msgspec

NAMES = {
    "ID": "lead_id", "First_Name": "first_name", "Last_Name": "last_name", "Phone": "phone", "Company": "company",
    "Country": "country", "Added_Time": "added_at", "Modified_Time": "modified_at",
}  # fmt: skip
HEADERS = {"content-type": "application/json"}
Get = Callable[[str], Awaitable[bytes]]
Post = Callable[[bytes], Awaitable[None]]


def shaped(record: dict[str, Any]) -> dict[str, Any]:
    """A record as it is sent."""
    return {new: record[old] for old, new in NAMES.items()} | {"email": record["Email"].strip().lower()}


async def flow(url: str, size: int, get: Get, post: Post) -> None:
    """All leads from one end to the other."""
    queue: asyncio.Queue[bytes | None] = asyncio.Queue(20)

    async def worker() -> None:
        while (body := await queue.get()) is not None:
            await post(body)

    workers = [asyncio.create_task(worker()) for _ in range(10)]
    left: list[dict[str, Any]] = []
    page: asyncio.Future[bytes] | None = asyncio.ensure_future(get(f"{url}/leads?limit={size}"))
    while page is not None:
        found = msgspec.json.decode(await page)
        cursor = found["next_cursor"]
        page = asyncio.ensure_future(get(f"{url}/leads?limit={size}&cursor={cursor}")) if cursor else None
        await asyncio.sleep(0)
        left += map(shaped, found["data"])
        while len(left) >= 100 or (left and page is None):
            await queue.put(msgspec.json.encode(left[:100]))
            del left[:100]
    for _ in workers:
        await queue.put(None)
    await asyncio.gather(*workers)


async def by_httpx(url: str, size: int) -> None:
    """With an asynchronous httpx client."""
    import httpx

    async with httpx.AsyncClient(limits=httpx.Limits(max_connections=20), timeout=30) as client:

        async def get(target: str) -> bytes:
            return (await client.get(target)).content

        async def post(body: bytes) -> None:
            (await client.post(f"{url}/leads", content=body, headers=HEADERS)).raise_for_status()

        await flow(url, size, get, post)


if __name__ == "__main__":
    asyncio.run(by_httpx(sys.argv[1], int(sys.argv[2])))
