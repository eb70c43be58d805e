"""Writes test/golden/safetensors.json: files as the Rust writer makes them, and what the Rust reader says of others.

Run with the Python of .oracle: .oracle/bin/python scripts/golden/safetensors_files.py
"""

import json
import struct
import tempfile
import warnings
from pathlib import Path

import safetensors.torch
import torch

ROOT = Path(__file__).resolve().parents[2]
DTYPES = (
    "bool uint8 int8 float8_e5m2 float8_e4m3fn float8_e8m0fnu float8_e4m3fnuz float8_e5m2fnuz int16 uint16 float16 "
    "bfloat16 int32 uint32 float32 complex64 float64 int64 uint64"
).split()
PACKED = "float4_e2m1fn_x2"


def filled(dtype, *shape):
    """Bytes by rule: no generator's version is in the golden. Bools are 0 and 1."""
    kind = getattr(torch, dtype)
    count = torch.Size(shape).numel() * torch.empty(0, dtype=kind).element_size()
    values = bytearray((7 * i + 1) % (2 if dtype == "bool" else 251) for i in range(count))
    flat = torch.frombuffer(values, dtype=torch.uint8) if count else torch.empty(0, dtype=torch.uint8)
    return flat.view(kind).reshape(shape)


def encode(name, tensor):
    raw = tensor.contiguous().reshape(-1).view(torch.uint8).numpy().tobytes() if tensor.numel() else b""
    return {"name": name, "dtype": str(tensor.dtype)[6:], "shape": list(tensor.shape), "hex": raw.hex()}


def stored(raw, tensors):
    """What the file says of tensors whose dtype and shape are other ones there."""
    with tempfile.NamedTemporaryFile() as file:
        Path(file.name).write_bytes(raw)
        with safetensors.safe_open(file.name, "pt") as opened:
            assert {name: encode(name, opened.get_tensor(name)) for name in tensors} == {
                name: encode(name, tensor) for name, tensor in tensors.items()
            }
            slices = {name: opened.get_slice(name) for name in tensors}
            shapes = {name: (part.get_dtype(), part.get_shape()) for name, part in slices.items()}
    packed = [name for name, tensor in tensors.items() if str(tensor.dtype)[6:] == PACKED]
    return {name: dict(zip(["dtype", "shape"], shapes[name])) for name in packed}


def files():
    odd_names = ["", "a", "B", "é", "\u2028", "\U0001f600", 'q"\\/\b\f\n\r\t\x01\x1f\x7f\0', "__proto__", "a.b.0"]
    cases = {
        "every dtype": ({name: filled(name, 3, 2) for name in DTYPES}, {"format": "pt"}),
        "every dtype, empty and as a scalar": (
            {f"{name}.{len(shape)}": filled(name, *shape) for name in DTYPES for shape in [(), (0, 3), (2, 0, 1)]},
            None,
        ),
        "two numbers in an element": (
            {str(list(shape)): filled(PACKED, *shape) for shape in [(5,), (3, 2), (0, 3), (2, 0, 1), (3, 0)]}
            | {"b": filled("bool", 3), "u": filled("uint8", 2)},
            None,
        ),
        "odd names": ({name: filled("int16", i + 1) for i, name in enumerate(odd_names)}, None),
        "odd metadata": ({"a": filled("float32", 1)}, {'"\\\n\0é': "\U0001f600\t"}),
        "no tensors": ({}, None),
        "metadata only": ({}, {"a": ""}),
        "empty metadata": ({"a": filled("float64", 1, 1, 1, 1, 1, 1)}, {}),
        "names in another order than bytes": (
            {"a": filled("uint8", 5), "b": filled("float32", 2), "c": filled("uint8", 3), "d": filled("float64", 1)},
            None,
        ),
    }
    for what, (tensors, metadata) in cases.items():
        raw = safetensors.torch.save(tensors, metadata=metadata)
        encoded = [encode(name, tensor) for name, tensor in tensors.items()]
        others = stored(raw, tensors)
        row = {"what": what, "metadata": metadata, "tensors": encoded, "hex": raw.hex()}
        yield {**row, "stored": others} if others else row


def entry(dtype="I32", shape="[1]", offsets="[0,4]", extra=""):
    return f'{{"dtype":"{dtype}","shape":{shape},"data_offsets":{offsets}{extra}}}'


