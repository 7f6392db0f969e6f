import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { type Config, localUrl } from './config.ts'
import './policies.ts'
import { entities } from './entities.ts'
import { jobs as allJobs } from './jobs.ts'
import { openModelHouse } from './model-house.ts'
import { announceCircuits } from './modules/accounts/administration/circuit-announcement.service.ts'
import { accessEpochs } from './modules/accounts/devices/access-epochs.reads.ts'
import { currentViewer } from './modules/accounts/devices/authentication.service.ts'
import { createSessionWatch } from './modules/accounts/devices/session-watch.service.ts'
import { auditDenial } from './modules/audit/audit.service.ts'
import { headSigner } from './modules/audit/chain.service.ts'
import { startSealer } from './modules/audit/sealer.service.ts'
import { readCheckpoints } from './modules/chat/generations/generation.service.ts'
import { startReaper } from './modules/chat/generations/reaper.service.ts'
import { renewVectors } from './modules/chat/search/embedding.jobs.ts'
import { startIndexer } from './modules/chat/search/indexer.service.ts'
import { installVectorIndex } from './modules/chat/search/vector-index.service.ts'
import { type Cache, createCache } from './platform/cache.ts'
import { createRedisTexts } from './platform/cache-redis.ts'
import { createChannels } from './platform/channels/hub.ts'
import { createLiveTexts } from './platform/channels/live-text.ts'
import { createNotices } from './platform/channels/notices.ts'
import { createMemoryNudges, createRedisNudges, type Nudges } from './platform/channels/nudges.ts'
import { createMemoryTokenLog, type TokenLog } from './platform/channels/token-log.ts'
import { createRedisTokenLog } from './platform/channels/token-log-redis.ts'
import { createCircuits } from './platform/circuit.ts'
import { type Clock, systemClock } from './platform/clock.ts'
import type { Platform } from './platform/context.ts'
import { createKeySet } from './platform/crypto/key-set.ts'
import { createPasswords, owaspPasswordCost, type PasswordCost } from './platform/crypto/passwords.ts'
import { createSealedBox, secretFor } from './platform/crypto/sealed-box.ts'
import { secretsIn } from './platform/crypto/secrets.ts'
import { assertMigrated, migrate } from './platform/database/migrations.ts'
import { openStore, type Store } from './platform/database/store.ts'
import type { Embedder } from './platform/embedder.ts'
import { createJobs } from './platform/jobs.ts'
import { createLog, type Log } from './platform/log.ts'
import { createSmtpMailer, type Mailer } from './platform/mailer.ts'
import { createFileMailer } from './platform/mailer-file.ts'
import { createMetrics } from './platform/metrics.ts'
import { createMemoryRateLimits, createRedisRateLimits, type RateLimits } from './platform/rate-limit.ts'
import { ServiceUnreachable } from './platform/service-unreachable.ts'
import { createTasks } from './platform/tasks.ts'
import { closeHttpServer, createHttpServer } from './transport/http.ts'
import { originRule } from './transport/origins.ts'
import { trustRule } from './transport/request-facts.ts'
import { openWebSocketDoor } from './transport/websocket.ts'
import { createEngine } from './transport/yoga.ts'

/** What whoever assembles a server may give it: tests their fakes (clock, mail, log, hashes, vectors), the rest is wiring. */
export interface Overrides {
  readonly clock?: Clock
  readonly mailer?: Mailer
  readonly log?: Log
  readonly passwordCost?: PasswordCost
  /** In place of the configured one, and closed with the server; null is off. */
  readonly embedder?: Embedder | null
  /** Before every Redis key and channel, so that several deployments can share a Redis. */
  readonly keyPrefix?: string
  /** Called when the server cannot go on: the embedded database ended by itself. */
  readonly onFailure?: (error: Error) => void
}

/** One server, assembled. */
export interface App {
  readonly platform: Platform
  /** Binds the configured address and answers where; port 0 becomes a free one. */
  listen(): Promise<{ readonly url: string }>
  /**
   * Stops gracefully: no new work, sockets sent away, requests and then jobs given 5 s each to finish, everything closed.
   * Each step has its limit, the whole has none: `main.ts` does not wait for it longer than 14 s. May be called twice.
   */
  close(): Promise<void>
}

const SMTP_TIMEOUT_MILLIS = 20_000
const DRAIN_MILLIS = 5_000
const ANSWER_DRAIN_MILLIS = 2_000
/** In which the end of an answer gets from the log to who watches it; who is slower hears of it on coming back. */
const TELLING_MILLIS = 250

