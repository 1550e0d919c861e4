import csv
import io
import json
from hashlib import sha256
from typing import Any

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pyarrow import parquet

from consent.errors import DescriptionRefused
from consent.formats import columns, parquet_table, repair_table, tables
from consent.formats.columns import Meaning, guess, override
from consent.formats.described import DescribedItem, Digest, Licence
from consent.formats.doubts import DoubtCode
from consent.formats.manifest import TableForm, open_manifest

COFFEE, TEA = (sha256(word).hexdigest() for word in (b"coffee", b"tea"))
HEADER = ("URL", "TEXT", "WIDTH", "sha256", "LICENSE", "legal_basis", "NSFW", "shade")
ROW = ("https://cups.example/1.png", "A cup", 512, COFFEE, "CC0-1.0", "public_domain", "no", "red")
ITEM = DescribedItem(
    ordinal=1,
    location="https://cups.example/1.png",
    digest=Digest("sha256", COFFEE),
    width=512,
    text="A cup",
    licence=Licence("CC0-1.0", "CC0-1.0"),
    legal_basis="public_domain",
    flags=(("NSFW", "no"),),
    unknown=(("shade", "red"),),
)


def as_csv(*rows: Any, header: Any = HEADER, delimiter: str = ",") -> bytes:
    written = io.StringIO()
    csv.writer(written, delimiter=delimiter).writerows([header, *rows] if header else rows)
    return written.getvalue().encode()


def as_lines(*rows: Any) -> bytes:
    every = (dict(zip(HEADER, row, strict=False)) for row in rows)
    return b"".join(json.dumps(row).encode() + b"\n" for row in every)


def as_parquet(*rows: Any, **how: Any) -> bytes:
    named = {name: [row[place] for row in rows] for place, name in enumerate(HEADER)}
    return table_bytes(pa.table(named), **how)


def table_bytes(table: Any, **how: Any) -> bytes:
    written = io.BytesIO()
    parquet.write_table(table, written, **how)
    return written.getvalue()


def read(data: bytes, form: TableForm | None = None) -> list[DescribedItem]:
    return list(open_manifest(io.BytesIO(data), form).read().items)


def codes(item: DescribedItem) -> list[DoubtCode]:
    return [doubt.code for doubt in item.doubts]


@pytest.mark.parametrize("write", [as_csv, as_lines, as_parquet])
def test_each_form_of_table_gives_the_same_items(write: Any) -> None:
    manifest = open_manifest(io.BytesIO(write(ROW)))
    reading = manifest.read()
    assert list(reading.items) == [ITEM]
    assert list(reading.items) == [ITEM], "walked a second time"
    assert [doubt.code for doubt in reading.doubts] == [
        DoubtCode.COLUMN_UNMAPPED, DoubtCode.CREATOR_MISSING
    ]  # fmt: skip
    assert reading.digest == sha256(write(ROW)).hexdigest()


@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|"])
def test_csv_may_be_separated_otherwise(delimiter: str) -> None:
    assert read(as_csv(ROW, delimiter=delimiter)) == [ITEM]


def test_columns_are_guessed_as_laion_names_them() -> None:
    names = ["SAMPLE_ID", "URL", "TEXT", "HEIGHT", "WIDTH", "LICENSE", "NSFW", "similarity"]
    names += ["hash", "pwatermark", "punsafe", "AESTHETIC_SCORE", "md5", "phash"]
    assert list(guess(names).values()) == [
        *("unknown", "location", "text", "height", "width", "licence", "flag", "flag"),
        *("digest", "flag", "flag", "flag", "unknown", "perceptual_hash"),
    ]


def test_a_hash_that_is_a_number_is_no_digest() -> None:
    assert guess(["hash"], [[-4_611_686_018_427_387_904]]) == {"hash": Meaning.UNKNOWN}
    assert guess(["hash"], [["12345678901234567"]]) == {"hash": Meaning.UNKNOWN}


def test_a_column_of_sha256_is_one_whatever_it_is_called() -> None:
    assert guess(["proof"], [[COFFEE], [TEA], [None]]) == {"proof": Meaning.SHA256}


