"""A place in which one round is played: a folder, a ledger, a source and a target, and everything that can be seen."""

from __future__ import annotations

import contextlib
import json
import os
import sqlite3
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import psycopg
import yaml
from shelf import load, store
from soak_child import Child
from soak_people import Person, Plan
from syncline_zoho_sandbox import Sandbox
from workshop import Own

SPEC = "soak.yaml"
PRIVATE, PUBLIC = "Webinar leads", "Newsletter"
SUBSCRIBE = "marketinghub.listsubscribe"
LOOK = (("history", "soak", "--limit", "100", "--json"), ("leads", "last", "--json"))
LEFT_BEHIND = {
    "payloads": "SELECT count(*) FROM batches WHERE payload IS NOT NULL OR open",
    "deliveries": "SELECT count(*) FROM deliveries",
    "leases": "SELECT count(*) FROM leases",
    "running runs": "SELECT count(*) FROM runs WHERE status = 'running'",
}
"""What must be empty when a run has ended."""


class World:
    """`begin` sets the first day up, `day` the others; `run` starts the command in a process that may be killed."""

    def __init__(self, folder: Path, ledger: str, plan: Plan, own: Own, box: Sandbox | None) -> None:
        folder.mkdir(parents=True)
        self.folder, self.ledger, self.plan, self._own = folder, ledger, plan, own
        self.ends: Ends = Hub(folder, plan, box) if plan.hub and box else Table(folder, plan)
        self.environment = {
            "PATH": os.environ["PATH"],
            "HOME": str(folder),
            "XDG_CACHE_HOME": str(folder / "cache"),
            "SYNCLINE_LEDGER": ledger,
            "NO_COLOR": "1",
            "POLARS_MAX_THREADS": "1",  # rounds go side by side, and frames of ten rows are not worth more
        }
        self.ends.write_spec()

    def start(self, *lines: Sequence[str], **options: Any) -> Child:
        """Command lines in a process of its own."""
        return Child(self.folder, self.environment, lines or (("run", SPEC, "--json"),), self._own, **options)

    def look(self) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
        """All runs, newest first, and the leads of the newest, in order."""
        runs, leads = self.start(*LOOK).end()
        if leads.code == 2 and "there is no run" in leads.out:
            return [], []
        assert leads.code == 0, f"a look failed: {runs} {leads}"
        return json.loads(runs.out)["runs"], [json.loads(line) for line in leads.out.splitlines()]

    def history(self) -> list[dict[str, Any]]:
        """The runs, newest first; none before the first one started."""
        return self.look()[0]

    def leads(self, run: str) -> list[dict[str, Any]]:
        """The leads of a run, in order."""
        (said,) = self.start(("leads", run, "--json")).end()
        assert said.code == 0, said
        return [json.loads(line) for line in said.out.splitlines()]

    def rows(self, query: str) -> list[tuple[Any, ...]]:
        """What the ledger's tables hold, past all of the program; nothing is written."""
        if self.ledger.startswith("sqlite"):
            path = Path(self.ledger.removeprefix("sqlite:///"))
            if not path.exists():
                return []
            with contextlib.closing(sqlite3.connect(f"file:{path}?mode=ro", uri=True)) as connection:
                return connection.execute(query).fetchall()
        with psycopg.connect(self.ledger) as connection:
            return connection.execute(query).fetchall()

    def left_behind(self) -> dict[str, int]:
        """What an ended run must not leave."""
        counted = {name: self.rows(query)[0][0] for name, query in LEFT_BEHIND.items()}
        return {name: n for name, n in counted.items() if n}

    def members(self) -> dict[str, tuple[Any, ...]]:
        """Whom the sync delivered: key → what the ledger knows of them."""
        names = 'key, source_id, fingerprint, "values", awaiting, removed'
        return {
            row[0]: (*row[1:4], bool(row[4]), bool(row[5])) for row in self.rows(f"SELECT {names} FROM members")
        }  # fixed names

    def letters(self) -> Counter[tuple[str, str]]:
        """Open dead letters: (address, code)."""
        return Counter(self.rows("SELECT key, code FROM dead_letters WHERE settled_by IS NULL"))

    def in_flight(self, run: str) -> set[int]:
        """The rows that may have gone out and have no answer on record; one mark may stand for a whole batch."""
        first = "(SELECT coalesce(max(p.end_row), 0) FROM batches p WHERE p.run_id = b.run_id AND p.seq < b.seq)"
        query = (
            f"SELECT d.row, {first}, b.end_row FROM deliveries d"
            f" JOIN batches b ON b.run_id = d.run_id AND b.seq = d.seq WHERE NOT d.answered AND d.run_id = '{run}'"
        )
        try:
            marks = self.rows(query)
        except (sqlite3.OperationalError, psycopg.errors.UndefinedTable):  # it died before the tables were made
            return set()
        return {each for row, start, end in marks for each in (range(start, end) if row == WHOLE else [row])}


