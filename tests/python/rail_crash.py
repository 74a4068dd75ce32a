"""The example rail (playground/rail), with a place at which it dies.

    rail_crash.py POINT OPTIONS...        as settler.py; POINT is one of

    never      it lives until somebody kills it
    before     kill -9 in send, before the movement is on disk
    after      kill -9 in send, when the movement is on disk and nobody was told
    probe      kill -9 in a probe, when its answer is decided
    prepare    kill -9 in prepare
    slow       answers after the daemon has stopped waiting
"""

import asyncio
import os
import signal
import sys
import time

POINT = sys.argv.pop(1)
sys.path.insert(0, os.environ["TABD_RAIL_FOLDER"])

import capnp  # noqa: E402  the folder comes first

import settler  # noqa: E402
from book import Book  # noqa: E402


def die_at(point: str) -> None:
    if point == POINT:
        os.kill(os.getpid(), signal.SIGKILL)
        time.sleep(60)  # it does not get here


class CrashingBook(Book):
    def move(self, key, payment):
        die_at("before")
        moved = super().move(key, payment)
        die_at("after")
        return moved

    def has_moved(self, key):
        moved = super().has_moved(key)
        die_at("probe")
        return moved


def make_settler(schema, book):
    Made = settler_class(schema, book)

    class Crashing(Made):
        async def prepare_context(self, context):
            die_at("prepare")
            await super().prepare_context(context)

        async def send_context(self, context):
            if POINT == "slow":
                await asyncio.sleep(2.5)
            await super().send_context(context)

    return Crashing


settler_class, settler.make_settler = settler.make_settler, make_settler
asyncio.run(capnp.run(settler.serve(settler.arguments(), CrashingBook)))
