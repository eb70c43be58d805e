import type { ExecutionOptions } from './execution.js'

/** A number that an operator takes beside tensors; whole numbers count as integers, as in Python. */
export type Scalar = number | bigint | boolean

/** 'preserve' keeps the order of the dimensions in memory, 'channelsLast' stores [N, C, H, W] as N H W C. */
export type MemoryFormat = 'contiguous' | 'channelsLast' | 'channelsLast3d' | 'preserve'

/** The last argument of an operator: its optional and required options, and those of every operator. */
export type OperatorOptions<Optional, Required = unknown> = {
  [Name in keyof Optional]?: Optional[Name] | undefined
} & Required &
  ExecutionOptions
