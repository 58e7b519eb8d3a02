"""Nobody is subscribed twice, nobody who opted out is written to, nobody is lost: the hard cases, over several runs."""

from __future__ import annotations

from collections.abc import Sequence

import polars as pl
import pytest
from shelf import Shelf
from syncline.ledger import Journal, Ledger
from syncline.plugin import Result
from workshop import Workshop, person

PUBLIC = {"public": True}


class Killed(BaseException):
    """Stands for the end of the process: nothing that follows it is carried out."""


@pytest.fixture
def shop(tmp_path, ledger: Ledger) -> Workshop:
    return Workshop(tmp_path / "shop", ledger)


def cut_off(shop: Workshop, monkeypatch: pytest.MonkeyPatch, *, at: int, step: str = "answered", **keys: object) -> str:
    """A run that dies at the `at`-th step of its journal, and is left behind as a dead process leaves it."""
    counted = 0
    plain = getattr(Journal, step)

    def dying(*args: object, **words: object) -> object:
        nonlocal counted
        counted += 1
        if counted >= at:
            raise Killed
        return plain(*args, **words)

    with monkeypatch.context() as patch:
        patch.setattr(Journal, step, dying)
        with pytest.raises(Killed):
            shop.executor.run(shop.bound(**keys))
    with shop.ledger._database.write() as connection:
        connection.exec_driver_sql("DELETE FROM leases")
    return shop.ledger.run("last").id


def subscribed(shop: Workshop) -> dict[str, int]:
    return {key.partition("@")[0]: each["subscribed"] for key, each in shop.people().items()}


def test_a_lost_answer_of_a_public_list_is_not_sent_again_by_the_next_run(shop: Workshop) -> None:
    first = shop.run([person("ann", 1, "lost 1"), person("ben", 2)], sink=PUBLIC)
    second = shop.run(sink=PUBLIC)
    assert shop.outcomes(second) == {"ann@example.com": "unknown/answer_lost", "ben@example.com": "duplicate/unchanged"}
    assert (subscribed(shop), second.status) == ({"ann": 1, "ben": 1}, "partial")
    third = shop.checked(shop.executor.retry(shop.bound(sink=PUBLIC), first.id, unknown=True))
    assert shop.outcomes(third) == {"ann@example.com": "new/awaiting_confirmation"}
    assert shop.outcomes(shop.run(sink=PUBLIC))["ann@example.com"] == "duplicate/unchanged"


def test_a_lost_answer_is_no_riddle_any_more_once_the_person_is_seen(shop: Workshop) -> None:
    shop.run([person("ann", 1, "lost 1")], sink=PUBLIC)
    shop.put(ann="active")
    run = shop.run(sink=PUBLIC | {"on_duplicate": "skip"})
    assert shop.outcomes(run) == {"ann@example.com": "duplicate/unchanged"}


def test_a_lost_answer_of_a_private_list_is_sent_again_by_the_next_run(shop: Workshop) -> None:
    shop.executor.stop.clear()
    first = shop.run([person("full", 1, "full"), person("ann", 2)], sink={"side_by_side": 1})
    assert first.document()["counts"]["unknown"] >= 1
    second = shop.run([person("full", 1), person("ann", 2)])
    assert second.document()["counts"]["unknown"] == 0
    assert subscribed(shop) == {"full": 1, "ann": 1}


def test_who_is_re_added_to_a_public_list_is_asked_once(shop: Workshop) -> None:
    shop.run([person("ann", 1)], sink=PUBLIC)
    shop.put(ann="active")
    shop.run(sink=PUBLIC)
    shop.put(ann="gone")
    assert shop.outcomes(shop.run(sink=PUBLIC)) == {"ann@example.com": "re_added/deleted_in_target"}
    assert shop.outcomes(shop.run(sink=PUBLIC)) == {"ann@example.com": "duplicate/unchanged"}
    assert subscribed(shop) == {"ann": 1}


def test_who_has_to_confirm_is_not_asked_again_because_a_field_changed(shop: Workshop) -> None:
    shop.run([person("ann", 1)], sink=PUBLIC)
    run = shop.run([person("ann", 1, Name="Anna")], sink=PUBLIC)
    assert shop.outcomes(run) == {"ann@example.com": "duplicate/unchanged"}
    assert subscribed(shop) == {"ann": 1}


