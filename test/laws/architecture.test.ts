import { globSync, readFileSync } from 'node:fs'
import { resolve } from 'node:path'
import { describe, expect, test } from 'vitest'
import { entities } from '../../src/entities.ts'
import { jobs } from '../../src/jobs.ts'
import * as house from './house.ts'
import { parseSources, readSources, type Sources } from './sources.ts'

const sources = readSources()
const tests = globSync('test/**/*.test.ts').map((path) => path.replaceAll('\\', '/'))
const lines = (count: number) => 'export {}\n'.repeat(count)

interface Law {
  readonly name: string
  readonly broken: (sources: Sources) => readonly string[]
  /** Files that break it, and what they are told. */
  readonly crimes: readonly { files: Record<string, string>; told: readonly string[] }[]
  /** Files close to breaking it that do not. */
  readonly innocent?: Record<string, string>
}

/** A crime of one import. */
function importing(path: string, target: string) {
  const parts = path.split('/')
  const up = '../'.repeat(parts.length - 1)
  return { files: { [path]: `import { x } from '${up}${target}'\nx()` }, told: [`${path} imports ${target}`] }
}

const laws: readonly Law[] = [
  {
    name: 'imports run downhill',
    broken: house.uphillImports,
    crimes: [
      importing('src/lib/a.ts', 'src/platform/b.ts'),
      importing('src/platform/a.ts', 'src/graphql/b.ts'),
      importing('src/platform/a.ts', 'src/config.ts'),
      importing('src/graphql/a.ts', 'src/modules/ocean/page.reads.ts'),
      importing('src/graphql/a.ts', 'src/transport/b.ts'),
      importing('src/modules/ocean/page.service.ts', 'src/graphql/b.ts'),
      importing('src/modules/ocean/page.service.ts', 'src/modules/ocean/page.graphql.ts'),
      importing('src/modules/ocean/page.service.ts', 'src/modules/projects/project.graphql.ts'),
      importing('src/modules/projects/project.service.ts', 'src/modules/ocean/page.service.ts'),
      importing('src/modules/projects/project.graphql.ts', 'src/modules/ocean/page.graphql.ts'),
      importing('src/modules/projects/project.graphql.ts', 'src/transport/b.ts'),
      importing('src/modules/novelties/a.service.ts', 'src/lib/b.ts'),
      importing('src/app.ts', 'test/kit/b.ts'),
      { files: { 'src/lib/a.ts': "import type { X } from '../app.ts'" }, told: ['src/lib/a.ts imports src/app.ts'] },
      { files: { 'src/lib/a.ts': "await import('../app.ts')" }, told: ['src/lib/a.ts imports src/app.ts'] },
      { files: { 'src/lib/a.ts': "type X = import('../app.ts').X" }, told: ['src/lib/a.ts imports src/app.ts'] },
      { files: { 'src/lib/a.ts': "declare module '../app.ts' {}" }, told: ['src/lib/a.ts imports src/app.ts'] },
    ],
    innocent: {
      'src/modules/ocean/page.graphql.ts':
        "import '../projects/project.graphql.ts'; import '../../graphql/builder.ts'; import './page.service.ts'; import 'graphql'",
      'src/modules/ocean/page.service.ts': "import '../projects/project.service.ts'; import '../../platform/gate.ts'",
      'src/transport/http.ts': "import '../modules/accounts/users/user.service.ts'",
    },
  },
  {
    name: 'every file stands where the tree has a place for it',
    broken: house.misplacedFiles,
    crimes: [{ files: { 'src/shared/a.ts': '' }, told: ['src/shared/a.ts'] }],
  },
  {
    name: 'only the skin knows GraphQL',
    broken: house.graphqlInTheDomain,
    crimes: [
      { files: { 'src/lib/a.ts': "import 'graphql'" }, told: ['src/lib/a.ts imports graphql'] },
      {
        files: { 'src/modules/ocean/page.service.ts': "import type { X } from '@pothos/core'" },
        told: ['src/modules/ocean/page.service.ts imports @pothos/core'],
      },
      { files: { 'src/app.ts': "import 'graphql-yoga'" }, told: ['src/app.ts imports graphql-yoga'] },
    ],
    innocent: { 'src/modules/ocean/page.graphql.ts': "import 'graphql'", 'src/schema.ts': "import '@pothos/core'" },
  },
  {
    name: 'nothing is passed on',
    broken: house.reexports,
    crimes: [
      { files: { 'src/lib/a.ts': "export * from './b.ts'" }, told: ['src/lib/a.ts'] },
      { files: { 'src/lib/a.ts': "export { x } from './b.ts'" }, told: ['src/lib/a.ts'] },
      { files: { 'src/lib/a.ts': "export type { X } from './b.ts'" }, told: ['src/lib/a.ts'] },
      { files: { 'src/lib/a.ts': "import { x } from './b.ts'\nexport { x as y }" }, told: ['src/lib/a.ts'] },
    ],
    innocent: { 'src/lib/a.ts': "import { x } from './b.ts'\nexport const y = x\nconst z = 1\nexport { z }" },
  },
  {
    name: 'no import comes back to where it started',
    broken: house.cycles,
    crimes: [
      {
        files: {
          'src/lib/a.ts': "import './b.ts'",
          'src/lib/b.ts': "import { type C } from './c.ts'",
          'src/lib/c.ts': "import './a.ts'",
        },
        told: ['src/lib/a.ts → src/lib/b.ts → src/lib/c.ts → src/lib/a.ts'],
      },
      {
        files: {
          'src/modules/ocean/page.service.ts': "import './block.service.ts'",
          'src/modules/ocean/block.service.ts': "import './page.service.ts'",
        },
        told: [
          'src/modules/ocean/page.service.ts → src/modules/ocean/block.service.ts → src/modules/ocean/page.service.ts',
        ],
      },
    ],
    innocent: {
      'src/lib/a.ts': "import type { B } from './b.ts'",
      'src/lib/b.ts': "import './a.ts'",
      'src/modules/ocean/page.graphql.ts': "import './block.graphql.ts'",
      'src/modules/ocean/block.graphql.ts': "import './page.graphql.ts'",
    },
  },
  {
    name: 'no file is longer than 300 lines',
    broken: house.longFiles,
    crimes: [{ files: { 'src/lib/a.ts': lines(301) }, told: ['src/lib/a.ts has 301 lines'] }],
    innocent: { 'src/lib/a.ts': lines(300) },
  },
  {
    name: 'the environment is read in config.ts alone',
    broken: house.environmentReaders,
    crimes: [
      { files: { 'src/app.ts': 'export const a = process.env.A' }, told: ['src/app.ts'] },
      { files: { 'src/app.ts': "export const a = process['env']" }, told: ['src/app.ts'] },
      { files: { 'src/app.ts': "import { env } from 'node:process'" }, told: ['src/app.ts'] },
    ],
    innocent: { 'src/config.ts': 'export const a = process.env.A', 'src/app.ts': '// process.env\nprocess.exit()' },
  },
  {
    name: 'lib keeps no state',
    broken: house.statefulLibrary,
    crimes: ['let last = 0', 'export let last = 0', 'var last = 0'].map((text) => ({
      files: { 'src/lib/a.ts': `${text}\nexport const next = () => ++last` },
      told: ['src/lib/a.ts'],
    })),
    innocent: {
      'src/lib/a.ts': 'export function next(from: number) {\n  let last = from\n  return ++last\n}',
      'src/platform/a.ts': 'let last = 0\nexport const next = () => ++last',
    },
  },
  {
    name: 'every service has a test',
    broken: (files) => house.untestedServices(files, tests),
    crimes: [
      {
        files: { 'src/modules/ocean/novelty.service.ts': '' },
        told: ['src/modules/ocean/novelty.service.ts'],
      },
    ],
  },
  {
    name: 'a file of a module has one of the seven roles',
    broken: house.rolelessFiles,
    crimes: ['page.ts', 'page.repository.ts', 'Page.service.ts', 'page.tools.reads.ts'].map((name) => ({
      files: { [`src/modules/ocean/${name}`]: '' },
      told: [`src/modules/ocean/${name}`],
    })),
  },
  {
    name: 'a module is flat, or has one folder per noun',
    broken: house.misshapenModules,
    crimes: [
      {
        files: { 'src/modules/ocean/pages/tree/page.service.ts': '' },
        told: ['src/modules/ocean/pages/tree/page.service.ts'],
      },
      {
        files: Object.fromEntries(Array.from('abcdefghijklm', (name) => [`src/modules/ocean/${name}.reads.ts`, ''])),
        told: ['ocean'],
      },
    ],
  },
  {
    name: 'names say what a file is about',
    broken: house.emptyNames,
    crimes: ['src/lib/date-utils.ts', 'src/platform/helpers/a.ts', 'src/transport/handler.ts'].map((path) => ({
      files: { [path]: '' },
      told: [path],
    })),
    innocent: { 'src/modules/audit/utility-bill.reads.ts': '' },
  },
  ...(['entity', 'policy', 'jobs'] as const).map((role) => {
    const list = { entity: 'src/entities.ts', policy: 'src/policies.ts', jobs: 'src/jobs.ts' }[role]
    return {
      name: `every *.${role}.ts is listed in ${list}`,
      broken: (files: Sources) => house.unlisted(files, role, list),
      crimes: [
        {
          files: {
            [list]: `import './modules/ocean/page.${role}.ts'`,
            [`src/modules/ocean/page.${role}.ts`]: '',
            [`src/modules/ocean/block.${role}.ts`]: '',
          },
          told: [`src/modules/ocean/block.${role}.ts`],
        },
      ],
    }
  }),
  {
    name: 'every *.graphql.ts is reached from schema.ts',
    broken: (files) => house.unlisted(files, 'graphql', 'src/schema.ts'),
    crimes: [
      {
        files: {
          'src/schema.ts': "import './modules/ocean/page.graphql.ts'",
          'src/modules/ocean/page.graphql.ts': "import './block.graphql.ts'",
          'src/modules/ocean/block.graphql.ts': "import type { T } from './tag.graphql.ts'",
          'src/modules/ocean/tag.graphql.ts': '',
        },
        told: ['src/modules/ocean/tag.graphql.ts'],
      },
    ],
  },
]

