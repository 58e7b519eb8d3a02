"""What is written as YAML is read back as it was, whatever the names are; and the comments say nothing else."""

from __future__ import annotations

from typing import Any

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st
from syncline.spec import Draft, connections_text, inline, spec_text, value_of
from syncline.spec.document import Document
from syncline.spec.reading import parse

NASTY = [
    "no", "on", "yes", "007", "1e5", "1.50", "-0", "0x1f", "1_000", "null", "~", "", "<<", "=", "true", "09:30",
    "12:30:45", "2026-11-01", "- a", "a: b", "a :b", "a #b", "#a", "'", '"', "it's", 'say "no"', "{a}", "[a]", "a, b",
    "*x", "&x",
    "!t", "%y", "@z", "`k`", "---", "...", "?", "? a", ":", "|", ">", " a ", "a\nb", "a\tb", "\\", "\u202e", "\ufeffa",
    "\x07", "Ünïcödé", "美咲", "😀", "${env:LIST}", "null # no",
]  # fmt: skip
texts = st.sampled_from(NASTY) | st.text()
values = st.recursive(
    texts | st.integers(-(10**17), 10**17) | st.booleans() | st.none(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(texts, inner, max_size=3),
)


def read(text: str) -> Any:
    document, faults = parse(text.encode(), "spec.yaml")
    assert isinstance(document, Document), (text, [str(each) for each in faults])
    return document.value


@given(texts, values)
@settings(max_examples=400)
def test_a_value_on_a_line_is_read_back_as_it_was(key: str, value: Any) -> None:
    written = f"{inline(key)}: {inline(value)} # said: 'so'\n"
    assert written.count("\n") == 1
    assert read(written) == {key: value}
    assert value_of(inline(value)) == value


@given(texts)
def test_nothing_that_hides_or_steers_stands_in_the_file(value: str) -> None:
    assert inline(value).isprintable()


@pytest.mark.parametrize("value", NASTY)
def test_other_readers_of_yaml_see_the_same_texts(value: str) -> None:
    assert yaml.safe_load(f"{inline(value)}: {inline([value])}\n") == {value: [value]}


names = texts.filter(lambda each: each[:1] not in ("", "#") and not each[0].isspace())


@given(names, names, texts, texts, st.dictionaries(names, names | st.fixed_dictionaries({"value": texts}), max_size=4))
@settings(max_examples=150)
def test_a_whole_spec_is_read_back_as_it_was(
    source: str, target: str, description: str, words: str, mapping: dict[str, Any]
) -> None:
    draft = Draft(
        name="sign-ups",
        description=description,
        source={"type": "creator", "connection": "zoho", "report": source},
        retrieve={"after": "2026-11-01T00:00:00"},
        mapping={"Lead Email": "Email"} | mapping,
        transforms=["trim", {"lowercase": {"fields": [target]}}],
        ignore=["defaults"],
        sink={"type": "marketinghub", "list": target},
        schedule={"frequency": "weekly", "time": "10:30", "on": ["monday"]},
        notes={"source.report": words, "mapping.Lead Email": words, "name": words},
        below={"": [words], "mapping": [words, f"not mapped: {words}"], "schedule": [words]},
    )
    found = read(spec_text(draft))
    assert found.pop("version") == 1
    assert found.pop("description", "") == description
    assert found == {
        "name": "sign-ups",
        "source": draft.source,
        "retrieve": draft.retrieve,
        "mapping": draft.mapping,
        "transforms": draft.transforms,
        "ignore": ["defaults"],
        "sink": draft.sink,
        "schedule": draft.schedule,
    }


def test_a_spec_is_written_in_the_order_in_which_data_flows_with_its_comments() -> None:
    draft = Draft(
        "a", "", {"type": "creator"}, "all", {"Email": "E-mail"}, [], [], {"type": "marketinghub"}, None,
        notes={"source": "where records\ncome from", "mapping.Email": "the address"},
        below={"schedule": ["by hand"], "": ["to be edited"]},
    )  # fmt: skip
    assert spec_text(draft) == (
        "# yaml-language-server: $schema=sync.schema.json\n"
        "# to be edited\n"
        "version: 1\n"
        "name: a\n"
        "\n"
        "source:                                 # where records come from\n"
        "  type: creator\n"
        "\n"
        "retrieve: all\n"
        "\n"
        "mapping:\n"
        "  Email: E-mail                         # the address\n"
        "\n"
        "sink:\n"
        "  type: marketinghub\n"
        "\n"
        "# by hand\n"
    )


@given(names, texts)
def test_a_connections_file_is_read_back_as_it_was(name: str, secret: str) -> None:
    keys = {"client_secret": secret, "budget": {"calls": 500, "window": "5m"}}
    found = read(connections_text(name, "zoho", keys, {"client_secret": "a reference"}))
    assert found == {"connections": {name: {"type": "zoho"} | keys}}
