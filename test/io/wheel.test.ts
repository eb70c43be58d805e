import { expect, test } from 'vitest'
import { applies, markerVariables, parseRequirement, type Requirement } from '../../lib/io/requirement.js'
import { runtimeFiles } from '../../lib/io/runtime-files.js'
import { parseHtmlIndex, parseJsonIndex } from '../../lib/io/simple-index.js'
import { rankTorch, type TorchWish } from '../../lib/io/torch-wish.js'
import type { WheelLink } from '../../lib/io/wheel-link.js'
import { nvidiaRequirements } from '../../lib/io/wheel-metadata.js'
import { fitsMachine, parseWheelName, type WheelMachine, type WheelName } from '../../lib/io/wheel-name.js'
import { compareVersions, parseVersion, satisfies, type WheelVersion } from '../../lib/io/wheel-version.js'

const machine: WheelMachine = { architecture: 'x86_64', glibc: [2, 28] }
const version = (text: string) => parseVersion(text) as WheelVersion
const wheelName = (file: string) => parseWheelName(file) as WheelName
const requirement = (text: string) => parseRequirement(text) as Requirement

test('versions are ordered as PEP 440 orders them', () => {
  const ordered = [
    ...['1.0.dev1', '1.0a1.dev2', '1.0a1', '1.0a2', '1.0b1', '1.0rc1', '1.0', '1.0+cpu', '1.0+cu118', '1.0+cu130'],
    ...['1.0.post1', '1.0.1', '1.2', '1.10', '2.30.7', '12.0.0.61', '1!0.1'],
  ]
  const shuffled = ordered.toReversed().map(version)
  expect(shuffled.sort(compareVersions).map(({ text }) => text)).toEqual(ordered)
  expect(compareVersions(version('1.0'), version('1.0.0'))).toBe(0)
  for (const text of ['', 'one', '1.0+', '1..0', '1.0 or so']) expect(parseVersion(text)).toBeUndefined()
})

test.each([
  ['2.13.0', '==2.13.*', true],
  ['2.130.0', '==2.13.*', false],
  ['13.1.1.3', '==13.1.1.3.*', true],
  ['13.5.37', '<14,>=13.0.88', true],
  ['14.0', '<14,>=13.0.88', false],
  ['3.8.2', '~=3.8.0', true],
  ['3.9.0', '~=3.8.0', false],
  ['2.13.0+cpu', '==2.13.0', true],
  ['2.13.0+cpu', '==2.13.0+cu130', false],
  ['1.1', '!=1.1', false],
  ['1.1', '', true],
  ['1.1', 'nonsense', false],
])('%s in %j: %j', (text, specifier, expected) => {
  expect(satisfies(version(text), specifier)).toBe(expected)
})

test('a wheel is known by its name', () => {
  const name = wheelName('nvidia_cuda.runtime-13.0.96-1-py3-none-manylinux2014_x86_64.manylinux_2_17_x86_64.whl')
  expect(name).toMatchObject({ project: 'nvidia-cuda-runtime', python: 'py3' })
  expect(name.platforms).toEqual(['manylinux2014_x86_64', 'manylinux_2_17_x86_64'])
  for (const file of ['torch-2.13.0.tar.gz', 'torch.whl', 'a-b-c-d-e.whl', '../x-1.0-py3-none-any.whl'])
    expect(parseWheelName(file)).toBeUndefined()
})

test.each([
  ['manylinux_2_28_x86_64', true],
  ['manylinux_2_34_x86_64', false],
  ['manylinux2014_x86_64', true],
  ['linux_x86_64', true],
  ['any', true],
  ['manylinux_2_28_aarch64', false],
  ['musllinux_1_2_x86_64', false],
  ['win_amd64', false],
  ['macosx_11_0_arm64', false],
])('on x86_64 with glibc 2.28, %s fits: %j', (platform, expected) => {
  expect(fitsMachine(wheelName(`torch-2.13.0-cp311-cp311-${platform}.whl`), machine)).toBe(expected)
})

test('requirements are read with extras, specifier and marker', () => {
  expect(requirement('cuda-toolkit[cublas,cuDART]==13.0.3; platform_system == "Linux"')).toEqual({
    ...{ project: 'cuda-toolkit', extras: ['cublas', 'cudart'], specifier: '==13.0.3' },
    marker: 'platform_system == "Linux"',
  })
  expect(requirement('nvidia_nvjitlink (<14,>=13.0.88)')).toMatchObject({ specifier: '<14,>=13.0.88', marker: '' })
  expect(parseRequirement('x @ https://host/x.whl')).toBeUndefined()
})