def nested(depth):
    return '{"a":' + entry(extra=',"x":' + "[" * depth + "]" * depth) + "}"


ONE = entry()
SECOND = entry(offsets="[4,8]")
HUGE = "18446744073709551615"
EXTRA_FIELDS = entry(extra=',"x":{"y":[1,-2.5e3,null,true]}')
EXTRA_TWICE = entry(extra=',"x":1,"x":1')
LARGEST = 2**53 - 1


def one_with(number):
    return '{"a":' + entry(extra=f',"x":{number}') + "}"



# what: (header, bytes of the buffer)
HEADERS = {
    "one tensor": (f'{{"a":{ONE}}}', 4),
    "a header of an odd length": (f'{{"a":{ONE}}} ', 4),
    "white space before and after": (f' \n\t\r{{ "a" :\n{ONE} }}\r\n\t ', 4),
    "entries in another order": (f'{{"b":{SECOND},"a":{ONE}}}', 8),
    "fields in another order": ('{"a":{"data_offsets":[0,4],"shape":[1],"dtype":"I32"}}', 4),
    "extra fields": (f'{{"a":{EXTRA_FIELDS}}}', 4),
    "null metadata": (f'{{"__metadata__":null,"a":{ONE}}}', 4),
    "no tensors": ("{}", 0),
    "metadata only": ('{"__metadata__":{"a":"b"}}', 0),
    "a scalar": (f'{{"a":{entry(shape="[]")}}}', 4),
    "a size of 0": (f'{{"a":{entry(shape="[3,0,2]", offsets="[0,0]")}}}', 0),
    "an empty tensor between others": (f'{{"a":{ONE},"e":{entry(shape="[0]", offsets="[4,4]")},"b":{SECOND}}}', 8),
    "escaped names": (f'{{"\\u00e9\\ud83d\\ude00\\n\\"\\/\\u0000":{ONE}}}', 4),
    "an escaped dtype": ('{"a":{"dtype":"I\\u00332","shape":[1],"data_offsets":[0,4]}}', 4),
    "an escaped __metadata__": (f'{{"__met\\u0061data__":{{"x":"y"}},"a":{ONE}}}', 4),
    "an empty name": (f'{{"":{ONE}}}', 4),
    "F4 in whole bytes": (f'{{"a":{entry("F4", "[2,2]", "[0,2]")}}}', 2),
    "F4 with an odd last size": (f'{{"a":{entry("F4", "[2,3]", "[0,3]")}}}', 3),
    "F4 without elements, with an odd last size": (f'{{"a":{entry("F4", "[0,3]", "[0,0]")}}}', 0),
    "F4 as a scalar": (f'{{"a":{entry("F4", "[]", "[0,1]")}}}', 1),
    "F6 in whole bytes": (f'{{"a":{entry("F6_E2M3", "[4]", "[0,3]")}}}', 3),
    "C64": (f'{{"a":{entry("C64", offsets="[0,8]")}}}', 8),
    "127 levels": (nested(125), 4),
    "128 levels": (nested(126), 4),
    "200 levels": (nested(198), 4),
    "a hole": (f'{{"a":{ONE},"b":{entry(offsets="[8,12]")}}}', 12),
    "a hole at the front": (f'{{"a":{SECOND}}}', 8),
    "an overlap": (f'{{"a":{ONE},"b":{entry(offsets="[2,6]")}}}', 6),
    "the same bytes twice": (f'{{"a":{ONE},"b":{ONE}}}', 4),
    "trailing bytes": (f'{{"a":{ONE}}}', 8),
    "two bytes missing": (f'{{"a":{ONE}}}', 2),
    "metadata that is no text": (f'{{"__metadata__":{{"a":1}},"a":{ONE}}}', 4),
    "metadata that is an array": (f'{{"__metadata__":["a"],"a":{ONE}}}', 4),
    "no dtype": ('{"a":{"shape":[1],"data_offsets":[0,4]}}', 4),
    "no shape": ('{"a":{"dtype":"I32","data_offsets":[0,4]}}', 4),
    "no offsets": ('{"a":{"dtype":"I32","shape":[1]}}', 4),
    "a negative size": (f'{{"a":{entry(shape="[-1]")}}}', 4),
    "a size of -0": (f'{{"a":{entry(shape="[-0]", offsets="[0,0]")}}}', 0),
    "a size of 1.0": (f'{{"a":{entry(shape="[1.0]")}}}', 4),
    "a size of 1e0": (f'{{"a":{entry(shape="[1e0]")}}}', 4),
    "a size in quotes": ('{"a":{"dtype":"I32","shape":["1"],"data_offsets":[0,4]}}', 4),
    "a null shape": (f'{{"a":{entry(shape="null")}}}', 4),
    "a shape that is a number": (f'{{"a":{entry(shape="1")}}}', 4),
    "an unknown dtype": (f'{{"a":{entry("I33")}}}', 4),
    "a dtype in lower case": (f'{{"a":{entry("i32")}}}', 4),
    "C128": (f'{{"a":{entry("C128", offsets="[0,16]")}}}', 16),
    "one offset": (f'{{"a":{entry(offsets="[0]")}}}', 4),
    "three offsets": (f'{{"a":{entry(offsets="[0,4,4]")}}}', 4),
    "reversed offsets": (f'{{"a":{entry(offsets="[4,0]")}}}', 4),
    "a size that does not fit": (f'{{"a":{entry(shape="[2]")}}}', 4),
    "an offset of 2^64 - 1": (f'{{"a":{entry(offsets=f"[0,{HUGE}]")}}}', 4),
    "an offset of 2^64": (f'{{"a":{entry(offsets="[0,18446744073709551616]")}}}', 4),
    "a product that overflows before a 0": (f'{{"a":{entry(shape=f"[{HUGE},{HUGE},0]", offsets="[0,0]")}}}', 0),
    "a product that wraps to 0": (f'{{"a":{entry(shape="[2,18446744073709551614]")}}}', 4),
    "bits that overflow": (f'{{"a":{entry(shape="[2,9223372036854775807]")}}}', 4),
    "F4 of an odd count": (f'{{"a":{entry("F4", "[3]", "[0,2]")}}}', 2),
    "an array as the root": (f'[{ONE}]', 4),
    "a string as the root": ('"a"', 0),
    "a number as an entry": ('{"a":1}', 0),
    "a byte order mark": (f'\ufeff{{"a":{ONE}}}', 4),
    "NUL as padding": (f'{{"a":{ONE}}}\0\0', 4),
    "half of a pair of surrogates": (f'{{"\\ud800":{ONE}}}', 4),
    "the other half": (f'{{"\\udc00x":{ONE}}}', 4),
    "a pair of two first halves": (f'{{"\\ud800\\ud800":{ONE}}}', 4),
    "{ alone": ("{", 0),
    "nothing": ("", 0),
    "spaces alone": ("        ", 0),
    "a trailing comma": (f'{{"a":{ONE},}}', 4),
    "two roots": (f'{{"a":{ONE}}}{{}}', 4),
    "a comment": (f'{{/**/"a":{ONE}}}', 4),
    "single quotes": (f"{{'a':{ONE}}}", 4),
    "a control character in a name": (f'{{"a\x01":{ONE}}}', 4),
    "DEL in a name": (f'{{"a\x7f":{ONE}}}', 4),
    "an unknown escape": (f'{{"a\\x":{ONE}}}', 4),
    "a form feed as white space": (f'\f{{"a":{ONE}}}', 4),
    "a leading zero": (f'{{"a":{entry(shape="[01]")}}}', 4),
    "an extra number of 1e999": (one_with("1e999"), 4),
    "an extra number of -1e999": (one_with("-1e999"), 4),
    "an extra number of 400 digits": (one_with("1" + "0" * 399), 4),
    "an extra number of 400 digits and a negative exponent": (one_with("1" + "0" * 399 + "e-399"), 4),
    "an extra number of 1.8e308": (one_with("1.8e308"), 4),
    "an extra number of 1.7e308": (one_with("1.7e308"), 4),
    "an extra number of 1e-999": (one_with("1e-999"), 4),
    "an extra number of 0e999": (one_with("0e999"), 4),
    "an extra number of 0.000e99999999999999999999": (one_with("0.000e99999999999999999999"), 4),
    "an extra number of 1e-99999999999999999999": (one_with("1e-99999999999999999999"), 4),
    "an extra number of 2^64": (one_with("18446744073709551616"), 4),
    "an extra number of -2^63 - 1": (one_with("-9223372036854775809"), 4),
    "an extra number of 1e999 in an array in an object": (one_with('{"y":[1,1e999]}'), 4),
    "strides just below 2^63 after a 0": (f'{{"a":{entry(shape=f"[0,{LARGEST},1024]", offsets="[0,0]")}}}', 0),
    "twice the same field": ('{"a":{"dtype":"I32","dtype":"I32","shape":[1],"data_offsets":[0,4]}}', 4),
    "twice __metadata__": (f'{{"__metadata__":{{}},"__metadata__":{{}},"a":{ONE}}}', 4),
    "twice the same name with other bytes": (f'{{"a":{ONE},"a":{SECOND}}}', 8),
}

