/** A variable of the process's environment; empty counts as missing. */
export function environmentVariable(name: string): string | undefined {
  return process.env[name] || undefined
}
