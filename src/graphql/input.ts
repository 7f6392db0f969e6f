import { z } from 'zod'

/** A field that may be left out or null; null then. */
export function optional<Schema extends z.ZodType>(schema: Schema) {
  return schema.nullish().transform((value): z.output<Schema> | null => value ?? null)
}

// Control characters, separators of lines, and those that turn the direction of all that follows: in a list of names
// they would dress up one name as another.
const UNFIT_FOR_A_LINE = /[\p{Cc}\p{Zl}\p{Zp}\u202a-\u202e\u2066-\u2069]/u

/** A text shown on one line among others: trimmed, `min` to `max` UTF-16 units. */
export function singleLine({ min = 0, max }: { min?: number; max: number }) {
  return z
    .string()
    .trim()
    .min(min)
    .max(max)
    .refine((text) => !UNFIT_FOR_A_LINE.test(text), 'holds control characters')
}

/** The rule of every address: what the HTML standard accepts, 254 characters at most (RFC 5321). */
export const emailAddress = singleLine({ max: 254 }).pipe(z.email('not an e-mail address'))

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
