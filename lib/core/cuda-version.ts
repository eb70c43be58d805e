/** '13.0' for the 13000 of cuDriverGetVersion. */
export function cudaVersionText(number: number): string {
  return `${Math.floor(number / 1000)}.${Math.floor((number % 1000) / 10)}`
}

/** 130 for the 13000 of cuDriverGetVersion: as the names of wheels and folders have it. */
export function cudaVersionTag(number: number): number {
  return Number(cudaVersionText(number).replace('.', ''))
}

/** 13 for a cache folder '2.13.0-cu130'; undefined for a CPU build, and where the name does not say. */
export function cudaMajorOfFolder(name: string): number | undefined {
  const digits = /-cu(\d+)\d$/.exec(name)?.[1]
  return digits === undefined ? undefined : Number(digits)
}
