import type { Module } from '../../lib/core/module.js'
import type { Tensor } from '../../lib/core/tensor.js'
import { decode, expectGolden, type GoldenValue, readGolden } from './op-golden.js'

interface GoldenRun {
  method: string
  input: GoldenValue
  output: GoldenValue
}
interface GoldenNames {
  parameters: string[]
  buffers: string[]
  submodules: string[]
  extraFiles: Record<string, string>
  linear: GoldenValue
}

const cases = readGolden<Partial<GoldenRun & GoldenNames>>('modules.json')

/** What the methods of net.pt gave in Python: `forward` first, then `features`. */
export const runs = cases.filter(({ method }) => method !== undefined) as [GoldenRun, GoldenRun]
export const [forwardRun, featuresRun] = runs

/** What stands in net.pt, by the names that Python gives it. */
export const net = Object.assign({}, ...cases) as GoldenNames

export const inputOf = (run: GoldenRun) => decode(run.input, []) as Tensor

export async function expectAsInPython(module: Module): Promise<void> {
  for (const run of runs) await expectGolden(await module.call(run.method, [inputOf(run)]), run.output)
}
