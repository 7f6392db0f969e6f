import { z } from 'zod'
import type { Platform } from '../../../platform/context.ts'
import { UserError } from '../../../platform/errors.ts'
import { type Purpose, purposes } from './one-time-token.entity.ts'

/** The link was used, has expired, or never was one of ours. */
export class InvalidToken extends UserError {
  readonly code = 'INVALID_TOKEN'
  constructor() {
    super('This link was used before, has expired or is not complete. Ask for a new one.')
  }
}

/** What a mailed token is for: an account's one-time token, or a pending registration. */
export interface LinkToken {
  readonly use: Purpose | 'REGISTER'
  /** Of the row that makes it work once. */
  readonly id: string
}

const linkTokenSchema = z.object({ use: z.enum([...purposes, 'REGISTER']), id: z.uuid() })
const paths = { VERIFY_EMAIL: 'verify-email', REGISTER: 'verify-email', RESET_PASSWORD: 'reset-password' } as const

/**
 * The link of a mail. It begins with PUBLIC_URL, whatever address the request came to, and carries its token behind the
 * `#`, which browsers send to no server: it is in no log and no Referer.
 */
export async function mailLink({ linkBox, settings }: Platform, token: LinkToken): Promise<string> {
  return `${settings.publicUrl}/${paths[token.use]}#token=${await linkBox.seal(token)}`
}

/** What a token from a link is for. @throws {InvalidToken} for anything we did not seal */
export async function openLinkToken({ linkBox }: Platform, token: string): Promise<LinkToken> {
  const opened = linkTokenSchema.safeParse(await linkBox.open(token))
  if (!opened.success) throw new InvalidToken()
  return opened.data
}
