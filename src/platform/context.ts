import type { EntityManager } from '@mikro-orm/postgresql'
import type { Kysely } from 'kysely'
import type { PriceList } from '../lib/price-list.ts'
import type { Grantee } from './access.ts'
import type { Cache } from './cache.ts'
import type { Channels } from './channels/hub.ts'
import type { LiveTexts } from './channels/live-text.ts'
import type { Notices } from './channels/notices.ts'
import type { Nudges } from './channels/nudges.ts'
import type { Circuits } from './circuit.ts'
import type { Clock } from './clock.ts'
import type { KeySet } from './crypto/key-set.ts'
import type { Passwords } from './crypto/passwords.ts'
import type { SealedBox } from './crypto/sealed-box.ts'
import type { Database } from './database/database.ts'
import type { Tables } from './database/tables.ts'
import { type Reader, type TenantReads, tenantReads } from './database/tenant-reads.ts'
import type { Embedder } from './embedder.ts'
import type { Jobs } from './jobs.ts'
import { forgetLoaded } from './loaders.ts'
import type { Log } from './log.ts'
import type { Mailer } from './mailer.ts'
import type { Models } from './models.ts'
import type { Embedders, Providers } from './providers.ts'
import type { RateLimits } from './rate-limit.ts'
import type { Settings } from './settings.ts'
import type { Tasks } from './tasks.ts'

/** Nobody in particular, and why: a client that sent a stale token is told so instead of being taken for a stranger. */
export interface AnonymousViewer {
  readonly kind: 'anonymous'
  readonly reason: string | null
  /** Who it is all the same, by a token of ours that no longer lets them in: for the trail, and for nothing else. */
  readonly known?: { readonly userId: string; readonly organizationId: string }
  /** The session lives on, but its person is no longer a member of the organization it acts in. */
  readonly isRemoved?: true
  /** The session lives on, but was not refreshed for longer than its access tokens are good for. */
  readonly isLapsed?: true
}

/** What everyone who acts has in common: a person, in one organization, whose role decides. */
interface Acting extends Grantee {
  /** Who acts, or whom a key or an agent acts for: whose memberships count. */
  readonly userId: string
  readonly organizationId: string
  /** The access epochs under which this was read: what was known under others is stale. */
  readonly accessVersion: string
  /** The access epoch of the project that was asked about with the viewer; null when none was. */
  readonly projectEpoch: number | null
  /** When the newest access known of ends: that of the token presented, or of a later refresh of the session. */
  readonly accessUntil: Date
}

/** A person signed in on a device, acting in one organization. */
export interface UserViewer extends Acting {
  readonly kind: 'user'
  readonly deviceSessionId: string
  readonly grants: null
}

/** A program that acts as the person who made its key, within the key's scopes. */
export interface ApiKeyViewer extends Acting {
  readonly kind: 'api_key'
  readonly apiKeyId: string
  /** Of the secret it came in with, SHA-256: after a rotation there are two, and the older one ends by itself. */
  readonly secretHash: string
}

/** An agent with a short-lived token, acting for the person who owns it, in its own name. */
export interface AgentViewer extends Acting {
  readonly kind: 'agent'
  readonly agentId: string
  readonly agentTokenId: string
}

/** Somebody signed in, by whatever credential. */
export type ActingViewer = UserViewer | ApiKeyViewer | AgentViewer

/** Who is acting: plain ids, a role and grants, resolved once per unit of work. */
export type Viewer = AnonymousViewer | ActingViewer

/** What a viewer came in with, as text: what is open of one credential ends together. */
export function credentialOf(viewer: ActingViewer): string {
  switch (viewer.kind) {
    case 'user':
      // A device may act in several organizations at once: what it has open in one ends without the others.
      return `device_session/${viewer.deviceSessionId}/${viewer.organizationId}`
    case 'api_key':
      return `api_key/${viewer.apiKeyId}/${viewer.secretHash}`
    case 'agent':
      return `agent_token/${viewer.agentTokenId}`
  }
}

/** Whose name stands under what a viewer makes: the agent's own, else the person's. */
export function authorIdOf(viewer: ActingViewer): string {
  return viewer.kind === 'agent' ? viewer.agentId : viewer.userId
}

