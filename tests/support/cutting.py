"""A network that breaks in the middle of a push over HTTP: a proxy that cuts the connection at a chosen moment."""

from __future__ import annotations

import asyncio
from typing import Literal, TypeAlias

from tests.support.delay import DelayProxy

Moment: TypeAlias = Literal["pack", "answer", "report"]
"""In the middle of what the client sends; when all was sent and nothing came back; in the middle of the answer."""
_PUSH = b"/git-receive-pack HTTP/1.1"
_PACK, _REPORT = 8_000, 60
"""Bytes that get through."""


class CuttingProxy(DelayProxy):
    """Forwards a loopback port; the `nth` push (from 1) through it is cut at `moment`, every later one with `all_on`.

    libcurl sends a request once more where a connection that served before ends without an answer: also a push.
    """

    def __init__(self, target: int, *, nth: int, moment: Moment, all_on: bool = False) -> None:
        super().__init__(target, round_trip=0)
        self.pushes = self.cuts = 0
        self._port, self._nth, self._moment, self._all_on = target, nth, moment, all_on

    async def _join(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        far_reader, far_writer = await asyncio.open_connection("127.0.0.1", self._port)
        struck = asyncio.Event()
        answering = asyncio.create_task(self._down(far_reader, writer, struck))
        try:
            await self._up(reader, far_writer, answering, struck)
        finally:
            answering.cancel()
            far_writer.transport.abort()

    async def _up(
        self, reader: asyncio.StreamReader, far: asyncio.StreamWriter, answering: asyncio.Task[None],
        struck: asyncio.Event,
    ) -> None:  # fmt: skip
        while data := await reader.read(1 << 16):
            if self._strikes(data):
                struck.set()
            cut = struck.is_set() and self._moment == "pack"
            far.write(data[:_PACK] if cut else data)
            await far.drain()
            if cut:
                return
        if far.can_write_eof():
            far.write_eof()
        await answering

    def _strikes(self, data: bytes) -> bool:
        if _PUSH not in data.partition(b"\r\n")[0]:
            return False
        self.pushes += 1
        struck = self.pushes == self._nth or (self._all_on and self.pushes > self._nth)
        self.cuts += struck
        return struck

    async def _down(self, far: asyncio.StreamReader, writer: asyncio.StreamWriter, struck: asyncio.Event) -> None:
        """The host answers when it has done what it was asked."""
        while data := await far.read(1 << 16):
            if struck.is_set():
                writer.write(data[:_REPORT] if self._moment == "report" else b"")
                await writer.drain()
                writer.transport.abort()
                return
            writer.write(data)
            await writer.drain()
        if writer.can_write_eof():
            writer.write_eof()