describe.each(laws)('$name', ({ broken, crimes, innocent = {} }) => {
  test('in this repository', () => {
    expect(broken(sources)).toEqual([])
  })
  test('or it is told', () => {
    for (const { files, told } of crimes) expect(broken(parseSources(files))).toEqual(told)
    expect(broken(parseSources(innocent))).toEqual([])
  })
})

describe('every test runs', () => {
  test('in this repository', () => {
    const files = readSources('test/**/*.ts')
    expect(files.size).toBeGreaterThan(80)
    expect(house.unrunTests(files)).toEqual([])
  })
  test('or it is told', () => {
    const told = (text: string) => house.unrunTests(parseSources({ 'test/a.test.ts': text }))
    expect(told("test.skipIf(lane.embedded)('a', () => {})")).toEqual(['test/a.test.ts has .skipIf'])
    expect(told("describe.skip('a', () => {})")).toEqual(['test/a.test.ts has .skip'])
    expect(told("test.todo('a')")).toEqual(['test/a.test.ts has .todo'])
    expect(told("test.only('a', () => {})")).toEqual(['test/a.test.ts has .only'])
    expect(told("test('a', ({ skip }) => skip())")).toEqual(['test/a.test.ts has .skip'])
    expect(told("test('a', (context) => context.skip())")).toEqual(['test/a.test.ts has .skip'])
    expect(told("if (!lane.embedded) test('a', () => {})\nconst skip = 'test.skip'")).toEqual([])
  })
})

