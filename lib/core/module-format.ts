interface Shown {
  readonly disposed: boolean
  readonly device: string
  readonly lane: number
  readonly training: boolean
  methods(): { name: string; schema: string }[]
}

/** `forward(__torch__.timm.ResNet self, Tensor x) -> Tensor`: the type of the module, then what a caller gives. */
const schemaParts = /^(\w+)\((?:__torch__\.)?(\S+) self(?:, )?(.*)$/s

/** Several compiled classes of one name are told apart by a part of the path that nobody wrote. */
const isWritten = (part: string) => !part.startsWith('___torch_mangle_')

/**
 * The class of the program, where it runs and what may be called:
 *
 *     Module timm.models.resnet.ResNet cpu lane 0 eval {
 *       forward(Tensor x) -> Tensor
 *     }
 */
export function formatModule(module: Shown): string {
  if (module.disposed) return 'Module (disposed)'
  const place = `${module.device} lane ${module.lane} ${module.training ? 'training' : 'eval'}`
  let type = ''
  const lines = module.methods().map(({ schema }) => {
    const [, name, owner = '', rest] = schemaParts.exec(schema) ?? []
    if (name === undefined) return `\n  ${schema}`
    type = `${owner.split('.').filter(isWritten).join('.')} `
    return `\n  ${name}(${rest}`
  })
  return `Module ${type}${place} {${lines.join('')}${lines.length > 0 ? '\n' : ''}}`
}
