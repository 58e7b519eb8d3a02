"""Faults of the database in words that people can act on; never a statement, its values, or a connection string."""

from __future__ import annotations

import sqlalchemy as sa

from ..errors import Fatal

_FULL = "raise its max_connections, or let fewer processes use it: each takes ten at most"
_FAULTS = (  # the first sign that is found decides
    ("does not exist", "the ledger's database is not there", "create it, or check the URL"),
    ("not a database", "this file is not a ledger", "name another file, or restore this one from a backup"),
    ("malformed", "the ledger is damaged", "restore it from a backup"),
    ("disk is full", "the disk of the ledger is full", "make room and run again; nothing recorded is lost"),
    ("no space", "the disk of the ledger is full", "make room and run again; nothing recorded is lost"),
    ("read-only", "the ledger cannot be written", "check the permissions of the file and its folder"),
    ("readonly", "the ledger cannot be written", "check the permissions of the file and its folder"),
    ("unable to open", "the ledger cannot be opened", "check the path and its permissions"),
    ("disk i/o", "the ledger cannot be read or written", "check the disk"),
    ("is locked", "the ledger is locked by another program", "close what holds it and run again"),
    ("too many", "the ledger's server has no connection left", _FULL),
    ("connection slots", "the ledger's server has no connection left", _FULL),
    ("password", "the ledger's server refused the login", "check user and password in the URL"),
    ("connection", "the ledger's server cannot be reached", "check host, port and database in the URL"),
)
_STATES = {  # of PostgreSQL: https://www.postgresql.org/docs/current/errcodes-appendix.html
    "25P03": ("this process stood still in the middle of a step, which was taken back", "run again"),
    "40001": ("the ledger's server took a step back", "run again"),
    "40P01": ("the ledger's server took a step back", "run again"),
    "55P03": ("somebody else holds what is needed in the ledger for too long", "look what holds it, and run again"),
    "57P01": ("the ledger's server was stopped", "run again when it is back"),
}
_KEPT = "; nothing recorded is lost"


def fault_of(error: sa.exc.SQLAlchemyError, where: str) -> Fatal:
    """What happened at `where` (the masked URL), why, and what to do."""
    why = reason_of(error)
    if isinstance(error, sa.exc.TimeoutError):
        mend = "let fewer syncs run at once" + _KEPT
        return Fatal("all connections of this process to the ledger are in use", where=where, mend=mend)
    if known := _STATES.get(getattr(getattr(error, "orig", None), "sqlstate", None) or ""):
        return Fatal(known[0], where=where, why=why, mend=known[1] + _KEPT)
    for sign, what, mend in _FAULTS:
        if sign in why.lower():
            return Fatal(what, where=where, why=why, mend=mend)
    return Fatal("the ledger failed", where=where, why=why, mend="see `syncline doctor`")


def reason_of(error: sa.exc.SQLAlchemyError) -> str:
    """One line of the driver's own words: never the statement, its values, or the connection string."""
    cause = getattr(error, "orig", None)
    if cause is None:
        return type(error).__name__
    diagnosis = getattr(cause, "diag", None)
    words = getattr(diagnosis, "message_primary", None) or str(cause)
    return next(iter(words.splitlines()), type(cause).__name__)
