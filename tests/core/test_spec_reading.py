"""YAML as Syncline reads it: text stays text, every value has its place, and limits hold."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st
from syncline.spec.document import Document, merged
from syncline.spec.reading import MAX_ALIASED, MAX_BYTES, parse, read


def value(text: str) -> Any:
    """The value of a sound file."""
    document, faults = parse(text.encode(), "x.yaml")
    assert faults == []
    assert document is not None
    return document.value


def fault(data: bytes | str) -> str:
    """The one fault of a file."""
    document, faults = parse(data.encode() if isinstance(data, str) else data, "x.yaml")
    assert document is None
    assert len(faults) == 1
    return str(faults[0])


@pytest.mark.parametrize(
    "text",
    [
        *("no", "yes", "on", "off", "Yes", "True", "NULL"),
        *("1e5", "007", "0x1F", "0o17", "1_000", ".5", "1.", ".inf", "nan", "+", "=", "1.5.2", "--1", "<<"),
        *("2026-11-01", "2026-11-01T00:00:00", "09:30"),
    ],
)
def test_what_only_looks_typed_is_text(text: str) -> None:
    assert value(f"a: {text}") == {"a": text}


@pytest.mark.parametrize(
    ("text", "typed"),
    [
        ("true", True),
        ("false", False),
        ("null", None),
        ("~", None),
        ("", None),
        ("0", 0),
        ("-7", -7),
        ("+7", 7),
        ("10", 10),
        ("1.50", 1.5),
        ("-0.5", -0.5),
    ],
)
def test_few_scalars_are_typed(text: str, typed: object) -> None:
    found = value(f"a: {text}")["a"]
    assert found == typed
    assert type(found) is type(typed)


@pytest.mark.parametrize("text", ["'5'", '"true"', "!!str 5", "|-\n  5", ">-\n  5"])
def test_what_is_quoted_is_text(text: str) -> None:
    assert isinstance(value(f"a: {text}")["a"], str)


def test_keys_are_text() -> None:
    assert list(value("on: 1\n5: 1\ntrue: 1\n~: 1\n1.50: 1\n")) == ["on", "5", "true", "~", "1.50"]


def test_typed_scalars_keep_how_they_were_written() -> None:
    document, _ = parse(b"a: 1.50\nb: [0, x]\n", "x.yaml")
    assert document is not None
    assert document.written == {("a",): "1.50", ("b", 0): "0"}


def test_every_key_and_value_has_its_place() -> None:
    document, _ = parse("\ufeffä: 1\r\nb:\r\n  - {c: d}\r\n".encode(), "x.yaml")
    assert document is not None
    assert document.place(("ä",)) == ("x.yaml", 1, 4)
    assert document.place(("ä",), at_key=True) == ("x.yaml", 1, 1)
    assert document.place(("b", 0, "c")) == ("x.yaml", 3, 9)
    assert document.place(("b", 0, "c"), at_key=True) == ("x.yaml", 3, 6)
    assert document.place(("b", 0, "nothing")) == ("x.yaml", 3, 5)


def test_aliases_repeat_values() -> None:
    assert value("a: &x {b: [1]}\nc: *x\n") == {"a": {"b": [1]}, "c": {"b": [1]}}


@pytest.mark.parametrize(
    ("data", "shown"),
    [
        (b"a: \xff", "x.yaml:1:4: is not UTF-8 here; save the file as UTF-8"),
        ("ab\ncd: \x00", "x.yaml:2:5: holds the control character U+0000; remove it"),
        ("a: \x9b", "x.yaml:1:4: holds the control character U+009B; remove it"),
        ("a: 1\nb: 2\na: 3\n", "x.yaml:3:1: the key 'a' stands here a second time (first: line 1)"),
        ("a: 1\n---\nb: 2\n", "x.yaml:2:1: a second document starts here; one file holds one"),
        ("a: !!python/object/apply:os.system [ls]", "x.yaml:1:4: this value carries a tag (!…); YAML tags are not"),
        ("a: !!int '5'", "x.yaml:1:4: this value carries a tag (!…); write the value plainly"),
        ("a: !hidden x", "x.yaml:1:4: this value carries a tag"),
        ("? [a]\n: b", "x.yaml:1:3: a key must be a text"),
        ("a: &x [*x]", "x.yaml:1:8: this alias stands inside its own anchor"),
        ("a: *hunter2", "x.yaml:1:4: this alias (*name) has no anchor"),
        ("a: &x 1\nb: &x 2\nc: [" + "*x," * 101 + "]", "x.yaml:3:305: holds more than 100 aliases (*name)"),
        ("[" * 60, "x.yaml:1:52: is nested deeper than 50 levels"),
        ("{a: " * 60, "x.yaml:1:202: is nested deeper than 50 levels"),
        ("a:\n  <<: {b: 1}", "x.yaml:2:3: merge keys (<<) are not supported"),
        ("a: 'it's'", "x.yaml:1:8: not valid YAML here"),
        ("a: |\n  x\n y: 2", "x.yaml:3:2: not valid YAML here"),
        ("a: %x", "x.yaml:1:4: a plain text cannot start with '%'; put it in quotes"),
        ('a: "\\q"', "x.yaml:1:5: unknown escape"),
        ('a: "x\nb: 1\n', "x.yaml:1:4: the quote that opens here is never closed"),
        ('a: "x\nb: "y"\n', "x.yaml:1:4: the quote that opens here is closed only lines later, or never"),
        (b"a: x" + b"x" * MAX_BYTES, "x.yaml:1:1: is larger than 1 MB"),
    ],
)
def test_a_file_that_cannot_be_read_has_one_clear_fault(data: bytes | str, shown: str) -> None:
    assert fault(data).startswith(shown)


def test_no_fault_repeats_what_may_be_a_secret() -> None:
    for text in ("a: *hunter2", "a: !hunter2 x", "a: &hunter2 [", "a: 'hunter2", "a: {b: hunter2", "a: @hunter2"):
        _, faults = parse(text.encode(), "x.yaml")
        assert faults
        assert "hunter2" not in str(faults)


def test_nested_aliases_do_not_explode() -> None:
    lines = ["a0: &a0 [1,1,1,1,1,1,1,1,1]"]
    lines += [f"a{n}: &a{n} [{','.join([f'*a{n - 1}'] * 9)}]" for n in range(1, 10)]
    assert f"more than {MAX_ALIASED} values" in fault("\n".join(lines))


def test_several_faults_of_one_file_come_at_once() -> None:
    _, faults = parse(b"a: 1\na: 2\nb: !x y\n<<: {c: d}\n", "x.yaml")
    assert [each.line for each in faults] == [2, 3, 4]


def test_a_file_that_is_not_there_is_a_fault(tmp_path: Path) -> None:
    document, faults = read(tmp_path / "no.yaml", "no.yaml")
    assert document is None
    assert str(faults[0]) == "no.yaml:1:1: there is no such file or folder; name a spec, or the folder of the specs"


def test_a_folder_is_no_file(tmp_path: Path) -> None:
    assert "cannot be read" in str(read(tmp_path)[1][0])


@settings(max_examples=400, deadline=None)
@given(st.binary(max_size=60) | st.text(alphabet="ab:-[]{}'\"|>&*!%@#?, \n\t0<~", max_size=60).map(str.encode))
def test_any_bytes_are_a_document_or_have_faults(data: bytes) -> None:
    document, faults = parse(data, "x.yaml")
    assert (document is None) == bool(faults)
    assert all(each.line >= 1 and each.column >= 1 for each in faults)


WORDS = st.text(st.characters(codec="ascii", exclude_categories=["Cc"]), max_size=20)
TEXTS = st.recursive(
    WORDS,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(WORDS, inner, max_size=4),
    max_leaves=12,
)


@settings(max_examples=200, deadline=None)
@given(st.dictionaries(WORDS, TEXTS))
def test_texts_that_are_written_in_quotes_are_read_back(data: dict[str, object]) -> None:
    assert value(yaml.safe_dump(data, default_style='"', width=10_000)) == data


def doc(text: str, file: str) -> Document:
    """A sound document."""
    document, faults = parse(text.encode(), file)
    assert document is not None, faults
    return document


def test_defaults_go_under_deeply_and_keep_their_places() -> None:
    under = doc("a: {b: 1, c: 2}\nlist: [1, 2]\n", "defaults.yaml")
    both = merged(under, doc("a: {c: 3}\nlist: [9]\n", "x.yaml"))
    assert both.value == {"a": {"b": 1, "c": 3}, "list": [9]}
    assert both.place(("a", "b")) == ("defaults.yaml", 1, 8)
    assert both.place(("a", "c")) == ("x.yaml", 1, 8)
    assert both.place(("list", 0)) == ("x.yaml", 2, 8)
    assert ("list", 1) not in both.values


def test_a_null_takes_a_default_away() -> None:
    under = doc("schedule: {frequency: daily}\n", "defaults.yaml")
    assert merged(under, doc("schedule:\nname: x\n", "x.yaml")).value == {"name": "x"}


def test_a_source_of_another_type_takes_nothing_over() -> None:
    under = doc("source: {type: form, owner: zylker}\n", "defaults.yaml")
    assert merged(under, doc("source: {type: file}\n", "x.yaml")).value == {"source": {"type": "file"}}
    assert merged(under, doc("source: {page: 5}\n", "x.yaml")).value["source"] == {
        "type": "form", "owner": "zylker", "page": 5,
    }  # fmt: skip


@pytest.mark.parametrize("kind", ["[]", "{}", "[form]"])
def test_a_type_that_is_no_text_is_merged_like_any_other(kind: str) -> None:
    """Found by fuzzing."""
    under = doc(f"source: {{type: {kind}, owner: zylker}}\n", "defaults.yaml")
    assert merged(under, doc("source: {type: form}\n", "x.yaml")).value == {"source": {"type": "form"}}


def test_a_mapping_entry_is_replaced_as_a_whole() -> None:
    under = doc("mapping: {A: {field: a, default: x}, B: b}\n", "defaults.yaml")
    both = merged(under, doc("mapping: {A: {sql: c}}\n", "x.yaml"))
    assert both.value == {"mapping": {"A": {"sql": "c"}, "B": "b"}}
