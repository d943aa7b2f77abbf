"""A network of a chosen distance: a TCP proxy on loopback that holds everything back for half a round trip each way."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Coroutine
from contextlib import suppress
from typing import Any, Self, TypeAlias, TypeVar

_T = TypeVar("_T")
_Reader: TypeAlias = asyncio.StreamReader
_Writer: TypeAlias = asyncio.StreamWriter


class DelayProxy:
    """Forwards a loopback port to the loopback port `target`, with `round_trip` seconds between question and answer.

    Order is kept, bandwidth is unlimited, and a new connection costs one round trip more, as TCP's handshake would.
    The event loop runs in a thread of its own. `connections` counts those accepted so far.
    """

    def __init__(self, target: int, *, round_trip: float) -> None:
        self.port = 0
        self.connections = 0
        self._target, self._round_trip = target, round_trip
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="delay-proxy", daemon=True)
        self._open: set[_Writer] = set()
        self._tasks: set[asyncio.Task[None]] = set()

    def __enter__(self) -> Self:
        self._thread.start()
        self._server = self._wait(asyncio.start_server(self._serve, "127.0.0.1", 0))
        self.port = self._server.sockets[0].getsockname()[1]
        return self

    def __exit__(self, *_: object) -> None:
        self._wait(self._close())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(5)
        self._loop.close()

    def cut(self) -> None:
        """Break every open connection, bytes on the way included; new ones are accepted as before.

        libcurl then sends a request again if the connection had served another and no answer had begun: a push over
        HTTP may so be tried twice.
        """
        self._wait(self._abort())

    def down(self) -> None:
        """Break every open connection and refuse new ones, for good."""
        self._wait(self._refuse())

    def _wait(self, work: Coroutine[Any, Any, _T]) -> _T:
        return asyncio.run_coroutine_threadsafe(work, self._loop).result(5)

    async def _close(self) -> None:
        await self._refuse()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _refuse(self) -> None:
        self._server.close()
        await self._abort()

    async def _abort(self) -> None:
        for writer in self._open:
            writer.transport.abort()

    async def _serve(self, reader: _Reader, writer: _Writer) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._tasks.add(task)
        self._open.add(writer)
        self.connections += 1
        try:
            with suppress(OSError):  # the target is not there, or one side broke off: the other side sees it end
                await self._join(reader, writer)
        except asyncio.CancelledError:
            return  # we are closing; asyncio.start_server would report a cancelled handler as an error
        finally:
            writer.transport.abort()
            self._open.discard(writer)
            self._tasks.discard(task)

    async def _join(self, reader: _Reader, writer: _Writer) -> None:
        opened = self._loop.time()
        far_reader, far_writer = await asyncio.open_connection("127.0.0.1", self._target)
        self._open.add(far_writer)
        try:
            # Over a real distance the client may speak after one round trip, the server half a trip later still.
            async with asyncio.TaskGroup() as both:
                both.create_task(self._carry(reader, far_writer, opened + self._round_trip))
                both.create_task(self._carry(far_reader, writer, opened + self._round_trip * 1.5))
        except* OSError:
            pass
        finally:
            far_writer.transport.abort()
            self._open.discard(far_writer)

    async def _carry(self, source: _Reader, sink: _Writer, earliest: float) -> None:
        """One direction: read at once, write when due, pass the end on as a half-close."""
        waiting: asyncio.Queue[tuple[float, bytes]] = asyncio.Queue()
        writing = asyncio.create_task(self._deliver(waiting, sink))
        try:
            data = b"-"
            while data:
                data = await source.read(1 << 16)
                waiting.put_nowait((max(self._loop.time(), earliest) + self._round_trip / 2, data))
            await writing
        finally:
            writing.cancel()

    async def _deliver(self, waiting: asyncio.Queue[tuple[float, bytes]], sink: _Writer) -> None:
        while True:
            due, data = await waiting.get()
            await asyncio.sleep(due - self._loop.time())
            if not data:
                break
            sink.write(data)
            await sink.drain()
        if sink.can_write_eof():
            sink.write_eof()
