import { decodeTypeId } from './typeid.ts'

/** How a stretch of text is formatted. */
export interface TextAttributes {
  readonly bold?: true
  readonly italic?: true
  readonly code?: true
  readonly strike?: true
  /** An http, https or mailto address, or the id of a page or a block. */
  readonly link?: string
  /** The id of a person, an agent or a page. */
  readonly mention?: string
}

const MAX_ADDRESS_LENGTH = 2_048
const ADDRESS = /^(?:https?:\/\/|mailto:)[^\s\p{Cc}]+$/iu
const linkedNouns: ReadonlySet<string> = new Set(['page', 'block'])
const mentionedNouns: ReadonlySet<string> = new Set(['user', 'agent', 'page'])

const rules: ReadonlyMap<string, (value: unknown) => boolean> = new Map([
  ...['bold', 'italic', 'code', 'strike'].map((name) => [name, (value: unknown) => value === true] as const),
  ['link', (value) => isIdOf(linkedNouns, value) || isAddress(value)],
  ['mention', (value) => isIdOf(mentionedNouns, value)],
])

/** Whether text can be formatted so; null takes the attribute away. */
export function isFitAttribute(name: string, value: unknown): boolean {
  const isFit = rules.get(name)
  return isFit !== undefined && (value === null || isFit(value))
}

function isAddress(value: unknown): boolean {
  return (
    typeof value === 'string' &&
    value.length <= MAX_ADDRESS_LENGTH &&
    ADDRESS.test(value) &&
    value.isWellFormed() &&
    URL.canParse(value)
  )
}

function isIdOf(nouns: ReadonlySet<string>, value: unknown): boolean {
  const decoded = typeof value === 'string' ? decodeTypeId(value) : null
  return decoded !== null && nouns.has(decoded.prefix)
}
