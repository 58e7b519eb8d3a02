"""Call budgets in the ledger: however many processes share one, the limit holds."""

from __future__ import annotations

import subprocess
import sys

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from syncline import Limit
from syncline.budget import MemoryStore, Spent
from syncline.ledger import Ledger

LIMIT = Limit(calls=20, window=300.0)


def test_four_processes_together_never_go_over_the_limit(ledger_url: str) -> None:
    Ledger.open(ledger_url).close()
    program = (
        "import sys; from syncline import Limit; from syncline.ledger import Ledger\n"
        "store = Ledger.open(sys.argv[1]).budget_store()\n"
        "print(sum(store.take('api', Limit(20, 300.0), 1, 1000.0) == 0 for _ in range(15)))"
    )
    command = [sys.executable, "-c", program, ledger_url]
    takers = [subprocess.Popen(command, stdout=subprocess.PIPE, text=True) for _ in range(4)]
    granted = [int(taker.communicate()[0]) for taker in takers]
    assert sum(granted) == LIMIT.calls
    with Ledger.open(ledger_url) as ledger:
        calls, _ = ledger.spent()
        assert sum(each.calls for each in calls["api"]) == LIMIT.calls
        assert ledger.budget_store().take("api", LIMIT, 1, 1100.0) == 200.0
        assert ledger.budget_store().take("other", LIMIT, 1, 1100.0) == 0.0


def test_a_park_holds_for_all_and_the_later_one_stays(ledger: Ledger) -> None:
    store = ledger.budget_store()
    store.park("api", 2000.0)
    store.park("api", 1500.0)
    assert store.take("api", LIMIT, 1, 1000.0) == 1000.0
    assert store.take("api", LIMIT, 1, 2000.0) == 0.0
    assert ledger.spent() == ({"api": [Spent(2000.0, 1)]}, {"api": 2000.0})


def test_expired_calls_are_dropped(ledger: Ledger) -> None:
    store = ledger.budget_store()
    for moment in (0.0, 400.0, 800.0):
        assert store.take("api", LIMIT, 20, moment) == 0.0
    assert ledger.spent()[0] == {"api": [Spent(800.0, 20)]}


@settings(max_examples=10, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(steps=st.lists(st.tuples(st.integers(1, 8), st.floats(0, 200)), min_size=1, max_size=12), name=st.uuids())
def test_the_ledger_grants_exactly_what_memory_would(
    ledger: Ledger, steps: list[tuple[int, float]], name: object
) -> None:
    memory, shared, now = MemoryStore(), ledger.budget_store(), 1e9
    for n, pause in steps:
        now += pause
        assert shared.take(str(name), LIMIT, n, now) == memory.take(str(name), LIMIT, n, now)
