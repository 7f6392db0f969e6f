import { randomBytes } from 'node:crypto'
import { sql } from 'kysely'
import { encodeGlobalId } from '../../src/graphql/ids.ts'
import { issueAccessToken } from '../../src/modules/accounts/tokens/access-token.service.ts'
import { newUuid } from '../../src/platform/uuid.ts'
import {
  AuditEventsDocument,
  CreatePageDocument,
  CreateProjectDocument,
  InviteMemberDocument,
  ProjectDocument,
  UpdateOrganizationDocument,
  ViewerDocument,
} from '../gql/graphql.ts'
import { watch } from '../kit/chat.ts'
import { type Client, createTestClient } from '../kit/client.ts'
import { endMembership } from '../kit/inside.ts'
import { membershipIn } from '../kit/organizations.ts'
import { type Person, signIn, signUp, signUpInto, uuidIn } from '../kit/people.ts'
import { makeAgent, makeKey, programOf, tokenOf } from '../kit/programs.ts'
import type { TestServer } from '../kit/server.ts'
import { ask, openChat, write } from '../kit/test.ts'
import { type Ids, type Noun, nouns, theirKey } from './probes.ts'

/** Somebody who is to learn nothing of the victim and to change nothing of theirs. */
export interface Actor {
  readonly name: string
  readonly client: Client
  readonly accessToken: string | null
  /** Ids the actor may use by right; those of the stranger for whoever has none. */
  readonly own: Ids
  /** Makes more of the same, for a call that spends it; only for those who may write. */
  readonly furnishMore: () => Promise<Ids>
  /** Who it is to the server; null for somebody whose credentials do not hold. */
  readonly person: Person | null
  /** Who it is in the trail: a person, a key or an agent; null for somebody whose credentials do not hold. */
  readonly actorId: string | null
  /** May do whatever there is in the organization they act in. */
  readonly mayWrite: boolean
  /** What of the victim they see by right: a guest sees their organization, and nobody who is in it. */
  /** Has ids of its own that it may follow: such a stream is not over before it leaves. */
  readonly mayFollow: boolean
  /** What of the victim they see by right: a guest of their organization sees who is in it. */
  readonly sees: readonly Noun[]
}

/** A victim with something of everything, and the people around. */
export interface Stage {
  readonly server: TestServer
  readonly victim: Person
  readonly theirs: Ids
  readonly actors: readonly Actor[]
  /** Texts that the actor must never be told: what the victim wrote and is called, and their ids in both spellings. */
  secretsFrom(actor: Actor): readonly string[]
  /** The lines of the log. */
  readonly logged: readonly string[]
  /** Texts that nobody is to find in it: the words of the victim and their secrets. */
  readonly secrets: readonly string[]
  /** Every row of the database that mentions the victim. */
  rows(): Promise<ReadonlySet<string>>
  close(): Promise<void>
}

const mark = randomBytes(6).toString('hex')
const canaryName = `Canaryname${mark}`
const canaryText = `canarytext${mark}`
const canaryOrganization = `canaryorganization${mark}`
/** The five kinds of people whose eyes are tried. */
/** The kinds of people and programs whose eyes are tried. */
export const actorNames = [
  'the owner of another organization',
  'a key of another organization',
  'an agent of another organization',
  'a guest of the organization',
  'a removed member',
  'somebody with an expired token',
  'nobody',
] as const

