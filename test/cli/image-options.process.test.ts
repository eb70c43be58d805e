// What commands over images have in common: how images are decoded.
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import sharp from 'sharp'
import { describe, expect, test } from 'vitest'
import { cliProgram, runNode } from '../support/child-script.js'
import { temporaryFolder } from '../support/libtorch-folders.js'
import { efficientnetLite0, photos } from '../support/sample-photos.js'

const [width, height] = [64, 48]

describe.each([
  ['classify', 'predictions'],
  ['features', 'embedding'],
])('%s', (command, field) => {
  const run = (args: string[]) => runNode([cliProgram, command, '--model', efficientnetLite0.weights, ...args])

  test('--auto-orient turns an image as its EXIF orientation says', async () => {
    const folder = temporaryFolder()
    const [turned, upright] = [join(folder, 'turned.jpg'), join(folder, 'upright.png')]
    const photo = sharp(photos[0] as string).resize(width, height, { fit: 'fill' })
    writeFileSync(turned, await photo.withMetadata({ orientation: 6 }).jpeg().toBuffer())
    writeFileSync(upright, await sharp(turned).autoOrient().png().toBuffer())
    const rowsOf = async (args: string[]) => {
      const { code, stdout, stderr } = await run(['--json', ...args, turned, upright])
      expect({ code, stderr }).toEqual({ code: 0, stderr: '' })
      return JSON.parse(stdout).map((row: Record<string, unknown>) => row[field])
    }
    const [asStored, reference] = await rowsOf([])
    const [oriented, same] = await rowsOf(['--auto-orient'])
    expect([oriented, same]).toEqual([reference, reference])
    expect(asStored).not.toEqual(reference)
  })

  test('--max-pixels refuses an image of more, and no other', async () => {
    const image = join(temporaryFolder(), 'a.png')
    writeFileSync(
      image,
      await sharp(photos[0] as string)
        .resize(width, height, { fit: 'fill' })
        .png()
        .toBuffer(),
    )
    expect((await run(['--max-pixels', `${width * height}`, image])).code).toBe(0)
    const { code, stderr } = await run(['--max-pixels', `${width * height - 1}`, image])
    const message = `error: Expected an image of at most ${width * height - 1} pixels but '${image}' has more\n`
    expect({ code, stderr }).toEqual({ code: 1, stderr: message })
  })

  test.each(['0', '-1', '1.5', 'many', '3000000000'])('--max-pixels %s is a wrong argument', async (value) => {
    const { code, stdout, stderr } = await run(['--max-pixels', value, 'x.png'])
    expect({ code, stdout }).toEqual({ code: 2, stdout: '' })
    expect(stderr).toContain('Expected a whole number from 1 to 2147483648')
  })

  test('--help says what holds without them', async () => {
    const { stdout } = await run(['--help'])
    const text = stdout.replace(/\s+/g, ' ')
    expect(text).toMatch(/--max-pixels <number> [^-]*\(default: 178956970\)/)
    expect(text).toMatch(/--auto-orient [^-]*\(default: as they are stored, as timm does\)/)
  })
})
