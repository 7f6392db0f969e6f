import { globSync, readFileSync } from 'node:fs'
import { posix } from 'node:path'
import { parseAst } from 'vitest/node'

/** One import: a file by its path in the repository, or a package by the name it was asked for by. */
export interface Import {
  readonly target: string
  readonly isFile: boolean
  /** Erased before the program runs: `import type` and types named in place. */
  readonly isType: boolean
}

/** What the laws of the house read of one source file. */
export interface SourceFile {
  readonly path: string
  readonly lineCount: number
  readonly imports: readonly Import[]
  /** The file passes on what another one defines. */
  readonly reexports: boolean
  readonly readsEnvironment: boolean
  /** A variable of the file itself can change. */
  readonly keepsState: boolean
  /** Tests it leaves out, or lets run alone: the calls' names. */
  readonly unrunTests: readonly string[]
  /** Every string literal but those an `audit(…)` call only writes down. */
  readonly strings: ReadonlySet<string>
}

/** Source files by path, in order. */
export type Sources = ReadonlyMap<string, SourceFile>

type Node = Readonly<Record<string, unknown>> & { readonly type: string }

/** Reads and parses every source file of the product, or those of another pattern. */
export function readSources(pattern = 'src/**/*.ts'): Sources {
  const paths = globSync(pattern).map((path) => path.replaceAll('\\', '/'))
  return parseSources(Object.fromEntries(paths.sort().map((path) => [path, readFileSync(path, 'utf8')])))
}

/** Parses files given as text by path. @throws {SyntaxError} */
export function parseSources(texts: Readonly<Record<string, string>>): Sources {
  return new Map(Object.entries(texts).map(([path, text]) => [path, parseSource(path, text)]))
}

function parseSource(path: string, text: string): SourceFile {
  const program = parseAst(text, { lang: 'ts', astType: 'ts' }, path)
  const nodes = [...nodesIn(program)]
  const imports = nodes.flatMap((node) => importsOf(path, node))
  const imported = new Set(nodes.filter((node) => node.type === 'ImportDeclaration').flatMap(localNames))
  return {
    path,
    lineCount: text.trimEnd().split('\n').length,
    imports,
    reexports: nodes.some((node) => isReexport(node, imported)),
    readsEnvironment: nodes.some(isEnvironment),
    keepsState: statementsOf(program).some((node) => node.type === 'VariableDeclaration' && node.kind !== 'const'),
    unrunTests: nodes.flatMap(unrunTest),
    strings: new Set([...nodesIn(program, isAuditCall)].flatMap(stringOf)),
  }
}

/** Every node of a tree, without those below a node that `prune` names. */
function* nodesIn(value: unknown, prune: (node: Node) => boolean = () => false): Generator<Node> {
  if (typeof value !== 'object' || value === null) return
  if (isNode(value)) {
    if (prune(value)) return
    yield value
  }
  for (const part of Object.values(value)) yield* nodesIn(part, prune)
}

function isNode(value: object): value is Node {
  return 'type' in value && typeof value.type === 'string'
}

function importsOf(path: string, node: Node): Import[] {
  const specifier = stringOf(specifierOf(node))[0]
  if (specifier === undefined) return []
  const isFile = /^\.{1,2}\//.test(specifier)
  const target = isFile ? posix.join(posix.dirname(path), specifier) : specifier
  // `import { type A } from 'a'` is not erased: what is left of it still runs the file.
  const isType = node.importKind === 'type' || node.exportKind === 'type' || node.type.startsWith('TS')
  return [{ target, isFile, isType }]
}

function specifierOf(node: Node): unknown {
  switch (node.type) {
    case 'ImportDeclaration':
    case 'ImportExpression':
    case 'ExportAllDeclaration':
    case 'ExportNamedDeclaration':
    case 'TSImportType':
      return node.source
    case 'TSModuleDeclaration': // declare module './tables.ts' { … }
      return node.id
    default:
      return null
  }
}

function isReexport(node: Node, imported: ReadonlySet<string>): boolean {
  if (node.type === 'ExportAllDeclaration') return true
  if (node.type !== 'ExportNamedDeclaration') return false
  return node.source !== null || specifiersOf(node).some(({ local }) => imported.has(nameOf(local)))
}

function localNames(node: Node): string[] {
  return specifiersOf(node).map(({ local }) => nameOf(local))
}

function specifiersOf(node: Node): Node[] {
  return node.specifiers as Node[]
}

/** `process.env`, and the two modules it could be had from by another name. */
function isEnvironment(node: Node): boolean {
  if (node.type === 'ImportDeclaration') return /^(node:)?process$/.test(stringOf(node.source)[0] ?? '')
  if (node.type !== 'MemberExpression' || nameOf(node.object) !== 'process') return false
  return nameOf(node.property) === 'env' || stringOf(node.property)[0] === 'env'
}

/** The statements of the file itself, also where they are exported. */
function statementsOf(program: { readonly body: readonly unknown[] }): Node[] {
  return (program.body as Node[]).map((node) => (node.declaration as Node | null | undefined) ?? node)
}

/** `test.skip`, `describe.skipIf` and the like, and the `skip` that vitest gives to a test. */
function unrunTest(node: Node): string[] {
  const left = /^(skip|skipIf|runIf|todo|only)$/
  const names = node.type === 'MemberExpression' ? [nameOf(node.property), ...stringOf(node.property)] : []
  const asked = node.type === 'ObjectPattern' ? (node.properties as Node[]).map(({ key }) => nameOf(key)) : []
  return [...names, ...asked].filter((name) => left.test(name))
}

function isAuditCall(node: Node): boolean {
  return node.type === 'CallExpression' && nameOf(node.callee) === 'audit'
}

function nameOf(node: unknown): string {
  return (node as { name?: string } | null)?.name ?? ''
}

function stringOf(node: unknown): string[] {
  const { type, value } = (node ?? {}) as { type?: string; value?: unknown }
  return type === 'Literal' && typeof value === 'string' ? [value] : []
}
