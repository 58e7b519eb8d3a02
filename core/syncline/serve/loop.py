"""The run loop: what is due is claimed and carried out, side by side up to a limit, until somebody stops it."""

from __future__ import annotations

import logging
import threading
import time
from collections import deque
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextvars import copy_context
from datetime import datetime, timedelta
from itertools import islice, takewhile
from typing import NamedTuple

from .. import schedule as times
from ..errors import Fatal, SynclineError
from ..executor import Executor
from ..ledger import Firing, SyncRecord, iso, wait_after
from .agenda import Agenda
from .carrying import Carrier
from .definitions import Definitions
from .timetable import Timetable, timetable_of

log = logging.getLogger("syncline")
LOOK = timedelta(seconds=2)
"""How often changes of files and of syncs are looked for; less often where a look takes long, see `SHARE`."""
SHARE = 100
"""Looking takes up one part in so many of the time at most."""
RECLAIM = timedelta(seconds=5)
"""How often firings that somebody left behind are looked for."""
BEAT = 10.0
"""Seconds between signs of life of this process."""
MOST_PASSED_OVER = 60
"""Firings that one run stands for and that are put on record; after a long downtime the rest is told by its absence."""
ASLEEP = timedelta(seconds=60)
"""A loop that did not come round for so long was asleep, and what was due meanwhile was missed."""


class Zoneless(NamedTuple):
    """A sync whose zone has to be asked for: not before `until`, after so many failures."""

    name: str
    failures: int
    until: datetime


