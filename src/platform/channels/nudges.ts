import type { Redis } from 'ioredis'
import type { Log } from '../log.ts'
import { connectRedis, disconnectRedis, untilReady } from '../redis.ts'
import { sparingly } from './sparingly.ts'

/**
 * Tells the nodes that a channel's log has grown. A nudge may be silent, lie or repeat itself: it only says when to look.
 * No call throws.
 */
export interface Nudges {
  /** Reaches listeners of this node before it returns, those of other nodes soon or never. */
  publish(heads: readonly { readonly channel: string; readonly seq: number }[]): void
  /** Calls the listener until the returned function is called; the listener must not throw. */
  listen(channel: string, listener: (seq: number) => void): () => void
  /** Resolves once other nodes can be reached. @throws the reason when the first attempt fails; attempts go on. */
  connected(): Promise<void>
  /** Whether other nodes can be reached now. */
  isConnected(): boolean
  close(): Promise<void>
}

/** Where Redis is, and what keeps this product's channels apart from others' on it. */
export interface RedisNudgesOptions {
  readonly redisUrl: string
  readonly keyPrefix: string
  readonly log: Log
}

const HEARTBEAT_MILLIS = 10_000
const MAX_UNANSWERED_PUBLISHES = 1_000
const WARN_PERIOD_MILLIS = 10_000

/** Nudges within this process: for a server that is alone. */
export function createMemoryNudges(): Nudges {
  const local = createLocalListeners()
  return {
    publish: (heads) => {
      for (const { channel, seq } of heads) local.deliver(channel, seq)
    },
    listen: (channel, listener) => {
      local.add(channel, listener)
      return () => void local.remove(channel, listener)
    },
    connected: async () => undefined,
    isConnected: () => true,
    close: async () => local.clear(),
  }
}

/**
 * Nudges between nodes over Redis pub/sub. Connects at once and reconnects for ever; while Redis is away nothing waits for
 * it, nothing is queued, and listeners of this node are still told.
 */
export function createRedisNudges({ redisUrl, keyPrefix, log }: RedisNudgesOptions): Nudges {
  const warn = sparingly(WARN_PERIOD_MILLIS, (error, heldBack) =>
    // The error itself holds the command, and that of a refused log-in the password.
    log.warn({ reason: error instanceof Error ? error.message : String(error), heldBack }, 'nudges over Redis fail'),
  )
  const local = createLocalListeners()
  const connections = [connectRedis(redisUrl, warn), connectRedis(redisUrl, warn)] as const
  const publisher = createPublisher(connections[0], keyPrefix, warn)
  const subscriber = createSubscriber(connections[1], { keyPrefix, warn, local })
  return {
    publish: (heads) => {
      for (const { channel, seq } of heads) local.deliver(channel, seq)
      for (const { channel, seq } of heads) publisher.publish(channel, seq)
    },
    listen: (channel, listener) => {
      if (local.add(channel, listener)) subscriber.subscribe(channel)
      return () => {
        if (local.remove(channel, listener)) subscriber.unsubscribe(channel)
      }
    },
    connected: async () => {
      await Promise.all(connections.map(untilReady))
    },
    isConnected: () => connections.every((redis) => redis.status === 'ready'),
    close: async () => {
      local.clear()
      await Promise.all([publisher.close(), subscriber.close()])
    },
  }
}

function createPublisher(redis: Redis, keyPrefix: string, warn: (error: unknown) => void) {
  let unanswered = 0
  return {
    publish: (channel: string, seq: number): void => {
      if (redis.status !== 'ready' || unanswered >= MAX_UNANSWERED_PUBLISHES) {
        warn(new Error(redis.status === 'ready' ? 'Redis does not answer' : 'Redis is not connected'))
        return
      }
      unanswered++
      redis
        .publish(keyPrefix + channel, String(seq))
        .catch(warn)
        .finally(() => unanswered--)
    },
    close: () => disconnectRedis(redis),
  }
}

interface SubscriberOptions {
  readonly keyPrefix: string
  readonly warn: (error: unknown) => void
  readonly local: LocalListeners
}

function createSubscriber(redis: Redis, { keyPrefix, warn, local }: SubscriberOptions) {
  // Channels that are listened to, and that Redis is not known to have been asked for.
  const missing = new Set<string>()
  const subscribeMissing = () => {
    if (redis.status !== 'ready' || missing.size === 0) return
    const channels = [...missing]
    missing.clear()
    redis.subscribe(...channels.map((channel) => keyPrefix + channel)).catch((error) => {
      for (const channel of channels) if (local.has(channel)) missing.add(channel)
      warn(error)
    })
  }
  redis.on('ready', () => {
    for (const channel of local.channels()) missing.add(channel)
    subscribeMissing()
  })
  redis.on('message', (name: string, message: string) => local.deliver(name.slice(keyPrefix.length), Number(message)))
  // A connection that only listens would never notice that the other side is gone: the socket time-out needs a question.
  const heartbeat = setInterval(() => {
    subscribeMissing()
    if (redis.status === 'ready') redis.ping().catch(warn)
  }, HEARTBEAT_MILLIS).unref()
  return {
    subscribe: (channel: string): void => {
      missing.add(channel)
      subscribeMissing()
    },
    unsubscribe: (channel: string): void => {
      missing.delete(channel)
      if (redis.status === 'ready') redis.unsubscribe(keyPrefix + channel).catch(warn)
    },
    close: () => {
      clearInterval(heartbeat)
      return disconnectRedis(redis)
    },
  }
}

type LocalListeners = ReturnType<typeof createLocalListeners>

/** The listeners of this node; `add` and `remove` tell whether it was the channel's first, or its last. */
function createLocalListeners() {
  const listeners = new Map<string, Set<(seq: number) => void>>()
  return {
    has: (channel: string) => listeners.has(channel),
    channels: () => listeners.keys(),
    clear: () => listeners.clear(),
    add: (channel: string, listener: (seq: number) => void): boolean => {
      const present = listeners.get(channel)
      if (present !== undefined) {
        present.add(listener)
        return false
      }
      listeners.set(channel, new Set([listener]))
      return true
    },
    remove: (channel: string, listener: (seq: number) => void): boolean => {
      const present = listeners.get(channel)
      if (present?.delete(listener) !== true || present.size > 0) return false
      return listeners.delete(channel)
    },
    deliver: (channel: string, seq: number): void => {
      for (const listener of listeners.get(channel) ?? []) listener(seq)
    },
  }
}
