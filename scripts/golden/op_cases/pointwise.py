"""Creation, random numbers and element by element arithmetic."""

import torch

from .fill import ALL, FLOATS, INF, NAN, SHAPES, fill, ints, positive, share, special, unit


def creation(case):
    for dtype in ALL:
        for name, args in [("zeros", ([2, 3],)), ("ones", ([2, 3],)), ("full", ([2], 1)), ("eye", (3,))]:
            case(name, *args, dtype=dtype)
        case("zeros_like", fill([2, 2]), dtype=dtype)
        case("ones_like", fill([2, 2], dtype))
        case("full_like", fill([2, 2], dtype), 1)
    for size in [[], [0], [2, 0, 3]]:
        case("zeros", size)
        case("ones", size)
    case("full", [2, 1], 2.5)
    case("full", [2], 3)
    case("full", [2], True)
    case("full", [1], INF)
    case("full", [1], NAN, dtype=torch.float64)
    case("full", [2], 7, dtype=torch.uint8, device=torch.device("cpu"))
    case("full_like", fill([2]), -2.5)
    case("arange", 5)
    case("arange", 2.5)
    case("arange", 0)
    case("arange", 4, dtype=torch.float32)
    case("arange.start", 2, 6)
    case("arange.start", -1.5, 2)
    case("arange.start_step", 0, 10, 3)
    case("arange.start_step", 5, -5, -2)
    case("arange.start_step", 0, 1, 0.25, dtype=torch.float64)
    case("linspace", 0, 1, 5)
    case("linspace", -2.5, 2.5, 1)
    case("linspace", 3, -3, 4, dtype=torch.float64)
    case("eye.m", 2, 3)
    case("eye.m", 3, 0, dtype=torch.int64)
    image = fill([1, 2, 2, 3])
    case("zeros_like", image, memory_format=torch.channels_last)
    case("ones_like", image, memory_format=torch.channels_last)
    case("full_like", image, 0.5, memory_format=torch.preserve_format)


def random(case):
    """More than 16 elements too: libtorch vectorizes normal numbers from there on."""
    for dtype in FLOATS:
        case("rand.generator", [3], generator=7, dtype=dtype)
        case("randn.generator", [3], generator=7, dtype=dtype)
        case("rand_like.generator", fill([2, 2], dtype), generator=8)
        case("randn_like.generator", fill([2, 2], dtype), generator=8)
        case("bernoulli", share([2, 4], dtype), generator=3)
        case("normal_", fill([2, 3], dtype), 0.5, 2.5, generator=5)
        case("uniform_", fill([2, 3], dtype), -1.0, 1.0, generator=5)
    case("rand.generator", [5, 5], generator=2**40 + 1)
    case("randn.generator", [4, 8], generator=0)
    case("randn.generator", [0, 2], generator=0)
    case("randn_like.generator", fill([3, 7]), generator=11)
    case("randint.generator", 2, [6], generator=1)
    case("randint.generator", 10, [6], generator=1)
    case("randint.generator", 300, [2, 2], generator=1, dtype=torch.int32)
    case("randint.low_generator", 0, 2, [6], generator=2)
    case("randint.low_generator", -5, 5, [6], generator=2)
    case("randint.low_generator", 0, 2**40, [3], generator=2)
    case("randperm.generator", 9, generator=4)
    case("randperm.generator", 0, generator=4)
    case("multinomial", share([2, 4]), 3, generator=6)
    case("multinomial", share([4], torch.float64), 6, True, generator=6)


UNARY = "exp expm1 log log1p log2 sqrt rsqrt reciprocal sin cos tan atan sinh cosh tanh sigmoid erf".split()
UNARY_UNIT = "asin acos".split()
UNARY_ANY = "neg abs sign square floor ceil round trunc isnan isinf isfinite logical_not".split()


def elementwise(case):
    for name in UNARY + UNARY_UNIT:
        make = unit if name in UNARY_UNIT else positive
        for dtype in FLOATS:
            case(name, make([2, 3], dtype))
        for shape in SHAPES[1:]:
            case(name, make(shape))
        case(name, ints(1) if name in UNARY_UNIT else ints(1, 2, 5))
        case(name, special())
    for name in UNARY_ANY:
        for dtype in ALL:
            if not (dtype == torch.bool and name in ("abs", "neg", "floor", "ceil", "round", "trunc")):
                case(name, fill([2, 3], dtype))
        for shape in SHAPES[1:]:
            case(name, fill(shape))
        case(name, special())
    case("round", torch.tensor([0.5, 1.5, 2.5, -0.5]))
    case("round.decimals", torch.tensor([1.25, -3.375, 2.0625]), decimals=1)
    case("round.decimals", torch.tensor([126.0, -374.0]), decimals=-1)
    case("nan_to_num", special())
    case("nan_to_num", special(), 0.5, 9.5, -9.5)
    for dtype in FLOATS:
        case("clamp", fill([2, 3], dtype), -1.5, 1.5)
        case("lerp.Scalar", fill([3], dtype), fill([3], dtype, 5), 0.25)
        case("lerp.Tensor", fill([3], dtype), fill([3], dtype, 5), share([3], dtype))
        for name in ("addcmul", "addcdiv"):
            case(name, fill([2, 3], dtype), fill([3], dtype, 1), positive([2, 1], dtype, 2), value=0.5)
    case("addcmul", fill([2]), fill([2]), fill([2]))
    case("addcdiv", fill([2]), fill([2]), positive([2]))
    case("clamp", fill([2, 3]), 0)
    case("clamp", fill([2, 3]), max=0.5)
    case("clamp", fill([5], torch.int64), -2, 3)
    case("clamp.Tensor", fill([2, 3]), unit([3]))
    case("clamp.Tensor", fill([2, 3]), max=unit([2, 1]))


