import type { WheelFile } from './wheel-archive.js'

/** Serve Python, or torch's own tests. */
const notForNode = /^lib(torch_python|shm|aoti_custom_ops|backend_with_compiler|\w+_test)\.so/
/** Cannot be opened without NVIDIA's libraries, and libtorch_cpu.so does not ask for them. */
const cudaOnly = /cuda|nvrtc|nvshmem/

const library = /^(?:torch\/lib|torch\.libs|nvidia\/(?:[^/]+\/)+lib)\/([^/]+\.so[.\d]*)$/
const licence = /(?:^|\/)[^/]*(?:licen[cs]e|notice|copying|eula)[^/]*$/i
const information = /^[^/]+\.dist-info\/(?:METADATA$|WHEEL$|licenses\/)/

/** Whether a file of a wheel is needed to run libtorch, or to say whose it is and under which licence. */
function isNeeded(path: string, variant: 'cpu' | 'cuda'): boolean {
  const name = library.exec(path)?.[1]
  if (name === undefined) {
    const isLicence = licence.test(path) && /^(?:[^/]+\.dist-info|nvidia)\//.test(path)
    return path === 'torch/version.py' || information.test(path) || isLicence
  }
  if (notForNode.test(name)) return false
  return variant === 'cuda' || path.startsWith('nvidia/') || !cudaOnly.test(name)
}

/** Of the files of torch or one of NVIDIA's wheels those that are installed; for the CPU without CUDA's. */
export function runtimeFiles(files: readonly WheelFile[], variant: 'cpu' | 'cuda'): WheelFile[] {
  return files.filter(({ path }) => isNeeded(path, variant))
}
