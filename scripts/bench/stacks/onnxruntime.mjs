// onnxruntime-node, as its documentation shows it.
import { createRequire } from 'node:module'

/** `threads`: intra-op threads; onnxruntime's own choice where it is missing. */
export async function openResnet18({ onnxruntime, model, input, shape, threads }) {
  const { InferenceSession, Tensor } = createRequire(import.meta.url)(onnxruntime)
  const session = await InferenceSession.create(model, threads === undefined ? {} : { intraOpNumThreads: threads })
  const image = new Tensor('float32', input, shape)
  const [inputName] = session.inputNames
  const [outputName] = session.outputNames
  return {
    /** float32 [K] logits */
    async run() {
      const outputs = await session.run({ [inputName]: image })
      const logits = outputs[outputName].data
      outputs[outputName].dispose()
      return logits
    },
    async close() {
      image.dispose()
      await session.release()
    },
  }
}
