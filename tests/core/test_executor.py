"""Runs, from the lease to the history line: each rule of DESIGN 5 to 8 through the executor, on both ledgers."""

from __future__ import annotations

import pytest
from syncline.errors import NotRunnable, SpecError
from syncline.ledger import Ledger
from workshop import Workshop, person


@pytest.fixture
def shop(tmp_path, ledger: Ledger) -> Workshop:
    return Workshop(tmp_path / "shop", ledger)


def test_new_people_are_added_and_a_second_run_sends_nothing(shop: Workshop) -> None:
    people = [person(f"guest{n}", n) for n in range(35)]
    first = shop.run(people)
    assert first.document()["counts"] | {"total": 35, "new": 35} == first.document()["counts"]
    calls = shop.executor.ledger.run(first.id).sink_calls
    second = shop.run()
    assert second.document()["duplicate"] == {"updated": 0, "unchanged": 35}
    assert second.sink_calls == 1 < calls
    assert all(each["subscribed"] == 1 for each in shop.people().values())


def test_only_a_changed_lead_is_sent_again(shop: Workshop) -> None:
    shop.run([person("ann", 1), person("ben", 2)])
    run = shop.run([person("ann", 1, Name="Anna"), person("ben", 2)])
    assert run.document()["duplicate"] == {"updated": 1, "unchanged": 1}
    assert {name: each["subscribed"] for name, each in shop.people().items()} == {
        "ann@example.com": 2,
        "ben@example.com": 1,
    }


def test_skip_leaves_a_known_lead_as_it_is(shop: Workshop) -> None:
    shop.run([person("ann", 1)], sink={"on_duplicate": "skip"})
    run = shop.run([person("ann", 1, Name="Anna")], sink={"on_duplicate": "skip"})
    assert run.document()["duplicate"] == {"updated": 0, "unchanged": 1}


def test_who_was_deleted_in_the_target_is_re_added(shop: Workshop) -> None:
    shop.run([person("ann", 1), person("ben", 2)])
    shop.run()
    shop.put(ann="gone")
    run = shop.run()
    assert shop.outcomes(run) == {
        "ann@example.com": "re_added/deleted_in_target",
        "ben@example.com": "duplicate/unchanged",
    }


def test_who_opted_out_is_never_subscribed_again_whatever_the_spec_says(shop: Workshop) -> None:
    shop.put(ann="unsub", ben="bounce")
    run = shop.run([person("ann", 1), person("ben", 2)], ignore=[])
    assert shop.outcomes(run)["ann@example.com"] == "ignored/do_not_mail"
    assert shop.people()["ann@example.com"] == {"subscribed": 0, "status": "unsub"}


def test_an_opt_out_between_two_runs_counts_even_for_a_changed_lead(shop: Workshop) -> None:
    shop.run([person("ann", 1)])
    shop.put(ann="unsub")
    run = shop.run([person("ann", 1, Name="Anna")])
    assert shop.outcomes(run) == {"ann@example.com": "ignored/do_not_mail"}
    assert shop.people()["ann@example.com"]["subscribed"] == 1


def test_bounced_people_are_ignored_by_the_default_rules(shop: Workshop) -> None:
    shop.put(ben="bounce")
    run = shop.run([person("ben", 2)])
    assert shop.outcomes(run) == {"ben@example.com": "ignored/bounced"}


def test_refusals_count_with_their_code_and_become_dead_letters(shop: Workshop) -> None:
    run = shop.run([person("ann", 1, "refuse"), person("ben", 2)])
    assert (run.status, run.document()["rejected"]) == ("partial", {"4711": 1})
    (letter,) = shop.ledger.dead_letters(run_id=run.id)
    assert (letter.code, letter.key, letter.attempts) == ("4711", "ann@example.com", 1)


