import type { Kysely } from 'kysely'
import type { Tables } from '../../../platform/database/tables.ts'
import type { Transaction } from '../../../platform/database/transact.ts'
import { InvalidToken } from './mail-link.service.ts'
import type { Purpose } from './one-time-token.entity.ts'

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
