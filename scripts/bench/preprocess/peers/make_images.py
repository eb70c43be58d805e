"""Makes the JPEGs of the suite from a photograph: `make_images.py PHOTO FOLDER`.

FOLDER/640x480.jpg, 1920x1080.jpg, 4000x3000.jpg, and FOLDER/mixed/0000.jpg to 1999.jpg with sides of 240 to 1279 pixels.
The photograph is mirrored side by side until it is large enough: enlarging it would leave nothing for a decoder to do.
"""

import sys
from pathlib import Path

import numpy as np
from PIL import Image

sys.path.append(str(Path(__file__).resolve().parents[3] / "export"))
from fill import hash22  # noqa: E402

SIZES = ((640, 480), (1920, 1080), (4000, 3000))
MIXED = 2000
SMALLEST, SPREAD = 240, 1040
QUALITY = 90  # with Pillow's default of half the colour resolution, as cameras do


def mirrored(photo: np.ndarray, width: int, height: int, left: int, top: int) -> Image.Image:
    """uint8 [height,width,3]: what lies at (left, top) of the plane that the photograph and its mirror images tile."""

    def positions(start: int, count: int, period: int) -> np.ndarray:
        offset = np.arange(start, start + count) % (2 * period)
        return np.minimum(offset, 2 * period - 1 - offset)

    rows = positions(top, height, photo.shape[0])
    columns = positions(left, width, photo.shape[1])
    return Image.fromarray(photo[rows][:, columns])


def main(file: str, folder: str) -> None:
    photo = np.asarray(Image.open(file).convert("RGB"))
    out = Path(folder)
    (out / "mixed").mkdir(parents=True, exist_ok=True)
    for width, height in SIZES:
        mirrored(photo, width, height, 0, 0).save(out / f"{width}x{height}.jpg", quality=QUALITY)
    numbers = hash22(1, np.arange(4 * MIXED)).reshape(MIXED, 4).tolist()
    for index, (a, b, left, top) in enumerate(numbers):
        width, height = SMALLEST + a % SPREAD, SMALLEST + b % SPREAD
        mirrored(photo, width, height, left, top).save(out / "mixed" / f"{index:04}.jpg", quality=QUALITY)


main(*sys.argv[1:])
