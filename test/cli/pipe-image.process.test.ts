// Paths that are no files: pipes, as <(command) makes them, and devices.
import { execFileSync, spawnSync } from 'node:child_process'
import { createWriteStream, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { beforeAll, describe, expect, test } from 'vitest'
import { imageFiles } from '../../lib/cli/image-files.js'
import { placeOf } from '../../lib/io/named-bytes.js'
import { cliProgram, startCli } from '../support/child-script.js'
import { temporaryFolder } from '../support/libtorch-folders.js'
import { photos } from '../support/sample-photos.js'
import { tinyArchive } from '../support/tiny-classifier.js'

const photo = photos[0] as string
let archive: Uint8Array
beforeAll(async () => {
  archive = await tinyArchive()
})

function modelFile(): string {
  const path = join(temporaryFolder(), 'tiny.pt')
  writeFileSync(path, archive)
  return path
}

/** Runs a line of bash in which `classify` is the command with a small model, and $PHOTO a photograph. */
function bash(line: string) {
  const script = `classify() { "$NODE" "$CLI" classify --json --top 1 --model "$MODEL" "$@"; }; ${line}`
  const env = { ...process.env, NODE: process.execPath, CLI: cliProgram, MODEL: modelFile(), PHOTO: photo }
  const { status, stdout, stderr } = spawnSync('bash', ['-c', script], { env, timeout: 20_000 })
  return { code: status, stderr: String(stderr), rows: JSON.parse(String(stdout)) }
}

function makePipe(): string {
  const path = join(temporaryFolder(), 'pipe')
  execFileSync('mkfifo', [path])
  return path
}

describe('the command', () => {
  test('reads the images of pipes, as it reads files', () => {
    const { rows, ...end } = bash('classify "$PHOTO" <(cat "$PHOTO") <(cat "$PHOTO")')
    expect(end).toEqual({ code: 0, stderr: '' })
    const { predictions } = rows[0]
    const pipe = { file: expect.stringMatching(/^\/dev\/fd\/\d+$/), predictions }
    expect(rows).toEqual([{ file: photo, predictions }, pipe, pipe])
    const stdin = bash('cat "$PHOTO" | classify /dev/stdin')
    expect(stdin).toEqual({ code: 0, stderr: '', rows: [{ file: '/dev/stdin', predictions }] })
  })

  test('names the pipe or device whose image is none, and goes on', () => {
    const line = 'classify <(head -c 30000 "$PHOTO") <(echo no picture) <(true) /dev/zero /dev/null "$PHOTO"'
    const { code, stderr, rows } = bash(line)
    const pipe = "'/dev/fd/\\d+'"
    const kinds = 'a JPEG, PNG, WebP, TIFF or GIF image'
    const lines = [
      `Expected a whole image but ${pipe} cannot be decoded: .*`,
      `Expected ${kinds} but ${pipe} is none`,
      `Expected ${kinds} but ${pipe} is empty`,
      `Expected ${kinds} but '/dev/zero' is none`,
      `Expected ${kinds} but '/dev/null' is empty`,
    ]
    expect(stderr).toMatch(new RegExp(`^${lines.map((each) => `error: ${each}\n`).join('')}$`))
    expect(rows.map(({ file, error }: { file: string; error?: object }) => [file, error !== undefined])).toEqual([
      ...Array.from({ length: 3 }, () => [expect.stringMatching(/^\/dev\/fd\/\d+$/), true]),
      ...[
        ['/dev/zero', true],
        ['/dev/null', true],
        [photo, false],
      ],
    ])
    expect(code).toBe(1)
  })

  test('calls what is wrong with the image on standard input by that name', () => {
    for (const [command, wrong] of [
      ['head -c 30000 "$PHOTO"', /^Expected a whole image but standard input cannot be decoded: /],
      ['cat "$PHOTO"', /^Expected an image of at most 5 pixels but standard input has more$/],
    ] as const) {
      const { stderr, rows } = bash(`${command} | classify ${command.startsWith('cat') ? '--max-pixels 5' : ''} -`)
      expect(rows).toEqual([{ file: '-', error: { code: 'ERR_TORCH_IMAGE', message: expect.stringMatching(wrong) } }])
      expect(stderr).toBe(`error: ${rows[0].error.message}\n`)
    }
  })

  test('waits for whoever writes into a pipe, and can be interrupted meanwhile', async () => {
    const { child, ended } = startCli(['classify', '--model', modelFile(), makePipe()], {})
    setTimeout(() => child.kill('SIGINT'), 2000)
    expect(await ended).toEqual({ code: 130, signal: null, stderr: 'interrupted\n' })
  })
})

describe('the search', () => {
  const search = (signal = new AbortController().signal) => ({
    ...{ stdin: process.stdin, signal },
    onUnreadable: () => expect.unreachable(),
  })
  const bytes = readFileSync(photo)

  test('gives the bytes of a pipe, whoever opens it first, and in whatever pieces they come', async () => {
    const path = makePipe()
    const images = imageFiles([path], search())
    const first = images.next()
    await sleep(50)
    const writer = createWriteStream(path)
    for (const piece of [bytes.subarray(0, 1), bytes.subarray(1, 7), bytes.subarray(7, 5000)]) {
      writer.write(piece)
      await sleep(20)
    }
    writer.end(bytes.subarray(5000))
    const { value } = await first
    expect(bytes.equals(value as Uint8Array)).toBe(true)
    expect(placeOf(value)).toBe(path)
    expect((await images.next()).done).toBe(true)
  })

  test('ends with the signal’s reason while nobody writes', async () => {
    const controller = new AbortController()
    const reason = new Error('enough')
    setTimeout(() => controller.abort(reason), 50)
    await expect(imageFiles([makePipe()], search(controller.signal)).next()).rejects.toBe(reason)
  })

  test('only counts without reading', async () => {
    const path = makePipe()
    const counted: unknown[] = []
    for await (const image of imageFiles([path, '/dev/zero'], { ...search(), onlyCounts: true })) counted.push(image)
    expect(counted).toEqual([path, '/dev/zero'])
  })

  test('gives the path of a device that cannot be read, for whoever opens it', async () => {
    const noTerminal = `import { imageFiles } from ${JSON.stringify(join(cliProgram, '..', 'image-files.js'))}
      const search = { stdin: process.stdin, signal: new AbortController().signal, onUnreadable: console.log }
      for await (const image of imageFiles(['/dev/tty', 'next.png'], search)) console.log(image)`
    const { stdout } = spawnSync('setsid', ['-w', process.execPath, '--input-type=module', '--eval', noTerminal])
    expect(String(stdout).trimEnd().split('\n')).toEqual(['/dev/tty', 'next.png'])
  })
})