/** Signs everybody up on a server whose log goes to `logged`. */
export async function setStage(server: TestServer, logged: readonly string[]): Promise<Stage> {
  const victim = await signUp(server, canaryName)
  await rename(victim, canaryOrganization)
  const theirs = await furnish(victim, canaryText, theirKey)
  const stranger = await signUp(server, 'Stranger')
  const guest = await signUpInto(server, victim, 'Guest', 'GUEST')
  const removed = await signUpInto(server, victim, 'Removed', 'OWNER')
  await endMembership(server, removed)
  const own = await furnish(stranger, 'mine', 'my-key')
  const expired = await expiredToken(server, victim)

  const furnishMore = () => furnish(stranger, 'mine')
  const base = { own, furnishMore, mayWrite: false, mayFollow: false, person: null, actorId: null, sees: [] as Noun[] }
  const programs = await programsOf(stranger)
  const follows = { ...base, person: stranger, mayFollow: true }
  const [another, keyName, agentName, guestName, removedName, expiredName, nobody] = actorNames
  const actors: Actor[] = [
    { ...follows, ...asked(stranger), name: another, actorId: stranger.userId, mayWrite: true },
    { ...follows, ...programs.key, name: keyName },
    { ...follows, ...programs.agent, name: agentName },
    { ...base, ...asked(guest), name: guestName, person: guest, actorId: guest.userId, sees: ['Organization'] },
    { ...base, ...asked(removed), name: removedName },
    { ...base, name: expiredName, client: createTestClient(server.url, () => expired), accessToken: expired },
    { ...base, name: nobody, client: createTestClient(server.url), accessToken: null },
  ]
  return {
    server,
    victim,
    theirs,
    actors,
    secretsFrom: ({ sees }) => [
      canaryText,
      victim.email,
      ...(sees.includes('User') ? [] : [canaryName.toLowerCase()]),
      ...(sees.includes('Organization') ? [] : [canaryOrganization]),
      ...nouns.filter((noun) => !sees.includes(noun)).flatMap((noun) => [theirs[noun], uuidIn(theirs[noun])]),
    ],
    logged,
    secrets: [
      canaryText,
      canaryName,
      canaryOrganization,
      victim.email,
      victim.password,
      ...Object.values(victim.tokens),
      expired,
      programs.key.accessToken,
      programs.agent.accessToken,
    ],
    rows: () =>
      rowsThatMention(
        server,
        nouns.map((noun) => uuidIn(theirs[noun])),
      ),
    close: async () => {
      for (const client of [victim, ...actors.map((actor) => actor.client)]) await client.close()
    },
  }
}

function asked(person: Person) {
  return { client: person, accessToken: person.tokens.accessToken }
}

/** A key and an agent with all that their person may give them. */
async function programsOf(person: Person) {
  const { viewer } = await person.query(ViewerDocument, {})
  const permissions = viewer?.permissions ?? []
  const key = await makeKey(person, { permissions })
  const agent = await makeAgent(person, { permissions })
  const shown = (secret: string, actorId: string) => ({
    ...{ client: programOf(person, secret), accessToken: secret, actorId },
  })
  return { key: shown(key.secret, key.id), agent: shown(await tokenOf(person, agent), agent.id) }
}

/** A project with a page with a block, a chat about it, a key and an agent, all of which say `word`. */
async function furnish(person: Person, word: string, idempotencyKey?: string): Promise<Ids> {
  const { createProject: project } = await person.mutate(CreateProjectDocument, {
    input: {
      name: word,
      description: word,
      settings: { word },
      ...(idempotencyKey !== undefined && { idempotencyKey }),
    },
  })
  if (project.__typename !== 'Project') throw new Error(`The project came to ${JSON.stringify(project)}`)
  const { createPage: page } = await person.mutate(CreatePageDocument, {
    input: { title: word, icon: word, projectId: project.id, ...(idempotencyKey !== undefined && { idempotencyKey }) },
  })
  if (page.__typename !== 'Page') throw new Error(`The page came to ${JSON.stringify(page)}`)
  const [block = ''] = await write(person, page.id, word)
  const session = await openChat(person, { title: word, projectId: project.id })
  const answer = await ask(person, session, 'scenario/words-1', word)
  await watch(person, session.id, { after: session.eventsCursor })
  return {
    User: person.userId,
    Organization: person.organizationId,
    Membership: await membershipIn(person, person),
    Invitation: await invitationOf(person, `invited-${person.email}`),
    DeviceSession: await deviceSessionOf(person),
    AuditEvent: (await person.query(AuditEventsDocument, { first: 1 })).auditEvents.nodes[0]?.id ?? '',
    ApiKey: (await makeKey(person, { name: word })).id,
    Agent: (await makeAgent(person, { displayName: word, idempotencyKey })).id,
    Project: project.id,
    ProjectMember: await memberIdOf(person, project.id),
    Page: page.id,
    Block: block,
    ChatSession: session.id,
    Message: answer,
  }
}

async function memberIdOf(person: Person, id: string): Promise<string> {
  const { project } = await person.query(ProjectDocument, { id })
  return project?.members.nodes[0]?.id ?? ''
}

