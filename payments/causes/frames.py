"""Where an exception happened: in the user's code, else in ours. The function, never the line."""

from __future__ import annotations

import itertools
import re
import sysconfig
from collections.abc import Iterator
from dataclasses import dataclass
from types import FrameType

from payments.causes.wording import LONGEST_NAME, printable

MOST_FRAMES = 3000
OURS = ("payments", "jobs")
CALLS_HANDLERS = ("payments.processing", "call_handlers")
_LIBRARIES = tuple({sysconfig.get_path(name) for name in ("stdlib", "purelib", "platlib")})
_ENCLOSING = re.compile(r".*<locals>\.")


@dataclass(frozen=True)
class Place:
    """A function that an exception passed through; `package` is the first part of the module."""

    module: str
    function: str
    is_library: bool

    @property
    def package(self) -> str:
        return self.module.partition(".")[0]

    @property
    def is_ours(self) -> bool:
        return self.package in OURS

    @property
    def frame(self) -> str:
        return f"{self.module}:{self.function}"


def places(error: BaseException) -> list[Place]:
    """The functions of the user's code and of ours, the outermost first; without libraries."""
    found = [_place(frame) for frame in _frames(error)]
    own = _packages_of_handlers(found)
    return [place for place in found if not place.is_library or place.package in own]


def connecting_to(error: BaseException) -> Iterator[tuple[object, object]]:
    """The addresses that a library was connecting to: the system's errors do not name them."""
    for frame in _frames(error):
        if frame.f_code.co_name == "create_connection":
            address = frame.f_locals.get("address")
            if isinstance(address, tuple) and len(address) >= 2:
                yield address[0], address[1]


def _frames(error: BaseException) -> Iterator[FrameType]:
    traceback, count = error.__traceback__, 0
    while traceback is not None and count < MOST_FRAMES:
        yield traceback.tb_frame
        traceback, count = traceback.tb_next, count + 1


def _place(frame: FrameType) -> Place:
    code = frame.f_code
    return Place(
        module=printable(str(frame.f_globals.get("__name__", "?")), LONGEST_NAME),
        function=printable(_ENCLOSING.sub("", code.co_qualname), LONGEST_NAME),
        is_library=code.co_filename.startswith((*_LIBRARIES, "<")),
    )


def _packages_of_handlers(found: list[Place]) -> set[str]:
    """A handler may be installed as a library is; what is called as a handler is the user's."""
    return {
        called.package
        for caller, called in itertools.pairwise(found)
        if (caller.module, caller.function) == CALLS_HANDLERS
    }