def test_of_two_columns_for_one_thing_the_first_counts_and_of_digests_the_strongest() -> None:
    found = guess(["md5", "url", "path", "sha256"])
    assert list(found.values()) == ["unknown", "location", "unknown", "sha256"]


def test_a_mapping_is_overridden_by_people() -> None:
    manifest = open_manifest(io.BytesIO(as_csv(ROW)))
    mapping = override(manifest.guessed, {"shade": "creators", "NSFW": "ignored"})
    (item,) = manifest.read(mapping).items
    assert (item.creators, item.flags, item.unknown) == (("red",), (), ())
    assert manifest.read(mapping).doubts == ()


@pytest.mark.parametrize(
    ("changes", "complaint"),
    [
        ({"colour": "text"}, "there is no column 'colour'"),
        ({"shade": "colour"}, "meaning 'colour' is none of location"),
        ({"shade": "text"}, "two columns mean text"),
        ({"shade": "md5"}, "two columns are digests, wanted one"),
    ],
)
def test_an_impossible_mapping_is_refused(changes: dict[str, str], complaint: str) -> None:
    with pytest.raises(DescriptionRefused, match=complaint):
        override(guess(HEADER), changes)


@pytest.mark.parametrize(
    ("place", "value", "code"),
    [
        (0, "", DoubtCode.LOCATION_MISSING),
        (0, "../1.png", DoubtCode.LOCATION_UNSAFE),
        (0, "javascript:alert(1)", DoubtCode.LOCATION_UNSAFE),
        (1, "a\ufffdb", DoubtCode.TEXT_DAMAGED),
        (1, "a\0b", DoubtCode.TEXT_DAMAGED),
        (2, "wide", DoubtCode.NUMBER_UNREADABLE),
        (3, "", DoubtCode.DIGEST_MISSING),
        (3, "0" * 64, DoubtCode.DIGEST_PLACEHOLDER),
        (3, sha256().hexdigest(), DoubtCode.DIGEST_PLACEHOLDER),
        (3, COFFEE[:32], DoubtCode.DIGEST_MALFORMED),
        (4, "", DoubtCode.LICENCE_MISSING),
        (4, "?", DoubtCode.LICENCE_PLACEHOLDER),
        (4, "ask Bob", DoubtCode.LICENCE_UNKNOWN),
        (5, "", DoubtCode.BASIS_MISSING),
        (5, "because", DoubtCode.BASIS_UNKNOWN),
    ],
)
@pytest.mark.parametrize("write", [as_csv, as_lines, as_parquet])
def test_each_doubt_of_a_row_stays_with_that_row(
    write: Any, place: int, value: Any, code: DoubtCode
) -> None:
    faulty = (*ROW[:place], value, *ROW[place + 1 :])
    # A column of Parquet has one type.
    good = (*ROW[:2], str(ROW[2]), *ROW[3:]) if place == 2 else ROW
    first, second, third = read(write(good, faulty, good))
    assert (codes(first), codes(third)) == ([], [])
    assert codes(second) == [code]


def test_what_no_column_says_is_missing_from_each_item() -> None:
    (item,) = read(b"TEXT\nA cup\n")
    assert codes(item) == [
        DoubtCode.LOCATION_MISSING,
        DoubtCode.LICENCE_MISSING,
        DoubtCode.BASIS_MISSING,
        DoubtCode.DIGEST_MISSING,
    ]


def test_people_are_named_in_lists_or_in_one_cell() -> None:
    assert read(b"url,people\na.png,Ada; Ben\n")[0].depicts == ("Ada", "Ben")
    listed = pa.table({"url": ["a.png", "b.png"], "people": [["Ada", "Ben"], None]})
    assert [item.depicts for item in read(table_bytes(listed))] == [("Ada", "Ben"), ()]
    (item,) = read(b'{"url":"a.png","people":[7]}\n')
    assert (item.depicts, DoubtCode.PEOPLE_UNREADABLE in codes(item)) == (("?",), True)


def test_a_digest_in_bytes_is_read_in_hex() -> None:
    stored = pa.array([bytes.fromhex(COFFEE)], pa.binary(32))
    (item,) = read(table_bytes(pa.table({"url": ["a.png"], "sha256": stored})))
    assert item.digest == Digest("sha256", COFFEE)