/** Assembles a server: opens the database, brings it up to date when embedded, starts jobs and channels. Binds no port. */
export async function createApp(config: Config, overrides: Overrides = {}): Promise<App> {
  await using opened = new AsyncDisposableStack()
  const log = overrides.log ?? createLog({ level: config.logLevel })
  const clock = overrides.clock ?? systemClock
  const circuits = createCircuits({ clock, log })
  const store = opened.adopt(
    await openStore({
      databaseUrl: config.services?.databaseUrl ?? null,
      directory: config.dataDir,
      entities,
      log,
      circuits,
      onFailure: overrides.onFailure ?? (() => undefined),
    }),
    (store) => store.close(),
  )
  opened.defer(async () => circuits.close())
  const settings = { ...config.settings }
  const platform = await createPlatform(config, overrides, { log, clock, circuits, store, settings }, opened)

  const stopping = new AbortController()
  const allowsOrigin = originRule(config.corsOrigins)
  const yoga = createEngine(platform, { allowsOrigin })
  const { metricsToken: token } = config
  const metrics = token === null ? null : { ...createMetrics(platform), token }
  const door = { yoga, stopping: stopping.signal, isTrusted: trustRule(config.trustedProxies), metrics }
  const server = createHttpServer(platform, door)
  const sockets = openWebSocketDoor(server, platform, { ...door, allowsOrigin })
  opened.defer(async () => {
    stopping.abort()
    // Answers before their watchers: each ends, or is ended with the text so far, while that can still be told.
    const hadAnswers = await platform.tasks.close({ timeoutMillis: ANSWER_DRAIN_MILLIS })
    if (hadAnswers) await delay(TELLING_MILLIS)
    // Subscriptions first: each says SERVER_RESTART and completes, so that its request can finish.
    await platform.channels.close()
    await sockets.close()
    await closeHttpServer(server, DRAIN_MILLIS)
  })

  const resources = opened.move()
  let closed: Promise<void> | undefined
  return {
    platform,
    listen: () =>
      new Promise((resolve, reject) => {
        server.once('error', reject)
        server.listen(config.port, config.host, () => {
          server.off('error', reject)
          const { port } = server.address() as AddressInfo
          // What port 0 has become is known only now. The issuer of tokens stays: they outlive this process.
          if (settings.publicUrl === localUrl(0)) settings.publicUrl = localUrl(port)
          resolve({ url: `http://${config.host.includes(':') ? `[${config.host}]` : config.host}:${port}` })
        })
      }),
    close: () => {
      closed ??= resources.disposeAsync()
      return closed
    },
  }
}

/** What stands before the rest of the platform. */
interface Ground extends Pick<Platform, 'log' | 'clock' | 'circuits' | 'settings'> {
  readonly store: Store
}

