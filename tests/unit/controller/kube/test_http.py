"""Credentials that are asked for in the middle of a call, and do not come."""

from __future__ import annotations

import asyncio

import pytest

from controller.api.resources import CONFIG_MAPS
from controller.kube import settings
from controller.kube.client import ApiServer
from controller.kube.config import Connection
from controller.kube.port import Unreachable

from .conftest import ScriptedServer

pytestmark = pytest.mark.looptime


class HangingSecondTime:
    """A plug-in that answers once, and then waits for a person at a browser."""

    def __init__(self, server: ScriptedServer) -> None:
        self._server, self.loads = server, 0

    async def load(self) -> Connection:
        self.loads += 1
        if self.loads > 1:
            await asyncio.Event().wait()
        return Connection(self._server.url)


async def test_credentials_that_do_not_come_end_every_call_at_its_deadline(
    server: ScriptedServer,
) -> None:
    source = HangingSecondTime(server)
    loop = asyncio.get_running_loop()
    async with ApiServer(source) as api:
        server.refuses(401, "Unauthorized", times=100)
        await asyncio.sleep(settings.RELOAD_INTERVAL_S + 1)
        with pytest.raises(Exception, match="401"):
            await api.get(CONFIG_MAPS, "shop", "a")  # loaded just now: not asked for again
        await asyncio.sleep(settings.RELOAD_INTERVAL_S + 1)
        began = loop.time()
        calls = (api.get(CONFIG_MAPS, "shop", name) for name in "abc")
        ends = await asyncio.gather(*calls, return_exceptions=True)
        assert loop.time() - began == pytest.approx(settings.READ_DEADLINE_S, abs=1)
    for end in ends:
        assert isinstance(end, Unreachable)
        assert "no credentials within 30 s" in str(end)
