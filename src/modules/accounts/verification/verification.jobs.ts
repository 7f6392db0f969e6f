import { z } from 'zod'
import { writeMail } from '../../../lib/mail-template.ts'
import type { Platform } from '../../../platform/context.ts'
import { defineJob, PermanentFailure } from '../../../platform/jobs.ts'
import { type Mail, MailRejected } from '../../../platform/mailer.ts'
import { mailLink } from './mail-link.service.ts'
import type { Purpose } from './one-time-token.entity.ts'

/** How often a mail is tried again: for about two hours. */
export const mailRetry = { limit: 8, delaySeconds: 30, backoff: true }

const HOUR_MILLIS = 3_600_000

/** Hands a mail on. @throws {PermanentFailure} when sending it again would be in vain */
export async function sendMail(platform: Platform, mail: Mail, signal: AbortSignal): Promise<void> {
  try {
    await platform.mailer.send(mail, signal)
  } catch (error) {
    if (error instanceof MailRejected) throw new PermanentFailure('The mail was rejected', { cause: error })
    throw error
  }
}

// In all of these nothing is what the caller typed but the address: it is not proven to be theirs, and this must not become
// a way to send words of one's own to strangers. Whether there is such an account is looked up here and not where it was
// asked for, so that asking takes the same time either way.

/** Sends what a registration leads to where addresses come first: the link that makes the account, or word that there is one. */
export const registrationMail = defineJob({
  name: 'accounts.registration-mail',
  schema: z.object({ registrationId: z.uuid() }),
  expireSeconds: 60,
  retry: mailRetry,
  run: async (platform: Platform, { registrationId }, signal) => {
    const registration = await pendingRegistration(platform, registrationId)
    if (registration === null || (await isMailedEnough(platform, registration))) return
    const { email, emailKey } = registration
    if ((await userAt(platform, emailKey)) !== null) return sendMail(platform, accountExists(platform, email), signal)
    const url = await mailLink(platform, { use: 'REGISTER', id: registrationId })
    await sendMail(platform, verificationOf(email, url), signal)
  },
})

/** Sends the link that proves an address: of an account that has not yet, or of a registration that waits for it. */
export const verificationMail = defineJob({
  name: 'accounts.verification-mail',
  schema: z.object({ emailKey: z.string(), tokenId: z.uuid() }),
  expireSeconds: 60,
  retry: mailRetry,
  run: async (platform: Platform, { emailKey, tokenId }, signal) => {
    const user = await userAt(platform, emailKey)
    if (user?.isVerified === true) return
    if (user !== null) {
      const seconds = platform.settings.mailLinks.verifySeconds
      if (!(await keepToken(platform, { tokenId, user, purpose: 'VERIFY_EMAIL', seconds }))) return
      const url = await mailLink(platform, { use: 'VERIFY_EMAIL', id: tokenId })
      return sendMail(platform, verificationOf(user.email, url), signal)
    }
    const pending = await newestRegistration(platform, emailKey)
    if (pending === null) return
    const url = await mailLink(platform, { use: 'REGISTER', id: pending.id })
    await sendMail(platform, verificationOf(pending.email, url), signal)
  },
})

/** Sends the link that sets a new password, if there is an account with this address. */
export const passwordResetMail = defineJob({
  name: 'accounts.password-reset-mail',
  schema: z.object({ emailKey: z.string(), tokenId: z.uuid() }),
  expireSeconds: 60,
  retry: mailRetry,
  run: async (platform: Platform, { emailKey, tokenId }, signal) => {
    const user = await userAt(platform, emailKey)
    if (user === null) return
    const seconds = platform.settings.mailLinks.resetSeconds
    if (!(await keepToken(platform, { tokenId, user, purpose: 'RESET_PASSWORD', seconds }))) return
    const url = await mailLink(platform, { use: 'RESET_PASSWORD', id: tokenId })
    const lines = ['Hello,', 'somebody, you we hope, asked to set a new password for your account.']
    const footer =
      'The link works once, for half an hour. If you did not ask for it, you can ignore this mail: nothing changes.'
    const action = { label: 'Set a new password', url }
    await sendMail(
      platform,
      { to: user.email, ...writeMail({ subject: 'Set a new password', lines, action, footer }) },
      signal,
    )
  },
})

/** Sends whoever an account was made for the link that sets its first password, which proves the address as well. */
export const accountMadeMail = defineJob({
  name: 'accounts.account-made-mail',
  schema: z.object({ emailKey: z.string(), tokenId: z.uuid() }),
  expireSeconds: 60,
  retry: mailRetry,
  run: async (platform: Platform, { emailKey, tokenId }, signal) => {
    const user = await userAt(platform, emailKey)
    if (user === null) return
    const seconds = platform.settings.mailLinks.verifySeconds
    if (!(await keepToken(platform, { tokenId, user, purpose: 'RESET_PASSWORD', seconds }))) return
    const url = await mailLink(platform, { use: 'RESET_PASSWORD', id: tokenId })
    const lines = ['Hello,', `an account was made for you at ${platform.settings.publicUrl}. Choose its password.`]
    const footer = 'The link works once, for a day; after that, ask for a new password where you sign in.'
    const action = { label: 'Choose a password', url }
    await sendMail(
      platform,
      { to: user.email, ...writeMail({ subject: 'Your new account', lines, action, footer }) },
      signal,
    )
  },
})

