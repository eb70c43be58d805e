// Installs what only a benchmark run needs, into build/bench: the peers, and the ONNX export of the same weights.
import { existsSync, mkdirSync, readFileSync, renameSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { command, commandOrFail, SetupError } from './command.mjs'
import { filesUnder, fingerprint, stampEquals, writeStamp } from './fingerprint.mjs'
import { python } from './prerequisites.mjs'

const onnxruntimePackage = 'onnxruntime-node@1.30.0'
// Without dependencies: torch and numpy come from the oracle's environment.
const onnxPackages = ['onnx==1.23.2', 'onnxscript==0.7.2', 'onnx-ir==1.1.0', 'ml-dtypes==0.6.0', 'protobuf==7.35.1']

/** Runs `make(folder)` on an empty folder unless it succeeded before with the same inputs. */
async function once(folder, value, make) {
  const stamp = join(folder, 'setup-stamp')
  if (stampEquals(stamp, value)) return
  rmSync(folder, { recursive: true, force: true })
  mkdirSync(folder, { recursive: true })
  await make()
  writeStamp(stamp, value)
}

async function ensureOnnxruntime({ root, folder, log }) {
  await once(folder, onnxruntimePackage, async () => {
    log(`installing ${onnxruntimePackage}`)
    // Its install script downloads CUDA libraries; the CPU binary lies in the package itself.
    const flags = ['--ignore-scripts', '--no-save', '--no-package-lock', '--no-audit', '--no-fund']
    await commandOrFail(
      'npm',
      ['install', '--prefix', folder, ...flags, onnxruntimePackage],
      `${onnxruntimePackage} could not be installed: check the network and npm's configuration`,
      { cwd: root },
    )
  })
}

async function ensureOnnxExporter({ root, folder, log }) {
  await once(folder, onnxPackages.join(' '), async () => {
    log(`installing ${onnxPackages.join(' ')}`)
    await commandOrFail(
      python, // the oracle, made from it, has no pip of its own
      ['-m', 'pip', 'install', '--no-input', '--no-deps', '--target', folder, ...onnxPackages],
      "The ONNX exporter could not be installed: check the network and pip's configuration",
      { cwd: root },
    )
  })
}

async function ensureOnnxModel({ root, file, exporter, oraclePython, log }) {
  const archive = join(root, '.artifacts', 'resnet18.pt')
  if (!existsSync(archive)) throw new SetupError(`Expected the exported model in ${archive} but the file is missing`)
  const script = join(root, 'scripts', 'bench', 'peers', 'export_onnx.py')
  const stamp = `${file}.setup-stamp`
  const value = fingerprint([archive, script], ...onnxPackages)
  if (stampEquals(stamp, value) && existsSync(file)) return
  log('exporting ResNet18 to ONNX')
  const partial = `${file}.partial-${process.pid}`
  await commandOrFail(oraclePython, [script, archive, partial], 'ResNet18 could not be exported to ONNX', {
    cwd: root,
    env: { PYTHONPATH: exporter },
    cleanup: () => rmSync(partial, { force: true }),
  })
  renameSync(partial, file)
  writeStamp(stamp, value)
}

async function ensureRoundTripAddon({ root, folder, log }) {
  const source = join(root, 'scripts', 'bench', 'native')
  const installed = readFileSync(join(root, 'node_modules', 'node-addon-api', 'package.json'), 'utf8')
  const value = fingerprint(filesUnder(source), installed, process.env.CXX ?? '')
  await once(folder, value, async () => {
    log("building the benchmark's own addon")
    const ninja = (await command('ninja', ['--version'], { quiet: true })).code === 0 ? ['-G', 'Ninja'] : []
    await commandOrFail(
      join(root, 'node_modules', '.bin', 'cmake-js'),
      ['build', '-d', source, '-O', folder, ...ninja],
      "The benchmark's own addon could not be built",
      { cwd: root },
    )
  })
}

/** Resolves to the paths that the rows need. */
export async function ensureBenchPeers({ root, oraclePython, log }) {
  const folder = (name) => join(root, 'build', 'bench', name)
  const onnxModel = folder('resnet18.onnx')
  await ensureRoundTripAddon({ root, folder: folder('native'), log })
  await ensureOnnxruntime({ root, folder: folder('onnxruntime'), log })
  await ensureOnnxExporter({ root, folder: folder('onnx-exporter'), log })
  await ensureOnnxModel({ root, file: onnxModel, exporter: folder('onnx-exporter'), oraclePython, log })
  return {
    roundTripAddon: join(folder('native'), 'round_trip.node'),
    onnxruntime: join(folder('onnxruntime'), 'node_modules', 'onnxruntime-node'),
    onnxModel,
  }
}
