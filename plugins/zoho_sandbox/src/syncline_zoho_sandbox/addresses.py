"""What the destination thinks of an address: its own pattern, and its own list of group names.

Both are deliberately simpler than a careful client's: a client must not rely on the other side to find its faults.
"""

import re

PATTERN = re.compile(r"[^\s@,;<>()\"]+@(?:[^\W_](?:[\w-]*[^\W_])?\.)+[^\W\d_](?:[\w-]*[^\W_])", re.UNICODE)
GROUPS = frozenset(
    {
        "abuse", "admin", "administrator", "billing", "careers", "contact", "help", "hostmaster", "hr", "info",
        "jobs", "mailer-daemon", "marketing", "noreply", "no-reply", "office", "postmaster", "root", "sales",
        "security", "service", "spam", "support", "webmaster",
    }
)  # fmt: skip


def key(address: str) -> str:
    """What makes two spellings the same lead: surrounding space and letter case do not count."""
    return address.strip().casefold()


def valid(address: str) -> bool:
    """Whether the destination takes *address* for an e-mail address (else code 2004)."""
    local = address.partition("@")[0]
    return PATTERN.fullmatch(address) is not None and ".." not in address and not local.endswith(".")


def group(address: str) -> bool:
    """Whether *address* belongs to a role or group (code 2005)."""
    return address.partition("@")[0].casefold() in GROUPS
