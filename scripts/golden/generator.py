"""Writes test/golden/generator.json: the numbers that Python draws from seeds, and the states that they leave.

Run with the Python of .oracle: .oracle/bin/python scripts/golden/generator.py
"""

import base64

import torch
from ops import encode, write

SEEDS = [0, 1, 42, 2**31 - 1, 2**53 - 1, 2**53 + 1, 2**63, 2**64 - 1, -1, -(2**63)]


def draws(generator):
    return {
        "randn": encode(torch.randn(5, generator=generator)),
        "randnLong": encode(torch.randn(17, generator=generator)),  # 16 and more are drawn by another algorithm
        "rand": encode(torch.rand(5, generator=generator)),
        "randint": encode(torch.randint(0, 1000, [5], generator=generator)),
        "randperm": encode(torch.randperm(7, generator=generator)),
    }


def state(generator):
    return base64.b64encode(generator.get_state().numpy().tobytes()).decode()


def main():
    cases = [{"seed": str(seed), "draws": draws(torch.Generator().manual_seed(seed))} for seed in SEEDS]
    torch.manual_seed(42)
    cases.append({"default": "42", "draws": draws(torch.default_generator)})
    generator = torch.Generator().manual_seed(7)
    before = draws(generator)
    cases.append({"seed": "7", "draws": before, "state": state(generator), "next": draws(generator)})
    write("generator.json", cases)


if __name__ == "__main__":
    main()
