"""The rule against role and group addresses, and its list."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated

import msgspec
from syncline import KEY, Config, Rule

if TYPE_CHECKING:
    import polars as pl

ROLES_AS_OF = "2026-11-01"
"""When the list was last looked over."""
_ROLES = """
    abuse accounting accounts admin administration administrator administrators admins all billing board bookings
    careers compliance contact contacts contactus customercare customerservice customersupport do-not-reply donotreply
    editor editorial employment enquiries enquiry everyone feedback finance ftp group hello help helpdesk
    hostmaster hr humanresources info infos information inquiries inquiry invoice invoices it jobs legal list listserv
    mailer-daemon mailerdaemon majordomo management marketing media news newsletter
    newsletters no-reply no.reply no_reply noc noreply notifications office operations ops orders payments payroll
    postmaster pr press privacy purchasing recruiting recruitment returns root sales security
    service services shop spam staff subscribe support sysadmin team tech technical unsubscribe usenet uucp
    webadmin webmaster www
"""
ROLES = frozenset(_ROLES.split())
"""Local parts that name a role or a group: RFC 2142, the names in the product's own pages (info, administrator, admin,
careers, service, support, hr), and what mailing services commonly refuse."""


class GroupEmailConfig(Config, frozen=True, kw_only=True):
    """Changes to the list of role names."""

    add: Annotated[tuple[str, ...], msgspec.Meta(description="Further local parts to ignore, e.g. `reception`.")] = ()
    remove: Annotated[tuple[str, ...], msgspec.Meta(description="Local parts to let pass, e.g. `hello`.")] = ()


class GroupEmail(Rule[GroupEmailConfig]):
    """Ignores addresses of a role or a group (`info@`, `sales@`, `hr@`, …) rather than of a person.

    What follows a `+` in the local part does not count: mail to `info+fair@` arrives at `info@`.
    """

    name = "group_email"
    Config = GroupEmailConfig
    codes = {"group_email": "a role or group address, not a person's"}  # noqa: RUF012 - the face declares it a ClassVar

    def __init__(self, config: GroupEmailConfig) -> None:
        super().__init__(config)
        names = (ROLES | {name.lower() for name in config.add}) - {name.lower() for name in config.remove}
        self._pattern = rf"^({'|'.join(map(re.escape, sorted(names)))})(?:\+[^@]*)?@" if names else r"^\b$"

    def reasons(self, frame: pl.DataFrame) -> pl.Expr:
        """`group_email` for each address whose local part is in the list."""
        import polars as pl

        return pl.when(pl.col(KEY).str.contains(self._pattern)).then(pl.lit(self.name))

    def details(self, ignored: pl.DataFrame) -> Sequence[str | None]:
        """The local part that decided."""
        import polars as pl

        part = pl.col(KEY).str.extract(self._pattern, 1)
        return ignored.select(pl.format("{}@ is a role, not a person", part)).to_series().to_list()
