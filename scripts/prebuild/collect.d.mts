export function collectPrebuilds(options: {
  root: string
  out?: string
  minors: readonly string[]
  log: (line: string) => void
}): Promise<{ GLIBC?: string; GLIBCXX?: string }>
