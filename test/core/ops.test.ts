import { execFileSync } from 'node:child_process'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { type DType, dtypes } from '../../lib/core/dtype.js'
import { TorchError } from '../../lib/core/errors.js'
import { native } from '../../lib/core/native.js'
import { type OperatorSchema, parseSchema } from '../../lib/core/op-schema.js'
import { opSchemas } from '../../lib/core/op-schemas.js'
import { ops } from '../../lib/core/ops.js'
import type { Tensor } from '../../lib/core/tensor.js'
import { inScope } from '../support/handles.js'
import { type CastCall, castInputs, castOutput } from '../support/op-dtype-golden.js'
import { decode, expectGolden, type GoldenValue, readGoldensByOperator } from '../support/op-golden.js'
import { repositoryRoot } from '../support/source-files.js'

interface GoldenCall {
  /** `name` or `name.overload` */
  operator: string
  /** By ATen's argument names. */
  inputs: Record<string, GoldenValue>
  output: GoldenValue
  /** What an in-place operator left in its first argument. */
  after?: GoldenValue
}

const calls = readGoldensByOperator<GoldenCall>('ops.json')
const schemas = new Map(opSchemas.map((text) => [text.slice(0, text.indexOf('(')), parseSchema(text)]))

type Operator = (...args: unknown[]) => Promise<unknown>
const operator = (name: string) => (ops as unknown as Record<string, Operator>)[name] as Operator

interface PublicCall {
  args: unknown[]
  owned: { dispose(): void }[]
}

/** Python's arguments in the public form: required ones first, the others in one object, words instead of numbers. */
function toPublicCall(schema: OperatorSchema, inputs: GoldenCall['inputs']): PublicCall {
  const owned: PublicCall['owned'] = []
  const args: unknown[] = []
  const options: Record<string, unknown> = {}
  for (const { atenName, name, position, hidden, words, type } of schema.arguments) {
    const golden = inputs[atenName]
    if (golden === undefined || hidden) continue
    const value = words !== undefined && type.base === 'int' ? words[golden as number] : decode(golden, owned)
    if (position === undefined) options[name] = value
    else args[position] = value
  }
  if (Object.keys(options).length > 0) args.push(options)
  return { args, owned }
}

function disposeAll(result: unknown): void {
  if (typeof result !== 'object' || result === null) return
  if ('dispose' in result) (result as Tensor).dispose()
  else for (const value of Object.values(result)) disposeAll(value)
}

async function expectCall(schema: OperatorSchema, { inputs, output, after }: GoldenCall): Promise<void> {
  const { args, owned } = toPublicCall(schema, inputs)
  const result = await operator(schema.publicName)(...args)
  await expectGolden(result, output)
  if (after !== undefined) await expectGolden(args[0], after)
  disposeAll(result)
  for (const handle of owned) handle.dispose()
}

let before: number
beforeAll(() => {
  before = native().memory().tensors
})
afterAll(() => {
  expect(native().memory().tensors).toBe(before)
})

describe('every operator returns what Python returns', () => {
  test.each([...schemas])('%s', async (name, schema) => {
    const all = calls.get(name) ?? []
    expect(all.length).toBeGreaterThan(0)
    for (const call of all) await expectCall(schema, call)
  })

  test('and no golden is left over', () => {
    expect([...calls.keys()].filter((name) => !schemas.has(name))).toEqual([])
    expect(schemas.size).toBe(opSchemas.length)
  })
})

const castCalls = readGoldensByOperator<CastCall>('op-dtypes.json')
const underCast = (Object.keys(dtypes) as DType[]).filter(
  (dtype) => dtype !== 'float32' && !('packed' in dtypes[dtype]),
)

async function expectCast(schema: OperatorSchema, { inputs }: CastCall, dtype: DType, output: GoldenValue) {
  const { args, owned } = toPublicCall(schema, await castInputs(inputs, dtype))
  const calling = operator(schema.publicName)(...args)
  if (output === null) {
    const error = await calling.catch((reason: unknown) => reason)
    expect(error, dtype).toBeInstanceOf(TorchError)
    if (schema.name.endsWith('_')) {
      const [untouched] = toPublicCall(schema, await castInputs(inputs, dtype)).args
      expect(await (args[0] as Tensor).data(), dtype).toEqual(await (untouched as Tensor).data())
    }
    expect((error as TorchError).code, dtype).toMatch(/^ERR_TORCH_(DTYPE|OPERATOR)$/)
  } else {
    await expectGolden(await calling, castOutput(output, dtype))
    if (schema.name.endsWith('_')) await expectGolden(args[0], castOutput(output, dtype))
  }
  for (const handle of owned) handle.dispose()
}

/**
 * The first golden call of each operator in every dtype that it was not made in (not float4, whose elements are pairs:
 * dtype.test.ts): where Python computes, the same dtypes and numbers; where it refuses, a typed error.
 */
describe('every operator does in every dtype what Python does', () => {
  test.each([...schemas])(
    '%s',
    inScope(async (name: string, schema: OperatorSchema) => {
      const results = (castCalls.get(name) ?? []).flatMap((call) => call.results.map((result) => ({ call, ...result })))
      expect(results.flatMap((result) => result.dtypes).sort()).toEqual([...underCast].sort())
      for (const { call, dtypes, output } of results) {
        for (const dtype of dtypes) await expectCast(schema, call, dtype, output)
      }
    }),
  )
})

/** Arguments that other minors of libtorch add have defaults: what stands here must be a part of what stands there. */
function withoutAdditions(running: string, listed: string): string {
  const known = new Set(parseSchema(listed).arguments.map(({ atenName }) => atenName))
  const [, head = '', list = '', tail = ''] = /^(?:aten::)?([\w.]+\()(.*)(\) -> .+)$/.exec(running) ?? []
  const kept = list.split(/, (?![^[]*\])/).filter((part) => {
    const name = /(\w+)(?:=.*)?$/.exec(part)?.[1] ?? ''
    return part === '*' || known.has(name) || !part.includes('=')
  })
  return head + kept.join(', ') + tail
}

test('the listed schemas are those of the running libtorch', () => {
  for (const [, { name, overload, text }] of schemas) {
    const number = native().findOperator(name, overload)
    expect(number, text).not.toBeNull()
    expect(withoutAdditions(native().operatorSchema(number as number), text)).toBe(text)
  }
})

test('the generated types are those of the listed schemas', () => {
  const script = join(repositoryRoot, 'scripts', 'generate', 'ops.mjs')
  expect(execFileSync(process.execPath, [script, '--check'], { encoding: 'utf8', stdio: 'pipe' })).toBe('')
})