WHOLE = -1
"""A mark for all rows of a batch (`open_batch.ALL_ROWS`)."""


class Ends:
    """The source and the target of a round."""

    source: dict[str, Any]
    sink: dict[str, Any]
    mapping: dict[str, str]

    def __init__(self, folder: Path, plan: Plan) -> None:
        self.folder, self.plan = folder, plan

    def write_spec(self) -> None:
        """The spec, and whatever goes with it."""
        spec = {
            "version": 1, "name": "soak", "source": self.source, "retrieve": "all", "mapping": self.mapping,
            "ignore": ["defaults"], "sink": self.sink,
        }  # fmt: skip
        (self.folder / SPEC).write_text(yaml.safe_dump(spec, sort_keys=False))

    def begin(self, *, faults: bool) -> None:
        """The target before the first day; with `faults` some calls get no answer."""
        raise NotImplementedError

    def day(self, number: int) -> None:
        """What the source holds on this day."""
        raise NotImplementedError

    def people(self) -> dict[str, Any]:
        """Who is in the target: address → status and fields."""
        raise NotImplementedError

    def calls(self) -> Counter[str]:
        """Calls that subscribed an address, carried out or not."""
        raise NotImplementedError

    def mails(self) -> Counter[tuple[str, str]]:
        """What the target told people: (kind, address)."""
        return Counter()


class Table(Ends):
    """A table and a shelf: files. What a process had carried out when it was killed stays."""

    def __init__(self, folder: Path, plan: Plan) -> None:
        super().__init__(folder, plan)
        self._shelf = folder / "shelf.json"
        self.source = {"type": "table", "file": str(folder / "table.json"), "page": plan.page}
        self.sink = {
            "type": "shelf", "file": str(self._shelf), "public": plan.public, "batch": plan.batch, "delay": 0.002,
            "on_delete": plan.on_delete, "on_duplicate": "skip" if plan.public else "update",
        }  # fmt: skip
        self.mapping = {"Email": "Email", "Name": "Name", "Company": "Company", "Mood": "Mood"}

    def begin(self, *, faults: bool) -> None:
        moods = {who: f"{kind} 1" for who, kind in self.plan.lost.items()} if faults else {}
        moods |= dict.fromkeys(self.plan.refused, "refuse")
        people = {who: {"status": status, "subscribed": 0} for who, status in self.plan.held.items()}
        store(self._shelf, load(self._shelf) | {"people": people, "moods": moods})

    def day(self, number: int) -> None:
        records = [
            {"ID": str(each.number), "Email": each.email, "Name": each.first, "Company": each.company, "Mood": None}
            for each in self.plan.days[number]
        ]
        (self.folder / "table.json").write_text(json.dumps(records))

    def people(self) -> dict[str, Any]:
        return {who: (each["status"], each.get("fields")) for who, each in load(self._shelf)["people"].items()}

    def calls(self) -> Counter[str]:
        return Counter(load(self._shelf)["tries"])