def test_pictures_inside_a_table_are_not_read() -> None:
    table = pa.table(
        {"url": ["a.png"], "image": [{"bytes": b"x" * 99, "path": "a"}], "raw": [b"y"]}
    )
    reading = open_manifest(io.BytesIO(table_bytes(table))).read()
    told = [doubt.met for doubt in reading.doubts if doubt.code is DoubtCode.COLUMN_UNMAPPED]
    assert told == ["image (struct<bytes: binary, path: string>)", "raw (binary)"]
    assert [item.unknown for item in reading.items] == [()]


def test_a_table_without_header_is_said_to_be_one_and_guessed_by_its_content() -> None:
    manifest = open_manifest(io.BytesIO(as_csv(ROW, header=None)))
    assert DoubtCode.HEADER_MISSING in [doubt.code for doubt in manifest.read().doubts]
    (item,) = manifest.read().items
    assert (item.location, item.digest) == (ROW[0], Digest("sha256", COFFEE))


def test_a_column_twice_counts_once() -> None:
    manifest = open_manifest(io.BytesIO(b"url,url\na.png,b.png\n"))
    assert [doubt.code for doubt in manifest.table.doubts] == [DoubtCode.COLUMN_REPEATED]
    assert [item.location for item in manifest.read().items] == ["a.png"]


def test_rows_of_another_length_are_told() -> None:
    short, long = read(b"url,text\na.png\nb.png,B,C\n")
    assert codes(short)[0] is codes(long)[0] is DoubtCode.ROW_RAGGED
    assert (short.location, long.text) == ("a.png", "B")


def test_a_line_that_is_no_json_object_is_a_row_of_its_own() -> None:
    first, second, third = read(b'{"url":"a.png"}\nnonsense\n\n{"url":"b.png","later":1}\n')
    assert (first.location, second.location, third.location) == ("a.png", "", "b.png")
    assert codes(second)[0] is DoubtCode.LINE_UNREADABLE
    assert third.unknown == (("later", 1),)


def test_a_column_that_begins_late_is_kept_as_it_is(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tables, "SAMPLE", 1)
    assert read(b'{"url":"a.png"}\n{"url":"b.png","later":1}\n')[1].unknown == (("later", 1),)


@pytest.mark.parametrize("write", [as_csv, as_lines, as_parquet])
def test_chunks_join_without_a_seam(write: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tables, "ROWS_AT_ONCE", 3)
    monkeypatch.setattr(parquet_table, "ROWS_AT_ONCE", 3)
    rows = [(f"{n}.png", *ROW[1:]) for n in range(10)]
    found = read(write(*rows))
    assert [item.ordinal for item in found] == list(range(1, 11))
    assert [item.location for item in found] == [row[0] for row in rows]


@pytest.mark.parametrize(
    ("data", "complaint"),
    [
        (b"", "table is empty"),
        (b"\n\n", "table is empty"),
        ("url\na.png".encode("utf-16"), "is UTF-16, wanted UTF-8"),
        (b"a," * 400_000 + b"a\n", "has 400001 columns, at most 500"),
        (b"a" * (2**20 + 1), "a line has more than 1048576 bytes"),
        (b'url\n"' + b"a\n" * 100_000 + b'"', "no CSV that can be read on"),
        (b"url\n" + b'"\n",' * 1_100_000, "has more than 4194304 bytes"),
        (b"PAR1" + b"\0" * 100 + b"PAR1", "no Parquet file"),
        (as_parquet(ROW)[:-9], "no Parquet file"),
    ],
)
def test_what_is_no_table_is_refused(data: bytes, complaint: str) -> None:
    with pytest.raises(DescriptionRefused, match=complaint):
        read(data)


@pytest.mark.parametrize(
    ("data", "complaint"),
    [
        (b"[]\n" * 100, "no JSON object in its first lines"),
        (json.dumps({str(n): 1 for n in range(501)}).encode(), "has 501 columns, at most 500"),
    ],
)
def test_what_are_no_json_lines_is_refused(data: bytes, complaint: str) -> None:
    with pytest.raises(DescriptionRefused, match=complaint):
        read(data, TableForm.JSON_LINES)


