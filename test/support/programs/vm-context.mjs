// node --experimental-vm-modules vm-context.mjs <package> <source>: runs the source in a vm context that loads the package
// itself, as test runners such as Jest do. Its Map, Array and errors are others than those of Node and of the addon.
import { readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { dirname, resolve } from 'node:path'
import { fileURLToPath, pathToFileURL } from 'node:url'
import vm from 'node:vm'

const [, , entry, source] = process.argv
const { resolve: resolvePackage } = createRequire(entry)
const names = ['console', 'process', 'setTimeout', 'clearTimeout', 'setImmediate', 'queueMicrotask', 'performance']
const context = vm.createContext(
  Object.fromEntries(
    [...names, 'AbortController', 'AbortSignal', 'URL', 'Buffer'].map((name) => [name, globalThis[name]]),
  ),
)
const modules = new Map()

function sourceModule(path, text) {
  const identifier = pathToFileURL(path).href
  return new vm.SourceTextModule(text, {
    context,
    identifier,
    initializeImportMeta: (meta) => Object.assign(meta, { url: identifier }),
    importModuleDynamically: async (specifier, referrer) => {
      const module = await link(specifier, referrer)
      if (module.status === 'unlinked') await module.link(link)
      if (module.status === 'linked') await module.evaluate()
      return module
    },
  })
}

/** Packages and Node's own modules are those of the process. */
async function outsideModule(specifier) {
  const exports = await import(specifier.startsWith('node:') ? specifier : resolvePackage(specifier))
  const evaluate = function () {
    for (const name of Object.keys(exports)) this.setExport(name, exports[name])
  }
  return new vm.SyntheticModule(Object.keys(exports), evaluate, { context, identifier: specifier })
}

async function link(specifier, { identifier }) {
  const isOurs = specifier.startsWith('.')
  const id = isOurs ? resolve(dirname(fileURLToPath(identifier)), specifier) : specifier
  if (!modules.has(id)) modules.set(id, isOurs ? sourceModule(id, readFileSync(id, 'utf8')) : await outsideModule(id))
  return modules.get(id)
}

const main = sourceModule(resolve(dirname(entry), 'program.js'), source)
await main.link(link)
await main.evaluate()
