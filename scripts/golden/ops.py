"""Writes test/golden/ops.json: the cases of op_cases, and what the operators of lib/core/op-schemas.ts return for them.

Run with the Python of .oracle: .oracle/bin/python scripts/golden/ops.py
"""

import ctypes
import json
import math
import platform
import re
import warnings
from pathlib import Path

import torch
from op_cases import GROUPS

ROOT = Path(__file__).resolve().parents[2]
HALVES = [torch.float16, torch.bfloat16]
MEMORY_FORMATS = {torch.channels_last: "channelsLast", torch.preserve_format: "preserve"}


def number(value):
    """JSON has no NaN, no infinities and no -0, and JavaScript reads integers up to 2^53 alone."""
    if isinstance(value, int) and abs(value) > 2**53:
        raise SystemExit(f"Expected an integer that a double holds for a golden but received {value}")
    if isinstance(value, float) and (not math.isfinite(value) or (value == 0 and math.copysign(1, value) < 0)):
        return {"inf": "Infinity", "-inf": "-Infinity", "nan": "NaN", "-0.0": "-0"}[str(value)]
    return int(value) if isinstance(value, float) and value.is_integer() else value


def short_float32(value):
    """The shortest decimal that is this float32 once rounded."""
    if not math.isfinite(value) or value == 0:
        return value
    candidates = (float(f"{value:.{digits}g}") for digits in range(1, 10))
    return next(decimal for decimal in candidates if ctypes.c_float(decimal).value == value)


def encode_tensor(tensor):
    """Halves and float8 as their bits, complex numbers as pairs."""
    flat = tensor.detach().contiguous().reshape(-1)
    if tensor.is_complex():
        flat = torch.view_as_real(flat).reshape(-1)
    elif tensor.dtype in HALVES:
        flat = flat.view(torch.uint16)
    elif tensor.dtype.is_floating_point and tensor.dtype.itemsize == 1:
        flat = flat.view(torch.uint8)
    values = flat.tolist()
    if flat.dtype == torch.float32:
        values = [short_float32(value) for value in values]
    encoded = {"dtype": str(tensor.dtype)[6:], "shape": list(tensor.shape), "data": [number(v) for v in values]}
    if tensor.stride() != torch.empty(tensor.shape).stride():
        encoded["strides"] = list(tensor.stride())
    return encoded


def encode(value):
    if isinstance(value, torch.Tensor):
        return {"tensor": encode_tensor(value)}
    if isinstance(value, torch.dtype):
        return {"dtype": str(value)[6:]}
    if isinstance(value, torch.device):
        return {"device": str(value)}
    if isinstance(value, torch.memory_format):
        return {"memoryFormat": MEMORY_FORMATS[value]}
    if isinstance(value, (list, tuple)):
        return [encode(item) for item in value]
    if isinstance(value, float):
        return {"float": number(value)}
    return value


def aten(operator):
    name, _, overload = operator.partition(".")
    return getattr(getattr(torch.ops.aten, name), overload or "default")


def encode_call(operator, args, options, generator=None):
    """By ATen's argument names."""
    named = {argument.name: value for argument, value in zip(aten(operator)._schema.arguments, args)} | options
    inputs = {name: encode(value) for name, value in named.items()}
    return inputs if generator is None else inputs | {"generator": {"seed": generator}}


def run(operator, args, options, generator=None):
    seeded = {} if generator is None else {"generator": torch.Generator().manual_seed(generator)}
    return aten(operator)(*args, **options, **seeded)


class Recorder:
    def __init__(self):
        self.cases = []

    def __call__(self, operator, *args, generator=None, **options):
        inputs = encode_call(operator, args, options, generator)
        case = {"operator": operator, "inputs": inputs, "output": encode(run(operator, args, options, generator))}
        if operator.partition(".")[0].endswith("_"):
            case["after"] = encode(args[0])
        self.cases.append(case)


def write(file, cases):
    metadata = {"python": platform.python_version(), "torch": torch.__version__}
    lines = ",\n".join(json.dumps(case, separators=(",", ":"), allow_nan=False) for case in cases)
    (ROOT / "test/golden" / file).write_text(f'{{"metadata":{json.dumps(metadata)},\n"cases":[\n{lines}\n]}}\n')


def main():
    torch.set_num_threads(1)
    record = Recorder()
    for group in GROUPS:
        group(record)
    schemas = re.findall(r"^  '(\w+(?:\.\w+)?)\(", (ROOT / "lib/core/op-schemas.ts").read_text(), re.MULTILINE)
    missing = set(schemas) - {case["operator"] for case in record.cases}
    if missing:
        raise SystemExit(f"Expected a case in op_cases for each operator but {sorted(missing)} have none")
    write("ops.json", record.cases)


if __name__ == "__main__":
    warnings.simplefilter("ignore")
    main()
