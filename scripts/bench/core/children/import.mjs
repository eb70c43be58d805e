// Time to import a package in a new process. Argument: JSON {what: 'bare' | 'booted' | 'onnxruntime', onnxruntime}.
// Prints {milliseconds, libraryLoaded}.
import { readFileSync } from 'node:fs'
import { createRequire } from 'node:module'

const { what, onnxruntime } = JSON.parse(process.argv[2])
const require = createRequire(import.meta.url)
const start = performance.now()
if (what === 'onnxruntime') {
  require(onnxruntime)
} else {
  const { libtorch } = await import('node-libtorch')
  if (what === 'booted') await libtorch.boot()
}
const milliseconds = performance.now() - start
const libraryLoaded = /\/(libtorch_cpu|libonnxruntime)\.so/.test(readFileSync('/proc/self/maps', 'utf8'))
console.log(JSON.stringify({ milliseconds, libraryLoaded }))
