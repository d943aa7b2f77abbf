"""What a host says to a push is understood, or not, and never anything else."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import Final

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from multigit.model.names import Oid
from multigit.vcs.pushwire import Command, Greeted, Greeting, Verdict, greeting, landed, request, stale, verdict
from multigit.vcs.wire import FLUSH, NotUnderstood

CAN: Final = frozenset({"report-status", "side-band-64k", "ofs-delta", "atomic", "delete-refs"})
OPTIONAL: Final = ("report-status-v2", "quiet", "object-format=sha256", "object-format=sha1", "agent=git/2")
MAIN, TAG = "refs/heads/main", "refs/tags/v1"

refs = st.text(st.characters(exclude_categories=["C", "Z"]), min_size=1, max_size=20).map(lambda name: f"refs/{name}")
reasons = st.text(st.characters(exclude_characters="\n\0", exclude_categories=["Cs"]), min_size=1, max_size=40)
oids = st.text("0123456789abcdef", min_size=40, max_size=40).filter(lambda text: text.strip("0")).map(Oid)
maybe = st.none() | oids
commands = st.lists(
    st.builds(Command, refs, maybe, maybe).filter(lambda one: one.old or one.new),
    min_size=1, max_size=5, unique_by=lambda one: one.ref,
)  # fmt: skip


def packet(data: bytes) -> bytes:
    return b"%04x" % (len(data) + 4) + data


def lines(data: bytes) -> tuple[list[bytes], bytes]:
    """The packets up to the flush, and what comes behind it: a parser of its own."""
    found = []
    while (size := int(data[:4], 16)) > 0:
        found.append(data[4:size])
        data = data[size:]
    return found, data[4:]


def report(unpacked: str, rows: Sequence[str]) -> bytes:
    return b"".join(packet(f"{line}\n".encode()) for line in (f"unpack {unpacked}", *rows)) + FLUSH


def answer(inner: bytes, *asides: bytes, piece: int = 1000) -> bytes:
    """In the bands, in pieces, with the asides in between."""
    pieces = [packet(b"\1" + inner[place : place + piece]) for place in range(0, len(inner), piece)]
    said = [packet(b"\2" + aside) for aside in asides]
    return b"".join(part for pair in zip(said, pieces, strict=False) for part in pair) + b"".join(
        [*said[len(pieces) :], *pieces[len(said) :], FLUSH]
    )


def advertised(rows: Sequence[tuple[str, str]], can: frozenset[str] = CAN, *, web: bool = False) -> bytes:
    rows = rows or [("0" * 40, "capabilities^{}")]
    told = [f"{oid} {name}" for oid, name in rows]
    told[0] += "\0" + " ".join(sorted(can))
    before = packet(b"# service=git-receive-pack\n") + FLUSH if web else b""
    return before + b"".join(packet(f"{line}\n".encode()) for line in told) + FLUSH


half_git = st.lists(
    st.binary(max_size=30).map(packet) | st.sampled_from([FLUSH, b"0001", b"0002", b"0004", b"000", b"zzzz", b"+00f"])
    | st.sampled_from([b"unpack ok\n", b"ok refs/heads/main\n", b"ng \n", b"ng a\n", b"\1", b"\2", b"\3", b"\1000",
                       b"\1" + report("ok", ["ok a"]), b"\3fatal", b"ERR no", b"\xff\n", b"\0"]).map(packet),
    max_size=8,
).map(b"".join)  # fmt: skip


@given(st.binary(max_size=200) | half_git)
def test_of_any_bytes_something_is_understood_or_not(data: bytes) -> None:
    readers: list[Callable[[bytes], object]] = [greeting, verdict]
    for read in readers:
        with suppress(NotUnderstood):
            read(data)
    with suppress(NotUnderstood):
        assert Greeted()(bytearray(data)) in (True, False)


@given(st.lists(st.tuples(oids, refs), max_size=6, unique_by=lambda row: row[1]), st.booleans())
def test_a_greeting_tells_what_is_where(rows: list[tuple[str, str]], web: bool) -> None:
    data = advertised(rows, web=web)
    host = greeting(data)
    assert host.refs == {name: oid for oid, name in rows}
    assert host.has == {oid for oid, _ in rows}
    assert host.can >= CAN
    growing, whole = bytearray(), Greeted()
    start = len(packet(b"# service=git-receive-pack\n") + FLUSH) if web else 0  # ssh has no such head
    for byte in data[start:-1]:
        growing.append(byte)
        assert not whole(growing)
    growing += data[-1:]
    assert whole(growing)


@given(st.lists(st.tuples(oids, refs), max_size=6), st.data())
def test_a_greeting_that_is_cut_short_is_none(rows: list[tuple[str, str]], data: st.DataObject) -> None:
    whole = advertised(rows)
    cut = whole[: data.draw(st.integers(0, len(whole) - 1))]
    assert not Greeted()(bytearray(cut))
    with pytest.raises(NotUnderstood):
        greeting(cut)


def test_objects_of_which_no_ref_tells_are_known_as_well() -> None:
    host = greeting(advertised([("1" * 40, MAIN), ("2" * 40, ".have")]))
    assert host.has == {"1" * 40, "2" * 40}


@pytest.mark.parametrize("lacking", ["report-status", "side-band-64k", "ofs-delta"])
def test_a_host_that_can_too_little_is_left_to_git(lacking: str) -> None:
    with pytest.raises(NotUnderstood):
        greeting(advertised([], CAN - {lacking}))


@given(commands, st.sets(st.sampled_from(OPTIONAL)))
def test_a_request_says_what_is_meant_and_asks_for_what_the_host_can(moves: list[Command], more: set[str]) -> None:
    can = CAN | more
    rows, rest = lines(request(moves, can))
    assert rest == b""
    first, _, words = rows[0].decode().partition("\0")
    told = [line.split(" ", 2) for line in (first, *(row.decode() for row in rows[1:]))]
    nothing = "0" * 40
    assert [(name, old, new) for old, new, name in told] == [
        (one.ref, one.old or nothing, one.new or nothing) for one in moves
    ]
    asked = {word for word in words.split() if not word.startswith("agent=")}
    assert asked <= can
    assert {"atomic", "side-band-64k"} <= asked
    assert len(asked & {"report-status", "report-status-v2"}) == 1


@pytest.mark.parametrize("lacking", ["atomic", "delete-refs"])
def test_nothing_is_asked_that_a_host_cannot(lacking: str) -> None:
    move = Command(MAIN, Oid("1" * 40), None)
    with pytest.raises(NotUnderstood, match=lacking):
        request([move], CAN - {lacking})


@given(commands, st.data())
def test_what_is_not_as_named_is_stale_and_nothing_else(moves: list[Command], data: st.DataObject) -> None:
    there = {one.ref: str(one.old) for one in moves if one.old}
    assert stale(Greeting(CAN, there, frozenset()), moves) is None
    other = data.draw(st.sampled_from(moves))
    there[other.ref] = "f" * 40
    assume(other.old != "f" * 40)
    found = stale(Greeting(CAN, there, frozenset()), moves)
    assert found is not None
    assert set(found.refs) == {other.ref}
    assert not landed(found, moves)


@given(
    st.dictionaries(refs, st.none() | reasons, min_size=1, max_size=5),
    st.lists(st.binary(min_size=1, max_size=30), max_size=3),
    st.integers(1, 40),
)
def test_a_verdict_is_read_however_it_comes_in_pieces(
    said: dict[str, str | None], asides: list[bytes], piece: int
) -> None:
    rows = [f"ok {ref}" if why is None else f"ng {ref} {why}" for ref, why in said.items()]
    found = verdict(answer(report("ok", rows), *asides, piece=piece))
    assert found.unpacked == ""
    assert found.refs == {ref: why or "" for ref, why in said.items()}
    assert found.aside == b"".join(asides).decode("utf-8", "backslashreplace")
    moves = [Command(ref, None, Oid("1" * 40)) for ref in said]
    assert landed(found, moves) == all(why is None for why in said.values())


@given(
    st.dictionaries(refs, st.none() | reasons, max_size=4),
    st.lists(st.binary(min_size=1, max_size=30), max_size=3),
    st.integers(1, 40),
    st.data(),
)
def test_a_verdict_that_is_cut_short_is_none(
    said: dict[str, str | None], asides: list[bytes], piece: int, data: st.DataObject
) -> None:
    rows = [f"ok {ref}" if why is None else f"ng {ref} {why}" for ref, why in said.items()]
    whole = answer(report("ok", rows), *asides, piece=piece)
    inner = whole[: -len(FLUSH)]  # what was said to its end counts, although nobody took leave
    assume(piece <= len(FLUSH) or FLUSH in inner)  # not where the end of the report is itself in two pieces
    last = inner.rindex(FLUSH) if piece > len(FLUSH) else len(inner) - 1
    cut = whole[: data.draw(st.integers(0, min(last, len(inner) - 1)))]
    with pytest.raises(NotUnderstood):
        verdict(cut)


@pytest.mark.parametrize(
    "line",
    [f"ng {MAIN}", pytest.param(f"ng {MAIN} ")],
)
def test_a_no_without_a_reason_is_a_no(line: str) -> None:
    found = verdict(answer(report("ok", [line])))
    assert not landed(found, [Command(MAIN, None, Oid("1" * 40))])


def test_options_and_unknown_lines_are_no_answers() -> None:
    found = verdict(answer(report("ok", [f"ok {MAIN}", "option refname refs/heads/x", "option forced-update", "hm"])))
    assert found == Verdict("", {MAIN: ""}, "")
    assert not landed(found, [Command(MAIN, None, Oid("1" * 40)), Command(TAG, None, Oid("1" * 40))])


def test_what_was_not_unpacked_did_not_land() -> None:
    found = verdict(answer(report("index-pack abnormal exit", [f"ok {MAIN}"])))
    assert found.unpacked == "index-pack abnormal exit"
    assert not landed(found, [Command(MAIN, None, Oid("1" * 40))])


def test_the_last_words_of_a_host_are_no_verdict() -> None:
    with pytest.raises(NotUnderstood, match="out of memory"):
        verdict(answer(report("ok", [f"ok {MAIN}"]))[: -len(FLUSH)] + packet(b"\3fatal: out of memory\n") + FLUSH)
    with pytest.raises(NotUnderstood, match="service not enabled"):
        verdict(packet(b"ERR service not enabled"))
