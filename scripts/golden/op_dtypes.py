"""Writes test/golden/op-dtypes.json: the first call of each operator in op_cases, in every dtype but float32, its own.

Cast to the dtype are the call's float32 tensors, or all of its tensors where none is float32, and its dtype option.
Run with the Python of .oracle: .oracle/bin/python scripts/golden/op_dtypes.py
With --refused it only prints what PyTorch refuses, and why: that should be the dtype, not a value of the call.
"""

import json
import sys
import warnings

import ops
import torch
from op_cases import GROUPS

FLOATS = [torch.float64, torch.float16, torch.bfloat16]
COMPLEX = [torch.complex64, torch.complex128]
INTEGERS = [getattr(torch, f"{sign}int{bits}") for sign in ("", "u") for bits in (8, 16, 32, 64)]
FLOAT8 = [torch.float8_e4m3fn, torch.float8_e5m2, torch.float8_e4m3fnuz, torch.float8_e5m2fnuz, torch.float8_e8m0fnu]


def with_imaginary(tensor):
    numbers = tensor.double().reshape(-1)
    return torch.complex(numbers, numbers.flip(0)).reshape(tensor.shape)


def order(tensor):
    """1 for the smallest element, 2 for the next: whole, positive, sorted as before, no divisor of 0."""
    return (torch.unique(tensor, return_inverse=True)[1].reshape(tensor.shape) + 1).double()


def odd(tensor):
    return order(tensor) % 2


# What is cast to the dtypes beside it. Float8 rounds the larger numbers.
SOURCES = [
    (torch.Tensor.double, FLOATS),
    (with_imaginary, COMPLEX),
    (order, [*INTEGERS, *FLOAT8]),
    (odd, [torch.bool]),
]


class Cast:
    """A tensor of the dtype under test; of None: that dtype itself."""

    def __init__(self, source=None):
        self.source = source

    def encode(self):
        return {"cast": None if self.source is None else ops.encode_tensor(self.source)}

    def to(self, dtype):
        return dtype if self.source is None else self.source.to(dtype, copy=True)


def replace(value, kind, by):
    """`value` with `by` of each instance of `kind` in it."""
    if isinstance(value, kind):
        return by(value)
    if isinstance(value, (list, tuple)):
        return [replace(item, kind, by) for item in value]
    if isinstance(value, dict):
        return {key: replace(item, kind, by) for key, item in value.items()}
    return value


def first_calls():
    calls = {}

    def keep_first(operator, *args, generator=None, **options):
        calls.setdefault(operator, (args, options, generator))

    for group in GROUPS:
        group(keep_first)
    return calls


def with_casts(args, options, source):
    """The call with a Cast for all that the dtype under test replaces."""
    tensors = []
    replace([args, options], torch.Tensor, tensors.append)
    floats = [tensor for tensor in tensors if tensor.dtype == torch.float32]
    chosen = {id(tensor) for tensor in floats or tensors}
    args, options = replace([args, options], torch.Tensor, lambda t: Cast(source(t)) if id(t) in chosen else t)
    return args, options | ({"dtype": Cast()} if "dtype" in options or not tensors else {})


def attempt(operator, dtype, args, options, generator):
    """The encoded output; None where PyTorch refuses."""
    try:
        return ops.encode(ops.run(operator, *replace([args, options], Cast, lambda cast: cast.to(dtype)), generator))
    except RuntimeError as error:
        if "--refused" in sys.argv:
            print(operator, dtype, str(error).splitlines()[0])
        return None


def cases_of(operator, args, options, generator):
    for source, dtypes in SOURCES:
        call = (*with_casts(args, options, source), generator)
        results = {}
        for dtype in dtypes:
            name = str(dtype)[6:]
            text = json.dumps(attempt(operator, dtype, *call)).replace(f'"dtype": "{name}"', '"dtype": "cast"')
            results.setdefault(text, []).append(name)
        yield {
            "operator": operator,
            "inputs": replace(ops.encode_call(operator, *call), Cast, Cast.encode),
            "results": [{"dtypes": names, "output": json.loads(text)} for text, names in results.items()],
        }


def main():
    torch.set_num_threads(1)
    cases = [case for name, call in first_calls().items() for case in cases_of(name, *call)]
    if "--refused" not in sys.argv:
        ops.write("op-dtypes.json", cases)


if __name__ == "__main__":
    warnings.simplefilter("ignore")
    main()
