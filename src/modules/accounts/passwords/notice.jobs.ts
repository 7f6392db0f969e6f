import { z } from 'zod'
import { writeMail } from '../../../lib/mail-template.ts'
import type { Platform } from '../../../platform/context.ts'
import type { Transaction } from '../../../platform/database/transact.ts'
import { defineJob } from '../../../platform/jobs.ts'
import { mailRetry, sendMail } from '../verification/verification.jobs.ts'

const notices = {
  PASSWORD_CHANGED: {
    subject: 'Your password was changed',
    lines: ['the password of your account was changed, and your other devices were signed out.'],
  },
  PASSWORD_RESET: {
    subject: 'Your password was reset',
    lines: ['the password of your account was set anew by a link from a mail, and all your devices were signed out.'],
  },
  REFRESH_TOKEN_REUSED: {
    subject: 'We signed a device of yours out',
    lines: [
      'a copy of a session of your account was used, so we ended that session.',
      'If you did not expect this, change your password.',
    ],
  },
  ACCOUNT_DELETED: {
    subject: 'Your account was deleted',
    lines: ['your account was deleted as you asked. What you wrote for others stays, without your name.'],
  },
  ACCOUNT_DELETED_BY_ADMIN: {
    subject: 'Your account was deleted',
    lines: ['an administrator deleted your account. What you wrote for others stays, without your name.'],
  },
  ACCOUNT_SUSPENDED: {
    subject: 'Your account was suspended',
    lines: ['an administrator suspended your account: nobody gets in with it until it is reinstated.'],
  },
  ACCOUNT_REINSTATED: {
    subject: 'Your account was reinstated',
    lines: ['an administrator reinstated your account: you can sign in again.'],
  },
} as const

/** What an owner is told by mail that happened to their account. */
export type Notice = keyof typeof notices

/** What somebody else may have done in the owner's name, who can do something about it. */
const selfMade: readonly Notice[] = ['PASSWORD_CHANGED', 'PASSWORD_RESET', 'REFRESH_TOKEN_REUSED']

/** Tells the owner of an account what happened to it, by mail; the address is of when it happened. */
export const noticeMail = defineJob({
  name: 'accounts.notice-mail',
  schema: z.object({
    to: z.string(),
    notice: z.enum(Object.keys(notices) as [Notice, ...Notice[]]),
    /** What an administrator has to say of it. */
    reason: z.string().nullish(),
  }),
  expireSeconds: 60,
  retry: mailRetry,
  run: async (platform: Platform, { to, notice, reason }, signal) => {
    const { subject, lines } = notices[notice]
    const help = 'If this was not you, set a new password at once.'
    const said = typeof reason === 'string' ? [`The reason given: ${reason}`] : []
    const wayOut = selfMade.includes(notice) ? [help] : []
    await sendMail(platform, { to, ...writeMail({ subject, lines: ['Hello,', ...lines, ...said, ...wayOut] }) }, signal)
  },
})

/** Asks for a notice in the transaction of what it tells; nobody is left to tell of a deleted account. */
export async function sendNotice(tx: Transaction, userId: string, notice: Notice): Promise<void> {
  const users = tx.unscoped.selectFrom('user').select('email').where('deleted_at', 'is', null)
  const user = await users.where('id', '=', userId).executeTakeFirst()
  if (user !== undefined) await tx.enqueue(noticeMail, { to: user.email, notice })
}
