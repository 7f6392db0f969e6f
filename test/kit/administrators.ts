import type { UsersQuery } from '../gql/graphql.ts'
import { test as base } from './clocked.ts'
import { makePlatformAdmin } from './inside.ts'
import { type Person, signUp } from './people.ts'

/** An account as an administrator of the platform sees it. */
export type Account = UsersQuery['users']['nodes'][number]

/** `test` on a server of the file's own, with an administrator of the platform who is in nobody else's organization. */
export const test = base.extend<{ admin: Person }>({
  admin: async ({ clocked }, use) => {
    const admin = await signUp(clocked, 'Admin')
    await makePlatformAdmin(clocked, admin)
    await use(admin)
    await admin.close()
  },
})

/** The code of the first error of an answer, or null. */
export function codeOf({ errors }: { errors?: readonly { extensions: Record<string, unknown> }[] }): unknown {
  return errors?.[0]?.extensions.code ?? null
}