const toolkitMarker =
  "(sys_platform == 'linux' and platform_machine == 'aarch64' or sys_platform == 'linux' and " +
  "platform_machine == 'x86_64' or sys_platform == 'win32' and platform_machine == 'AMD64') and extra == 'cudart'"

test.each([
  ['', [], true],
  ['platform_system == "Linux"', [], true],
  ['platform_system == "Linux" and platform_machine == "aarch64"', [], false],
  ['platform_system == "Linux" and python_version < "3.15"', [], true],
  ['python_version >= "3.9" and python_version < "3.10"', [], false],
  ['extra == "optree"', [], false],
  [toolkitMarker, ['cublas'], false],
  [toolkitMarker, ['cublas', 'cudart'], true],
  ['sys_platform in "linux darwin"', [], true],
  ['sys_platform not  in "linux"', [], false],
  ['os_name != "nt" or unknown_name == "x"', [], true],
])('the marker %j with extras %j: %j', (marker, extras, expected) => {
  const variables = markerVariables(machine, 'cp311')
  expect(applies({ ...requirement('x'), marker }, variables, extras)).toBe(expected)
})

test.each(['os_name ==', '(os_name == "x"', '== "x"', 'os_name "x"', 'os_name == "x" and', '§'])(
  'the broken marker %j is a SyntaxError',
  (marker) => {
    expect(() => applies({ ...requirement('x'), marker }, {}, [])).toThrow(SyntaxError)
  },
)

test('the names of variables mean nothing that JavaScript knows', () => {
  for (const name of ['constructor', 'toString', '__proto__'])
    expect(applies({ ...requirement('x'), marker: `${name} == "x" or "x" in ${name}` }, {}, [])).toBe(false)
})

test('a marker that cannot be read counts only where a library of NVIDIA is asked for', () => {
  const name = wheelName('torch-2.13.0-cp311-cp311-manylinux_2_28_x86_64.whl')
  const read = (...lines: string[]) =>
    nvidiaRequirements(lines.map((line) => `Requires-Dist: ${line}`).join('\n'), name, machine)
  const broken = 'sympy; python_version >'
  expect(read(broken, 'numpy; §', 'nvidia-cudnn-cu13==9.1')).toMatchObject([{ project: 'nvidia-cudnn-cu13' }])
  const message = 'Expected a marker of PEP 508 for nvidia-cudnn-cu13 in torch-2.13.0-'
  expect(() => read(broken, 'nvidia-cudnn-cu13; python_version >')).toThrow(
    expect.objectContaining({ code: 'ERR_TORCH_INSTALL', message: expect.stringContaining(message) }),
  )
})

const hash = 'a'.repeat(64)

test('an HTML index is read: relative addresses, entities, base, hashes, metadata, yanked, credentials', () => {
  const html = `<html><head><base href="../base/"></head><!-- <a href="no-1-py3-none-any.whl">no</a> -->
<A class=x HREF='x-1.0%2Bcpu-py3-none-any.whl?a=1&amp;b=2#sha256=${hash.toUpperCase()}' data-yanked="">x</A>
<a data-requires-python="&gt;=3.10" href="https://other.host/y-2.0-py3-none-any.whl#md5=1" data-core-metadata="sha256=${hash}">y</a>
<a href="z-1.0.tar.gz">z</a><a href="javascript:alert(1)//z-1.0-py3-none-any.whl">z</a><a name="no-href">n</a>`
  const links = parseHtmlIndex(html, 'https://me:s3cret@some.host/simple/x/')
  expect(links.map(({ place }) => place)).toEqual([
    { url: 'https://me:s3cret@some.host/simple/base/x-1.0%2Bcpu-py3-none-any.whl?a=1&b=2' },
    { url: 'https://other.host/y-2.0-py3-none-any.whl' },
  ])
  expect(links.map(({ sha256, yanked, metadata }) => [sha256, yanked, metadata])).toEqual([
    [hash, true, undefined],
    [undefined, false, { url: 'https://other.host/y-2.0-py3-none-any.whl.metadata', sha256: hash }],
  ])
  expect(links[0]?.name.version.local).toBe('cpu')
})

