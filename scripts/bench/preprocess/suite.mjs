// From JPEG bytes to labels: the transform, the resampler alone, and whole folders of photographs.
import { classify } from './classify.mjs'
import { resample } from './resample.mjs'
import { transform } from './transform.mjs'

export const families = [transform, resample, classify]
