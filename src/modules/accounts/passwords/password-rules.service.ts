import { type PasswordWeakness, weaknessOf } from '../../../lib/password-rules.ts'
import type { Platform } from '../../../platform/context.ts'
import { UserError } from '../../../platform/errors.ts'

/** The password breaks the rules; `reason` says which, and `missing` what it lacks if that is it. */
export class WeakPassword extends UserError {
  readonly code = 'WEAK_PASSWORD'
  readonly reason: PasswordWeakness['reason']
  readonly missing: readonly string[]
  constructor({ reason, missing }: PasswordWeakness) {
    super(sentenceOf({ reason, missing }))
    this.reason = reason
    this.missing = missing
  }
}

/** The words of an account that its password must not be made of. */
export interface OwnWords {
  readonly email: string
  readonly username: string | null
  readonly displayName: string
}

/** Demands a password that is worth hashing. @throws {WeakPassword} */
export function demandStrength({ settings }: Platform, password: string, own: OwnWords): void {
  const ownWords = [own.email, own.displayName, ...(own.username === null ? [] : [own.username])]
  const weakness = weaknessOf(password, { rules: settings.passwordRules, ownWords })
  if (weakness !== null) throw new WeakPassword(weakness)
}

function sentenceOf({ reason, missing }: PasswordWeakness): string {
  if (reason === 'COMMON') return 'This password is one of those that are tried first. Choose another.'
  if (reason === 'OWN_WORDS') return 'This password is made of your own name or address. Choose another.'
  return `The password needs ${missing.join(', ')}.`
}