# What the reference accepts and this package refuses, on purpose.
STRICTER = {
    "twice the same name with the same bytes": (f'{{"a":{ONE},"a":{ONE}}}', 4),
    "twice the same key of metadata": (f'{{"__metadata__":{{"a":"1","a":"2"}},"a":{ONE}}}', 4),
    "twice the same extra field": (f'{{"a":{EXTRA_TWICE}}}', 4),
    "an array in the place of an entry": ('{"a":["I32",[1],[0,4]]}', 4),
    "an object in the place of a dtype": ('{"a":{"dtype":{"I32":null},"shape":[1],"data_offsets":[0,4]}}', 4),
    "twice the same key in an extra field": (one_with('{"y":1,"y":2}'), 4),
    "a size of 2^53 after a 0": (f'{{"a":{entry(shape="[0,9007199254740992]", offsets="[0,0]")}}}', 0),
    "strides of 2^63 after a 0": (f'{{"a":{entry(shape="[0,2251799813685248,4096]", offsets="[0,0]")}}}', 0),
    "strides far beyond 2^63 after a 0": (f'{{"a":{entry(shape=f"[0,{LARGEST},{LARGEST}]", offsets="[0,0]")}}}', 0),
    "such strides before and after a 0": (f'{{"a":{entry(shape=f"[2,0,{LARGEST},{LARGEST}]", offsets="[0,0]")}}}', 0),
    "a size of 2^64 - 1 after a 0": (f'{{"a":{entry(shape=f"[0,{HUGE}]", offsets="[0,0]")}}}', 0),
}

