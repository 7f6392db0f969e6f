import { setTimeout as delay } from 'node:timers/promises'
import { Redis } from 'ioredis'
import { Client } from 'pg'

const probeLimitMillis = 2_000

/** Whether a Redis answers PING there within 2 seconds. */
export async function redisAnswers(url: string): Promise<boolean> {
  const redis = new Redis(url, { lazyConnect: true, retryStrategy: () => null, connectTimeout: probeLimitMillis })
  redis.on('error', () => undefined) // told by connect() as well
  // connectTimeout covers the socket only, not the greeting that follows.
  const late = delay(probeLimitMillis, false, { ref: false })
  const asked = redis.connect().then(async () => (await redis.ping()) === 'PONG')
  try {
    return await Promise.race([asked, late])
  } catch {
    return false
  } finally {
    redis.disconnect()
  }
}

/** Whether a Postgres lets the URL's user in and answers a query within 2 seconds each. */
export async function postgresAnswers(url: string): Promise<boolean> {
  const limits = { connectionTimeoutMillis: probeLimitMillis, query_timeout: probeLimitMillis }
  const client = new Client({ connectionString: url, ...limits })
  client.on('error', () => undefined) // told by connect() or query() as well
  try {
    await client.connect()
    await client.query('select 1')
    return true
  } catch {
    return false
  } finally {
    await client.end().catch(() => undefined)
  }
}
