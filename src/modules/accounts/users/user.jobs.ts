import { z } from 'zod'
import type { Platform } from '../../../platform/context.ts'
import { defineJob, PermanentFailure } from '../../../platform/jobs.ts'
import { MailRejected } from '../../../platform/mailer.ts'

/** Greets a new account at its address; also how an owner learns that somebody used it. */
export const welcomeMail = defineJob({
  name: 'accounts.welcome-mail',
  schema: z.object({ userId: z.uuid() }),
  expireSeconds: 60,
  retry: { limit: 8, delaySeconds: 30, backoff: true },
  run: async (platform: Platform, { userId }, signal) => {
    const user = await platform.database.unscoped
      .selectFrom('user')
      .select('email')
      .where('id', '=', userId)
      .executeTakeFirst()
    if (user === undefined) return
    try {
      await platform.mailer.send(welcome(user.email, platform.settings.publicUrl), signal)
    } catch (error) {
      if (error instanceof MailRejected) throw new PermanentFailure('The mail was rejected', { cause: error })
      throw error
    }
  },
})

// Nothing the registrant typed is in it: the address is not proven to be theirs, and this must not become a way to send
// words of one's own to strangers.
function welcome(to: string, publicUrl: string) {
  const lines = [
    'Hello,',
    'your workspace is ready. Explore it here:',
    `${publicUrl}/graphql`,
    'If you did not create this account, you can ignore this mail.',
  ]
  return {
    to,
    subject: 'Your workspace is ready',
    text: `${lines.join('\n\n')}\n`,
    html: lines.map((line) => `<p>${escapeHtml(line)}</p>`).join('\n'),
  }
}

function escapeHtml(text: string): string {
  return text.replace(/[&<>"']/g, (character) => `&#${character.charCodeAt(0)};`)
}
