// This package, as its user would write it.
import { libtorch, Module, Tensor } from 'node-libtorch'

/**
 * `threads`, `spin`: of libtorch; the package's own choice where they are missing. `optimize`: as the models of this package
 * run, with the memory layouts that convolutions compute fastest in; otherwise only frozen.
 */
export async function openResnet18({ model, input, shape, threads, spin, optimize = false }) {
  await libtorch.boot({ threads, spin })
  const loaded = await Module.load(model)
  const module = await loaded.freeze({ channelsLast: optimize, optimize })
  loaded.dispose()
  const image = Tensor.from(input, shape)
  return {
    /** float32 [K] logits */
    async run() {
      const output = await module.forward(image)
      const logits = await output.data()
      output.dispose()
      return logits
    },
    async close() {
      module.dispose()
      image.dispose()
    },
  }
}