test('what an older Node has to read is the one file that is not TypeScript', () => {
  const others = globSync('src/**/*.*').filter((path) => !path.endsWith('.ts'))
  expect(others.map((path) => path.replaceAll('\\', '/'))).toEqual(['src/require-node.mjs'])
})

test('the sources are read', () => {
  expect(sources.size).toBeGreaterThan(80)
  expect(sources.get('src/schema.ts')?.imports.length).toBeGreaterThan(5)
})

describe('what a file exports is in the list, not only imported there', () => {
  test.each([
    ['entity', entities],
    ['jobs', jobs],
  ] as const)('*.%s.ts', async (role, list) => {
    const paths = [...sources.keys()].filter((path) => path.endsWith(`.${role}.ts`))
    expect(paths).not.toEqual([])
    for (const path of paths) {
      const exported: Record<string, unknown> = await import(resolve(path))
      const members = Object.entries(exported).filter(([, value]) =>
        role === 'entity' ? isClass(value) : isJob(value),
      )
      expect(members, `${path} exports none`).not.toEqual([])
      for (const [name, member] of members) expect(list.includes(member as never), `${name} of ${path}`).toBe(true)
    }
  })
})

test('the linter is told to refuse what the house does not use', () => {
  const { linter, overrides } = JSON.parse(readFileSync('biome.json', 'utf8'))
  expect(linter.rules).toMatchObject({
    style: { noDefaultExport: 'error', noNonNullAssertion: 'error', noEnum: 'error' },
    suspicious: { noExplicitAny: 'error' },
    performance: { noBarrelFile: 'error', noReExportAll: 'error' },
  })
  // What is exempt is named, and none of it is part of the product.
  for (const path of overrides.flatMap((override: { includes: string[] }) => override.includes)) {
    expect(path).toMatch(/^[\w.-]+\.config\.ts$|^codegen\.ts$|^test\/mutants\//)
  }
})

function isClass(value: unknown): boolean {
  return typeof value === 'function' && value.toString().startsWith('class')
}

function isJob(value: unknown): boolean {
  return typeof value === 'object' && value !== null && 'run' in value && 'schema' in value
}
