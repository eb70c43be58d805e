"""Writes test/golden/images/*: small files of every kind that Pillow opens and we decode.

Run with the Python of .oracle: .oracle/bin/python scripts/golden/images.py
"""

import io
import struct
import zlib
from pathlib import Path

import numpy as np
from PIL import Image, ImageCms

FOLDER = Path(__file__).parents[2] / "test" / "golden" / "images"


def pixels(width: int, height: int, channels: int = 3) -> np.ndarray:
    """uint8 [height, width, channels]: gradients, edges and noise. test/support/picture.ts has the same rule."""
    y, x, c = np.meshgrid(*(np.arange(n, dtype=np.uint32) for n in (height, width, channels)), indexing="ij")
    noise = ((x * 73856093) ^ (y * 19349663) ^ (c * 83492791)) * np.uint32(2654435761)
    return ((x * (c + 2) + y * 3 + (noise >> 26) + 97 * (((x >> 4) ^ (y >> 4)) & 1)) & 255).astype(np.uint8)


def picture(width: int, height: int, mode: str = "RGB") -> Image.Image:
    channels = {"L": 1, "LA": 2, "RGB": 3, "RGBA": 4, "CMYK": 4}[mode]
    values = pixels(width, height, channels)
    return Image.fromarray(values[..., 0] if channels == 1 else values, mode=mode)


def write(name: str, content: bytes) -> None:
    (FOLDER / name).write_bytes(content)


def encoded(image: Image.Image, form: str, **options) -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, form, **options)
    return buffer.getvalue()


def without_segment(jpeg: bytes, marker: int) -> bytes:
    start = jpeg.index(bytes([0xFF, marker]))
    return jpeg[:start] + jpeg[start + 2 + int.from_bytes(jpeg[start + 2 : start + 4], "big") :]


def orientation(value: int) -> Image.Exif:
    exif = Image.Exif()
    exif[0x0112] = value
    return exif


def profile_with_red_and_green_exchanged() -> bytes:
    """A colour profile that shows whether anybody obeys it; its date, which would change each time, is blank."""
    profile = bytearray(ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes())
    profile[24:36] = bytes(12)
    red, green = profile.index(b"rXYZ"), profile.index(b"gXYZ")
    profile[red : red + 4], profile[green : green + 4] = b"gXYZ", b"rXYZ"
    return bytes(profile)


def write_jpegs() -> None:
    photo = picture(97, 61)
    for name, sampling in [("444", "4:4:4"), ("422", "4:2:2"), ("420", "4:2:0")]:
        write(f"{name}.jpg", encoded(photo, "JPEG", quality=90, subsampling=sampling))
    write("low-quality.jpg", encoded(picture(120, 80), "JPEG", quality=20))
    write("grey.jpg", encoded(picture(97, 61, "L"), "JPEG"))
    write("progressive.jpg", encoded(photo, "JPEG", progressive=True))
    write("progressive-grey.jpg", encoded(picture(97, 61, "L"), "JPEG", progressive=True))
    write("restart-rows.jpg", encoded(photo, "JPEG", restart_marker_rows=1))
    write("restart-blocks.jpg", encoded(photo, "JPEG", restart_marker_blocks=3, subsampling="4:2:2"))
    write("rgb-components.jpg", encoded(photo, "JPEG", keep_rgb=True))
    write("tall.jpg", encoded(picture(40, 203), "JPEG"))
    write("wide.jpg", encoded(picture(301, 37), "JPEG"))
    write("one-pixel.jpg", encoded(picture(1, 1), "JPEG"))
    write("large.jpg", encoded(picture(640, 427).resize((1280, 854), Image.Resampling.BICUBIC), "JPEG", quality=60))
    write("profile.jpg", encoded(photo, "JPEG", icc_profile=profile_with_red_and_green_exchanged()))
    for value in range(1, 9):
        write(f"exif-{value}.jpg", encoded(picture(48, 31), "JPEG", quality=90, exif=orientation(value)))
    adobe = encoded(picture(61, 45, "CMYK"), "JPEG", quality=90)
    write("cmyk-adobe.jpg", adobe)
    write("cmyk.jpg", without_segment(adobe, 0xEE))
    ycck = bytearray(adobe)
    ycck[adobe.index(b"Adobe") + 11] = 2  # the same samples, said to be YCCK
    write("ycck-adobe.jpg", bytes(ycck))
    plain = encoded(photo, "JPEG")
    scan = plain.index(b"\xff\xda")
    write("extraneous-bytes.jpg", plain[:scan] + b"\x01\x02\x03" + plain[scan:])
    write("no-end-marker.jpg", plain[:-2])


