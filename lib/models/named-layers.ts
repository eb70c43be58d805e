import { invalidArgument, TorchError } from '../core/errors.js'
import type { Module } from '../core/module.js'
import { nearestName } from '../core/nearest-name.js'

const mostExamples = 5

/** Where none is near, those of the top show what names look like here. */
function examples(names: readonly string[]): string {
  const top = names.filter((name) => !name.includes('.'))
  const some = [...top.slice(0, mostExamples), ...(names.length > mostExamples ? ['...'] : [])].join(', ')
  return ` (${some}: modules(), or features --layers, lists all)`
}

/** The error for a name of a layer that is none says which is near. */
async function sayingNearest(error: unknown, module: Module, nodes: readonly string[], operation: string) {
  const isOfNames = error instanceof TorchError && error.code === 'ERR_TORCH_INVALID_ARGUMENT'
  const names = isOfNames ? await module.submodules().catch(() => undefined) : undefined
  const unknown = names && nodes.find((node) => !names.includes(node))
  if (unknown === undefined) return error
  const nearest = nearestName(unknown, names as string[])
  const hint = nearest === undefined ? examples(names as string[]) : `, such as '${nearest}',`
  const expected = `names of layers of the model${hint}`
  return invalidArgument('nodes', expected, unknown, { operation })
}

/**
 * `work`, which names layers of the module to it. Rejects as that, and in its own words with ERR_TORCH_INVALID_ARGUMENT
 * where one of them is no layer.
 */
export async function namingLayers<Result>(
  module: Module,
  nodes: readonly string[],
  operation: string,
  work: () => Promise<Result>,
): Promise<Result> {
  try {
    return await work()
  } catch (error) {
    throw await sayingNearest(error, module, nodes, operation)
  }
}
