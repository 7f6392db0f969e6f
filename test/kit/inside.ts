import { authenticate } from '../../src/modules/accounts/devices/authentication.service.ts'
import type { Role } from '../../src/platform/access.ts'
import { type Context, createContext } from '../../src/platform/context.ts'
import { newUuid } from '../../src/platform/uuid.ts'
import { type Person, uuidIn } from './people.ts'
import type { TestServer } from './server.ts'

// What a test may do and see behind the public door.

/** A context as a request of this person would make it; of nobody when null. */
export async function contextOf(server: TestServer, person: Pick<Person, 'tokens'> | null): Promise<Context> {
  const { platform } = server.app
  return createContext(platform, {
    viewer: await authenticate(platform, person === null ? null : `Bearer ${person.tokens.accessToken}`),
    request: { id: newUuid(platform.clock.now()), address: '127.0.0.1', userAgent: null },
    signal: new AbortController().signal,
  })
}

/** Gives a person another role in the organization they act in. */
export async function setRole(server: TestServer, person: Person, role: Role): Promise<void> {
  await server.app.platform.database.unscoped
    .updateTable('membership')
    .set({ role })
    .where('user_id', '=', uuidIn(person.userId))
    .where('organization_id', '=', uuidIn(person.organizationId))
    .execute()
}

/** What the audit trail says, oldest first, of an organization or of one request. */
export async function trailOf(server: TestServer, of: { organizationId: string } | { requestId: string }) {
  const query = server.app.platform.database.unscoped.selectFrom('audit_event').selectAll().orderBy('id')
  return 'requestId' in of
    ? query.where('request_id', '=', of.requestId).execute()
    : query.where('organization_id', '=', uuidIn(of.organizationId)).execute()
}
