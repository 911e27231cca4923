"""What unpacks a compressed body, a function for each format, none of which makes more than it is asked for. Pure.

Brotli and Zstandard come in packages of their own. Where one is missing, receivers are not told that they may use it.
"""

from __future__ import annotations

import sys
import zlib
from collections.abc import Callable
from typing import Final

Decoder = Callable[[bytes, int], tuple[bytes, bool]]
"""Takes the data and a limit in bytes; gives what came out, and whether the data had come to its end by then."""


def _gunzip(data: bytes, limit: int) -> tuple[bytes, bool]:
    """Of one member or several. What follows the last is left out: it is the line end of a script."""
    output = b""
    while True:
        member = zlib.decompressobj(zlib.MAX_WBITS | 16)
        output += member.decompress(data, limit - len(output))
        data = member.unused_data
        if len(output) >= limit or not data.startswith(b"\x1f\x8b"):
            return output, member.eof


def _inflate(data: bytes, limit: int) -> tuple[bytes, bool]:
    """With the header that the standard asks for, or bare, as some servers understood it."""
    try:
        stream = zlib.decompressobj()
        return stream.decompress(data, limit), stream.eof
    except zlib.error:
        bare = zlib.decompressobj(-zlib.MAX_WBITS)
        return bare.decompress(data, limit), bare.eof


DECODERS: Final[dict[str, Decoder]] = {"gzip": _gunzip, "deflate": _inflate}
"""By their names in headers."""
BROKEN: Final[list[type[Exception]]] = [zlib.error]
"""What they raise where the data does not follow the format."""

try:
    import brotli
except ImportError:
    pass
else:

    def _unbrotli(data: bytes, limit: int) -> tuple[bytes, bool]:
        stream = brotli.Decompressor()
        output = stream.process(data, output_buffer_limit=limit)
        return output[:limit], stream.is_finished()  # It stops at the block that reaches the limit.

    DECODERS["br"] = _unbrotli
    BROKEN.append(brotli.error)

try:
    if sys.version_info >= (3, 14):
        from compression import zstd
    else:
        from backports import zstd
except ImportError:
    pass
else:
    # A frame names the memory that it takes. HTTP allows 8 MiB (RFC 9659).
    _WINDOW: Final[dict[int, int]] = {zstd.DecompressionParameter.window_log_max: 23}

    def _unzstd(data: bytes, limit: int) -> tuple[bytes, bool]:
        """Of one frame or several."""
        output = b""
        while True:
            frame = zstd.ZstdDecompressor(options=_WINDOW)
            output += frame.decompress(data, limit - len(output))
            if len(output) >= limit or not frame.eof or not frame.unused_data.startswith(_FRAMES):
                return output, frame.eof
            data = frame.unused_data

    # Of data, and of what is skipped.
    _FRAMES: Final = (b"\x28\xb5\x2f\xfd", *(bytes([0x50 + number, 0x2A, 0x4D, 0x18]) for number in range(16)))
    DECODERS["zstd"] = _unzstd
    BROKEN.append(zstd.ZstdError)