interface MailedUser {
  readonly id: string
  readonly email: string
  readonly emailKey: string
  readonly isVerified: boolean
}

async function userAt({ database }: Platform, emailKey: string): Promise<MailedUser | null> {
  const row = await database.unscoped
    .selectFrom('user')
    .select(['id', 'email', 'email_key as emailKey', 'email_verified_at as verifiedAt'])
    .where('email_key', '=', emailKey)
    .executeTakeFirst()
  if (row === undefined) return null
  const { verifiedAt, ...user } = row
  return { ...user, isVerified: verifiedAt !== null }
}

const registrationColumns = ['id', 'email', 'email_key as emailKey'] as const

async function pendingRegistration({ database, clock }: Platform, id: string) {
  const pending = database.unscoped.selectFrom('registration').select(registrationColumns)
  return (await pending.where('id', '=', id).where('expires_at', '>', clock.now()).executeTakeFirst()) ?? null
}

async function newestRegistration({ database, clock }: Platform, emailKey: string) {
  const pending = database.unscoped.selectFrom('registration').select(registrationColumns)
  const living = pending.where('email_key', '=', emailKey).where('expires_at', '>', clock.now())
  return (await living.orderBy('id', 'desc').limit(1).executeTakeFirst()) ?? null
}

/** Whether so many registrations asked to mail this address in the last hour that one more is not obeyed. */
async function isMailedEnough(
  { database, settings, clock }: Platform,
  { id, emailKey }: { id: string; emailKey: string },
): Promise<boolean> {
  const { count } = await database.unscoped
    .selectFrom('registration')
    .select((on) => on.fn.countAll<number>().as('count'))
    .where('email_key', '=', emailKey)
    .where('id', '<', id)
    .where('created_at', '>', new Date(clock.now().getTime() - HOUR_MILLIS))
    .executeTakeFirstOrThrow()
  return count >= settings.mailLinks.perAccountAndHour
}

/**
 * Keeps the row that makes a link work once, and spends the older ones; a job that is tried again finds its own. False
 * when this one is not to be mailed: the account is suspended, so many were in the last hour, or it is spent, expired or
 * older than another already.
 */
async function keepToken(
  { database, settings, clock }: Platform,
  { tokenId, user, purpose, seconds }: { tokenId: string; user: MailedUser; purpose: Purpose; seconds: number },
): Promise<boolean> {
  const now = clock.now()
  const hourAgo = new Date(now.getTime() - HOUR_MILLIS)
  return database.unscoped.transaction().execute(async (tx) => {
    // Two mails at once to one account come one after the other.
    const users = tx.selectFrom('user').select('suspended_at as suspendedAt').where('id', '=', user.id)
    const held = await users.forNoKeyUpdate().executeTakeFirst()
    if (held === undefined || held.suspendedAt !== null) return false
    const tokens = await tx
      .selectFrom('one_time_token')
      .select(['id', 'used_at as usedAt', 'created_at as createdAt', 'expires_at as expiresAt'])
      .where('user_id', '=', user.id)
      .where('purpose', '=', purpose)
      .where(({ eb, or }) => or([eb('created_at', '>', hourAgo), eb('id', '=', tokenId)]))
      .execute()
    const own = tokens.find(({ id }) => id === tokenId)
    if (own !== undefined) return own.usedAt === null && own.expiresAt > now
    if (tokens.length >= settings.mailLinks.perAccountAndHour || tokens.some(({ id }) => id > tokenId)) return false
    await tx
      .updateTable('one_time_token')
      .set({ used_at: now })
      .where('user_id', '=', user.id)
      .where('purpose', '=', purpose)
      .where('used_at', 'is', null)
      .execute()
    await tx
      .insertInto('one_time_token')
      .values({
        id: tokenId,
        user_id: user.id,
        purpose,
        email_key: user.emailKey,
        created_at: now,
        expires_at: new Date(now.getTime() + seconds * 1_000),
        used_at: null,
      })
      .execute()
    return true
  })
}

function verificationOf(to: string, url: string): Mail {
  const lines = ['Hello,', 'one step is left: show that this address is yours.']
  const footer = 'The link works once, for a day. If you did not ask for an account, you can ignore this mail.'
  const action = { label: 'Confirm my address', url }
  return { to, ...writeMail({ subject: 'Confirm your address', lines, action, footer }) }
}

function accountExists({ settings }: Platform, to: string): Mail {
  const lines = [
    'Hello,',
    'somebody, you we hope, wanted to register with this address. You already have an account: sign in instead.',
    'If you forgot your password, ask for a new one where you sign in.',
  ]
  const footer = `This mail was sent by ${settings.publicUrl}. If it was not you who asked, you can ignore it.`
  return { to, ...writeMail({ subject: 'You already have an account', lines, footer }) }
}