/** Calls the organization of a person something else than them. */
async function rename(person: Person, name: string): Promise<void> {
  const input = { id: person.organizationId, name, slug: name, expectedVersion: 1 }
  const { updateOrganization: renamed } = await person.mutate(UpdateOrganizationDocument, { input })
  if (renamed.__typename !== 'Organization') throw new Error(`The new name came to ${JSON.stringify(renamed)}`)
}

async function invitationOf(person: Person, email: string): Promise<string> {
  const { inviteMember: invited } = await person.mutate(InviteMemberDocument, { input: { email, role: 'VIEWER' } })
  if (invited.__typename !== 'Invitation') throw new Error(`The invitation came to ${JSON.stringify(invited)}`)
  return invited.id
}

/** Another device of theirs: whoever signs this one out goes on themselves. */
async function deviceSessionOf(person: Person): Promise<string> {
  const elsewhere = await signIn(person, person.email)
  const { viewer } = await elsewhere.query(ViewerDocument, {})
  await elsewhere.close()
  return viewer?.deviceSessions.nodes.find(({ isCurrent }) => isCurrent)?.id ?? ''
}

/** A token that was the victim's an hour ago. */
async function expiredToken(server: TestServer, person: Person): Promise<string> {
  const { platform } = server.app
  const session = await platform.database.unscoped
    .selectFrom('device_session')
    .select('id')
    .where('user_id', '=', uuidIn(person.userId))
    .executeTakeFirstOrThrow()
  const clock = { now: () => new Date(platform.clock.now().getTime() - 3_600_000) }
  return issueAccessToken(
    { ...platform, clock },
    {
      userId: uuidIn(person.userId),
      organizationId: uuidIn(person.organizationId),
      deviceSessionId: session.id,
      role: 'OWNER',
    },
  )
}

/** But for what the sealer makes of the rows of the audit trail, in its own time. */
async function rowsThatMention(server: TestServer, uuids: readonly string[]): Promise<ReadonlySet<string>> {
  const { unscoped } = server.app.platform.database
  const tables = await sql<{ name: string }>`
    select table_name as name from information_schema.tables where table_schema = 'public'
      and table_name not in ('audit_pending', 'audit_seal', 'audit_head') order by 1
  `.execute(unscoped)
  const pattern = uuids.flatMap((uuid) => [uuid, suffixOf(uuid)]).join('|')
  const selects = tables.rows.map(
    ({ name }) => sql`
      select ${name} || ' ' || (to_jsonb(one) - 'last_seen_at')::text as row from ${sql.table(name)} as one where to_jsonb(one)::text ~ ${pattern}
    `,
  )
  const { rows } = await sql<{ row: string }>`${sql.join(selects, sql` union all `)}`.execute(unscoped)
  const ofSealer = /^channel_(head|event) .*\/audit"|^audit_event .*"action": "audit\.head"/
  return new Set(rows.map(({ row }) => row).filter((row) => !ofSealer.test(row)))
}

/** The 26 characters of a UUID in a TypeID, whatever its prefix: the audit trail writes those. */
function suffixOf(uuid: string): string {
  return encodeGlobalId('X', uuid).slice(2)
}

/** An id of the type that nothing has. */
export function randomId(noun: Noun): string {
  return encodeGlobalId(noun, newUuid(new Date()))
}

/** What may stand where an id should: other types', other spellings, none at all. */
export function garbageFor(noun: Noun, theirs: Ids): readonly string[] {
  const uuid = uuidIn(theirs[noun])
  return [
    '',
    'garbage',
    uuid,
    encodeGlobalId(noun === 'Page' ? 'Block' : 'Page', uuid),
    encodeGlobalId('DeviceSession', uuid),
    encodeGlobalId('PageInfo', uuid),
    encodeGlobalId('constructor', uuid),
    theirs[noun].toUpperCase(),
    `${theirs[noun]} `,
    `${theirs[noun]}\0`,
    Buffer.from(`${noun}:${uuid}`).toString('base64'),
    '00000000-0000-0000-0000-000000000000',
    encodeGlobalId(noun, '00000000-0000-0000-0000-000000000000'),
    "' or true --",
    'x'.repeat(10_000),
  ]
}
