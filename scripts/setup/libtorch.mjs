// Puts a torch wheel into the user's cache, where the package looks for it at run time as well.
import { existsSync, mkdirSync, readdirSync, readFileSync, renameSync, rmSync } from 'node:fs'
import { homedir } from 'node:os'
import { dirname, join } from 'node:path'
import { command, commandOrFail, SetupError } from './command.mjs'
import { python } from './prerequisites.mjs'

/** As in lib/io/libtorch-sources.ts, which is not compiled yet when this runs. */
const pytorchCpuIndex = 'https://download.pytorch.org/whl/cpu'

export const cacheFolder = join(process.env.XDG_CACHE_HOME || join(homedir(), '.cache'), 'node-libtorch')

/** The folder that holds, or will hold, `torch/`; variant is 'cpu' or 'cu'. */
export function libtorchFolder(version, variant) {
  return join(cacheFolder, `${version}-${variant}`)
}

/** With headers: what `node-libtorch install` puts there has none, and nothing can be built against it. */
export function libtorchInstalled(folder) {
  return ['lib/libtorch_cpu.so', 'include/ATen'].every((path) => existsSync(join(folder, 'torch', path)))
}

function removeAbandoned() {
  for (const name of readdirSync(cacheFolder)) {
    const owner = /\.partial-(\d+)$/.exec(name)?.[1]
    if (owner === undefined) continue
    try {
      process.kill(Number(owner), 0)
    } catch (error) {
      if (error.code === 'ESRCH') rmSync(join(cacheFolder, name), { recursive: true, force: true })
    }
  }
}

function checkVariant(folder, version, variant) {
  const text = readFileSync(join(folder, 'torch', 'version.py'), 'utf8')
  const cuda = /^cuda\b[^=]*= *'/m.test(text)
  if (cuda === (variant === 'cu')) return
  const [wanted, received] = variant === 'cu' ? ['CUDA', 'CPU'] : ['CPU', 'CUDA']
  throw new SetupError(
    `Expected a ${wanted} build of torch ${version} but pip chose a ${received} build: ` +
      `point pip at an index or folder with ${wanted} builds (PIP_EXTRA_INDEX_URL or PIP_FIND_LINKS)`,
  )
}

/**
 * The CPU build by its own version, because a plain one may be a CUDA build of several GB: from what pip is configured to
 * look at, and where that has none from PyTorch's own index.
 */
async function pipInstall({ version, variant, partial, cleanup }) {
  const args = ['-m', 'pip', 'install', '--no-input', '--no-compile', '--target', partial]
  const options = { cleanup, cwd: dirname(cacheFolder) }
  const failure = `torch ${version} could not be installed: check the network and pip's configuration`
  if (variant === 'cu') return commandOrFail(python, [...args, `torch==${version}`], failure, options)
  args.push('--no-deps', `torch==${version}+cpu`)
  const { code } = await command(python, args, { ...options, quiet: true })
  if (code === 0) return
  cleanup()
  await commandOrFail(python, [...args, '--extra-index-url', pytorchCpuIndex], failure, options)
}

/** Resolves to the folder that contains `torch/`. A CUDA build comes with its NVIDIA packages, a CPU build alone. */
export async function ensureLibtorch({ version, variant = 'cpu', log }) {
  const folder = libtorchFolder(version, variant)
  if (libtorchInstalled(folder)) return folder
  mkdirSync(cacheFolder, { recursive: true })
  removeAbandoned()
  log(`installing torch ${version} (${variant}) into ${folder}`)
  const partial = `${folder}.partial-${process.pid}`
  const cleanup = () => rmSync(partial, { recursive: true, force: true })
  await pipInstall({ version, variant, partial, cleanup })
  try {
    checkVariant(partial, version, variant)
    if (!libtorchInstalled(folder)) {
      rmSync(folder, { recursive: true, force: true })
      renameSync(partial, folder)
    }
  } catch (error) {
    if (!libtorchInstalled(folder)) throw error // another process was first otherwise
  } finally {
    cleanup()
  }
  return folder
}
