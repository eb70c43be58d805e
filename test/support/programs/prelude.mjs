// What the programs of process tests share: the compiled package, slow work, and what they report with.
import * as torch from '../../../dist/index.js'

export * from '../../../dist/index.js'

/** Iterations that outlast every test. */
export const endless = 1e9

/** forward(x, n): n dependent matrix products, about 10 us each for `matrix()`. */
export const slowSource = `
def forward(self, x: Tensor, n: int):
    for i in range(n):
        x = torch.matmul(x, x).clamp(-1, 1)
    return x
`

/** @param {import('../../../dist/index.js').SourceOptions} [options] */
export const slowModule = (options) => torch.Module.fromSource(slowSource, options)

/** forward(n): float32 [4], the sum of n draws from the default generator, or from the call's in its place. */
export const drawingSource = `
def forward(self, n: int):
    x = torch.zeros(4)
    for i in range(n):
        x = x + torch.rand(4)
    return x
`

/** @param {import('../../../dist/index.js').SourceOptions} [options] */
export const drawingModule = (options) => torch.Module.fromSource(drawingSource, options)

/** float32 [64, 64]; each row sums up to 0.64, so that products go to 0. */
export const matrix = () => torch.Tensor.from(new Float32Array(64 * 64).fill(0.01), [64, 64])

export const sleep = (milliseconds) => new Promise((resolve) => setTimeout(resolve, milliseconds))

/** Starts a call and resolves when it runs. `settled` is its promise, which never settles when `n` is `endless`. */
export async function startRunning(module, n = endless) {
  const settled = module.forward(matrix(), n)
  await sleep(30)
  return { settled }
}

/**
 * Starts calls that never end, on two lanes, and resolves when they run: convolutions and sorts on all threads, with
 * libraries and caches whose destructors a process must not run meanwhile (matrix products alone survive those).
 */
export async function startHeavyWork() {
  const convolve = `
def forward(self, x: Tensor, weight: Tensor, n: int):
    for i in range(n):
        x = x + torch.conv2d(x.reshape(1, 4, 256, 256), weight).mean() * 0.001
    return x
`
  const mix = `
def forward(self, x: Tensor, n: int):
    for i in range(n):
        y = torch.softmax(torch.matmul(x, x), 1)
        x = torch.cat([y, x], 0).sort(1)[0][:512].clamp(-1, 1) + torch.rand_like(x)
    return x
`
  const zeros = (...shape) => torch.Tensor.from(new Float32Array(shape.reduce((a, b) => a * b)), shape)
  const modules = await Promise.all([convolve, mix].map((source, lane) => torch.Module.fromSource(source, { lane })))
  modules[0].forward(zeros(512, 512), zeros(8, 4, 3, 3), endless)
  modules[1].forward(zeros(512, 512), endless)
  await sleep(80)
}

/** One line of JSON on stdout, written before this returns. */
export const print = (value) => console.log(JSON.stringify(value))

/** Handles of the process by kind. */
export const handles = () => {
  const { tensors, modules, generators } = torch.memory()
  return { tensors, modules, generators }
}

/** Waits until `condition` holds; the test's own time limit ends it otherwise. */
export async function until(condition) {
  while (!condition()) await sleep(5)
}
