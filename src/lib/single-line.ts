import { z } from 'zod'

// Control characters, separators of lines, and those that turn the direction of all that follows: in a list of names
// they would dress up one name as another.
const UNFIT_FOR_A_LINE = /[\p{Cc}\p{Zl}\p{Zp}\u202a-\u202e\u2066-\u2069]/u

/** A text shown on one line among others: trimmed, `min` to `max` characters (code points: zod counts those). */
export function singleLine({ min = 0, max }: { min?: number; max: number }) {
  return z
    .string()
    .trim()
    .min(min)
    .max(max)
    .refine((text) => !UNFIT_FOR_A_LINE.test(text), 'holds control characters')
}