class Hub(Ends):
    """The sandbox: Creator and MarketingHub over HTTP, in a process that outlives ours."""

    def __init__(self, folder: Path, plan: Plan, box: Sandbox) -> None:
        super().__init__(folder, plan)
        self._box = box
        self._list = PUBLIC if plan.public else PRIVATE
        self._ids: dict[int, str] = {}
        self.source = {
            "type": "creator", "connection": "zoho", "owner": "zylker", "application": "events",
            "report": "all_signups", "lookback": "unlimited",
        }  # fmt: skip
        self.sink = {
            "type": "marketinghub", "connection": "zoho", "list": self._list, "on_delete": plan.on_delete
        }  # fmt: skip
        self.mapping = {"Lead Email": "Email", "First Name": "Name.first_name", "Company": "Company"}

    def write_spec(self) -> None:
        super().write_spec()
        (self.folder / "secret.txt").write_text(self._box.client_secret)
        (self.folder / "token.txt").write_text(self._box.refresh_token)
        zoho = {
            "type": "zoho", "data_center": "in", "client_id": self._box.client_id,
            "client_secret": "${file:secret.txt}", "refresh_token": "${file:token.txt}",
            "hosts": {name: url for name, url in self._box.hosts.items() if name != "recruit"},
            "budget": {"calls": 100_000, "window": "5m"},
        }  # fmt: skip
        (self.folder / "connections.yaml").write_text(yaml.safe_dump({"connections": {"zoho": zoho}}))

    def begin(self, *, faults: bool) -> None:
        self._box.reset()
        self._box.settings(token_limit=1000)
        for who, status in self.plan.held.items():
            action = {"active": "activate", "unsub": "unsubscribe", "bounce": "bounce"}[status]
            self._box.change_lead(action, who, self._list)
        for who, code in self.plan.refused.items():
            self._box.change_lead("refuse", who, code=code)
        script: list[dict[str, Any]] = [  # it never fires: it counts
            {"kind": "delay", "endpoint": SUBSCRIBE, "containing": f'"{who}"', "probability": 0.0}
            for who in self._written()
        ]
        if faults:
            kinds = {"lost": "commit_then_drop", "vanish": "refuse"}
            script += [
                {"kind": kinds[kind], "endpoint": SUBSCRIBE, "containing": f'"{who}"', "count": 1}
                for who, kind in self.plan.lost.items()
            ]
            slow = {"kind": "delay", "endpoint": SUBSCRIBE, "seconds": 0.05, "commit": True, "count": 1}
            script += [slow | {"containing": f'"{who}"'} for who in self.plan.slow]
        self._box.ask("POST", "faults", {"faults": script})

    def _written(self) -> list[str]:
        return sorted({each.email for day in self.plan.days for each in day if each.email.startswith("q")})

    def day(self, number: int) -> None:
        today = {each.number: each for each in self.plan.days[number]}
        gone = [record for who, record in self._ids.items() if who not in today]
        fresh = [each for each in today.values() if each.number not in self._ids]
        known = [each for each in today.values() if each.number in self._ids]
        if gone:
            self._box.delete_records(*gone)
        if known:
            self._box.update_records(*({"ID": self._ids[each.number]} | _record(each) for each in known))
        made = self._box.insert_records(*map(_record, fresh))
        self._ids = {who: record for who, record in self._ids.items() if who in today}
        self._ids |= {each.number: record for each, record in zip(fresh, made, strict=True)}

    def people(self) -> dict[str, Any]:
        return {lead.email: (lead.status, dict(lead.fields)) for lead in self._box.leads(self._list)}

    def calls(self) -> Counter[str]:
        counted = Counter[str]()
        for each in self._box.faults():
            if each["probability"] == 0.0:
                counted[each["containing"].strip('"').lower()] += each["seen"]
        return +counted

    def mails(self) -> Counter[tuple[str, str]]:
        return Counter((mail.kind, mail.email) for mail in self._box.outbox())


def _record(person: Person) -> dict[str, Any]:
    name = {"prefix": "", "first_name": person.first, "last_name": "", "suffix": "", "zc_display_value": person.first}
    return {"Name": name, "Email": person.email, "Company": person.company}
