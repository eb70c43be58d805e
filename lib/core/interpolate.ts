import { invalidArgument, readSafely } from './errors.js'
import { type ExecutionOptions, executionOptionNames } from './execution.js'
import { operators } from './operators.js'
import { unknownOption } from './options.js'
import { isPlainObject } from './plain-object.js'
import { settleAsIs } from './settle.js'
import { isTensor, type Tensor } from './tensor.js'

const verb = 'ops.interpolate'

const modes = ['nearest', 'nearest-exact', 'area', 'linear', 'bilinear', 'bicubic', 'trilinear'] as const
export type InterpolateMode = (typeof modes)[number]

export interface InterpolateOptions extends ExecutionOptions {
  /** Elements of each spatial dimension, or one number for all. Either this or scaleFactor. */
  size?: number | readonly number[] | undefined
  /** Output size / input size, per spatial dimension or one for all. */
  scaleFactor?: number | readonly number[] | undefined
  /** Default 'nearest'. 'linear' takes [N, C, W], 'bilinear' and 'bicubic' [N, C, H, W], 'trilinear' [N, C, D, H, W]. */
  mode?: InterpolateMode | undefined
  /** Whether the centres of the corner elements stay where they are; linear and cubic modes only. Default false. */
  alignCorners?: boolean | undefined
  /** Low-pass filter when shrinking, as Pillow does; 'bilinear' and 'bicubic' only. Default false. */
  antialias?: boolean | undefined
  /** Sample with the factor that the rounded output size really has instead of scaleFactor. Default false. */
  recomputeScaleFactor?: boolean | undefined
}

const optionNames: readonly (keyof InterpolateOptions)[] = [
  'size',
  'scaleFactor',
  'mode',
  'alignCorners',
  'antialias',
  'recomputeScaleFactor',
]

/** One of the two is null: the operators take either. */
interface Target {
  outputSize: readonly number[] | null
  scaleFactors: readonly number[] | null
}
type Resample = (input: Tensor, target: Target, alignCorners: boolean, execution: ExecutionOptions) => Promise<Tensor>
type NearestName = `upsample${'Nearest' | 'NearestExact'}${'1d' | '2d' | '3d'}`
type LinearName = 'upsampleLinear1d' | `upsampleBi${'linear' | 'cubic'}2d${'' | 'Antialias'}` | 'upsampleTrilinear3d'

const nearest =
  (name: NearestName): Resample =>
  (input, target, _, execution) =>
    operators[name](input, { ...execution, ...target })

const linear =
  (name: LinearName): Resample =>
  (input, target, alignCorners, execution) =>
    operators[name](input, { ...execution, ...target, alignCorners })

const area =
  (name: 'adaptiveAvgPool1d' | 'adaptiveAvgPool2d' | 'adaptiveAvgPool3d'): Resample =>
  (input, { outputSize }, _, execution) =>
    operators[name](input, outputSize ?? [], execution) // never null: targetOf sees to it

/** By mode, then by the number of spatial dimensions. */
const resamplers: Readonly<Record<string, Readonly<Record<number, Resample>>>> = {
  nearest: {
    1: nearest('upsampleNearest1d'),
    2: nearest('upsampleNearest2d'),
    3: nearest('upsampleNearest3d'),
  },
  'nearest-exact': {
    1: nearest('upsampleNearestExact1d'),
    2: nearest('upsampleNearestExact2d'),
    3: nearest('upsampleNearestExact3d'),
  },
  area: { 1: area('adaptiveAvgPool1d'), 2: area('adaptiveAvgPool2d'), 3: area('adaptiveAvgPool3d') },
  linear: { 1: linear('upsampleLinear1d') },
  bilinear: { 2: linear('upsampleBilinear2d') },
  bicubic: { 2: linear('upsampleBicubic2d') },
  trilinear: { 3: linear('upsampleTrilinear3d') },
  'bilinear antialias': { 2: linear('upsampleBilinear2dAntialias') },
  'bicubic antialias': { 2: linear('upsampleBicubic2dAntialias') },
}

const refuse = (name: string, expected: string, actual: unknown) =>
  invalidArgument(`${name} of ${verb}`, expected, actual, { operation: verb })

function checkTypes(options: InterpolateOptions): void {
  const known = [...optionNames, ...executionOptionNames]
  for (const key in options) if (!known.includes(key)) throw unknownOption(key, known, verb)
  const { mode, alignCorners, antialias, recomputeScaleFactor } = options
  if (mode !== undefined && !modes.includes(mode))
    throw refuse('mode', modes.map((name) => `'${name}'`).join(' or '), mode)
  for (const [name, value] of Object.entries({ alignCorners, antialias, recomputeScaleFactor })) {
    if (value !== undefined && typeof value !== 'boolean') throw refuse(name, 'a boolean', value)
  }
}

function perDimension(name: string, value: unknown, dims: number, accepts: (n: unknown) => boolean): number[] {
  const list: unknown[] = Array.isArray(value) ? value : new Array(dims).fill(value)
  if (list.length === dims && list.every(accepts)) return list as number[]
  const what = name === 'size' ? 'whole' : 'finite'
  throw refuse(name, `a ${what} number above 0, or one for each of the ${dims} spatial dimensions,`, value)
}

const isSize = (value: unknown) => Number.isSafeInteger(value) && (value as number) > 0
const isFactor = (value: unknown) => Number.isFinite(value) && (value as number) > 0

function targetOf(spatial: readonly number[], options: InterpolateOptions): Target {
  const { size, scaleFactor, mode, recomputeScaleFactor = false } = options
  if ((size === undefined) === (scaleFactor === undefined)) {
    throw refuse('the options', 'either size or scaleFactor', options)
  }
  if (size !== undefined) {
    if (recomputeScaleFactor) throw refuse('recomputeScaleFactor', 'false beside a size', true)
    return { outputSize: perDimension('size', size, spatial.length, isSize), scaleFactors: null }
  }
  const factors = perDimension('scaleFactor', scaleFactor, spatial.length, isFactor)
  if (!recomputeScaleFactor && mode !== 'area') return { outputSize: null, scaleFactors: factors }
  return { outputSize: spatial.map((length, i) => Math.floor(length * (factors[i] as number))), scaleFactors: null }
}

function start(input: Tensor, options: InterpolateOptions): Promise<Tensor> {
  if (!isTensor(input)) throw refuse('input', 'a Tensor', input)
  if (!isPlainObject(options)) throw refuse('the options', 'a plain object', options)
  checkTypes(options)
  const { mode = 'nearest', alignCorners, antialias = false } = options
  const spatial = input.shape.slice(2)
  const resample = resamplers[antialias ? `${mode} antialias` : mode]?.[spatial.length]
  if (resample === undefined) {
    const what = antialias ? `mode '${mode}' with antialias` : `mode '${mode}'`
    throw refuse('the shape of input', `as many dimensions as ${what} takes`, input.shape)
  }
  if (alignCorners !== undefined && (mode === 'area' || mode.startsWith('nearest'))) {
    throw refuse('alignCorners', `undefined beside mode '${mode}'`, alignCorners)
  }
  const target = targetOf(spatial, options)
  const { gradMode, autocast, generator, signal } = options
  return resample(input, target, alignCorners ?? false, { gradMode, autocast, generator, signal })
}

/** See `Ops.interpolate`. */
export async function interpolate(input: Tensor, options: InterpolateOptions): Promise<Tensor> {
  const given = { name: `the options of ${verb}`, expected: 'an object that can be read', actual: options }
  return settleAsIs(verb, () => readSafely(given, () => start(input, options)))
}