def test_a_wide_parquet_file_is_refused() -> None:
    wide = pa.table({f"c{n}": [1] for n in range(501)})
    with pytest.raises(DescriptionRefused, match="has 501 columns, at most 500"):
        read(table_bytes(wide))
    with pytest.raises(DescriptionRefused, match="no column that can be read"):
        read(table_bytes(pa.table({"raw": [b"x"]})))


def test_a_long_text_said_many_times_does_not_fill_the_memory() -> None:
    # 400 MB of text in a file of some kilobytes.
    text = pa.DictionaryArray.from_arrays(pa.array([0] * 8_000), pa.array(["x" * 50_000]))
    data = table_bytes(pa.table({"url": ["a.png"] * 8_000, "text": text}), compression="zstd")
    assert len(data) < 2**20
    before = pa.default_memory_pool().max_memory()
    items = open_manifest(io.BytesIO(data)).read().items
    assert sum(len(item.text) for item in items) == 8_000 * 20_000
    assert pa.default_memory_pool().max_memory() - before < 50 * 2**20


@pytest.mark.parametrize(
    ("table", "complaint"),
    [
        ({"url": ["x" * 70_000]}, "a cell has 70000 bytes, at most 65536"),
        ({"people": [["x"] * 101]}, "cells list more than 100 values each"),
        ({"people": [["x" * 70_000]]}, "a cell has 70000 bytes, at most 65536"),
    ],
)
def test_cells_are_bounded(table: dict[str, Any], complaint: str) -> None:
    with pytest.raises(DescriptionRefused, match=complaint):
        read(table_bytes(pa.table(table)))


def test_a_row_group_that_unpacks_to_too_much_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(parquet_table, "MAX_UNPACKED", 10)
    with pytest.raises(DescriptionRefused, match="unpacks to more than 10 bytes"):
        read(as_parquet(ROW))


def test_text_that_is_no_utf8_is_a_doubt_of_its_row() -> None:
    damaged = pa.array([b"a\xff", b"b"]).view(pa.string())
    table = pa.table({"url": ["a.png", "b.png"], "text": damaged})
    first, second = read(table_bytes(table))
    assert DoubtCode.TEXT_DAMAGED in codes(first)
    assert (first.text, second.text) == ("a\ufffd", "b")
    assert DoubtCode.TEXT_DAMAGED in codes(read(b"url,text\na.png,\xff\n")[0])


def test_without_pyarrow_it_is_said_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(parquet_table, "pa", None)
    with pytest.raises(DescriptionRefused, match="pyarrow is not installed"):
        read(as_parquet(ROW))


@given(st.binary(max_size=200), st.sampled_from(TableForm))
def test_no_bytes_do_more_harm_than_a_refusal(data: bytes, form: TableForm) -> None:
    try:
        found = read(data, form)
    except DescriptionRefused:
        return
    assert [item.ordinal for item in found] == list(range(1, len(found) + 1))


@given(
    st.lists(
        st.tuples(
            st.sampled_from([512, 0, -1, 2**53, 1.0, 1.5, True, "512", None]),
            st.sampled_from(["CC0-1.0", "cc-by-4.0", "Beerware?", "", "n/a", None, 7]),
            st.sampled_from(["licence", "consent", "Licence", "", None, ["licence"]]),
            st.sampled_from(
                [
                    *(COFFEE, TEA, TEA.upper(), TEA[:-1], f"{TEA[:-1]} ", "ab" * 32, "é" * 64),
                    *(sha256(b"").hexdigest(), "", None),
                ]
            ),
            st.sampled_from(
                ["a.png", "https://pictures.example/a", "../a", "a\nb", " a", "", None]
            ),
        ),
        min_size=1,
        max_size=4,
    )
)
def test_a_column_read_as_a_whole_gives_what_each_of_its_cells_gives(rows: list[Any]) -> None:
    def line(width: Any, licence: Any, basis: Any, digest: Any, place: Any) -> tuple[Any, ...]:
        return (place, "A cup", width, digest, licence, basis, "no", "red")

    mapping = guess(HEADER, [ROW])

    def items(*some: Any) -> list[DescribedItem]:
        manifest = open_manifest(io.BytesIO(as_lines(*some)), TableForm.JSON_LINES)
        return list(manifest.read(mapping).items)

    # None of the columns is read as a whole beside this row.
    odd = line("?", "?", "?", "?", "?:")
    apart = [items(line(*row), odd)[0] for row in rows]
    together = items(*(line(*row) for row in rows))
    assert [item._replace(ordinal=1) for item in together] == apart