/** Somebody who has to know when a viewer's access ends. */
export interface AccessWatcher {
  /** Called once, with who the viewer has become. */
  ended(viewer: AnonymousViewer): void
  /** Called once for each access that is about to lapse: a minute before `at`, unless the session is refreshed. */
  lapsing?(at: Date): void
  /** Called whenever somebody's rights in the organization, or the viewer's own anywhere, may have changed. */
  changed?(): void
}

/** Facts of the request for logs, audit and error messages; nothing in it is proof of identity. */
export interface RequestFacts {
  readonly id: string
  readonly address: string | null
  readonly userAgent: string | null
}

/** What the API keeps in a browser, where its pages cannot read it. */
export type CookieName = 'access' | 'refresh' | 'device'

/** The cookies of one HTTP request and its answer. */
export interface CookieJar {
  /** Whether the request's cookies count and may be changed: only when no other site can have made a browser send it. */
  readonly mayWrite: boolean
  /** What the request brought; null as well when it came more than once, and when `mayWrite` is false. */
  read(name: CookieName): string | null
  /** Of several values for one name the last is sent. @throws when `mayWrite` is false, or the answer has begun */
  write(name: CookieName, value: string, maxAgeSeconds: number): void
  /** Makes the browser forget it; does nothing when `mayWrite` is false. @throws when the answer has begun */
  clear(name: CookieName): void
}

/** The infrastructure of one running server, shared by all its contexts. */
export interface Platform {
  readonly settings: Settings
  readonly clock: Clock
  readonly log: Log
  readonly database: Database
  readonly cache: Cache
  readonly channels: Channels
  readonly nudges: Nudges
  readonly notices: Notices
  readonly liveTexts: LiveTexts
  readonly tasks: Tasks
  /** Of this node: others may see a service otherwise. */
  readonly circuits: Circuits
  readonly models: Models
  readonly prices: PriceList
  readonly providers: Providers
  readonly embedders: Embedders
  /** Null: a search finds words alone. */
  readonly embedder: Embedder | null
  readonly jobs: Jobs
  readonly limits: RateLimits
  readonly mailer: Mailer
  readonly passwords: Passwords
  readonly signingKeys: KeySet
  readonly refreshBox: SealedBox
  /** Seals what tells a device that signed in before from any other. */
  readonly deviceBox: SealedBox
  /** Seals the tokens of mailed links. */
  readonly linkBox: SealedBox
  /**
   * Who a viewer is now: their role today, or anonymous once their session has ended or was not refreshed in time. Asked
   * before every operation on a socket and every live event. With a project, its access epoch is looked at as well.
   */
  readonly currentViewer: (viewer: Viewer, projectId?: string | null) => Promise<Viewer>
  /**
   * Tells within 2 s of the commit, on whatever node, when a viewer's access has ended, and a minute ahead when it will
   * lapse; until the signal aborts or the returned function is called.
   */
  readonly watchAccess: (viewer: ActingViewer, watcher: AccessWatcher, signal: AbortSignal) => () => void
  /** The access epochs of people, organizations and projects as this transaction sees them, by id. */
  readonly accessEpochs: (sql: Kysely<Tables>, ids: EpochIds) => Promise<ReadonlyMap<string, number>>
  /** Writes a refused mutation to the audit trail, in a transaction of its own: the mutation's has rolled back. */
  readonly recordDenial: (ctx: Context, action: string, target: string | null) => Promise<void>
}

/** Whose access epochs are asked for. */
export interface EpochIds {
  readonly userId: string
  readonly organizationId: string
  readonly projectIds: readonly string[]
}

/** Who is acting, in which unit of work, on which infrastructure. One per operation and one per delivered event. */
export interface Context {
  readonly viewer: Viewer
  readonly request: RequestFacts
  /** This operation's identity map, for writes. Throws while the operation's transaction is open: use the one of `tx`. */
  readonly em: EntityManager
  /** Kysely for reads, in the viewer's organization. Throws while the operation's transaction is open. */
  readonly db: TenantReads
  readonly platform: Platform
  /** Null where there is no HTTP answer to come: on sockets, in events and in jobs. */
  readonly cookies: CookieJar | null
  /** Aborts when the client went away. Not when the server stops: what is under way is finished first. */
  readonly signal: AbortSignal
}

