// A row for every public function of node-libtorch/install. No row reaches the network: a libtorch lies in the cache, so that
// a good call finds it there, and the index that is asked with `force` is an empty folder.
import { mkdirSync, symlinkSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { pathToFileURL } from 'node:url'
import { libtorch } from '../../../dist/index.js'
import { installLibtorch } from '../../../dist/io/libtorch-install.js'

const { path, minor, variant } = libtorch.find()
const cache = resolve('cache', 'node-libtorch')
mkdirSync(cache, { recursive: true })
symlinkSync(join(path, '..', '..'), join(cache, `${minor}.0-${variant}`))
mkdirSync('wheels')
process.env.NODE_LIBTORCH_INDEX = pathToFileURL(resolve('wheels')).href
process.env.XDG_CACHE_HOME = resolve('cache')

const options = {
  ...{ variant: [], version: [], index: ['string'], findLinks: ['string'], from: ['string'] },
  ...{ force: ['boolean'], allowUnverified: ['boolean'] },
  ...{ retries: ['integer'], retryDelaySeconds: ['number'], timeoutSeconds: ['number'] },
  signal: ['signal', 'signal to ask'],
}
const row = (name, target) => ({ name, target, isAsync: true, options, raw: ['signal'] })

export const rows = [
  row('installLibtorch', installLibtorch),
  row('installLibtorch.steps', async (...given) => {
    for await (const _ of installLibtorch.steps(...given));
  }),
]