def test_who_has_to_confirm_to_one_sync_is_not_asked_by_another_one_of_the_list(
    shop: Workshop, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("syncline.assembly.Assembly.account", property(lambda assembly: "one account"))
    shop.run([person("ann", 1)], sink=PUBLIC)
    run = shop.run([person("ann", 7)], sink=PUBLIC, name="other-sync")
    assert shop.outcomes(run) == {"ann@example.com": "duplicate/unchanged"}
    assert subscribed(shop) == {"ann": 1}


def test_one_person_in_two_rows_is_asked_once_even_across_a_crash(
    shop: Workshop, monkeypatch: pytest.MonkeyPatch
) -> None:
    shop.records([person("ann", 1), *(person(f"guest{n}", n + 10) for n in range(15)), person("ann", 2, Name="Annie")])
    cut_off(shop, monkeypatch, at=1, ignore=[], sink=PUBLIC | {"side_by_side": 1})
    run = shop.run(ignore=[], sink=PUBLIC)
    assert run.resumed
    assert subscribed(shop)["ann"] == 1
    assert run.document()["counts"]["total"] == 17


def test_a_retry_that_first_ends_a_broken_run_takes_the_letters_afterwards(
    shop: Workshop, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = shop.run([person("ann", 1, "refuse 1"), person("ben", 2)])
    shop.records([person("ben", 2, Name="Benny"), person("eve", 3)])
    broken = cut_off(shop, monkeypatch, at=1)
    last = shop.checked(shop.executor.retry(shop.bound(), first.id))
    assert shop.ledger.run(broken).resumed
    assert (last.trigger, shop.outcomes(last)) == ("retry", {"ann@example.com": "new/added"})
    assert subscribed(shop)["ann"] == 1


def test_an_opt_out_follows_the_record_to_a_new_address(shop: Workshop) -> None:
    shop.run([person("ann", 1), person("ben", 2)])
    shop.put(ann="unsub")
    run = shop.run([person("ann", 1, Email="anna@example.com"), person("ben", 2)])
    assert shop.outcomes(run)["anna@example.com"] == "ignored/do_not_mail"
    assert "anna@example.com" not in shop.people()
    (line,) = [each["detail"] for each in shop.ledger.trace(run_sync(shop), "anna@example.com")]
    assert "earlier address" in line


def test_a_new_address_of_somebody_who_did_not_opt_out_is_added(shop: Workshop) -> None:
    shop.run([person("ann", 1)])
    shop.put(ann="bounce")
    run = shop.run([person("ann", 1, Email="anna@example.com")])
    assert shop.outcomes(run) == {"anna@example.com": "new/added"}


def test_what_the_target_did_not_carry_out_is_not_sent_when_the_run_is_stopped_in_the_pause(
    shop: Workshop, monkeypatch: pytest.MonkeyPatch
) -> None:
    plain = Shelf.deliver

    def stopping(sink: Shelf, leads: pl.DataFrame) -> Sequence[Result]:
        shop.executor.stop.set()
        return plain(sink, leads)

    monkeypatch.setattr(Shelf, "deliver", stopping)
    run = shop.run([person("ann", 1, "later")], sink=PUBLIC)
    assert (run.status, shop.outcomes(run)) == ("interrupted", {"ann@example.com": "unknown/not_sent"})


def test_nobody_is_planned_by_an_old_audience_even_without_the_default_rules(
    shop: Workshop, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[bool] = []
    plain = Shelf.audience
    monkeypatch.setattr(
        Shelf, "audience", lambda sink, held, sending: asked.append(sending) or plain(sink, held, sending)
    )
    shop.put(ben="bounce")
    shop.run([person("ben", 2)])
    asked.clear()
    run = shop.run(ignore=[])
    assert run.document()["duplicate"]["updated"] == 1
    assert asked[-1] is True


def test_a_person_who_was_forgotten_while_the_process_was_dead_is_not_sent(
    shop: Workshop, monkeypatch: pytest.MonkeyPatch
) -> None:
    shop.records([person("ann", 1), person("ben", 2)])
    cut_off(shop, monkeypatch, at=1, step="sending")
    shop.ledger.forget("ann@example.com")
    run = shop.run()
    assert run.status == "succeeded"
    assert set(subscribed(shop)) == {"ben"}


def test_a_person_who_was_forgotten_after_the_call_went_out_is_settled_without_being_sent(
    shop: Workshop, monkeypatch: pytest.MonkeyPatch
) -> None:
    shop.records([person("ann", 1), person("ben", 2)])
    cut_off(shop, monkeypatch, at=1)
    shop.ledger.forget("ann@example.com")
    run = shop.run()
    assert run.status == "succeeded"
    assert subscribed(shop) == {"ann": 1, "ben": 1}


def run_sync(shop: Workshop) -> int:
    sync = shop.ledger.sync("sign-ups")
    assert sync is not None
    return sync.id
