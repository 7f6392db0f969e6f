import { afterAll, beforeAll, expect, test, vi } from 'vitest'
import { currentLane, environmentOf } from '../kit/lane.ts'
import { runToEnd } from '../kit/nodes.ts'
import { copyTemplate } from '../kit/server.ts'

// All of the sample data, by the script as somebody runs it who wants to look around.

vi.setConfig({ testTimeout: 600_000, hookTimeout: 120_000 })

let database: Awaited<ReturnType<typeof copyTemplate>>
beforeAll(async () => {
  database = await copyTemplate()
})
afterAll(async () => {
  await database.remove()
  vi.resetConfig()
})

test('it fills the demo workspace once; where there is none it says so', async () => {
  const env = environmentOf(currentLane, database.name, database.dataDir)
  const first = await runToEnd('importSample', { env, withinMillis: 500_000 })
  if (currentLane === 'services') {
    expect(first).toMatchObject({ code: 1, stdout: '' })
    expect(first.stderr).toContain('There is no demo workspace here')
    return
  }
  expect(first).toMatchObject({ code: 0, stderr: '' })
  console.log(first.stdout.trim().split('\n').at(-1))
  expect(first.stdout).toMatch(/Imported 274 pages, \d{5} blocks, \d+ tags and \d+ links\.\n$/)
  expect(await runToEnd('importSample', { env })).toMatchObject({
    code: 0,
    stdout: 'The articles are there already. Nothing changed.\n',
  })
})
