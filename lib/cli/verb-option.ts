import { InvalidArgumentError } from 'commander'
import { expectedInstead, type OptionsInput, type OptionsSchema } from '../core/options.js'

/** Reads a flag's text as an option of the verb behind the command, with the same range. */
function flagOf(read: (text: string) => unknown) {
  return <S extends OptionsSchema>(schema: S, option: keyof OptionsInput<S> & string) =>
    (text: string): unknown => {
      const value = read(text)
      const expected = expectedInstead(schema, option, value)
      if (expected === undefined) return value
      throw new InvalidArgumentError(`Expected ${expected}.`)
    }
}

export const textFlag = flagOf((text) => text)
export const numberFlag = flagOf((text) => (text.trim() === '' ? Number.NaN : Number(text)))
