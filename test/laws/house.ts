import { basename, dirname } from 'node:path/posix'
import type { Import, SourceFile, Sources } from './sources.ts'

// The laws of the house, each a function from sources to what breaks it, in words.

/** The modules in the order they may know each other: each only those before it. */
export const moduleOrder = ['audit', 'accounts', 'projects', 'usage', 'providers', 'ocean', 'chat', 'collaboration']
/** What a file of a module can be, and nothing else. */
export const roles = ['entity', 'policy', 'reads', 'service', 'events', 'jobs', 'graphql']

const MAX_LINES = 300
const MAX_FLAT_FILES = 12

/** Where a file stands: a layer below the product, a module's domain or its skin of GraphQL, or the wiring on top. */
type Place =
  | { readonly layer: 'lib' | 'platform' | 'graphql' | 'wiring' | 'nowhere' }
  | { readonly layer: 'module'; readonly order: number; readonly isSkin: boolean }

function placeOf(path: string): Place {
  const [root, layer = '', name = ''] = path.split('/')
  if (root !== 'src') return { layer: 'nowhere' }
  if (layer === 'lib' || layer === 'platform' || layer === 'graphql') return { layer }
  if (layer === 'transport' || name === '') return { layer: 'wiring' }
  const order = moduleOrder.indexOf(name)
  if (layer !== 'modules' || order < 0) return { layer: 'nowhere' }
  return { layer: 'module', order, isSkin: path.endsWith('.graphql.ts') }
}

/** The table of the three laws. */
function mayImport(from: Place, to: Place): boolean {
  if (from.layer === 'nowhere' || to.layer === 'nowhere') return false
  switch (from.layer) {
    case 'wiring':
      return true
    case 'lib':
      return to.layer === 'lib'
    case 'platform':
      return to.layer === 'lib' || to.layer === 'platform'
    case 'graphql':
      return to.layer === 'lib' || to.layer === 'platform' || to.layer === 'graphql'
    case 'module':
      if (to.layer === 'module') return to.order <= from.order && (from.isSkin || !to.isSkin)
      return to.layer === 'lib' || to.layer === 'platform' || (to.layer === 'graphql' && from.isSkin)
  }
}

/** First law: downhill only. */
export function uphillImports(sources: Sources): string[] {
  return eachImport(sources, (file, { target, isFile }) =>
    isFile && !mayImport(placeOf(file.path), placeOf(target)) ? `${file.path} imports ${target}` : null,
  )
}

/** Every file stands in a folder that the tree knows. */
export function misplacedFiles(sources: Sources): string[] {
  return [...sources.keys()].filter((path) => placeOf(path).layer === 'nowhere')
}

/** Second law: the domain does not know GraphQL. */
export function graphqlInTheDomain(sources: Sources): string[] {
  const speaksGraphql = /^src\/(graphql\/|transport\/|schema\.ts$)|\.graphql\.ts$/
  return eachImport(sources, (file, { target, isFile }) =>
    !isFile && /^(graphql($|[-/])|@pothos\/|@graphql-)/.test(target) && !speaksGraphql.test(file.path)
      ? `${file.path} imports ${target}`
      : null,
  )
}

/** Third law: import the file that defines it. */
export function reexports(sources: Sources): string[] {
  return [...sources.values()].filter((file) => file.reexports).map((file) => file.path)
}

/** Imports that come back to where they started, as the program runs them: erased ones make no cycle. */
export function cycles(sources: Sources): string[] {
  const finished = new Set<string>()
  const found: string[] = []
  const visit = (path: string, trail: readonly string[]): void => {
    if (trail.includes(path)) {
      found.push([...trail.slice(trail.indexOf(path)), path].join(' → '))
      return
    }
    if (finished.has(path)) return
    for (const { target, isFile, isType } of sources.get(path)?.imports ?? []) {
      if (isFile && !isType && !mayCircle(path, target)) visit(target, [...trail, path])
    }
    finished.add(path)
  }
  for (const path of sources.keys()) visit(path, [])
  return found
}

/** Types and entities of one module refer to each other, lazily. */
function mayCircle(from: string, to: string): boolean {
  const module = (path: string) => /^src\/modules\/[^/]+\//.exec(path)?.[0]
  const bothEndIn = (suffix: string) => from.endsWith(suffix) && to.endsWith(suffix)
  return (
    module(from) !== undefined && module(from) === module(to) && (bothEndIn('.graphql.ts') || bothEndIn('.entity.ts'))
  )
}

