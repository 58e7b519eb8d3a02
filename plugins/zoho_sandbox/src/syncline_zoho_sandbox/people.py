"""People who do not exist, each drawn from a random generator that the seed decides.

Every usable address lies below example.com, example.org or example.net, which are reserved (RFC 2606) and yet pass a
strict check of addresses; `.test` and `.invalid` would not.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from random import Random

from syncline_zoho_sandbox.names import COMPANIES, CULTURES, FOREIGN_HOSTS, HOSTS, ODD_NAMES, Culture

ENDINGS = ("example.com", "example.org", "example.net")
MISSPELT = ("gnail.com", "gmial.com", "hotmial.com", "yaho.com", "outlok.com")
GROUPS = ("info", "careers", "support", "hr", "admin", "administrator", "service")


@dataclass(frozen=True, slots=True)
class Person:
    first_name: str
    last_name: str
    latin: str
    email: str
    phone: str
    company: str
    culture: Culture


def people(random: Random) -> Iterator[Person]:
    """An endless line of people; no address comes twice."""
    used: set[str] = set()
    while True:
        culture = random.choice(CULTURES)
        (first, first_latin), (last, last_latin) = random.choice(culture.first), random.choice(culture.last)
        email = _address(random, first_latin, last_latin)
        while email.casefold() in used:
            local, _, domain = email.partition("@")
            email = f"{local}{random.randrange(10, 100)}@{domain}"
        used.add(email.casefold())
        if random.random() < 0.02:
            first = random.choice(ODD_NAMES)
        if random.random() < 0.02:
            last = random.choice((*ODD_NAMES, ""))
        phone = f"{culture.dial}{random.randrange(10**8, 10**9)}" if random.random() < 0.85 else ""
        yield Person(first, last, f"{first_latin}.{last_latin}", email, phone, random.choice(COMPANIES), culture)


def _address(random: Random, first: str, last: str) -> str:
    shape = random.random()
    if shape < 0.55:
        local = f"{first}.{last}"
    elif shape < 0.75:
        local = f"{first[0]}{last}{random.randrange(100)}"
    elif shape < 0.85:
        local = f"{first}_{last}"
    elif shape < 0.93:
        local = f"{first}+webinar{random.randrange(1000)}"
    elif shape < 0.97:
        local = f"{random.randrange(10**6)}"
    else:
        local = random.choice((f"josé.{last}", f"{first}o'neill", f"用户{random.randrange(999)}", f"жанна.{last}"))
    if random.random() < 0.03:
        return f"{local}@{random.choice(FOREIGN_HOSTS)}.{random.choice(ENDINGS)}"
    host = random.choice(HOSTS)
    mail = random.choice(("", "", "mail.", "eu.", "corp.", "team."))
    return f"{local}@{mail}{host}.{random.choice(ENDINGS)}"


def invalid(random: Random, person: Person) -> str:
    """An address that nobody can have, or that is meant for another domain."""
    local = person.latin
    return random.choice(
        (
            f"{local}.example.com", f"{local}@localhost", f"{local}@initech", f"{local.replace('.', ' ')}@example.com",
            f"{local}@@example.com", f"{local}@example..com", f".{local}@example.com", "@example.com", f"{local}@",
            f"{local}@example.com, {local}@example.org", "n/a", f"{local}(at)example.com", f"{local}@exam ple.com",
            *(f"{local}@{domain}" for domain in MISSPELT),
            *(f"{local}{random.randrange(99)}@{domain}" for domain in MISSPELT),
        )
    )  # fmt: skip


def group(random: Random) -> str:
    """An address that belongs to a role, not to a person."""
    local = random.choice(GROUPS)
    return f"{local.upper() if random.random() < 0.1 else local}@{random.choice(HOSTS)}.{random.choice(ENDINGS)}"


def respelt(random: Random, email: str) -> str:
    """The same address in another spelling: letter case, spaces around it, the other form of a foreign domain."""
    local, _, domain = email.partition("@")
    spellings = [
        email.upper(),
        email.title(),
        f" {email}",
        f"{email}  ",
        email,
        f"{local}@{domain.upper()}",
        f"\t{email.title()}",
    ]
    if not domain.isascii():
        spellings = [f"{local}@{domain.encode('idna').decode()}", f" {email} "]
    return random.choice(
        [spelling for spelling in spellings if local.isascii() or spelling.strip() == email] or [email]
    )
