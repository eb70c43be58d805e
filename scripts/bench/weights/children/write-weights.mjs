// The weights of an archive as safetensors. Argument: JSON {archive, weights}: where from and where to. Prints {tensors}.
import { Module } from 'node-libtorch'
import { writeSafetensors } from 'node-libtorch/io'

const { archive, weights } = JSON.parse(process.argv[2])
const module = await Module.load(archive)
const state = await module.stateDict()
await writeSafetensors(weights, state, { metadata: { format: 'pt' } })
console.log(JSON.stringify({ tensors: state.size }))
