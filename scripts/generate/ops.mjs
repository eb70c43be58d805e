// Writes lib/core/ops.generated.ts from lib/core/op-schemas.ts; with --check it only says whether that is up to date.
//
// A generated interface instead of template-literal types over the schemas: an editor then shows one plain signature
// per overload with its documentation, and the compiler need not parse 260 schemas in every program that imports them.
import { execFileSync } from 'node:child_process'
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath, pathToFileURL } from 'node:url'
import ts from 'typescript'

const root = join(dirname(fileURLToPath(import.meta.url)), '..', '..')
const target = join(root, 'lib', 'core', 'ops.generated.ts')

/** The parser is the one that runs in the package; dist/ may not exist yet, it needs the file written here. */
async function importParser() {
  const folder = join(root, 'build', 'generate')
  mkdirSync(folder, { recursive: true })
  for (const name of ['op-schemas', 'op-schema', 'op-conventions']) {
    const source = readFileSync(join(root, 'lib', 'core', `${name}.ts`), 'utf8')
    const options = { target: ts.ScriptTarget.ES2022, module: ts.ModuleKind.ESNext }
    writeFileSync(join(folder, `${name}.js`), ts.transpileModule(source, { compilerOptions: options }).outputText)
  }
  const load = (name) => import(pathToFileURL(join(folder, `${name}.js`)))
  return { ...(await load('op-schemas')), ...(await load('op-schema')) }
}

/** Where PyTorch documents the operators that are not functions of torch itself. */
const upstreamNames = {
  'torch.nn.functional': [
    ...['adaptive_avg_pool1d', 'adaptive_avg_pool2d', 'adaptive_avg_pool3d', 'adaptive_max_pool2d', 'avg_pool2d'],
    ...['batch_norm', 'binary_cross_entropy', 'binary_cross_entropy_with_logits', 'conv1d', 'conv2d'],
    ...['conv_transpose2d', 'cosine_similarity', 'dropout', 'elu', 'embedding', 'gelu', 'group_norm', 'hardsigmoid'],
    ...['hardswish', 'huber_loss', 'kl_div', 'l1_loss', 'layer_norm', 'leaky_relu', 'linear', 'max_pool2d', 'mse_loss'],
    ...['one_hot', 'pad', 'pairwise_distance', 'pixel_shuffle', 'pixel_unshuffle', 'scaled_dot_product_attention'],
    ...['silu', 'smooth_l1_loss', 'softplus'],
  ],
  'torch.Tensor': [
    ...['add_', 'clamp_', 'contiguous', 'copy_', 'div_', 'expand', 'fill_', 'mul_', 'normal_', 'repeat', 'sub_'],
    ...['uniform_', 'view', 'zero_'],
  ],
}
const renamedUpstream = {
  _unique2: 'torch.unique',
  cross_entropy_loss: 'torch.nn.functional.cross_entropy',
  grid_sampler: 'torch.nn.functional.grid_sample',
  index: 'indexing in Python, tensor[indices]',
  linalg_vector_norm: 'torch.linalg.vector_norm',
  nll_loss_nd: 'torch.nn.functional.nll_loss',
  slice: 'slicing in Python, tensor[start:end:step]',
}

function upstream(name) {
  if (renamedUpstream[name] !== undefined) return renamedUpstream[name]
  if (name.includes('upsample_')) return 'torch.nn.functional.interpolate'
  const place = Object.keys(upstreamNames).find((key) => upstreamNames[key].includes(name)) ?? 'torch'
  return `${place}.${name}`
}

const types = {
  Tensor: 'Tensor',
  Scalar: 'Scalar',
  int: 'number',
  float: 'number',
  bool: 'boolean',
  str: 'string',
  ScalarType: 'DType',
  Device: 'string',
  MemoryFormat: 'MemoryFormat',
}

function argumentType({ type, words }) {
  let text = words === undefined ? types[type.base] : words.map((word) => `'${word}'`).join(' | ')
  if (type.list !== undefined) {
    const list = `readonly ${type.list.nullableElements ? `(${text} | null)` : text}[]`
    text = type.list.size === undefined ? list : `${text} | ${list}`
  }
  return type.nullable ? `${text} | null` : text
}

const members = (args) => `{ ${args.map((arg) => `${arg.name}: ${argumentType(arg)}`).join('; ')} }`

function optionsParameter(args) {
  // The generator stands in ExecutionOptions already.
  const options = args.filter(
    ({ position, hidden, type }) => position === undefined && !hidden && type.base !== 'Generator',
  )
  const required = options.filter((arg) => arg.required)
  const optional = options.filter((arg) => !arg.required)
  if (options.length === 0) return 'options?: ExecutionOptions'
  if (required.length === 0) return `options?: OperatorOptions<${members(optional)}>`
  return `options: OperatorOptions<${optional.length === 0 ? 'unknown' : members(optional)}, ${members(required)}>`
}

function returnType(returns) {
  const all = returns.map(({ type }) => `${types[type.base]}${type.list === undefined ? '' : '[]'}`)
  if (all.length === 1) return all[0]
  if (returns.some(({ name }) => name === undefined)) return `[${all.join(', ')}]`
  return `{ ${returns.map(({ name }, index) => `${name}: ${all[index]}`).join('; ')} }`
}

function method(schema) {
  const positional = schema.arguments.filter(({ position }) => position !== undefined)
  const parameters = positional.map((arg) => `${arg.name}: ${argumentType(arg)}`)
  const signature = [...parameters, optionsParameter(schema.arguments)].join(', ')
  return [
    `/** ${upstream(schema.name)}: \`${schema.text}\` */`,
    `${schema.publicName}(${signature}): Promise<${returnType(schema.returns)}>`,
  ].join('\n')
}

function render({ opSchemas, parseSchema }) {
  const methods = new Map()
  for (const schema of opSchemas.map(parseSchema)) {
    methods.set(schema.publicName, [...(methods.get(schema.publicName) ?? []), method(schema)])
  }
  const source = [
    '// Written by scripts/generate/ops.mjs from op-schemas.ts: change that list and run the script, not this file.',
    "import type { DType } from './dtype.js'",
    "import type { ExecutionOptions } from './execution.js'",
    "import type { MemoryFormat, OperatorOptions, Scalar } from './op-types.js'",
    "import type { Tensor } from './tensor.js'",
    '',
    '/** Every operator of op-schemas.ts, one signature per overload. */',
    'export interface Operators {',
    ...[...methods.values()].flat(),
    '}',
    '',
  ].join('\n')
  const biome = join(root, 'node_modules', '.bin', 'biome')
  return execFileSync(biome, ['format', `--stdin-file-path=${target}`], { cwd: root, input: source, encoding: 'utf8' })
}

const generated = render(await importParser())
if (!process.argv.includes('--check')) {
  writeFileSync(target, generated)
} else if (readFileSync(target, 'utf8') !== generated) {
  process.stderr.write('lib/core/ops.generated.ts is out of date: run node scripts/generate/ops.mjs\n')
  process.exitCode = 1
}
