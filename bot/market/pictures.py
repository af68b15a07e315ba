"""A picture from outside, made anew: of a known kind and a bounded size, with nothing hidden."""

from __future__ import annotations

import io
import warnings

from PIL import Image, ImageOps

# What a phone's best camera makes; a bomb says more, and is not unpacked.
_PIXELS_MAX = 60_000_000
# Of other kinds than JPEG every pixel is unpacked, at up to four bytes.
_PIXELS_MAX_WHOLE = 20_000_000
_SIDE_MAX = 1280
_QUALITY = 82
_KINDS = ("JPEG", "PNG", "WEBP")


class NoPicture(ValueError):
    """This is no picture of a kind that we take, or none that can be unpacked safely."""


def made_anew(raw: bytes) -> bytes:
    """A JPEG of at most 1280 pixels a side, of what `raw` shows. It takes up to half a second.

    Only the pixels are taken over: no place, no camera, nothing that stands behind the picture.
    Raises `NoPicture`.
    """
    try:
        with warnings.catch_warnings():
            # The library only warns of a picture up to twice as large as it likes.
            warnings.simplefilter("error", Image.DecompressionBombWarning)
            return _made_anew(raw)
    except (OSError, ValueError, SyntaxError, MemoryError, Image.DecompressionBombError) as error:
        raise NoPicture(type(error).__name__) from None
    except Image.DecompressionBombWarning:
        raise NoPicture("too many pixels") from None


def _made_anew(raw: bytes) -> bytes:
    with Image.open(io.BytesIO(raw), formats=_KINDS) as picture:
        # Known from the first bytes, before anything is unpacked.
        most = _PIXELS_MAX if picture.format == "JPEG" else _PIXELS_MAX_WHOLE
        if picture.width * picture.height > most:
            raise NoPicture("too many pixels")
        # A large JPEG is unpacked to a fraction of its size at once.
        picture.draft("RGB", (_SIDE_MAX, _SIDE_MAX))
        picture.thumbnail((_SIDE_MAX, _SIDE_MAX))
        # Turned once it is small, and in its own place: never two large ones at once.
        ImageOps.exif_transpose(picture, in_place=True)
        plain = Image.new("RGB", picture.size, "white")
        shown = picture.convert("RGBA")
        plain.paste(shown, mask=shown.getchannel("A"))
    made = io.BytesIO()
    plain.save(made, "JPEG", quality=_QUALITY, optimize=True)
    return made.getvalue()
