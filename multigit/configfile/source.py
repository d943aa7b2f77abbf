"""Bytes to plain data with the place of every key and value; YAML 1.1's surprises are turned off or refused.

A plain word stays the text that was typed. Only `true`, `false`, `null`, `~`, an empty value and whole decimal
numbers become something else, and a number keeps its text for places that hold text (`Source.texts`). So `no`,
`10:00`, `0700`, `1e10` and dates are what they look like. The pure Python loader is used, never libyaml: the two
disagree on what is valid.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, Final

import yaml
from yaml.nodes import MappingNode, Node, ScalarNode, SequenceNode

from multigit.configfile.problems import MAX_BYTES, ConfigError, Problem, Where

MAX_DEPTH: Final = 32

Spot = tuple[int, int]
"""Line and column, from 1."""

_BREAK = re.compile("\r\n|[\r\n\x85\u2028\u2029]")
_WHOLE = re.compile(r"0|-?[1-9][0-9]{0,17}")
_CONTROL = re.compile("[\\x00-\\x08\\x0b-\\x1f\\x7f-\\x9f\u202a-\u202e\u2066-\u2069\ud800-\udfff\ufffe\uffff]")
_WORDS: Final = {"true": True, "false": False, "null": None, "~": None, "": None}
_HINTS: Final = (
    ("'\\t'", "a tab cannot indent YAML", "use spaces"),
    ("expected a single document", "a second document begins here", "remove it: one file is one document"),
    ("mapping values are not allowed", "a ':' stands where no key can be", "put a text with ': ' in it in quotes"),
    ("could not find expected ':'", "a key without ':'", "write key: value"),
    ("expected ',' or '}'", "this { } is not closed", "expected ',' or '}' here"),
    ("expected ',' or ']'", "this [ ] is not closed", "expected ',' or ']' here"),
    ("expected <block end>", "the indentation does not fit the lines above", "line it up with its neighbours"),
    ("cannot start any token", "", "put the text in quotes"),
)


@dataclass(slots=True)
class Source:
    """A file as read: `data`, and where each part of it stands."""

    name: str
    lines: tuple[str, ...]
    data: Any = None
    keys: dict[Where, Spot] = field(default_factory=dict)
    values: dict[Where, Spot] = field(default_factory=dict)
    texts: dict[Where, str] = field(default_factory=dict)
    """What was typed, for plain words that became a number, a boolean or nothing."""
    plain: set[Where] = field(default_factory=set)
    """Places of texts written without quotes."""
    problems: list[tuple[Where, Problem]] = field(default_factory=list)

    def problem(self, spot: Spot, message: str, suggestion: str = "") -> Problem:
        """A problem at a line and column."""
        line, column = spot
        source = self._line(line)
        return Problem(file=self.name, line=line, column=column, message=message, source=source, suggestion=suggestion)

    def char(self, spot: Spot) -> str:
        """The character there, '' at the end of a line."""
        return self._line(spot[0])[spot[1] - 1 : spot[1]]

    def _line(self, number: int) -> str:
        return self.lines[number - 1] if number <= len(self.lines) else ""

    def spot(self, where: Where, *, key: bool = False) -> Spot:
        """Place of the value at `where` (or of its key); of what encloses it where the file has no such thing."""
        first, second = (self.keys, self.values) if key else (self.values, self.keys)
        while where:
            if where in first or where in second:
                return first.get(where) or second[where]
            where, first, second = where[:-1], self.keys, self.values
        return self.values.get((), (1, 1))


def read(text: bytes, name: str) -> Source:
    """The file's data and places. ConfigError for what is not YAML at all; lesser problems are in `Source.problems`."""
    decoded = _decode(text, name)
    source = Source(name, tuple(_BREAK.split(decoded)))
    bad = yaml.reader.Reader.NON_PRINTABLE.search(decoded)
    if bad:
        message = f"character U+{ord(bad[0]):04X} is not allowed in YAML"
        raise ConfigError([source.problem(_spot_of(decoded, bad.start()), message, "remove it")])
    node = _compose(decoded, source)
    if node is None:
        raise ConfigError([source.problem((1, 1), "the file is empty", "multigit init writes one")])
    source.data = _build(source, node, ())
    return source


def _decode(text: bytes, name: str) -> str:
    empty = Source(name, ())
    if len(text) > MAX_BYTES:
        raise ConfigError([empty.problem((1, 1), f"the file is larger than {MAX_BYTES // 1024} KiB")])
    if text.startswith((b"\xff\xfe", b"\xfe\xff")) or b"\0" in text[:2]:
        raise ConfigError([empty.problem((1, 1), "the file is UTF-16 or UTF-32", "save it as UTF-8")])
    try:
        return text.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        good = text[: error.start].decode("utf-8-sig")
        message = f"byte 0x{text[error.start]:02x} is not UTF-8"
        raise ConfigError([empty.problem(_spot_of(good, len(good)), message, "save the file as UTF-8")]) from None


