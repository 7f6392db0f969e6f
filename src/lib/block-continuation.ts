import { type BlockContent, type BlockType, contentSchema } from './block-content.ts'

/** What the second half of a block is, when its text is split; what shows something else than text goes on as text. */
const continuations: Partial<Record<BlockType, BlockType>> = {
  HEADING_1: 'PARAGRAPH',
  HEADING_2: 'PARAGRAPH',
  HEADING_3: 'PARAGRAPH',
  IMAGE: 'PARAGRAPH',
  FILE: 'PARAGRAPH',
  BOOKMARK: 'PARAGRAPH',
  EMBED: 'PARAGRAPH',
}

// What the first half keeps for itself.
const ownFields: ReadonlySet<string> = new Set(['checked', 'collapsed', 'hasHeaderRow'])

/** A block that goes on where another is split: what it is, and what it has beside its text. */
export function continuationOf(type: BlockType, content: BlockContent): { type: BlockType; content: BlockContent } {
  const next = continuations[type] ?? type
  const kept = Object.entries(content).filter(([field]) => next === type && !ownFields.has(field))
  return { type: next, content: contentSchema(next).parse(Object.fromEntries(kept)) }
}
