import { z } from 'zod'

/** Characters of the longest tag that RFC 5646, section 4.4.1, asks everybody to take. */
const MAX_LENGTH = 35

/** A language by its BCP 47 tag, in the one way it is written: `pt-br` is `pt-BR`. */
export const languageTag = z.string().max(MAX_LENGTH).transform(canonical).pipe(z.string().max(MAX_LENGTH))

function canonical(tag: string, check: z.RefinementCtx): string {
  try {
    return Intl.getCanonicalLocales(tag)[0] ?? tag
  } catch {
    check.addIssue({ code: 'custom', message: 'is not valid' })
    return z.NEVER
  }
}
