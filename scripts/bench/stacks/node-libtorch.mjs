// This package, as its user would write it.
import { libtorch, Module, Tensor } from 'node-libtorch'

/** `threads`: intra-op threads; the package's own choice where it is missing. */
export async function openResnet18({ model, input, shape, threads }) {
  await libtorch.boot(threads === undefined ? {} : { threads })
  const loaded = await Module.load(model)
  const module = await loaded.freeze()
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
