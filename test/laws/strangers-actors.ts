import { isGrantable, type Role } from '../../src/platform/access.ts'
import { SuspendUserDocument, ViewerDocument } from '../gql/graphql.ts'
import { createTestClient } from '../kit/client.ts'
import { endMembership, makePlatformAdmin } from '../kit/inside.ts'
import { type Person, signUp, signUpInto } from '../kit/people.ts'
import { makeAgent, makeKey, programOf, tokenOf } from '../kit/programs.ts'
import type { TestServer } from '../kit/server.ts'
import { type Caller, callerOf } from './doors.ts'
import type { Ids, Noun } from './probe.ts'
import { expiredToken, furnish, furnishAll, makeSpendable } from './strangers-furniture.ts'

/** Somebody who is to learn nothing of the victim and to change nothing of theirs. */
export interface Actor extends Caller {
  readonly name: ActorName
  /** Ids the actor may use by right; those of the stranger for whoever has none. */
  readonly own: Ids
  /** The same with new things of these, for a call that spends one of them. */
  readonly furnishMore: (wanted: ReadonlySet<Noun>) => Promise<Ids>
  /** Who it is to the server, or acts for; null for somebody whose credentials do not hold. */
  readonly person: Person | null
  /** Who it is in the trail: a person, let in or not any more, a key or an agent; null for nobody known. */
  readonly actorId: string | null
  /** May do whatever there is in the organization they act in. */
  readonly mayWrite: boolean
  /** Has ids of its own that it may follow: such a stream is not over before it leaves. */
  readonly mayFollow: boolean
  /** Belongs to the victim's organization, and may make things of their own there. */
  readonly isInside: boolean
  /** What of the victim they see by right. */
  readonly sees: readonly Noun[]
  /** Also tries what is no id at all: the same for everybody who is let in, and so for few. */
  readonly triesGarbage: boolean
}

/** Who is on the stage before the actors are. */
export interface Cast {
  readonly server: TestServer
  readonly victim: Person
  /** The owner of another organization, with something of everything. */
  readonly stranger: Person
  readonly own: Ids
}

/** Those of another organization, and those whom nothing lets in. */
export const outsiders = [
  'the owner of another organization',
  'an admin of another organization',
  'an editor of another organization',
  'a viewer of another organization',
  'a key of another organization',
  'an agent of another organization',
  'somebody with an expired token',
  'nobody',
] as const

/** Those who are or were in the organization. */
export const bystanders = [
  'an editor outside the private project',
  'a guest of the organization',
  'a removed member',
  'a suspended member',
] as const

/** A kind of people or programs whose eyes are tried. */
export type ActorName = (typeof outsiders)[number] | (typeof bystanders)[number]

/** Brings an actor on. */
export async function enter(name: ActorName, cast: Cast): Promise<Actor> {
  const { stranger, own } = cast
  const base = {
    name,
    own,
    furnishMore: async (wanted: ReadonlySet<Noun>) => ({
      ...own,
      ...(await makeSpendable(stranger, { word: 'mine' }, wanted)),
    }),
    person: null,
    actorId: null,
    mayWrite: false,
    mayFollow: false,
    isInside: false,
    sees: [],
    triesGarbage: false,
  }
  return { ...base, ...(await entrances[name](cast)) }
}

type Entrance = Caller & Partial<Actor>

const entrances: Readonly<Record<ActorName, (cast: Cast) => Promise<Entrance>>> = {
  'the owner of another organization': async ({ stranger }) => ({
    ...signedIn(stranger),
    mayWrite: true,
    mayFollow: true,
    triesGarbage: true,
  }),
  'an admin of another organization': (cast) => colleague(cast, 'ADMIN'),
  'an editor of another organization': (cast) => colleague(cast, 'EDITOR'),
  'a viewer of another organization': (cast) => colleague(cast, 'VIEWER'),
  'a key of another organization': async ({ stranger }) => {
    const key = await makeKey(stranger, { permissions: await permissionsOf(stranger) })
    return { ...program(stranger, key.secret), actorId: key.id }
  },
  'an agent of another organization': async ({ stranger }) => {
    const agent = await makeAgent(stranger, { permissions: await permissionsOf(stranger) })
    return { ...program(stranger, await tokenOf(stranger, agent)), actorId: agent.id }
  },
  'an editor outside the private project': async ({ server, victim, own }) => {
    const editor = await signUpInto(server, victim, 'Insider', 'EDITOR')
    const sees: Noun[] = ['Organization', 'User', 'Membership', 'Agent', 'Tag']
    const theirOwn = { ...own, ...(await furnish(editor, { word: 'mine' })) }
    const furnishMore = async (wanted: ReadonlySet<Noun>) => ({
      ...theirOwn,
      ...(await makeSpendable(editor, { word: 'mine' }, wanted)),
    })
    return {
      ...signedIn(editor),
      own: theirOwn,
      furnishMore,
      mayFollow: true,
      isInside: true,
      sees,
      triesGarbage: true,
    }
  },
  'a guest of the organization': async ({ server, victim }) => {
    const guest = await signUpInto(server, victim, 'Guest', 'GUEST')
    return { ...signedIn(guest), sees: ['Organization'] }
  },
  'a removed member': async ({ server, victim }) => {
    const removed = await signUpInto(server, victim, 'Removed', 'OWNER')
    await endMembership(server, removed)
    return { ...callerOf(removed, removed.tokens.accessToken), actorId: removed.userId }
  },
  'a suspended member': async ({ server, victim }) => {
    const suspended = await signUpInto(server, victim, 'Suspended', 'ADMIN')
    await suspend(server, suspended)
    return { ...callerOf(suspended, suspended.tokens.accessToken), actorId: suspended.userId }
  },
  'somebody with an expired token': async ({ server, victim }) => {
    const expired = await expiredToken(server, victim)
    return callerOf(
      createTestClient(server.url, () => expired),
      expired,
    )
  },
  nobody: async ({ server }) => callerOf(createTestClient(server.url), null),
}

function signedIn(person: Person): Entrance {
  return { ...callerOf(person, person.tokens.accessToken), person, actorId: person.userId }
}

/** Somebody else in the stranger's organization, with things of their own as far as their role has them. */
async function colleague({ server, stranger, own }: Cast, role: Role): Promise<Entrance> {
  const person = await signUpInto(server, stranger, role.toLowerCase(), role)
  const furniture = { word: 'mine' }
  // A membership of their own they would leave by: that of the owner stays.
  if (role === 'ADMIN') {
    const theirOwn = { ...(await furnishAll(person, furniture)), Membership: own.Membership }
    return { ...signedIn(person), own: theirOwn, mayFollow: true }
  }
  const theirOwn = role === 'EDITOR' ? { ...own, ...(await furnish(person, furniture)) } : own
  return { ...signedIn(person), own: theirOwn, mayFollow: true }
}

function program(person: Person, secret: string): Entrance {
  return { ...callerOf(programOf(person, secret), secret), person, mayFollow: true }
}

/** All that a person may give to a key or an agent. */
async function permissionsOf(person: Person): Promise<string[]> {
  const { viewer } = await person.query(ViewerDocument, {})
  return (viewer?.permissions ?? []).filter(isGrantable)
}

async function suspend(server: TestServer, { userId }: Person): Promise<void> {
  const admin = await signUp(server, 'Admin')
  await makePlatformAdmin(server, admin)
  const { suspendUser } = await admin.mutate(SuspendUserDocument, { input: { id: userId } })
  if (suspendUser.__typename !== 'User') throw new Error(`The suspension came to ${JSON.stringify(suspendUser)}`)
  await admin.close()
}
