import { execFileSync } from 'node:child_process'
import { cpSync, mkdirSync, readdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { repositoryRoot } from './source-files.js'

export interface Packed {
  /** What was packed: the repository's files with prebuilds in place of builds. */
  folder: string
  tarball: string
  /** Paths within the package. */
  files: string[]
  unpackedBytes: number
}

/** `npm pack` of what `npm run build` made, in a folder of its own: other tests load the repository's addons meanwhile. */
export async function packPackage(folder: string): Promise<Packed> {
  const { collectPrebuilds } = await import('../../scripts/prebuild/collect.mjs')
  const documents = readdirSync(repositoryRoot).filter((name) => name.endsWith('.md'))
  for (const path of ['package.json', 'LICENSE', ...documents, 'binding.d.ts', 'data', 'dist']) {
    cpSync(join(repositoryRoot, path), join(folder, path), { recursive: true })
  }
  const { libtorch } = JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8'))
  const minors = (libtorch.published as string[]).map((version) => version.split('.').slice(0, 2).join('.'))
  await collectPrebuilds({ root: repositoryRoot, out: join(folder, 'addons'), minors, log() {} })
  const npm = ['pack', '--ignore-scripts', '--json']
  const [{ filename, files, unpackedSize }] = JSON.parse(execFileSync('npm', npm, { cwd: folder, encoding: 'utf8' }))
  const paths = (files as { path: string }[]).map(({ path }) => path)
  return { folder, tarball: join(folder, filename), files: paths, unpackedBytes: unpackedSize }
}

/** An application in an otherwise empty folder, with the packages that a package.json names and no others. */
export function makeApplication(folder: string, { tarball }: Packed): string {
  const own = join(folder, 'node_modules', 'node-libtorch')
  mkdirSync(own, { recursive: true })
  execFileSync('tar', ['-xzf', tarball, '-C', own, '--strip-components=1'])
  writeFileSync(join(folder, 'package.json'), JSON.stringify({ private: true, type: 'module' }))
  const { dependencies } = JSON.parse(readFileSync(join(own, 'package.json'), 'utf8'))
  for (const name of [...Object.keys(dependencies), '@types/node']) {
    const link = join(folder, 'node_modules', name)
    mkdirSync(dirname(link), { recursive: true })
    symlinkSync(join(repositoryRoot, 'node_modules', name), link)
  }
  return folder
}
