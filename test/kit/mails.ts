import { expect } from 'vitest'
import type { Person } from './people.ts'
import type { TestServer } from './server.ts'

/** The token of the newest link in the mails to an address that matches; waits until the jobs are through. */
export async function mailedToken(
  { app, mails }: Pick<TestServer, 'app' | 'mails'>,
  { email }: Pick<Person, 'email'>,
  link: RegExp,
): Promise<string> {
  await app.platform.jobs.idle(15_000)
  return tokenIn(mails.to(email).findLast(({ text }) => link.test(text))?.text ?? '')
}

/** The token in the link of a mail's text. @throws when there is none */
export function tokenIn(text: string): string {
  const token = /#token=([\w.-]+)/.exec(text)?.[1]
  expect(token, 'no link was mailed').toBeDefined()
  return token ?? ''
}
