"""What a child printed: its lines while it runs, and a text that keeps both ends of too much."""

from collections.abc import Callable

KEPT_KIB = 512  # kept of the beginning, and again of the end
_KEPT = KEPT_KIB * 1024
_LONGEST_LINE = 64 * 1024  # bytes that are held back in wait of a line end


class Capture:
    """One stream of a child."""

    def __init__(self, on_line: Callable[[str], None] | None) -> None:
        self._head, self._tail, self._line = bytearray(), bytearray(), bytearray()
        self._size = 0
        self._on_line = on_line

    def feed(self, data: bytes) -> None:
        """Take what was just read."""
        self._size += len(data)
        room = _KEPT - len(self._head)
        self._head += data[:room]
        self._tail += data[room:]
        if len(self._tail) > 2 * _KEPT:
            del self._tail[:-_KEPT]
        if self._on_line:
            *lines, rest = (bytes(self._line) + data).split(b"\n")
            self._line = bytearray(rest)
            for line in lines:
                self._emit(line)
            if len(self._line) > _LONGEST_LINE:
                self.finish()

    def finish(self) -> None:
        """Hand out the last line, which has no end."""
        if self._line:
            line, self._line = bytes(self._line), bytearray()
            self._emit(line)

    @property
    def text(self) -> str:
        """Everything, or the beginning and the end with the number of bytes between them."""
        tail = self._tail[-_KEPT:]
        missing = self._size - len(self._head) - len(tail)
        gap = f"\n... {missing} bytes left out ...\n".encode() if missing else b""
        return (self._head + gap + tail).decode("utf-8", "replace")

    def _emit(self, line: bytes) -> None:
        """Give one line; of a progress bar that overwrites itself, what stands there last."""
        if self._on_line:
            self._on_line(line.removesuffix(b"\r").rsplit(b"\r", 1)[-1].decode("utf-8", "replace"))
