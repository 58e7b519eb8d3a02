"""What a plugin promises: each promise in short, where it is written, and the words in which it stands there."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Promise:
    """`text` in short; `place` is the class or method of the face whose documentation holds the `words`."""

    text: str
    place: str
    words: str


class BrokenPromise(AssertionError):
    """A plugin does not keep a `promise`. The text says which, where it is written, and what was seen."""

    def __init__(self, promise: Promise, seen: str) -> None:
        self.promise = promise
        self.seen = seen
        super().__init__(
            f"broken promise: {promise.text}\n    written in {promise.place}: “{promise.words}”\n    seen: {seen}"
        )


DECLARED = Promise(
    "a plugin says what it is, and what it guarantees",
    "syncline.plugin",
    "A plugin class has a `name` (as in the YAML), a typed `Config` (its JSON Schema is derived from it) and a "
    "docstring",
)
CHECKED = Promise(
    "a check is told in lines, not in stack traces",
    "syncline.Check",
    "One line of `syncline check`",
)
COUNTED = Promise(
    "every call is counted, token requests apart",
    "syncline.Sink.calls",
    "Requests made so far to the product's API, token requests apart.",
)
IN_THE_TREE = Promise(
    "trouble is an error that says what happens next",
    "syncline.SynclineError",
    "Base of all errors that Syncline raises on purpose.",
)
PICKLABLE = Promise("an error can cross the border of a process", "syncline.SynclineError", "Instances are picklable")
DISCREET = Promise(
    "no personal data in messages, logs and addresses of calls",
    "syncline.Sink.deliver",
    "Personal data goes into the body of a call: never into its address, a message or the log.",
)
TOKEN_RENEWED = Promise(
    "a refused token is renewed once, and the call goes out again",
    "syncline.Client.send",
    "a refused token is renewed once",
)
PATIENT = Promise(
    "who is asked to come later does, and not earlier",
    "syncline.Retriable",
    "The same call may succeed later: not before `after` seconds from now",
)

# ------------------------------------------------------------------------------------------------------- sinks

QUIET_BEFORE = Promise(
    "nothing is sent before it is time", "syncline.Sink.prepare", "Uses no network and writes nothing"
)
ENCODED = Promise(
    "what is sent is text, row by row",
    "syncline.Sink.encode",
    "The `mapped` columns as they will be sent, all text; null: not sent.",
)
ONE_RESULT = Promise("one result for each lead, in order", "syncline.Sink.deliver", "one result per row, in order")
TRUE_RESULT = Promise(
    "a result says what became of the lead", "syncline.ResultKind", "What became of one delivered lead."
)
NOTHING_DONE = Promise(
    "Retriable, Fatal and Deactivate mean that nothing was carried out",
    "syncline.Sink.deliver",
    "with these three, nothing of this batch was carried out",
)
LOST = Promise(
    "an answer that was lost is told as lost",
    "syncline.Sink.deliver",
    "Raises `Lost` when that is not known",
)
COST = Promise("`cost` is what `deliver` spends", "syncline.Sink.cost", "Calls that delivering so many leads takes.")
RESERVED = Promise(
    "`reserve` asks the budget for what `deliver` spends",
    "syncline.Sink.reserve",
    "Block until the account's budget allows a `deliver` of so many leads.",
)
STOPPABLE = Promise("a stop ends every wait", "syncline.Runtime", "Set when the run is to stop: every wait ends then.")
SIDE_BY_SIDE = Promise(
    "so many deliveries at once do not disturb each other", "syncline.Sink.concurrency", "Most `deliver` calls at once."
)
REPEATABLE = Promise(
    "what is repeatable may be sent again",
    "syncline.Sink.repeatable",
    "Sending a lead a second time changes nothing and tells nobody",
)
READ_BACK = Promise(
    "reading back tells what is there, and changes nothing",
    "syncline.Sink.confirm",
    "Read back which of these leads arrived: ACCEPTED, RETRYABLE (surely not there) or UNKNOWN for each.",
)
REMOVED = Promise(
    "whoever is to be taken out is out",
    "syncline.Sink.remove",
    "Take people out (column `#key` and `#address`), as the config's `on_delete` says; one result per row.",
)
PARTS = Promise(
    "an audience comes in parts of text columns",
    "syncline.AudiencePart",
    "`people` has a column `address` (text) and any known fields, named as in the mapping, as text.",
)
WHOLE = Promise(
    "an audience that says it is whole is whole",
    "syncline.AudiencePart",
    "says that all of them were read: whoever is held and was not among them is gone",
)
OPT_OUTS = Promise(
    "opt-outs are read anew before anything is sent",
    "syncline.Sink.audience",
    "something is to be sent, so opt-outs must be read anew",
)

# ----------------------------------------------------------------------------------------------------- sources

PAGES = Promise(
    "a page is a frame or a list of dicts, without the engine's columns",
    "syncline.Page",
    "`rows` is a frame (struct columns are flattened to dotted ones by the engine) or a list of dicts.",
)
ENDED = Promise("a read says how it ended", "syncline.End", "The return value of every `read`")
COMPLETE = Promise(
    "a read that says it is complete holds every record",
    "syncline.Source.read",
    "Trouble is raised, or told as `Ending.STOPPED_EARLY`; it never becomes a short listing.",
)
RESUMED = Promise(
    "a read goes on after its cursor, and exactly there",
    "syncline.Page",
    "the `cursor` from which a later `read` goes on after them (None: only from the start)",
)
PARTITIONS = Promise(
    "partitions have ids of their own and are plain data",
    "syncline.Partition",
    "`id` is unique in the window; all fields are plain data.",
)
FIELDS = Promise(
    "the fields that can be mapped are those that pages hold", "syncline.Source.fields", "The fields that can be mapped"
)
ASKED = Promise(
    "the fields that a mapping needs are there",
    "syncline.Window",
    "`fields` are the source fields the mapping needs",
)
IDENTIFIED = Promise(
    "every record has an ID of its own", "syncline.Source.id_field", "The column that holds the record's ID."
)
WATERMARK = Promise(
    "the watermark never passes a record that was not read",
    "syncline.End",
    "`watermark` is handed to the next `since_last_fetch` window",
)
FETCHED = Promise(
    "one record can be fetched by its ID",
    "syncline.Source.fetch_one",
    "One record by its ID, or None when there is none",
)
ZONE = Promise(
    "the zone is one of the IANA database",
    "syncline.Source.zone",
    "The IANA zone in which people read this source's times",
)