def _spot_of(text: str, index: int) -> Spot:
    lines = _BREAK.split(text[:index])
    return len(lines), len(lines[-1]) + 1


class _Loader(yaml.SafeLoader):
    """Composes nodes only; aliases, anchors and depth are stopped here, before anything is built."""

    yaml_implicit_resolvers: dict[str, Any] = {}  # noqa: RUF012 - PyYAML's own class attribute

    def __init__(self, text: str, source: Source) -> None:
        super().__init__(text)
        self.source = source
        self.depth = 0

    def compose_node(self, parent: Node | None, index: Any) -> Node | None:
        event = self.peek_event()  # type: ignore[no-untyped-call]
        spot = _spot(event.start_mark)
        if isinstance(event, yaml.AliasEvent):
            raise ConfigError([self.source.problem(spot, f"alias *{event.anchor} is not supported", "write it out")])
        if event.anchor:
            problem = self.source.problem(spot, f"anchor &{event.anchor} is not supported", "write it out")
            raise ConfigError([problem])
        if self.depth >= MAX_DEPTH:
            raise ConfigError([self.source.problem(spot, f"nested more than {MAX_DEPTH} deep")])
        self.depth += 1
        try:
            return super().compose_node(parent, index)
        finally:
            self.depth -= 1


def _compose(text: str, source: Source) -> Node | None:
    loader = _Loader(text, source)
    try:
        return loader.get_single_node()
    except yaml.MarkedYAMLError as error:
        raise ConfigError([_syntax(source, error)]) from None
    except (ValueError, OverflowError):  # an escape such as "\UFFFFFFFF" reaches chr() unchecked
        spot = loader.line + 1, loader.column + 1
        raise ConfigError([source.problem(spot, "an escape or number that YAML does not have")]) from None


def _syntax(source: Source, error: yaml.MarkedYAMLError) -> Problem:
    mark = error.problem_mark or error.context_mark
    spot = _spot(mark) if mark else (1, 1)
    said = error.problem or error.context or "not YAML"
    if "expected ','" in said and source.char(spot) == "?":
        return source.problem(spot, "a '?' in a text inside [ ] or { }", "put the text in quotes")
    for sign, message, suggestion in _HINTS:
        if sign in f"{error.context} {said}":
            return source.problem(spot, message or said, suggestion)
    return source.problem(spot, said)


def _spot(mark: Any) -> Spot:
    return mark.line + 1, mark.column + 1


def _build(source: Source, node: Node, where: Where) -> Any:
    source.values[where] = _spot(node.start_mark)
    if not node.tag.startswith("tag:yaml.org,2002:") or source.char(_spot(node.start_mark)) == "!":
        source.problems.append(
            (where, source.problem(_spot(node.start_mark), "tags (!…) are not supported", "remove it"))
        )
        return None
    if isinstance(node, MappingNode):
        return {key: _build(source, value, (*where, key)) for key, value in _entries(source, node, where)}
    if isinstance(node, SequenceNode):
        return [_build(source, item, (*where, number)) for number, item in enumerate(node.value)]
    assert isinstance(node, ScalarNode)
    return _scalar(source, node, where)


def _entries(source: Source, node: MappingNode, where: Where) -> Iterator[tuple[str, Node]]:
    """The entries with usable keys, each key once; what is left out is noted as a problem."""
    for key, value in node.value:
        spot = _spot(key.start_mark)
        message = _key_problem(key)
        if message:
            source.problems.append((where, source.problem(spot, message)))
            continue
        at = (*where, key.value)
        if at in source.keys:
            message = f'"{key.value}" is already set in line {source.keys[at][0]}'
            source.problems.append((at, source.problem(spot, message, "remove one of them")))
            continue
        source.keys[at] = spot
        yield key.value, value


def _key_problem(key: Node) -> str:
    if not isinstance(key, ScalarNode):
        return "a key must be a word"
    if key.value == "<<" and key.style is None:
        return "merge keys (<<) are not supported: write the entries out"
    if not key.value:
        return "a key must not be empty"
    return "a key must not have control characters" if _CONTROL.search(key.value) or "\n" in key.value else ""


def _scalar(source: Source, node: ScalarNode, where: Where) -> Any:
    text: str = node.value
    bad = _CONTROL.search(text)
    if bad:
        message = f"a text must not have the control character U+{ord(bad[0]):04X}"
        source.problems.append((where, source.problem(_spot(node.start_mark), message)))
        return _CONTROL.sub("?", text)
    if node.style is not None:
        return text
    source.plain.add(where)
    if text not in _WORDS and not _WHOLE.fullmatch(text):
        return text
    source.texts[where] = text
    return _WORDS[text] if text in _WORDS else int(text)