class Loop:
    """`run` returns when the executor's `stop` is set and the runs that were going have ended; at most `slots` of them
    go at once. Waits by the executor's clock; `wake` makes it look at once."""

    def __init__(self, executor: Executor, definitions: Definitions, *, slots: int) -> None:
        self.wake = threading.Event()
        self._executor, self._definitions, self._slots = executor, definitions, slots
        self._ledger, self._clock = executor.ledger, executor.clock
        self._carrier = Carrier(executor, definitions.bound)
        self._agenda = Agenda()
        self._tables: dict[int, Timetable] = {}
        self._zoneless: dict[int, Zoneless] = {}
        """Syncs whose zone has to be asked for."""
        self._ids: dict[str, int] = {}
        self._running: set[int] = set()
        self._ended: deque[tuple[int, str]] = deque()
        self._loose: deque[Firing] = deque()
        """Firings that are still claimed though nobody carries them out: the ledger could not be reached."""
        self._held: set[str] = set()
        """Names that are served as the ledger knows them, to be looked up there."""
        self._troubles: set[str] = set()
        """What was said of a ledger that is out of reach; each trouble is told once."""
        self._stamp = -1
        self._node = ""
        self._settled, self._more = False, True
        self._awake = self._round = self._clock()
        self._next_look = self._next_reclaim = datetime.min.replace(tzinfo=self._round.tzinfo)

    # ------------------------------------------------------------------------------------------ for those who ask

    @property
    def ready(self) -> bool:
        """Whether all specs were read and planned once."""
        return self._settled

    @property
    def silent(self) -> float:
        """Seconds since the loop last came round; it does so every few seconds."""
        return (self._clock() - self._round).total_seconds()

    # ------------------------------------------------------------------------------------------------- the loop

    def run(self) -> None:
        """Serve until stopped."""
        stop = self._executor.stop
        self._node = self._ledger.join()
        self._awake = self._round = self._clock()
        over = threading.Event()
        beats = threading.Thread(target=self._beat, args=(over,), name="beats", daemon=True)
        beats.start()
        pool = ThreadPoolExecutor(self._slots, thread_name_prefix="run")
        try:
            while not stop.is_set():
                self._clock.wait(self.wake, self._come_round(pool))
                self.wake.clear()
        finally:
            stop.set()
            pool.shutdown()
            over.set()
            beats.join()
            self._leave()

    def _leave(self) -> None:
        try:
            self._ledger.leave(self._node)
        except Fatal as error:  # the others see by themselves that this process is gone
            log.warning("the ledger was not told of the end of this process: %s", error)

    def _come_round(self, pool: ThreadPoolExecutor) -> float:
        """Do all that is to be done now; how many seconds until it is worth coming round again."""
        now = self._clock()
        if now - self._round > ASLEEP:
            self._awake = now
        self._round = now
        try:
            self._tidy(now)
            if self._more or now >= self._next_look:
                self._more = self._look(now)
            if now >= self._next_reclaim:
                self._reclaim(now)
            self._start(now, pool)
        except Fatal as error:  # the ledger cannot be reached: everything waits, and nothing is lost
            if str(error) not in self._troubles:
                log.error("everything waits for the ledger: %s", error)
            self._troubles.add(str(error))
            return LOOK.total_seconds()
        if self._troubles:
            log.info("the ledger can be reached again")
            self._troubles.clear()
        if self._more:
            return 0.0
        moments = [self._next_look, self._next_reclaim]
        if self._agenda.next is not None and len(self._running) < self._slots:
            moments.append(self._agenda.next)
        return (min(moments) - self._clock()).total_seconds()

    def _tidy(self, now: datetime) -> None:
        """Take note of the runs that ended."""
        while self._loose:
            self._ledger.release(self._loose[0])
            self._loose.popleft()
        while self._ended:
            sync_id, name = self._ended[0]
            sync = self._ledger.sync(name)
            self._ended.popleft()
            self._running.discard(sync_id)
            if sync is not None:
                self._plan(sync, now)

    def _look(self, now: datetime) -> bool:
        """Take in what changed in the files and in the ledger, whoever changed it."""
        began = time.thread_time()
        step = self._definitions.step()
        for name in step.left:
            self._forget(self._ids.pop(name, -1))
        if step.reconnected:
            resting = [table.id for table in self._tables.values() if table.retry_at is not None]
            log.info("the connections were edited: what rests after a failure is tried at once (%d)", len(resting))
            self._ledger.end_rest(resting)
        for sync in step.adopted:
            self._plan(sync, now)
        self._held |= set(step.held)
        if self._held:
            for sync in self._ledger.syncs(sorted(self._held)):
                self._plan(sync, now)
            self._held.clear()
        for sync in self._ledger.changed_since(self._stamp):  # what is newest has the last word
            self._stamp = max(self._stamp, sync.stamp)
            self._plan(sync, now)
        if not step.more:
            if not self._settled and not step.waiting:
                ahead = self._agenda.next is not None and self._agenda.next > now
                following = f", the next at {iso(self._agenda.next)}" if ahead else ""
                log.info("all specs are read; runs that are planned: %d%s", len(self._agenda), following)
            self._settled = not step.waiting
            self._next_look = now + max(LOOK, timedelta(seconds=SHARE * (time.thread_time() - began)))
        return step.more

    def _reclaim(self, now: datetime) -> None:
        """Firings that wait, or whose process is gone, are ours as well as anybody's."""
        for sync_id, _ in self._ledger.unfinished():
            if sync_id in self._tables and sync_id not in self._running:
                self._agenda.hasten(sync_id, max(now, self._tables[sync_id].retry_at or now))
        self._next_reclaim = now + RECLAIM

    # --------------------------------------------------------------------------------------------- the agenda

    def _plan(self, sync: SyncRecord, now: datetime) -> None:
        """Put a sync into the agenda as it stands now, or take it out."""
        self._ids[sync.name] = sync.id
        try:
            self._put(sync, now)
        except Exception as error:  # noqa: BLE001 - a schedule that cannot be reckoned must not hold up the others
            self._give_up(sync.id, sync.name, error)

    def _put(self, sync: SyncRecord, now: datetime) -> None:
        if sync.state != "active" or not sync.spec.get("schedule") or not self._definitions.serves(sync.name):
            self._forget(sync.id)
            return
        table = timetable_of(sync, now)
        if table is None:
            zoneless = self._zoneless.setdefault(sync.id, Zoneless(sync.name, 0, now))
            if sync.id not in self._running:
                self._agenda.put(sync.id, max(now, zoneless.until))
            return
        self._zoneless.pop(sync.id, None)
        self._tables[sync.id] = table
        start = None if sync.id in self._running else table.start(now)
        if start is None:
            self._agenda.drop(sync.id)
        else:
            self._agenda.put(sync.id, start)

    def _give_up(self, sync_id: int, name: str, error: Exception) -> None:
        """Leave a sync alone until it changes."""
        log.error("cannot be planned: %s: %s", type(error).__name__, error, extra={"sync": name})
        self._forget(sync_id)

    def _forget(self, sync_id: int) -> None:
        self._tables.pop(sync_id, None)
        self._zoneless.pop(sync_id, None)
        self._agenda.drop(sync_id)

    def _start(self, now: datetime, pool: ThreadPoolExecutor) -> None:
        """Start what is due, as long as there is a place."""
        due = self._agenda.take(now)
        while len(self._running) < self._slots and (sync_id := next(due, None)) is not None:
            if sync_id in self._zoneless:
                self._ask_zone(sync_id, pool)
                continue
            table = self._tables[sync_id]
            try:
                self._fire(table, now, pool)
            except Fatal:
                self._agenda.put(sync_id, now)
                raise
            except Exception as error:  # noqa: BLE001 - as in `_plan`
                self._give_up(sync_id, table.name, error)

    def _fire(self, table: Timetable, now: datetime, pool: ThreadPoolExecutor) -> None:
        """Claim what is due for a sync, and carry it out, unless somebody else does."""
        due = table.due(now)
        names = {"sync": table.name}
        if due is not None and not table.catches_up and self._missed(due):
            log.info("missed its run of %s, and catch_up is none", iso(due), extra=names)
            self._ledger.skip(table.id, due, "missed while nothing served; catch_up is none", waiting=True)
            self._again(table, now)
            return
        passed = [] if due is None else _passed_over(table, due)
        claim = self._ledger.claim(self._node, table.id, due, passed_over=passed)
        if isinstance(claim, Firing):
            if passed and claim.due == due:
                log.info(
                    "was due %d times since %s: one run does for all", len(passed) + 1, iso(passed[0]), extra=names
                )
            again = f", try {claim.attempts}" if claim.attempts > 1 else ""
            log.info("due at %s%s", iso(claim.due), again, extra=names)
            self._submit(pool, table.id, table.name, lambda: self._carry_out(claim))
        elif claim.why == "busy":
            self._agenda.put(table.id, now + LOOK)
        elif claim.why == "later" and claim.until is not None:
            self._agenda.put(table.id, claim.until)
        else:
            self._again(table, now)

    def _missed(self, due: datetime) -> bool:
        """Whether nobody was there to carry it out when it was due."""
        return due < self._awake and not any(
            since <= due for node, since in self._ledger.serving() if node != self._node
        )

    def _again(self, table: Timetable, now: datetime) -> None:
        """Plan the sync from what the ledger says of it now, and not again at once."""
        sync = self._ledger.sync(table.name)
        if sync is not None:
            self._plan(sync, now)
            if self._agenda.start(sync.id) == now:
                self._agenda.put(sync.id, now + LOOK)

    # ------------------------------------------------------------------------------------------------- the work

    def _submit(self, pool: ThreadPoolExecutor, sync_id: int, name: str, job: Callable[[], None]) -> None:
        self._running.add(sync_id)

        def work() -> None:
            try:
                job()
            finally:
                self._ended.append((sync_id, name))
                self.wake.set()

        pool.submit(copy_context().run, work)

    def _carry_out(self, firing: Firing) -> None:
        try:
            self._carrier.carry_out(firing)
        except BaseException as error:
            log.error("the firing waits for the ledger: %s", error, extra={"sync": firing.sync.name})
            self._loose.append(firing)
            if not isinstance(error, SynclineError):
                raise

    def _ask_zone(self, sync_id: int, pool: ThreadPoolExecutor) -> None:
        name, failures, _ = self._zoneless[sync_id]

        def ask() -> None:
            if not self._carrier.learn_zone(name):
                until = self._clock() + wait_after(failures + 1)
                self._zoneless[sync_id] = Zoneless(name, failures + 1, until)
                log.info("is asked for its zone again at %s", iso(until), extra={"sync": name})

        self._submit(pool, sync_id, name, ask)

    def _beat(self, over: threading.Event) -> None:
        """Tell the others that this process is alive, until it stops."""
        while not self._clock.wait(over, BEAT):
            try:
                self._ledger.beat(self._node)
            except Fatal as error:  # the loop has told of it
                log.debug("no sign of life: %s", error)


def _passed_over(table: Timetable, due: datetime) -> list[datetime]:
    """The firings since the last one that the run of `due` stands for as well; of very many the first ones."""
    if table.once:
        return []
    earlier = takewhile(lambda each: each < due, times.upcoming(table.schedule, table.after, table.zone))
    return list(islice(earlier, MOST_PASSED_OVER))