@given(st.lists(st.text("01abcdef", min_size=0, max_size=70), max_size=5))
def test_the_quick_way_to_read_a_digest_agrees_with_the_whole_one(stated: list[str]) -> None:
    one_by_one = [read(as_csv(("a.png", s), header=("url", "sha256")))[0].digest for s in stated]
    lines = [(f"{n}.png", s) for n, s in enumerate(stated)]
    if lines:
        together = read(as_csv(*lines, header=("url", "sha256")))
        assert [item.digest for item in together] == one_by_one


def test_times_and_other_values_of_a_table_are_told_as_text() -> None:
    seen = pa.array([1_700_000_000], pa.timestamp("s", tz="UTC"))
    (item,) = read(table_bytes(pa.table({"url": ["a.png"], "score": seen})))
    assert item.flags == (("score", "2023-11-14 22:13:20+00:00"),)


def test_meanings_have_names_that_do_not_overlap() -> None:
    every = [name for names in columns._NAMES.values() for name in names.split()]
    assert len(every) == len(set(every))


cells = st.text(st.sampled_from("ab=+-@';[],\"é{ }\t|"), min_size=1, max_size=8).map(
    lambda text: f"{text}x"
)
pairs = st.dictionaries(cells, cells.map(str.strip), max_size=3).map(lambda d: tuple(d.items()))
people = st.lists(cells.map(str.strip), max_size=3).map(tuple)


@given(
    st.builds(
        DescribedItem,
        st.just(1),
        location=cells.map(str.strip),
        digest=st.sampled_from([None, Digest("sha256", TEA), Digest("md5", TEA[:32])]),
        perceptual_hash=cells.map(str.strip),
        size=st.none() | st.integers(0, 9),
        width=st.none() | st.integers(0, 9),
        licence=cells.map(str.strip).map(Licence),
        depicts=people,
        creators=people,
        signals=pairs,
        flags=pairs,
        **dict.fromkeys(("media_type", "legal_basis", "text"), st.just("")),
        **dict.fromkeys(("unknown", "doubts"), st.just(())),
        height=st.none(),
    )
)
def test_what_waits_reads_back_as_it_was(item: DescribedItem) -> None:
    line = repair_table.write_item(item, ["licence_unknown"], ["Say which."])
    opened = open_manifest(io.BytesIO(repair_table.write_header() + line))
    (again,) = opened.read().items
    assert again._replace(doubts=()) == item
    assert [doubt.code for doubt in opened.read().doubts] == []
    # No cell is a formula.
    (said,) = list(csv.reader(io.StringIO(line.decode(), newline="")))
    assert not any(cell.startswith(("=", "+", "-", "@", "\t", "\r")) for cell in said)


def test_what_others_write_keeps_its_apostrophes() -> None:
    assert read(as_csv(["'=1"], header=["url"]))[0].location == "'=1"


@pytest.mark.parametrize(
    ("stated", "found", "code"),
    [
        ('{"noai": "1", "tdm": null}', (("noai", "1"),), None),
        ("noai", (), DoubtCode.MALFORMED),
        ("[1]", (), DoubtCode.MALFORMED),
        ("", (), None),
    ],
)
def test_signals_may_stand_in_one_cell(
    stated: str, found: tuple[tuple[str, str], ...], code: DoubtCode | None
) -> None:
    (item,) = read(as_csv(["a.png", "0", stated], header=["url", "gpc", "signals"]))
    assert item.signals == (("gpc", "0"), *found)
    assert ({one.code for one in item.doubts} & {DoubtCode.MALFORMED}) == ({code} - {None})
