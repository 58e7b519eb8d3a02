"""reason-codes.md: every outcome with its reasons."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from syncline.decision import DEFAULT_REASONS, OWN_REASONS, UNDO_REASONS, Outcome
from syncline.registry import Registry
from syncline_marketinghub.codes import HEALING, IGNORED, MEANINGS, VERDICTS, Verdict

from .markdown import table

OUTCOMES: Mapping[Outcome, str] = {
    Outcome.NEW: "Not in the target account before; added.",
    Outcome.RE_ADDED: "Was deleted from the target, or removed by this sync, and is added again.",
    Outcome.DUPLICATE: "Already there: updated, or unchanged. An unchanged lead costs no write.",
    Outcome.IGNORED: "Kept out by a rule, or by a refusal that means the same.",
    Outcome.REJECTED: "The sink refused it. Its payload is kept as a dead letter.",
    Outcome.UNKNOWN: "Recorded, but nobody knows yet whether it arrived.",
    Outcome.DELETED: "Gone from the source and taken out of the target. Outside the total.",
}


def reason_codes(registry: Registry) -> str:
    """reason-codes.md: every outcome with its reasons."""
    sections = [
        "# Outcomes and reason codes",
        "Every lead of a run ends in exactly one outcome, with one reason. "
        f"total = {' + '.join(each for each in Outcome if each is not Outcome.DELETED)}, at every instant.",
        table(("outcome", "meaning"), [(f"`{each}`", OUTCOMES[each]) for each in Outcome]),
    ]
    for outcome in Outcome:
        sections.append(f"## {outcome}")
        if own := OWN_REASONS.get(outcome):
            sections.append(table(("reason", "meaning"), [(f"`{code}`", text) for code, text in own.items()]))
        if outcome is Outcome.IGNORED:
            sections += [
                "The six above are in every history, and are tested in that order. A lead counts under the first that "
                "applies. Further rules add their own; `sql` takes the code that you name.",
                table(("reason", "meaning", "rule"), list(_codes(registry))),
                "An undo leaves leads as they are for these reasons, and for `do_not_mail`:",
                table(("reason", "meaning"), [(f"`{code}`", text) for code, text in UNDO_REASONS.items()]),
            ]
        if outcome is Outcome.REJECTED:
            refusals = (Verdict.REFUSED, Verdict.LATER)
            here = {code: text for code, text in MEANINGS.items() if VERDICTS.get(code, Verdict.REFUSED) in refusals}
            sections += [
                "The reason is the sink's own code. `no_address` is the engine's: no rule kept the lead out, but it "
                "has no address. `refused` stands where the sink named no code.",
                "### Codes of MarketingHub",
                "A code that is not in the table counts as `rejected` under itself. What *returns* comes back by "
                "itself, with back-off; the others stay until somebody [sends them](../how-to/retry-and-unknown.md).",
                table(
                    ("code", "meaning", "counts as"),
                    [(f"`{code}`", text, _counts_as(code)) for code, text in here.items()],
                ),
            ]
    return "\n\n".join(sections)


def _counts_as(code: str) -> str:
    if code in IGNORED:
        return f"ignored, `{IGNORED[code]}`"
    passes = code in HEALING or VERDICTS.get(code) is Verdict.LATER
    return "rejected, returns" if passes else "rejected"


def _codes(registry: Registry) -> Iterator[tuple[str, str, str]]:
    for offer in registry.offers("rule"):
        codes: Mapping[str, str] = getattr(offer.plugin, "codes", {})
        yield from (
            (f"`{code}`", text, f"`{offer.name}`") for code, text in codes.items() if code not in DEFAULT_REASONS
        )
