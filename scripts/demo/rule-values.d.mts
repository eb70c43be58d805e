export function ruleValues(
  name: string,
  shape: readonly number[],
): Float32Array<ArrayBuffer> | BigInt64Array<ArrayBuffer>
