import { z } from 'zod'

/** A field that may be left out or null; null then. */
export function optional<Schema extends z.ZodType>(schema: Schema) {
  return schema.nullish().transform((value): z.output<Schema> | null => value ?? null)
}

/** How a broken rule is put to people, where the rule has no words of its own. */
export function ruleInWords(issue: z.core.$ZodRawIssue): string {
  if (issue.code === 'too_small' && issue.minimum === 1) return 'is empty'
  if (issue.code === 'too_small') return `at least ${counted(issue.minimum, issue.origin)}`
  if (issue.code === 'too_big') return `at most ${counted(issue.maximum, issue.origin)}`
  return 'is not valid'
}

function counted(count: number | bigint, origin: string): string {
  const unit = { string: ' characters', array: ' items' }[origin] ?? ''
  return `${count.toLocaleString('en')}${unit}`
}

const MAX_OBJECT_BYTES = 16 * 1024

/** A field for what front ends keep and nothing here acts on: an object that is JSON through and through, up to 16 KiB. */
export const keptObject = z
  .record(z.string(), z.json(), 'has to be an object')
  .refine((object) => Buffer.byteLength(JSON.stringify(object)) <= MAX_OBJECT_BYTES, 'at most 16 KiB')

/** A field that stays as it is when left out or null. */
export function unlessLeftOut<Schema extends z.ZodType>(schema: Schema) {
  return schema.nullish().transform((value): z.output<Schema> | undefined => value ?? undefined)
}
