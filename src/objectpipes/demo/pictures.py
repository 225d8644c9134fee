"""Pictures that nobody has to download: synthesised, and encoded as real JPEG files."""

from __future__ import annotations

import functools
import hashlib
import io
import tarfile
from typing import BinaryIO, NamedTuple

import numpy as np
from PIL import Image, ImageDraw

# Pixels of a side; the files have about 2 to 200 KiB.
_MIN_SIDE, _MAX_SIDE = 96, 640
_SHAPES = 6


class Picture(NamedTuple):
    """A file, and what must be seen in it."""

    data: bytes  # the JPEG file
    digest: str  # pixels_digest of it


def make_picture(number: int) -> Picture:
    """Return one of an endless series of pictures, always the same for one number."""
    random = np.random.default_rng(number)
    side = _MIN_SIDE * (_MAX_SIDE / _MIN_SIDE) ** random.random()
    height, width = (int(side * stretch) for stretch in random.uniform(0.75, 1.25, 2))
    image = Image.fromarray(_gradient(random, height, width) + _noise(random, height, width))
    draw = ImageDraw.Draw(image)
    for _ in range(_SHAPES):
        corner = random.uniform(0, (width, height))
        extent = random.uniform(0, (width / 2, height / 2))
        colour = tuple(random.integers(0, 256, 3).tolist())
        draw.ellipse((*corner, *(corner + extent)), fill=colour)
    file = io.BytesIO()
    image.save(file, "JPEG", quality=int(random.integers(60, 95)))
    file.seek(0)
    return Picture(file.getvalue(), pixels_digest(file))


def make_shard(numbers: range) -> tuple[bytes, dict[str, str]]:
    """Return a tar file of pictures, and the digest of each by its name there."""
    digests = {}
    file = io.BytesIO()
    with tarfile.open(fileobj=file, mode="w") as shard:
        for number in numbers:
            picture = make_picture(number)
            member = tarfile.TarInfo(f"{number:06}.jpg")
            member.size = len(picture.data)
            shard.addfile(member, io.BytesIO(picture.data))
            digests[member.name] = picture.digest
    return file.getvalue(), digests


def pixels_digest(file: BinaryIO) -> str:
    """Decode a picture, and return a hash of its pixels."""
    with Image.open(file) as image:
        return hashlib.sha256(image.tobytes()).hexdigest()


def _gradient(random: np.random.Generator, height: int, width: int) -> np.ndarray:
    """Let the colours of four corners run into each other; none is brighter than half."""
    corners = Image.fromarray(random.integers(0, 128, (2, 2, 3), dtype=np.uint8))
    return np.asarray(corners.resize((width, height), Image.Resampling.BILINEAR))


def _noise(random: np.random.Generator, height: int, width: int) -> np.ndarray:
    """Take a piece of a texture, faint or strong: that decides how well a picture compresses."""
    texture = _texture()
    top, left = random.integers(0, (len(texture) - height, len(texture) - width))
    return texture[top : top + height, left : left + width] >> random.integers(0, 6, dtype=np.uint8)


@functools.cache
def _texture() -> np.ndarray:
    random = np.random.default_rng(0)
    return random.integers(0, 128, (1024, 1024, 1), dtype=np.uint8)