RAW = {
    "an empty file": b"",
    "7 bytes": b"\2\0\0\0\0\0\0",
    "a length of 0": struct.pack("<Q", 0),
    "a length of 100,000,001": struct.pack("<Q", 100_000_001) + b"{}",
    "a length of 2^64 - 60": struct.pack("<Q", 2**64 - 60) + b"{}" * 40,
    "a length beyond the end": struct.pack("<Q", 3) + b"{}",
    "a byte that is no UTF-8": struct.pack("<Q", 8) + b'{"\xff":1}',
    "half of a character": struct.pack("<Q", 8) + b'{"\xe2\x82":',
    "an overlong character": struct.pack("<Q", 9) + b'{"\xc0\x80":1}',
}


def accepted(raw):
    try:
        safetensors.deserialize(raw)
        return True
    except safetensors.SafetensorError:
        return False


def vectors():
    raws = dict(RAW)
    for what, (header, size) in {**HEADERS, **STRICTER}.items():
        text = header.encode()
        raws[what] = struct.pack("<Q", len(text)) + text + bytes(i + 1 for i in range(size))
    for what, raw in raws.items():
        verdict = accepted(raw)
        assert verdict or what not in STRICTER, what
        yield {"what": what, "hex": raw.hex(), "reference": verdict, "here": verdict and what not in STRICTER}


def main():
    warnings.simplefilter("ignore")
    metadata = {"safetensors": safetensors.__version__, "torch": torch.__version__}
    parts = {"files": files(), "vectors": vectors()}
    body = ""
    for name, cases in parts.items():
        lines = ",\n".join(json.dumps(case, separators=(",", ":")) for case in cases)
        body += f',\n"{name}":[\n{lines}\n]'
    (ROOT / "test/golden/safetensors.json").write_text(f'{{"metadata":{json.dumps(metadata)}{body}}}\n')


if __name__ == "__main__":
    main()
