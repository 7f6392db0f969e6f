import type { Kysely } from 'kysely'
import { z } from 'zod'
import type { Platform } from '../../../platform/context.ts'
import type { Tables } from '../../../platform/database/tables.ts'
import type { Transaction } from '../../../platform/database/transact.ts'
import { UserError } from '../../../platform/errors.ts'
import { type Purpose, purposes } from './one-time-token.entity.ts'

/** The link was used, has expired, or never was one of ours. */
export class InvalidToken extends UserError {
  readonly code = 'INVALID_TOKEN'
  constructor() {
    super('This link was used before, has expired or is not complete. Ask for a new one.')
  }
}

/** What a mailed token is for: an account's one-time token, a pending registration, or an invitation. */
export interface LinkToken {
  readonly use: Purpose | 'REGISTER' | 'INVITE'
  /** Of the row that makes it work once. */
  readonly id: string
}

const linkTokenSchema = z.object({ use: z.enum([...purposes, 'REGISTER', 'INVITE']), id: z.uuid() })
const paths = {
  VERIFY_EMAIL: 'verify-email',
  REGISTER: 'verify-email',
  RESET_PASSWORD: 'reset-password',
  INVITE: 'invitation',
} as const

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

/** Spends a link's row, which works once, and answers whose it is. @throws {InvalidToken} when it is spent or expired */
export async function spendToken(tx: Transaction, id: string, purpose: Purpose): Promise<string> {
  const row = await tx.unscoped
    .updateTable('one_time_token')
    .from('user')
    .set({ used_at: tx.now })
    .where('one_time_token.id', '=', id)
    .where('one_time_token.purpose', '=', purpose)
    .where('one_time_token.used_at', 'is', null)
    .where('one_time_token.expires_at', '>', tx.now)
    .whereRef('user.id', '=', 'one_time_token.user_id')
    // It proves the address it was mailed to, and only as long as that is the account's.
    .whereRef('user.email_key', '=', 'one_time_token.email_key')
    .returning('one_time_token.user_id as userId')
    .executeTakeFirst()
  if (row === undefined) throw new InvalidToken()
  return row.userId
}

/** Whose link this is, without spending it. @throws {InvalidToken} when it is spent or expired */
export async function ownerOfToken(
  unscoped: Kysely<Tables>,
  { id, purpose, now }: { readonly id: string; readonly purpose: Purpose; readonly now: Date },
) {
  const row = await unscoped
    .selectFrom('one_time_token')
    .innerJoin('user', 'user.id', 'one_time_token.user_id')
    .select(['user.id', 'user.email', 'user.username', 'user.display_name as displayName'])
    .where('one_time_token.id', '=', id)
    .where('one_time_token.purpose', '=', purpose)
    .where('one_time_token.used_at', 'is', null)
    .where('one_time_token.expires_at', '>', now)
    .whereRef('user.email_key', '=', 'one_time_token.email_key')
    .executeTakeFirst()
  if (row === undefined) throw new InvalidToken()
  return row
}

/** Spends all links that an account has: none of the mails is of any more use. */
export async function spendAllTokens(tx: Transaction, userId: string): Promise<void> {
  for (const purpose of purposes) await spendOtherTokens(tx, userId, purpose)
}

/** Spends all other links of one purpose that an account has: the mails are of no more use. */
export async function spendOtherTokens(tx: Transaction, userId: string, purpose: Purpose): Promise<void> {
  await tx.unscoped
    .updateTable('one_time_token')
    .set({ used_at: tx.now })
    .where('user_id', '=', userId)
    .where('purpose', '=', purpose)
    .where('used_at', 'is', null)
    .execute()
}