/** A file one can read in a sitting. */
export function longFiles(sources: Sources): string[] {
  const long = [...sources.values()].filter((file) => file.lineCount > MAX_LINES)
  return long.map((file) => `${file.path} has ${file.lineCount} lines`)
}

/** The environment is read in one place. */
export function environmentReaders(sources: Sources): string[] {
  const readers = [...sources.values()].filter((file) => file.readsEnvironment && file.path !== 'src/config.ts')
  return readers.map((file) => file.path)
}

/** What is in lib answers the same whenever it is asked. */
export function statefulLibrary(sources: Sources): string[] {
  return [...sources.values()]
    .filter((file) => file.path.startsWith('src/lib/') && file.keepsState)
    .map(({ path }) => path)
}

/** Where all tests must run, one that does not is a failure; what belongs to one lane is registered in that lane. */
export function unrunTests(tests: Sources): string[] {
  // They ask for programs that need not be installed, but where all must run.
  const excused = [
    'test/kit/private-services.test.ts',
    'test/transport/graphiql-browser.once.test.ts',
    'test/transport/mail-link-pages.once.test.ts',
  ]
  const found = [...tests.values()].filter(({ path }) => !excused.includes(path))
  return found.flatMap(({ path, unrunTests }) => unrunTests.map((name) => `${path} has .${name}`))
}

/** Every service has a test of its noun where the module's tests are: `page.service.ts` → `pages.test.ts`. */
export function untestedServices(sources: Sources, tests: readonly string[]): string[] {
  const services = [...sources.keys()].filter((path) => path.endsWith('.service.ts'))
  return services.filter((path) => {
    const folder = dirname(path).replace(/^src/, 'test')
    const noun = basename(path, '.service.ts')
    const isMirror = new RegExp(`^${noun}(s|-[a-z-]+)?(\\.once|\\.services|\\.full)?\\.test\\.ts$`)
    return !tests.some((test) => dirname(test) === folder && isMirror.test(basename(test)))
  })
}

/** A file of a module is one of the seven roles. */
export function rolelessFiles(sources: Sources): string[] {
  const named = new RegExp(`^[a-z]+(-[a-z]+)*\\.(${roles.join('|')})\\.ts$`)
  return [...sources.keys()].filter((path) => path.startsWith('src/modules/') && !named.test(basename(path)))
}

/** A module is flat until it has more than 12 files, then one folder per noun. */
export function misshapenModules(sources: Sources): string[] {
  const files = [...sources.keys()].filter((path) => path.startsWith('src/modules/'))
  const deep = files.filter((path) => path.split('/').length > 5)
  const crowded = moduleOrder.filter((name) => {
    const flat = files.filter((path) => dirname(path) === `src/modules/${name}`)
    return flat.length > MAX_FLAT_FILES
  })
  return [...deep, ...crowded]
}

/** Words that say nothing about what is in a file. */
export function emptyNames(sources: Sources): string[] {
  return [...sources.keys()].filter((path) => /(^|[^a-z])(manager|helper|util|handler)s?([^a-z]|$)/.test(path))
}

/** Files of a role that the file which lists them does not run. */
export function unlisted(sources: Sources, role: string, list: string): string[] {
  const reached = new Set<string>()
  const reach = (path: string): void => {
    if (reached.has(path)) return
    reached.add(path)
    for (const { target, isFile, isType } of sources.get(path)?.imports ?? []) if (isFile && !isType) reach(target)
  }
  reach(list)
  return [...sources.keys()].filter((path) => path.endsWith(`.${role}.ts`) && !reached.has(path))
}

/** Actions of the policies that no line of the product asks for. */
export function unaskedActions(sources: Sources, actions: readonly string[]): string[] {
  const askers = [...sources.values()].filter((file) => !file.path.endsWith('.policy.ts'))
  return actions.filter((action) => askers.every((file) => !file.strings.has(action)))
}

function eachImport(sources: Sources, judge: (file: SourceFile, entry: Import) => string | null): string[] {
  const verdicts = [...sources.values()].flatMap((file) => file.imports.map((entry) => judge(file, entry)))
  return [...new Set(verdicts.filter((verdict) => verdict !== null))]
}