def chunk(kind: bytes, content: bytes) -> bytes:
    return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))


def png(width: int, height: int, depth: int, colour: int, rows: np.ndarray, extra: bytes = b"", passes=None) -> bytes:
    """`rows`: uint8 [height, bytes]. What Pillow cannot write: 16 bits with colour or alpha, 2 and 4 bits of grey."""
    header = struct.pack(">IIBBBBB", width, height, depth, colour, 0, 0, 1 if passes else 0)
    lines = passes or [rows]
    data = b"".join(b"\x00" + line.tobytes() for part in lines for line in part)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + extra + chunk(b"IDAT", zlib.compress(data, 9)) + chunk(b"IEND", b"")


def adam7(values: np.ndarray) -> list[np.ndarray]:
    starts = [(0, 0, 8, 8), (0, 4, 8, 8), (4, 0, 8, 4), (0, 2, 4, 4), (2, 0, 4, 2), (0, 1, 2, 2), (1, 0, 2, 1)]
    parts = [values[y::dy, x::dx] for y, x, dy, dx in starts]
    return [part.reshape(part.shape[0], -1) for part in parts if part.size > 0]


def packed(values: np.ndarray, depth: int) -> np.ndarray:
    """Grey of `depth` bits, the first pixel in the highest bits."""
    bits = np.unpackbits(values[..., None] >> (8 - depth), axis=-1)[..., 8 - depth :]
    return np.packbits(bits.reshape(len(values), -1), axis=-1)


