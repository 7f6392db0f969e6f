import { decodeTypeId } from '../../src/lib/typeid.ts'
import type { Role } from '../../src/platform/access.ts'
import { newUuid } from '../../src/platform/uuid.ts'
import { LoginDocument, RegisterDocument } from '../gql/graphql.ts'
import { type Client, createTestClient } from './client.ts'
import type { TestServer } from './server.ts'

/** A signed-in person with a client of their own. */
export interface Person extends Client {
  readonly email: string
  readonly password: string
  /** TypeIDs of the person and of the organization they act in. */
  readonly userId: string
  readonly organizationId: string
  /** The tokens of the moment; a test may replace them. */
  readonly tokens: { accessToken: string; refreshToken: string; deviceToken?: string }
}

let count = 0
const password = 'Correct-Horse-1'

/** Registers somebody new, with an organization of their own. */
export async function signUp(server: Pick<TestServer, 'url'>, name: string): Promise<Person> {
  count += 1
  const email = `${name.toLowerCase()}-${process.pid}-${count}@example.org`
  const client = createTestClient(server.url)
  const { register } = await client.mutate(RegisterDocument, { input: { email, password, displayName: name } })
  await client.close()
  if (register.__typename !== 'AuthPayload') throw new Error(`Registration came to ${JSON.stringify(register)}`)
  return personOf(server, email, register)
}

/** Signs an existing person in once more; they act in their oldest organization. */
export async function signIn(server: Pick<TestServer, 'url'>, email: string): Promise<Person> {
  const client = createTestClient(server.url)
  const { login } = await client.mutate(LoginDocument, { input: { identifier: email, password } })
  await client.close()
  if (login.__typename !== 'AuthPayload') throw new Error(`Login came to ${JSON.stringify(login)}`)
  return personOf(server, email, login)
}

/**
 * Registers somebody and makes them a member of another person's organization, in which they then act. Seeded in the
 * database, beside the personal organization they leave.
 */
export async function signUpInto(server: TestServer, host: Person, name: string, role: Role): Promise<Person> {
  const person = await signUp(server, name)
  const { unscoped } = server.app.platform.database
  const now = server.clock.now()
  const [userId, organizationId] = [uuidIn(person.userId), uuidIn(host.organizationId)]
  await unscoped.deleteFrom('membership').where('user_id', '=', userId).execute()
  await unscoped
    .insertInto('membership')
    .values({ id: newUuid(now), user_id: userId, organization_id: organizationId, role, joined_at: now })
    .execute()
  // What is known of them is stale, as after any change of what somebody may do.
  await unscoped
    .updateTable('user')
    .set((on) => ({ access_epoch: on('access_epoch', '+', 1) }))
    .where('id', '=', userId)
    .execute()
  await person.close()
  return signIn(server, person.email)
}

/** The UUID inside a TypeID. @throws when it is none */
export function uuidIn(id: string): string {
  const decoded = decodeTypeId(id)
  if (decoded === null) throw new Error(`${id} is no id`)
  return decoded.uuid
}

interface Payload {
  readonly accessToken?: string | null
  readonly refreshToken?: string | null
  readonly deviceToken?: string | null
  readonly viewer: { readonly actor: { readonly id: string }; readonly organization: { readonly id: string } }
}

function personOf(server: Pick<TestServer, 'url'>, email: string, payload: Payload): Person {
  const { accessToken, refreshToken, deviceToken } = payload
  const tokens = {
    accessToken: accessToken ?? '',
    refreshToken: refreshToken ?? '',
    ...(deviceToken && { deviceToken }),
  }
  return {
    ...createTestClient(server.url, () => tokens.accessToken),
    email,
    password,
    tokens,
    userId: payload.viewer.actor.id,
    organizationId: payload.viewer.organization.id,
  }
}
