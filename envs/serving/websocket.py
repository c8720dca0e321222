"""The server's side of a WebSocket (RFC 6455): text messages both ways, no extensions, one thread."""

from __future__ import annotations

import base64
import hashlib
import socket
import struct
from io import BufferedIOBase

GUID = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11"  # RFC 6455, section 1.3
VERSION = "13"
CONTINUATION, TEXT, BINARY, CLOSE, PING, PONG = 0x0, 0x1, 0x2, 0x8, 0x9, 0xA
FINAL, RESERVED, OPCODE, MASKED, LENGTH = 0x80, 0x70, 0x0F, 0x80, 0x7F  # bits of a frame's first two bytes
MAX_CONTROL_BYTES = 125
HANG_UP_SECONDS = 2.0  # for the client to stop sending
NORMAL, GOING_AWAY, PROTOCOL_ERROR, UNSUPPORTED, NOT_UTF8, TOO_BIG = 1000, 1001, 1002, 1003, 1007, 1009


class Broken(Exception):
    """The connection is to be closed with ``code``."""

    def __init__(self, code: int, reason: str) -> None:
        super().__init__(reason)
        self.code = code


def accept_key(key: str) -> str:
    """What proves to the client that its handshake was read as one. RFC 6455, section 4.2.2."""
    return base64.b64encode(hashlib.sha1((key + GUID).encode()).digest()).decode()


class WebSocket:
    """An open WebSocket over the two ends of a socket; ``max_bytes`` bounds a message."""

    def __init__(self, reading: BufferedIOBase, writing: BufferedIOBase, max_bytes: int) -> None:
        self._reading = reading
        self._writing = writing
        self._max_bytes = max_bytes

    def receive(self) -> str | None:
        """The next message, or None when the client says goodbye; answers pings meanwhile.

        Raises:
            Broken: what came is no text message; close with its code.
            OSError: the connection is lost, or silent for longer than the socket's timeout.
        """
        message = bytearray()
        begun = False
        while True:
            final, opcode, payload = self._frame(self._max_bytes - len(message))
            if opcode == CLOSE:
                return None
            if opcode == PING:
                self._send(PONG, payload)
            elif opcode == BINARY:
                raise Broken(UNSUPPORTED, "messages are text")
            elif opcode in (TEXT, CONTINUATION):
                if begun is not (opcode == CONTINUATION):
                    raise Broken(PROTOCOL_ERROR, "a message's first frame, and no other, names its type")
                begun = True
                message += payload
                if final:
                    break
            elif opcode != PONG:
                raise Broken(PROTOCOL_ERROR, "unknown type of frame")
        try:
            return message.decode()
        except UnicodeDecodeError:
            raise Broken(NOT_UTF8, "a message is UTF-8") from None

    def send(self, text: str) -> None:
        self._send(TEXT, text.encode())

    def close(self, code: int = NORMAL, reason: str = "") -> None:
        """Say goodbye; whoever owns the socket closes it."""
        self._send(CLOSE, struct.pack("!H", code) + reason.encode()[: MAX_CONTROL_BYTES - 2])

    def _frame(self, room: int) -> tuple[bool, int, bytes]:
        first, second = self._read(2)
        opcode, length = first & OPCODE, second & LENGTH
        if first & RESERVED or not second & MASKED:
            raise Broken(PROTOCOL_ERROR, "a client's frames are masked, and no extension was agreed")
        if opcode >= CLOSE and (length > MAX_CONTROL_BYTES or not first & FINAL):
            raise Broken(PROTOCOL_ERROR, "a control frame is short and whole")
        if length == 126:
            (length,) = struct.unpack("!H", self._read(2))
        elif length == 127:
            (length,) = struct.unpack("!Q", self._read(8))
        if opcode < CLOSE and length > room:
            raise Broken(TOO_BIG, f"a message has at most {self._max_bytes} bytes")
        mask, payload = self._read(4), self._read(length)
        key = int.from_bytes((mask * (length // 4 + 1))[:length], "big")
        return bool(first & FINAL), opcode, (int.from_bytes(payload, "big") ^ key).to_bytes(length, "big")

    def _read(self, count: int) -> bytes:
        data = self._reading.read(count)
        if len(data) < count:
            raise ConnectionResetError("the client has gone")
        return data

    def _send(self, opcode: int, payload: bytes) -> None:
        length = len(payload)
        if length < 126:
            head = struct.pack("!BB", FINAL | opcode, length)
        elif length < 1 << 16:
            head = struct.pack("!BBH", FINAL | opcode, 126, length)
        else:
            head = struct.pack("!BBQ", FINAL | opcode, 127, length)
        self._writing.write(head + payload)
        self._writing.flush()


def hang_up(connection: socket.socket, room: int) -> None:
    """Let the client read what was said last: a socket closed with unread data in it takes that back."""
    connection.settimeout(HANG_UP_SECONDS)
    connection.shutdown(socket.SHUT_WR)
    while room > 0 and (data := connection.recv(1 << 16)):
        room -= len(data)
