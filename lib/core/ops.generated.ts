// Written by scripts/generate/ops.mjs from op-schemas.ts: change that list and run the script, not this file.
import type { DType } from './dtype.js'
import type { ExecutionOptions } from './execution.js'
import type { MemoryFormat, OperatorOptions, Scalar } from './op-types.js'
import type { Tensor } from './tensor.js'

/** Every operator of op-schemas.ts, one signature per overload. */
export interface Operators {
  /** torch.zeros: `zeros(SymInt[] size, *, ScalarType? dtype=None, Layout? layout=None, Device? device=None, bool? pin_memory=None) -> Tensor` */
  zeros(
    size: readonly number[],
    options?: OperatorOptions<{ dtype: DType | null; device: string | null; pinMemory: boolean | null }>,
  ): Promise<Tensor>
  /** torch.ones: `ones(SymInt[] size, *, ScalarType? dtype=None, Layout? layout=None, Device? device=None, bool? pin_memory=None) -> Tensor` */
  ones(
    size: readonly number[],
    options?: OperatorOptions<{ dtype: DType | null; device: string | null; pinMemory: boolean | null }>,
  ): Promise<Tensor>
  /** torch.full: `full(SymInt[] size, Scalar fill_value, *, ScalarType? dtype=None, Layout? layout=None, Device? device=None, bool? pin_memory=None) -> Tensor` */
  full(
    size: readonly number[],
    fillValue: Scalar,
    options?: OperatorOptions<{ dtype: DType | null; device: string | null; pinMemory: boolean | null }>,
  ): Promise<Tensor>
  /** torch.arange: `arange(Scalar end, *, ScalarType? dtype=None, Layout? layout=None, Device? device=None, bool? pin_memory=None) -> Tensor` */
  arange(
    end: Scalar,
    options?: OperatorOptions<{ dtype: DType | null; device: string | null; pinMemory: boolean | null }>,
  ): Promise<Tensor>
  /** torch.arange: `arange.start(Scalar start, Scalar end, *, ScalarType? dtype=None, Layout? layout=None, Device? device=None, bool? pin_memory=None) -> Tensor` */
  arange(
    start: Scalar,
    end: Scalar,
    options?: OperatorOptions<{ dtype: DType | null; device: string | null; pinMemory: boolean | null }>,
  ): Promise<Tensor>
  /** torch.arange: `arange.start_step(Scalar start, Scalar end, Scalar step=1, *, ScalarType? dtype=None, Layout? layout=None, Device? device=None, bool? pin_memory=None) -> Tensor` */
  arange(
    start: Scalar,
    end: Scalar,
    options?: OperatorOptions<{ step: Scalar; dtype: DType | null; device: string | null; pinMemory: boolean | null }>,
  ): Promise<Tensor>
  /** torch.linspace: `linspace(Scalar start, Scalar end, int steps, *, ScalarType? dtype=None, Layout? layout=None, Device? device=None, bool? pin_memory=None) -> Tensor` */
  linspace(
    start: Scalar,
    end: Scalar,
    steps: number,
    options?: OperatorOptions<{ dtype: DType | null; device: string | null; pinMemory: boolean | null }>,
  ): Promise<Tensor>
  /** torch.eye: `eye(SymInt n, *, ScalarType? dtype=None, Layout? layout=None, Device? device=None, bool? pin_memory=None) -> Tensor` */
  eye(
    n: number,
    options?: OperatorOptions<{ dtype: DType | null; device: string | null; pinMemory: boolean | null }>,
  ): Promise<Tensor>
  /** torch.eye: `eye.m(SymInt n, SymInt m, *, ScalarType? dtype=None, Layout? layout=None, Device? device=None, bool? pin_memory=None) -> Tensor` */
  eye(
    n: number,
    m: number,
    options?: OperatorOptions<{ dtype: DType | null; device: string | null; pinMemory: boolean | null }>,
  ): Promise<Tensor>
  /** torch.zeros_like: `zeros_like(Tensor self, *, ScalarType? dtype=None, Layout? layout=None, Device? device=None, bool? pin_memory=None, MemoryFormat? memory_format=None) -> Tensor` */
  zerosLike(
    input: Tensor,
    options?: OperatorOptions<{
      dtype: DType | null
      device: string | null
      pinMemory: boolean | null
      memoryFormat: MemoryFormat | null
    }>,
  ): Promise<Tensor>
  /** torch.ones_like: `ones_like(Tensor self, *, ScalarType? dtype=None, Layout? layout=None, Device? device=None, bool? pin_memory=None, MemoryFormat? memory_format=None) -> Tensor` */
  onesLike(
    input: Tensor,
    options?: OperatorOptions<{
      dtype: DType | null
      device: string | null
      pinMemory: boolean | null
      memoryFormat: MemoryFormat | null
    }>,
  ): Promise<Tensor>
  /** torch.full_like: `full_like(Tensor self, Scalar fill_value, *, ScalarType? dtype=None, Layout? layout=None, Device? device=None, bool? pin_memory=None, MemoryFormat? memory_format=None) -> Tensor` */
  fullLike(
    input: Tensor,
    fillValue: Scalar,
    options?: OperatorOptions<{
      dtype: DType | null
      device: string | null
      pinMemory: boolean | null
      memoryFormat: MemoryFormat | null
    }>,
  ): Promise<Tensor>
  /** torch.rand: `rand.generator(SymInt[] size, *, Generator? generator, ScalarType? dtype=None, Layout? layout=None, Device? device=None, bool? pin_memory=None) -> Tensor` */
  rand(
    size: readonly number[],
    options?: OperatorOptions<{ dtype: DType | null; device: string | null; pinMemory: boolean | null }>,
  ): Promise<Tensor>
  /** torch.randn: `randn.generator(SymInt[] size, *, Generator? generator, ScalarType? dtype=None, Layout? layout=None, Device? device=None, bool? pin_memory=None) -> Tensor` */
  randn(
    size: readonly number[],
    options?: OperatorOptions<{ dtype: DType | null; device: string | null; pinMemory: boolean | null }>,
  ): Promise<Tensor>
  /** torch.randint: `randint.generator(SymInt high, SymInt[] size, *, Generator? generator, ScalarType? dtype=4, Layout? layout=None, Device? device=None, bool? pin_memory=None) -> Tensor` */
  randint(
    high: number,
    size: readonly number[],
    options?: OperatorOptions<{ dtype: DType | null; device: string | null; pinMemory: boolean | null }>,
  ): Promise<Tensor>
  /** torch.randint: `randint.low_generator(SymInt low, SymInt high, SymInt[] size, *, Generator? generator, ScalarType? dtype=4, Layout? layout=None, Device? device=None, bool? pin_memory=None) -> Tensor` */
  randint(
    low: number,
    high: number,
    size: readonly number[],
    options?: OperatorOptions<{ dtype: DType | null; device: string | null; pinMemory: boolean | null }>,
  ): Promise<Tensor>
  /** torch.randperm: `randperm.generator(SymInt n, *, Generator? generator, ScalarType? dtype=4, Layout? layout=None, Device? device=None, bool? pin_memory=None) -> Tensor` */
  randperm(
    n: number,
    options?: OperatorOptions<{ dtype: DType | null; device: string | null; pinMemory: boolean | null }>,
  ): Promise<Tensor>
  /** torch.rand_like: `rand_like.generator(Tensor self, *, Generator? generator, ScalarType? dtype=None, Layout? layout=None, Device? device=None, bool? pin_memory=None, MemoryFormat? memory_format=None) -> Tensor` */
  randLike(
    input: Tensor,
    options?: OperatorOptions<{
      dtype: DType | null
      device: string | null
      pinMemory: boolean | null
      memoryFormat: MemoryFormat | null
    }>,
  ): Promise<Tensor>
  /** torch.randn_like: `randn_like.generator(Tensor self, *, Generator? generator, ScalarType? dtype=None, Layout? layout=None, Device? device=None, bool? pin_memory=None, MemoryFormat? memory_format=None) -> Tensor` */
  randnLike(
    input: Tensor,
    options?: OperatorOptions<{
      dtype: DType | null
      device: string | null
      pinMemory: boolean | null
      memoryFormat: MemoryFormat | null
    }>,
  ): Promise<Tensor>
  /** torch.bernoulli: `bernoulli(Tensor self, *, Generator? generator=None) -> Tensor` */
  bernoulli(input: Tensor, options?: ExecutionOptions): Promise<Tensor>
  /** torch.multinomial: `multinomial(Tensor self, SymInt num_samples, bool replacement=False, *, Generator? generator=None) -> Tensor` */
  multinomial(input: Tensor, numSamples: number, options?: OperatorOptions<{ replacement: boolean }>): Promise<Tensor>
  /** torch.add: `add.Tensor(Tensor self, Tensor other, *, Scalar alpha=1) -> Tensor` */
  add(input: Tensor, other: Tensor, options?: OperatorOptions<{ alpha: Scalar }>): Promise<Tensor>
  /** torch.add: `add.Scalar(Tensor self, Scalar other, Scalar alpha=1) -> Tensor` */
  add(input: Tensor, other: Scalar, options?: OperatorOptions<{ alpha: Scalar }>): Promise<Tensor>
  /** torch.sub: `sub.Tensor(Tensor self, Tensor other, *, Scalar alpha=1) -> Tensor` */
  sub(input: Tensor, other: Tensor, options?: OperatorOptions<{ alpha: Scalar }>): Promise<Tensor>
  /** torch.sub: `sub.Scalar(Tensor self, Scalar other, Scalar alpha=1) -> Tensor` */
  sub(input: Tensor, other: Scalar, options?: OperatorOptions<{ alpha: Scalar }>): Promise<Tensor>
  /** torch.rsub: `rsub.Scalar(Tensor self, Scalar other, Scalar alpha=1) -> Tensor` */
  rsub(input: Tensor, other: Scalar, options?: OperatorOptions<{ alpha: Scalar }>): Promise<Tensor>
  /** torch.mul: `mul.Tensor(Tensor self, Tensor other) -> Tensor` */
  mul(input: Tensor, other: Tensor, options?: ExecutionOptions): Promise<Tensor>
  /** torch.mul: `mul.Scalar(Tensor self, Scalar other) -> Tensor` */
  mul(input: Tensor, other: Scalar, options?: ExecutionOptions): Promise<Tensor>
  /** torch.div: `div.Tensor(Tensor self, Tensor other) -> Tensor` */
  div(input: Tensor, other: Tensor, options?: ExecutionOptions): Promise<Tensor>
  /** torch.div: `div.Scalar(Tensor self, Scalar other) -> Tensor` */
  div(input: Tensor, other: Scalar, options?: ExecutionOptions): Promise<Tensor>
  /** torch.div: `div.Tensor_mode(Tensor self, Tensor other, *, str? rounding_mode) -> Tensor` */
  div(
    input: Tensor,
    other: Tensor,
    options: OperatorOptions<unknown, { roundingMode: 'trunc' | 'floor' | null }>,
  ): Promise<Tensor>
  /** torch.div: `div.Scalar_mode(Tensor self, Scalar other, *, str? rounding_mode) -> Tensor` */
  div(
    input: Tensor,
    other: Scalar,
    options: OperatorOptions<unknown, { roundingMode: 'trunc' | 'floor' | null }>,
  ): Promise<Tensor>
  /** torch.pow: `pow.Tensor_Scalar(Tensor self, Scalar exponent) -> Tensor` */
  pow(input: Tensor, exponent: Scalar, options?: ExecutionOptions): Promise<Tensor>
  /** torch.pow: `pow.Tensor_Tensor(Tensor self, Tensor exponent) -> Tensor` */
  pow(input: Tensor, exponent: Tensor, options?: ExecutionOptions): Promise<Tensor>
  /** torch.pow: `pow.Scalar(Scalar self, Tensor exponent) -> Tensor` */
  pow(input: Scalar, exponent: Tensor, options?: ExecutionOptions): Promise<Tensor>
  /** torch.remainder: `remainder.Tensor(Tensor self, Tensor other) -> Tensor` */
  remainder(input: Tensor, other: Tensor, options?: ExecutionOptions): Promise<Tensor>
  /** torch.remainder: `remainder.Scalar(Tensor self, Scalar other) -> Tensor` */
  remainder(input: Tensor, other: Scalar, options?: ExecutionOptions): Promise<Tensor>
  /** torch.floor_divide: `floor_divide(Tensor self, Tensor other) -> Tensor` */
  floorDivide(input: Tensor, other: Tensor, options?: ExecutionOptions): Promise<Tensor>
  /** torch.floor_divide: `floor_divide.Scalar(Tensor self, Scalar other) -> Tensor` */
  floorDivide(input: Tensor, other: Scalar, options?: ExecutionOptions): Promise<Tensor>
  /** torch.neg: `neg(Tensor self) -> Tensor` */
  neg(input: Tensor, options?: ExecutionOptions): Promise<Tensor>
  /** torch.abs: `abs(Tensor self) -> Tensor` */
  abs(input: Tensor, options?: ExecutionOptions): Promise<Tensor>
  /** torch.sign: `sign(Tensor self) -> Tensor` */
  sign(input: Tensor, options?: ExecutionOptions): Promise<Tensor>
  /** torch.exp: `exp(Tensor self) -> Tensor` */
  exp(input: Tensor, options?: ExecutionOptions): Promise<Tensor>
  /** torch.expm1: `expm1(Tensor self) -> Tensor` */
  expm1(input: Tensor, options?: ExecutionOptions): Promise<Tensor>
  /** torch.log: `log(Tensor self) -> Tensor` */
  log(input: Tensor, options?: ExecutionOptions): Promise<Tensor>
  /** torch.log1p: `log1p(Tensor self) -> Tensor` */
  log1p(input: Tensor, options?: ExecutionOptions): Promise<Tensor>
  /** torch.log2: `log2(Tensor self) -> Tensor` */
  log2(input: Tensor, options?: ExecutionOptions): Promise<Tensor>
  /** torch.sqrt: `sqrt(Tensor self) -> Tensor` */
  sqrt(input: Tensor, options?: ExecutionOptions): Promise<Tensor>
  /** torch.rsqrt: `rsqrt(Tensor self) -> Tensor` */
  rsqrt(input: Tensor, options?: ExecutionOptions): Promise<Tensor>
  /** torch.square: `square(Tensor self) -> Tensor` */
  square(input: Tensor, options?: ExecutionOptions): Promise<Tensor>
  /** torch.reciprocal: `reciprocal(Tensor self) -> Tensor` */
  reciprocal(input: Tensor, options?: ExecutionOptions): Promise<Tensor>
  /** torch.sin: `sin(Tensor self) -> Tensor` */
  sin(input: Tensor, options?: ExecutionOptions): Promise<Tensor>
  /** torch.cos: `cos(Tensor self) -> Tensor` */
  cos(input: Tensor, options?: ExecutionOptions): Promise<Tensor>
  /** torch.tan: `tan(Tensor self) -> Tensor` */
  tan(input: Tensor, options?: ExecutionOptions): Promise<Tensor>
  /** torch.asin: `asin(Tensor self) -> Tensor` */
  asin(input: Tensor, options?: ExecutionOptions): Promise<Tensor>
  /** torch.acos: `acos(Tensor self) -> Tensor` */
  acos(input: Tensor, options?: ExecutionOptions): Promise<Tensor>
  /** torch.atan: `atan(Tensor self) -> Tensor` */
  atan(input: Tensor, options?: ExecutionOptions): Promise<Tensor>
  /** torch.atan2: `atan2(Tensor self, Tensor other) -> Tensor` */
  atan2(input: Tensor, other: Tensor, options?: ExecutionOptions): Promise<Tensor>
  /** torch.sinh: `sinh(Tensor self) -> Tensor` */
  sinh(input: Tensor, options?: ExecutionOptions): Promise<Tensor>
  /** torch.cosh: `cosh(Tensor self) -> Tensor` */
  cosh(input: Tensor, options?: ExecutionOptions): Promise<Tensor>
  /** torch.tanh: `tanh(Tensor self) -> Tensor` */
  tanh(input: Tensor, options?: ExecutionOptions): Promise<Tensor>
  /** torch.sigmoid: `sigmoid(Tensor self) -> Tensor` */
  sigmoid(input: Tensor, options?: ExecutionOptions): Promise<Tensor>
  /** torch.erf: `erf(Tensor self) -> Tensor` */
  erf(input: Tensor, options?: ExecutionOptions): Promise<Tensor>
  /** torch.floor: `floor(Tensor self) -> Tensor` */
  floor(input: Tensor, options?: ExecutionOptions): Promise<Tensor>
  /** torch.ceil: `ceil(Tensor self) -> Tensor` */
  ceil(input: Tensor, options?: ExecutionOptions): Promise<Tensor>
  /** torch.round: `round(Tensor self) -> Tensor` */
  round(input: Tensor, options?: ExecutionOptions): Promise<Tensor>
  /** torch.round: `round.decimals(Tensor self, *, int decimals) -> Tensor` */
  round(input: Tensor, options: OperatorOptions<unknown, { decimals: number }>): Promise<Tensor>
  /** torch.trunc: `trunc(Tensor self) -> Tensor` */
  trunc(input: Tensor, options?: ExecutionOptions): Promise<Tensor>
  /** torch.clamp: `clamp(Tensor self, Scalar? min=None, Scalar? max=None) -> Tensor` */
  clamp(input: Tensor, options?: OperatorOptions<{ min: Scalar | null; max: Scalar | null }>): Promise<Tensor>
  /** torch.clamp: `clamp.Tensor(Tensor self, Tensor? min=None, Tensor? max=None) -> Tensor` */
  clamp(input: Tensor, options?: OperatorOptions<{ min: Tensor | null; max: Tensor | null }>): Promise<Tensor>
  /** torch.minimum: `minimum(Tensor self, Tensor other) -> Tensor` */
  minimum(input: Tensor, other: Tensor, options?: ExecutionOptions): Promise<Tensor>
  /** torch.maximum: `maximum(Tensor self, Tensor other) -> Tensor` */
  maximum(input: Tensor, other: Tensor, options?: ExecutionOptions): Promise<Tensor>
  /** torch.lerp: `lerp.Scalar(Tensor self, Tensor end, Scalar weight) -> Tensor` */
  lerp(input: Tensor, end: Tensor, weight: Scalar, options?: ExecutionOptions): Promise<Tensor>
  /** torch.lerp: `lerp.Tensor(Tensor self, Tensor end, Tensor weight) -> Tensor` */
  lerp(input: Tensor, end: Tensor, weight: Tensor, options?: ExecutionOptions): Promise<Tensor>
  /** torch.addcmul: `addcmul(Tensor self, Tensor tensor1, Tensor tensor2, *, Scalar value=1) -> Tensor` */
  addcmul(
    input: Tensor,
    tensor1: Tensor,
    tensor2: Tensor,
    options?: OperatorOptions<{ value: Scalar }>,
  ): Promise<Tensor>
  /** torch.addcdiv: `addcdiv(Tensor self, Tensor tensor1, Tensor tensor2, *, Scalar value=1) -> Tensor` */
  addcdiv(
    input: Tensor,
    tensor1: Tensor,
    tensor2: Tensor,
    options?: OperatorOptions<{ value: Scalar }>,
  ): Promise<Tensor>
  /** torch.nan_to_num: `nan_to_num(Tensor self, float? nan=None, float? posinf=None, float? neginf=None) -> Tensor` */
  nanToNum(
    input: Tensor,
    options?: OperatorOptions<{ nan: number | null; posinf: number | null; neginf: number | null }>,
  ): Promise<Tensor>
  /** torch.eq: `eq.Tensor(Tensor self, Tensor other) -> Tensor` */
  eq(input: Tensor, other: Tensor, options?: ExecutionOptions): Promise<Tensor>
  /** torch.eq: `eq.Scalar(Tensor self, Scalar other) -> Tensor` */
  eq(input: Tensor, other: Scalar, options?: ExecutionOptions): Promise<Tensor>
  /** torch.ne: `ne.Tensor(Tensor self, Tensor other) -> Tensor` */
  ne(input: Tensor, other: Tensor, options?: ExecutionOptions): Promise<Tensor>
  /** torch.ne: `ne.Scalar(Tensor self, Scalar other) -> Tensor` */
  ne(input: Tensor, other: Scalar, options?: ExecutionOptions): Promise<Tensor>
  /** torch.lt: `lt.Tensor(Tensor self, Tensor other) -> Tensor` */
  lt(input: Tensor, other: Tensor, options?: ExecutionOptions): Promise<Tensor>
  /** torch.lt: `lt.Scalar(Tensor self, Scalar other) -> Tensor` */
  lt(input: Tensor, other: Scalar, options?: ExecutionOptions): Promise<Tensor>
  /** torch.le: `le.Tensor(Tensor self, Tensor other) -> Tensor` */
  le(input: Tensor, other: Tensor, options?: ExecutionOptions): Promise<Tensor>
  /** torch.le: `le.Scalar(Tensor self, Scalar other) -> Tensor` */
  le(input: Tensor, other: Scalar, options?: ExecutionOptions): Promise<Tensor>
  /** torch.gt: `gt.Tensor(Tensor self, Tensor other) -> Tensor` */
  gt(input: Tensor, other: Tensor, options?: ExecutionOptions): Promise<Tensor>
  /** torch.gt: `gt.Scalar(Tensor self, Scalar other) -> Tensor` */
  gt(input: Tensor, other: Scalar, options?: ExecutionOptions): Promise<Tensor>
  /** torch.ge: `ge.Tensor(Tensor self, Tensor other) -> Tensor` */
  ge(input: Tensor, other: Tensor, options?: ExecutionOptions): Promise<Tensor>
  /** torch.ge: `ge.Scalar(Tensor self, Scalar other) -> Tensor` */
  ge(input: Tensor, other: Scalar, options?: ExecutionOptions): Promise<Tensor>
  /** torch.logical_and: `logical_and(Tensor self, Tensor other) -> Tensor` */
  logicalAnd(input: Tensor, other: Tensor, options?: ExecutionOptions): Promise<Tensor>
  /** torch.logical_or: `logical_or(Tensor self, Tensor other) -> Tensor` */
  logicalOr(input: Tensor, other: Tensor, options?: ExecutionOptions): Promise<Tensor>
  /** torch.logical_xor: `logical_xor(Tensor self, Tensor other) -> Tensor` */
  logicalXor(input: Tensor, other: Tensor, options?: ExecutionOptions): Promise<Tensor>
  /** torch.logical_not: `logical_not(Tensor self) -> Tensor` */
  logicalNot(input: Tensor, options?: ExecutionOptions): Promise<Tensor>
  /** torch.isnan: `isnan(Tensor self) -> Tensor` */
  isnan(input: Tensor, options?: ExecutionOptions): Promise<Tensor>
  /** torch.isinf: `isinf(Tensor self) -> Tensor` */
  isinf(input: Tensor, options?: ExecutionOptions): Promise<Tensor>
  /** torch.isfinite: `isfinite(Tensor self) -> Tensor` */
  isfinite(input: Tensor, options?: ExecutionOptions): Promise<Tensor>
  /** torch.isclose: `isclose(Tensor self, Tensor other, float rtol=1.0000000000000001e-05, float atol=1e-08, bool equal_nan=False) -> Tensor` */
  isclose(
    input: Tensor,
    other: Tensor,
    options?: OperatorOptions<{ rtol: number; atol: number; equalNan: boolean }>,
  ): Promise<Tensor>
  /** torch.allclose: `allclose(Tensor self, Tensor other, float rtol=1.0000000000000001e-05, float atol=1e-08, bool equal_nan=False) -> bool` */
  allclose(
    input: Tensor,
    other: Tensor,
    options?: OperatorOptions<{ rtol: number; atol: number; equalNan: boolean }>,
  ): Promise<boolean>
  /** torch.equal: `equal(Tensor self, Tensor other) -> bool` */
  equal(input: Tensor, other: Tensor, options?: ExecutionOptions): Promise<boolean>
  /** torch.where: `where.self(Tensor condition, Tensor self, Tensor other) -> Tensor` */
  where(condition: Tensor, input: Tensor, other: Tensor, options?: ExecutionOptions): Promise<Tensor>
  /** torch.where: `where.ScalarOther(Tensor condition, Tensor self, Scalar other) -> Tensor` */
  where(condition: Tensor, input: Tensor, other: Scalar, options?: ExecutionOptions): Promise<Tensor>
  /** torch.where: `where.ScalarSelf(Tensor condition, Scalar self, Tensor other) -> Tensor` */
  where(condition: Tensor, input: Scalar, other: Tensor, options?: ExecutionOptions): Promise<Tensor>
  /** torch.where: `where.Scalar(Tensor condition, Scalar self, Scalar other) -> Tensor` */
  where(condition: Tensor, input: Scalar, other: Scalar, options?: ExecutionOptions): Promise<Tensor>
  /** torch.sum: `sum(Tensor self, *, ScalarType? dtype=None) -> Tensor` */
  sum(input: Tensor, options?: OperatorOptions<{ dtype: DType | null }>): Promise<Tensor>
  /** torch.sum: `sum.dim_IntList(Tensor self, int[1]? dim, bool keepdim=False, *, ScalarType? dtype=None) -> Tensor` */
  sum(
    input: Tensor,
    options?: OperatorOptions<{ dim: number | readonly number[] | null; keepdim: boolean; dtype: DType | null }>,
  ): Promise<Tensor>
  /** torch.mean: `mean(Tensor self, *, ScalarType? dtype=None) -> Tensor` */
  mean(input: Tensor, options?: OperatorOptions<{ dtype: DType | null }>): Promise<Tensor>
  /** torch.mean: `mean.dim(Tensor self, int[1]? dim, bool keepdim=False, *, ScalarType? dtype=None) -> Tensor` */
  mean(
    input: Tensor,
    options?: OperatorOptions<{ dim: number | readonly number[] | null; keepdim: boolean; dtype: DType | null }>,
  ): Promise<Tensor>
  /** torch.prod: `prod(Tensor self, *, ScalarType? dtype=None) -> Tensor` */
  prod(input: Tensor, options?: OperatorOptions<{ dtype: DType | null }>): Promise<Tensor>
  /** torch.prod: `prod.dim_int(Tensor self, int dim, bool keepdim=False, *, ScalarType? dtype=None) -> Tensor` */
  prod(
    input: Tensor,
    dim: number,
    options?: OperatorOptions<{ keepdim: boolean; dtype: DType | null }>,
  ): Promise<Tensor>
  /** torch.std: `std.correction(Tensor self, int[1]? dim=None, *, Scalar? correction=None, bool keepdim=False) -> Tensor` */
  std(
    input: Tensor,
    options?: OperatorOptions<{ dim: number | readonly number[] | null; correction: Scalar | null; keepdim: boolean }>,
  ): Promise<Tensor>
  /** torch.var: `var.correction(Tensor self, int[1]? dim=None, *, Scalar? correction=None, bool keepdim=False) -> Tensor` */
  var(
    input: Tensor,
    options?: OperatorOptions<{ dim: number | readonly number[] | null; correction: Scalar | null; keepdim: boolean }>,
  ): Promise<Tensor>
  /** torch.var_mean: `var_mean.correction(Tensor self, int[1]? dim=None, *, Scalar? correction=None, bool keepdim=False) -> (Tensor, Tensor)` */
  varMean(
    input: Tensor,
    options?: OperatorOptions<{ dim: number | readonly number[] | null; correction: Scalar | null; keepdim: boolean }>,
  ): Promise<[Tensor, Tensor]>
  /** torch.amax: `amax(Tensor self, int[1] dim=[], bool keepdim=False) -> Tensor` */
  amax(input: Tensor, options?: OperatorOptions<{ dim: number | readonly number[]; keepdim: boolean }>): Promise<Tensor>
  /** torch.amin: `amin(Tensor self, int[1] dim=[], bool keepdim=False) -> Tensor` */
  amin(input: Tensor, options?: OperatorOptions<{ dim: number | readonly number[]; keepdim: boolean }>): Promise<Tensor>
  /** torch.aminmax: `aminmax(Tensor self, *, int? dim=None, bool keepdim=False) -> (Tensor min, Tensor max)` */
  aminmax(
    input: Tensor,
    options?: OperatorOptions<{ dim: number | null; keepdim: boolean }>,
  ): Promise<{ min: Tensor; max: Tensor }>
  /** torch.max: `max(Tensor self) -> Tensor` */
  max(input: Tensor, options?: ExecutionOptions): Promise<Tensor>
  /** torch.max: `max.dim(Tensor self, int dim, bool keepdim=False) -> (Tensor values, Tensor indices)` */
  max(
    input: Tensor,
    dim: number,
    options?: OperatorOptions<{ keepdim: boolean }>,
  ): Promise<{ values: Tensor; indices: Tensor }>
  /** torch.min: `min(Tensor self) -> Tensor` */
  min(input: Tensor, options?: ExecutionOptions): Promise<Tensor>
  /** torch.min: `min.dim(Tensor self, int dim, bool keepdim=False) -> (Tensor values, Tensor indices)` */
  min(
    input: Tensor,
    dim: number,
    options?: OperatorOptions<{ keepdim: boolean }>,
  ): Promise<{ values: Tensor; indices: Tensor }>
  /** torch.argmax: `argmax(Tensor self, int? dim=None, bool keepdim=False) -> Tensor` */
  argmax(input: Tensor, options?: OperatorOptions<{ dim: number | null; keepdim: boolean }>): Promise<Tensor>
  /** torch.argmin: `argmin(Tensor self, int? dim=None, bool keepdim=False) -> Tensor` */
  argmin(input: Tensor, options?: OperatorOptions<{ dim: number | null; keepdim: boolean }>): Promise<Tensor>
  /** torch.any: `any(Tensor self) -> Tensor` */
  any(input: Tensor, options?: ExecutionOptions): Promise<Tensor>
  /** torch.any: `any.dim(Tensor self, int dim, bool keepdim=False) -> Tensor` */
  any(input: Tensor, dim: number, options?: OperatorOptions<{ keepdim: boolean }>): Promise<Tensor>
  /** torch.all: `all(Tensor self) -> Tensor` */
  all(input: Tensor, options?: ExecutionOptions): Promise<Tensor>
  /** torch.all: `all.dim(Tensor self, int dim, bool keepdim=False) -> Tensor` */
  all(input: Tensor, dim: number, options?: OperatorOptions<{ keepdim: boolean }>): Promise<Tensor>
  /** torch.logsumexp: `logsumexp(Tensor self, int[1] dim, bool keepdim=False) -> Tensor` */
  logsumexp(
    input: Tensor,
    dim: number | readonly number[],
    options?: OperatorOptions<{ keepdim: boolean }>,
  ): Promise<Tensor>
  /** torch.linalg.vector_norm: `linalg_vector_norm(Tensor self, Scalar ord=2, int[1]? dim=None, bool keepdim=False, *, ScalarType? dtype=None) -> Tensor` */
  norm(
    input: Tensor,
    options?: OperatorOptions<{
      ord: Scalar
      dim: number | readonly number[] | null
      keepdim: boolean
      dtype: DType | null
    }>,
  ): Promise<Tensor>
  /** torch.cumsum: `cumsum(Tensor self, int dim, *, ScalarType? dtype=None) -> Tensor` */
  cumsum(input: Tensor, dim: number, options?: OperatorOptions<{ dtype: DType | null }>): Promise<Tensor>
  /** torch.cumprod: `cumprod(Tensor self, int dim, *, ScalarType? dtype=None) -> Tensor` */
  cumprod(input: Tensor, dim: number, options?: OperatorOptions<{ dtype: DType | null }>): Promise<Tensor>
  /** torch.median: `median(Tensor self) -> Tensor` */
  median(input: Tensor, options?: ExecutionOptions): Promise<Tensor>
  /** torch.median: `median.dim(Tensor self, int dim, bool keepdim=False) -> (Tensor values, Tensor indices)` */
  median(
    input: Tensor,
    dim: number,
    options?: OperatorOptions<{ keepdim: boolean }>,
  ): Promise<{ values: Tensor; indices: Tensor }>
  /** torch.quantile: `quantile(Tensor self, Tensor q, int? dim=None, bool keepdim=False, *, str interpolation="linear") -> Tensor` */
  quantile(
    input: Tensor,
    q: Tensor,
    options?: OperatorOptions<{
      dim: number | null
      keepdim: boolean
      interpolation: 'linear' | 'lower' | 'higher' | 'midpoint' | 'nearest'
    }>,
  ): Promise<Tensor>
  /** torch.quantile: `quantile.scalar(Tensor self, float q, int? dim=None, bool keepdim=False, *, str interpolation="linear") -> Tensor` */
  quantile(
    input: Tensor,
    q: number,
    options?: OperatorOptions<{
      dim: number | null
      keepdim: boolean
      interpolation: 'linear' | 'lower' | 'higher' | 'midpoint' | 'nearest'
    }>,
  ): Promise<Tensor>
  /** torch.count_nonzero: `count_nonzero(Tensor self, int? dim=None) -> Tensor` */
  countNonzero(input: Tensor, options?: OperatorOptions<{ dim: number | null }>): Promise<Tensor>
  /** torch.bincount: `bincount(Tensor self, Tensor? weights=None, SymInt minlength=0) -> Tensor` */
  bincount(input: Tensor, options?: OperatorOptions<{ weights: Tensor | null; minlength: number }>): Promise<Tensor>
  /** torch.histc: `histc(Tensor self, int bins=100, Scalar min=0, Scalar max=0) -> Tensor` */
  histc(input: Tensor, options?: OperatorOptions<{ bins: number; min: Scalar; max: Scalar }>): Promise<Tensor>
  /** torch.reshape: `reshape(Tensor(a) self, SymInt[] shape) -> Tensor(a)` */
  reshape(input: Tensor, shape: readonly number[], options?: ExecutionOptions): Promise<Tensor>
  /** torch.Tensor.view: `view(Tensor(a) self, SymInt[] size) -> Tensor(a)` */
  view(input: Tensor, size: readonly number[], options?: ExecutionOptions): Promise<Tensor>
  /** torch.permute: `permute(Tensor(a) self, int[] dims) -> Tensor(a)` */
  permute(input: Tensor, dims: readonly number[], options?: ExecutionOptions): Promise<Tensor>
  /** torch.transpose: `transpose.int(Tensor(a) self, int dim0, int dim1) -> Tensor(a)` */
  transpose(input: Tensor, dim0: number, dim1: number, options?: ExecutionOptions): Promise<Tensor>
  /** torch.t: `t(Tensor(a) self) -> Tensor(a)` */
  t(input: Tensor, options?: ExecutionOptions): Promise<Tensor>
  /** torch.squeeze: `squeeze(Tensor(a) self) -> Tensor(a)` */
  squeeze(input: Tensor, options?: ExecutionOptions): Promise<Tensor>
  /** torch.squeeze: `squeeze.dim(Tensor(a) self, int dim) -> Tensor(a)` */
  squeeze(input: Tensor, dim: number, options?: ExecutionOptions): Promise<Tensor>
  /** torch.squeeze: `squeeze.dims(Tensor(a) self, int[] dim) -> Tensor(a)` */
  squeeze(input: Tensor, dim: readonly number[], options?: ExecutionOptions): Promise<Tensor>
  /** torch.unsqueeze: `unsqueeze(Tensor(a) self, int dim) -> Tensor(a)` */
  unsqueeze(input: Tensor, dim: number, options?: ExecutionOptions): Promise<Tensor>
  /** torch.flatten: `flatten.using_ints(Tensor(a) self, int start_dim=0, int end_dim=-1) -> Tensor(a)` */
  flatten(input: Tensor, options?: OperatorOptions<{ startDim: number; endDim: number }>): Promise<Tensor>
  /** torch.Tensor.expand: `expand(Tensor(a) self, SymInt[] size, *, bool implicit=False) -> Tensor(a)` */
  expand(input: Tensor, size: readonly number[], options?: ExecutionOptions): Promise<Tensor>
  /** torch.Tensor.repeat: `repeat(Tensor self, SymInt[] repeats) -> Tensor` */
  repeat(input: Tensor, repeats: readonly number[], options?: ExecutionOptions): Promise<Tensor>
  /** torch.repeat_interleave: `repeat_interleave.self_int(Tensor self, SymInt repeats, int? dim=None, *, SymInt? output_size=None) -> Tensor` */
  repeatInterleave(
    input: Tensor,
    repeats: number,
    options?: OperatorOptions<{ dim: number | null; outputSize: number | null }>,
  ): Promise<Tensor>
  /** torch.cat: `cat(Tensor[] tensors, int dim=0) -> Tensor` */
  cat(tensors: readonly Tensor[], options?: OperatorOptions<{ dim: number }>): Promise<Tensor>
  /** torch.stack: `stack(Tensor[] tensors, int dim=0) -> Tensor` */
  stack(tensors: readonly Tensor[], options?: OperatorOptions<{ dim: number }>): Promise<Tensor>
  /** torch.split: `split.Tensor(Tensor(a -> *) self, SymInt split_size, int dim=0) -> Tensor(a)[]` */
  split(input: Tensor, splitSize: number, options?: OperatorOptions<{ dim: number }>): Promise<Tensor[]>
  /** torch.split_with_sizes: `split_with_sizes(Tensor(a -> *) self, SymInt[] split_sizes, int dim=0) -> Tensor(a)[]` */
  splitWithSizes(
    input: Tensor,
    splitSizes: readonly number[],
    options?: OperatorOptions<{ dim: number }>,
  ): Promise<Tensor[]>
  /** torch.chunk: `chunk(Tensor(a -> *) self, int chunks, int dim=0) -> Tensor(a)[]` */
  chunk(input: Tensor, chunks: number, options?: OperatorOptions<{ dim: number }>): Promise<Tensor[]>
  /** torch.unbind: `unbind.int(Tensor(a -> *) self, int dim=0) -> Tensor(a)[]` */
  unbind(input: Tensor, options?: OperatorOptions<{ dim: number }>): Promise<Tensor[]>
  /** torch.flip: `flip(Tensor self, int[] dims) -> Tensor` */
  flip(input: Tensor, dims: readonly number[], options?: ExecutionOptions): Promise<Tensor>
  /** torch.roll: `roll(Tensor self, SymInt[1] shifts, int[1] dims=[]) -> Tensor` */
  roll(
    input: Tensor,
    shifts: number | readonly number[],
    options?: OperatorOptions<{ dims: number | readonly number[] }>,
  ): Promise<Tensor>
  /** torch.movedim: `movedim.int(Tensor(a) self, int source, int destination) -> Tensor(a)` */
  movedim(input: Tensor, source: number, destination: number, options?: ExecutionOptions): Promise<Tensor>
  /** torch.movedim: `movedim.intlist(Tensor(a) self, int[] source, int[] destination) -> Tensor(a)` */
  movedim(
    input: Tensor,
    source: readonly number[],
    destination: readonly number[],
    options?: ExecutionOptions,
  ): Promise<Tensor>
  /** torch.Tensor.contiguous: `contiguous(Tensor(a) self, *, MemoryFormat memory_format=0) -> Tensor(a)` */
  contiguous(input: Tensor, options?: OperatorOptions<{ memoryFormat: MemoryFormat }>): Promise<Tensor>
  /** torch.clone: `clone(Tensor self, *, MemoryFormat? memory_format=None) -> Tensor` */
  clone(input: Tensor, options?: OperatorOptions<{ memoryFormat: MemoryFormat | null }>): Promise<Tensor>
  /** torch.detach: `detach(Tensor(a) self) -> Tensor(a)` */
  detach(input: Tensor, options?: ExecutionOptions): Promise<Tensor>
  /** torch.nn.functional.pixel_shuffle: `pixel_shuffle(Tensor self, int upscale_factor) -> Tensor` */
  pixelShuffle(input: Tensor, upscaleFactor: number, options?: ExecutionOptions): Promise<Tensor>
  /** torch.nn.functional.pixel_unshuffle: `pixel_unshuffle(Tensor self, int downscale_factor) -> Tensor` */
  pixelUnshuffle(input: Tensor, downscaleFactor: number, options?: ExecutionOptions): Promise<Tensor>
  /** torch.tril: `tril(Tensor self, SymInt diagonal=0) -> Tensor` */
  tril(input: Tensor, options?: OperatorOptions<{ diagonal: number }>): Promise<Tensor>
  /** torch.triu: `triu(Tensor self, SymInt diagonal=0) -> Tensor` */
  triu(input: Tensor, options?: OperatorOptions<{ diagonal: number }>): Promise<Tensor>
  /** torch.diagonal: `diagonal(Tensor(a) self, int offset=0, int dim1=0, int dim2=1) -> Tensor(a)` */
  diagonal(input: Tensor, options?: OperatorOptions<{ offset: number; dim1: number; dim2: number }>): Promise<Tensor>
  /** torch.meshgrid: `meshgrid.indexing(Tensor[] tensors, *, str indexing) -> Tensor[]` */
  meshgrid(tensors: readonly Tensor[], options?: OperatorOptions<{ indexing: 'ij' | 'xy' }>): Promise<Tensor[]>
  /** torch.select: `select.int(Tensor(a) self, int dim, SymInt index) -> Tensor(a)` */
  select(input: Tensor, dim: number, index: number, options?: ExecutionOptions): Promise<Tensor>
  /** slicing in Python, tensor[start:end:step]: `slice.Tensor(Tensor(a) self, int dim=0, SymInt? start=None, SymInt? end=None, SymInt step=1) -> Tensor(a)` */
  slice(
    input: Tensor,
    options?: OperatorOptions<{ dim: number; start: number | null; end: number | null; step: number }>,
  ): Promise<Tensor>
  /** torch.narrow: `narrow(Tensor(a) self, int dim, SymInt start, SymInt length) -> Tensor(a)` */
  narrow(input: Tensor, dim: number, start: number, length: number, options?: ExecutionOptions): Promise<Tensor>
  /** torch.index_select: `index_select(Tensor self, int dim, Tensor index) -> Tensor` */
  indexSelect(input: Tensor, dim: number, index: Tensor, options?: ExecutionOptions): Promise<Tensor>
  /** indexing in Python, tensor[indices]: `index.Tensor(Tensor self, Tensor?[] indices) -> Tensor` */
  index(input: Tensor, indices: readonly (Tensor | null)[], options?: ExecutionOptions): Promise<Tensor>
  /** torch.gather: `gather(Tensor self, int dim, Tensor index, *, bool sparse_grad=False) -> Tensor` */
  gather(input: Tensor, dim: number, index: Tensor, options?: OperatorOptions<{ sparseGrad: boolean }>): Promise<Tensor>
  /** torch.scatter: `scatter.src(Tensor self, int dim, Tensor index, Tensor src) -> Tensor` */
  scatter(input: Tensor, dim: number, index: Tensor, src: Tensor, options?: ExecutionOptions): Promise<Tensor>
  /** torch.scatter: `scatter.value(Tensor self, int dim, Tensor index, Scalar value) -> Tensor` */
  scatter(input: Tensor, dim: number, index: Tensor, value: Scalar, options?: ExecutionOptions): Promise<Tensor>
  /** torch.scatter_add: `scatter_add(Tensor self, int dim, Tensor index, Tensor src) -> Tensor` */
  scatterAdd(input: Tensor, dim: number, index: Tensor, src: Tensor, options?: ExecutionOptions): Promise<Tensor>
  /** torch.masked_fill: `masked_fill.Scalar(Tensor self, Tensor mask, Scalar value) -> Tensor` */
  maskedFill(input: Tensor, mask: Tensor, value: Scalar, options?: ExecutionOptions): Promise<Tensor>
  /** torch.masked_fill: `masked_fill.Tensor(Tensor self, Tensor mask, Tensor value) -> Tensor` */
  maskedFill(input: Tensor, mask: Tensor, value: Tensor, options?: ExecutionOptions): Promise<Tensor>
  /** torch.masked_select: `masked_select(Tensor self, Tensor mask) -> Tensor` */
  maskedSelect(input: Tensor, mask: Tensor, options?: ExecutionOptions): Promise<Tensor>
  /** torch.take_along_dim: `take_along_dim(Tensor self, Tensor indices, int? dim=None) -> Tensor` */
  takeAlongDim(input: Tensor, indices: Tensor, options?: OperatorOptions<{ dim: number | null }>): Promise<Tensor>
  /** torch.nonzero: `nonzero(Tensor self) -> Tensor` */
  nonzero(input: Tensor, options?: ExecutionOptions): Promise<Tensor>
  /** torch.nn.functional.one_hot: `one_hot(Tensor self, int num_classes=-1) -> Tensor` */
  oneHot(input: Tensor, options?: OperatorOptions<{ numClasses: number }>): Promise<Tensor>
  /** torch.searchsorted: `searchsorted.Tensor(Tensor sorted_sequence, Tensor self, *, bool out_int32=False, bool right=False, str? side=None, Tensor? sorter=None) -> Tensor` */
  searchsorted(
    sortedSequence: Tensor,
    input: Tensor,
    options?: OperatorOptions<{
      outInt32: boolean
      right: boolean
      side: 'left' | 'right' | null
      sorter: Tensor | null
    }>,
  ): Promise<Tensor>
  /** torch.bucketize: `bucketize.Tensor(Tensor self, Tensor boundaries, *, bool out_int32=False, bool right=False) -> Tensor` */
  bucketize(
    input: Tensor,
    boundaries: Tensor,
    options?: OperatorOptions<{ outInt32: boolean; right: boolean }>,
  ): Promise<Tensor>
  /** torch.sort: `sort(Tensor self, int dim=-1, bool descending=False) -> (Tensor values, Tensor indices)` */
  sort(
    input: Tensor,
    options?: OperatorOptions<{ dim: number; descending: boolean }>,
  ): Promise<{ values: Tensor; indices: Tensor }>
  /** torch.argsort: `argsort(Tensor self, int dim=-1, bool descending=False) -> Tensor` */
  argsort(input: Tensor, options?: OperatorOptions<{ dim: number; descending: boolean }>): Promise<Tensor>
  /** torch.topk: `topk(Tensor self, SymInt k, int dim=-1, bool largest=True, bool sorted=True) -> (Tensor values, Tensor indices)` */
  topk(
    input: Tensor,
    k: number,
    options?: OperatorOptions<{ dim: number; largest: boolean; sorted: boolean }>,
  ): Promise<{ values: Tensor; indices: Tensor }>
  /** torch.unique: `_unique2(Tensor self, bool sorted=True, bool return_inverse=False, bool return_counts=False) -> (Tensor, Tensor, Tensor)` */
  unique(
    input: Tensor,
    options?: OperatorOptions<{ sorted: boolean; returnInverse: boolean; returnCounts: boolean }>,
  ): Promise<[Tensor, Tensor, Tensor]>
  /** torch.softmax: `softmax.int(Tensor self, int dim, ScalarType? dtype=None) -> Tensor` */
  softmax(input: Tensor, dim: number, options?: OperatorOptions<{ dtype: DType | null }>): Promise<Tensor>
  /** torch.log_softmax: `log_softmax.int(Tensor self, int dim, ScalarType? dtype=None) -> Tensor` */
  logSoftmax(input: Tensor, dim: number, options?: OperatorOptions<{ dtype: DType | null }>): Promise<Tensor>
  /** torch.relu: `relu(Tensor self) -> Tensor` */
  relu(input: Tensor, options?: ExecutionOptions): Promise<Tensor>
  /** torch.nn.functional.gelu: `gelu(Tensor self, *, str approximate="none") -> Tensor` */
  gelu(input: Tensor, options?: OperatorOptions<{ approximate: 'none' | 'tanh' }>): Promise<Tensor>
  /** torch.nn.functional.silu: `silu(Tensor self) -> Tensor` */
  silu(input: Tensor, options?: ExecutionOptions): Promise<Tensor>
  /** torch.nn.functional.leaky_relu: `leaky_relu(Tensor self, Scalar negative_slope=0.01) -> Tensor` */
  leakyRelu(input: Tensor, options?: OperatorOptions<{ negativeSlope: Scalar }>): Promise<Tensor>
  /** torch.nn.functional.elu: `elu(Tensor self, Scalar alpha=1, Scalar scale=1, Scalar input_scale=1) -> Tensor` */
  elu(input: Tensor, options?: OperatorOptions<{ alpha: Scalar; scale: Scalar; inputScale: Scalar }>): Promise<Tensor>
  /** torch.nn.functional.softplus: `softplus(Tensor self, Scalar beta=1, Scalar threshold=20) -> Tensor` */
  softplus(input: Tensor, options?: OperatorOptions<{ beta: Scalar; threshold: Scalar }>): Promise<Tensor>
  /** torch.nn.functional.hardsigmoid: `hardsigmoid(Tensor self) -> Tensor` */
  hardsigmoid(input: Tensor, options?: ExecutionOptions): Promise<Tensor>
  /** torch.nn.functional.hardswish: `hardswish(Tensor self) -> Tensor` */
  hardswish(input: Tensor, options?: ExecutionOptions): Promise<Tensor>
  /** torch.matmul: `matmul(Tensor self, Tensor other) -> Tensor` */
  matmul(input: Tensor, other: Tensor, options?: ExecutionOptions): Promise<Tensor>
  /** torch.mm: `mm(Tensor self, Tensor mat2) -> Tensor` */
  mm(input: Tensor, mat2: Tensor, options?: ExecutionOptions): Promise<Tensor>
  /** torch.bmm: `bmm(Tensor self, Tensor mat2) -> Tensor` */
  bmm(input: Tensor, mat2: Tensor, options?: ExecutionOptions): Promise<Tensor>
  /** torch.addmm: `addmm(Tensor self, Tensor mat1, Tensor mat2, *, Scalar beta=1, Scalar alpha=1) -> Tensor` */
  addmm(
    input: Tensor,
    mat1: Tensor,
    mat2: Tensor,
    options?: OperatorOptions<{ beta: Scalar; alpha: Scalar }>,
  ): Promise<Tensor>
  /** torch.nn.functional.linear: `linear(Tensor input, Tensor weight, Tensor? bias=None) -> Tensor` */
  linear(input: Tensor, weight: Tensor, options?: OperatorOptions<{ bias: Tensor | null }>): Promise<Tensor>
  /** torch.einsum: `einsum(str equation, Tensor[] tensors, *, int[]? path=None) -> Tensor` */
  einsum(
    equation: string,
    tensors: readonly Tensor[],
    options?: OperatorOptions<{ path: readonly number[] | null }>,
  ): Promise<Tensor>
  /** torch.nn.functional.conv1d: `conv1d(Tensor input, Tensor weight, Tensor? bias=None, SymInt[1] stride=[1], SymInt[1] padding=[0], SymInt[1] dilation=[1], SymInt groups=1) -> Tensor` */
  conv1d(
    input: Tensor,
    weight: Tensor,
    options?: OperatorOptions<{
      bias: Tensor | null
      stride: number | readonly number[]
      padding: number | readonly number[]
      dilation: number | readonly number[]
      groups: number
    }>,
  ): Promise<Tensor>
  /** torch.nn.functional.conv2d: `conv2d(Tensor input, Tensor weight, Tensor? bias=None, SymInt[2] stride=[1, 1], SymInt[2] padding=[0, 0], SymInt[2] dilation=[1, 1], SymInt groups=1) -> Tensor` */
  conv2d(
    input: Tensor,
    weight: Tensor,
    options?: OperatorOptions<{
      bias: Tensor | null
      stride: number | readonly number[]
      padding: number | readonly number[]
      dilation: number | readonly number[]
      groups: number
    }>,
  ): Promise<Tensor>
  /** torch.nn.functional.conv_transpose2d: `conv_transpose2d.input(Tensor input, Tensor weight, Tensor? bias=None, SymInt[2] stride=[1, 1], SymInt[2] padding=[0, 0], SymInt[2] output_padding=[0, 0], SymInt groups=1, SymInt[2] dilation=[1, 1]) -> Tensor` */
  convTranspose2d(
    input: Tensor,
    weight: Tensor,
    options?: OperatorOptions<{
      bias: Tensor | null
      stride: number | readonly number[]
      padding: number | readonly number[]
      outputPadding: number | readonly number[]
      groups: number
      dilation: number | readonly number[]
    }>,
  ): Promise<Tensor>
  /** torch.nn.functional.max_pool2d: `max_pool2d(Tensor self, int[2] kernel_size, int[2] stride=[], int[2] padding=0, int[2] dilation=1, bool ceil_mode=False) -> Tensor` */
  maxPool2d(
    input: Tensor,
    kernelSize: number | readonly number[],
    options?: OperatorOptions<{
      stride: number | readonly number[]
      padding: number | readonly number[]
      dilation: number | readonly number[]
      ceilMode: boolean
    }>,
  ): Promise<Tensor>
  /** torch.nn.functional.avg_pool2d: `avg_pool2d(Tensor self, int[2] kernel_size, int[2] stride=[], int[2] padding=0, bool ceil_mode=False, bool count_include_pad=True, int? divisor_override=None) -> Tensor` */
  avgPool2d(
    input: Tensor,
    kernelSize: number | readonly number[],
    options?: OperatorOptions<{
      stride: number | readonly number[]
      padding: number | readonly number[]
      ceilMode: boolean
      countIncludePad: boolean
      divisorOverride: number | null
    }>,
  ): Promise<Tensor>
  /** torch.nn.functional.adaptive_avg_pool1d: `adaptive_avg_pool1d(Tensor self, int[1] output_size) -> Tensor` */
  adaptiveAvgPool1d(input: Tensor, outputSize: number | readonly number[], options?: ExecutionOptions): Promise<Tensor>
  /** torch.nn.functional.adaptive_avg_pool2d: `adaptive_avg_pool2d(Tensor self, SymInt[2] output_size) -> Tensor` */
  adaptiveAvgPool2d(input: Tensor, outputSize: number | readonly number[], options?: ExecutionOptions): Promise<Tensor>
  /** torch.nn.functional.adaptive_avg_pool3d: `adaptive_avg_pool3d(Tensor self, SymInt[3] output_size) -> Tensor` */
  adaptiveAvgPool3d(input: Tensor, outputSize: number | readonly number[], options?: ExecutionOptions): Promise<Tensor>
  /** torch.nn.functional.adaptive_max_pool2d: `adaptive_max_pool2d(Tensor self, int[2] output_size) -> (Tensor, Tensor)` */
  adaptiveMaxPool2d(
    input: Tensor,
    outputSize: number | readonly number[],
    options?: ExecutionOptions,
  ): Promise<[Tensor, Tensor]>
  /** torch.nn.functional.batch_norm: `batch_norm(Tensor input, Tensor? weight, Tensor? bias, Tensor? running_mean, Tensor? running_var, bool training, float momentum, float eps, bool cudnn_enabled) -> Tensor` */
  batchNorm(
    input: Tensor,
    options?: OperatorOptions<{
      weight: Tensor | null
      bias: Tensor | null
      runningMean: Tensor | null
      runningVar: Tensor | null
      training: boolean
      momentum: number
      eps: number
    }>,
  ): Promise<Tensor>
  /** torch.nn.functional.layer_norm: `layer_norm(Tensor input, SymInt[] normalized_shape, Tensor? weight=None, Tensor? bias=None, float eps=1.0000000000000001e-05, bool cudnn_enable=True) -> Tensor` */
  layerNorm(
    input: Tensor,
    normalizedShape: readonly number[],
    options?: OperatorOptions<{ weight: Tensor | null; bias: Tensor | null; eps: number }>,
  ): Promise<Tensor>
  /** torch.nn.functional.group_norm: `group_norm(Tensor input, int num_groups, Tensor? weight=None, Tensor? bias=None, float eps=1.0000000000000001e-05, bool cudnn_enabled=True) -> Tensor` */
  groupNorm(
    input: Tensor,
    numGroups: number,
    options?: OperatorOptions<{ weight: Tensor | null; bias: Tensor | null; eps: number }>,
  ): Promise<Tensor>
  /** torch.nn.functional.embedding: `embedding(Tensor weight, Tensor indices, SymInt padding_idx=-1, bool scale_grad_by_freq=False, bool sparse=False) -> Tensor` */
  embedding(
    weight: Tensor,
    indices: Tensor,
    options?: OperatorOptions<{ paddingIdx: number; scaleGradByFreq: boolean; sparse: boolean }>,
  ): Promise<Tensor>
  /** torch.nn.functional.dropout: `dropout(Tensor input, float p, bool train) -> Tensor` */
  dropout(input: Tensor, options?: OperatorOptions<{ p: number; train: boolean }>): Promise<Tensor>
  /** torch.nn.functional.scaled_dot_product_attention: `scaled_dot_product_attention(Tensor query, Tensor key, Tensor value, Tensor? attn_mask=None, float dropout_p=0., bool is_causal=False, *, float? scale=None, bool enable_gqa=False) -> Tensor` */
  scaledDotProductAttention(
    query: Tensor,
    key: Tensor,
    value: Tensor,
    options?: OperatorOptions<{
      attnMask: Tensor | null
      dropoutP: number
      isCausal: boolean
      scale: number | null
      enableGqa: boolean
    }>,
  ): Promise<Tensor>
  /** torch.nn.functional.interpolate: `upsample_nearest1d.vec(Tensor input, SymInt[]? output_size, float[]? scale_factors) -> Tensor` */
  upsampleNearest1d(
    input: Tensor,
    options?: OperatorOptions<{ outputSize: readonly number[] | null; scaleFactors: readonly number[] | null }>,
  ): Promise<Tensor>
  /** torch.nn.functional.interpolate: `upsample_nearest2d.vec(Tensor input, SymInt[]? output_size, float[]? scale_factors) -> Tensor` */
  upsampleNearest2d(
    input: Tensor,
    options?: OperatorOptions<{ outputSize: readonly number[] | null; scaleFactors: readonly number[] | null }>,
  ): Promise<Tensor>
  /** torch.nn.functional.interpolate: `upsample_nearest3d.vec(Tensor input, SymInt[]? output_size, float[]? scale_factors) -> Tensor` */
  upsampleNearest3d(
    input: Tensor,
    options?: OperatorOptions<{ outputSize: readonly number[] | null; scaleFactors: readonly number[] | null }>,
  ): Promise<Tensor>
  /** torch.nn.functional.interpolate: `_upsample_nearest_exact1d.vec(Tensor input, SymInt[]? output_size, float[]? scale_factors) -> Tensor` */
  upsampleNearestExact1d(
    input: Tensor,
    options?: OperatorOptions<{ outputSize: readonly number[] | null; scaleFactors: readonly number[] | null }>,
  ): Promise<Tensor>
  /** torch.nn.functional.interpolate: `_upsample_nearest_exact2d.vec(Tensor input, SymInt[]? output_size, float[]? scale_factors) -> Tensor` */
  upsampleNearestExact2d(
    input: Tensor,
    options?: OperatorOptions<{ outputSize: readonly number[] | null; scaleFactors: readonly number[] | null }>,
  ): Promise<Tensor>
  /** torch.nn.functional.interpolate: `_upsample_nearest_exact3d.vec(Tensor input, SymInt[]? output_size, float[]? scale_factors) -> Tensor` */
  upsampleNearestExact3d(
    input: Tensor,
    options?: OperatorOptions<{ outputSize: readonly number[] | null; scaleFactors: readonly number[] | null }>,
  ): Promise<Tensor>
  /** torch.nn.functional.interpolate: `upsample_linear1d.vec(Tensor input, SymInt[]? output_size, bool align_corners, float[]? scale_factors) -> Tensor` */
  upsampleLinear1d(
    input: Tensor,
    options?: OperatorOptions<{
      outputSize: readonly number[] | null
      alignCorners: boolean
      scaleFactors: readonly number[] | null
    }>,
  ): Promise<Tensor>
  /** torch.nn.functional.interpolate: `upsample_bilinear2d.vec(Tensor input, SymInt[]? output_size, bool align_corners, float[]? scale_factors) -> Tensor` */
  upsampleBilinear2d(
    input: Tensor,
    options?: OperatorOptions<{
      outputSize: readonly number[] | null
      alignCorners: boolean
      scaleFactors: readonly number[] | null
    }>,
  ): Promise<Tensor>
  /** torch.nn.functional.interpolate: `upsample_bicubic2d.vec(Tensor input, SymInt[]? output_size, bool align_corners, float[]? scale_factors) -> Tensor` */
  upsampleBicubic2d(
    input: Tensor,
    options?: OperatorOptions<{
      outputSize: readonly number[] | null
      alignCorners: boolean
      scaleFactors: readonly number[] | null
    }>,
  ): Promise<Tensor>
  /** torch.nn.functional.interpolate: `upsample_trilinear3d.vec(Tensor input, SymInt[]? output_size, bool align_corners, float[]? scale_factors) -> Tensor` */
  upsampleTrilinear3d(
    input: Tensor,
    options?: OperatorOptions<{
      outputSize: readonly number[] | null
      alignCorners: boolean
      scaleFactors: readonly number[] | null
    }>,
  ): Promise<Tensor>
  /** torch.nn.functional.interpolate: `_upsample_bilinear2d_aa.vec(Tensor input, SymInt[]? output_size, bool align_corners, float[]? scale_factors) -> Tensor` */
  upsampleBilinear2dAntialias(
    input: Tensor,
    options?: OperatorOptions<{
      outputSize: readonly number[] | null
      alignCorners: boolean
      scaleFactors: readonly number[] | null
    }>,
  ): Promise<Tensor>
  /** torch.nn.functional.interpolate: `_upsample_bicubic2d_aa.vec(Tensor input, SymInt[]? output_size, bool align_corners, float[]? scale_factors) -> Tensor` */
  upsampleBicubic2dAntialias(
    input: Tensor,
    options?: OperatorOptions<{
      outputSize: readonly number[] | null
      alignCorners: boolean
      scaleFactors: readonly number[] | null
    }>,
  ): Promise<Tensor>
  /** torch.nn.functional.pad: `pad(Tensor self, SymInt[] pad, str mode="constant", float? value=None) -> Tensor` */
  pad(
    input: Tensor,
    pad: readonly number[],
    options?: OperatorOptions<{ mode: 'constant' | 'reflect' | 'replicate' | 'circular'; value: number | null }>,
  ): Promise<Tensor>
  /** torch.nn.functional.grid_sample: `grid_sampler(Tensor input, Tensor grid, int interpolation_mode, int padding_mode, bool align_corners) -> Tensor` */
  gridSample(
    input: Tensor,
    grid: Tensor,
    options?: OperatorOptions<{
      interpolationMode: 'bilinear' | 'nearest' | 'bicubic'
      paddingMode: 'zeros' | 'border' | 'reflection'
      alignCorners: boolean
    }>,
  ): Promise<Tensor>
  /** torch.cdist: `cdist(Tensor x1, Tensor x2, float p=2., int? compute_mode=None) -> Tensor` */
  cdist(
    x1: Tensor,
    x2: Tensor,
    options?: OperatorOptions<{
      p: number
      computeMode:
        | 'use_mm_for_euclid_dist_if_necessary'
        | 'use_mm_for_euclid_dist'
        | 'donot_use_mm_for_euclid_dist'
        | null
    }>,
  ): Promise<Tensor>
  /** torch.nn.functional.cosine_similarity: `cosine_similarity(Tensor x1, Tensor x2, int dim=1, float eps=1e-08) -> Tensor` */
  cosineSimilarity(x1: Tensor, x2: Tensor, options?: OperatorOptions<{ dim: number; eps: number }>): Promise<Tensor>
  /** torch.nn.functional.pairwise_distance: `pairwise_distance(Tensor x1, Tensor x2, float p=2., float eps=9.9999999999999995e-07, bool keepdim=False) -> Tensor` */
  pairwiseDistance(
    x1: Tensor,
    x2: Tensor,
    options?: OperatorOptions<{ p: number; eps: number; keepdim: boolean }>,
  ): Promise<Tensor>
  /** torch.nn.functional.mse_loss: `mse_loss(Tensor self, Tensor target, int reduction=1) -> Tensor` */
  mseLoss(
    input: Tensor,
    target: Tensor,
    options?: OperatorOptions<{ reduction: 'none' | 'mean' | 'sum' }>,
  ): Promise<Tensor>
  /** torch.nn.functional.l1_loss: `l1_loss(Tensor self, Tensor target, int reduction=1) -> Tensor` */
  l1Loss(
    input: Tensor,
    target: Tensor,
    options?: OperatorOptions<{ reduction: 'none' | 'mean' | 'sum' }>,
  ): Promise<Tensor>
  /** torch.nn.functional.smooth_l1_loss: `smooth_l1_loss(Tensor self, Tensor target, int reduction=1, float beta=1.) -> Tensor` */
  smoothL1Loss(
    input: Tensor,
    target: Tensor,
    options?: OperatorOptions<{ reduction: 'none' | 'mean' | 'sum'; beta: number }>,
  ): Promise<Tensor>
  /** torch.nn.functional.huber_loss: `huber_loss(Tensor self, Tensor target, int reduction=1, float delta=1.) -> Tensor` */
  huberLoss(
    input: Tensor,
    target: Tensor,
    options?: OperatorOptions<{ reduction: 'none' | 'mean' | 'sum'; delta: number }>,
  ): Promise<Tensor>
  /** torch.nn.functional.cross_entropy: `cross_entropy_loss(Tensor self, Tensor target, Tensor? weight=None, int reduction=1, SymInt ignore_index=-100, float label_smoothing=0.) -> Tensor` */
  crossEntropy(
    input: Tensor,
    target: Tensor,
    options?: OperatorOptions<{
      weight: Tensor | null
      reduction: 'none' | 'mean' | 'sum'
      ignoreIndex: number
      labelSmoothing: number
    }>,
  ): Promise<Tensor>
  /** torch.nn.functional.nll_loss: `nll_loss_nd(Tensor self, Tensor target, Tensor? weight=None, int reduction=1, SymInt ignore_index=-100) -> Tensor` */
  nllLoss(
    input: Tensor,
    target: Tensor,
    options?: OperatorOptions<{ weight: Tensor | null; reduction: 'none' | 'mean' | 'sum'; ignoreIndex: number }>,
  ): Promise<Tensor>
  /** torch.nn.functional.binary_cross_entropy: `binary_cross_entropy(Tensor self, Tensor target, Tensor? weight=None, int reduction=1) -> Tensor` */
  binaryCrossEntropy(
    input: Tensor,
    target: Tensor,
    options?: OperatorOptions<{ weight: Tensor | null; reduction: 'none' | 'mean' | 'sum' }>,
  ): Promise<Tensor>
  /** torch.nn.functional.binary_cross_entropy_with_logits: `binary_cross_entropy_with_logits(Tensor self, Tensor target, Tensor? weight=None, Tensor? pos_weight=None, int reduction=1) -> Tensor` */
  binaryCrossEntropyWithLogits(
    input: Tensor,
    target: Tensor,
    options?: OperatorOptions<{ weight: Tensor | null; posWeight: Tensor | null; reduction: 'none' | 'mean' | 'sum' }>,
  ): Promise<Tensor>
  /** torch.nn.functional.kl_div: `kl_div(Tensor self, Tensor target, int reduction=1, *, bool log_target=False) -> Tensor` */
  klDiv(
    input: Tensor,
    target: Tensor,
    options?: OperatorOptions<{ reduction: 'none' | 'mean' | 'sum'; logTarget: boolean }>,
  ): Promise<Tensor>
  /** torch.Tensor.add_: `add_.Tensor(Tensor(a!) self, Tensor other, *, Scalar alpha=1) -> Tensor(a!)` */
  add_(input: Tensor, other: Tensor, options?: OperatorOptions<{ alpha: Scalar }>): Promise<Tensor>
  /** torch.Tensor.add_: `add_.Scalar(Tensor(a!) self, Scalar other, Scalar alpha=1) -> Tensor(a!)` */
  add_(input: Tensor, other: Scalar, options?: OperatorOptions<{ alpha: Scalar }>): Promise<Tensor>
  /** torch.Tensor.sub_: `sub_.Tensor(Tensor(a!) self, Tensor other, *, Scalar alpha=1) -> Tensor(a!)` */
  sub_(input: Tensor, other: Tensor, options?: OperatorOptions<{ alpha: Scalar }>): Promise<Tensor>
  /** torch.Tensor.sub_: `sub_.Scalar(Tensor(a!) self, Scalar other, Scalar alpha=1) -> Tensor(a!)` */
  sub_(input: Tensor, other: Scalar, options?: OperatorOptions<{ alpha: Scalar }>): Promise<Tensor>
  /** torch.Tensor.mul_: `mul_.Tensor(Tensor(a!) self, Tensor other) -> Tensor(a!)` */
  mul_(input: Tensor, other: Tensor, options?: ExecutionOptions): Promise<Tensor>
  /** torch.Tensor.mul_: `mul_.Scalar(Tensor(a!) self, Scalar other) -> Tensor(a!)` */
  mul_(input: Tensor, other: Scalar, options?: ExecutionOptions): Promise<Tensor>
  /** torch.Tensor.div_: `div_.Tensor(Tensor(a!) self, Tensor other) -> Tensor(a!)` */
  div_(input: Tensor, other: Tensor, options?: ExecutionOptions): Promise<Tensor>
  /** torch.Tensor.div_: `div_.Scalar(Tensor(a!) self, Scalar other) -> Tensor(a!)` */
  div_(input: Tensor, other: Scalar, options?: ExecutionOptions): Promise<Tensor>
  /** torch.Tensor.clamp_: `clamp_(Tensor(a!) self, Scalar? min=None, Scalar? max=None) -> Tensor(a!)` */
  clamp_(input: Tensor, options?: OperatorOptions<{ min: Scalar | null; max: Scalar | null }>): Promise<Tensor>
  /** torch.Tensor.copy_: `copy_(Tensor(a!) self, Tensor src, bool non_blocking=False) -> Tensor(a!)` */
  copy_(input: Tensor, src: Tensor, options?: OperatorOptions<{ nonBlocking: boolean }>): Promise<Tensor>
  /** torch.Tensor.zero_: `zero_(Tensor(a!) self) -> Tensor(a!)` */
  zero_(input: Tensor, options?: ExecutionOptions): Promise<Tensor>
  /** torch.Tensor.fill_: `fill_.Scalar(Tensor(a!) self, Scalar value) -> Tensor(a!)` */
  fill_(input: Tensor, value: Scalar, options?: ExecutionOptions): Promise<Tensor>
  /** torch.Tensor.normal_: `normal_(Tensor(a!) self, float mean=0., float std=1., *, Generator? generator=None) -> Tensor(a!)` */
  normal_(input: Tensor, options?: OperatorOptions<{ mean: number; std: number }>): Promise<Tensor>
  /** torch.Tensor.uniform_: `uniform_(Tensor(a!) self, float from=0., float to=1., *, Generator? generator=None) -> Tensor(a!)` */
  uniform_(input: Tensor, options?: OperatorOptions<{ from: number; to: number }>): Promise<Tensor>
}