def write_pngs() -> None:
    width, height = 53, 40
    for name, mode in [("grey", "L"), ("grey-alpha", "LA"), ("rgb", "RGB"), ("rgba", "RGBA")]:
        write(f"{name}.png", encoded(picture(width, height, mode), "PNG"))
    for name, colour, channels in [("grey-alpha-16", 4, 2), ("rgb-16", 2, 3), ("rgba-16", 6, 4)]:
        values = pixels(width, height, channels * 2).reshape(height, -1)
        write(f"{name}.png", png(width, height, 16, colour, values))
    grey16 = pixels(width, height, 2)
    grey16[:, : width // 2, 0] = 0  # values below 256, the only ones that Pillow's conversion keeps
    write("grey-16.png", png(width, height, 16, 0, grey16.reshape(height, -1)))
    for depth in (1, 2, 4):
        write(f"grey-{depth}.png", png(width, height, depth, 0, packed(pixels(width, height, 1)[..., 0], depth)))
    key = chunk(b"tRNS", struct.pack(">H", 7))
    write("grey-key.png", png(width, height, 8, 0, pixels(width, height, 1).reshape(height, -1), key))
    write("grey-16-key.png", png(width, height, 16, 0, grey16.reshape(height, -1), key))
    values = pixels(width, height)
    first = struct.pack(">HHH", *(int(v) for v in values[0, 0]))
    write("rgb-key.png", png(width, height, 8, 2, values.reshape(height, -1), chunk(b"tRNS", first)))
    write("gamma.png", png(width, height, 8, 2, values.reshape(height, -1), chunk(b"gAMA", struct.pack(">I", 100000))))
    write("interlaced.png", png(width, height, 8, 2, values, passes=adam7(values)))
    for colours in (2, 4, 16, 200):
        paletted = picture(width, height).quantize(colours)
        write(f"palette-{colours}.png", encoded(paletted, "PNG"))
    write("palette-alpha.png", encoded(paletted, "PNG", transparency=bytes(range(200))))
    write("one-bit.png", encoded(picture(width, height, "L").convert("1"), "PNG"))
    write("exif-6.png", encoded(picture(width, height), "PNG", exif=orientation(6)))


def write_webps() -> None:
    photo, transparent = picture(71, 53), picture(71, 53, "RGBA")
    write("lossy.webp", encoded(photo, "WEBP", quality=70))
    write("lossless.webp", encoded(photo, "WEBP", lossless=True))
    write("lossy-alpha.webp", encoded(transparent, "WEBP", quality=70))
    write("lossless-alpha.webp", encoded(transparent, "WEBP", lossless=True))
    write("lossless-alpha-exact.webp", encoded(transparent, "WEBP", lossless=True, exact=True))
    frames = [picture(30, 20).rotate(180)]
    write("animated.webp", encoded(picture(30, 20), "WEBP", save_all=True, append_images=frames, lossless=True))
    write("exif-6.webp", encoded(photo, "WEBP", exif=orientation(6)))


def write_tiffs() -> None:
    photo = picture(53, 40)
    for compression in ("raw", "tiff_lzw", "tiff_adobe_deflate", "packbits", "jpeg"):
        name = compression.removeprefix("tiff_").replace("_", "-")
        write(f"{name}.tif", encoded(photo, "TIFF", compression=compression))
    for name, mode in [("grey", "L"), ("grey-alpha", "LA"), ("rgba", "RGBA"), ("cmyk", "CMYK")]:
        write(f"{name}.tif", encoded(picture(53, 40, mode), "TIFF", compression="tiff_lzw"))
    write("one-bit.tif", encoded(picture(53, 40, "L").convert("1"), "TIFF", compression="group4"))
    write("palette.tif", encoded(photo.quantize(64), "TIFF", compression="tiff_lzw"))
    grey16 = pixels(53, 40, 2)
    grey16[:, :26, 1] = 0
    values = grey16.reshape(40, -1).view("<u2")
    write("grey-16.tif", encoded(Image.fromarray(values), "TIFF"))
    for value in range(2, 9):
        write(f"turned-{value}.tif", encoded(picture(31, 20), "TIFF", compression="tiff_lzw", tiffinfo={0x0112: value}))
    write("float.tif", encoded(Image.fromarray(pixels(9, 7, 1)[..., 0].astype(np.float32)), "TIFF"))


def write_gifs() -> None:
    paletted = picture(53, 40).quantize(64)
    write("plain.gif", encoded(paletted, "GIF", interlace=0))
    write("interlaced.gif", encoded(paletted, "GIF", interlace=1))
    write("grey.gif", encoded(picture(53, 40, "L"), "GIF"))
    write("transparent.gif", encoded(paletted, "GIF", transparency=5))
    second = picture(53, 40).rotate(180).quantize(64)
    write("animated.gif", encoded(paletted, "GIF", save_all=True, append_images=[second], duration=50, loop=0))
    write("animated-transparent.gif", encoded(paletted, "GIF", save_all=True, append_images=[second], transparency=5))
    for name, transparency in [("partial", None), ("partial-transparent", 5)]:
        write(f"{name}.gif", partial_gif(picture(23, 17).quantize(32), transparency))


def partial_gif(frame: Image.Image, transparency: int | None) -> bytes:
    """A first frame that covers only a part of a canvas of 40 x 30: from (7, 5) on."""
    options = {} if transparency is None else {"transparency": transparency}
    gif = bytearray(encoded(frame, "GIF", interlace=0, **options))
    gif[6:10] = struct.pack("<HH", 40, 30)
    descriptor = gif.index(b"\x2c" + struct.pack("<HHHH", 0, 0, *frame.size))
    gif[descriptor + 1 : descriptor + 5] = struct.pack("<HH", 7, 5)
    return bytes(gif)


def main() -> None:
    FOLDER.mkdir(parents=True, exist_ok=True)
    for writer in (write_jpegs, write_pngs, write_webps, write_tiffs, write_gifs):
        writer()


if __name__ == "__main__":
    main()
