import { z } from 'zod'
import type { SchemaTypes } from '../../../graphql/builder.ts'
import { idOf } from '../../../graphql/ids.ts'
import { optional, ruleInWords } from '../../../graphql/input.ts'
import { type BlockContent, type BlockType, contentSchema } from '../../../lib/block-content.ts'
import { MAX_TEXT_BYTES } from '../../../lib/rich-text.ts'
import type { BatchedBlock } from './block.service.ts'
import type { Place } from './placement.service.ts'

/** A field for the text of a block. */
export const blockText = z
  .string()
  .refine((text) => Buffer.byteLength(text) <= MAX_TEXT_BYTES, `at most ${MAX_TEXT_BYTES.toLocaleString('en')} bytes`)

/** The content of a block of some type, inside a transform; its faults are those of the field `content`. */
export function contentOf(type: BlockType, content: unknown, check: z.RefinementCtx): BlockContent {
  const parsed = contentSchema(type).safeParse(content, { error: ruleInWords })
  if (parsed.success) return parsed.data
  for (const issue of parsed.error.issues) {
    const path = ['content', ...issue.path]
    if (issue.code !== 'unrecognized_keys') check.addIssue({ code: 'custom', path, message: issue.message })
    else
      for (const key of issue.keys)
        check.addIssue({ code: 'custom', path: [...path, key], message: 'is no field of this type' })
  }
  return z.NEVER
}

/** The same of what is only said in part: none of what was left out. */
export function saidContentOf(type: BlockType, content: unknown, check: z.RefinementCtx): BlockContent {
  const said = new Set(Object.keys(Object(content)))
  return Object.fromEntries(Object.entries(contentOf(type, content, check)).filter(([field]) => said.has(field)))
}

/** The fields of an input that say where something is to stand. */
export function placeFields(
  t: PothosSchemaTypes.InputFieldBuilder<PothosSchemaTypes.ExtendDefaultTypes<SchemaTypes>, 'InputObject'>,
) {
  return {
    parentId: t.id({ description: 'The block it is to stand in; left out, it stands directly on the page.' }),
    afterId: t.id({
      description: 'The block it is to follow, which stands in the same one; left out with `beforeId`, it comes last.',
    }),
    beforeId: t.id({ description: 'The block it is to come before, instead of `afterId`.' }),
  }
}

/** The rules of these fields; those of all three together are in `besideOne`. */
export const place = {
  parentId: optional(idOf('Block')),
  afterId: optional(idOf('Block')),
  beforeId: optional(idOf('Block')),
}

/** A place is beside one sibling at most. */
export function besideOne({ value, issues }: z.core.ParsePayload<Place>): void {
  if (value.afterId === null || value.beforeId === null) return
  issues.push({ code: 'custom', path: ['beforeId'], message: 'is not valid beside afterId', input: value.beforeId })
}

/** Each block of a batch stands in one before it, all of whose content so far it would follow. */
export function inDocumentOrder({ value, issues }: z.core.ParsePayload<BatchedBlock[]>): void {
  // What the next block can stand in: the one before it, and what that one stands in.
  const open: number[] = []
  for (const [index, { parentIndex }] of value.entries()) {
    const depth = parentIndex === null ? 0 : open.indexOf(parentIndex) + 1
    if (parentIndex !== null && depth === 0) {
      const message = 'is no earlier block that is still open there'
      issues.push({ code: 'custom', path: [index, 'parentIndex'], message, input: parentIndex })
    }
    open.splice(depth, Number.POSITIVE_INFINITY, index)
  }
}
