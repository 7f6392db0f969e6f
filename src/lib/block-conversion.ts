import {
  type BlockContent,
  type BlockType,
  blockContents,
  type ContentField,
  contentSchema,
  isAddress,
} from './block-content.ts'
import type { TextRun } from './rich-text.ts'

/**
 * What becomes of a field when the type that a block is converted to has no place for it. Words and addresses go into the
 * text, each on a line of its own at the end, in this order; all else is set aside and comes back with the next type that
 * has a place for it. A field that both types have is kept as it is.
 */
const fates: Readonly<Record<ContentField, 'text' | 'aside'>> = {
  alt: 'text',
  name: 'text',
  title: 'text',
  description: 'text',
  // The last: a type with an address takes it from there.
  url: 'text',

  checked: 'aside',
  collapsed: 'aside',
  icon: 'aside',
  color: 'aside',
  language: 'aside',
  width: 'aside',
  height: 'aside',
  mediaType: 'aside',
  sizeBytes: 'aside',
  hasHeaderRow: 'aside',
  hasHeaderColumn: 'aside',
}

/** A block, as far as its conversion goes by it. */
export interface Convertible {
  readonly type: BlockType
  readonly content: BlockContent
  /** What earlier types of it had that its type has no place for. */
  readonly aside: BlockContent
  readonly text: string
}

/** A line that goes into the text. */
export interface FoldedLine {
  readonly text: string
  readonly isAddress: boolean
}

/** What a block becomes. */
export interface Conversion {
  readonly content: BlockContent
  readonly aside: BlockContent
  /** What its text says then. */
  readonly text: string
  /** The lines at the end of the text that are new there. When there are any, nothing was taken from it. */
  readonly folded: readonly FoldedLine[]
}

/**
 * A block as one of another type. Fields that are `given` are as they say, also when they are null. A type with an
 * address that the old one had no place for takes it from the text, if the last line is one and nothing else.
 */
export function convert(block: Convertible, type: BlockType, given: BlockContent): Conversion {
  const fields = fieldsOf(type)
  const gainsAddress = fields.includes('url') && !fieldsOf(block.type).includes('url') && given.url === undefined
  const address = gainsAddress ? addressAtEnd(block.text) : null
  const known = { ...block.aside, ...block.content, ...(address !== null && { url: address }), ...given }
  const left = Object.entries(block.content).filter(([field, value]) => !fields.includes(field) && says(value))
  const folded = left
    .filter(([field]) => fateOf(field) === 'text')
    .toSorted(([one], [other]) => order.indexOf(one) - order.indexOf(other))
    .map(([field, value]) => ({ text: String(value), isAddress: field === 'url' }))
  const asides = [...Object.entries(block.aside), ...left.filter(([field]) => fateOf(field) === 'aside')]
  const kept = address === null ? block.text : withoutLastLine(block.text)
  return {
    content: { ...contentSchema(type).parse({}), ...only(Object.entries(known), (field) => fields.includes(field)) },
    aside: only(asides, (field) => !fields.includes(field)),
    text: [...(kept === '' ? [] : [kept]), ...folded.map(({ text }) => text)].join('\n'),
    folded,
  }
}

/** What is appended to the text of a block for its folded lines: addresses as links. */
export function foldedRuns({ text, folded }: Conversion): TextRun[] {
  const isAll = text === folded.map((line) => line.text).join('\n')
  const runs = folded.flatMap((line, index): TextRun[] => [
    { text: index === 0 && isAll ? '' : '\n', attributes: {} },
    { text: line.text, attributes: line.isAddress ? { link: line.text } : {} },
  ])
  return runs.filter((run) => run.text !== '')
}

const order: readonly string[] = Object.keys(fates)

function fieldsOf(type: BlockType): readonly string[] {
  return Object.keys(blockContents[type].shape)
}

function fateOf(field: string): 'text' | 'aside' {
  return new Map(Object.entries(fates)).get(field) ?? 'aside'
}

/** Whether a field says more than that nobody filled it. */
function says(value: BlockContent[string]): boolean {
  return value !== null && value !== false && value !== ''
}

function only(entries: readonly (readonly [string, BlockContent[string]])[], isIn: (field: string) => boolean) {
  return Object.fromEntries(entries.filter(([field]) => isIn(field)))
}

function addressAtEnd(text: string): string | null {
  const line = text.slice(text.lastIndexOf('\n') + 1)
  return isAddress(line) ? line : null
}

function withoutLastLine(text: string): string {
  return text.slice(0, Math.max(0, text.lastIndexOf('\n')))
}
