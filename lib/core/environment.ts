/** A variable of the process's environment; empty counts as missing. */
export function environmentVariable(name: string): string | undefined {
  return process.env[name] || undefined
}

/** The environment for a child process. */
export function childEnvironment(changes: Record<string, string>): NodeJS.ProcessEnv {
  return { ...process.env, ...changes }
}