def arithmetic(case):
    for name in ("add", "sub", "mul", "div", "pow", "remainder"):
        tensor, scalar = ("Tensor_Tensor", "Tensor_Scalar") if name == "pow" else ("Tensor", "Scalar")
        for dtype in [*FLOATS, torch.int64]:
            case(f"{name}.{tensor}", positive([2, 3], dtype), positive([2, 3], dtype, 1))
            case(f"{name}.{scalar}", positive([2, 3], dtype), 2)
        for left, right in [([2, 1], [3]), ([], [2]), ([], []), ([0, 3], [1, 3])]:
            case(f"{name}.{tensor}", positive(left), positive(right, seed=3))
        case(f"{name}.{tensor}", positive([2], torch.int32), positive([2]))  # type promotion
        case(f"{name}.{scalar}", positive([2], torch.int64), 2.5)
        case(f"{name}.{scalar}", positive([2]), -1.5)
    for name in ("add", "mul"):
        case(f"{name}.Tensor", fill([4], torch.bool), fill([4], torch.bool, 1))
        case(f"{name}.Scalar", fill([4], torch.bool), True)
    for name in ("add", "sub"):
        case(f"{name}.Tensor", fill([2, 3]), fill([3]), alpha=2.5)
        case(f"{name}.Scalar", fill([2, 3]), 2, 3)
    case("rsub.Scalar", fill([2, 3]), 1)
    case("rsub.Scalar", fill([3], torch.int64), 1, 2)
    case("pow.Scalar", 2, fill([3]))
    case("pow.Scalar", 2, positive([3], torch.int64))
    case("mul.Scalar", fill([2]), INF)
    for mode in ("trunc", "floor", None):
        for dtype in (torch.float32, torch.int64):
            case("div.Tensor_mode", fill([2, 3], dtype), positive([3], dtype), rounding_mode=mode)
            case("div.Scalar_mode", fill([2, 3], dtype), 2, rounding_mode=mode)
    for dtype in (torch.float32, torch.int64):
        case("floor_divide", fill([2, 3], dtype), positive([3], dtype))
        case("floor_divide.Scalar", fill([2, 3], dtype), 2)
        case("remainder.Tensor", fill([2, 3], dtype), positive([3], dtype))
    for name in ("minimum", "maximum", "atan2"):
        for dtype in FLOATS:
            case(name, fill([2, 3], dtype), fill([3], dtype, 2))
        case(name, fill([0, 3]), fill([3]))
    case("maximum", special(), fill([6]))
    case("minimum", fill([3], torch.int64), fill([3], torch.int64, 1))


def comparison(case):
    for name in ("eq", "ne", "lt", "le", "gt", "ge"):
        for dtype in ALL:
            case(f"{name}.Tensor", fill([2, 3], dtype), fill([2, 3], dtype, 97 if dtype == torch.bool else 34))
        case(f"{name}.Tensor", fill([2, 1]), fill([], seed=0))
        case(f"{name}.Tensor", special(), special())
        case(f"{name}.Scalar", fill([2, 3]), 0.5)
        case(f"{name}.Scalar", fill([2, 3], torch.int64), 2)
        case(f"{name}.Scalar", fill([0]), 1)
    for name in ("logical_and", "logical_or", "logical_xor"):
        for dtype in (torch.bool, torch.float32, torch.int64):
            case(name, fill([2, 3], dtype), fill([3], dtype, 1))
    near = torch.tensor([1.0, 1.00001, NAN])
    for name in ("isclose", "allclose"):
        case(name, near, torch.tensor([1.0, 1.0, NAN]))
        case(name, near, torch.tensor([1.0, 1.0, NAN]), equal_nan=True)
        case(name, fill([3]), unit([3]), 0.5, 10.5)
    case("equal", fill([2, 3]), fill([2, 3]))
    case("equal", fill([2]), fill([2], seed=1))
    case("equal", fill([0]), fill([0]))
    condition = fill([2, 3], torch.bool)
    for dtype in ALL:
        case("where.self", condition, fill([2, 3], dtype), fill([3], dtype, 4))
    case("where.ScalarOther", condition, fill([2, 3]), 0)
    case("where.ScalarSelf", condition, 0.5, fill([2, 3]))
    case("where.Scalar", condition, 1, 0)
    case("where.Scalar", condition, 1.5, -0.5)


GROUPS = [creation, random, elementwise, arithmetic, comparison]