async function createPlatform(
  config: Config,
  overrides: Overrides,
  { log, clock, circuits, store, settings }: Ground,
  opened: AsyncDisposableStack,
): Promise<Platform> {
  const { database, embedded } = store
  const secrets = embedded ? secretsIn(config.dataDir, config.secrets) : givenSecrets(config)
  const jobs = createJobs<Platform>({
    pool: database.pool,
    embedded,
    jobs: allJobs,
    log,
    scope: () => platform,
  })
  await (embedded ? migrate(database.orm) : assertMigrated(database.orm))
  const made = { config, settings, clock, log, circuits, embedder: overrides.embedder }
  const house = openModelHouse(made, opened)
  const { embedder } = house
  if (embedded) {
    await jobs.install()
    await installVectorIndex({ database, embedder, embedded, log })
  }

  const keyPrefix = overrides.keyPrefix ?? 'ocean:'
  const cache = await openCache(config, keyPrefix, clock, log)
  opened.defer(() => cache.close())
  const nudges = await openNudges(config, keyPrefix, log)
  opened.defer(() => nudges.close())
  const notices = createNotices({ database, nudges, clock, log })
  opened.defer(() => notices.close())
  const liveTexts = createLiveTexts({
    tokens: await openTokenLog(config, keyPrefix, clock, log),
    nudges,
    log,
    checkpoints: (ids) => readCheckpoints(database.unscoped, ids),
  })
  opened.defer(() => liveTexts.close())
  const channels = createChannels({ sql: database.unscoped, nudges, log })
  opened.defer(() => channels.close())
  const limits = await openRateLimits(config, keyPrefix, clock, log)
  opened.defer(() => limits.close())
  const mailer = overrides.mailer ?? createMailer(config, log, clock)
  opened.defer(() => mailer.close())

  const { maxPerNode, maxPerPerson } = settings.generations
  const platform: Platform = {
    settings,
    clock,
    log,
    database,
    cache,
    channels,
    nudges,
    notices,
    liveTexts,
    tasks: createTasks({ limit: maxPerNode, limitEach: maxPerPerson, log }),
    circuits,
    ...house,
    jobs,
    limits,
    mailer,
    passwords: createPasswords(overrides.passwordCost ?? owaspPasswordCost),
    signingKeys: createKeySet({
      sql: database.unscoped,
      box: createSealedBox(secrets.SIGNING_KEY_SECRET),
      clock,
      settings,
    }),
    refreshBox: createSealedBox(secrets.REFRESH_TOKEN_SECRET),
    deviceBox: createSealedBox(secretFor('device tokens', secrets.REFRESH_TOKEN_SECRET)),
    linkBox: createSealedBox(secretFor('mailed links', secrets.REFRESH_TOKEN_SECRET)),
    currentViewer: (viewer, projectId) => currentViewer(platform, viewer, projectId),
    accessEpochs,
    watchAccess: (viewer, watcher, signal) => sessions.watch(viewer, watcher, signal),
    recordDenial: auditDenial,
  }
  opened.defer(announceCircuits(platform))
  const sessions = createSessionWatch(platform)
  opened.defer(() => sessions.close())
  await platform.signingKeys.rotate()
  await platform.signingKeys.signer()
  // Stopped after the jobs, whose deeds it seals.
  opened.defer(startSealer(platform, headSigner(secrets.SIGNING_KEY_SECRET)))
  await jobs.start()
  opened.defer(() => jobs.stop({ timeoutMillis: DRAIN_MILLIS }))
  // What is kept of vectors may be of another model than this start's.
  if (embedder !== null) await jobs.enqueue(database.unscoped, renewVectors, {})
  opened.defer(startReaper(platform))
  opened.defer(startIndexer(platform))
  return platform
}

async function openCache({ services, settings }: Config, keyPrefix: string, clock: Clock, log: Log): Promise<Cache> {
  const limits = settings.cache
  if (services === null) return createCache({ limits, shared: null, clock, log })
  const { redisUrl } = services
  const texts = createRedisTexts({ redisUrl, keyPrefix, ttlSeconds: limits.sharedSeconds, clock, log })
  return createCache({ limits, shared: await connected(texts, redisUrl), clock, log })
}

async function openNudges({ services }: Config, keyPrefix: string, log: Log): Promise<Nudges> {
  if (services === null) return createMemoryNudges()
  const { redisUrl } = services
  return connected(createRedisNudges({ redisUrl, keyPrefix, log }), redisUrl)
}

async function openTokenLog({ services }: Config, keyPrefix: string, clock: Clock, log: Log): Promise<TokenLog> {
  if (services === null) return createMemoryTokenLog(clock)
  const { redisUrl } = services
  return connected(createRedisTokenLog({ redisUrl, keyPrefix, clock, log }), redisUrl)
}

async function openRateLimits({ services }: Config, keyPrefix: string, clock: Clock, log: Log): Promise<RateLimits> {
  if (services === null) return createMemoryRateLimits(clock)
  const { redisUrl } = services
  return connected(createRedisRateLimits({ redisUrl, keyPrefix, clock, log }), redisUrl)
}

async function connected<Service extends Pick<Nudges, 'connected' | 'close'>>(
  service: Service,
  redisUrl: string,
): Promise<Service> {
  try {
    await service.connected()
    return service
  } catch (error) {
    await service.close()
    throw new ServiceUnreachable('REDIS_URL', redisUrl, error)
  }
}

function createMailer(config: Config, log: Log, clock: Clock): Mailer {
  const from = config.mailFrom
  return config.smtpUrl === null
    ? createFileMailer({ directory: join(config.dataDir, 'mail'), from, log, clock })
    : createSmtpMailer({ url: config.smtpUrl, from, timeoutMillis: SMTP_TIMEOUT_MILLIS })
}

function givenSecrets({ secrets }: Config) {
  const { SIGNING_KEY_SECRET, REFRESH_TOKEN_SECRET } = secrets
  // The configuration refuses a missing secret beside a real database.
  if (SIGNING_KEY_SECRET === null || REFRESH_TOKEN_SECRET === null) throw new Error('Secrets are missing')
  return { SIGNING_KEY_SECRET, REFRESH_TOKEN_SECRET }
}
