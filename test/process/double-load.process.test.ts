// One process, one libtorch, loaded by more than one way.
import { cpSync, symlinkSync } from 'node:fs'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { expect, test } from 'vitest'
import { distIndex } from '../support/child-script.js'
import { temporaryFolder } from '../support/libtorch-folders.js'
import { programUrl, repeated, runProgram } from '../support/program.js'
import { repositoryRoot } from '../support/source-files.js'

/** The package once more, as a second version of it in a tree of dependencies: its dist/index.js. */
function copyOfPackage(): string {
  const folder = join(temporaryFolder(), 'node-libtorch')
  for (const part of ['dist', 'addons', 'package.json']) {
    cpSync(join(repositoryRoot, part), join(folder, part), { recursive: true })
  }
  symlinkSync(join(repositoryRoot, 'node_modules'), join(folder, 'node_modules'))
  return join(folder, 'dist', 'index.js')
}

/** Both compute and draw at once, on modules and from generators of their own, and give the same. */
const computeWith = (other: string) => `
const other = ${other}
const compute = async ({ Generator, Module, Tensor }) => {
  const source = 'def forward(self, x):\\n    return torch.matmul(x, x).sum() + torch.rand(1000).sum()\\n'
  const module = await Module.fromSource(source)
  const generator = new Generator(1)
  const input = () => Tensor.from(new Float32Array(4096).fill(0.01), [64, 64])
  const sums = Array.from({ length: 50 }, () => module.call('forward', [input()], { generator }))
  return Promise.all(sums.map(async (sum) => (await sum).item()))
}
const [own, others] = await Promise.all([compute({ Generator, Module, Tensor }), compute(other)])
print([new Set(own).size, own.join() === others.join()])
`

test('two import URLs are one package', repeated, async () => {
  const lines = await runProgram(`
    ${computeWith(`await import(${JSON.stringify(`${pathToFileURL(distIndex).href}?again`)})`)}
    print(other.Tensor === Tensor)`)
  expect(lines).toEqual([[50, true], true])
})

test('require gives what import gives', repeated, async () => {
  const lines = await runProgram(
    `
    import { createRequire } from 'node:module'
    // Some releases warn that require() of an ES module is experimental.
    process.removeAllListeners('warning')
    ${computeWith(`createRequire(import.meta.url)(${JSON.stringify(distIndex)})`)}
    print(other.Tensor === Tensor)`,
  )
  expect(lines).toEqual([[50, true], true])
})

test('two copies of the package on disk compute side by side and the process ends well', repeated, async () => {
  const copy = JSON.stringify(pathToFileURL(copyOfPackage()).href)
  const lines = await runProgram(`
    ${computeWith(`await import(${copy})`)}
    print(other.Tensor === Tensor)
    print(other.libtorch.info().path === libtorch.info().path)`)
  expect(lines).toEqual([[50, true], false, true])
})

test('process.exit with two copies in mid-run ends with its code', repeated, async () => {
  const copy = JSON.stringify(pathToFileURL(copyOfPackage()).href)
  await runProgram(
    `
    const other = await import(${copy})
    const source = (await import(${JSON.stringify(programUrl('prelude.mjs'))})).slowSource
    const theirs = await other.Module.fromSource(source)
    theirs.forward(other.Tensor.from(new Float32Array(4096).fill(0.01), [64, 64]), endless)
    await startRunning(await slowModule())
    process.exit(18)`,
    { code: 18 },
  )
})

test(
  'process.exit while one copy has the default generator and the other waits for it ends well',
  repeated,
  async () => {
    const copy = JSON.stringify(pathToFileURL(copyOfPackage()).href)
    const lines = await runProgram(
      `
    const other = await import(${copy})
    const { drawingSource } = await import(${JSON.stringify(programUrl('prelude.mjs'))})
    const theirs = await other.Module.fromSource(drawingSource)
    theirs.call('forward', [endless], { generator: new other.Generator(1) })
    await sleep(100)
    const module = await drawingModule()
    module.forward(1).then(() => print('settled'))
    await sleep(30)
    process.exit(20)`,
      { code: 20 },
    )
    expect(lines).toEqual([])
  },
)

test('a tensor of one copy is refused by the other, by name', repeated, async () => {
  const copy = JSON.stringify(pathToFileURL(copyOfPackage()).href)
  const lines = await runProgram(`
    const other = await import(${copy})
    const module = await slowModule()
    const foreign = other.Tensor.from(new Float32Array(4096), [64, 64])
    await module.forward(foreign, 1).catch((error) => print(error.code))`)
  expect(lines).toEqual(['ERR_TORCH_INVALID_ARGUMENT'])
})

test('each copy throws its own errors, and knows the other’s', repeated, async () => {
  const copy = JSON.stringify(pathToFileURL(copyOfPackage()).href)
  const lines = await runProgram(`
    const own = await import(${JSON.stringify(pathToFileURL(distIndex).href)})
    const other = await import(${copy})
    const failure = ({ Module }) => Module.fromSource('nonsense').catch((error) => error)
    const [first, second, third] = [await failure(own), await failure(other), await failure(own)]
    print([first.constructor, second.constructor, third.constructor].map((found) => found === own.TorchError))
    print([first instanceof other.TorchError, second instanceof own.TorchError])`)
  expect(lines).toEqual([
    [true, false, true],
    [true, true],
  ])
})

test('two instances of the package that load the same addon file each hear of their own calls', repeated, async () => {
  const folder = join(temporaryFolder(), 'node-libtorch')
  cpSync(join(repositoryRoot, 'dist'), join(folder, 'dist'), { recursive: true })
  for (const part of ['addons', 'node_modules', 'package.json'])
    symlinkSync(join(repositoryRoot, part), join(folder, part))
  const other = JSON.stringify(pathToFileURL(join(folder, 'dist', 'index.js')).href)
  const lines = await runProgram(`${computeWith(`await import(${other})`)}
    print(other.Tensor === Tensor)`)
  expect(lines).toEqual([[50, true], false])
})
