"""Writes test/golden/dtypes.json: tensors of every dtype as bytes and as numbers, and what each converts to.

Run with the Python of .oracle: .oracle/bin/python scripts/golden/dtypes.py
"""

import math
import warnings

import torch
from ops import write

FLOATS = [torch.float32, torch.float64, torch.float16, torch.bfloat16]
FLOAT8 = [torch.float8_e4m3fn, torch.float8_e5m2, torch.float8_e4m3fnuz, torch.float8_e5m2fnuz, torch.float8_e8m0fnu]
PACKED = [torch.float4_e2m1fn_x2]
COMPLEX = [torch.complex64, torch.complex128]
SIGNED = [torch.int8, torch.int16, torch.int32, torch.int64]
UNSIGNED = [torch.uint8, torch.uint16, torch.uint32, torch.uint64]
ALL = [*FLOATS, *SIGNED, *UNSIGNED, torch.bool, *COMPLEX, *FLOAT8, *PACKED]
SPECIAL = [0.0, -0.0, 1.0, -1.5, 1 / 3, 65504.0, 6e-8, math.pi * 1e10, math.inf, -math.inf, math.nan]


def values(dtype):
    if dtype in PACKED:
        return torch.tensor([0x00, 0x21, 0xF7, 0x80, 0xFF], dtype=torch.uint8).view(dtype)
    if dtype in FLOAT8:
        exact = [1.0, 2.0, 0.5, 16.0] if dtype == torch.float8_e8m0fnu else [0.0, 1.0, -1.5, 16.0, 0.25, -0.0625]
        return torch.tensor(exact).to(dtype)
    if dtype in COMPLEX:
        return torch.tensor([complex(1, -2), complex(0, 0.5), complex(math.inf, -0.0)], dtype=dtype)
    if dtype == torch.bool:
        return torch.tensor([True, False, True])
    if dtype in SIGNED + UNSIGNED:
        limits = torch.iinfo(dtype)
        return torch.tensor([0, 1, 100, limits.min, limits.max], dtype=dtype)
    return torch.tensor(SPECIAL, dtype=torch.float64).to(dtype)


def number(value):
    """JSON has no NaN and no -0, and JavaScript reads integers beyond 2^53 from strings only."""
    if isinstance(value, complex):
        return [number(value.real), number(value.imag)]
    if isinstance(value, list):
        return [number(item) for item in value]
    if isinstance(value, bool):
        return value
    if isinstance(value, int):
        return str(value)
    if math.isfinite(value) and not (value == 0 and math.copysign(1, value) < 0):
        return value
    return {"inf": "Infinity", "-inf": "-Infinity", "nan": "NaN", "-0.0": "-0"}[str(value)]


def encode(tensor):
    return {
        "dtype": str(tensor.dtype)[6:],
        "shape": list(tensor.shape),
        "hex": tensor.contiguous().reshape(-1).view(torch.uint8).numpy().tobytes().hex(),
    }


def numbers(tensor):
    """As Tensor.toArray gives them."""
    exact = tensor.double() if tensor.dtype in [*FLOATS, *FLOAT8] else tensor
    return number(exact.tolist())


def attempt(dtypes, make):
    """None where PyTorch refuses, which it does of packed dtypes alone."""
    try:
        return make()
    except RuntimeError:
        if not set(dtypes) & set(PACKED):
            raise
        return None


def converted(tensor, dtype):
    after = attempt([tensor.dtype, dtype], lambda: tensor.to(dtype))
    return {"dtype": str(dtype)[6:], "hex": None} if after is None else encode(after)


def main():
    cases = []
    for dtype in ALL:
        flat = values(dtype)
        for tensor in [flat, flat[:1].reshape([]), flat[:0].reshape([0, 3]), flat[:2].reshape([2, 1, 1])]:
            cases.append({**encode(tensor), "numbers": attempt([dtype], lambda: numbers(tensor))})
    # In range of every dtype: what lies outside is undefined in C++ and differs between instruction sets.
    source = torch.tensor([0.0, 1.0, 2.0, 16.0, 0.5])
    for before in ALL:
        for after in ALL:
            tensor = values(before) if before in PACKED else source.to(before)
            if before != after:
                cases.append({**encode(tensor), "to": converted(tensor, after)})
    write("dtypes.json", cases)


if __name__ == "__main__":
    warnings.simplefilter("ignore")
    main()
