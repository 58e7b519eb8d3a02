"""The tables of the state file. One file holds everything a server process knows, so any number may serve it."""

VERSION = 1

TABLES = """
CREATE TABLE state (
    only INTEGER PRIMARY KEY CHECK (only = 1),
    version INTEGER NOT NULL,
    revision INTEGER NOT NULL,          -- moves when anything that processes keep in memory has changed
    clock_offset REAL NOT NULL,         -- seconds to add to the machine's clock
    settings TEXT NOT NULL,
    seed INTEGER NOT NULL,
    leads INTEGER NOT NULL,
    seeded_at REAL NOT NULL,
    client_id TEXT NOT NULL,
    client_secret TEXT NOT NULL,
    refresh_token TEXT NOT NULL,
    turn INTEGER NOT NULL               -- which spelling of "no records" comes next
);

CREATE TABLE refresh_tokens (token TEXT PRIMARY KEY, scopes TEXT NOT NULL, revoked INTEGER NOT NULL DEFAULT 0);
CREATE TABLE grant_codes (code TEXT PRIMARY KEY, scopes TEXT NOT NULL, expires_at REAL NOT NULL, used INTEGER NOT NULL);
CREATE TABLE access_tokens (
    number INTEGER PRIMARY KEY, token TEXT NOT NULL UNIQUE, refresh_token TEXT NOT NULL,
    issued_at REAL NOT NULL, expires_at REAL NOT NULL, dropped INTEGER NOT NULL DEFAULT 0
);
CREATE INDEX access_tokens_of ON access_tokens (refresh_token, number);

CREATE TABLE admitted (
    bucket TEXT NOT NULL, n INTEGER NOT NULL, at REAL NOT NULL, PRIMARY KEY (bucket, n)
) WITHOUT ROWID;
CREATE TABLE locks (bucket TEXT PRIMARY KEY, until REAL NOT NULL);
CREATE TABLE days (day TEXT PRIMARY KEY, calls INTEGER NOT NULL);
CREATE TABLE calls (
    id INTEGER PRIMARY KEY, at REAL NOT NULL, endpoint TEXT NOT NULL, method TEXT NOT NULL,
    status INTEGER NOT NULL, code TEXT NOT NULL, fault TEXT NOT NULL
);
CREATE TABLE faults (
    id INTEGER PRIMARY KEY, script TEXT NOT NULL, seen INTEGER NOT NULL DEFAULT 0, fired INTEGER NOT NULL DEFAULT 0
);

CREATE TABLE applications (
    id INTEGER PRIMARY KEY, owner TEXT NOT NULL, link_name TEXT NOT NULL, name TEXT NOT NULL,
    date_format TEXT NOT NULL, time_zone TEXT NOT NULL, created_at REAL NOT NULL, shared INTEGER NOT NULL
);
CREATE TABLE forms (
    id INTEGER PRIMARY KEY, application INTEGER NOT NULL, link_name TEXT NOT NULL, name TEXT NOT NULL,
    fields TEXT NOT NULL
);
CREATE TABLE reports (
    id INTEGER PRIMARY KEY, application INTEGER NOT NULL, form INTEGER NOT NULL, link_name TEXT NOT NULL,
    name TEXT NOT NULL, quick TEXT NOT NULL, detail TEXT NOT NULL
);
CREATE TABLE records (
    form INTEGER NOT NULL, id INTEGER NOT NULL, cells BLOB NOT NULL, PRIMARY KEY (form, id)
) WITHOUT ROWID;

CREATE TABLE lists (
    listkey TEXT PRIMARY KEY, number INTEGER NOT NULL, name TEXT NOT NULL, public INTEGER NOT NULL,
    created_at REAL NOT NULL, deleted INTEGER NOT NULL DEFAULT 0
);
CREATE TABLE leads (key TEXT PRIMARY KEY, number INTEGER NOT NULL UNIQUE, email TEXT NOT NULL, fields TEXT NOT NULL);
CREATE TABLE members (
    listkey TEXT NOT NULL, lead TEXT NOT NULL, status TEXT NOT NULL, serial INTEGER NOT NULL,
    added_at REAL NOT NULL, changed_at REAL NOT NULL, PRIMARY KEY (listkey, lead)
) WITHOUT ROWID;
CREATE INDEX members_by_status ON members (listkey, status, serial, added_at);
CREATE INDEX members_of_lead ON members (lead);
CREATE TABLE refusals (lead TEXT PRIMARY KEY, code TEXT NOT NULL);  -- 2006: the Do-Not-Mail registry
CREATE TABLE outbox (
    id INTEGER PRIMARY KEY, at REAL NOT NULL, kind TEXT NOT NULL, email TEXT NOT NULL, listkey TEXT NOT NULL
);
CREATE TABLE lead_fields (
    number INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE, label TEXT NOT NULL UNIQUE, kind TEXT NOT NULL,
    custom INTEGER NOT NULL, length INTEGER NOT NULL
);
CREATE TABLE tags (name TEXT PRIMARY KEY, number INTEGER NOT NULL);
CREATE TABLE tagged (tag TEXT NOT NULL, lead TEXT NOT NULL, PRIMARY KEY (tag, lead));
CREATE TABLE truth (id INTEGER PRIMARY KEY, kind TEXT NOT NULL, email TEXT NOT NULL, twin INTEGER);
"""
