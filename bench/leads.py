"""Seeded leads: leads.py COUNT FOLDER writes leads.ndjson and leads.csv, the same rows in both, always the same.

Of a hundred leads three have no address, three an invalid one, three a role's, five one that came before in other
letters or with spaces, and one an international one.
"""

from __future__ import annotations

import csv
import json
import random
import sys
from collections.abc import Iterator
from pathlib import Path

SEED = 20240501
FIRST = (
    "Anna Ben Carla David Eva Finn Greta Hugo Ida Jonas Karla Leo Mia Noah Olga Paul Quinn Rosa Sven Tina Uwe Vera Wim "
    "Xenia Yan Zoe José François Zoë Łukasz Søren Jürgen"
).split()
LAST = (
    "Smith Jones Garcia Müller Rossi Dubois Novak Kim Lee Wang Silva Santos Brown Wilson Moore Taylor Martin White "
    "Clark Lewis Walker Hall Young King Wright Hill Green Baker Adams Nelson"
).split()
FREE = "gmail.com yahoo.com hotmail.com outlook.com web.de gmx.net icloud.com proton.me orange.fr libero.it".split()
ENDINGS = "com net org io de fr co.uk it es nl".split()
COUNTRIES = "US GB DE FR IT ES NL SE NO PL BR JP KR IN CA AU".split()
FORMS = ["Inc.", "GmbH", "Ltd", "S.A.", "LLC", "& Sons, Inc.", 'Holding "NV"', "AB"]
ROLES = (
    "info admin sales support contact help office billing noreply no-reply postmaster webmaster abuse marketing hr "
    "jobs team hello service accounts"
).split()
DOMAINS = [
    "müller-gmbh.de", "bücher.de", "españa.es", "例子.cn", "日本語.jp", "пример.рф", "café-crème.fr", "øl-hus.no",
]  # fmt: skip
LOCALS = ["jürgen", "josé", "françois", "用户", "иван", "søren", "łukasz", "zoë"]
DIGITS = "0123456789abcdefghijklmnopqrstuvwxyz"
ASCII = str.maketrans("éçëŁłøüö", "eceLlouo")
POOL = 200_000


def leads(count: int, seed: int = SEED) -> Iterator[dict[str, str | None]]:
    """The records, in the form in which a source would give them."""
    chance = random.Random(seed)
    pool: list[str] = []
    for n in range(count):
        first, last = chance.choice(FIRST), chance.choice(LAST)
        address = _address(chance, n, first, last, pool)
        day, month, hour, minute, second = (
            chance.randrange(1, 29), chance.randrange(1, 13), chance.randrange(24), chance.randrange(60),
            chance.randrange(60),
        )  # fmt: skip
        year = chance.randrange(2019, 2025)
        phone = f"+{chance.randrange(1, 99)} {chance.randrange(100, 999)} {chance.randrange(1000000, 9999999)}"
        yield {
            "ID": f"{4000000000000000000 + n * 7}", "First_Name": first, "Last_Name": last, "Email": address,
            "Phone": phone, "Company": f"{chance.choice(LAST)} {chance.choice(FORMS)}",
            "Country": chance.choice(COUNTRIES),
            "Added_Time": f"{year}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}Z",
            "Modified_Time": f"{year + 1}-{month:02}-{day:02}T{minute % 24:02}:{second:02}:{minute:02}Z",
        }  # fmt: skip


def _address(chance: random.Random, n: int, first: str, last: str, pool: list[str]) -> str | None:
    if chance.random() < 0.4:
        domain = chance.choice(FREE)
    else:
        host = chance.choice(LAST).translate(ASCII).lower().replace("ü", "u")
        domain = f"{host}-{chance.randrange(50000)}.{chance.choice(ENDINGS)}"
    lot = chance.random()
    if lot < 0.03:
        return chance.choice(["", "", " ", None])
    if lot < 0.06:
        return chance.choice(_invalid(n))
    if lot < 0.09:
        host = f"{last.translate(ASCII).lower()}{_short(n)}"
        return f"{chance.choice(ROLES)}@{host}.{chance.choice(ENDINGS)}"
    if lot < 0.14 and pool:
        address = chance.choice(pool)
        return _variant(address, chance.randrange(6))
    if lot < 0.15:
        address = f"{chance.choice(LOCALS)}.{_short(n)}@{chance.choice(DOMAINS)}"
    else:
        sign = chance.choice([".", "_", "+", "-"])
        address = f"{first.translate(ASCII)}.{last.translate(ASCII)}{sign}{_short(n)}@{domain}"
        if chance.random() < 0.7:
            address = address.lower()
        if chance.random() < 0.05:
            address += " "
    if len(pool) < POOL:
        pool.append(address.strip())
    else:
        pool[chance.randrange(POOL)] = address.strip()
    return address


def _invalid(n: int) -> list[str]:
    k = _short(n)
    return [
        f"user{k}", f"user{k}@", f"@host{k}.com", f"a{k}@@host.com", f"a..{k}@host.com", f".a{k}@host.com",
        f"a{k}@host", f"a{k}@-host.com", f"a {k}@host.com", f"a{k}@ho_st.com", f"a{k}@host..com", f"a{k}(x)@host.com",
        f"a{k}@host.com,b@host.com", f"a{k}.@host.com", "n/a", "none",
    ]  # fmt: skip


def _variant(address: str, kind: int) -> str:
    upper = address.upper()
    return [upper, f" {address}", f"{address} ", address.title(), f"  {upper}\t", address.swapcase()][kind]


def _short(n: int) -> str:
    text = ""
    while True:
        n, rest = divmod(n, 36)
        text = DIGITS[rest] + text
        if not n:
            return text


def write(count: int, folder: Path) -> None:
    """Both files."""
    folder.mkdir(parents=True, exist_ok=True)
    with (
        (folder / "leads.ndjson").open("w", encoding="utf-8") as lines,
        (folder / "leads.csv").open("w", encoding="utf-8", newline="") as table,
    ):
        writer = None
        for record in leads(count):
            lines.write(json.dumps(record, ensure_ascii=False, separators=(",", ":")) + "\n")
            if writer is None:
                writer = csv.DictWriter(table, list(record))
                writer.writeheader()
            writer.writerow(record)


if __name__ == "__main__":
    write(int(sys.argv[1]), Path(sys.argv[2]))