test('a JSON index is read, and what is none is refused', () => {
  const page = 'https://some.host/simple/x/'
  const files = [
    { filename: 'x-1.0-py3-none-any.whl', url: 'x.whl', hashes: { sha256: hash }, size: 7, yanked: 'broken' },
    { filename: 'x-2.0-py3-none-any.whl', url: 'y.whl', hashes: {}, 'core-metadata': { sha256: hash } },
    { filename: 'x-2.0.tar.gz', url: 'z' },
    { filename: 5, url: 'z' },
    null,
  ]
  expect(parseJsonIndex(JSON.stringify({ files }), page)).toMatchObject([
    { place: { url: `${page}x.whl` }, sha256: hash, size: 7, yanked: true, metadata: undefined },
    { place: { url: `${page}y.whl` }, sha256: undefined, yanked: false, metadata: { sha256: hash } },
  ])
  for (const text of ['', '<html>', '[]', '{"files": 1}', '{}'])
    expect(() => parseJsonIndex(text, page)).toThrow(expect.objectContaining({ code: 'ERR_TORCH_DOWNLOAD' }))
})

const link = (file: string, yanked = false): WheelLink => ({
  ...{ name: wheelName(file), place: { path: `/${file}` }, yanked },
  ...{ sha256: undefined, size: undefined, metadata: undefined },
})
const torch = (text: string, python = 'cp311') => link(`torch-${text}-${python}-${python}-manylinux_2_28_x86_64.whl`)
const wish: TorchWish = { variant: 'cpu', minors: ['2.14', '2.13'], version: undefined, machine, driver: undefined }
const ranked = (links: WheelLink[], changes: Partial<TorchWish> = {}) =>
  rankTorch(links, { ...wish, ...changes }).map(({ name }) => `${name.version.text} ${name.python}`)

test('torch is ranked: known minors only, newest first, one wheel per build', () => {
  const links = [
    ...[torch('2.13.0+cpu'), torch('2.13.1+cpu', 'cp39'), torch('2.13.1+cpu', 'cp312'), torch('2.14.0rc1+cpu')],
    ...[torch('2.12.9+cpu'), torch('2.13.1.dev3'), torch('2.13.0+rocm6.4'), torch('2.14.1')],
    link('torch-2.13.9+cpu-cp311-cp311-win_amd64.whl'),
    link('torch-2.14.9+cpu-cp311-cp311-manylinux_2_28_x86_64.whl', true),
  ]
  expect(ranked(links)).toEqual(['2.14.1 cp311', '2.13.1+cpu cp312', '2.13.0+cpu cp311'])
  expect(ranked(links, { version: '2.13.0' })).toEqual(['2.13.0+cpu cp311'])
  expect(ranked(links, { version: '2.14.9' })).toEqual(['2.14.9+cpu cp311']) // withdrawn, but asked for by name
})

test('a CUDA build is chosen by the driver', () => {
  const links = ['cu118', 'cu126', 'cu128', 'cu130'].map((label) => torch(`2.13.0+${label}`))
  const choice = (driver: number | undefined) => ranked(links, { variant: 'cuda', driver })[0]
  expect(choice(undefined)).toBe('2.13.0+cu130 cp311')
  expect(choice(130)).toBe('2.13.0+cu130 cp311')
  expect(choice(127)).toBe('2.13.0+cu126 cp311')
  expect(choice(125)).toBe('2.13.0+cu118 cp311')
  expect(choice(110)).toBe('2.13.0+cu118 cp311') // same major version: runs too
  expect(choice(102)).toBeUndefined()
})

test('only what runs is unpacked, and licences', () => {
  const needed = [
    ...['torch/version.py', 'torch/lib/libtorch_cpu.so', 'torch/lib/libgomp.so.1', 'torch.libs/libopenblas-1a.so.0'],
    ...['torch-2.13.0.dist-info/METADATA', 'torch-2.13.0.dist-info/licenses/third_party/LICENSE.txt'],
    ...['nvidia/cu13/lib/libcudart.so.13', 'nvidia/cusparselt/LICENSE.txt', 'x-1.dist-info/License.txt'],
  ]
  const cuda = ['torch/lib/libtorch_cuda.so', 'torch/lib/libc10_cuda.so', 'torch/lib/libtorch_nvshmem.so']
  const others = [
    ...['torch/__init__.py', 'torch/include/torch/torch.h', 'torch/lib/libtorch_python.so', 'torch/lib/libshm.so'],
    ...['torch/lib/libtorch_cpu.so.py', 'torch/test/lib/x.so', 'torch/bin/protoc', 'torch-2.13.0.dist-info/RECORD'],
    ...['nvidia/cu13/include/cuda.h', 'torch/lib/libtorchbind_test.so', 'functorch/_C.so', 'torchgen/LICENSE'],
  ]
  const files = [...needed, ...cuda, ...others].map((path) => ({ path, size: 1 }))
  expect(runtimeFiles(files, 'cpu').map(({ path }) => path)).toEqual(needed)
  expect(runtimeFiles(files, 'cuda').map(({ path }) => path)).toEqual([...needed, ...cuda])
})
