"""Telling what kind of file some bytes are, by the first of them."""

from __future__ import annotations

_IMAGES = {
    b"\x89PNG\r\n\x1a\n": "image/png",
    b"\xff\xd8\xff": "image/jpeg",
    b"GIF8": "image/gif",
    b"BM": "image/bmp",
    b"II*\x00": "image/tiff",
    b"MM\x00*": "image/tiff",
}
_SOUNDS = {
    b"ID3": "audio/mpeg",
    b"fLaC": "audio/flac",
    b"OggS": "audio/ogg",
}
_VIDEOS = {
    b"\x1aE\xdf\xa3": "video/webm",
    b"\x00\x00\x01\xba": "video/mpeg",
    b"\x00\x00\x01\xb3": "video/mpeg",
    b"OggS": "video/ogg",
    b"FLV": "video/x-flv",
}
# Of files in MP4 boxes, the brands that hold no pictures (ISO 14496-12, section 4.3).
_SOUND_BRANDS = frozenset({b"M4A ", b"M4B "})
_PICTURE_BRANDS = frozenset({b"avif", b"avis", b"heic", b"heix", b"mif1"})
_SYNC = 0xFFE0
_LAYER = 0x0006
_UNKNOWN = "application/octet-stream"


def image_mime(head: bytes) -> str | None:
    """Tell the media type of an image, or None where it is no known kind.

    Args:
        head: The first bytes of the file, at least twelve of them.

    >>> image_mime(b"GIF89a and so on")
    'image/gif'
    """
    if _riff(head) == b"WEBP":
        return "image/webp"
    return _by_signature(head, _IMAGES)


def audio_mime(head: bytes) -> str | None:
    """Tell the media type of a sound, or None where it is no known kind.

    Args:
        head: The first bytes of the file, at least twelve of them.
    """
    if _riff(head) == b"WAVE":
        return "audio/wav"
    if head[4:8] == b"ftyp":
        return "audio/mp4" if head[8:12] in _SOUND_BRANDS else None
    return _by_signature(head, _SOUNDS) or _mpeg_frame(head)


def video_mime(head: bytes) -> str:
    """Tell the media type of a video; kinds that are not known have a general one.

    Args:
        head: The first bytes of the file, at least twelve of them.
    """
    if _riff(head) == b"AVI ":
        return "video/x-msvideo"
    if head[4:8] == b"ftyp":
        return _boxed(head[8:12])
    return _by_signature(head, _VIDEOS) or _UNKNOWN


def _boxed(brand: bytes) -> str:
    if brand in _PICTURE_BRANDS:
        return "image/heif"
    return "video/quicktime" if brand == b"qt  " else "video/mp4"


def _riff(head: bytes) -> bytes | None:
    return head[8:12] if head[:4] == b"RIFF" else None


def _by_signature(head: bytes, table: dict[bytes, str]) -> str | None:
    for signature, mime in table.items():
        if head.startswith(signature):
            return mime
    return None


def _mpeg_frame(head: bytes) -> str | None:
    """Tell MPEG audio without tags by its sync word (ISO 11172-3, section 2.4.1.3).

    Two bits name the layer; zero would be AAC, which is framed alike.
    """
    sync = int.from_bytes(head[:2])
    if sync & _SYNC != _SYNC:
        return None
    return "audio/mpeg" if sync & _LAYER else "audio/aac"
