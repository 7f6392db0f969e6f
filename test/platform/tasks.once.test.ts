import { expect, test } from 'vitest'
import { Unavailable } from '../../src/platform/errors.ts'
import { createLog } from '../../src/platform/log.ts'
import { createTasks } from '../../src/platform/tasks.ts'

const log = createLog({ level: 'silent' })

test('nobody takes all places, and whoever gives one back may take it again', async () => {
  const tasks = createTasks({ limit: 3, limitEach: 2, log })
  const own = [tasks.reserve('alice'), tasks.reserve('alice')]
  expect(() => tasks.reserve('alice')).toThrow(Unavailable)
  const other = tasks.reserve('bob')
  expect(() => tasks.reserve('cleo')).toThrow(Unavailable)
  own[0]?.release()
  own[0]?.release()
  const again = tasks.reserve('alice')
  expect(() => tasks.reserve('alice')).toThrow(Unavailable)
  const done = Promise.withResolvers<void>()
  again.start('one', () => done.promise)
  again.release()
  expect(() => tasks.reserve('alice')).toThrow(Unavailable)
  done.resolve()
  await expect.poll(() => tasks.reserve('alice')).toBeDefined()
  for (const slot of [own[1], other]) slot?.release()
})
