import { scope } from '../index.js'
import type { ImageClassifier } from '../models/index.js'
import { printJson } from './json-output.js'
import { loadModel, type WantedModel } from './load-model.js'
import { printable } from './printable-text.js'
import { concluded } from './verb-ending.js'

type Scales = NonNullable<ImageClassifier['featureInfo']>

/** A line per layer; those that are scales say so. */
function layerText(layers: readonly string[], scales: Scales): string {
  const width = Math.max(0, ...scales.map(({ module }) => module.length))
  const lines = layers.map((name) => {
    const scale = scales.find(({ module }) => module === name)
    if (scale === undefined) return printable(name)
    const { index, channels, reduction } = scale
    return `${printable(name).padEnd(width)}  scale ${index}: ${channels} channels, 1/${reduction} of the input's size`
  })
  return `${lines.join('\n')}\n`
}

/** Prints what --nodes and --indices may name. */
export async function listLayers(wanted: WantedModel, json: boolean | undefined): Promise<void> {
  const work = (signal: AbortSignal) =>
    scope(async () => {
      const model = await loadModel(wanted, signal)
      const layers = await model.modules()
      const scales = model.featureInfo ?? []
      if (!json) process.stdout.write(layerText(layers, scales))
      else printJson({ layers, scales: scales.map(({ module, ...scale }) => ({ ...scale, layer: module })) })
    })
  await concluded(work, { json })
}