def test_a_refused_address_counts_under_its_reason_and_is_not_asked_again(shop: Workshop) -> None:
    people = [person("ann", 1, "invalid"), person("ben", 2, "optout")]
    first = shop.run(people)
    assert (first.document()["ignored"]["invalid_pattern"], first.document()["ignored"]["do_not_mail"]) == (1, 1)
    calls = first.sink_calls
    second = shop.run(people)
    assert shop.outcomes(second) == shop.outcomes(first)
    assert second.sink_calls < calls


def test_a_lead_that_is_asked_to_come_later_comes_again(shop: Workshop, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("syncline.pipeline.deliver.BACK_OFF", 0.01)
    run = shop.run([person("ann", 1, "later 2"), person("ben", 2, "busy 2")])
    assert run.document()["counts"]["new"] == 2


def test_a_target_that_stays_busy_ends_the_run_and_nothing_is_lost(
    shop: Workshop, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("syncline.pipeline.deliver.BACK_OFF", 0.01)
    run = shop.run([person("ann", 1, "busy")])
    assert (run.status, shop.outcomes(run)) == ("failed", {"ann@example.com": "unknown/not_sent"})
    assert shop.people() == {}
    again = shop.run([person("ann", 1)])
    assert again.document()["counts"]["new"] == 1


def test_a_lost_answer_is_settled_by_reading_back(shop: Workshop) -> None:
    run = shop.run([person("ann", 1, "lost 1"), person("ben", 2, "vanish 1")])
    assert run.document()["counts"]["new"] == 2
    assert {name: each["subscribed"] for name, each in shop.people().items()} == {
        "ann@example.com": 1,
        "ben@example.com": 1,
    }


def test_a_lost_answer_of_a_public_list_stays_unknown_and_is_not_sent_blindly(shop: Workshop) -> None:
    run = shop.run([person("ann", 1, "lost 1")], sink={"public": True})
    assert (run.status, shop.outcomes(run)) == ("partial", {"ann@example.com": "unknown/answer_lost"})
    assert shop.people()["ann@example.com"]["subscribed"] == 1


def test_people_who_have_to_confirm_count_as_present(shop: Workshop) -> None:
    first = shop.run([person("ann", 1)], sink={"public": True})
    assert shop.outcomes(first) == {"ann@example.com": "new/awaiting_confirmation"}
    second = shop.run(sink={"public": True})
    assert shop.outcomes(second) == {"ann@example.com": "duplicate/unchanged"}


def test_a_full_target_ends_the_run_and_the_rest_is_left_for_later(shop: Workshop) -> None:
    people = [person("full", 0, "full"), *(person(f"guest{n}", n + 1) for n in range(20))]
    run = shop.run(people, sink={"side_by_side": 1})
    assert (run.status, run.message) == ("failed", "the shelf is full")
    assert run.document()["counts"]["unknown"] >= 1
    assert run.document()["counts"]["total"] == run.document()["counts"]["unknown"] + run.document()["counts"]["new"]


def test_a_source_that_tears_fails_the_run_and_keeps_what_was_done(shop: Workshop) -> None:
    torn = [person(f"guest{n}", n) for n in range(10)] + [{"ID": "x", "fault": True}]
    run = shop.run(torn)
    assert (run.status, run.message) == ("failed", "the table tore")
    assert len(shop.people()) == run.document()["counts"]["new"]


def test_a_renamed_source_makes_the_sync_inactive_for_good(shop: Workshop) -> None:
    run = shop.run("gone")
    assert (run.status, run.message) == ("inactive", "the table was renamed")
    with pytest.raises(NotRunnable) as refused:
        shop.run([person("ann")])
    assert (refused.value.state, refused.value.exit_code) == ("inactive", 5)


def test_what_is_known_of_one_account_is_not_believed_of_another(
    shop: Workshop, monkeypatch: pytest.MonkeyPatch
) -> None:
    shop.run([person("ann", 1)])
    monkeypatch.setattr("syncline.assembly.Assembly.account", "elsewhere")
    run = shop.run()
    assert (run.status, run.document()["counts"]["total"]) == ("failed", 0)
    assert "has filled another account so far" in run.message
    assert "replaces: sign-ups" in run.message
    renamed = shop.run(name="elsewhere", replaces="sign-ups")
    assert renamed.document()["duplicate"]["unchanged"] == 1


def test_a_sync_with_frequency_once_is_completed_by_its_run(shop: Workshop) -> None:
    shop.run([person("ann")], schedule={"frequency": "once", "time": "09:30"})
    with pytest.raises(NotRunnable) as refused:
        shop.run(schedule={"frequency": "once", "time": "09:30"})
    assert refused.value.state == "completed"


def test_a_disabled_sync_does_not_run(shop: Workshop) -> None:
    with pytest.raises(NotRunnable) as refused:
        shop.run([person("ann")], enabled=False)
    assert refused.value.state == "paused"


def test_one_person_in_two_rows_is_sent_once(shop: Workshop) -> None:
    rows = [person("ann", 1), person("ann", 2, Name="Annie", Email=" ANN@example.com"), person("ben", 3)]
    by_rule = shop.run(rows)
    assert by_rule.document()["ignored"]["file_duplicate"] == 1
    without = shop.run([person("eve", 4), person("eve", 5, Name="Eva")], ignore=[])
    assert without.document()["counts"]["new"] == 1
    assert shop.people()["eve@example.com"]["fields"]["Name"] == "Eve"


def test_keep_last_takes_the_last_row_of_the_whole_fetch(shop: Workshop) -> None:
    rows = [person("ann", 1), *(person(f"guest{n}", n + 10) for n in range(25)), person("ann", 2, Name="Annie")]
    run = shop.run(rows, ignore=["defaults", {"file_duplicate": {"keep": "last"}}])
    assert run.document()["ignored"]["file_duplicate"] == 1
    assert shop.people()["ann@example.com"]["fields"]["Name"] == "Annie"


def test_a_lead_without_address_is_rejected_before_it_costs_a_call(shop: Workshop) -> None:
    run = shop.run([person("ann", 1, Email=None)], ignore=[])
    assert run.document()["rejected"] == {"no_address": 1}
    assert shop.people() == {}


def test_retry_takes_dead_letters_through_todays_rules_and_the_gate(shop: Workshop) -> None:
    people = [person("ann", 1, "refuse 1"), person("ben", 2, "refuse 1"), person("eve", 3, "refuse 1")]
    first = shop.run(people)
    shop.put(eve="unsub")
    embargo = ["defaults", {"sql": {"when": "Name = 'Ben'", "reason": "embargo"}}]
    second = shop.checked(shop.executor.retry(shop.bound(ignore=embargo), first.id))
    assert (second.trigger, shop.outcomes(second)) == (
        "retry",
        {
            "ann@example.com": "new/added",
            "ben@example.com": "ignored/embargo",
            "eve@example.com": "ignored/do_not_mail",
        },
    )
    with pytest.raises(SpecError, match="no rejected leads left"):
        shop.executor.retry(shop.bound(), first.id)


def test_retry_can_take_only_one_code_and_only_so_many(shop: Workshop) -> None:
    first = shop.run([person("ann", 1, "refuse 1"), person("ben", 2, "refuse 1")])
    with pytest.raises(SpecError):
        shop.executor.retry(shop.bound(), first.id, code="1")
    second = shop.checked(shop.executor.retry(shop.bound(), first.id, code="4711", limit=1))
    assert second.document()["counts"]["total"] == 1


def test_unknown_leads_go_again_only_when_asked(shop: Workshop) -> None:
    first = shop.run([person("ann", 1, "vanish 1")], sink={"public": True})
    with pytest.raises(SpecError, match="no rejected leads"):
        shop.executor.retry(shop.bound(sink={"public": True}), first.id)
    second = shop.checked(shop.executor.retry(shop.bound(sink={"public": True}), first.id, unknown=True))
    assert shop.outcomes(second) == {"ann@example.com": "new/awaiting_confirmation"}


def test_departed_people_are_unsubscribed_when_the_spec_says_so(shop: Workshop) -> None:
    people = [person(f"guest{n}", n) for n in range(30)]
    shop.run(people, sink={"on_delete": "unsubscribe"})
    run = shop.run(people[2:], sink={"on_delete": "unsubscribe"})
    assert run.document()["counts"] | {"total": 28, "deleted": 2} == run.document()["counts"]
    assert [shop.people()[f"guest{n}@example.com"]["status"] for n in range(3)] == ["unsub", "unsub", "active"]
    third = shop.run(sink={"on_delete": "unsubscribe"})
    assert third.document()["counts"]["deleted"] == 0


def test_departures_are_kept_by_default(shop: Workshop) -> None:
    shop.run([person("ann", 1), person("ben", 2)])
    run = shop.run([person("ann", 1)])
    assert run.document()["counts"]["deleted"] == 0
    assert shop.people()["ben@example.com"]["status"] == "active"


def test_a_mass_departure_is_held(shop: Workshop) -> None:
    people = [person(f"guest{n}", n) for n in range(60)]
    shop.run(people, sink={"on_delete": "unsubscribe"})
    run = shop.run(people[:5], sink={"on_delete": "unsubscribe"})
    assert (run.status, run.document()["counts"]["deleted"]) == ("held", 0)
    assert all(each["status"] == "active" for each in shop.people().values())
    whole = shop.run(people, sink={"on_delete": "unsubscribe"})
    assert whole.status == "succeeded"


def test_a_read_that_stopped_early_or_of_other_records_removes_nobody(shop: Workshop) -> None:
    delete = {"on_delete": "unsubscribe"}
    people = [person(f"guest{n}", n) for n in range(10)]
    shop.run(people, sink=delete)
    stopped = shop.run(people[:9], sink=delete, source={"ending": "stopped_early"})
    other = shop.run(people[:9], sink=delete, source={"page": 7})
    assert (stopped.status, stopped.document()["counts"]["deleted"]) == ("failed", 0)
    assert (other.status, other.document()["counts"]["deleted"]) == ("succeeded", 0)
    assert shop.people()["guest9@example.com"]["status"] == "active"


def test_a_stopped_run_ends_as_interrupted_and_the_next_one_goes_on(shop: Workshop) -> None:
    shop.executor.stop.set()
    run = shop.run([person("ann", 1)])
    assert run.status == "interrupted"
    shop.executor.stop.clear()
    assert shop.run().document()["counts"]["new"] == 1


def test_an_edited_spec_is_a_revision_and_another_identity_is_refused(shop: Workshop) -> None:
    shop.run([person("ann", 1)])
    shop.run(description="now with a description")
    sync = shop.ledger.sync("sign-ups")
    assert sync is not None
    assert [each.number for each in shop.ledger.revisions(sync.id)] == [1, 2]
    other = shop.folder / "other.json"
    other.write_text("[]")
    with pytest.raises(SpecError, match="replaces"):
        shop.run(source={"file": str(other)})


def test_observers_are_told_and_a_broken_one_ends_nothing(shop: Workshop) -> None:
    from syncline import hookimpl

    told: list[str] = []

    class Watcher:
        @hookimpl
        def syncline_run_started(self, run: dict[str, object]) -> None:
            told.append(f"started {run['sync']}")

        @hookimpl
        def syncline_run_finished(self, run: dict[str, object]) -> None:
            told.append(f"finished {run['status']}")

    class Broken:
        @hookimpl
        def syncline_run_started(self, run: dict[str, object]) -> None:
            raise RuntimeError("no")

    shop.registry.add_observer("broken", Broken())
    shop.registry.add_observer("watcher", Watcher())
    shop.run([person("ann", 1)])
    assert told == ["started sign-ups", "finished succeeded"]
