import { z } from 'zod'
import { displayName, emailAddress, username } from './account-fields.ts'
import { parseJson } from './json.ts'
import { readPasswordHash } from './password-hash.ts'

/** An account of another system, by the rules of a registration. */
export interface AccountLine {
  readonly email: string
  readonly passwordHash: string
  readonly displayName: string
  readonly username: string | null
  readonly emailVerifiedAt: Date | null
  readonly createdAt: Date | null
}

/** What is wrong with a line, without a word of it; `path` is the field, empty for the line itself. */
export interface LineFault {
  readonly path: string
  readonly message: string
}

/** Reads a line of JSON as an account, or says all that is wrong with it. */
export type AccountLineReader = (text: string) => { readonly account: AccountLine } | { readonly faults: LineFault[] }

/** A reader that takes no time after `now`. */
export function accountLineReader(now: Date): AccountLineReader {
  const schema = accountSchema(now)
  return (text) => {
    const parsed = parseJson(text)
    if (parsed === undefined) return { faults: [{ path: '', message: 'is not JSON' }] }
    const result = schema.safeParse(parsed, { error: ruleInWords })
    if (result.success) return { account: result.data }
    return { faults: result.error.issues.map(({ path, message }) => ({ path: path.join('.'), message })) }
  }
}

/** Zod would name the field, which may be anything. */
function ruleInWords(issue: z.core.$ZodRawIssue): string | undefined {
  return issue.code === 'unrecognized_keys' ? 'has a field that accounts do not have' : undefined
}

function accountSchema(now: Date) {
  const text = z.string('is not a text')
  const pastTime = z.iso
    .datetime({ offset: true, error: 'is not a time in ISO 8601 with its zone' })
    .transform((time) => new Date(time))
    .refine((time) => time <= now, 'is in the future')
  return z.strictObject({
    email: text.pipe(emailAddress),
    passwordHash: text.refine(
      (hash) => readPasswordHash(hash) !== null,
      'is no hash of argon2, bcrypt or PBKDF2-SHA256 within bounds',
    ),
    displayName: text.refine((name) => name.isWellFormed(), 'holds characters that are not text').pipe(displayName),
    username: username.nullish().transform((name) => name ?? null),
    emailVerifiedAt: pastTime.nullish().transform((time) => time ?? null),
    createdAt: pastTime.nullish().transform((time) => time ?? null),
  })
}
