import { invalidArgument } from '../core/errors.js'
import type { HubProgress } from '../io/hub-progress.js'
import { ImageClassifier } from '../models/index.js'
import { defaultModel } from './default-model.js'
import { stepProgress } from './step-progress.js'

export interface WantedModel {
  /** Default: the best whose weights lie on this machine. */
  model: string | undefined
  /** Of the model. */
  revision: string | undefined
}

/** A model of the hub may have to be fetched first, which is shown. */
export async function loadModel({ model, revision }: WantedModel, signal: AbortSignal): Promise<ImageClassifier> {
  if (model === undefined && revision !== undefined) {
    throw invalidArgument('--revision', 'a --model beside it', revision)
  }
  const view = stepProgress()
  const progress = (step: HubProgress) => view.show(step)
  try {
    return await ImageClassifier.load(model ?? (await defaultModel()), { signal, progress, hub: { revision } })
  } finally {
    view.stop()
  }
}
