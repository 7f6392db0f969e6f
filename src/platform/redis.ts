import { Redis } from 'ioredis'

const CONNECT_TIMEOUT_MILLIS = 3_000
const SOCKET_TIMEOUT_MILLIS = 5_000
const MAX_RECONNECT_DELAY_MILLIS = 2_000

/** The longest a command waits for its answer. */
export const COMMAND_TIMEOUT_MILLIS = 2_000

/**
 * Connects at once and reconnects for ever. A command that cannot be sent now fails now: what this product asks of Redis is
 * worth nothing later. `onError` is told every failure of the connection.
 */
export function connectRedis(redisUrl: string, onError: (error: unknown) => void): Redis {
  const redis = new Redis(redisUrl, {
    enableOfflineQueue: false,
    maxRetriesPerRequest: 0,
    autoResendUnfulfilledCommands: false,
    // Left to whoever subscribes: this one leaves its promise, and so its failure, to nobody.
    autoResubscribe: false,
    commandTimeout: COMMAND_TIMEOUT_MILLIS,
    connectTimeout: CONNECT_TIMEOUT_MILLIS,
    socketTimeout: SOCKET_TIMEOUT_MILLIS,
    retryStrategy: (times) =>
      Math.min(50 * 2 ** Math.min(times, 10), MAX_RECONNECT_DELAY_MILLIS) * (0.5 + Math.random() / 2),
  })
  redis.on('error', onError)
  return redis
}

/** Resolves when the connection is ready. @throws what kept it from being so at the next attempt */
export async function untilReady(redis: Redis): Promise<void> {
  if (redis.status === 'ready') return
  const { promise, resolve, reject } = Promise.withResolvers<void>()
  redis.once('ready', resolve).once('error', reject)
  await promise.finally(() => redis.off('ready', resolve).off('error', reject))
}

/** Resolves when the connection has ended, or is given up. */
export async function disconnectRedis(redis: Redis): Promise<void> {
  const ended = Promise.withResolvers<void>()
  const timer = setTimeout(ended.resolve, COMMAND_TIMEOUT_MILLIS)
  redis.once('end', ended.resolve)
  // Between two attempts there is no connection whose end could be awaited.
  if (redis.status === 'reconnecting' || redis.status === 'end') ended.resolve()
  redis.disconnect()
  await ended.promise
  clearTimeout(timer)
}