/** What a context is made of; HTTP, WebSocket, a job and a test all come through here. */
export interface ContextInput {
  readonly viewer: Viewer
  readonly request: RequestFacts
  readonly signal: AbortSignal
  /** Null unless given. */
  readonly cookies?: CookieJar | null
  /** Who sees what comes of it beside the viewer: what one of them may not read is not read. Nobody unless given. */
  readonly audience?: readonly Reader[]
}

const openTransactions = new WeakSet<Context>()

/** Makes a context; nothing is read or opened until it is used. */
export function createContext(platform: Platform, input: ContextInput): Context {
  let em: EntityManager | undefined
  let db: TenantReads | undefined
  const { audience = [], ...given } = input
  const context: Context = {
    ...given,
    cookies: input.cookies ?? null,
    platform,
    get em() {
      refuseInsideTransaction(context)
      em ??= platform.database.fork()
      return em
    },
    get db() {
      refuseInsideTransaction(context)
      const reader = readerOf(context.viewer)
      if (db === undefined || !isSameReader(db, reader)) db = tenantReads(platform.database.unscoped, reader, audience)
      return db
    },
  }
  return context
}

/**
 * From here on the operation acts as whoever just signed in, so that its answer can show them their own things; or as
 * nobody, once its session has ended.
 */
export function becomeViewer(ctx: Context, viewer: Viewer): void {
  const mutable: { viewer: Viewer } = ctx as { -readonly [Key in keyof Context]: Context[Key] }
  mutable.viewer = viewer
  forgetLoaded(ctx)
}

/** The organization whose rows this viewer can reach at all; null reaches none. */
export function organizationOf(viewer: Viewer): string | null {
  return viewer.kind === 'anonymous' ? null : viewer.organizationId
}

/** Whose eyes reads are made for. */
export function readerOf(viewer: Viewer): Reader {
  if (viewer.kind === 'anonymous') return { organizationId: null, userId: null, role: null }
  return { organizationId: viewer.organizationId, userId: viewer.userId, role: viewer.role }
}

function isSameReader(one: Reader, other: Reader): boolean {
  return one.organizationId === other.organizationId && one.userId === other.userId && one.role === other.role
}

/** The access epochs of the projects whose gates a unit of work has passed, while it is to be held to them. */
const reliedOn = new WeakMap<Context, Map<string, number>>()

/** From here on a transaction of this context is refused whose caller's access has moved since the gate: see `transact`. */
export function holdToGates(ctx: Context): void {
  reliedOn.set(ctx, new Map())
}

/** Ends that. */
export function releaseFromGates(ctx: Context): void {
  reliedOn.delete(ctx)
}

/** Notes that a gate was passed by what a project was under this access epoch. */
export function relyOn(ctx: Context, projectId: string, epoch: number): void {
  reliedOn.get(ctx)?.set(projectId, epoch)
}

/** What a transaction's access goes by, as the gates saw it: epochs by id; null where nothing is to be held to. */
export function epochsReliedOn(ctx: Context): { ids: EpochIds; epochs: ReadonlyMap<string, number> } | null {
  const projects = reliedOn.get(ctx)
  if (projects === undefined || ctx.viewer.kind === 'anonymous') return null
  const { userId, organizationId, accessVersion } = ctx.viewer
  const [actor = '', organization = ''] = accessVersion.split('.')
  const epochs = new Map([...projects, [userId, Number(actor)], [organizationId, Number(organization)]])
  return { ids: { userId, organizationId, projectIds: [...projects.keys()] }, epochs }
}

/** Marks the context's transaction as open until the returned function is called. @throws when one is open already. */
export function holdTransaction(ctx: Context): () => void {
  refuseInsideTransaction(ctx)
  openTransactions.add(ctx)
  return () => void openTransactions.delete(ctx)
}

/** With one connection (embedded) a read beside the open transaction would wait for itself for ever. */
function refuseInsideTransaction(ctx: Context): void {
  if (openTransactions.has(ctx)) throw new Error('The transaction of this context is open: read and write through tx')
}
