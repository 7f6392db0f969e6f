import { sql } from 'kysely'
import { vi } from 'vitest'
import { authenticate } from '../../src/modules/accounts/devices/authentication.service.ts'
import { tellViewer } from '../../src/modules/accounts/users/viewer.events.ts'
import type { Role } from '../../src/platform/access.ts'
import { type Context, createContext } from '../../src/platform/context.ts'
import { type Transaction, transact } from '../../src/platform/database/transact.ts'
import { newUuid } from '../../src/platform/uuid.ts'
import { type Person, uuidIn } from './people.ts'
import type { TestServer } from './server.ts'

// What a test may do and see behind the public door.

/** A context as a request of this person would make it; of nobody when null. */
export async function contextOf(server: TestServer, person: Pick<Person, 'tokens'> | null): Promise<Context> {
  const { platform } = server.app
  const request = { id: newUuid(platform.clock.now()), address: '127.0.0.1', userAgent: null }
  const shown = { authorization: person === null ? null : `Bearer ${person.tokens.accessToken}`, apiKey: null }
  return createContext(platform, {
    viewer: await authenticate(platform, shown, request),
    request,
    cookies: null,
    signal: new AbortController().signal,
  })
}

/** Gives a person another role in the organization they act in. */
export async function setRole(server: TestServer, person: Person, role: Role): Promise<void> {
  const membership = membershipOf(person)
  await changeAccess(server, person, (tx) =>
    tx.unscoped
      .updateTable('membership')
      .set({ role })
      .where((on) => on.and(membership))
      .execute(),
  )
}

/** Makes a person an administrator of the platform. */
export async function makePlatformAdmin(server: TestServer, person: Pick<Person, 'userId'>): Promise<void> {
  await changeAccess(server, person, (tx) =>
    tx.unscoped.updateTable('user').set({ is_platform_admin: true }).where('id', '=', uuidIn(person.userId)).execute(),
  )
}

/** Takes a person out of the organization they act in. */
export async function endMembership(server: TestServer, person: Person): Promise<void> {
  const membership = membershipOf(person)
  await changeAccess(server, person, (tx) =>
    tx.unscoped
      .deleteFrom('membership')
      .where((on) => on.and(membership))
      .execute(),
  )
}

/** Changes what a person may do as the product does: in one transaction with the step of their access epoch. */
export async function changeAccess(
  server: TestServer,
  person: Pick<Person, 'userId'>,
  change: (tx: Transaction) => Promise<unknown>,
): Promise<void> {
  await transact(await contextOf(server, null), async (tx) => {
    await change(tx)
    await tellViewer(tx, uuidIn(person.userId), { type: 'ViewerUpdated' })
  })
}

function membershipOf(person: Person) {
  return { user_id: uuidIn(person.userId), organization_id: uuidIn(person.organizationId) }
}

/** What the audit trail says, oldest first, of an organization or of one request. */
export async function trailOf(server: TestServer, of: { organizationId: string } | { requestId: string }) {
  const query = server.app.platform.database.unscoped.selectFrom('audit_event').selectAll().orderBy('id')
  return 'requestId' in of
    ? query.where('request_id', '=', of.requestId).execute()
    : query.where('organization_id', '=', uuidIn(of.organizationId)).execute()
}

/** How many rows of an organization's trail wait for the sealer, which tells of each on a channel: with none waiting it is silent. */
export async function unsealedOf(server: TestServer, { organizationId }: { organizationId: string }): Promise<number> {
  const query = server.app.platform.database.unscoped.selectFrom('audit_pending').select('event_id')
  return (await query.where('chain', '=', uuidIn(organizationId)).execute()).length
}

/** Waits until everything in an organization can be found as it is: by its words, and by its meaning where that is known. */
export async function indexed(
  server: TestServer,
  { organizationId }: { organizationId: string },
  { withinMillis = 20_000 }: { readonly withinMillis?: number } = {},
): Promise<void> {
  const { database, embedder } = server.app.platform
  const [db, id] = [database.unscoped, uuidIn(organizationId)]
  const changes = db.selectFrom('text_change').where('organization_id', '=', id)
  const chunks = db.selectFrom('search_chunk').where('organization_id', '=', id).where('model_id', 'is', null)
  const waiting = async () => {
    // Changes first: what is indexed may have to be embedded from then on.
    const change = await changes.select('kind').limit(1).executeTakeFirst()
    if (change !== undefined || embedder === null) return change?.kind
    return (await chunks.select('kind').limit(1).executeTakeFirst())?.kind
  }
  // Also before a test, where there is no polling by what is expected.
  await vi.waitUntil(async () => (await waiting()) === undefined, { timeout: withinMillis, interval: 20 })
}

/**
 * Keeps whatever changes from being indexed until the returned function is called: on a server of the test's own. By a trigger,
 * since all connections of the embedded database share one session: a lock would hold up everybody.
 */
export async function holdIndexer({ app }: TestServer): Promise<() => Promise<void>> {
  const { unscoped } = app.platform.database
  await sql`create or replace function keep_row() returns trigger language plpgsql as 'begin return null; end'`.execute(
    unscoped,
  )
  await sql`create trigger held before delete on text_change for each row execute function keep_row()`.execute(unscoped)
  return async () => {
    await sql`drop trigger held on text_change`.execute(unscoped)
  }
}
