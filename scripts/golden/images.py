"""Writes test/golden/images/*: small files of every kind that Pillow opens and we decode.
test/golden/refused-images/*: kinds that we refuse, though Pillow may open them.

Run with the Python of .oracle: .oracle/bin/python scripts/golden/images.py
"""

import io
import struct
import zlib
from pathlib import Path

import numpy as np
from PIL import Image, ImageCms

FOLDER = Path(__file__).parents[2] / "test" / "golden" / "images"
REFUSED = FOLDER.with_name("refused-images")


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


def write_refused(name: str, content: bytes) -> None:
    (REFUSED / name).write_bytes(content)


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


def tiff(order: str, photometric: int, bits: list[int], planes: list[bytes], extra=(), kind: int = 1, tags=None) -> bytes:
    """What Pillow cannot write: one strip for each of `planes`, little-endian ("<") or big-endian (">").

    `extra` is ExtraSamples, `kind` SampleFormat, `tags` any others, of 16 bits each.
    """
    width, height = TIFF_SIZE
    shorts = {258: bits, 259: [1], 262: [photometric], 277: [len(bits)], 284: [2 if len(planes) > 1 else 1]}
    shorts |= {338: list(extra), 339: [kind] * len(bits)} | (tags or {})
    longs = {256: [width], 257: [height], 273: [0] * len(planes), 278: [height], 279: [len(plane) for plane in planes]}
    fields = {tag: ("H", values) for tag, values in shorts.items() if values}
    fields |= {tag: ("L", values) for tag, values in longs.items()}
    position = 8 + 2 + 12 * len(fields) + 4
    places = {}
    for tag, (form, values) in sorted(fields.items()):
        if (size := struct.calcsize(order + form) * len(values)) > 4:
            places[tag], position = position, position + size
    longs[273][:] = [position + sum(map(len, planes[:i])) for i in range(len(planes))]
    directory, far = struct.pack(order + "H", len(fields)), b""
    for tag, (form, values) in sorted(fields.items()):
        content = struct.pack(f"{order}{len(values)}{form}", *values)
        directory += struct.pack(order + "HHL", tag, {"H": 3, "L": 4}[form], len(values))
        directory += struct.pack(order + "L", places[tag]) if tag in places else content.ljust(4, b"\0")
        far += content if tag in places else b""
    start = {"<": b"II*\0", ">": b"MM\0*"}[order] + struct.pack(order + "L", 8)
    return start + directory + struct.pack(order + "L", 0) + far + b"".join(planes)


TIFF_SIZE = (23, 17)
WHITE_IS_ZERO, BLACK_IS_ZERO, RGB, PALETTE, CMYK, LAB = 0, 1, 2, 3, 5, 8
SPARE, ASSOCIATED, UNASSOCIATED = 0, 1, 2


