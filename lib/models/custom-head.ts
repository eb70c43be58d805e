import { invalidArgument } from '../core/errors.js'
import { Module, type ModuleChanges } from '../core/module.js'
import { defineOptions, parseOptions } from '../core/options.js'
import { isPlainObject } from '../core/plain-object.js'
import { type FeatureSelection, featuresOptions, selectedNodes } from './feature-selection.js'
import type { ModelParts } from './model-parts.js'
import { namingLayers } from './named-layers.js'

/**
 * A module, an archive of one, or TorchScript source with the tensors and modules that it uses as `self.name`. Its
 * `forward` takes the features that are asked for as `List[Tensor]`, or where it is one map, as a `Tensor`.
 */
export type CustomHead =
  | Module
  | URL
  | Uint8Array
  | { archive: string | URL | Uint8Array }
  | ({ source: string } & Pick<ModuleChanges, 'parameters' | 'buffers' | 'modules'>)

export type WithHeadOptions = FeatureSelection

const withHeadOptions = defineOptions((z) => {
  const { indices, nodes } = featuresOptions().shape
  return { indices: z.optional(indices), nodes: z.optional(nodes) }
})

const operation = 'withHead'

/** A module for the program's lane and device; belongs to the current scope. */
async function headModule(head: CustomHead, body: Module): Promise<Module> {
  const { lane, device } = body
  if (head instanceof Module) return head
  if (head instanceof URL || head instanceof Uint8Array) return Module.load(head, { lane, device })
  if (!isPlainObject(head)) throw invalidArgument('head', 'a Module, an archive, or { source }', head, { operation })
  if ('archive' in head) return Module.load(head.archive, { lane, device })
  const { source, ...parts } = head
  // The methods take the place of that one, whatever they are.
  const empty = await Module.fromSource('def forward(self):\n    pass\n', { lane })
  const own = await empty.derive({ source, ...parts })
  await own.to({ device })
  return own
}

/** Whether forward takes a list of maps, or the one map that there is. */
function headCall(head: Module, nodes: readonly string[]): string {
  const schema = head.methods().find(({ name }) => name === 'forward')?.schema ?? ''
  const argument = /^forward\([^,)]+ self, (\S+) \w+/.exec(schema)?.[1]
  if (argument === 'Tensor[]') return 'features'
  if (argument === 'Tensor' && nodes.length === 1) return 'features[0]'
  const wanted = nodes.length === 1 ? 'a Tensor or a List[Tensor]' : 'a List[Tensor]'
  throw invalidArgument('head', `a module whose forward takes ${wanted}`, schema, { operation })
}

/** Adds a method that gives what the head takes. The body's own may be that of a head that it had before. */
async function featuresMethod(body: Module, nodes: readonly string[]): Promise<string> {
  const taken = new Set(body.methods().map(({ name }) => name))
  let method = 'head_features'
  while (taken.has(method)) method += '_'
  await namingLayers(body, nodes, operation, () => body.defineLayerOutputs(method, nodes))
  return method
}

/** The body's layers under their names, the head's under `head`; the classifier that stood there is gone. */
export async function headedProgram(
  { module, config }: ModelParts,
  head: CustomHead,
  options: WithHeadOptions | undefined,
): Promise<Module> {
  const selection = parseOptions(withHeadOptions, options, operation)
  const asked = selection.indices !== undefined || selection.nodes !== undefined
  const nodes = selectedNodes(asked ? selection : { indices: [-1] }, config.program.featureInfo, operation)
  const own = await headModule(head, module)
  const call = headCall(own, nodes)
  const body = await module.derive()
  const method = await featuresMethod(body, nodes)
  const present = new Set(await module.submodules())
  return body.derive({
    modules: { head: own },
    remove: ['global_pool', config.program.classifier].filter(
      (name) => name !== undefined && present.has(name),
    ) as string[],
    source: `def forward(self, x: Tensor):\n    features = self.${method}(x)\n    return self.head.forward(${call})\n`,
  })
}
