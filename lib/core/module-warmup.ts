import { readShapes } from './module-inputs.js'
import type { warmupOptions } from './module-options.js'
import { operators } from './operators.js'
import type { OptionsOutput } from './options.js'
import { isTensor, type Tensor } from './tensor.js'
import type { Value } from './value.js'

type Warmup = Omit<OptionsOutput<typeof warmupOptions>, 'method'> & { device: string }

/** Runs `call` on zeros of the shapes and frees what it gives. */
export async function warmUp(
  call: (inputs: Tensor[]) => Promise<Value>,
  shapes: unknown,
  { runs, dtype, device, signal }: Warmup,
): Promise<void> {
  const inputs: Tensor[] = []
  try {
    for (const shape of readShapes(shapes)) inputs.push(await operators.zeros(shape, { dtype, device, signal }))
    for (let run = 0; run < runs; run++) disposeAll(await call(inputs))
  } finally {
    disposeAll(inputs)
  }
}

function disposeAll(value: Value): void {
  if (isTensor(value)) value.dispose()
  else if (Array.isArray(value)) value.forEach(disposeAll)
  else if (value instanceof Map) value.forEach(disposeAll)
}
