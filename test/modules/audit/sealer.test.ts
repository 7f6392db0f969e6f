import type { Pool } from 'pg'
import { expect } from 'vitest'
import { genesis, headSigner, signHead } from '../../../src/modules/audit/chain.service.ts'
import { createHeadLog, headLine, startSealer } from '../../../src/modules/audit/sealer.service.ts'
import { createLog } from '../../../src/platform/log.ts'
import { newUuid } from '../../../src/platform/uuid.ts'
import { movableClock } from '../../kit/fakes.ts'
import { test } from '../../kit/test.ts'

const signer = headSigner(Buffer.alloc(32, 's'))

function recording() {
  const lines: string[] = []
  const log = createLog({ level: 'info', destination: { write: (line: string) => void lines.push(line) } })
  return { log, told: () => lines.splice(0).map((line) => JSON.parse(line)) }
}

test('the log is told the newest head of a chain, once a minute at most, and none twice', () => {
  const clock = movableClock()
  const { log, told } = recording()
  const heads = createHeadLog({ clock, log })
  const [one, other] = [newUuid(clock.now()), newUuid(clock.now())]
  const grow = (chain: string, seq: number) => {
    const head = signHead(signer, { chain, seq, hash: genesis }, clock.now())
    heads.told(head)
    return { ...headLine(head), level: 'info', msg: 'audit head', time: expect.any(String) }
  }

  grow(one, 1)
  const second = grow(one, 2)
  heads.write()
  expect(told()).toEqual([second])
  heads.write()
  expect(told()).toEqual([])

  grow(one, 3)
  const first = grow(other, 1)
  heads.write()
  expect(told()).toEqual([first])
  clock.advance({ seconds: 59 })
  const fourth = grow(one, 4)
  heads.write()
  expect(told()).toEqual([])
  clock.advance({ seconds: 1 })
  heads.write()
  expect(told()).toEqual([fourth])

  const fifth = grow(one, 5)
  heads.write()
  expect(told()).toEqual([])
  heads.writeAll()
  expect(told()).toEqual([fifth])
})

test('a sealer goes on when the database is back, and is quiet meanwhile', async ({ server }) => {
  const { platform } = server.app
  const { log, told } = recording()
  let attempts = 0
  const away = new Proxy(platform.database.pool, {
    get: (pool, name) => {
      if (name !== 'connect') return Reflect.get(pool, name)
      return async () => {
        attempts += 1
        if (attempts === 1) throw new Error('The database is away')
        return pool.connect()
      }
    },
  }) as Pool
  const stop = startSealer({ ...platform, log, database: { ...platform.database, pool: away } }, signer)
  await expect.poll(() => attempts).toBeGreaterThan(2)
  await stop()
  const lines = told().filter(({ level }) => level === 'warn')
  expect(lines).toMatchObject([
    { msg: 'the audit trail could not be sealed', err: { message: 'The database is away' } },
  ])
})