def write_tiff_kinds() -> None:
    """Every kind of samples that we take: photometric, depth, spare channels, sign, order of bytes."""
    samples = {channels: pixels(*TIFF_SIZE, channels) for channels in range(1, 9)}

    def whole(channels: int) -> list[bytes]:
        return [samples[channels].tobytes()]

    def planes(channels: int, width: int = 1) -> list[bytes]:
        return [samples[channels * width][..., i * width : (i + 1) * width].tobytes() for i in range(channels)]

    small = {"<": samples[2].copy(), ">": samples[2].copy()}
    small["<"][:, :11, 1], small[">"][:, :11, 0] = 0, 0  # Pillow's conversion keeps values below 256 only
    for order, name in (("<", "le"), (">", "be")):
        write(f"grey-16-{name}.tif", tiff(order, BLACK_IS_ZERO, [16], [small[order].tobytes()]))
        write(f"grey-16-signed-{name}.tif", tiff(order, BLACK_IS_ZERO, [16], [small[order].tobytes()], kind=2))
        write(f"grey-32-signed-{name}.tif", tiff(order, BLACK_IS_ZERO, [32], whole(4), kind=2))
        write(f"rgb-16-{name}.tif", tiff(order, RGB, [16] * 3, whole(6)))
        write(f"rgbx-16-{name}.tif", tiff(order, RGB, [16] * 4, whole(8), [SPARE]))
        write(f"rgba-16-{name}.tif", tiff(order, RGB, [16] * 4, whole(8), [UNASSOCIATED]))
        write(f"cmyk-16-{name}.tif", tiff(order, CMYK, [16] * 4, whole(8)))
        write_refused(f"rgba-16-associated-{name}.tif", tiff(order, RGB, [16] * 4, whole(8), [ASSOCIATED]))
    write("rgba-16-unnamed.tif", tiff("<", RGB, [16] * 4, whole(8)))
    write("white-16.tif", tiff("<", WHITE_IS_ZERO, [16], [small["<"].tobytes()]))
    write("grey-32.tif", tiff("<", BLACK_IS_ZERO, [32], whole(4)))
    for depth in (1, 2, 4):
        values = [packed(samples[1][..., 0], depth).tobytes()]
        write(f"white-{depth}.tif", tiff("<", WHITE_IS_ZERO, [depth], values))
        write(f"grey-{depth}.tif", tiff("<", BLACK_IS_ZERO, [depth], values))
        colours = [(257 * 7 * i) % 65536 for i in range(3 << depth)]
        write(f"palette-{depth}.tif", tiff("<", PALETTE, [depth], values, tags={320: colours}))
    write("lowest-bit-first.tif", tiff("<", BLACK_IS_ZERO, [1], [packed(samples[1][..., 0], 1).tobytes()], tags={266: [2]}))
    write("white-8.tif", tiff("<", WHITE_IS_ZERO, [8], whole(1)))
    write("grey-spare.tif", tiff("<", BLACK_IS_ZERO, [8] * 2, whole(2), [SPARE]))
    write("rgb-planes.tif", tiff("<", RGB, [8] * 3, planes(3)))
    write("rgba-planes.tif", tiff("<", RGB, [8] * 4, planes(4), [UNASSOCIATED]))
    write("rgbx.tif", tiff("<", RGB, [8] * 4, whole(4), [SPARE]))
    write("rgbxx.tif", tiff("<", RGB, [8] * 5, whole(5), [SPARE] * 2))
    write("rgba-unnamed.tif", tiff("<", RGB, [8] * 4, whole(4)))
    write("rgba-associated.tif", tiff("<", RGB, [8] * 4, whole(4), [ASSOCIATED]))
    write("cmyk-planes.tif", tiff("<", CMYK, [8] * 4, planes(4)))
    write("cmykx.tif", tiff("<", CMYK, [8] * 5, whole(5), [SPARE]))
    for name, mode in [("grey", "L"), ("cmyk", "CMYK")]:
        write(f"{name}-jpeg.tif", encoded(picture(53, 40, mode), "TIFF", compression="jpeg"))
    write("several.tif", encoded(picture(53, 40), "TIFF", save_all=True, append_images=[picture(31, 20)]))

    for compression in ("zstd", "lzma"):
        write_refused(f"{compression}.tif", encoded(picture(53, 40), "TIFF", compression=compression))
    write_refused("rgba-spare.tif", tiff("<", RGB, [8] * 6, whole(6), [UNASSOCIATED, SPARE, SPARE]))
    write_refused("cmyk-alpha.tif", tiff("<", CMYK, [8] * 5, whole(5), [UNASSOCIATED]))
    write_refused("other-inks.tif", tiff("<", CMYK, [8] * 4, whole(4), tags={332: [2]}))
    write_refused("lab.tif", tiff("<", LAB, [8] * 3, whole(3)))
    write_refused("grey-12.tif", tiff("<", BLACK_IS_ZERO, [12], [samples[2].tobytes()[: 35 * TIFF_SIZE[1]]]))
    write_refused("grey-alpha-16.tif", tiff("<", BLACK_IS_ZERO, [16] * 2, whole(4), [UNASSOCIATED]))
    write_refused("white-16.tif", tiff(">", WHITE_IS_ZERO, [16], [small[">"].tobytes()]))
    write_refused("grey-32.tif", tiff(">", BLACK_IS_ZERO, [32], whole(4)))
    write_refused("rgb-signed.tif", tiff("<", RGB, [8] * 3, whole(3), kind=2))
    write_refused("rgb-16-planes.tif", tiff("<", RGB, [16] * 3, planes(3, 2)))
    write_refused("ycbcr.tif", encoded(picture(53, 40).convert("YCbCr"), "TIFF"))
    write_refused("big.tif", encoded(picture(53, 40), "TIFF", big_tiff=True))


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
    whole = encoded(paletted, "GIF", interlace=0)
    for name, controls in [("two-transparent", [(1, 5), (1, 9)]), ("no-longer-transparent", [(1, 5), (0, 0)])]:
        write(f"{name}.gif", controlled_gif(whole, paletted.size, controls))
        write(f"{name}-partial.gif", controlled_gif(whole, (60, 50), controls))


def controlled_gif(gif: bytes, canvas: tuple[int, int], controls: list[tuple[int, int]]) -> bytes:
    """With graphic control blocks of (flags, transparent colour) before the frame, on a canvas of another size."""
    frame = gif.index(b"\x2c" + struct.pack("<HH", 0, 0))
    blocks = b"".join(b"\x21\xf9\x04" + bytes([flags, 0, 0, colour, 0]) for flags, colour in controls)
    return gif[:6] + struct.pack("<HH", *canvas) + gif[10:frame] + blocks + gif[frame:]


def partial_gif(frame: Image.Image, transparency: int | None) -> bytes:
    """A first frame that covers only a part of a canvas of 40 x 30: from (7, 5) on."""
    options = {} if transparency is None else {"transparency": transparency}
    gif = bytearray(encoded(frame, "GIF", interlace=0, **options))
    gif[6:10] = struct.pack("<HH", 40, 30)
    descriptor = gif.index(b"\x2c" + struct.pack("<HHHH", 0, 0, *frame.size))
    gif[descriptor + 1 : descriptor + 5] = struct.pack("<HH", 7, 5)
    return bytes(gif)


def main() -> None:
    for folder in (FOLDER, REFUSED):
        folder.mkdir(parents=True, exist_ok=True)
    for writer in (write_jpegs, write_pngs, write_webps, write_tiffs, write_tiff_kinds, write_gifs):
        writer()


if __name__ == "__main__":
    main()
