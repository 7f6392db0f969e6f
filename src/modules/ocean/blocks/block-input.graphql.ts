import { z } from 'zod'
import { ruleInWords } from '../../../graphql/input.ts'
import { type BlockContent, type BlockType, contentSchema } from '../../../lib/block-content.ts'
import { MAX_TEXT_BYTES } from '../../../lib/rich-text.ts'

/** A field for the text of a block. */
export const blockText = z
  .string()
  .refine((text) => Buffer.byteLength(text) <= MAX_TEXT_BYTES, `at most ${MAX_TEXT_BYTES.toLocaleString('en')} bytes`)

/** The content of a block of some type, inside a transform; its faults are those of the field `content`. */
export function contentOf(type: BlockType, content: unknown, check: z.RefinementCtx): BlockContent {
  const parsed = contentSchema(type).safeParse(content, { error: ruleInWords })
  if (parsed.success) return parsed.data
  for (const { path, message } of parsed.error.issues)
    check.addIssue({ code: 'custom', path: ['content', ...path], message })
  return z.NEVER
}
