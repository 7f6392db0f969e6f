import { globSync } from 'node:fs'
import { basename } from 'node:path'
import { type Edit, sourceOf } from './mutation.ts'

/** A place where a gate is asked, and the edit that switches it off there alone. */
export interface GateCall {
  /** `file/function/gate`, with `#2` behind the second of a kind. */
  readonly key: string
  readonly edit: Edit
}

// What finds a row and what is about the input's own form are no gates; of `demandLiving` only the definition is
// switched off (see platform.ts): one race shows all its calls.
const notGates = ['demandKey', 'demandAgent', 'demandStrength', 'demandCookieJar', 'demandLiving']
const gateCall = /(?<=[\s(])(requireAction|requirePerson|requireGrant|requireAdministrator|pass|demand[A-Z]\w*)\(/g

/** Every call of a gate in the modules. */
export function gateCalls(): GateCall[] {
  const calls = globSync('src/modules/**/*.ts')
    .toSorted()
    .flatMap((file) => callsIn(file, sourceOf(file)))
  const seen = new Map<string, number>()
  return calls.map(({ key, edit }) => {
    const count = (seen.get(key) ?? 0) + 1
    seen.set(key, count)
    return { key: count === 1 ? key : `${key}#${count}`, edit }
  })
}

function callsIn(file: string, source: string): GateCall[] {
  return [...source.matchAll(gateCall)].flatMap(({ index, 1: gate = '' }) => {
    const before = source.slice(0, index)
    if (notGates.includes(gate) || /function $/.test(before)) return []
    const open = index + gate.length
    const end = closingOf(source, open)
    const place = before.match(/(?:function|subscriptionField\('|^export class) ?(\w+)/gm)?.at(-1)
    const name = /\w+$/.exec(place ?? '')?.[0] ?? ''
    const lineStart = before.lastIndexOf('\n', before.lastIndexOf('\n', before.lastIndexOf('\n') - 1) - 1) + 1
    const args = argumentsOf(source.slice(open + 1, end))
    // With the lines around it, since the same call may stand in the file twice.
    const find = source.slice(lineStart, end + 1)
    const put = source.slice(lineStart, index) + switchedOff(gate, args)
    return [{ key: `${basename(file, '.ts')}/${name}/${gate}`, edit: { file, find, put } }]
  })
}

/** The call with nothing demanded: whoever asks is let through, as far as they are somebody and the row is there. */
function switchedOff(gate: string, args: readonly string[]): string {
  const [ctx = '', noun = '', row = '', , target = ''] = args
  if (gate.startsWith('demand')) return 'undefined'
  if (gate === 'pass') {
    const open = `((row) => row && { ...row, viewerRole: 'OWNER' as const, isArchived: false })(${row})`
    return `pass({ ...ctx, viewer: { ...ctx.viewer, grants: null } as never }, ${noun}, ${open}, ${readActionOf(noun)}, ${target})`
  }
  // No bare parenthesis: the line before has no semicolon.
  return `Object(${ctx}.viewer)`
}

function readActionOf(noun: string): string {
  // Read with what they are of.
  const owner = { "'message'": "'chat_session'", "'link'": "'block'" }[noun] ?? noun
  return owner.replace(' ', '_').replace(/'$/, ".read'")
}

function closingOf(source: string, open: number): number {
  let depth = 0
  for (let at = open; at < source.length; at += 1) {
    if (source[at] === '(') depth += 1
    if (source[at] === ')') depth -= 1
    if (depth === 0) return at
  }
  throw new Error('A call does not end')
}

function argumentsOf(text: string): string[] {
  const found: string[] = ['']
  let depth = 0
  for (const letter of text) {
    if ('([{'.includes(letter)) depth += 1
    if (')]}'.includes(letter)) depth -= 1
    if (letter === ',' && depth === 0) found.push('')
    else found[found.length - 1] += letter
  }
  return found.map((one) => one.trim())
}
