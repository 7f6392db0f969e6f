import { z } from 'zod'
import { writeMail } from '../../../lib/mail-template.ts'
import type { Platform } from '../../../platform/context.ts'
import { defineJob } from '../../../platform/jobs.ts'
import type { Mail } from '../../../platform/mailer.ts'
import { mailLink } from '../verification/mail-link.service.ts'
import { mailRetry, sendMail } from '../verification/verification.jobs.ts'
import { isStillOffered } from './invitation.reads.ts'

const HOUR_MILLIS = 3_600_000

/**
 * Sends the link of an invitation that is still open. No more of them go to one address in an hour than of any other mail,
 * whoever invites it; nobody is told.
 */
export const invitationMail = defineJob({
  name: 'accounts.invitation-mail',
  schema: z.object({ invitationId: z.uuid() }),
  expireSeconds: 60,
  retry: mailRetry,
  run: async (platform: Platform, { invitationId }, signal) => {
    const invitation = await openInvitation(platform, invitationId)
    if (invitation === null || (await isMailedEnough(platform, invitation))) return
    const url = await mailLink(platform, { use: 'INVITE', id: invitationId })
    await sendMail(platform, mailOf(invitation, url), signal)
  },
})

type Invitation = NonNullable<Awaited<ReturnType<typeof openInvitation>>>

async function openInvitation({ database, clock }: Platform, id: string) {
  const row = await database.unscoped
    .selectFrom('invitation')
    .innerJoin('organization', 'organization.id', 'invitation.organization_id')
    .innerJoin('user as inviter', 'inviter.id', 'invitation.invited_by_id')
    .leftJoin('user as invited', 'invited.email_key', 'invitation.email_key')
    .select(['invitation.id', 'invitation.email', 'invitation.email_key as emailKey'])
    .select(['organization.name as organizationName', 'inviter.display_name as inviterName'])
    .select('invited.id as accountId')
    .where('invitation.id', '=', id)
    .where('invitation.accepted_at', 'is', null)
    .where('invitation.revoked_at', 'is', null)
    .where('invitation.expires_at', '>', clock.now())
    .where('organization.deleted_at', 'is', null)
    .where(isStillOffered())
    .executeTakeFirst()
  return row ?? null
}

/** Whether so many invited this address in the last hour that one more is not obeyed. */
async function isMailedEnough({ database, settings, clock }: Platform, { id, emailKey }: Invitation): Promise<boolean> {
  const { count } = await database.unscoped
    .selectFrom('invitation')
    .select((on) => on.fn.countAll<number>().as('count'))
    .where('email_key', '=', emailKey)
    .where('id', '<', id)
    .where('created_at', '>', new Date(clock.now().getTime() - HOUR_MILLIS))
    .executeTakeFirstOrThrow()
  return count >= settings.mailLinks.perAccountAndHour
}

function mailOf({ email, organizationName, inviterName, accountId }: Invitation, url: string): Mail {
  const next =
    accountId === null
      ? 'There is no account with this address yet: make one with it first, then open the link.'
      : 'Open the link and sign in with your account.'
  const lines = [
    'Hello,',
    `${named(inviterName, 'a member')} invites you to ${named(organizationName, 'a workspace')}.`,
    next,
  ]
  const footer =
    'The link works once, for a week, and for the account of this address alone. If you do not know what this is about, you can ignore this mail.'
  const action = { label: 'See the invitation', url }
  return { to: email, ...writeMail({ subject: 'You are invited to a workspace', lines, action, footer }) }
}

/**
 * A name that somebody chose, in a mail to somebody who may not know them: in quotation marks, and not at all where a mail
 * program could make a link of it.
 */
function named(name: string, otherwise: string): string {
  return /[/:@\\]|[^\s.]\.[^\s.]/.test(name) ? otherwise : `“${name}”`
}
