// Makes .oracle/: a Python with the originals (torch, timm, torchvision, Pillow) that exports and goldens come from.
import { existsSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { commandOrFail } from './command.mjs'
import { fingerprint, stampEquals, writeStamp } from './fingerprint.mjs'
import { python } from './prerequisites.mjs'

const pip = ['-m', 'pip', 'install', '--no-input', '--disable-pip-version-check']
const networkHint = "check the network and pip's configuration"

/** Installed with what they depend on in turn; the second half is what torch itself imports. */
const dependencies = [
  'numpy==2.4.6; python_version >= "3.11"',
  'numpy==2.2.6; python_version < "3.11"',
  'Pillow==13.0.0',
  'safetensors==0.8.0',
  'huggingface_hub==2.4.0',
  'pyyaml==6.0.4',
  'filelock',
  'typing-extensions>=4.10.0',
  'sympy>=1.13.3',
  'networkx>=2.5.1',
  'jinja2',
  'fsspec>=0.8.5',
]

/** Installed alone: they ask for a torch of their own, 700 MB or more beside the one that is here already. */
const besideTorch = ['timm==1.0.31', 'torchvision==0.28.0']

/** Where an existing virtual environment keeps its packages. */
function sitePackages(folder) {
  const [version] = readdirSync(join(folder, 'lib')).filter((name) => name.startsWith('python3.'))
  return join(folder, 'lib', version, 'site-packages')
}

/**
 * Resolves to the path of the oracle's Python. `torchDir` contains `torch/`, which is used where it lies. The stamp is
 * written last, so what an interrupted run left behind is made anew.
 */
export async function ensureOracle({ torchDir, root, log }) {
  const folder = join(root, '.oracle')
  const executable = join(folder, 'bin', 'python')
  const stamp = join(folder, '.setup-stamp')
  const identity = await commandOrFail(
    python,
    ['-c', 'import sys; print(sys.executable, sys.version)'],
    `'${python}' does not run: set PYTHON`,
  )
  const value = fingerprint([fileURLToPath(import.meta.url)], torchDir, identity)
  if (stampEquals(stamp, value) && existsSync(executable)) return executable

  log('installing the Python originals into .oracle (about 250 MB)')
  rmSync(folder, { recursive: true, force: true })
  const options = { cwd: root }
  // Without pip of its own: Debian's Python makes no other environment unless python3-venv is installed.
  const noVenv = `'${python}' cannot make a virtual environment: install its venv module, or set PYTHON`
  await commandOrFail(python, ['-m', 'venv', '--without-pip', folder], noVenv, options)
  const site = sitePackages(folder)
  for (const packages of [dependencies, ['--no-deps', ...besideTorch]]) {
    const failure = `Python packages could not be installed: ${networkHint}`
    await commandOrFail(python, [...pip, '--target', site, ...packages], failure, options)
  }
  writeFileSync(join(site, 'torch-in-cache.pth'), `${torchDir}\n`)
  const imports = 'import torchvision_operators, timm, numpy, safetensors.torch, PIL.Image, huggingface_hub, yaml'
  const failure = 'The Python originals do not load: remove .oracle and try again'
  const env = { PYTHONPATH: join(root, 'scripts', 'export') }
  await commandOrFail(executable, ['-B', '-c', imports], failure, { ...options, env })
  writeStamp(stamp, value)
  return executable
}
