"""Tensors by a fill rule, not from a generator: multiples of 1/16 to 1/128 that float16 and bfloat16 hold exactly."""

import torch

FLOATS = [torch.float32, torch.float64, torch.float16, torch.bfloat16]
ALL = [*FLOATS, torch.int64, torch.bool]
SHAPES = [[2, 3], [], [0, 3]]
INF = float("inf")
NAN = float("nan")


def ramp(shape, seed=0):
    count = 1
    for length in shape:
        count *= length
    return (torch.arange(count) * 37 + seed * 11).reshape(shape) % 97


def fill(shape, dtype=torch.float32, seed=0):
    """Floats in [-3, 3], distinct up to 97 elements; integers in [-8, 8] (unsigned: [0, 16]); every third bool true."""
    if dtype == torch.bool:
        return ramp(shape, seed) % 3 == 0
    if dtype.is_floating_point:
        return ((ramp(shape, seed) - 48) / 16).to(dtype)
    return (ramp(shape, seed) % 17 - (8 if dtype.is_signed else 0)).to(dtype)


def positive(shape, dtype=torch.float32, seed=0):
    """Floats in (0, 3.1], integers in [1, 5]."""
    values = ramp(shape, seed)
    return ((values + 1) / 32 if dtype.is_floating_point else values % 5 + 1).to(dtype)


def unit(shape, dtype=torch.float32, seed=0):
    """In (-1, 1)."""
    return ((ramp(shape, seed) - 48) / 64).to(dtype)


def share(shape, dtype=torch.float32, seed=0):
    """In (0, 1)."""
    return ((ramp(shape, seed) + 1) / 128).to(dtype)


def ints(*values):
    return torch.tensor(values, dtype=torch.int64)


def special():
    return torch.tensor([0.0, -0.0, INF, -INF, NAN, 1.5])
