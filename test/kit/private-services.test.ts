import { existsSync } from 'node:fs'
import { Redis } from 'ioredis'
import { Client } from 'pg'
import { describe, expect, onTestFinished, test, vi } from 'vitest'
import { findPostgresFolder, findRedisFolder, isInstalled } from './installed-services.ts'
import { type PrivateService, startPrivatePostgres, startPrivateRedis } from './private-services.ts'
import { postgresAnswers, redisAnswers } from './service-probes.ts'

const isRequired = process.env.REQUIRE_SERVICES === '1'

test('a service that is not installed is named in the error', async () => {
  vi.stubEnv('PATH', '/nowhere')
  onTestFinished(() => {
    vi.unstubAllEnvs()
  })
  await expect(startPrivateRedis()).rejects.toThrow(/Redis is not installed.*redis-server/)
})

describe.skipIf(!isRequired && !isInstalled(findRedisFolder))('a private Redis', () => {
  test('is stopped, started, frozen and killed on one port, and leaves nothing behind', async () => {
    const redis = await opened(startPrivateRedis)
    const client = new Redis(redis.url, { retryStrategy: () => null, maxRetriesPerRequest: 0 })
    client.on('error', () => undefined)
    onTestFinished(() => client.disconnect())
    expect(await client.set('key', 'value')).toBe('OK')

    redis.pause()
    let answer: string | null | undefined
    const asked = client.get('key').then((value) => {
      answer = value
    })
    expect(await redisAnswers(redis.url)).toBe(false)
    expect(answer).toBeUndefined()
    redis.resume()
    await asked
    expect(answer).toBe('value')

    const ended = new Promise((resolve) => client.once('end', resolve))
    await redis.kill()
    await ended
    expect(await redisAnswers(redis.url)).toBe(false)
    await redis.start()
    expect(await redisAnswers(redis.url)).toBe(true)
    await redis.stop()
    expect(await redisAnswers(redis.url)).toBe(false)
    expect(existsSync(redis.folder)).toBe(true)
    await redis.start()
    await redis.close()
    expect(await redisAnswers(redis.url)).toBe(false)
    expect(existsSync(redis.folder)).toBe(false)
  })
})

describe.skipIf(!isRequired && !isInstalled(findPostgresFolder))('a private Postgres', () => {
  test('keeps its rows when stopped and killed, freezes with its sessions, and leaves nothing behind', async () => {
    const postgres = await opened(startPrivatePostgres)
    const one = await connected(postgres)
    await one.query('create table kept as select 42 as answer')

    postgres.pause()
    let frozen = true
    const asked = one.query('select answer from kept').then(() => {
      frozen = false
    })
    expect(await postgresAnswers(postgres.url)).toBe(false)
    expect(frozen).toBe(true)
    postgres.resume()
    await asked

    const ended = new Promise((resolve) => one.once('end', resolve))
    await postgres.kill()
    await ended
    expect(await postgresAnswers(postgres.url)).toBe(false)
    await postgres.start()
    await postgres.stop()
    await postgres.start()
    const two = await connected(postgres)
    expect((await two.query('select answer from kept')).rows).toEqual([{ answer: 42 }])
    await two.end()
    await postgres.close()
    expect(await postgresAnswers(postgres.url)).toBe(false)
    expect(existsSync(postgres.folder)).toBe(false)
  })
})

/** Runs the service for the length of the test. */
async function opened(start: () => Promise<PrivateService>): Promise<PrivateService> {
  const service = await start()
  onTestFinished(() => service.close())
  return service
}

async function connected({ url }: PrivateService): Promise<Client> {
  const client = new Client({ connectionString: url })
  client.on('error', () => undefined)
  await client.connect()
  return client
}
