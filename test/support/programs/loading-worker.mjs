// A worker that loads an archive in memory, given as workerData, again and again; it reports when it has begun.
import { parentPort, workerData } from 'node:worker_threads'
import { Module } from './prelude.mjs'

parentPort.postMessage('loading')
for (;;) await Promise.all([Module.load(workerData), Module.load(workerData)])
